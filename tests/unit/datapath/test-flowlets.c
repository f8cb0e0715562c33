/* Which member a flowlet leaves on, without a kernel. */
#include "bpf/flowlets.h"
#include "lib/base/array.h"
#include "tests/unit/run.h"

#define HALF FLOWLETS_HALF_LIFE_NS

START_TEST(the_least_loaded_fit_member_is_picked)
{
	struct abi_loads loads = { .load = { 30, 10, 20, 5 } };

	ck_assert_uint_eq(flowlets_pick(&loads, 0x7), 1);
	ck_assert_uint_eq(flowlets_pick(&loads, 0xf), 3);
	ck_assert_uint_eq(flowlets_pick(&loads, 0x1), 0);
	ck_assert_uint_eq(flowlets_pick(&loads, 1ull << 31 | 1), 31);
	ck_assert_uint_eq(flowlets_pick(&loads, 0), ABI_NONE);
}
END_TEST

START_TEST(of_equal_loads_the_first_is_picked)
{
	struct abi_loads loads = {};

	for (unsigned slot = 0; slot < ABI_MEMBERS; slot++)
		ck_assert_uint_eq(flowlets_pick(&loads, ~0ull << slot), slot);
}
END_TEST

START_TEST(even_the_largest_loads_are_compared)
{
	struct abi_loads loads = { .load = { FLOWLETS_LARGEST, FLOWLETS_LARGEST - 1 } };

	ck_assert_uint_eq(flowlets_pick(&loads, 3), 1);
	ck_assert_uint_eq(flowlets_pick(&loads, 1), 0);
}
END_TEST

struct ageing {
	const char *what;
	__u64 passed;
	__u64 load, after;
	bool halved;
};

static const struct ageing ageings[] = {
	{ "nothing before its time", HALF - 1, 1000, 1000, false },
	{ "half", HALF, 1000, 500, true },
	{ "half, a little late", HALF + HALF / 2, 1000, 500, true },
	{ "a quarter", 2 * HALF, 1000, 250, true },
	{ "nothing is left after an hour", 72000 * HALF, 1000, 0, true },
	{ "the clock of another processor is behind", (__u64)-1000, 1000, 1000, false },
};

START_TEST(loads_are_halved_in_time)
{
	const struct ageing *row = &ageings[_i];
	struct abi_loads loads = { .halved_at = 100 * HALF };

	for (unsigned slot = 0; slot < ABI_MEMBERS; slot++)
		loads.load[slot] = row->load;
	flowlets_age(&loads, 100 * HALF + row->passed);
	for (unsigned slot = 0; slot < ABI_MEMBERS; slot++)
		ck_assert_msg(loads.load[slot] == row->after, "%s: %llu", row->what,
			      loads.load[slot]);
	ck_assert_int_eq(loads.halved_at != 100 * HALF, row->halved);
}
END_TEST

struct staying {
	const char *what;
	struct abi_flowlet flowlet;
	__u32 now_us;
	__u64 fit;
	bool stays;
};

#define GAP 2000

static const struct staying stayings[] = {
	{ "no pause", { 10000, 1, 1, {} }, 10001, 3, true },
	{ "a pause as long as the gap", { 10000, 1, 1, {} }, 12000, 3, true },
	{ "a longer one", { 10000, 1, 1, {} }, 12001, 3, false },
	{ "its member is not fit", { 10000, 1, 1, {} }, 10001, 1, false },
	{ "never used", { 0, 0, 0, {} }, 100, 3, false },
	{ "no member was fit", { 10000, ABI_NONE, 1, {} }, 10001, 3, false },
	{ "time wraps around, no pause", { UINT32_MAX - 5, 1, 1, {} }, 5, 3, true },
	{ "time wraps around, a pause", { UINT32_MAX - 5, 1, 1, {} }, 3000, 3, false },
	{ "another processor was ahead", { 10000, 1, 1, {} }, 9990, 3, true },
};

START_TEST(a_flowlet_ends_with_a_pause_or_its_member)
{
	const struct staying *row = &stayings[_i];

	ck_assert_msg(flowlets_stays(&row->flowlet, row->now_us, GAP, row->fit) == row->stays, "%s",
		      row->what);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("flowlets");
	TCase *tcase = tcase_create("flowlets");

	tcase_add_test(tcase, the_least_loaded_fit_member_is_picked);
	tcase_add_test(tcase, of_equal_loads_the_first_is_picked);
	tcase_add_test(tcase, even_the_largest_loads_are_compared);
	tcase_add_loop_test(tcase, loads_are_halved_in_time, 0, ARRAY_SIZE(ageings));
	tcase_add_loop_test(tcase, a_flowlet_ends_with_a_pause_or_its_member, 0,
			    ARRAY_SIZE(stayings));
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
