/* How buckets move between members that both work, so that no frame overtakes another. PURE.
 *
 * A bucket that is to move is held where it is. A Marker (IEEE 802.1AX 6.5) goes out on that
 * member; when it is answered, everything sent before it has arrived, and if the bucket's counter
 * has not moved since the Marker left the hold is released. While the bucket goes on sending, the
 * next Marker tries again; after HANDOVER_TIMEOUT it moves without proof. Buckets of a member that
 * failed are never held: they have moved already. */
#pragma once

#include "daemon/core/placement.h"
#include "lib/base/nsec.h"

#define HANDOVER_TIMEOUT NSEC_PER_SEC

struct handover {
	struct placement_plan plan;
	member_set planned; /* The members that the plan's orders are for. */
	uint32_t weights[PLACEMENT_MEMBERS];
	member_set fit;
	nsec_t held_since[PLACEMENT_BUCKETS];
	member_set waiting;                   /* Buckets that are to move to these wait longer. */
	member_set marked;                    /* A Marker is under way on these members; … */
	uint64_t counters[PLACEMENT_BUCKETS]; /* … the held buckets' counters when it left. */
	uint64_t moved_in_order;
	uint64_t moved_unproven;
};

void handover_init(struct handover *handover);

/* Goes on with the plan that a datapath carried out before, while 'fit' were fit. */
void handover_adopt(struct handover *handover, const struct placement_plan *plan, member_set fit);

/* The members that are fit now and their weights (0 counts as 1; those of others are of no
 * interest). Makes a new plan where the old one's promise of fairness ends: a member is new, a
 * weight changed, or two have failed. Then only the buckets of the failed move, or those that a new
 * member or a new weight takes.
 * Returns whether the plan is another one and has to be written: before a member that is new in
 * 'fit' may send. */
bool handover_change(struct handover *handover, member_set fit,
		     const uint32_t weights[static PLACEMENT_MEMBERS], nsec_t now);

/* Buckets that are held and are to move to one of these members stay held, without Markers and
 * without end, until another call lets them go on; they move there at once if what holds them
 * fails. To be called before handover_change(). */
void handover_wait(struct handover *handover, member_set members, nsec_t now);

/* The members that wait for a Marker to be sent. */
member_set handover_unmarked(const struct handover *handover);

/* A Marker leaves on 'slot'; 'counters' are the buckets' frames sent so far, read before it left.
 */
void handover_marked(struct handover *handover, unsigned slot,
		     const uint64_t counters[static PLACEMENT_BUCKETS]);

/* The Marker on 'slot' was answered, or (false) was not. 'counters' are as of now. Returns whether
 * the plan has to be written. */
bool handover_answered(struct handover *handover, unsigned slot, bool answered,
		       const uint64_t counters[static PLACEMENT_BUCKETS]);

/* Releases what was held for too long; returns whether the plan has to be written. */
bool handover_tick(struct handover *handover, nsec_t now);
nsec_t handover_deadline(const struct handover *handover);
