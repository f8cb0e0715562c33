/* Whether a member's way is alive: who is asked, what an answer counts, when a way is dead and when
 * it comes back, and what nobody's silence means. */
#include "daemon/core/probe.h"
#include "lib/base/array.h"
#include "tests/unit/run.h"

#define START (1000 * NSEC_PER_SEC)
#define INTERVAL (100 * NSEC_PER_MS)

static struct probe probe;
static nsec_t now;
static uint32_t dead_ways;    /* Members on which nobody answers. */
static uint32_t dead_targets; /* Targets that never answer. */
static uint32_t changed;

static const struct mac target_mac = { { 2, 0, 0, 0, 0, 1 } };

static void init(unsigned n_targets, unsigned missed_max)
{
	probe_init(&probe, &(struct probe_config){ n_targets, INTERVAL, missed_max });
	now = START;
	dead_ways = dead_targets = changed = 0;
}

static void up(unsigned slot)
{
	probe_member_up(&probe, slot, false, now);
}

/* The network: each question on a way that lives is answered at once by a target that lives. */
static void answer_all(void)
{
	struct probe_question question;

	while (probe_next_question(&probe, &question))
		if (!(dead_ways >> question.slot & 1) && !(dead_targets >> question.target & 1) &&
		    probe_answered(&probe, question.slot, question.target, &target_mac, now))
			changed |= 1u << question.slot;
}

static void run(nsec_t duration)
{
	nsec_t end = now + duration;

	while (probe_deadline(&probe) <= end) {
		if (probe_deadline(&probe) > now)
			now = probe_deadline(&probe);
		changed |= probe_tick(&probe, now);
		answer_all();
	}
	now = end;
}

static enum probe_state state(unsigned slot)
{
	return probe.members[slot].state;
}

START_TEST(nobody_without_a_link_is_asked)
{
	struct probe_question question;

	init(1, 3);
	ck_assert_uint_eq(probe_deadline(&probe), NSEC_NEVER);
	ck_assert_uint_eq(probe_tick(&probe, now), 0);
	ck_assert(!probe_next_question(&probe, &question));
	up(31);
	ck_assert_uint_eq(probe_deadline(&probe), now);
	probe_member_down(&probe, 31);
	ck_assert_uint_eq(probe_deadline(&probe), NSEC_NEVER);
}
END_TEST

START_TEST(all_targets_are_asked_on_all_members_at_once)
{
	struct probe_question question;
	unsigned n[2][3] = {};

	init(3, 3);
	up(4);
	up(7);
	(void)probe_tick(&probe, now);
	while (probe_next_question(&probe, &question)) {
		ck_assert(question.slot == 4 || question.slot == 7);
		ck_assert(mac_is_zero(&question.mac));
		n[question.slot == 7][question.target]++;
	}
	for (unsigned i = 0; i < 6; i++)
		ck_assert_uint_eq(n[i / 3][i % 3], 1);
}
END_TEST

START_TEST(who_answered_is_asked_alone_until_it_does_not)
{
	struct probe_question question;

	init(1, 3);
	up(0);
	run(INTERVAL);
	now = probe_deadline(&probe);
	(void)probe_tick(&probe, now);
	ck_assert(probe_next_question(&probe, &question));
	ck_assert(mac_equal(&question.mac, &target_mac));
	now = probe_deadline(&probe);
	(void)probe_tick(&probe, now);
	ck_assert(probe_next_question(&probe, &question));
	ck_assert(mac_is_zero(&question.mac));
}
END_TEST

/* For each missed_max and each instant at which the way can die. */
START_TEST(a_dead_way_is_found_within_the_time)
{
	unsigned missed_max = (unsigned)_i;

	for (unsigned i = 0; i <= 50; i++) {
		nsec_t died;

		init(2, missed_max);
		up(0);
		up(1);
		run(5 * INTERVAL + i * INTERVAL / 37);
		ck_assert_int_eq(state(0), PROBE_ALIVE);
		died = now;
		dead_ways = 1;
		while (state(0) == PROBE_ALIVE)
			run(INTERVAL / 100);
		ck_assert_uint_le(now - died, missed_max * INTERVAL + INTERVAL / 100);
		ck_assert_int_eq(state(0), PROBE_DEAD);
		ck_assert_int_eq(state(1), PROBE_ALIVE);
	}
}
END_TEST

/* A network that loses missed_max - 1 answers in a row, again and again. */
START_TEST(fewer_lost_answers_are_none)
{
	unsigned missed_max = (unsigned)_i;

	init(1, missed_max);
	up(0);
	up(1);
	run(INTERVAL);
	for (unsigned round = 0; round < 300; round++) {
		dead_ways = round % missed_max != 0;
		now = probe_deadline(&probe);
		(void)probe_tick(&probe, now);
		answer_all();
		ck_assert_int_eq(state(0), PROBE_ALIVE);
	}
}
END_TEST

START_TEST(one_target_of_several_is_enough)
{
	init(3, 3);
	dead_targets = 0b101;
	up(0);
	up(1);
	run(20 * INTERVAL);
	ck_assert(probe_is_good(&probe, 0) && probe_is_good(&probe, 1));
	dead_targets = 0b011;
	run(20 * INTERVAL);
	ck_assert_int_eq(state(0), PROBE_ALIVE);
}
END_TEST

START_TEST(it_comes_back_after_two_answers_in_a_row)
{
	init(1, 2);
	up(0);
	up(1);
	run(5 * INTERVAL);
	dead_ways = 1;
	run(5 * INTERVAL);
	ck_assert_int_eq(state(0), PROBE_DEAD);
	/* Every other answer comes through. */
	for (unsigned i = 0; i < 10; i++) {
		dead_ways = i % 2;
		now = probe_deadline(&probe);
		(void)probe_tick(&probe, now);
		answer_all();
		ck_assert_int_eq(state(0), PROBE_DEAD);
	}
	dead_ways = 0;
	now = probe_deadline(&probe);
	(void)probe_tick(&probe, now);
	answer_all();
	ck_assert_int_eq(state(0), PROBE_DEAD);
	now = probe_deadline(&probe);
	(void)probe_tick(&probe, now);
	answer_all();
	ck_assert_int_eq(state(0), PROBE_ALIVE);
}
END_TEST

START_TEST(targets_that_were_never_there_take_nobody_out)
{
	init(2, 3);
	dead_targets = 0b11;
	up(0);
	up(1);
	ck_assert(!probe_is_silent(&probe));
	run(100 * INTERVAL);
	ck_assert(probe_is_good(&probe, 0) && probe_is_good(&probe, 1));
	ck_assert(probe_is_silent(&probe));
	dead_targets = 0;
	run(3 * INTERVAL);
	ck_assert(!probe_is_silent(&probe));
	ck_assert_int_eq(state(0), PROBE_ALIVE);
}
END_TEST

START_TEST(a_target_that_restarts_takes_nobody_out)
{
	init(1, 1);
	up(0);
	up(1);
	run(5 * INTERVAL);
	changed = 0;
	dead_targets = 1;
	run(100 * INTERVAL);
	dead_targets = 0;
	run(5 * INTERVAL);
	ck_assert_uint_eq(changed, 0);
	ck_assert_int_eq(state(0), PROBE_ALIVE);
}
END_TEST

START_TEST(a_dead_way_stays_dead_while_nobody_is_answered)
{
	init(1, 3);
	up(0);
	up(1);
	run(5 * INTERVAL);
	dead_ways = 1;
	run(5 * INTERVAL);
	dead_targets = 1;
	run(100 * INTERVAL);
	ck_assert_int_eq(state(0), PROBE_DEAD);
	ck_assert_int_eq(state(1), PROBE_ALIVE);
}
END_TEST

static const struct {
	const char *what;
	bool others_alive;
	bool trusted;
	enum probe_state expected;
} newcomers[] = {
	{ "the first ones are trusted", false, false, PROBE_TRUSTED },
	{ "one that is in use is trusted", true, true, PROBE_TRUSTED },
	{ "one that comes to others has to prove itself", true, false, PROBE_UNPROVEN },
};

START_TEST(whom_to_trust_before_anything_is_known)
{
	init(1, 3);
	dead_ways = 2;
	up(0);
	if (newcomers[_i].others_alive)
		run(5 * INTERVAL);
	probe_member_up(&probe, 1, newcomers[_i].trusted, now);
	ck_assert_msg(state(1) == newcomers[_i].expected, "%s", newcomers[_i].what);
	/* A dead way is found all the same. */
	run(5 * INTERVAL);
	ck_assert_int_eq(state(1), PROBE_DEAD);
	dead_ways = 0;
	run(3 * INTERVAL);
	ck_assert_int_eq(state(1), PROBE_ALIVE);
}
END_TEST

START_TEST(an_answer_that_nobody_asked_for_is_none)
{
	init(1, 3);
	up(0);
	up(1);
	run(5 * INTERVAL);
	dead_ways = 1;
	probe_member_down(&probe, 0);
	ck_assert(!probe_answered(&probe, 0, 0, &target_mac, now));
	ck_assert_int_eq(state(0), PROBE_OFF);
	up(0);
	for (unsigned i = 0; i < 10; i++)
		ck_assert(!probe_answered(&probe, 0, 0, &target_mac, now));
	ck_assert_int_eq(state(0), PROBE_UNPROVEN);
	/* Nor is one of a target that is none. */
	(void)probe_tick(&probe, now);
	ck_assert(!probe_answered(&probe, 1, 5, &target_mac, now));
}
END_TEST

START_TEST(many_answers_to_one_question_are_one)
{
	init(1, 3);
	up(0);
	run(INTERVAL);
	up(1);
	dead_ways = 2;
	run(INTERVAL);
	dead_ways = 0;
	now = probe_deadline(&probe);
	(void)probe_tick(&probe, now);
	for (unsigned i = 0; i < 10; i++)
		ck_assert(!probe_answered(&probe, 1, 0, &target_mac, now));
	ck_assert_int_eq(state(1), PROBE_UNPROVEN);
}
END_TEST

START_TEST(a_loop_that_stood_still_misses_one_round_not_many)
{
	init(1, 2);
	up(0);
	up(1);
	run(5 * INTERVAL);
	now += 100 * INTERVAL;
	ck_assert_uint_eq(probe_tick(&probe, now), 0);
	ck_assert_uint_gt(probe_deadline(&probe), now);
	answer_all();
	ck_assert_int_eq(state(0), PROBE_ALIVE);
}
END_TEST

/* Links, ways and targets come and go at random: nobody whose way lives is ever dead, and nobody
 * is dead by a round in which no other member was answered. */
START_TEST(who_is_answered_is_never_dead)
{
	uint32_t random = (uint32_t)_i + 1;
	nsec_t alive_since[PROBE_MEMBERS] = {};

	init(2, 1 + (unsigned)_i % 4);
	for (unsigned step = 0; step < 20000; step++) {
		unsigned slot, kind;

		random = random * 1664525 + 1013904223;
		slot = random >> 8 & 3;
		kind = random >> 16 & 15;
		if (kind == 0)
			probe_member_down(&probe, slot);
		else if (kind == 1)
			up(slot);
		else if (kind == 2)
			dead_ways ^= 1u << slot;
		else if (kind == 3)
			dead_targets = random >> 24 & 3;
		if (kind <= 2)
			alive_since[slot] = now;
		if (kind == 3)
			for (unsigned i = 0; i < 4; i++)
				alive_since[i] = now;
		run(INTERVAL * (random >> 28) / 8);
		for (unsigned i = 0; i < 4; i++)
			if (state(i) != PROBE_OFF && !(dead_ways >> i & 1) && dead_targets != 3 &&
			    now - alive_since[i] > 3 * INTERVAL)
				ck_assert_int_eq(state(i), PROBE_ALIVE);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("probe");
	TCase *tcase = tcase_create("probe");

	tcase_add_test(tcase, nobody_without_a_link_is_asked);
	tcase_add_test(tcase, all_targets_are_asked_on_all_members_at_once);
	tcase_add_test(tcase, who_answered_is_asked_alone_until_it_does_not);
	tcase_add_loop_test(tcase, a_dead_way_is_found_within_the_time, 1, 6);
	tcase_add_loop_test(tcase, fewer_lost_answers_are_none, 2, 6);
	tcase_add_test(tcase, one_target_of_several_is_enough);
	tcase_add_test(tcase, it_comes_back_after_two_answers_in_a_row);
	tcase_add_test(tcase, targets_that_were_never_there_take_nobody_out);
	tcase_add_test(tcase, a_target_that_restarts_takes_nobody_out);
	tcase_add_test(tcase, a_dead_way_stays_dead_while_nobody_is_answered);
	tcase_add_loop_test(tcase, whom_to_trust_before_anything_is_known, 0,
			    ARRAY_SIZE(newcomers));
	tcase_add_test(tcase, an_answer_that_nobody_asked_for_is_none);
	tcase_add_test(tcase, many_answers_to_one_question_are_one);
	tcase_add_test(tcase, a_loop_that_stood_still_misses_one_round_not_many);
	tcase_add_loop_test(tcase, who_is_answered_is_never_dead, 0, 8);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
