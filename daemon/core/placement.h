/* Which member carries which of the 256 buckets. PURE.
 *
 * A plan gives each bucket an order of preference over the team's members and perhaps a hold. A
 * datapath sends a bucket to its hold if that member is fit, else to the first fit member of its
 * order; so a failure is one bit somewhere else, and moves only what the failed member carried. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PLACEMENT_BUCKETS 256
#define PLACEMENT_MEMBERS 32
#define PLACEMENT_NONE 0xff /* No member: the rest of an order, or no hold. */

/* One bit for each slot. */
typedef uint32_t member_set;

/* What falls to one member for the whole team. */
struct placement_role {
	uint8_t order[PLACEMENT_MEMBERS]; /* Slots, best first, then NONE. */
	uint8_t hold;                     /* A slot, or NONE. */
	uint8_t also;                     /* Had it until a moment ago, and works; or NONE. */
};

struct placement_plan {
	uint8_t order[PLACEMENT_BUCKETS][PLACEMENT_MEMBERS]; /* Slots, best first, then NONE. */
	uint8_t hold[PLACEMENT_BUCKETS];                     /* A slot, or NONE. */
	/* The primary of a switch-independent team, likewise; NONE elsewhere. */
	uint8_t primary[PLACEMENT_MEMBERS];
	uint8_t primary_hold;
	uint8_t primary_also; /* Was it until a moment ago, and still receives what is for the team.
			       */
	uint8_t reserved[6];  /* NONE. */
};

/* Makes the orders for the members in 'members', whose shares are as 'weights' (of each slot, above
 * 0 for those members; e.g. speeds in Mbit/s). Each member has its share within one bucket with all
 * members; after any one failure too, but for rare mixes of many members of unlike speeds, where it
 * may be 1.1 buckets; after any two, within two buckets for members of one speed. Of the buckets'
 * members in 'previous' (slots, NONE where a bucket has none yet) as many stay as fairness allows.
 * All holds become NONE; the primary stays as it is. Takes about a millisecond for 32 members. */
void placement_make(struct placement_plan *plan, member_set members,
		    const uint32_t weights[static PLACEMENT_MEMBERS],
		    const uint8_t previous[static PLACEMENT_BUCKETS]);

/* The slot that carries 'bucket' while the members in 'fit' are fit, or PLACEMENT_NONE. */
uint8_t placement_carrier(const struct placement_plan *plan, unsigned bucket, member_set fit);

/* placement_carrier() of every bucket. */
void placement_carriers(const struct placement_plan *plan, member_set fit,
			uint8_t carriers[static PLACEMENT_BUCKETS]);

/* Writes the primary into the plan; NULL: there is none. Returns whether it was another one. */
bool placement_set_primary(struct placement_plan *plan, const struct placement_role *primary);

/* The slot of the primary while the members in 'fit' are fit (may receive, and have a link), or
 * PLACEMENT_NONE. */
uint8_t placement_primary(const struct placement_plan *plan, member_set fit);
