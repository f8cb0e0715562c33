/* The addresses behind a team, on a fake datapath, bridge and clock: which member they are on, and
 * what the switches hear of it. */
#include "tests/daemon/rig.h"

#include "daemon/config/config.h"
#include "daemon/core/stations.h"
#include "daemon/team/lifecycle.h"
#include "lib/base/array.h"
#include "lib/wire/announce.h"
#include "tests/unit/run.h"

#include <string.h>

#define TEAM "team0"
#define CONFIG                                                                              \
	"team: { name = \"team0\"; mode = \"static\"; members = ( { name = \"eno1\"; }, { " \
	"name = \"eno2\"; } ); };"

static int tap, br0;

static void vm_port(struct config_team *config)
{
	config->mode = CONFIG_MODE_INDEPENDENT;
	config->balance = CONFIG_BALANCE_VM_PORT;
	config->announce_count = 3;
	config->announce_interval_ms = 200;
}

static void address_hash(struct config_team *config)
{
	vm_port(config);
	config->balance = CONFIG_BALANCE_ADDRESS_HASH;
}

static void one_standby(struct config_team *config)
{
	vm_port(config);
	config->members[1].standby = true;
}

static void static_vm_port(struct config_team *config)
{
	vm_port(config);
	config->mode = CONFIG_MODE_STATIC;
}

static void setup_stations(void)
{
	setup();
	world.partner_silent = true;
	world.adjust = vm_port;
	br0 = fake_world_add_link(&world, "br0", 0);
	tap = fake_world_add_link(&world, "tap0", 0);
	fake_world_link(&world, tap)->link.master = br0;
}

static struct mac vm(unsigned i)
{
	return (struct mac){ { 2, 0, 0, 7, (uint8_t)(i >> 8), (uint8_t)i } };
}

static struct fake_station *station(unsigned i)
{
	struct mac mac = vm(i);

	return fake_station_find(&device()->stations, &mac);
}

static unsigned slot_of(const char *name)
{
	return member_view(name).slot;
}

static uint8_t carrier(unsigned i)
{
	ck_assert_ptr_nonnull(station(i));
	return fake_station_carrier(station(i), fake_device_fit(device()));
}

static void sends(unsigned i, uint16_t vlan)
{
	struct mac mac = vm(i);

	fake_world_station_sends(&world, TEAM, &mac, vlan);
}

static void bridge_has(const struct mac *mac, uint16_t vlan, int port, bool permanent, bool gone)
{
	fake_world_neighbour(&world, &(struct host_neighbour){
					     .uplink = device()->ifindex,
					     .bridge = br0,
					     .port = port,
					     .mac = *mac,
					     .vlan = vlan,
					     .permanent = permanent,
					     .gone = gone,
				     });
}

static void bridge_knows(unsigned i, uint16_t vlan)
{
	struct mac mac = vm(i);

	bridge_has(&mac, vlan, tap, false, false);
}

static void bridge_forgets(unsigned i, uint16_t vlan)
{
	struct mac mac = vm(i);

	bridge_has(&mac, vlan, tap, false, true);
}

/* How many of the frames since the last count left by the device with that source, type and tag. */
static unsigned heard(int ifindex, const struct mac *mac, unsigned type, uint16_t vlan)
{
	unsigned n = 0;

	for (unsigned i = 0; i < world.n_frames; i++) {
		const struct fake_frame *frame = &world.frames[i];
		size_t at = vlan ? 16 : 12;

		n += frame->ifindex == ifindex && memcmp(frame->bytes + 6, mac->bytes, 6) == 0 &&
		     (frame->bytes[at] << 8 | frame->bytes[at + 1]) == (int)type &&
		     (!vlan || (frame->bytes[14] << 8 | frame->bytes[15]) == vlan);
	}
	return n;
}

static unsigned announced(int ifindex, unsigned i, uint16_t vlan)
{
	struct mac mac = vm(i);

	return heard(ifindex, &mac, ETHERTYPE_RARP, vlan);
}

/* How many frames left, but for those of the team's own address. */
static unsigned n_told(void)
{
	struct mac own = team_view().mac;
	unsigned n = world.n_frames;

	for (unsigned i = 0; i < world.n_frames; i++)
		n -= memcmp(world.frames[i].bytes + 6, own.bytes, MAC_SIZE) == 0;
	return n;
}

static void cut(int ifindex)
{
	world.n_frames = 0;
	fake_world_cable(&world, ifindex, false, true);
}

static void plug(int ifindex)
{
	world.n_frames = 0;
	fake_world_cable(&world, ifindex, true, true);
}

/* Four of which one never sends, half of them on each member. */
static void start_four(void)
{
	start(CONFIG);
	for (unsigned i = 0; i < 3; i++)
		sends(i, 0);
	bridge_knows(3, 0);
	fake_world_run(&world, NSEC_PER_SEC);
	ck_assert_uint_eq(fake_stations_count(&device()->stations), 4);
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
	ck_assert_uint_eq(announced(eno1, 3, 0), 3);
	ck_assert_uint_eq(n_told(), 6);
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
	ck_assert_uint_eq(n_told(), 6);
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
	struct mac mac = vm(3);

	start_four();
	cut(eno2);
	ck_assert(!fake_world_station_comes_in(&world, TEAM, &mac, slot_of("eno1")));
	fake_world_run(&world, 300 * NSEC_PER_MS);
	ck_assert(!fake_world_station_comes_in(&world, TEAM, &mac, slot_of("eno1")));
	fake_world_run(&world, 10 * NSEC_PER_SEC);
	ck_assert_ptr_nonnull(station(3));
}
END_TEST

START_TEST(one_that_moved_away_is_believed_and_never_announced_again)
{
	struct mac mac = vm(1);
	struct team_station_view views[4];

	start_four();
	cut(eno2);
	fake_world_run(&world, 100 * NSEC_PER_SEC);
	ck_assert(fake_world_station_comes_in(&world, TEAM, &mac, slot_of("eno1")));
	world.n_frames = 0;
	fake_world_run(&world, 100 * NSEC_PER_SEC);
	ck_assert_ptr_null(station(1));
	ck_assert_uint_eq(team_stations_view(team0(), views, 4), 3);
	plug(eno2);
	fake_world_run(&world, 100 * NSEC_PER_SEC);
	ck_assert_uint_eq(announced(eno1, 1, 0) + announced(eno2, 1, 0), 0);
	ck_assert_uint_eq(announced(eno2, 3, 0), 3);
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
	ck_assert_uint_eq(announced(eno1, 3, 0), 2);
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
	ck_assert_uint_eq(announced(eno2, 1, 0), 3);
	ck_assert_uint_eq(announced(eno2, 3, 0), 3);
	ck_assert_uint_eq(n_told(), 6);
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

		fake_world_station_sends(&world, TEAM, &mac, 0);
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
	ck_assert_uint_eq(n_told(), 3 * STATIONS_MAX / 2);
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
			ck_assert_uint_eq(announced(eno1, i, 0), 3);
		}
	}
}
END_TEST

static void add_more(TCase *tcase)
{
	tcase_add_test(tcase, a_restart_takes_everything_over_and_moves_nothing);
	tcase_add_test(tcase, what_moved_while_no_daemon_lived_is_announced_by_the_next);
	tcase_add_test(tcase, a_flood_of_addresses_is_bounded_everywhere);
	tcase_add_test(tcase, an_address_that_hops_between_ports_writes_nothing);
	tcase_add_test(tcase, addresses_of_the_team_its_members_and_of_ports_are_no_stations);
	tcase_add_test(tcase, news_of_another_teams_bridge_are_not_heard);
	tcase_add_test(tcase, the_ip_addresses_of_a_station_are_announced_with_it);
	tcase_add_test(tcase, a_switch_that_knows_of_the_team_is_told_nothing);
	tcase_add_test(tcase, a_team_that_has_no_use_for_stations_has_none);
	tcase_add_test(tcase, a_view_says_where_each_is_and_where_it_belongs);
	tcase_add_test(tcase, by_hash_all_are_with_the_primary_and_refreshed);
	tcase_add_test(tcase,
		       a_primary_that_changed_while_no_daemon_lived_is_announced_by_the_next);
	tcase_add_test(tcase, active_and_standby_take_everything_with_them);
}

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
	tcase_add_test(tcase, one_that_moved_away_is_believed_and_never_announced_again);
	tcase_add_test(tcase, one_that_leaves_while_it_is_announced_is_left_alone);
	tcase_add_test(tcase, who_is_behind_a_port_that_goes_is_forgotten);
	tcase_add_test(tcase, silent_and_known_nowhere_is_forgotten_after_ten_minutes);
	add_more(tcase);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
