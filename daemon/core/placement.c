/* Shares are apportioned by largest remainder above a lower bound. The bound is what the members
 * have already: so the first choices make fair shares, the second choices make fair shares of what
 * any one failure leaves behind, and the third choices of what any two leave, and nothing but the
 * buckets of the failed has to move. What does not go evenly falls to those on whom less has fallen
 * so far: or some would inherit from everybody, and drown when many fail at once. */
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

/* Numbers that look like chance and are the same everywhere. */
static uint32_t scatter(uint32_t x)
{
	x ^= x >> 16;
	x *= 0x7feb352d;
	x ^= x >> 15;
	x *= 0x846ca68b;
	return x ^ x >> 16;
}

/* All buckets are to be divided among 'members' (not empty). */
struct division {
	member_set members;
	const uint32_t *weights;
	struct shares least;  /* Together no more than all. */
	struct shares have;   /* Where that is as fair, no less than this. */
	struct shares burden; /* What has fallen to each in earlier divisions. */
	bool loose; /* Within two buckets of the exact shares, the least burdened come first. */
	uint32_t salt;
};

/* A division under way. */
struct account {
	struct shares shares;
	int64_t lacking[PLACEMENT_MEMBERS]; /* To the exact share, times the total weight. */
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

static struct account open_account(const struct division *division)
{
	struct account account = {};

	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		account.total += has(division->members, slot) ? division->weights[slot] : 0;
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++) {
		int64_t exact = (int64_t)division->weights[slot] * PLACEMENT_BUCKETS;
		unsigned least = division->least.n[slot], whole;

		if (!has(division->members, slot))
			continue;
		whole = (unsigned)(exact / account.total);
		whole -= division->loose && whole;
		account.shares.n[slot] = whole > least ? whole : least;
		account.lacking[slot] = exact - account.shares.n[slot] * account.total;
		account.given += account.shares.n[slot];
	}
	return account;
}

/* How much has fallen to the slot, with this division. */
static uint64_t burden(const struct division *division, const struct account *account,
		       unsigned slot)
{
	return division->burden.n[slot] + account->shares.n[slot] - division->least.n[slot];
}

/* -1: 'a' is less burdened for its weight than 'b'. */
static int compare_burdens(const struct division *division, const struct account *account,
			   unsigned a, unsigned b)
{
	uint64_t of_a = burden(division, account, a) * division->weights[b];
	uint64_t of_b = burden(division, account, b) * division->weights[a];

	return of_a < of_b ? -1 : of_a > of_b;
}

/* Whether one more is rather due to 'a' than to 'b'. */
static bool is_more_due(const struct division *division, const struct account *account, unsigned a,
			unsigned b)
{
	int64_t more = account->lacking[a] - account->lacking[b];
	int heavier = compare_burdens(division, account, a, b);

	if (division->loose && heavier)
		return heavier < 0;
	if (more)
		return more > 0;
	if (heavier)
		return heavier < 0;
	return division->salt && scatter(division->salt + a) > scatter(division->salt + b);
}

/* To whom of 'members' one more is due that lacks more than 'floor'; PLACEMENT_MEMBERS: nobody. */
static unsigned most_due(const struct division *division, const struct account *account,
			 member_set members, int64_t floor)
{
	unsigned best = PLACEMENT_MEMBERS;

	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		if (has(members, slot) && account->lacking[slot] > floor &&
		    (best == PLACEMENT_MEMBERS || is_more_due(division, account, slot, best)))
			best = slot;
	return best;
}

/* Of what does not go evenly, those get more first who have it already. */
static void let_keep(const struct division *division, struct account *account)
{
	member_set keepers = 0;

	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		if (has(division->members, slot) &&
		    division->have.n[slot] > account->shares.n[slot])
			keepers |= only(slot);
	while (account->given < PLACEMENT_BUCKETS) {
		unsigned slot = most_due(division, account, keepers, 0);

		if (slot == PLACEMENT_MEMBERS)
			return;
		give(account, slot);
		keepers &= ~only(slot);
	}
}

static void hand_out(const struct division *division, struct account *account)
{
	while (account->given < PLACEMENT_BUCKETS) {
		unsigned slot = most_due(division, account, division->members,
					 division->loose ? -account->total : INT64_MIN);

		if (slot == PLACEMENT_MEMBERS)
			slot = most_due(division, account, division->members, INT64_MIN);
		give(account, slot);
	}
}

/* From whom one can be taken that has most above its exact share. */
static unsigned least_due(const struct division *division, const struct account *account)
{
	unsigned worst = PLACEMENT_MEMBERS;

	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		if (account->shares.n[slot] > division->least.n[slot] &&
		    (worst == PLACEMENT_MEMBERS ||
		     account->lacking[slot] < account->lacking[worst]))
			worst = slot;
	assert(worst < PLACEMENT_MEMBERS);
	return worst;
}

static struct shares divide(const struct division *division)
{
	struct account account = open_account(division);

	let_keep(division, &account);
	hand_out(division, &account);
	while (account.given > PLACEMENT_BUCKETS)
		take_back(&account, least_due(division, &account));
	return account.shares;
}

/* The next of 'shares', and one less of it: neighbouring buckets do not all go to one member. */
static uint8_t take(struct shares *shares, uint32_t salt)
{
	unsigned best = 0;

	for (unsigned slot = 1; slot < PLACEMENT_MEMBERS; slot++)
		if (shares->n[slot] > shares->n[best] ||
		    (salt && shares->n[slot] == shares->n[best] &&
		     scatter(salt + slot) > scatter(salt + best)))
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
	struct division division = { .members = members, .weights = weights };
	struct shares left;

	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
		if (previous[b] < PLACEMENT_MEMBERS)
			division.have.n[previous[b]]++;
	left = divide(&division);
	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++) {
		uint8_t slot = previous[b];

		if (slot >= PLACEMENT_MEMBERS || !has(members, slot) || !left.n[slot])
			continue;
		left.n[slot]--;
		plan->order[b][0] = slot;
	}
	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
		if (plan->order[b][0] == PLACEMENT_NONE)
			plan->order[b][0] = take(&left, 0);
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
			 struct division *division)
{
	struct shares lacking;

	division->least = (struct shares){};
	division->salt = scatter(failed);
	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++) {
		uint8_t slot = first_of(plan, b, depth, ~failed);

		if (slot != PLACEMENT_NONE)
			division->least.n[slot]++;
	}
	lacking = divide(division);
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++) {
		lacking.n[slot] -= has(division->members, slot) ? division->least.n[slot] : 0;
		division->burden.n[slot] += lacking.n[slot];
	}
	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
		if (first_of(plan, b, depth, ~failed) == PLACEMENT_NONE)
			plan->order[b][depth] = take(&lacking, division->salt);
}

static void choose_second(struct placement_plan *plan, member_set members,
			  struct division *division)
{
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++) {
		division->members = members & ~only(slot);
		if (has(members, slot))
			choose_after(plan, 1, only(slot), division);
	}
}

static void choose_third(struct placement_plan *plan, member_set members, struct division *division)
{
	division->loose = true;
	for (unsigned a = 0; a < PLACEMENT_MEMBERS; a++)
		for (unsigned b = a + 1; b < PLACEMENT_MEMBERS; b++) {
			division->members = members & ~only(a) & ~only(b);
			if (has(members, a) && has(members, b))
				choose_after(plan, 2, only(a) | only(b), division);
		}
}

/* How often the slot has followed the bucket's members already. */
static uint64_t followed(uint8_t given[PLACEMENT_MEMBERS][PLACEMENT_MEMBERS],
			 const uint8_t order[static PLACEMENT_MEMBERS], unsigned depth,
			 unsigned slot)
{
	uint64_t n = 1;

	for (unsigned i = 0; i < depth; i++)
		n += given[order[i]][slot];
	return n;
}

/* Of those that are left, the one that has followed them least for its weight. */
static unsigned choose_follower(uint8_t given[PLACEMENT_MEMBERS][PLACEMENT_MEMBERS],
				const uint8_t order[static PLACEMENT_MEMBERS], unsigned depth,
				const struct division *division)
{
	unsigned best = PLACEMENT_MEMBERS;
	uint64_t best_n = 0;

	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++) {
		uint64_t n, more, less;

		if (!has(division->members, slot))
			continue;
		n = followed(given, order, depth, slot);
		more = best == PLACEMENT_MEMBERS ? 1 : division->weights[slot] * best_n;
		less = best == PLACEMENT_MEMBERS ? 0 : division->weights[best] * n;
		if (more < less || (more == less && scatter(division->salt + slot) <=
							    scatter(division->salt + best)))
			continue;
		best = slot;
		best_n = n;
	}
	return best;
}

/* Deeper choices: there are too many sets of failures to be fair to each. */
static void choose_deeper(struct placement_plan *plan, unsigned depth, member_set members,
			  struct division *division)
{
	uint8_t given[PLACEMENT_MEMBERS][PLACEMENT_MEMBERS] = {};

	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++) {
		unsigned best;

		division->members = members;
		for (unsigned i = 0; i < depth; i++)
			division->members &= ~only(plan->order[b][i]);
		division->salt = scatter((depth << 16) + (b << 5));
		best = choose_follower(given, plan->order[b], depth, division);
		for (unsigned i = 0; i < depth; i++)
			given[plan->order[b][i]][best]++;
		plan->order[b][depth] = (uint8_t)best;
	}
}

void placement_make(struct placement_plan *plan, member_set members,
		    const uint32_t weights[static PLACEMENT_MEMBERS],
		    const uint8_t previous[static PLACEMENT_BUCKETS])
{
	struct division division = { .weights = weights };
	unsigned n = (unsigned)__builtin_popcount(members);

	memset(plan->order, PLACEMENT_NONE, sizeof(plan->order));
	memset(plan->hold, PLACEMENT_NONE, sizeof(plan->hold));
	if (n > 0)
		choose_first(plan, members, weights, previous);
	if (n > 1)
		choose_second(plan, members, &division);
	if (n > 2)
		choose_third(plan, members, &division);
	for (unsigned depth = 3; depth < n; depth++)
		choose_deeper(plan, depth, members, &division);
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
