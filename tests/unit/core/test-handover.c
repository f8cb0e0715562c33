/* Buckets that move between members that work: held, marked, released. */
#include "daemon/core/handover.h"
#include "tests/unit/run.h"

#include <string.h>

static const uint32_t alike[PLACEMENT_MEMBERS] = { 1, 1, 1, 1 };

static struct handover handover;
static uint64_t counters[PLACEMENT_BUCKETS];

static void setup(void)
{
	handover_init(&handover);
	memset(counters, 0, sizeof(counters));
}

static unsigned held_on(unsigned slot)
{
	unsigned n = 0;

	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
		n += handover.plan.hold[b] == slot;
	return n;
}

static unsigned carried_by(unsigned slot)
{
	unsigned n = 0;

	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
		n += placement_carrier(&handover.plan, b, handover.fit) == slot;
	return n;
}

START_TEST(the_first_member_takes_all_at_once)
{
	ck_assert(handover_change(&handover, 0x1, alike, 5));
	ck_assert_uint_eq(carried_by(0), 256);
	ck_assert_uint_eq(handover_unmarked(&handover), 0);
	ck_assert_uint_eq(handover_deadline(&handover), NSEC_NEVER);
}
END_TEST

static void second_member_comes(nsec_t now)
{
	handover_change(&handover, 0x1, alike, 0);
	ck_assert(handover_change(&handover, 0x3, alike, now));
}

START_TEST(what_is_to_move_to_a_new_member_is_held_where_it_is)
{
	second_member_comes(10);
	ck_assert_uint_eq(carried_by(0), 256);
	ck_assert_uint_eq(held_on(0), 128);
	ck_assert_uint_eq(handover_unmarked(&handover), 0x1);
	ck_assert_uint_eq(handover_deadline(&handover), 10 + HANDOVER_TIMEOUT);
}
END_TEST

START_TEST(an_answered_marker_releases_what_was_silent)
{
	second_member_comes(0);
	handover_marked(&handover, 0, counters);
	ck_assert_uint_eq(handover_unmarked(&handover), 0);
	ck_assert(handover_answered(&handover, 0, true, counters));
	ck_assert_uint_eq(carried_by(1), 128);
	ck_assert_uint_eq(handover.moved_in_order, 128);
	ck_assert_uint_eq(handover.moved_unproven, 0);
}
END_TEST

START_TEST(a_bucket_that_went_on_sending_stays_held)
{
	unsigned busy = 0;

	second_member_comes(0);
	while (handover.plan.hold[busy] == PLACEMENT_NONE)
		busy++;
	handover_marked(&handover, 0, counters);
	counters[busy]++;
	ck_assert(handover_answered(&handover, 0, true, counters));
	ck_assert_uint_eq(held_on(0), 1);
	ck_assert_uint_eq(handover_unmarked(&handover), 0x1);
	/* The next Marker finds it silent. */
	handover_marked(&handover, 0, counters);
	ck_assert(handover_answered(&handover, 0, true, counters));
	ck_assert_uint_eq(held_on(0), 0);
}
END_TEST

START_TEST(a_marker_without_an_answer_proves_nothing)
{
	second_member_comes(0);
	handover_marked(&handover, 0, counters);
	ck_assert(!handover_answered(&handover, 0, false, counters));
	ck_assert_uint_eq(held_on(0), 128);
	ck_assert_uint_eq(handover_unmarked(&handover), 0x1);
}
END_TEST

START_TEST(after_the_timeout_it_moves_without_proof)
{
	second_member_comes(7);
	ck_assert(!handover_tick(&handover, 7 + HANDOVER_TIMEOUT - 1));
	ck_assert(handover_tick(&handover, 7 + HANDOVER_TIMEOUT));
	ck_assert_uint_eq(carried_by(1), 128);
	ck_assert_uint_eq(handover.moved_unproven, 128);
	ck_assert_uint_eq(handover_deadline(&handover), NSEC_NEVER);
}
END_TEST

START_TEST(a_marker_sent_before_a_hold_began_does_not_release_it)
{
	second_member_comes(0);
	handover_marked(&handover, 0, counters);
	/* A third member comes while the Marker is under way: more buckets are held on slot 0. */
	ck_assert(handover_change(&handover, 0x7, alike, 1));
	ck_assert(handover_answered(&handover, 0, true, counters));
	ck_assert_uint_gt(held_on(0), 0);
	ck_assert_uint_eq(handover_unmarked(&handover), 0x1);
}
END_TEST

START_TEST(a_failure_holds_nothing_and_needs_no_new_plan)
{
	second_member_comes(0);
	handover_tick(&handover, HANDOVER_TIMEOUT);
	ck_assert(!handover_change(&handover, 0x2, alike, HANDOVER_TIMEOUT + 1));
	ck_assert_uint_eq(carried_by(1), 256);
	ck_assert_uint_eq(handover_unmarked(&handover), 0);
}
END_TEST

START_TEST(a_member_that_returns_gets_its_own_share_back)
{
	uint8_t before[PLACEMENT_BUCKETS], after[PLACEMENT_BUCKETS];

	second_member_comes(0);
	handover_tick(&handover, HANDOVER_TIMEOUT);
	placement_carriers(&handover.plan, 0x3, before);
	handover_change(&handover, 0x2, alike, 2 * HANDOVER_TIMEOUT);
	ck_assert(handover_change(&handover, 0x3, alike, 3 * HANDOVER_TIMEOUT));
	ck_assert_uint_eq(held_on(1), 128);
	handover_tick(&handover, 4 * HANDOVER_TIMEOUT);
	placement_carriers(&handover.plan, 0x3, after);
	ck_assert_mem_eq(before, after, sizeof(before));
}
END_TEST

START_TEST(the_failure_of_the_member_that_holds_frees_the_bucket)
{
	second_member_comes(0);
	ck_assert(handover_change(&handover, 0x2, alike, 1));
	ck_assert_uint_eq(held_on(0), 0);
	ck_assert_uint_eq(carried_by(1), 256);
}
END_TEST

START_TEST(an_adopted_plan_moves_nothing)
{
	struct placement_plan plan;
	uint8_t before[PLACEMENT_BUCKETS], after[PLACEMENT_BUCKETS];

	second_member_comes(0);
	handover_tick(&handover, HANDOVER_TIMEOUT);
	plan = handover.plan;
	placement_carriers(&plan, 0x3, before);
	handover_adopt(&handover, &plan, 0x3);
	handover_change(&handover, 0x3, alike, 5 * HANDOVER_TIMEOUT);
	placement_carriers(&handover.plan, 0x3, after);
	ck_assert_mem_eq(before, after, sizeof(before));
	ck_assert_uint_eq(held_on(0) + held_on(1), 0);
}
END_TEST

START_TEST(another_speed_makes_another_share)
{
	static const uint32_t weights[PLACEMENT_MEMBERS] = { 3, 1 };

	second_member_comes(0);
	handover_tick(&handover, HANDOVER_TIMEOUT);
	ck_assert(handover_change(&handover, 0x3, weights, 2 * HANDOVER_TIMEOUT));
	handover_tick(&handover, 3 * HANDOVER_TIMEOUT);
	ck_assert_uint_eq(carried_by(0), 192);
}
END_TEST

START_TEST(without_any_member_the_plan_waits)
{
	second_member_comes(0);
	handover_tick(&handover, HANDOVER_TIMEOUT);
	ck_assert(!handover_change(&handover, 0, alike, 2 * HANDOVER_TIMEOUT));
	ck_assert_uint_eq(carried_by(PLACEMENT_NONE), 256);
	ck_assert(!handover_change(&handover, 0x3, alike, 3 * HANDOVER_TIMEOUT));
	ck_assert_uint_eq(carried_by(0), 128);
}
END_TEST

static uint32_t seed;

static uint32_t random_below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)(seed >> 8) * n >> 24);
}

static member_set only(unsigned slot)
{
	return (member_set)1 << slot;
}

/* Some fail, some return, now and then many at once; never all away. */
static member_set shake(member_set fit, unsigned n_members)
{
	unsigned n = random_below(8) ? 1 : 1 + random_below(n_members);

	for (unsigned i = 0; i < n; i++)
		fit ^= only(random_below(n_members));
	return fit ? fit : only(random_below(n_members));
}

/* How many buckets moved that had neither lost their member nor went to one that is new. */
static unsigned moved_beside(const uint8_t before[static PLACEMENT_BUCKETS],
			     const uint8_t after[static PLACEMENT_BUCKETS], member_set was,
			     member_set is)
{
	unsigned n = 0;

	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
		n += before[b] != after[b] && before[b] < 32 && (is >> before[b] & 1) &&
		     (was >> after[b] & 1);
	return n;
}

/* The farthest from its share, in buckets. */
static double unfairness(member_set fit, const uint32_t weights[static PLACEMENT_MEMBERS])
{
	double total = 0, worst = 0;

	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		total += fit >> slot & 1 ? weights[slot] : 0;
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++) {
		double off = carried_by(slot) - (double)PLACEMENT_BUCKETS * weights[slot] / total;

		if (!(fit >> slot & 1))
			continue;
		worst = off > worst ? off : -off > worst ? -off : worst;
	}
	return worst;
}

/* One change, and what comes of it when the holds have ended. */
static void change_and_check(member_set was, member_set fit,
			     const uint32_t weights[static PLACEMENT_MEMBERS], bool one_speed)
{
	static nsec_t now;
	uint8_t before[PLACEMENT_BUCKETS], after[PLACEMENT_BUCKETS];
	unsigned n_early = 0;

	now += 2 * HANDOVER_TIMEOUT;
	placement_carriers(&handover.plan, was, before);
	handover_change(&handover, fit, weights, now);
	/* What works goes on where it is until a hold ends. */
	placement_carriers(&handover.plan, fit, after);
	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
		n_early += before[b] != after[b] && before[b] < 32 && (fit >> before[b] & 1);
	ck_assert_uint_eq(n_early, 0);
	handover_tick(&handover, now + HANDOVER_TIMEOUT);
	placement_carriers(&handover.plan, fit, after);
	ck_assert_uint_le(moved_beside(before, after, was, fit), one_speed ? 0 : 3);
	ck_assert_double_le(unfairness(fit, weights), one_speed ? 1.0 : 1.6);
}

START_TEST(only_buckets_of_failed_members_move_and_those_that_return_get_their_share)
{
	static const uint32_t speeds[] = { 1000, 2500, 10000, 25000, 40000, 100000 };
	unsigned n_members = (unsigned)_i + 1;

	seed = n_members;
	for (unsigned round = 0; round < 2; round++) {
		member_set fit = n_members == 32 ? UINT32_MAX : only(n_members) - 1, was = 0;
		uint32_t weights[PLACEMENT_MEMBERS];

		setup();
		for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
			weights[slot] = round & 1 ? speeds[random_below(6)] : 10000;
		for (unsigned i = 0; i < 150; i++) {
			change_and_check(was, fit, weights, !(round & 1));
			was = fit;
			fit = shake(fit, n_members);
		}
	}
}
END_TEST

/* From where a single failure leaves it, exactly what it had. */
START_TEST(a_flap_of_any_one_leaves_everything_as_it_was)
{
	unsigned n_members = (unsigned)_i + 1;
	member_set all = n_members == 32 ? UINT32_MAX : only(n_members) - 1;
	uint8_t before[PLACEMENT_BUCKETS], after[PLACEMENT_BUCKETS];
	uint32_t weights[PLACEMENT_MEMBERS];
	nsec_t now = 0;

	seed = n_members;
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		weights[slot] = 1000 + random_below(3) * 9000;
	handover_change(&handover, all, weights, 0);
	placement_carriers(&handover.plan, all, before);
	for (unsigned slot = 0; slot < n_members; slot++) {
		uint32_t unknown = weights[slot];

		/* Nor does it matter what is said of its speed meanwhile. */
		weights[slot] = 1;
		now += 2 * HANDOVER_TIMEOUT;
		ck_assert(!handover_change(&handover, all & ~only(slot), weights, now));
		weights[slot] = unknown;
		handover_change(&handover, all, weights, now);
		handover_tick(&handover, now + HANDOVER_TIMEOUT);
		placement_carriers(&handover.plan, all, after);
		ck_assert_mem_eq(before, after, sizeof(before));
	}
}
END_TEST

START_TEST(a_change_of_speed_moves_no_more_than_it_must)
{
	static const uint32_t faster[PLACEMENT_MEMBERS] = { 10, 10, 25, 10 };
	static const uint32_t even[PLACEMENT_MEMBERS] = { 10, 10, 10, 10 };
	uint8_t before[PLACEMENT_BUCKETS], after[PLACEMENT_BUCKETS];
	unsigned gained;

	handover_change(&handover, 0xf, even, 0);
	placement_carriers(&handover.plan, 0xf, before);
	ck_assert(handover_change(&handover, 0xf, faster, NSEC_PER_SEC));
	handover_tick(&handover, 3 * NSEC_PER_SEC);
	placement_carriers(&handover.plan, 0xf, after);
	gained = carried_by(2) - 64;
	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++) {
		ck_assert(before[b] == after[b] || after[b] == 2);
		gained -= before[b] != after[b];
	}
	ck_assert_uint_eq(gained, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("handover");
	TCase *tcase = tcase_create("handover");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, the_first_member_takes_all_at_once);
	tcase_add_test(tcase, what_is_to_move_to_a_new_member_is_held_where_it_is);
	tcase_add_test(tcase, an_answered_marker_releases_what_was_silent);
	tcase_add_test(tcase, a_bucket_that_went_on_sending_stays_held);
	tcase_add_test(tcase, a_marker_without_an_answer_proves_nothing);
	tcase_add_test(tcase, after_the_timeout_it_moves_without_proof);
	tcase_add_test(tcase, a_marker_sent_before_a_hold_began_does_not_release_it);
	tcase_add_test(tcase, a_failure_holds_nothing_and_needs_no_new_plan);
	tcase_add_test(tcase, a_member_that_returns_gets_its_own_share_back);
	tcase_add_test(tcase, the_failure_of_the_member_that_holds_frees_the_bucket);
	tcase_add_test(tcase, an_adopted_plan_moves_nothing);
	tcase_add_test(tcase, another_speed_makes_another_share);
	tcase_add_loop_test(
		tcase, only_buckets_of_failed_members_move_and_those_that_return_get_their_share, 0,
		32);
	tcase_add_loop_test(tcase, a_flap_of_any_one_leaves_everything_as_it_was, 0, 32);
	tcase_add_test(tcase, a_change_of_speed_moves_no_more_than_it_must);
	tcase_add_test(tcase, without_any_member_the_plan_waits);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
