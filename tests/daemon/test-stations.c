/* The addresses behind a team, on a fake datapath, bridge and clock: which member they are on, and
 * what the switches hear of it. */
#include "tests/daemon/stations-rig.h"

#include "daemon/team/lifecycle.h"
#include "tests/unit/run.h"

static void static_vm_port(struct config_team *config)
{
	vm_port(config);
	config->mode = CONFIG_MODE_STATIC;
}

static void one_standby(struct config_team *config)
{
	vm_port(config);
	config->members[1].standby = true;
}

START_TEST(a_station_stays_where_its_first_frame_went)
{
	start_four();
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(carrier(i), slot_of(i % 2 ? "eno2" : "eno1"));
	world.n_frames = 0;
	fake_world_run(&world, 100 * NSEC_PER_SEC);
	ck_assert_uint_eq(n_told(), 0);
}
END_TEST

START_TEST(a_failure_moves_and_announces_in_the_same_turn_the_silent_one_too)
{
	start_four();
	cut(eno2);
	/* No time has passed. */
	ck_assert_uint_eq(announced(eno1, 1, 0), 1);
	ck_assert_uint_eq(announced(eno1, 3, 0), 1);
	ck_assert_uint_eq(n_told(), 2);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(carrier(i), slot_of("eno1"));
	fake_world_run(&world, 399 * NSEC_PER_MS);
	ck_assert_uint_eq(n_told(), 4);
	fake_world_run(&world, 10 * NSEC_PER_SEC);
	/* And once more, as the switch's port may have been late. */
	ck_assert_uint_eq(announced(eno1, 3, 0), 3 + 1);
	ck_assert_uint_eq(n_told(), 8);
}
END_TEST

START_TEST(the_carrier_sense_is_as_good_as_the_kernel)
{
	start_four();
	world.n_frames = 0;
	fake_world_cable(&world, eno2, false, false);
	host_carrier_lost(world.host, eno2);
	ck_assert_uint_eq(announced(eno1, 3, 0), 1);
}
END_TEST

START_TEST(a_return_moves_back_by_holds_and_the_old_one_still_receives)
{
	start_four();
	cut(eno2);
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	plug(eno2);
	/* It may send, and what would come to it is held. */
	ck_assert_uint_eq((unsigned)__builtin_popcount(fake_device_fit(device())), 2);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(carrier(i), slot_of("eno1"));
	ck_assert_uint_eq(n_told(), 0);
	fake_world_run(&world, 100 * NSEC_PER_MS);
	ck_assert_uint_eq(carrier(3), slot_of("eno2"));
	ck_assert_uint_eq(station(3)->state.station.also, slot_of("eno1"));
	ck_assert_uint_eq(station(3)->state.station.hold, PLACEMENT_NONE);
	ck_assert_uint_eq(announced(eno2, 3, 0), 1);
	ck_assert_uint_eq(announced(eno2, 1, 0), 1);
	fake_world_run(&world, NSEC_PER_SEC);
	ck_assert_uint_eq(station(3)->state.station.also, PLACEMENT_NONE);
	ck_assert_uint_eq(n_told(), 8);
}
END_TEST

START_TEST(a_flap_of_the_other_member_is_none_of_its_business)
{
	start_four();
	for (int n = 0; n < 20; n++) {
		cut(eno2);
		fake_world_run(&world, 300 * NSEC_PER_MS);
		plug(eno2);
		fake_world_run(&world, 300 * NSEC_PER_MS);
		ck_assert_uint_eq(carrier(0), slot_of("eno1"));
		ck_assert_uint_eq(carrier(2), slot_of("eno1"));
		ck_assert_uint_eq(announced(eno1, 0, 0) + announced(eno1, 2, 0), 0);
		ck_assert_uint_eq(announced(eno2, 0, 0) + announced(eno2, 2, 0), 0);
	}
}
END_TEST

START_TEST(each_vlan_of_a_station_is_announced_with_its_tag)
{
	start(CONFIG);
	sends(0, 0);
	sends(1, 10);
	sends(1, 20);
	bridge_knows(1, 30);
	/* A bridge that filters VLANs has VLAN 1 for what has no tag. */
	bridge_knows(0, 1);
	cut(eno2);
	ck_assert_uint_eq(announced(eno1, 1, 10), 1);
	ck_assert_uint_eq(announced(eno1, 1, 20), 1);
	ck_assert_uint_eq(announced(eno1, 1, 30), 1);
	ck_assert_uint_eq(n_told(), 3);
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	cut(eno1);
	plug(eno2);
	ck_assert_uint_eq(announced(eno2, 0, 0), 1);
	ck_assert_uint_eq(n_told(), 4);
}
END_TEST

START_TEST(what_comes_back_of_our_announcement_is_not_believed)
{
	start_four();
	cut(eno2);
	ck_assert(!comes_in(3, "eno1"));
	fake_world_run(&world, 300 * NSEC_PER_MS);
	ck_assert(!comes_in(3, "eno1"));
	fake_world_run(&world, 10 * NSEC_PER_SEC);
	ck_assert_ptr_nonnull(station(3));
}
END_TEST

/* A bridge's own address has the host's IP addresses. */
START_TEST(the_ip_addresses_of_a_station_are_announced_with_it)
{
	struct mac mac = vm(3);

	start_four();
	world.n_addresses = 2;
	world.addresses[0] = (struct host_address){ .bytes = { 10, 0, 0, 1 }, .mac = mac };
	world.addresses[1] = (struct host_address){
		.v6 = true,
		.bytes = { 0xfe, 0x80, [15] = 1 },
		.mac = mac,
		.vlan = 20,
	};
	cut(eno2);
	ck_assert_uint_eq(announced(eno1, 3, 0), 1);
	ck_assert_uint_eq(heard(eno1, &mac, ETHERTYPE_ARP, 0), 1);
	ck_assert_uint_eq(heard(eno1, &mac, ETHERTYPE_IPV6, 20), 1);
}
END_TEST

START_TEST(a_switch_that_knows_of_the_team_is_told_nothing)
{
	world.adjust = static_vm_port;
	start_four();
	cut(eno2);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(carrier(i), slot_of("eno1"));
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	plug(eno2);
	fake_world_run(&world, 100 * NSEC_PER_SEC);
	ck_assert_uint_eq(n_told(), 0);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(carrier(i), slot_of(i % 2 ? "eno2" : "eno1"));
}
END_TEST

/* The frames leave by hash under other sources: switches hear the real one of each from us. */
START_TEST(by_hash_all_are_with_the_primary_and_refreshed)
{
	struct mac team;
	int primary;
	int other;

	world.adjust = address_hash;
	start_four();
	team = team_view().mac;
	world.n_addresses = 1;
	world.addresses[0] = (struct host_address){ .bytes = { 10, 0, 0, 1 }, .mac = team };
	fake_world_run(&world, NSEC_PER_SEC);
	world.n_frames = 0;
	fake_world_run(&world, 60 * NSEC_PER_SEC);
	primary = announced(eno1, 3, 0) ? eno1 : eno2;
	other = primary == eno1 ? eno2 : eno1;
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_ge(announced(primary, i, 0), 1);
	ck_assert_uint_ge(heard(primary, &team, ETHERTYPE_RARP, 0), 1);
	ck_assert_uint_le(world.n_frames, 12);
	cut(primary);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(announced(other, i, 0), 1);
	ck_assert_uint_eq(heard(other, &team, ETHERTYPE_RARP, 0), 1);
	ck_assert_uint_eq(heard(other, &team, ETHERTYPE_ARP, 0), 1);
	ck_assert_uint_eq(world.n_frames, 6);
}
END_TEST

START_TEST(active_and_standby_take_everything_with_them)
{
	world.adjust = one_standby;
	start_four();
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(carrier(i), slot_of("eno1"));
	for (int round = 0; round < 3; round++) {
		cut(eno1);
		for (unsigned i = 0; i < 4; i++) {
			ck_assert_uint_eq(announced(eno2, i, 0), 1);
			ck_assert_uint_eq(carrier(i), slot_of("eno2"));
		}
		fake_world_run(&world, 5 * NSEC_PER_SEC);
		plug(eno1);
		fake_world_run(&world, 5 * NSEC_PER_SEC);
		for (unsigned i = 0; i < 4; i++) {
			ck_assert_uint_eq(carrier(i), slot_of("eno1"));
			ck_assert_uint_eq(announced(eno1, i, 0), 3 + 1);
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stations");
	TCase *tcase = tcase_create("stations");

	tcase_add_checked_fixture(tcase, setup_stations, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_station_stays_where_its_first_frame_went);
	tcase_add_test(tcase, a_failure_moves_and_announces_in_the_same_turn_the_silent_one_too);
	tcase_add_test(tcase, the_carrier_sense_is_as_good_as_the_kernel);
	tcase_add_test(tcase, a_return_moves_back_by_holds_and_the_old_one_still_receives);
	tcase_add_test(tcase, a_flap_of_the_other_member_is_none_of_its_business);
	tcase_add_test(tcase, each_vlan_of_a_station_is_announced_with_its_tag);
	tcase_add_test(tcase, what_comes_back_of_our_announcement_is_not_believed);
	tcase_add_test(tcase, the_ip_addresses_of_a_station_are_announced_with_it);
	tcase_add_test(tcase, a_switch_that_knows_of_the_team_is_told_nothing);
	tcase_add_test(tcase, by_hash_all_are_with_the_primary_and_refreshed);
	tcase_add_test(tcase, active_and_standby_take_everything_with_them);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
