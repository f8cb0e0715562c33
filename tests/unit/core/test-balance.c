/* Buckets that move by what they send. */
#include "daemon/core/balance.h"

#include "lib/base/array.h"
#include "tests/unit/run.h"

#include <string.h>

static struct balance balance;
static struct balance_input input;
static struct balance_move moves[BALANCE_MOVES_MAX];
static uint32_t seed;

static uint32_t random_below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)(seed >> 8) * n >> 24);
}

/* Members alike, the buckets dealt out in turn. */
static void begin(unsigned n_members)
{
	balance_init(&balance);
	input = (struct balance_input){ .fit = n_members == 32 ? UINT32_MAX
							       : (UINT32_C(1) << n_members) - 1 };
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		input.weights[slot] = 1000;
	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
		input.carriers[b] = (uint8_t)(b % n_members);
}

/* A round in which each bucket sends as 'loads' says; carries out what is proposed. */
static unsigned play(const uint64_t loads[static PLACEMENT_BUCKETS])
{
	unsigned n;

	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
		input.counters[b] += loads[b];
	n = balance_round(&balance, &input, moves);
	for (unsigned i = 0; i < n; i++)
		input.carriers[moves[i].bucket] = moves[i].slot;
	return n;
}

/* The busiest member over the mean, for their weights. */
static double imbalance(const uint64_t loads[static PLACEMENT_BUCKETS])
{
	double sum = 0, weight = 0, most = 0, members[PLACEMENT_MEMBERS] = {};

	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++) {
		members[input.carriers[b]] += (double)loads[b];
		sum += (double)loads[b];
	}
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++) {
		if (!(input.fit >> slot & 1))
			continue;
		weight += input.weights[slot];
		if (members[slot] / input.weights[slot] > most)
			most = members[slot] / input.weights[slot];
	}
	return most / (sum / weight);
}

static uint64_t loads[PLACEMENT_BUCKETS];

static void all_alike(uint64_t load)
{
	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
		loads[b] = load;
}

START_TEST(what_is_even_is_left_alone)
{
	begin(4);
	all_alike(1000);
	for (unsigned i = 0; i < 20; i++)
		ck_assert_uint_eq(play(loads), 0);
}
END_TEST

START_TEST(the_first_round_only_measures)
{
	begin(2);
	memset(loads, 0, sizeof(loads));
	loads[0] = loads[2] = 100000;
	ck_assert_uint_eq(play(loads), 0);
	ck_assert_uint_eq(play(loads), 1);
	ck_assert_uint_eq(moves[0].slot, 1);
	ck_assert_double_le(imbalance(loads), 1.0);
}
END_TEST

START_TEST(a_single_busy_bucket_is_not_handed_to_and_fro)
{
	begin(2);
	memset(loads, 0, sizeof(loads));
	loads[0] = 1000000;
	for (unsigned i = 0; i < 50; i++)
		ck_assert_uint_eq(play(loads), 0);
}
END_TEST

START_TEST(where_hardly_anything_is_sent_nothing_moves)
{
	begin(2);
	memset(loads, 0, sizeof(loads));
	loads[0] = loads[2] = 100;
	for (unsigned i = 0; i < 50; i++)
		ck_assert_uint_eq(play(loads), 0);
}
END_TEST

START_TEST(a_faster_member_is_given_more)
{
	begin(2);
	input.weights[1] = 3000;
	all_alike(1000);
	for (unsigned i = 0; i < 40; i++)
		(void)play(loads);
	ck_assert_double_le(imbalance(loads), 1.05);
}
END_TEST

START_TEST(nothing_goes_to_a_member_that_is_not_fit)
{
	begin(4);
	input.fit = 0x7;
	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
		input.carriers[b] = (uint8_t)(b % 2);
	all_alike(1000);
	for (unsigned i = 0; i < 40; i++) {
		unsigned n = play(loads);

		for (unsigned k = 0; k < n; k++)
			ck_assert_uint_eq(moves[k].slot, 2);
	}
	ck_assert_double_le(imbalance(loads), 1.05);
}
END_TEST

START_TEST(counters_that_begin_anew_are_no_load)
{
	begin(2);
	memset(loads, 0, sizeof(loads));
	loads[0] = 1000;
	(void)play(loads);
	memset(input.counters, 0, sizeof(input.counters));
	ck_assert_uint_eq(balance_round(&balance, &input, moves), 0);
	ck_assert_uint_le(balance.loads[0], 1000);
}
END_TEST

START_TEST(a_bucket_that_has_moved_rests)
{
	uint8_t since[PLACEMENT_BUCKETS] = {};

	begin(8);
	seed = 3;
	for (unsigned round = 0; round < 200; round++) {
		unsigned n;

		for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++) {
			loads[b] = random_below(5000);
			since[b] += since[b] < UINT8_MAX;
		}
		n = play(loads);
		ck_assert_uint_le(n, BALANCE_MOVES_MAX);
		for (unsigned i = 0; i < n && round > BALANCE_REST; i++)
			ck_assert_uint_ge(since[moves[i].bucket], BALANCE_REST);
		for (unsigned i = 0; i < n; i++)
			since[moves[i].bucket] = 0;
	}
}
END_TEST

/* Ten thousand flows of very different sizes fall into the buckets as chance has it. */
START_TEST(flows_of_all_sizes_even_out_and_then_rest)
{
	unsigned late = 0;

	begin(2 + (unsigned)_i);
	seed = (uint32_t)_i;
	memset(loads, 0, sizeof(loads));
	for (unsigned flow = 0; flow < 10000; flow++)
		loads[random_below(PLACEMENT_BUCKETS)] += 1 + random_below(1 + random_below(1000));
	for (unsigned round = 0; round < 60; round++) {
		unsigned n = play(loads);

		late += round >= 50 ? n : 0;
	}
	ck_assert_msg(imbalance(loads) <= 1.0 + BALANCE_TOLERANCE / 100.0, "%u members: %f", 2 + _i,
		      imbalance(loads));
	ck_assert_uint_eq(late, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("balance");
	TCase *tcase = tcase_create("balance");

	tcase_add_test(tcase, what_is_even_is_left_alone);
	tcase_add_test(tcase, the_first_round_only_measures);
	tcase_add_test(tcase, a_single_busy_bucket_is_not_handed_to_and_fro);
	tcase_add_test(tcase, where_hardly_anything_is_sent_nothing_moves);
	tcase_add_test(tcase, a_faster_member_is_given_more);
	tcase_add_test(tcase, nothing_goes_to_a_member_that_is_not_fit);
	tcase_add_test(tcase, counters_that_begin_anew_are_no_load);
	tcase_add_test(tcase, a_bucket_that_has_moved_rests);
	tcase_add_loop_test(tcase, flows_of_all_sizes_even_out_and_then_rest, 0, 7);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
