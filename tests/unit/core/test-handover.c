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
	tcase_add_test(tcase, without_any_member_the_plan_waits);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
