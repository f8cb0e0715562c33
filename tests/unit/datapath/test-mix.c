/* The arithmetic of the flow hash, without a kernel. */
#include "bpf/mix.h"
#include "lib/base/array.h"
#include "tests/unit/run.h"

#define N_BUCKETS 256
#define PER_BUCKET 400
#define N_FLOWS (N_BUCKETS * PER_BUCKET)

struct ends {
	const char *what;
	__u32 first;
	__u32 step;
	__u32 other_first;
	__u32 other_step;
};

static const struct ends rows[] = {
	{ "neighbouring addresses", 0x0a000001, 1, 0x0a000002, 0 },
	{ "neighbouring ports", 0x0a000001, MIX_PORT, 0x0a000002 + 443 * MIX_PORT, 0 },
	{ "both ends in step", 1, 1, 1000000, 1 },
	{ "high bits only", 0, 1u << 14, 5, 0 },
	{ "an end with itself", 7, 3, 7, 3 },
};

START_TEST(both_directions_of_a_flow_have_one_bucket)
{
	const struct ends *row = &rows[_i];

	for (__u32 i = 0; i < 1000; i++) {
		__u32 one = row->first + i * row->step;
		__u32 other = row->other_first + i * row->other_step;
		unsigned bucket = mix_bucket(one, other, 6);

		ck_assert_uint_eq(bucket, mix_bucket(other, one, 6));
		ck_assert_uint_lt(bucket, N_BUCKETS);
	}
}
END_TEST

START_TEST(regular_flows_spread_evenly)
{
	const struct ends *row = &rows[_i];
	unsigned counts[N_BUCKETS] = {};
	double chi_square = 0;

	for (__u32 i = 0; i < N_FLOWS; i++)
		counts[mix_bucket(row->first + i * row->step,
				  row->other_first + i * row->other_step, 6)]++;
	for (unsigned bucket = 0; bucket < N_BUCKETS; bucket++) {
		double off = (double)counts[bucket] - PER_BUCKET;

		chi_square += off * off / PER_BUCKET;
	}
	/* 255 degrees of freedom: 330 is exceeded by one random hash in a thousand. */
	ck_assert_msg(chi_square < 330, "%s: chi-square %.0f", row->what, chi_square);
}
END_TEST

START_TEST(the_kind_keeps_flows_apart_that_agree_in_their_ends)
{
	unsigned n_same = 0;

	for (__u32 i = 0; i < 1000; i++)
		n_same += mix_bucket(i, 2 * i + 1, 6) == mix_bucket(i, 2 * i + 1, 17);
	ck_assert_uint_lt(n_same, 20);
}
END_TEST

START_TEST(every_bit_of_an_end_changes_half_of_the_buckets_bits)
{
	for (unsigned bit = 0; bit < 32; bit++) {
		unsigned n_changed = 0;

		for (__u32 i = 0; i < 1000; i++) {
			__u32 end = mix(i);

			n_changed += (unsigned)__builtin_popcount(
				mix_bucket(end, 5, 6) ^ mix_bucket(end ^ 1u << bit, 5, 6));
		}
		/* 8 bits, 1000 times: 4000 on average. */
		ck_assert_uint_gt(n_changed, 3600);
		ck_assert_uint_lt(n_changed, 4400);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mix");
	TCase *tcase = tcase_create("mix");

	tcase_add_loop_test(tcase, both_directions_of_a_flow_have_one_bucket, 0, ARRAY_SIZE(rows));
	tcase_add_loop_test(tcase, regular_flows_spread_evenly, 0, ARRAY_SIZE(rows));
	tcase_add_test(tcase, the_kind_keeps_flows_apart_that_agree_in_their_ends);
	tcase_add_test(tcase, every_bit_of_an_end_changes_half_of_the_buckets_bits);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
