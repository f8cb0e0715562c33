/* Arithmetic of instants at the ends of their range. */
#include "lib/base/nsec.h"

#include "lib/base/array.h"
#include "tests/unit/run.h"

static const struct {
	const char *what;
	nsec_t a, b, sum;
} sums[] = {
	{ "nothing and nothing", 0, 0, 0 },
	{ "a second and three", NSEC_PER_SEC, 3 * NSEC_PER_SEC, 4 * NSEC_PER_SEC },
	{ "never and nothing", NSEC_NEVER, 0, NSEC_NEVER },
	{ "never and something", NSEC_NEVER, 1, NSEC_NEVER },
	{ "something and never", 1, NSEC_NEVER, NSEC_NEVER },
	{ "never and never", NSEC_NEVER, NSEC_NEVER, NSEC_NEVER },
	{ "the last instant before never", NSEC_NEVER - 2, 1, NSEC_NEVER - 1 },
	{ "one that just overflows", NSEC_NEVER - 1, 2, NSEC_NEVER },
};

START_TEST(sums_end_at_never)
{
	ck_assert_msg(nsec_add(sums[_i].a, sums[_i].b) == sums[_i].sum, "%s", sums[_i].what);
}
END_TEST

START_TEST(the_earlier_of_two)
{
	ck_assert_uint_eq(nsec_min(1, 2), 1);
	ck_assert_uint_eq(nsec_min(2, 1), 1);
	ck_assert_uint_eq(nsec_min(3, 3), 3);
	ck_assert_uint_eq(nsec_min(NSEC_NEVER, 5), 5);
	ck_assert_uint_eq(nsec_min(5, NSEC_NEVER), 5);
}
END_TEST

START_TEST(how_long_it_is_since_is_never_negative)
{
	ck_assert_uint_eq(nsec_since(10, 25), 15);
	ck_assert_uint_eq(nsec_since(25, 25), 0);
	ck_assert_uint_eq(nsec_since(25, 10), 0);
	ck_assert_uint_eq(nsec_since(NSEC_NEVER, 10), 0);
	ck_assert_uint_eq(nsec_since(0, NSEC_NEVER), NSEC_NEVER);
}
END_TEST

START_TEST(units_are_a_thousand_of_each_other)
{
	ck_assert_uint_eq(NSEC_PER_SEC, 1000000000);
	ck_assert_uint_eq(NSEC_PER_SEC, 1000 * NSEC_PER_MS);
	ck_assert_uint_eq(NSEC_PER_MS, 1000 * NSEC_PER_US);
	/* A product must not be done in 32 bits. */
	ck_assert_uint_eq(90 * NSEC_PER_SEC, 90000000000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nsec");
	TCase *tcase = tcase_create("nsec");

	tcase_add_loop_test(tcase, sums_end_at_never, 0, ARRAY_SIZE(sums));
	tcase_add_test(tcase, the_earlier_of_two);
	tcase_add_test(tcase, how_long_it_is_since_is_never_negative);
	tcase_add_test(tcase, units_are_a_thousand_of_each_other);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
