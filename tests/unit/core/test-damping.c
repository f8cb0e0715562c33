/* A member that fails again and again: when it is kept out, for how long, and when that is
 * forgotten. */
#include "daemon/core/damping.h"
#include "lib/base/array.h"
#include "tests/unit/run.h"

#define MINUTE (60 * NSEC_PER_SEC)

static struct damping damping;

static const struct damping_config usual = {
	.flaps = 5,
	.period = MINUTE,
	.hold = 10 * NSEC_PER_SEC,
	.hold_max = 35 * NSEC_PER_SEC,
};

static void setup(void)
{
	damping_init(&damping, &usual);
}

/* Fails n times, a second apart, the first one at 'now'; returns whether the last one told. */
static bool fail_again(unsigned n, nsec_t now)
{
	bool told = false;

	for (unsigned i = 0; i < n; i++)
		told = damping_failed(&damping, now + i * NSEC_PER_SEC);
	return told;
}

START_TEST(so_many_failures_within_the_period_keep_it_out)
{
	nsec_t now = 1000 * NSEC_PER_SEC;

	ck_assert(!fail_again(4, now));
	ck_assert(!damping_holds(&damping));
	ck_assert_uint_eq(damping_deadline(&damping), NSEC_NEVER);
	now += 50 * NSEC_PER_SEC;
	ck_assert(damping_failed(&damping, now));
	ck_assert_uint_eq(damping.reason, 5);
	ck_assert_uint_eq(damping_deadline(&damping), now + usual.hold);
	ck_assert(!damping_tick(&damping, now + usual.hold - 1));
	ck_assert(damping_holds(&damping));
	ck_assert(damping_tick(&damping, now + usual.hold));
	ck_assert(!damping_holds(&damping));
	ck_assert(!damping_tick(&damping, now + usual.hold));
}
END_TEST

START_TEST(failures_that_are_older_than_the_period_count_no_more)
{
	nsec_t now = 1000 * NSEC_PER_SEC;

	for (unsigned i = 0; i < 100; i++)
		ck_assert(!damping_failed(&damping, now + i * (MINUTE / 4 + 1)));
}
END_TEST

START_TEST(each_further_time_is_twice_as_long_up_to_the_maximum)
{
	const nsec_t seconds[] = { 10, 20, 35, 35 };
	nsec_t now = 1000 * NSEC_PER_SEC;

	for (unsigned i = 0; i < ARRAY_SIZE(seconds); i++) {
		ck_assert(fail_again(5, now));
		now += 4 * NSEC_PER_SEC + seconds[i] * NSEC_PER_SEC;
		ck_assert_uint_eq(damping_deadline(&damping), now);
		ck_assert(damping_tick(&damping, now));
	}
}
END_TEST

START_TEST(failures_while_it_is_kept_out_keep_it_out_longer)
{
	nsec_t now = 1000 * NSEC_PER_SEC;

	ck_assert(fail_again(5, now));
	ck_assert_uint_eq(damping_deadline(&damping), now + 14 * NSEC_PER_SEC);
	now += 5 * NSEC_PER_SEC;
	ck_assert(!fail_again(4, now));
	ck_assert_uint_eq(damping_deadline(&damping), now + 9 * NSEC_PER_SEC);
	now += 4 * NSEC_PER_SEC;
	ck_assert(damping_failed(&damping, now));
	ck_assert_uint_eq(damping_deadline(&damping), now + 20 * NSEC_PER_SEC);
}
END_TEST

START_TEST(a_quiet_period_makes_it_forget)
{
	nsec_t now = 1000 * NSEC_PER_SEC, until;

	ck_assert(fail_again(5, now));
	until = damping_deadline(&damping);
	ck_assert(damping_tick(&damping, until));
	/* Not quite quiet: one failure within the period. */
	ck_assert(!damping_failed(&damping, until + MINUTE - 1));
	now = until + 2 * MINUTE - 2;
	ck_assert(fail_again(5, now));
	ck_assert_uint_eq(damping_deadline(&damping), now + 24 * NSEC_PER_SEC);
	until = damping_deadline(&damping);
	ck_assert(damping_tick(&damping, until));
	now = until + MINUTE;
	ck_assert(fail_again(5, now));
	ck_assert_uint_eq(damping_deadline(&damping), now + 14 * NSEC_PER_SEC);
}
END_TEST

START_TEST(without_flaps_nothing_is_kept_out)
{
	damping_init(&damping, &(struct damping_config){ .period = MINUTE, .hold = MINUTE });
	ck_assert(!fail_again(1000, 1000 * NSEC_PER_SEC));
	ck_assert(!damping_holds(&damping));
}
END_TEST

static const struct damping_config odd[] = {
	{ .flaps = 1, .period = NSEC_PER_SEC, .hold = 1, .hold_max = 1 },
	{ .flaps = 1000, .period = 3600 * NSEC_PER_SEC, .hold = 1, .hold_max = NSEC_NEVER },
	{ .flaps = 3, .period = 7, .hold = 5, .hold_max = 100 },
	{ .flaps = 7, .period = 12345678901, .hold = NSEC_PER_SEC, .hold_max = 4 * NSEC_PER_SEC },
};

/* Against a plain list of all failures: never too early, and too late by a 64th of the period. */
START_TEST(what_counts_is_what_was_within_the_period)
{
	const struct damping_config *config = &odd[_i];
	static nsec_t times[20000];
	unsigned n = 0, n_told = 0;
	nsec_t now = 5 * NSEC_PER_SEC;
	uint32_t random = 1;

	damping_init(&damping, config);
	for (unsigned step = 0; step < ARRAY_SIZE(times); step++) {
		unsigned surely = 0, perhaps = 0;
		bool told;

		random = random * 1664525 + 1013904223;
		now += (nsec_t)(random >> 8) * (config->period / config->flaps) / (1u << 23);
		(void)damping_tick(&damping, now);
		times[n++] = now;
		for (unsigned i = 0; i < n; i++) {
			surely += now - times[i] <= config->period - config->period / 64 - 1;
			perhaps += now - times[i] <= config->period + 64;
		}
		told = damping_failed(&damping, now);
		ck_assert_msg(!told || perhaps >= config->flaps, "too early");
		ck_assert_msg(told || surely < config->flaps, "too late");
		n_told += told;
		if (told)
			n = 0;
	}
	ck_assert_uint_gt(n_told, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("damping");
	TCase *tcase = tcase_create("damping");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, so_many_failures_within_the_period_keep_it_out);
	tcase_add_test(tcase, failures_that_are_older_than_the_period_count_no_more);
	tcase_add_test(tcase, each_further_time_is_twice_as_long_up_to_the_maximum);
	tcase_add_test(tcase, failures_while_it_is_kept_out_keep_it_out_longer);
	tcase_add_test(tcase, a_quiet_period_makes_it_forget);
	tcase_add_test(tcase, without_flaps_nothing_is_kept_out);
	tcase_add_loop_test(tcase, what_counts_is_what_was_within_the_period, 0, ARRAY_SIZE(odd));
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
