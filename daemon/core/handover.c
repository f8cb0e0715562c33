#include "daemon/core/handover.h"

#include <string.h>

static bool has(member_set set, unsigned slot)
{
	return slot < PLACEMENT_MEMBERS && (set >> slot & 1);
}

void handover_init(struct handover *handover)
{
	*handover = (struct handover){};
	memset(&handover->plan, PLACEMENT_NONE, sizeof(handover->plan));
}

void handover_adopt(struct handover *handover, const struct placement_plan *plan, member_set fit)
{
	handover_init(handover);
	handover->plan = *plan;
	handover->fit = fit;
	/* Nobody knows any more when a hold of the former daemon began: let it run out. */
	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
		handover->held_since[b] = 0;
}

/* Of one that has failed nothing is said: what it had is waiting for it. */
static bool weights_differ(const struct handover *handover, member_set members,
			   const uint32_t weights[static PLACEMENT_MEMBERS])
{
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		if (has(members, slot) && handover->weights[slot] != weights[slot])
			return true;
	return false;
}

/* The orders are fair for all their members and for one failure. */
static bool still_fair(const struct handover *handover, member_set fit,
		       const uint32_t weights[static PLACEMENT_MEMBERS])
{
	member_set failed = handover->planned & ~fit;

	return (fit & ~handover->planned) == 0 && __builtin_popcount(failed) <= 1 &&
	       !weights_differ(handover, handover->planned & fit, weights);
}

/* Holds each bucket that worked and is to work elsewhere, and forgets holds that have no use. */
static void hold_back(struct handover *handover, const uint8_t old_hold[static PLACEMENT_BUCKETS],
		      const uint8_t before[static PLACEMENT_BUCKETS],
		      const nsec_t held_since[static PLACEMENT_BUCKETS], nsec_t now)
{
	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++) {
		handover->plan.hold[b] = PLACEMENT_NONE;
		if (!has(handover->fit, before[b]) ||
		    placement_carrier(&handover->plan, b, handover->fit) == before[b])
			continue;
		handover->plan.hold[b] = before[b];
		handover->held_since[b] = held_since[b] != NSEC_NEVER ? held_since[b] : now;
		/* A Marker that is under way already proves nothing for a hold that begins now. */
		if (held_since[b] == NSEC_NEVER || old_hold[b] != before[b])
			handover->counters[b] = UINT64_MAX;
	}
}

bool handover_change(struct handover *handover, member_set fit,
		     const uint32_t weights[static PLACEMENT_MEMBERS], nsec_t now)
{
	struct placement_plan old = handover->plan;
	uint8_t before[PLACEMENT_BUCKETS];
	nsec_t held_since[PLACEMENT_BUCKETS];
	uint32_t sane[PLACEMENT_MEMBERS];

	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		sane[slot] = weights[slot] ? weights[slot] : 1;
	placement_carriers(&handover->plan, handover->fit, before);
	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
		held_since[b] =
			old.hold[b] == PLACEMENT_NONE ? NSEC_NEVER : handover->held_since[b];
	handover->fit = fit;
	handover->marked &= fit;
	/* Without any fit member the plan stays: who comes back first is not yet known. */
	if (fit && !still_fair(handover, fit, sane)) {
		placement_make(&handover->plan, fit, sane, before);
		handover->planned = fit;
		memcpy(handover->weights, sane, sizeof(sane));
	}
	hold_back(handover, old.hold, before, held_since, now);
	return memcmp(&old, &handover->plan, sizeof(old)) != 0;
}

/* The member to which a bucket that is held is to move. */
static unsigned target(const struct handover *handover, unsigned bucket)
{
	for (unsigned i = 0; i < PLACEMENT_MEMBERS; i++)
		if (has(handover->fit, handover->plan.order[bucket][i]))
			return handover->plan.order[bucket][i];
	return PLACEMENT_NONE;
}

/* Whether the bucket's hold may end. */
static bool is_ending(const struct handover *handover, unsigned bucket)
{
	return handover->plan.hold[bucket] != PLACEMENT_NONE &&
	       !has(handover->waiting, target(handover, bucket));
}

void handover_wait(struct handover *handover, member_set members, nsec_t now)
{
	member_set over = handover->waiting & ~members;

	handover->waiting = members;
	for (unsigned b = 0; over && b < PLACEMENT_BUCKETS; b++) {
		if (handover->plan.hold[b] == PLACEMENT_NONE || !has(over, target(handover, b)))
			continue;
		handover->held_since[b] = now;
		handover->counters[b] = UINT64_MAX;
	}
}

static member_set holding(const struct handover *handover)
{
	member_set set = 0;

	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
		if (is_ending(handover, b))
			set |= (member_set)1 << handover->plan.hold[b];
	return set & handover->fit;
}

member_set handover_unmarked(const struct handover *handover)
{
	return holding(handover) & ~handover->marked;
}

void handover_marked(struct handover *handover, unsigned slot,
		     const uint64_t counters[static PLACEMENT_BUCKETS])
{
	handover->marked |= (member_set)1 << slot;
	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
		if (handover->plan.hold[b] == slot)
			handover->counters[b] = counters[b];
}

bool handover_answered(struct handover *handover, unsigned slot, bool answered,
		       const uint64_t counters[static PLACEMENT_BUCKETS])
{
	bool changed = false;

	if (!has(handover->marked, slot))
		return false;
	handover->marked &= ~((member_set)1 << slot);
	for (unsigned b = 0; answered && b < PLACEMENT_BUCKETS; b++) {
		if (handover->plan.hold[b] != slot || handover->counters[b] != counters[b] ||
		    !is_ending(handover, b))
			continue;
		handover->plan.hold[b] = PLACEMENT_NONE;
		handover->moved_in_order++;
		changed = true;
	}
	return changed;
}

bool handover_tick(struct handover *handover, nsec_t now)
{
	bool changed = false;

	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++) {
		if (!is_ending(handover, b) ||
		    now < nsec_add(handover->held_since[b], HANDOVER_TIMEOUT))
			continue;
		handover->plan.hold[b] = PLACEMENT_NONE;
		handover->moved_unproven++;
		changed = true;
	}
	return changed;
}

nsec_t handover_deadline(const struct handover *handover)
{
	nsec_t deadline = NSEC_NEVER;

	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
		if (is_ending(handover, b))
			deadline = nsec_min(deadline,
					    nsec_add(handover->held_since[b], HANDOVER_TIMEOUT));
	return deadline;
}
