/* Shares, and who takes over when members fail. */
#include "daemon/core/placement.h"
#include "lib/base/array.h"
#include "tests/unit/run.h"

#include <math.h>
#include <string.h>

static uint32_t seed;

static uint32_t random_below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)(seed >> 8) * n >> 24);
}

static const uint8_t *nothing(void)
{
	static uint8_t none[PLACEMENT_BUCKETS];

	memset(none, PLACEMENT_NONE, sizeof(none));
	return none;
}

static void count(const struct placement_plan *plan, member_set fit,
		  unsigned counts[PLACEMENT_MEMBERS])
{
	unsigned n = 0;

	memset(counts, 0, PLACEMENT_MEMBERS * sizeof(*counts));
	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++) {
		uint8_t slot = placement_carrier(plan, b, fit);

		if (slot >= PLACEMENT_MEMBERS || !(fit >> slot & 1))
			continue;
		counts[slot]++;
		n++;
	}
	/* Once: an assertion is dear. */
	ck_assert_uint_eq(n, PLACEMENT_BUCKETS);
}

/* The farthest that a member is from its share by weight, in buckets. */
static double unfairness(const struct placement_plan *plan, member_set fit,
			 const uint32_t weights[PLACEMENT_MEMBERS])
{
	unsigned counts[PLACEMENT_MEMBERS];
	double total = 0, worst = 0;

	count(plan, fit, counts);
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		if (fit >> slot & 1)
			total += weights[slot];
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		if (fit >> slot & 1)
			worst = fmax(worst, fabs(counts[slot] -
						 PLACEMENT_BUCKETS * weights[slot] / total));
	return worst;
}

struct row {
	const char *what;
	member_set members;
	uint32_t weights[PLACEMENT_MEMBERS];
};

static const struct row rows[] = {
	{ "one member", 0x1, { 1 } },
	{ "two alike", 0x3, { 10000, 10000 } },
	{ "four alike", 0xf, { 1, 1, 1, 1 } },
	{ "three alike, slots apart", 0x80000101, { [0] = 5, [8] = 5, [31] = 5 } },
	{ "mixed speeds", 0xf, { 1000, 10000, 25000, 100000 } },
	{ "one fast, one slow", 0x3, { 100000, 10 } },
	{ "thirty-two alike", 0xffffffff, { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
					    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 } },
};

START_TEST(shares_are_fair_with_all_and_after_any_one_failure)
{
	const struct row *row = &rows[_i];
	struct placement_plan plan;

	placement_make(&plan, row->members, row->weights, nothing());
	ck_assert_msg(unfairness(&plan, row->members, row->weights) <= 1.0, "%s", row->what);
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++) {
		member_set fit = row->members & ~((member_set)1 << slot);

		if (fit && fit != row->members)
			ck_assert_msg(unfairness(&plan, fit, row->weights) <= 1.0, "%s, %u failed",
				      row->what, slot);
	}
}
END_TEST

START_TEST(shares_are_fair_for_any_set_and_speeds_that_nics_have)
{
	static const uint32_t speeds[] = { 1000, 2500, 10000, 25000, 40000, 100000 };

	seed = (uint32_t)_i;
	for (int n = 0; n < 20; n++) {
		struct placement_plan plan;
		uint32_t weights[PLACEMENT_MEMBERS];
		member_set members = (member_set)1 << random_below(32);

		for (unsigned i = 0; i < 1 + random_below(31); i++)
			members |= (member_set)1 << random_below(32);
		for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
			weights[slot] = speeds[random_below(ARRAY_SIZE(speeds))];
		placement_make(&plan, members, weights, nothing());
		ck_assert(unfairness(&plan, members, weights) <= 1.0);
		for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++) {
			member_set fit = members & ~((member_set)1 << slot);

			/* The bound that placement.h states for such mixes. */
			if (fit && fit != members)
				ck_assert(unfairness(&plan, fit, weights) <= 1.1);
		}
	}
}
END_TEST

START_TEST(an_order_names_each_member_once)
{
	struct placement_plan plan;

	placement_make(&plan, 0x0f0f, rows[6].weights, nothing());
	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++) {
		member_set seen = 0;

		for (unsigned i = 0; i < 8; i++) {
			ck_assert_uint_lt(plan.order[b][i], 32);
			seen |= (member_set)1 << plan.order[b][i];
		}
		ck_assert_uint_eq(seen, 0x0f0f);
		for (unsigned i = 8; i < PLACEMENT_MEMBERS; i++)
			ck_assert_uint_eq(plan.order[b][i], PLACEMENT_NONE);
	}
}
END_TEST

START_TEST(a_failure_moves_only_what_the_failed_member_carried)
{
	struct placement_plan plan;
	uint8_t before[PLACEMENT_BUCKETS], after[PLACEMENT_BUCKETS];

	placement_make(&plan, 0xff, rows[6].weights, nothing());
	placement_carriers(&plan, 0xff, before);
	placement_carriers(&plan, 0xff & ~0x10u, after);
	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
		ck_assert(before[b] == after[b] || before[b] == 4);
}
END_TEST

/* The bound that the documentation states for several failures at once. */
START_TEST(two_failures_at_once_leave_shares_within_the_stated_bound)
{
	static const unsigned sizes[] = { 3, 4, 5, 7, 8, 13, 16, 31, 32 };

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		unsigned n = sizes[i];
		struct placement_plan plan;
		member_set members = n == 32 ? 0xffffffff : ((member_set)1 << n) - 1;

		placement_make(&plan, members, rows[6].weights, nothing());
		for (unsigned a = 0; a < n; a++)
			for (unsigned b = a + 1; b < n; b++) {
				member_set fit =
					members & ~((member_set)1 << a) & ~((member_set)1 << b);

				ck_assert_msg(unfairness(&plan, fit, rows[6].weights) <= 2.0,
					      "%u members, %u and %u failed: %f", n, a, b,
					      unfairness(&plan, fit, rows[6].weights));
			}
	}
}
END_TEST

static member_set first_slots(unsigned n)
{
	return n == 32 ? UINT32_MAX : ((member_set)1 << n) - 1;
}

/* The farthest that a member is above its share, in equal parts of those that are fit. */
static double excess(const struct placement_plan *plan, member_set fit)
{
	unsigned counts[PLACEMENT_MEMBERS], most = 0;
	double part = (double)PLACEMENT_BUCKETS / __builtin_popcount(fit);

	count(plan, fit, counts);
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		most = counts[slot] > most ? counts[slot] : most;
	return (most - part) / part;
}

static void check_bound(const struct placement_plan *plan, member_set members, member_set fit,
			const uint32_t weights[PLACEMENT_MEMBERS])
{
	int failed = __builtin_popcount(members & ~fit);
	double off = unfairness(plan, fit, weights);
	bool alike = weights == rows[6].weights;

	if (failed <= 1)
		ck_assert_double_le(off, alike ? 1.0 : 1.6);
	else if (failed == 2)
		ck_assert_double_le(off, alike ? 2.0 : 2.5);
	else
		ck_assert_double_le(off, alike ? 26 : 40);
	if (alike)
		ck_assert_double_le(excess(plan, fit), 0.75);
}

/* Of up to eight members every set, of more some hundred; the bounds are those of placement.h. */
START_TEST(any_failures_at_once_leave_shares_within_the_stated_bound)
{
	static const uint32_t speeds[] = { 1000, 2500, 10000, 25000, 40000, 100000 };
	unsigned n = (unsigned)_i + 1;
	member_set members = first_slots(n);

	seed = n;
	for (unsigned round = 0; round < 2; round++) {
		uint32_t mixed[PLACEMENT_MEMBERS];
		const uint32_t *weights = round & 1 ? mixed : rows[6].weights;
		unsigned sets = n <= 8 ? 1u << n : 300;
		struct placement_plan plan;

		for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
			mixed[slot] = speeds[random_below(ARRAY_SIZE(speeds))];
		placement_make(&plan, members, weights, nothing());
		for (unsigned i = 1; i < sets; i++) {
			member_set fit = i;

			if (n > 8)
				for (unsigned k = fit = 0; k < n; k++)
					fit |= (member_set)(random_below(300) >= i) << k;
			if (fit)
				check_bound(&plan, members, fit, weights);
		}
	}
}
END_TEST

START_TEST(the_primary_is_the_one_that_holds_the_role_else_the_first_that_is_fit)
{
	struct placement_role role = { .hold = 5, .also = PLACEMENT_NONE };
	struct placement_plan plan;

	memset(&plan, PLACEMENT_NONE, sizeof(plan));
	ck_assert_uint_eq(placement_primary(&plan, 0xff), PLACEMENT_NONE);
	memset(role.order, PLACEMENT_NONE, sizeof(role.order));
	role.order[0] = 3;
	role.order[1] = 5;
	role.order[2] = 0;
	ck_assert(placement_set_primary(&plan, &role));
	ck_assert(!placement_set_primary(&plan, &role));
	ck_assert_uint_eq(placement_primary(&plan, 0xff), 5);
	ck_assert_uint_eq(placement_primary(&plan, 0x0f), 3);
	ck_assert_uint_eq(placement_primary(&plan, 0x01), 0);
	ck_assert_uint_eq(placement_primary(&plan, 0x02), PLACEMENT_NONE);
	/* A new plan for the buckets leaves it alone. */
	placement_make(&plan, 0x3, rows[1].weights, nothing());
	ck_assert_uint_eq(placement_primary(&plan, 0xff), 5);
	ck_assert(placement_set_primary(&plan, NULL));
	ck_assert_uint_eq(placement_primary(&plan, 0xff), PLACEMENT_NONE);
}
END_TEST

START_TEST(a_new_member_takes_its_share_and_nothing_else_moves)
{
	struct placement_plan plan;
	uint8_t before[PLACEMENT_BUCKETS], after[PLACEMENT_BUCKETS];
	unsigned moved = 0;

	placement_make(&plan, 0x7, rows[6].weights, nothing());
	placement_carriers(&plan, 0x7, before);
	placement_make(&plan, 0xf, rows[6].weights, before);
	placement_carriers(&plan, 0xf, after);
	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++) {
		if (before[b] == after[b])
			continue;
		ck_assert_uint_eq(after[b], 3);
		moved++;
	}
	ck_assert_uint_eq(moved, PLACEMENT_BUCKETS / 4);
}
END_TEST

START_TEST(a_plan_made_again_is_the_same_plan)
{
	struct placement_plan plan, again;
	uint8_t before[PLACEMENT_BUCKETS];

	placement_make(&plan, 0x3f, rows[6].weights, nothing());
	placement_carriers(&plan, 0x3f, before);
	placement_make(&again, 0x3f, rows[6].weights, before);
	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
		ck_assert_uint_eq(plan.order[b][0], again.order[b][0]);
}
END_TEST

START_TEST(a_hold_goes_before_the_order_while_its_member_is_fit)
{
	struct placement_plan plan;
	uint8_t first;

	placement_make(&plan, 0x3, rows[1].weights, nothing());
	first = plan.order[7][0];
	plan.hold[7] = first ^ 1;
	ck_assert_uint_eq(placement_carrier(&plan, 7, 0x3), first ^ 1);
	ck_assert_uint_eq(placement_carrier(&plan, 7, (member_set)1 << first), first);
}
END_TEST

START_TEST(without_a_fit_member_nobody_carries)
{
	struct placement_plan plan;

	placement_make(&plan, 0x3, rows[1].weights, nothing());
	ck_assert_uint_eq(placement_carrier(&plan, 0, 0), PLACEMENT_NONE);
	placement_make(&plan, 0, rows[1].weights, nothing());
	ck_assert_uint_eq(placement_carrier(&plan, 0, 0xffffffff), PLACEMENT_NONE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("placement");
	TCase *tcase = tcase_create("placement");

	tcase_add_loop_test(tcase, shares_are_fair_with_all_and_after_any_one_failure, 0,
			    (int)ARRAY_SIZE(rows));
	tcase_add_loop_test(tcase, shares_are_fair_for_any_set_and_speeds_that_nics_have, 0, 8);
	tcase_add_test(tcase, an_order_names_each_member_once);
	tcase_add_test(tcase, a_failure_moves_only_what_the_failed_member_carried);
	tcase_add_test(tcase, two_failures_at_once_leave_shares_within_the_stated_bound);
	tcase_add_loop_test(tcase, any_failures_at_once_leave_shares_within_the_stated_bound, 0,
			    32);
	tcase_add_test(tcase,
		       the_primary_is_the_one_that_holds_the_role_else_the_first_that_is_fit);
	tcase_add_test(tcase, a_new_member_takes_its_share_and_nothing_else_moves);
	tcase_add_test(tcase, a_plan_made_again_is_the_same_plan);
	tcase_add_test(tcase, a_hold_goes_before_the_order_while_its_member_is_fit);
	tcase_add_test(tcase, without_a_fit_member_nobody_carries);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
