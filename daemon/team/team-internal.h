/* What the files of this room know of a team. */
#pragma once

#include "daemon/core/handover.h"
#include "daemon/core/independent.h"
#include "daemon/core/static.h"
#include "daemon/host/world.h"
#include "daemon/team/member.h"
#include "daemon/team/team.h"

struct identity;
struct mode_ops;
struct team_stations;

/* A partner may say that it is in sync before it collects; some collect a tenth of a second later.
 * Until it says so, but no longer than this, in which a LACPDU comes in fast mode, a member that
 * distributes gets no bucket that another one carries. */
#define TEAM_HESITATION (2 * NSEC_PER_SEC)

enum team_phase {
	TEAM_OPENING,
	TEAM_OPEN,
	TEAM_FAILED, /* The device could not be had; tried again when retry_due has come. */
	TEAM_DELETING,
};

/* What a slot of the datapath is used for. Who leaves is taken out of members[] at once, and its
 * slot is free again when the datapath has let go of the device. */
enum team_slot_state {
	TEAM_SLOT_FREE,
	TEAM_SLOT_TAKEN,
	TEAM_SLOT_LEAVING,  /* Sends nothing, and takes what is still on its way, … */
	TEAM_SLOT_REMOVING, /* … until member_remove() is called. */
};

struct team_slot {
	struct team *team;
	enum team_slot_state state;
	int ifindex;       /* Of the device that leaves. */
	nsec_t remove_due; /* LEAVING: when to call it. */
};

struct team_change;

struct team {
	struct host *host;
	struct world *world;
	struct identity *identity;
	struct session_store *sessions;
	struct config_team config;
	const struct mode_ops *mode;
	struct lacp *lacp;              /* Of mode "lacp", which alone uses it; else NULL. */
	struct static_lag static_lag;   /* Of mode "static", likewise. */
	struct independent independent; /* Of mode "switch-independent". */
	struct datapath *datapath;      /* NULL: there is none for it. */
	char datapath_why[256];
	struct datapath_team *device;
	int ifindex;
	struct mac mac;
	bool adopted;
	bool adopting; /* Not all sessions are taken up yet: the words stay as they are. */
	enum team_phase phase;
	nsec_t retry_due;
	char failure[512];
	char hindrance[TEAM_HINDRANCE_SIZE]; /* What others do to its device; "" otherwise. */
	unsigned n_members;
	struct member members[CONFIG_MEMBERS_MAX]; /* They move up when one leaves: what lasts is
						      known by its slot. */
	struct team_slot slots[PLACEMENT_MEMBERS];
	struct team_change *change; /* Under way, else NULL. */
	struct handover handover;
	uint32_t speeds[PLACEMENT_MEMBERS]; /* Of each slot's last link, in Mbit/s; 0: unknown. */
	bool below_min_active;              /* Too few members work: nothing is sent. */
	struct team_stations *stations;     /* NULL: the rules ask for none. */
	struct team_health health;
	nsec_t marker_due; /* When to try again to send a Marker that the limit held back. */
	member_set may_send;
	member_set may_receive;
	int carrier;            /* What the device was told: 0, 1, or -1 for nothing yet. */
	bool dirty;             /* Something changed that team_settle() has to look at. */
	nsec_t hesitation_ends; /* Of a member that distributes and waits for its partner to
				   collect. */
	bool reported;
	enum team_state reported_state;
	void (*deleted)(void *userdata, int r, const struct err *e);
	void *deleted_userdata;
};

/* What a member is, and why. */
struct verdict {
	enum team_member_state state;
	const char *reason;
	char explanation[LACP_EXPLANATION_SIZE];
};

/* Carries out what the mode asks for, then brings placement, carrier, sessions and reports
 * up to date. Called at the end of every input. */
void team_settle(struct team *team);

/* traffic.c: may-send, may-receive, buckets and Markers follow the members' states. */
void team_apply_traffic(struct team *team);
/* The members that carry, and those that would if others did not. */
member_set team_ready(const struct team *team);
/* How many have to carry, or the team is down. */
unsigned team_least_active(const struct team *team);
/* Whether it may send as far as it alone is concerned, and has a link. */
bool member_could_send(const struct member *member);
void team_marker_answered(struct team *team, unsigned slot, bool answered);
void team_traffic_tick(struct team *team, nsec_t now);
nsec_t team_traffic_deadline(const struct team *team);

/* team-open.c */
void team_open(struct team *team);
struct datapath_team_spec team_device_spec(const struct team *team);
/* Whether the datapath can do what the rules ask for. -EOPNOTSUPP. */
int team_check_rules(const struct team *team, const struct datapath_rules *rules, struct err *e);
/* A member that is new, with the slot or PLACEMENT_NONE; 'unchanged': its configuration is the one
 * that ran before. */
void team_init_member(struct team *team, unsigned index, unsigned slot, bool unchanged);
/* Whether this configuration is the one that ran last; notes that it is the one that runs now. */
bool team_note_configuration(struct team *team);

/* team-slot.c: how members get their place in the datapath, and leave it. */

/* A free slot, taken from now on; PLACEMENT_NONE if those that leave still have them all. */
unsigned team_take_slot(struct team *team);
struct member *team_member_of_slot(const struct team_slot *slot);
/* Takes a member out of members[]: it tells the partner, sends nothing more, and goes when what is
 * on its way to it has arrived. */
void team_let_leave(struct team *team, unsigned index);
/* A device that leaves is wanted anew: it goes at once. */
void team_hurry(struct team *team, int ifindex);
/* The slots of those that leave and still receive. */
member_set team_leaving(const struct team *team);
bool team_has_leavers(const struct team *team);
/* The completion of member_remove() for a slot of one that leaves. */
void team_slot_is_free(struct team_slot *slot, int r, const struct err *e);
void team_slots_tick(struct team *team, nsec_t now);
nsec_t team_slots_deadline(const struct team *team);

/* team-change.c */
nsec_t team_change_deadline(const struct team *team);
void team_cancel_change(struct team *team);

/* rules.c: what the datapath has to place the team's frames by. */
struct datapath_rules team_rules(const struct team *team);

/* weights.c: of each slot above 0, by the members' configured weights or their speeds. */
void team_weights(struct team *team, uint32_t weights[static PLACEMENT_MEMBERS]);

/* stations.c: the addresses behind the team device, on which member each is, and that the switches
 * hear of it when one moves. -ENOMEM. */
int team_stations_init(struct team *team);
void team_stations_fini(struct team *team);
/* The device is there, or the rules are others; takes over what the datapath and the bridges know.
 */
void team_stations_opened(struct team *team);
/* In each team_apply_traffic(), when the plan and the words are written: the primary, which members
 * are fit, or their weights may be others. */
void team_stations_settle(struct team *team, const uint32_t weights[static PLACEMENT_MEMBERS]);
/* A link of the host has changed, as team_link_changed(): stations may be behind it. */
void team_stations_link(struct team *team, const struct link *link, const struct link *before);
void team_stations_tick(struct team *team, nsec_t now);
nsec_t team_stations_deadline(const struct team *team);

/* health.c: what is known of the way behind a link that is up, by the configured monitors and of
 * how often it was lost. A member that is not healthy is not used; but the last one is, however bad
 * it is: see health.h. */
bool member_is_healthy(const struct member *member);
/* It is used only because no better one is there. */
bool member_is_last_resort(const struct member *member);
/* The member has a device from now on, or (before it goes) no more. */
void member_health_begin(struct member *member);
void member_health_end(struct member *member);
/* Its link or its settings may have changed. */
void member_health_link(struct member *member);
void member_health_tick(struct member *member, nsec_t now);
nsec_t member_health_deadline(const struct member *member);
/* Why it is not healthy; false if it is. */
bool member_health_judge(const struct member *member, struct verdict *verdict);
/* Looks anew which members are healthy; calls member_health_changed() for those that were not, or
 * are no more, but not for 'but' (NULL: none). */
void team_health_settle(struct team *team, const struct member *but);

/* leftover.c: takes out what the adopted device has and the configuration has not; corrects 'info'.
 */
void team_take_out_leftovers(struct team *team, struct datapath_team_info *info);

/* goodbye.c: tells the partner of a LACP session of the former daemon that the port leaves, if the
 * session is one that the partner still holds to. */
void team_say_goodbye(struct team *team, unsigned slot, const struct session_data *data);

/* view.c: tells listeners and the log of states that changed. */
void team_report(struct team *team);

[[gnu::format(printf, 4, 5)]] void verdict_set(struct verdict *verdict,
					       enum team_member_state state, const char *reason,
					       const char *format, ...);

/* The configured member that a device is: by its name, or because it was that member before it was
 * renamed. */
struct member *team_member_of_device(struct team *team, int ifindex);

struct member *team_member_in_slot(struct team *team, unsigned slot);
nsec_t team_now(const struct team *team);
