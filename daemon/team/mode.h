/* What a team needs of its mode: the rules by which links are agreed on with the switch. The team
 * calls this table and does not know which mode it has; a mode feeds its part of the pure core with
 * what happens and carries out what that decides, above all member->collecting and
 * member->distributing, after which it sets team->dirty.
 *
 * A method that may be NULL says so, with what that means; the functions below look after it. */
#pragma once

#include "daemon/core/lacp/lacp.h"
#include "daemon/team/team-internal.h"

struct mode_ops {
	/* While no daemon lives, a link that comes back may carry again by the kernel's own
	 * decision. */
	bool carrier_returns;

	/* What is logged of a member that was adopted. */
	const char *goes_on;
	const char *begins_anew;

	/* Makes what the mode keeps for the team, whose configuration is there. -ENOMEM. When the
	 * mode changes at run time, init() of the new one comes before fini() of the old one: a
	 * mode keeps nothing that is another's. */
	int (*init)(struct team *team);
	void (*fini)(struct team *team);

	/* The team's configuration is another one, of the same mode; its members have the slots
	 * that they had. What need not change stays as it is. NULL: everything is looked up when it
	 * is needed. */
	void (*configured)(struct team *team);

	/* The member has a device from now on, its link down. */
	void (*port_add)(struct member *member);

	/* The device goes; the partner is told, if there is one that listens. */
	void (*port_remove)(struct member *member);

	/* The link as it is after the configured delays; also when only its speed changed. */
	void (*port_link)(struct member *member, bool up);

	/* In place of port_add(): a device that was in the team when the daemon started; 'data' is
	 * what was saved of it (data->saved false: nothing). Makes it go on as it was, sets
	 * has_port and all that is known of the link, and returns true; or says why not, in words.
	 * Whether it has a port then, has_port tells. */
	bool (*port_adopt)(struct member *member, const struct link *link,
			   const struct session_data *data, const char **why);

	/* Adds to what outlives a kill. NULL: nothing. */
	void (*port_save)(const struct member *member, struct session_data *data);

	/* Whether frames are to be taken from the member. */
	bool (*port_accepts)(const struct member *member);

	/* Whether the other end takes what is sent to it. NULL: nobody could know, so yes. */
	bool (*partner_collects)(const struct member *member);

	/* Sends a Marker, as lacp_marker_send(); false: not now. NULL: there are none. */
	bool (*marker_send)(struct member *member);

	/* A slow-protocol frame, as lacp_receive() has it. */
	void (*receive)(struct member *member, const struct mac *source, struct span payload);

	/* As lacp_receive_foreign(). NULL: of no interest. */
	void (*receive_foreign)(struct member *member, bool illegal);

	/* Carries out what the core asks for. */
	void (*drain_actions)(struct team *team);
	void (*tick)(struct team *team, nsec_t now);
	nsec_t (*deadline)(const struct team *team);

	/* Whether the member would carry if others did not. NULL: who can carry does. */
	bool (*stands_ready)(const struct member *member);

	/* Who is the primary, and who are its successors. NULL: there is none. */
	const struct placement_role *(*primary)(const struct team *team);

	/* Why the member does not carry although it has a link; or, if it distributes, what
	 * somebody should look into all the same: then the state stays active. */
	void (*judge)(const struct member *member, struct verdict *verdict);

	/* Adds the mode's own part. NULL: there is none. */
	void (*fill_view)(const struct team *team, struct team_view *view);
	void (*fill_member_view)(const struct member *member, struct team_member_view *view);

	/* As team_member_trace(). NULL: there is nothing to trace. */
	size_t (*trace)(const struct member *member, uint64_t after,
			struct lacp_trace_entry *entries, size_t n);
};

extern const struct mode_ops mode_lacp;
extern const struct mode_ops mode_static;
extern const struct mode_ops mode_independent;

/* adopt.c: for modes without a session. */

/* The part of port_adopt() that looks at the link. True: it is up and the member goes on as it was;
 * the mode has to make its port in any case. */
bool mode_adopt_link(struct member *member, const struct link *link,
		     const struct session_data *data, const char **why);

/* Whether the switch's port speaks LACP to a team that does not; 'remedy': what to do, as the rest
 * of a sentence. */
bool mode_judge_neighbour(const struct member *member, const struct lacp_neighbour *neighbour,
			  const char *remedy, struct verdict *verdict);

/* Logs what the mode has to say of the member. */
void mode_warn(const struct member *member);

static inline const struct mode_ops *mode_of(enum config_mode mode)
{
	switch (mode) {
	case CONFIG_MODE_LACP:
		return &mode_lacp;
	case CONFIG_MODE_STATIC:
		return &mode_static;
	case CONFIG_MODE_INDEPENDENT:
		return &mode_independent;
	}
	return NULL;
}

static inline void mode_port_save(const struct member *member, struct session_data *data)
{
	if (member->team->mode->port_save && member->has_port)
		member->team->mode->port_save(member, data);
}

static inline void mode_configured(struct team *team)
{
	if (team->mode->configured)
		team->mode->configured(team);
}

static inline bool mode_partner_collects(const struct member *member)
{
	const struct mode_ops *mode = member->team->mode;

	return !mode->partner_collects || mode->partner_collects(member);
}

static inline void mode_receive_foreign(struct member *member, bool illegal)
{
	if (member->team->mode->receive_foreign && member->has_port)
		member->team->mode->receive_foreign(member, illegal);
}

static inline void mode_fill_view(const struct team *team, struct team_view *view)
{
	if (team->mode->fill_view)
		team->mode->fill_view(team, view);
}

static inline void mode_fill_member_view(const struct member *member, struct team_member_view *view)
{
	if (member->team->mode->fill_member_view && member->has_port)
		member->team->mode->fill_member_view(member, view);
}

static inline bool mode_stands_ready(const struct member *member)
{
	const struct mode_ops *mode = member->team->mode;

	return mode->stands_ready && member->has_port && mode->stands_ready(member);
}

static inline const struct placement_role *mode_primary(const struct team *team)
{
	return team->mode->primary ? team->mode->primary(team) : NULL;
}

static inline size_t mode_trace(const struct member *member, uint64_t after,
				struct lacp_trace_entry *entries, size_t n)
{
	const struct mode_ops *mode = member->team->mode;

	return mode->trace && member->has_port ? mode->trace(member, after, entries, n) : 0;
}
