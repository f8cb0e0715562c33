/* Stations: which come, stay, leave and are forgotten, and what is said of them. */
#include "daemon/core/stations.h"

#include "lib/base/array.h"
#include "tests/unit/core/stations-model.h"
#include "tests/unit/run.h"

#include <string.h>

START_TEST(all_vlans_of_an_address_are_one_station)
{
	struct mac mac = mac_of(0);

	set_weights(NULL);
	set_members(3, 3);
	stations_known(stations, &mac, 10, 5, now);
	stations_learned(stations, &mac, 20, 1, now);
	stations_learned(stations, &mac, 20, 1, now);
	stations_learned(stations, &mac, 0, 1, now);
	drain();
	ck_assert_uint_eq(stations_count(stations), 1);
	set_members(3, 2);
	ck_assert_uint_eq(n_moved, 1);
	ck_assert_uint_eq(last_moved.n_vlans, 3);
	ck_assert_uint_eq(last_moved.vlans[0], 10);
	ck_assert_uint_eq(last_moved.vlans[1], 20);
	ck_assert_uint_eq(last_moved.vlans[2], 0);
	for (uint16_t vlan = 100; vlan < 200; vlan++)
		stations_learned(stations, &mac, vlan, 1, now);
	drain();
	ck_assert_uint_eq(n_notes, 1);
	ck_assert_int_eq(last_note.note, STATIONS_NOTE_VLANS);
}
END_TEST

START_TEST(what_is_silent_is_forgotten_unless_a_bridge_has_it)
{
	struct mac silent = mac_of(0), local = mac_of(1);

	set_weights(NULL);
	set_members(3, 3);
	stations_learned(stations, &silent, 0, 0, now);
	stations_known(stations, &local, 0, 5, now);
	run(STATIONS_SILENCE - NSEC_PER_SEC);
	ck_assert_uint_eq(stations_count(stations), 2);
	run(2 * STATIONS_SWEEP_INTERVAL);
	ck_assert(!stations_has(stations, &silent));
	ck_assert(stations_has(stations, &local));
	/* Gone from the bridge it may be silent only: 10 minutes after that. */
	stations_gone(stations, &local, 4, now);
	run(2 * STATIONS_SILENCE);
	ck_assert(stations_has(stations, &local));
	stations_gone(stations, &local, 5, now);
	run(STATIONS_SILENCE);
	ck_assert(!stations_has(stations, &local));
	ck_assert_uint_eq(n_forgets, 2);
	ck_assert_uint_eq(stations_deadline(stations), NSEC_NEVER);
}
END_TEST

START_TEST(who_sends_is_not_forgotten)
{
	struct mac mac = mac_of(0);

	set_weights(NULL);
	set_members(3, 3);
	send(0);
	for (int minute = 0; minute < 30; minute++) {
		run(60 * NSEC_PER_SEC);
		find(entry_of(&mac), now - NSEC_PER_SEC);
	}
	ck_assert(stations_has(stations, &mac));
	run(STATIONS_SILENCE + STATIONS_SWEEP_INTERVAL);
	ck_assert(!stations_has(stations, &mac));
}
END_TEST

START_TEST(what_was_behind_a_port_that_is_gone_is_forgotten_at_once)
{
	struct mac mac = mac_of(0), other = mac_of(1);

	set_weights(NULL);
	set_members(3, 3);
	stations_known(stations, &mac, 0, 5, now);
	stations_known(stations, &other, 0, 6, now);
	stations_gone(stations, &mac, 5, now);
	drain();
	stations_port_gone(stations, 5, now);
	drain();
	ck_assert(!stations_has(stations, &mac));
	ck_assert(stations_has(stations, &other));
	ck_assert_uint_eq(n_forgets, 1);
	ck_assert_ptr_null(entry_of(&mac));
	/* It comes back in the same turn: it is written after it was forgotten. */
	stations_port_gone(stations, 6, now);
	stations_known(stations, &other, 0, 7, now);
	drain();
	ck_assert_ptr_nonnull(entry_of(&other));
}
END_TEST

START_TEST(what_left_is_left_alone)
{
	struct mac mac = mac_of(0);

	set_weights(NULL);
	set_members(3, 3);
	send(0);
	settle();
	entry_of(&mac)->there = false;
	forget_counts();
	stations_left(stations, &mac, now);
	settle();
	ck_assert_uint_eq(n_puts + n_moved, 0);
	ck_assert(!stations_has(stations, &mac));
	/* The datapath read before it had told that it left: it is not kept. */
	send(0);
	settle();
	stations_left(stations, &mac, now);
	drain();
	ck_assert_ptr_null(entry_of(&mac));
	/* It is heard again before that is carried out: it stays where it sent. */
	send(0);
	stations_left(stations, &mac, now);
	stations_learned(stations, &mac, 0, 1, now);
	drain();
	ck_assert_uint_eq(entry_of(&mac)->order[0], 1);
	/* The datapath entered it anew with another home than it has. */
	memset(entry_of(&mac)->order, PLACEMENT_NONE, PLACEMENT_MEMBERS);
	entry_of(&mac)->order[0] = 0;
	stations_learned(stations, &mac, 0, 0, now);
	drain();
	ck_assert_uint_eq(entry_of(&mac)->order[0], 1);
	ck_assert_uint_eq(entry_of(&mac)->order[1], 0);
}
END_TEST

/* However it came about. */
START_TEST(what_is_not_as_it_was_written_is_written_again)
{
	struct mac mac = mac_of(0);
	uint8_t order[PLACEMENT_MEMBERS];

	set_weights(NULL);
	set_members(7, 7);
	send(0);
	settle();
	memcpy(order, entry_of(&mac)->order, sizeof(order));
	entry_of(&mac)->order[1] = PLACEMENT_NONE;
	run(2 * STATIONS_SWEEP_INTERVAL);
	ck_assert_mem_eq(entry_of(&mac)->order, order, sizeof(order));
}
END_TEST

START_TEST(the_teams_own_addresses_are_nobodys)
{
	struct mac own[PLACEMENT_MEMBERS] = { [3] = mac_of(3) }, team = mac_of(9);
	const struct mac group = { { 1, 0, 0x5e, 0, 0, 1 } }, zero = {};

	set_weights(NULL);
	set_members(3, 3);
	stations_set_own(stations, &team, own);
	stations_learned(stations, &team, 0, 0, now);
	stations_known(stations, &own[3], 0, 5, now);
	stations_known(stations, &group, 0, 5, now);
	stations_known(stations, &zero, 0, 5, now);
	drain();
	ck_assert_uint_eq(stations_count(stations), 0);
	ck_assert_uint_eq(n_notes, 1);
	ck_assert_int_eq(last_note.note, STATIONS_NOTE_COLLISION);
	for (int i = 0; i < 1000; i++) {
		stations_known(stations, &team, 0, 5, now);
		run(NSEC_PER_SEC);
	}
	ck_assert_uint_ge(n_notes, 16);
	ck_assert_uint_le(n_notes, 18);
}
END_TEST

START_TEST(an_address_that_moves_between_ports_costs_nothing)
{
	struct mac mac = mac_of(0);

	set_weights(NULL);
	set_members(3, 3);
	stations_known(stations, &mac, 0, 5, now);
	settle();
	forget_counts();
	for (int i = 0; i < 1000; i++) {
		stations_known(stations, &mac, 0, 5 + i % 2, now);
		stations_gone(stations, &mac, 6 - i % 2, now);
		drain();
		now += NSEC_PER_SEC;
	}
	ck_assert_uint_eq(n_puts + n_moved + n_forgets, 0);
	ck_assert_int_eq(last_note.note, STATIONS_NOTE_ROAMING);
	ck_assert_uint_le(n_notes, 17);
	ck_assert_uint_eq(stations_count(stations), 1);
}
END_TEST

START_TEST(a_flood_of_addresses_fills_the_table_and_no_more)
{
	set_weights(NULL);
	set_members(3, 3);
	for (unsigned i = 0; i < 100000; i++) {
		struct mac mac = mac_of(i);

		stations_known(stations, &mac, 0, 5, now);
		stations_learned(stations, &mac, 0, 0, now);
	}
	drain();
	ck_assert_uint_eq(stations_count(stations), STATIONS_MAX);
	ck_assert_uint_eq(stations_n_refused(stations), 2 * (100000 - STATIONS_MAX));
	ck_assert_uint_eq(room, 0);
	ck_assert_uint_eq(n_notes, 1);
	ck_assert_int_eq(last_note.note, STATIONS_NOTE_FULL);
	/* What the datapath entered all the same is taken out, some at a time. */
	ck_assert_uint_gt(n_forgets, 0);
	ck_assert_uint_le(n_forgets, 64);
	settle();
	expect_fair_after_any_failure(3);
	stations_port_gone(stations, 5, now);
	settle();
	ck_assert_uint_eq(stations_count(stations), 0);
	ck_assert_uint_eq(room, STATIONS_MAX);
}
END_TEST

START_TEST(what_a_datapath_does_already_goes_on)
{
	const uint8_t order[PLACEMENT_MEMBERS] = { 1, 0, [2 ... 31] = PLACEMENT_NONE };
	struct mac held = mac_of(0), home = mac_of(1);

	set_weights(NULL);
	memcpy(make_entry(&held)->order, order, sizeof(order));
	memcpy(make_entry(&home)->order, order, sizeof(order));
	entry_of(&held)->hold = 0;
	find(entry_of(&held), now);
	find(entry_of(&home), 0);
	stations_set_primary(stations, 1, true, now);
	drain();
	set_members(3, 3);
	ck_assert_uint_eq(n_moved + n_primary, 0);
	ck_assert_uint_eq(carrier_of(0), 0);
	settle();
	/* The hold of the former daemon ends; nothing else. */
	ck_assert_uint_eq(n_moved, 1);
	ck_assert_uint_eq(carrier_of(0), 1);
	ck_assert_uint_eq(carrier_of(1), 1);
}
END_TEST

START_TEST(what_the_datapath_has_lost_is_written_again)
{
	struct mac mac = mac_of(0);

	set_weights(NULL);
	set_members(3, 3);
	stations_known(stations, &mac, 0, 5, now);
	settle();
	entry_of(&mac)->there = false;
	run(3 * STATIONS_SWEEP_INTERVAL);
	ck_assert_ptr_nonnull(entry_of(&mac));
}
END_TEST

START_TEST(where_all_are_with_the_primary_they_move_with_it)
{
	begin(&(struct stations_rules){ .independent = true, .refresh = true });
	set_weights(NULL);
	set_members(3, 3);
	stations_set_primary(stations, 0, false, now);
	drain();
	ck_assert_uint_eq(n_primary, 1);
	send_first(10);
	stations_known(stations, &(struct mac){ { 2, 9, 9, 9, 9, 9 } }, 0, 5, now);
	drain();
	/* Only the one that did not come by traffic has to be written. */
	ck_assert_uint_eq(n_puts, 1);
	ck_assert_uint_eq(n_moved, 0);
	stations_set_primary(stations, 1, false, now);
	drain();
	ck_assert_uint_eq(n_moved, 11);
	ck_assert_uint_eq(n_primary, 2);
	ck_assert_uint_eq(last_moved.slot, 1);
	forget_counts();
	set_members(3, 2);
	settle();
	ck_assert_uint_eq(n_moved + n_puts, 0);
}
END_TEST

START_TEST(each_address_is_refreshed_within_a_minute_and_evenly)
{
	static const unsigned numbers[] = { 0, 1, 10, 500, 1024 };
	unsigned n = numbers[_i];

	begin(&(struct stations_rules){ .homes = true, .independent = true, .refresh = true });
	set_weights(NULL);
	set_members(3, 3);
	stations_set_primary(stations, 0, false, now);
	drain();
	for (unsigned i = 0; i < n; i++) {
		struct mac mac = mac_of(i);

		stations_known(stations, &mac, 0, 5, now);
	}
	settle();
	for (int minute = 0; minute < 3; minute++) {
		forget_counts();
		run(60 * NSEC_PER_SEC);
		ck_assert_uint_ge(n_refreshed, n);
		ck_assert_uint_ge(n_own_refreshed, 1);
		ck_assert_uint_le(n_refreshed + n_own_refreshed, 2 * n + 2);
	}
	forget_counts();
	run(NSEC_PER_SEC);
	ck_assert_uint_le(n_refreshed, n / 30 + 2);
}
END_TEST

START_TEST(rules_change_in_place)
{
	begin(&(struct stations_rules){ .independent = true });
	set_weights(NULL);
	set_members(3, 3);
	stations_set_primary(stations, 0, false, now);
	drain();
	send_first(10);
	settle();
	forget_counts();
	stations_set_rules(stations, &(struct stations_rules){ .homes = true, .independent = true },
			   now);
	drain();
	/* Each has a home and is still where it was. */
	for (unsigned i = 0; i < 10; i++)
		ck_assert_uint_eq(carrier_of(i), 0);
	settle();
	expect_fair(3);
	ck_assert_uint_eq(n_moved, 5);
	stations_set_rules(stations, &(struct stations_rules){ .independent = true }, now);
	drain();
	ck_assert_uint_eq(n_moved, 10);
	ck_assert_uint_eq(last_moved.slot, 0);
}
END_TEST

START_TEST(a_switch_that_knows_of_the_team_hears_nothing)
{
	begin(&(struct stations_rules){ .homes = true, .refresh = true });
	set_weights(NULL);
	set_members(3, 3);
	send_first(10);
	settle();
	set_members(3, 2);
	settle();
	ck_assert_uint_eq(n_moved + n_refreshed, 0);
	for (unsigned i = 0; i < 10; i++)
		ck_assert_uint_eq(carrier_of(i), 1);
}
END_TEST

START_TEST(views_tell_where_each_is)
{
	struct station_view view;
	struct mac mac = mac_of(0);
	unsigned cursor = 0;

	set_weights(NULL);
	set_members(3, 3);
	stations_known(stations, &mac, 7, 5, now);
	drain();
	set_members(3, 2);
	ck_assert(stations_next_view(stations, &cursor, &view));
	ck_assert(mac_equal(&view.mac, &mac));
	ck_assert_uint_eq(view.carrier, 1);
	ck_assert_uint_eq(view.home, 0);
	ck_assert_int_eq(view.port, 5);
	ck_assert(view.local);
	ck_assert_uint_eq(view.n_vlans, 1);
	ck_assert_uint_eq(view.vlans[0], 7);
	ck_assert(!stations_next_view(stations, &cursor, &view));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stations");
	TCase *tcase = tcase_create("stations");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, all_vlans_of_an_address_are_one_station);
	tcase_add_test(tcase, what_is_silent_is_forgotten_unless_a_bridge_has_it);
	tcase_add_test(tcase, who_sends_is_not_forgotten);
	tcase_add_test(tcase, what_was_behind_a_port_that_is_gone_is_forgotten_at_once);
	tcase_add_test(tcase, what_left_is_left_alone);
	tcase_add_test(tcase, what_is_not_as_it_was_written_is_written_again);
	tcase_add_test(tcase, the_teams_own_addresses_are_nobodys);
	tcase_add_test(tcase, an_address_that_moves_between_ports_costs_nothing);
	tcase_add_test(tcase, a_flood_of_addresses_fills_the_table_and_no_more);
	tcase_add_test(tcase, what_a_datapath_does_already_goes_on);
	tcase_add_test(tcase, what_the_datapath_has_lost_is_written_again);
	tcase_add_test(tcase, where_all_are_with_the_primary_they_move_with_it);
	tcase_add_loop_test(tcase, each_address_is_refreshed_within_a_minute_and_evenly, 0, 5);
	tcase_add_test(tcase, rules_change_in_place);
	tcase_add_test(tcase, a_switch_that_knows_of_the_team_hears_nothing);
	tcase_add_test(tcase, views_tell_where_each_is);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
