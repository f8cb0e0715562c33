/* Shares are apportioned by largest remainder above a lower bound. The bound is what the members
 * have already: so the first choices make fair shares, the second choices make fair shares of what
 * any one failure leaves behind, and the third choices of what any two leave, and nothing but the
 * buckets of the failed has to move. */
#include "daemon/core/placement.h"

#include <assert.h>
#include <string.h>

struct shares {
	unsigned n[PLACEMENT_MEMBERS];
};

static bool has(member_set set, unsigned slot)
{
	return set >> slot & 1;
}

static member_set only(unsigned slot)
{
	return (member_set)1 << slot;
}

/* The member in 'members' of the largest value; lower slots win ties. PLACEMENT_MEMBERS if none is
 * above 'floor'. */
static unsigned largest(member_set members, const int64_t values[static PLACEMENT_MEMBERS],
			int64_t floor)
{
	unsigned best = PLACEMENT_MEMBERS;

	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		if (has(members, slot) && values[slot] > floor &&
		    (best == PLACEMENT_MEMBERS || values[slot] > values[best]))
			best = slot;
	return best;
}

/* What each of 'members' is to have at least, and what it lacks to its exact share, times the total
 * weight. */
struct account {
	struct shares shares;
	int64_t lacking[PLACEMENT_MEMBERS];
	int64_t total;
	unsigned given;
};

static void give(struct account *account, unsigned slot)
{
	account->shares.n[slot]++;
	account->lacking[slot] -= account->total;
	account->given++;
}

static void take_back(struct account *account, unsigned slot)
{
	account->shares.n[slot]--;
	account->lacking[slot] += account->total;
	account->given--;
}

static struct account open_account(member_set members,
				   const uint32_t weights[static PLACEMENT_MEMBERS],
				   const struct shares *least)
{
	struct account account = {};

	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		account.total += has(members, slot) ? weights[slot] : 0;
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++) {
		int64_t exact = (int64_t)weights[slot] * PLACEMENT_BUCKETS;
		unsigned whole;

		if (!has(members, slot))
			continue;
		whole = (unsigned)(exact / account.total);
		account.shares.n[slot] = whole > least->n[slot] ? whole : least->n[slot];
		account.lacking[slot] = exact - account.shares.n[slot] * account.total;
		account.given += account.shares.n[slot];
	}
	return account;
}

/* Of what does not go evenly, those get more first who have it already. */
static void let_keep(struct account *account, member_set members, const struct shares *have)
{
	member_set keepers = 0;

	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		if (has(members, slot) && have->n[slot] > account->shares.n[slot])
			keepers |= only(slot);
	while (account->given < PLACEMENT_BUCKETS) {
		unsigned slot = largest(keepers, account->lacking, 0);

		if (slot == PLACEMENT_MEMBERS)
			return;
		give(account, slot);
		keepers &= ~only(slot);
	}
}

/* All buckets among 'members' (not empty), each at least its part in 'least' (together no more than
 * all), and where that is as fair no less than in 'have'. */
static struct shares apportion(member_set members, const uint32_t weights[static PLACEMENT_MEMBERS],
			       const struct shares *least, const struct shares *have)
{
	struct account account = open_account(members, weights, least);

	let_keep(&account, members, have);
	while (account.given < PLACEMENT_BUCKETS)
		give(&account, largest(members, account.lacking, INT64_MIN));
	while (account.given > PLACEMENT_BUCKETS) {
		int64_t spare[PLACEMENT_MEMBERS];
		unsigned slot;

		for (slot = 0; slot < PLACEMENT_MEMBERS; slot++)
			spare[slot] = account.shares.n[slot] > least->n[slot]
					      ? -account.lacking[slot]
					      : INT64_MIN;
		slot = largest(members, spare, INT64_MIN);
		assert(slot < PLACEMENT_MEMBERS);
		take_back(&account, slot);
	}
	return account.shares;
}

/* The next of 'shares', and one less of it: neighbouring buckets do not all go to one member. */
static uint8_t take(struct shares *shares)
{
	unsigned best = 0;

	for (unsigned slot = 1; slot < PLACEMENT_MEMBERS; slot++)
		if (shares->n[slot] > shares->n[best])
			best = slot;
	assert(shares->n[best]);
	shares->n[best]--;
	return (uint8_t)best;
}

/* Choices already made stay, as far as shares allow. */
static void choose_first(struct placement_plan *plan, member_set members,
			 const uint32_t weights[static PLACEMENT_MEMBERS],
			 const uint8_t previous[static PLACEMENT_BUCKETS])
{
	struct shares have = {}, left;

	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
		if (previous[b] < PLACEMENT_MEMBERS)
			have.n[previous[b]]++;
	left = apportion(members, weights, &(struct shares){}, &have);
	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++) {
		uint8_t slot = previous[b];

		if (slot >= PLACEMENT_MEMBERS || !has(members, slot) || !left.n[slot])
			continue;
		left.n[slot]--;
		plan->order[b][0] = slot;
	}
	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
		if (plan->order[b][0] == PLACEMENT_NONE)
			plan->order[b][0] = take(&left);
}

/* The first 'depth' choices of a bucket that are in 'members', or PLACEMENT_NONE if all have
 * failed. */
static uint8_t first_of(const struct placement_plan *plan, unsigned bucket, unsigned depth,
			member_set members)
{
	for (unsigned i = 0; i < depth; i++)
		if (has(members, plan->order[bucket][i]))
			return plan->order[bucket][i];
	return PLACEMENT_NONE;
}

/* The choices at 'depth' of the buckets whose earlier ones are just the 'failed': what the others
 * lack to their shares without them. */
static void choose_after(struct placement_plan *plan, unsigned depth, member_set failed,
			 member_set others, const uint32_t weights[static PLACEMENT_MEMBERS])
{
	struct shares have = {}, lacking;

	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++) {
		uint8_t slot = first_of(plan, b, depth, ~failed);

		if (slot != PLACEMENT_NONE)
			have.n[slot]++;
	}
	lacking = apportion(others, weights, &have, &(struct shares){});
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		lacking.n[slot] -= has(others, slot) ? have.n[slot] : 0;
	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
		if (first_of(plan, b, depth, ~failed) == PLACEMENT_NONE)
			plan->order[b][depth] = take(&lacking);
}

static void choose_second(struct placement_plan *plan, member_set members,
			  const uint32_t weights[static PLACEMENT_MEMBERS])
{
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		if (has(members, slot))
			choose_after(plan, 1, only(slot), members & ~only(slot), weights);
}

static void choose_third(struct placement_plan *plan, member_set members,
			 const uint32_t weights[static PLACEMENT_MEMBERS])
{
	for (unsigned a = 0; a < PLACEMENT_MEMBERS; a++)
		for (unsigned b = a + 1; b < PLACEMENT_MEMBERS; b++)
			if (has(members, a) && has(members, b))
				choose_after(plan, 2, only(a) | only(b),
					     members & ~only(a) & ~only(b), weights);
}

/* Whether one more of weight 'a', having 'n_a', is more due than one more of 'b'. */
static bool more_due(uint32_t a, unsigned n_a, uint32_t b, unsigned n_b)
{
	return (uint64_t)a * (n_b + 1) > (uint64_t)b * (n_a + 1);
}

/* Deeper choices: there are too many sets of failures to be fair to each; of the buckets that lose
 * the same member last, the others get parts by weight. */
static void choose_deeper(struct placement_plan *plan, unsigned depth, member_set members,
			  const uint32_t weights[static PLACEMENT_MEMBERS])
{
	unsigned given[PLACEMENT_MEMBERS][PLACEMENT_MEMBERS] = {};

	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++) {
		unsigned last = plan->order[b][depth - 1], best = PLACEMENT_MEMBERS;
		member_set open = members;

		for (unsigned i = 0; i < depth; i++)
			open &= ~only(plan->order[b][i]);
		for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
			if (has(open, slot) && (best == PLACEMENT_MEMBERS ||
						more_due(weights[slot], given[last][slot],
							 weights[best], given[last][best])))
				best = slot;
		given[last][best]++;
		plan->order[b][depth] = (uint8_t)best;
	}
}

void placement_make(struct placement_plan *plan, member_set members,
		    const uint32_t weights[static PLACEMENT_MEMBERS],
		    const uint8_t previous[static PLACEMENT_BUCKETS])
{
	unsigned n = (unsigned)__builtin_popcount(members);

	memset(plan->order, PLACEMENT_NONE, sizeof(plan->order));
	memset(plan->hold, PLACEMENT_NONE, sizeof(plan->hold));
	if (n > 0)
		choose_first(plan, members, weights, previous);
	if (n > 1)
		choose_second(plan, members, weights);
	if (n > 2)
		choose_third(plan, members, weights);
	for (unsigned depth = 3; depth < n; depth++)
		choose_deeper(plan, depth, members, weights);
}

static uint8_t first_fit(const uint8_t order[static PLACEMENT_MEMBERS], uint8_t hold,
			 member_set fit)
{
	if (hold < PLACEMENT_MEMBERS && has(fit, hold))
		return hold;
	for (unsigned i = 0; i < PLACEMENT_MEMBERS && order[i] < PLACEMENT_MEMBERS; i++)
		if (has(fit, order[i]))
			return order[i];
	return PLACEMENT_NONE;
}

uint8_t placement_carrier(const struct placement_plan *plan, unsigned bucket, member_set fit)
{
	return first_fit(plan->order[bucket], plan->hold[bucket], fit);
}

uint8_t placement_primary(const struct placement_plan *plan, member_set fit)
{
	return first_fit(plan->primary, plan->primary_hold, fit);
}

bool placement_set_primary(struct placement_plan *plan, const struct placement_role *primary)
{
	struct placement_role none;

	memset(&none, PLACEMENT_NONE, sizeof(none));
	if (!primary)
		primary = &none;
	if (memcmp(plan->primary, primary->order, sizeof(plan->primary)) == 0 &&
	    plan->primary_hold == primary->hold && plan->primary_also == primary->also)
		return false;
	memcpy(plan->primary, primary->order, sizeof(plan->primary));
	plan->primary_hold = primary->hold;
	plan->primary_also = primary->also;
	return true;
}

void placement_carriers(const struct placement_plan *plan, member_set fit,
			uint8_t carriers[static PLACEMENT_BUCKETS])
{
	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
		carriers[b] = placement_carrier(plan, b, fit);
}
