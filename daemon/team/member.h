/* One member of a team: the device, from its appearance to its leaving. */
#pragma once

#include "daemon/host/session-store.h"
#include "daemon/team/health.h"
#include "daemon/team/team.h"
#include "lib/base/nsec.h"

#define TEAM_HINDRANCE_SIZE 384

struct link;

/* Where the device stands with the datapath. Only one operation is under way at a time; what has
 * changed meanwhile is looked at when it ends (member_reconcile). */
enum member_attachment {
	MEMBER_ABSENT,
	MEMBER_ADDING,
	MEMBER_ATTACHED,
	MEMBER_REMOVING,
};

struct member {
	struct team *team;
	const struct config_member *config;
	unsigned slot;
	enum member_attachment attachment;
	int ifindex; /* Of the device that is attached or being attached, else 0. */
	struct mac mac;
	uint32_t speed_mbps;
	bool full_duplex;
	bool carrier;       /* As we believe it: the carrier sense is ahead of the kernel's news. */
	bool carrier_shown; /* The device's word has the bit, by our doing. */
	bool lost_by_question; /* The carrier sense saw the loss, the kernel has not told it yet …
				*/
	uint32_t lost_up_count; /* … and told of so many gains when it was seen. */
	uint32_t carrier_up_count;
	uint32_t carrier_down_count;
	nsec_t link_due;  /* When the mode is to be told of the carrier: delays. */
	nsec_t ask_due;   /* When to ask again whether a loss that the kernel never told is over. */
	nsec_t retry_due; /* When to try again to add a device that was refused. */
	int master;       /* What somebody put the device into: its ifindex, or 0. */
	bool has_port;    /* The mode has a port for it. */
	bool link_told;   /* What the mode takes the link for. */
	struct member_health health;
	bool drained;
	bool collecting;
	bool distributing;
	nsec_t distributing_since;
	bool settings_known;                 /* Speed and duplex. */
	bool joined;                         /* Its slow-protocol frames reach us. */
	bool watched;                        /* By the carrier sense, … */
	bool watched_carrying;               /* … as one that carries. */
	char refusal[512];                   /* Why the device could not be added; "" otherwise. */
	char hindrance[TEAM_HINDRANCE_SIZE]; /* What others do to it; "" otherwise. */
	struct session *session;
	enum team_member_state reported_state;
	char reported_reason[32];
	bool fresh; /* Added by the change that is under way. */
};

/* Looks which device the member should have and takes the next step there. */
void member_reconcile(struct member *member);

/* The device has news, or (link NULL) has vanished. */
void member_link_changed(struct member *member, const struct link *link);

/* The carrier sense found the link down, before the kernel told. */
void member_carrier_lost(struct member *member);

/* member_is_healthy() says something else than before. */
void member_health_changed(struct member *member);

/* What others do to the member or to its team has begun or ended. */
void member_hindered(struct member *member);

/* The answer to a question of ours. */
void member_carrier_answer(struct member *member, bool up);

/* Takes over a device that the datapath already has in the member's slot, and goes on as it was if
 * the mode can. */
void member_adopt(struct member *member, int ifindex);

/* Takes the mode's port away; in LACP with a leave PDU if its link is up. */
void member_leave(struct member *member);

void member_tick(struct member *member, nsec_t now);
nsec_t member_deadline(const struct member *member);

/* Has the datapath let go of what is in the slot. */
void member_remove_slot(struct team *team, unsigned slot);

/* The team has another mode from now on: the member goes on under it if that can take it over from
 * 'data', its session under the old one; and, after all members were, has a port in any case. */
void member_take_mode(struct member *member, const struct session_data *data);
void member_join_mode(struct member *member);

/* What must outlive us. */
struct session_data member_session(const struct member *member);

/* Puts what must outlive us into the session store. */
void member_save(struct member *member);

/* Drops the carrier watch and the wish for frames. */
void member_let_go(struct member *member);
