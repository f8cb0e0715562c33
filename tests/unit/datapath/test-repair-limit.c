/* How often what others take away is put back. */
#include "daemon/datapath/repair-limit.h"
#include "tests/unit/run.h"

#define MINUTE (60 * NSEC_PER_SEC)

/* 'n' repairs, one each 'interval'. Returns with which of them others came to insist, 0: none. */
static unsigned repair(struct repair_limit *limit, unsigned n, nsec_t interval, nsec_t *now)
{
	unsigned insisted = 0;

	for (unsigned i = 1; i <= n; i++) {
		ck_assert(repair_limit_allows(limit, *now));
		if (repair_limit_note(limit, *now))
			insisted = i;
		*now += interval;
	}
	return insisted;
}

START_TEST(five_repairs_within_a_minute_are_insistence)
{
	struct repair_limit limit = {};
	nsec_t now = 100 * MINUTE;

	ck_assert_uint_eq(repair(&limit, 5, NSEC_PER_MS, &now), 5);
	ck_assert(!repair_limit_allows(&limit, now));
}
END_TEST

START_TEST(the_same_in_a_longer_time_is_none)
{
	struct repair_limit limit = {};
	nsec_t now = 0;

	ck_assert_uint_eq(repair(&limit, 100, 16 * NSEC_PER_SEC, &now), 0);
	ck_assert(repair_limit_allows(&limit, now));
}
END_TEST

START_TEST(who_insists_is_answered_once_a_minute)
{
	struct repair_limit limit = {};
	nsec_t now = MINUTE;

	repair(&limit, 5, 0, &now);
	for (unsigned i = 0; i < 10; i++) {
		ck_assert(!repair_limit_allows(&limit, now + MINUTE - 1));
		now += MINUTE;
		ck_assert(repair_limit_allows(&limit, now));
		/* It is told once only. */
		ck_assert(!repair_limit_note(&limit, now));
	}
}
END_TEST

START_TEST(two_minutes_of_peace_end_it_and_are_told_once)
{
	struct repair_limit limit = {};
	nsec_t now = MINUTE;

	ck_assert(!repair_limit_peace(&limit, now));
	repair(&limit, 5, 0, &now);
	ck_assert(!repair_limit_peace(&limit, now + 2 * MINUTE - 1));
	now += 2 * MINUTE;
	ck_assert(repair_limit_peace(&limit, now));
	ck_assert(!repair_limit_peace(&limit, now));
	ck_assert_uint_eq(repair(&limit, 5, 0, &now), 5);
}
END_TEST

START_TEST(a_repair_that_was_needed_meanwhile_begins_the_wait_anew)
{
	struct repair_limit limit = {};
	nsec_t now = MINUTE;

	repair(&limit, 5, 0, &now);
	(void)repair_limit_note(&limit, now + MINUTE);
	ck_assert(!repair_limit_peace(&limit, now + 3 * MINUTE - 1));
	ck_assert(repair_limit_peace(&limit, now + 3 * MINUTE));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("repair limit");
	TCase *tcase = tcase_create("repair limit");

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, five_repairs_within_a_minute_are_insistence);
	tcase_add_test(tcase, the_same_in_a_longer_time_is_none);
	tcase_add_test(tcase, who_insists_is_answered_once_a_minute);
	tcase_add_test(tcase, two_minutes_of_peace_end_it_and_are_told_once);
	tcase_add_test(tcase, a_repair_that_was_needed_meanwhile_begins_the_wait_anew);
	return run_suite(suite);
}
