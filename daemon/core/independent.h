/* The members of one switch-independent team: which of them carry, which stand by, and which is the
 * primary. PURE, with inputs, actions and a deadline as core/lacp/lacp.h has them:
 * independent_next_action() until it has none after each input, then independent_deadline(). A
 * struct independent owns nothing.
 *
 * As many members carry at once as are not configured as standby. Places that such members leave
 * empty are filled from all that work, in the order preferred, not standby, priority, slot. One
 * that works again takes its place back as the policy has it: at once, when it has been up for the
 * delay, or (never) not before one that carries fails. Neither policy nor delay holds for a member
 * whose link comes up for the first time, nor for what an administrator changes. The primary is the
 * first of those that carry, and gives the role back by the same policy. */
#pragma once

#include "daemon/core/lacp-neighbour.h"
#include "daemon/core/placement.h"
#include "lib/base/nsec.h"
#include "lib/base/span.h"

#include <stdbool.h>
#include <stdint.h>

/* How long one that carries no more still receives: what is under way to it is not lost while the
 * switches learn the new place of its addresses. */
#define INDEPENDENT_LINGER NSEC_PER_SEC

/* How long standbys wait for the others when a team begins. */
#define INDEPENDENT_PATIENCE NSEC_PER_SEC

struct independent_policy {
	unsigned places; /* How many members are to carry at once. */
	bool never_back;
	nsec_t back_delay;
	/* One that carried may go on as soon as its link is back, if nobody has its place. */
	bool keeps;
};

struct independent_settings {
	bool standby;
	bool preferred;    /* Before all others. */
	uint16_t priority; /* The smaller, the earlier. */
	bool drained;      /* Carries nothing and has no place; receives if it did. */
};

/* What a port was under another process. */
struct independent_past {
	bool known; /* False: there was none. */
	bool carried;
	bool primary;
};

struct independent_port {
	bool exists;
	struct independent_settings settings;
	bool link_up;
	bool returned; /* Its link was lost before. */
	nsec_t up_since;
	bool carries;
	nsec_t lingers_until; /* NSEC_NEVER: does not. */
};

enum independent_action_type {
	INDEPENDENT_ACTION_PORT,    /* 'carries' and 'accepts' are now these. */
	INDEPENDENT_ACTION_PRIMARY, /* independent_primary() is another one. */
	INDEPENDENT_ACTION_PARTNER, /* What is known of a partner that speaks LACP is another … */
	INDEPENDENT_ACTION_NOTE,    /* … and one that was not told of on this port before. */
};

struct independent_action {
	enum independent_action_type type;
	unsigned slot; /* Of a primary: its own, PLACEMENT_NONE for nobody. */
	bool carries;
	bool accepts; /* Frames are to be taken from it. */
};

/* Why a port does not carry. */
enum independent_reason {
	INDEPENDENT_CARRIES,
	INDEPENDENT_NO_LINK,
	INDEPENDENT_DRAINED,
	INDEPENDENT_STANDS_BY,
	INDEPENDENT_WAITS,   /* It is to take its place back when the delay has passed, … */
	INDEPENDENT_NOT_YET, /* … or when one that carries fails. */
};

struct independent {
	struct independent_policy policy;
	struct independent_port ports[PLACEMENT_MEMBERS];
	struct placement_role primary; /* 'hold': who is it now. */
	nsec_t also_until;
	nsec_t now;           /* Of the last input. */
	nsec_t patience_ends; /* NSEC_NEVER: nothing has begun yet. */
	bool stale;           /* Something changed that has not been weighed yet. */
	bool ordered;         /* … by an administrator. */
	member_set leaving;   /* Taken out with their links up. */
	member_set changed;
	bool primary_changed;
	struct lacp_neighbours neighbours;
};

void independent_init(struct independent *team, const struct independent_policy *policy);

/* Changes the policy; nothing if it is the same. */
void independent_set_policy(struct independent *team, const struct independent_policy *policy,
			    nsec_t now);

/* Adds a port, its link down. One with a past goes on as it was as soon as its link is told of. */
void independent_port_add(struct independent *team, unsigned slot,
			  const struct independent_settings *settings,
			  const struct independent_past *past, nsec_t now);
void independent_port_remove(struct independent *team, unsigned slot, nsec_t now);

/* Changes the settings, at once whatever the fail-back policy is; nothing if they are the same. */
void independent_port_set(struct independent *team, unsigned slot,
			  const struct independent_settings *settings, nsec_t now);

/* The port's link, or the way behind it. */
void independent_port_link(struct independent *team, unsigned slot, bool up, nsec_t now);

/* A slow-protocol frame's payload, from the subtype octet on. Only well-formed LACPDUs count. */
void independent_receive(struct independent *team, unsigned slot, struct span payload, nsec_t now);

void independent_tick(struct independent *team, nsec_t now);
nsec_t independent_deadline(const struct independent *team);

/* Takes the next action; false when there is none. Several inputs before it count as one: what
 * they came to is weighed here. Ports come first, then the primary. */
bool independent_next_action(struct independent *team, struct independent_action *action);

/* The primary, its successors, and who was it until a moment ago. */
const struct placement_role *independent_primary(const struct independent *team);

enum independent_reason independent_reason(const struct independent *team, unsigned slot);
