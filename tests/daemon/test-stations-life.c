/* The addresses behind a team, on a fake datapath, bridge and clock: which come, stay over a
 * restart, leave and are forgotten. */
#include "tests/daemon/stations-rig.h"

#include "daemon/team/lifecycle.h"
#include "lib/base/array.h"
#include "tests/unit/run.h"

START_TEST(one_that_moved_away_is_believed_and_never_announced_again)
{
	struct team_station_view views[4];

	start_four();
	cut(eno2);
	fake_world_run(&world, 100 * NSEC_PER_SEC);
	ck_assert(comes_in(1, "eno1"));
	world.n_frames = 0;
	fake_world_run(&world, 100 * NSEC_PER_SEC);
	ck_assert_ptr_null(station(1));
	ck_assert_uint_eq(team_stations_view(team0(), views, 4), 3);
	plug(eno2);
	fake_world_run(&world, 100 * NSEC_PER_SEC);
	ck_assert_uint_eq(announced(eno1, 1, 0) + announced(eno2, 1, 0), 0);
	ck_assert_uint_eq(announced(eno2, 3, 0), 3 + 1);
}
END_TEST

START_TEST(one_that_leaves_while_it_is_announced_is_left_alone)
{
	struct mac mac = vm(1);

	start_four();
	cut(eno2);
	world.n_frames = 0;
	/* The bridge hears it from outside. */
	bridge_has(&mac, 0, device()->ifindex, false, false);
	ck_assert_ptr_null(station(1));
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	ck_assert_uint_eq(announced(eno1, 1, 0), 0);
	ck_assert_uint_eq(announced(eno1, 3, 0), 2 + 1);
}
END_TEST

START_TEST(who_is_behind_a_port_that_goes_is_forgotten)
{
	start_four();
	bridge_knows(4, 0);
	ck_assert_ptr_nonnull(station(4));
	/* Silent: the bridge forgets it, and its port is there. */
	bridge_forgets(4, 0);
	ck_assert_ptr_nonnull(station(4));
	fake_world_remove_link(&world, tap);
	ck_assert_ptr_null(station(4));
	ck_assert_ptr_null(station(3));
	ck_assert_ptr_nonnull(station(0));
	/* The bridge's news may also come after the port has gone. */
	tap = fake_world_add_link(&world, "tap1", 0);
	fake_world_link(&world, tap)->link.master = br0;
	bridge_knows(5, 0);
	fake_world_link(&world, tap)->link.master = 0;
	bridge_forgets(5, 0);
	ck_assert_ptr_null(station(5));
}
END_TEST

START_TEST(silent_and_known_nowhere_is_forgotten_after_ten_minutes)
{
	struct mac mac = vm(0);

	start_four();
	for (int minute = 0; minute < 30; minute++) {
		fake_world_run(&world, 60 * NSEC_PER_SEC);
		sends(2, 0);
	}
	ck_assert_ptr_null(station(0));
	ck_assert_ptr_null(fake_station_find(&device()->stations, &mac));
	ck_assert_ptr_nonnull(station(2));
	ck_assert_ptr_nonnull(station(3));
}
END_TEST

START_TEST(gone_in_one_vlan_is_not_gone_in_the_other)
{
	start_four();
	bridge_knows(4, 10);
	bridge_knows(4, 20);
	bridge_forgets(4, 10);
	fake_world_run(&world, 2000 * NSEC_PER_SEC);
	ck_assert_ptr_nonnull(station(4));
	bridge_forgets(4, 20);
	fake_world_run(&world, 2000 * NSEC_PER_SEC);
	ck_assert_ptr_null(station(4));
}
END_TEST

START_TEST(a_restart_takes_everything_over_and_moves_nothing)
{
	start_four();
	cut(eno2);
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	fake_world_kill(&world);
	world.n_frames = 0;
	fake_world_start(&world, CONFIG);
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	ck_assert_uint_eq(n_told(), 0);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(carrier(i), slot_of("eno1"));
	/* And knows where they belong. */
	plug(eno2);
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(carrier(i), slot_of(i % 2 ? "eno2" : "eno1"));
	ck_assert_uint_eq(announced(eno2, 1, 0), 3 + 1);
	ck_assert_uint_eq(announced(eno2, 3, 0), 3 + 1);
	ck_assert_uint_eq(n_told(), 8);
}
END_TEST

START_TEST(what_moved_while_no_daemon_lived_is_announced_by_the_next)
{
	start_four();
	fake_world_kill(&world);
	fake_world_cable(&world, eno2, false, true);
	fake_world_start(&world, CONFIG);
	fake_world_run(&world, 0);
	ck_assert_uint_eq(announced(eno1, 1, 0), 1);
	ck_assert_uint_eq(announced(eno1, 3, 0), 1);
}
END_TEST

START_TEST(a_flood_of_addresses_is_bounded_everywhere)
{
	struct team_station_view views[STATIONS_MAX + 1];

	start(CONFIG);
	for (unsigned i = 0; i < 100000; i++) {
		struct mac mac = {
			{ 2, 0, 1, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i },
		};

		fake_world_station_sends(&world, "team0", &mac, 0);
	}
	ck_assert_uint_eq(fake_stations_count(&device()->stations), STATIONS_MAX);
	ck_assert_uint_eq(team_stations_view(team0(), views, ARRAY_SIZE(views)), STATIONS_MAX);
	ck_assert_uint_eq(team_stations_refused(team0()), 100000 - STATIONS_MAX);
	fake_world_run(&world, NSEC_PER_SEC);
	/* A failure announces what a switch's storm control lets pass, and the rest a moment later.
	 */
	cut(eno2);
	ck_assert_uint_eq(n_told(), 256);
	fake_world_run(&world, NSEC_PER_SEC);
	ck_assert_uint_ge(n_told(), 512);
	ck_assert_uint_le(n_told(), 1256);
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	/* Who still waited to be repeated late is not announced once more. */
	ck_assert_uint_ge(n_told(), 3 * STATIONS_MAX / 2);
	ck_assert_uint_le(n_told(), 4 * STATIONS_MAX / 2);
	/* They age, and there is room again. */
	fake_world_run(&world, 800 * NSEC_PER_SEC);
	ck_assert_uint_eq(fake_stations_count(&device()->stations), 0);
	sends(0, 0);
	ck_assert_ptr_nonnull(station(0));
}
END_TEST

START_TEST(an_address_that_hops_between_ports_writes_nothing)
{
	struct mac mac = vm(0);
	unsigned n_put;

	start_four();
	n_put = device()->stations.n_put;
	world.n_frames = 0;
	for (int n = 0; n < 100; n++) {
		bridge_has(&mac, 0, n % 2 ? tap : br0 + 1000, false, false);
		fake_world_run(&world, NSEC_PER_SEC);
	}
	ck_assert_uint_eq(device()->stations.n_put, n_put);
	ck_assert_uint_eq(n_told(), 0);
}
END_TEST

START_TEST(addresses_of_the_team_its_members_and_of_ports_are_no_stations)
{
	struct mac team, member, port;

	start(CONFIG);
	team = team_view().mac;
	member = fake_world_link(&world, eno1)->link.mac;
	port = fake_world_link(&world, tap)->link.mac;
	bridge_has(&team, 0, br0, true, false);
	bridge_has(&team, 0, tap, false, false);
	bridge_has(&member, 0, tap, false, false);
	bridge_has(&port, 0, tap, true, false);
	ck_assert_uint_eq(fake_stations_count(&device()->stations), 0);
	/* A bridge with an address of its own is one. */
	bridge_has(&(struct mac){ { 2, 5, 5, 5, 5, 5 } }, 0, br0, true, false);
	ck_assert_uint_eq(fake_stations_count(&device()->stations), 1);
}
END_TEST

START_TEST(news_of_another_teams_bridge_are_not_heard)
{
	struct mac mac = vm(9);

	start(CONFIG);
	fake_world_neighbour(&world, &(struct host_neighbour){
					     .uplink = device()->ifindex + 1,
					     .bridge = br0,
					     .port = tap,
					     .mac = mac,
				     });
	ck_assert_ptr_null(station(9));
}
END_TEST

START_TEST(a_team_that_has_no_use_for_stations_has_none)
{
	struct team_station_view view;

	world.adjust = NULL;
	start(CONFIG);
	sends(0, 0);
	bridge_knows(1, 0);
	fake_world_run(&world, 100 * NSEC_PER_SEC);
	ck_assert_uint_eq(team_stations_view(team0(), &view, 1), 0);
	ck_assert_uint_eq(team_stations_refused(team0()), 0);
	ck_assert_uint_eq(fake_stations_count(&device()->stations), 0);
	ck_assert_uint_eq(host_deadline(world.host), NSEC_NEVER);
}
END_TEST

START_TEST(a_view_says_where_each_is_and_where_it_belongs)
{
	struct team_station_view views[8];
	struct mac mac = vm(3);

	start_four();
	cut(eno2);
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	ck_assert_uint_eq(team_stations_view(team0(), views, 2), 2);
	ck_assert_uint_eq(team_stations_view(team0(), views, 8), 4);
	ck_assert(mac_equal(&views[3].mac, &mac));
	ck_assert_uint_eq(views[3].slot, slot_of("eno1"));
	ck_assert_uint_eq(views[3].home, slot_of("eno2"));
	ck_assert_int_eq(views[3].port_ifindex, tap);
	ck_assert_uint_eq(views[3].n_vlans, 1);
	ck_assert_uint_ge(views[3].age, 5 * NSEC_PER_SEC);
}
END_TEST

START_TEST(a_primary_that_changed_while_no_daemon_lived_is_announced_by_the_next)
{
	struct mac team;

	world.adjust = address_hash;
	start_four();
	team = team_view().mac;
	fake_world_run(&world, NSEC_PER_SEC);
	fake_world_kill(&world);
	world.n_frames = 0;
	fake_world_start(&world, CONFIG);
	fake_world_run(&world, 0);
	ck_assert_uint_eq(world.n_frames, 0);
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	fake_world_kill(&world);
	fake_world_cable(&world, eno1, false, true);
	world.n_frames = 0;
	fake_world_start(&world, CONFIG);
	fake_world_run(&world, 0);
	ck_assert_uint_eq(heard(eno2, &team, ETHERTYPE_RARP, 0), 1);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(announced(eno2, i, 0), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stations-life");
	TCase *tcase = tcase_create("stations-life");

	tcase_add_checked_fixture(tcase, setup_stations, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, one_that_moved_away_is_believed_and_never_announced_again);
	tcase_add_test(tcase, one_that_leaves_while_it_is_announced_is_left_alone);
	tcase_add_test(tcase, who_is_behind_a_port_that_goes_is_forgotten);
	tcase_add_test(tcase, silent_and_known_nowhere_is_forgotten_after_ten_minutes);
	tcase_add_test(tcase, gone_in_one_vlan_is_not_gone_in_the_other);
	tcase_add_test(tcase, a_restart_takes_everything_over_and_moves_nothing);
	tcase_add_test(tcase, what_moved_while_no_daemon_lived_is_announced_by_the_next);
	tcase_add_test(tcase, a_flood_of_addresses_is_bounded_everywhere);
	tcase_add_test(tcase, an_address_that_hops_between_ports_writes_nothing);
	tcase_add_test(tcase, addresses_of_the_team_its_members_and_of_ports_are_no_stations);
	tcase_add_test(tcase, news_of_another_teams_bridge_are_not_heard);
	tcase_add_test(tcase, a_team_that_has_no_use_for_stations_has_none);
	tcase_add_test(tcase, a_view_says_where_each_is_and_where_it_belongs);
	tcase_add_test(tcase,
		       a_primary_that_changed_while_no_daemon_lived_is_announced_by_the_next);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
