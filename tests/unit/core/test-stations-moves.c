/* Stations: what moves when members and stations come and go, and how fair it stays. */
#include "daemon/core/stations.h"

#include "lib/base/array.h"
#include "tests/unit/core/stations-model.h"
#include "tests/unit/run.h"

/* The tests' loop index is the number of members less one. */
START_TEST(new_stations_come_to_who_has_fewest)
{
	static const uint32_t speeds[] = { 1000, 2500, 10000, 25000, 40000, 100000 };

	for (int mixed = 0; mixed < 2; mixed++) {
		setup();
		set_weights(NULL);
		seed = (uint32_t)_i;
		for (unsigned slot = 0; mixed && slot < PLACEMENT_MEMBERS; slot++)
			members.weights[slot] = speeds[random_below(ARRAY_SIZE(speeds))];
		set_members(first((unsigned)_i + 1), first((unsigned)_i + 1));
		for (unsigned i = 0; i < 300; i++) {
			send(i);
			if (i % 10 == 9)
				expect_fair(members.fit);
		}
		ck_assert_uint_eq(n_moved, 0);
		settle();
		ck_assert_uint_eq(n_moved, 0);
		expect_fair_after_any_failure(members.fit);
	}
}
END_TEST

START_TEST(two_failures_at_once_are_poured_too)
{
	set_weights(NULL);
	set_members(first((unsigned)_i + 1), first((unsigned)_i + 1));
	send_first(200);
	settle();
	for (unsigned a = 0; a <= (unsigned)_i; a++)
		for (unsigned b = 0; b < a; b++)
			expect_fair_after_two(members.fit, a, b);
}
END_TEST

START_TEST(a_failure_moves_what_the_failed_one_carried_and_its_return_brings_it_back)
{
	unsigned n = (unsigned)_i + 1, lost = n / 2, counts[PLACEMENT_MEMBERS];
	member_set all = first(n), rest = all & ~((member_set)1 << lost);
	struct places whole, failed, again;

	if (!rest)
		return;
	set_weights(NULL);
	set_members(all, all);
	send_first(200);
	settle();
	count(all, counts);
	whole = places(all);
	forget_counts();
	set_members(all, rest);
	ck_assert_uint_eq(n_moved, counts[lost]);
	failed = places(rest);
	nothing_else_moved(&whole, &failed, (member_set)1 << lost);
	settle();
	forget_counts();
	set_members(all, all);
	/* All are held; then they come back one by one. */
	again = places(all);
	nothing_else_moved(&failed, &again, 0);
	ck_assert_uint_eq(n_moved, 0);
	run(STATIONS_RELEASE_INTERVAL);
	ck_assert_uint_le(n_moved, STATIONS_RELEASE_BATCH);
	settle();
	ck_assert_uint_eq(n_moved, counts[lost]);
	again = places(all);
	nothing_else_moved(&whole, &again, 0);
}
END_TEST

/* Long random sequences, in which nothing ever moves that need not. */
START_TEST(whatever_happens_nothing_moves_that_need_not)
{
	unsigned n = (unsigned)_i + 1;
	member_set all = first(n), fit = all;

	seed = (uint32_t)_i;
	set_weights(NULL);
	set_members(all, all);
	for (int round = 0; round < 150; round++) {
		struct places before, after;
		unsigned i = random_below(300);
		struct mac mac = mac_of(i);
		member_set bit = (member_set)1 << random_below(n), was = fit;

		before = places(fit);
		switch (random_below(4)) {
		case 0:
			send(i);
			break;
		case 1:
			if (entry_of(&mac)) {
				entry_of(&mac)->there = false;
				stations_left(stations, &mac, now);
			}
			break;
		case 2:
			stations_known(stations, &mac, 0, 77, now);
			break;
		default:
			fit ^= bit;
			if (!fit)
				fit = bit;
			break;
		}
		set_members(all, fit);
		after = places(fit);
		nothing_else_moved(&before, &after, was & ~fit);
		if (random_below(3) == 0) {
			settle();
			expect_fair_after_any_failure(fit);
		}
	}
	/* Who is whole again has everybody at home. */
	set_members(all, all);
	settle();
	for (unsigned i = 0; i < n_entries; i++)
		if (entries[i].there)
			ck_assert_uint_eq(carrier(&entries[i], all), entries[i].order[0]);
}
END_TEST

START_TEST(a_member_that_is_new_gets_its_share_one_by_one_and_no_more_than_that_moves)
{
	unsigned n = (unsigned)_i + 1, counts[PLACEMENT_MEMBERS];

	if (n == 32)
		return;
	set_weights(NULL);
	set_members(first(n), first(n));
	send_first(200);
	settle();
	forget_counts();
	set_members(first(n + 1), first(n + 1));
	ck_assert_uint_eq(n_moved, 0);
	run(STATIONS_RELEASE_INTERVAL);
	ck_assert_uint_eq(n_moved, 200 / (n + 1) < STATIONS_RELEASE_BATCH ? 200 / (n + 1)
									  : STATIONS_RELEASE_BATCH);
	settle();
	count(members.fit, counts);
	ck_assert_uint_eq(counts[n], 200 / (n + 1));
	ck_assert_uint_eq(n_moved, counts[n]);
	expect_fair(members.fit);
	expect_fair_after_any_failure(members.fit);
	/* And when it is taken out for good, all others stay. */
	forget_counts();
	set_members(first(n), first(n));
	ck_assert_uint_eq(n_moved, counts[n]);
	settle();
	ck_assert_uint_eq(n_moved, counts[n]);
	expect_fair(members.fit);
}
END_TEST

START_TEST(the_old_member_receives_for_a_second_when_both_work)
{
	struct mac mac = mac_of(0);

	set_weights(NULL);
	set_members(3, 1);
	send(0);
	settle();
	set_members(3, 3);
	send(1);
	ck_assert_uint_eq(carrier_of(1), 1);
	set_members(3, 1);
	ck_assert_uint_eq(entry_of(&mac)->also, PLACEMENT_NONE);
	mac = mac_of(1);
	/* The failed one takes nothing in. */
	ck_assert_uint_eq(entry_of(&mac)->also, PLACEMENT_NONE);
	ck_assert_uint_eq(entry_of(&mac)->hold, 0);
	settle();
	set_members(3, 3);
	run(STATIONS_RELEASE_INTERVAL);
	ck_assert_uint_eq(carrier_of(1), 1);
	ck_assert_uint_eq(entry_of(&mac)->hold, PLACEMENT_NONE);
	ck_assert_uint_eq(entry_of(&mac)->also, 0);
	run(STATIONS_ALSO - 1);
	ck_assert_uint_eq(entry_of(&mac)->also, 0);
	run(1);
	ck_assert_uint_eq(entry_of(&mac)->also, PLACEMENT_NONE);
}
END_TEST

START_TEST(what_returned_is_announced_once_more_while_the_old_member_receives)
{
	struct mac mac = mac_of(1);

	set_weights(NULL);
	set_members(3, 3);
	send(0);
	send(1);
	set_members(3, 1);
	run(2 * STATIONS_CONFIRM);
	n_confirmed = 0;
	set_members(3, 3);
	run(STATIONS_RELEASE_INTERVAL);
	ck_assert_uint_eq(carrier_of(1), 1);
	run(STATIONS_CONFIRM - 1);
	ck_assert_uint_eq(n_confirmed, 0);
	run(1);
	ck_assert_uint_eq(n_confirmed, 1);
	ck_assert(mac_equal(&last_confirmed.mac, &mac));
	ck_assert_uint_eq(last_confirmed.slot, 1);
	ck_assert_uint_eq(entry_of(&mac)->also, 0);
	run(2 * STATIONS_CONFIRM);
	ck_assert_uint_eq(n_confirmed, 1);
}
END_TEST

/* Its carrier may be there and its orders name it: only the holds keep the stations from it. */
START_TEST(a_member_that_is_waited_for_gets_nothing_that_works_elsewhere)
{
	set_weights(NULL);
	set_members(3, 3);
	send_first(10);
	set_members(3, 1);
	settle();
	members.waiting = 2;
	set_members(3, 3);
	settle();
	for (unsigned i = 0; i < 10; i++)
		ck_assert_uint_eq(carrier_of(i), 0);
	send(10);
	ck_assert_uint_eq(carrier_of(10), 0);
	/* But what has nowhere else to go it gets at once. */
	set_members(3, 2);
	ck_assert_uint_eq(carrier_of(10), 1);
	set_members(3, 3);
	members.waiting = 0;
	set_members(3, 3);
	settle();
	expect_fair(3);
}
END_TEST

START_TEST(a_standby_member_gets_what_has_lost_its_home_and_gives_it_back)
{
	struct places whole, again;
	unsigned counts[PLACEMENT_MEMBERS];

	set_weights(NULL);
	members.standby = 4;
	set_members(7, 3);
	send_first(20);
	settle();
	whole = places(3);
	forget_counts();
	for (int round = 0; round < 2; round++) {
		set_members(7, 6); /* 0 fails, and 2 stands in for it. */
		count(6, counts);
		ck_assert_uint_eq(counts[1], 10);
		ck_assert_uint_eq(counts[2], 10);
		settle();
		set_members(7, 3);
		settle();
		again = places(3);
		nothing_else_moved(&whole, &again, 0);
	}
	ck_assert_uint_eq(n_moved, 40);
	/* A moment later than the failure it works as well, one by one. */
	set_members(7, 2);
	settle();
	set_members(7, 6);
	settle();
	count(6, counts);
	ck_assert_uint_eq(counts[2], 10);
}
END_TEST

START_TEST(active_and_standby_hand_everything_over_and_back)
{
	set_weights(NULL);
	members.standby = 2;
	set_members(3, 1);
	send_first(30);
	settle();
	forget_counts();
	set_members(3, 2);
	ck_assert_uint_eq(n_moved, 30);
	for (unsigned i = 0; i < 30; i++)
		ck_assert_uint_eq(carrier_of(i), 1);
	set_members(3, 1);
	ck_assert_uint_eq(n_moved, 60);
	for (unsigned i = 0; i < 30; i++)
		ck_assert_uint_eq(carrier_of(i), 0);
}
END_TEST

START_TEST(a_speed_that_changes_changes_the_shares)
{
	unsigned counts[PLACEMENT_MEMBERS];

	set_weights(NULL);
	set_members(3, 3);
	send_first(40);
	settle();
	forget_counts();
	members.weights[1] = 3000;
	set_members(3, 3);
	settle();
	count(3, counts);
	ck_assert_uint_eq(counts[1], 30);
	ck_assert_uint_eq(n_moved, 10);
	/* Unknown is as before. */
	members.weights[1] = 0;
	set_members(3, 3);
	settle();
	ck_assert_uint_eq(n_moved, 10);
}
END_TEST

START_TEST(without_any_member_everything_waits_and_then_moves_at_once)
{
	set_weights(NULL);
	set_members(3, 3);
	send_first(10);
	settle();
	forget_counts();
	set_members(3, 0);
	ck_assert_uint_eq(n_moved, 0);
	stations_known(stations, &(struct mac){ { 2, 9, 9, 9, 9, 9 } }, 0, 5, now);
	settle();
	set_members(3, 2);
	ck_assert_uint_eq(n_moved, 11);
	ck_assert_uint_eq(last_moved.slot, 1);
	set_members(3, 3);
	settle();
	expect_fair(3);
}
END_TEST

static void add_properties(Suite *suite)
{
	TCase *tcase = tcase_create("properties");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, new_stations_come_to_who_has_fewest, 0, 32);
	tcase_add_loop_test(tcase, two_failures_at_once_are_poured_too, 0, 32);
	tcase_add_loop_test(
		tcase, a_failure_moves_what_the_failed_one_carried_and_its_return_brings_it_back, 0,
		32);
	tcase_add_loop_test(tcase, whatever_happens_nothing_moves_that_need_not, 0, 32);
	tcase_add_loop_test(
		tcase, a_member_that_is_new_gets_its_share_one_by_one_and_no_more_than_that_moves,
		0, 32);
	suite_add_tcase(suite, tcase);
}

int main(void)
{
	Suite *suite = suite_create("stations-moves");
	TCase *tcase = tcase_create("moves");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, the_old_member_receives_for_a_second_when_both_work);
	tcase_add_test(tcase, what_returned_is_announced_once_more_while_the_old_member_receives);
	tcase_add_test(tcase, a_member_that_is_waited_for_gets_nothing_that_works_elsewhere);
	tcase_add_test(tcase, a_standby_member_gets_what_has_lost_its_home_and_gives_it_back);
	tcase_add_test(tcase, active_and_standby_hand_everything_over_and_back);
	tcase_add_test(tcase, a_speed_that_changes_changes_the_shares);
	tcase_add_test(tcase, without_any_member_everything_waits_and_then_moves_at_once);
	suite_add_tcase(suite, tcase);
	add_properties(suite);
	return run_suite(suite);
}
