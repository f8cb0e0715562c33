/* The daemon's side of the carrier word, and how it gets along with the kernel's side. */
#include "bpf/carrier.h"
#include "daemon/datapath/dp-bpf-internal.h"
#include "tests/unit/run.h"

#define START (1000 * NSEC_PER_SEC)

struct bench {
	struct dp_bpf dp;
	struct dp_team team;
	struct abi_words words[ABI_TEAMS];
	struct abi_words *own; /* The team's. */
};

static void start(struct bench *bench)
{
	*bench = (struct bench){ .team = { .index = 5 } };
	bench->dp.words = bench->words;
	bench->dp.in_use[5] = true;
	bench->team.dp = &bench->dp;
	bench->own = &bench->words[5];
}

START_TEST(the_daemon_sets_and_clears_bits)
{
	static struct bench bench;

	start(&bench);
	dp_carrier_set(&bench.team, 0, true);
	dp_carrier_set(&bench.team, 31, true);
	ck_assert_uint_eq(bench.own->carrier, 1u << 31 | 1);
	dp_carrier_set(&bench.team, 0, false);
	ck_assert_uint_eq(bench.own->carrier, 1u << 31);
	dp_carrier_forget(&bench.team, 31);
	ck_assert_uint_eq(bench.own->carrier, 0);
}
END_TEST

START_TEST(old_news_do_not_bring_a_lost_link_back)
{
	static struct bench bench;

	start(&bench);
	dp_carrier_set(&bench.team, 1, true);
	(void)carrier_lost(bench.own, 1, START);
	dp_carrier_set(&bench.team, 1, true);
	ck_assert_uint_eq(bench.own->carrier, 0);
	carrier_back(bench.own, 1, START);
	dp_carrier_set(&bench.team, 1, true);
	ck_assert_uint_eq(bench.own->carrier, 2);
	ck_assert_uint_eq(bench.own->waiting, 0);
}
END_TEST

START_TEST(the_heartbeat_is_of_open_teams_and_ends_with_the_last_word)
{
	static struct bench bench;

	start(&bench);
	dp_carrier_heartbeat(&bench.dp, START);
	ck_assert_uint_eq(bench.own->heartbeat, START);
	ck_assert_uint_eq(bench.words[4].heartbeat, 0);
	ck_assert(carrier_daemon_lives(bench.own, START + NSEC_PER_SEC));
	dp_carrier_last_word(&bench.team);
	ck_assert(!carrier_daemon_lives(bench.own, START));
}
END_TEST

/* Each three seconds the daemon compares; a difference has to be there twice. */
START_TEST(a_bit_that_went_astray_is_set_again_after_seconds)
{
	static struct bench bench;

	start(&bench);
	dp_carrier_set(&bench.team, 1, true);
	bench.own->carrier = 0;
	bench.own->down = 2;
	for (unsigned second = 0; second < 6; second++) {
		dp_carrier_heartbeat(&bench.dp, START + second * NSEC_PER_SEC);
		ck_assert_uint_eq(bench.own->carrier, second < 3 ? 0 : 2);
	}
	ck_assert_uint_eq(bench.own->down, 0);
}
END_TEST

START_TEST(a_loss_that_the_daemon_has_heard_of_stays_one)
{
	static struct bench bench;

	start(&bench);
	dp_carrier_set(&bench.team, 1, true);
	(void)carrier_lost(bench.own, 1, START);
	dp_carrier_heartbeat(&bench.dp, START);
	dp_carrier_set(&bench.team, 1, false);
	for (unsigned second = 3; second < 12; second += 3)
		dp_carrier_heartbeat(&bench.dp, START + second * NSEC_PER_SEC);
	ck_assert_uint_eq(bench.own->carrier, 0);
	ck_assert_uint_eq(bench.own->down, 2);
}
END_TEST

START_TEST(a_link_that_flaps_is_no_bit_astray)
{
	static struct bench bench;

	start(&bench);
	dp_carrier_set(&bench.team, 1, true);
	for (unsigned second = 0; second < 12; second += 3) {
		(void)carrier_lost(bench.own, 1, START);
		dp_carrier_heartbeat(&bench.dp, START + second * NSEC_PER_SEC);
		ck_assert_uint_eq(bench.own->carrier, 0);
		carrier_back(bench.own, 1, START);
		dp_carrier_set(&bench.team, 1, true);
		ck_assert_uint_eq(bench.own->carrier, 2);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("carrier word");
	TCase *tcase = tcase_create("carrier word");

	tcase_add_test(tcase, the_daemon_sets_and_clears_bits);
	tcase_add_test(tcase, old_news_do_not_bring_a_lost_link_back);
	tcase_add_test(tcase, the_heartbeat_is_of_open_teams_and_ends_with_the_last_word);
	tcase_add_test(tcase, a_bit_that_went_astray_is_set_again_after_seconds);
	tcase_add_test(tcase, a_loss_that_the_daemon_has_heard_of_stays_one);
	tcase_add_test(tcase, a_link_that_flaps_is_no_bit_astray);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
