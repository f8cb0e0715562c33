/* Rules as the daemon sets them: programs that take each other's place, stations that it enters and
 * reads, and what is left of all that for a later daemon, or for nobody. */
#include "tests/net/datapath/driver.h"
#include "tests/net/datapath/suite.h"
#include "tests/net/datapath/traffic.h"

#include "lib/base/array.h"
#include "lib/base/cleanup.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <string.h>

#define N_MEMBERS 4
#define N_FRAMES 10000

struct bed {
	struct lab lab;
	struct driver driver;
	struct datapath_team *team;
	struct datapath_team_spec spec;
	int team_socket;
	int partners[N_MEMBERS];
};

static const struct datapath_rules hashed = { .learn = true, .independent = true };
static const struct datapath_rules homes = { .learn = true, .homes = true };
static const struct datapath_rules independent_homes = { .learn = true,
							 .homes = true,
							 .independent = true };
static const struct datapath_rules flowlets = { .flowlets = true, .flowlet_gap_us = 2000 };
static const struct datapath_rules inner = { .hash_inner = true };

static struct mac vm(unsigned number)
{
	return (struct mac){ { 2, 0xcc, 0, (uint8_t)(number >> 16), (uint8_t)(number >> 8),
			       (uint8_t)number } };
}

static void open_sockets(struct bed *bed)
{
	bed->team_socket = traffic_socket(bed->lab.host, DRIVER_TEAM, 0);
	for (unsigned i = 0; i < N_MEMBERS; i++) {
		char name[IFNAMSIZ];

		(void)snprintf(name, sizeof(name), "pm%u", i);
		bed->partners[i] = traffic_socket(bed->lab.partner, name, ETH_P_IP);
	}
}

static void set_rules(struct bed *bed, const struct datapath_rules *rules)
{
	struct err e;

	bed->spec.rules = *rules;
	driver_must(driver_configure(&bed->driver, bed->team, &bed->spec, &e), &e);
}

/* The first member that is fit is the primary. */
static void place(struct bed *bed)
{
	uint32_t weights[PLACEMENT_MEMBERS];
	uint8_t previous[PLACEMENT_BUCKETS];
	struct placement_plan plan;
	struct err e;

	memset(&plan, PLACEMENT_NONE, sizeof(plan));
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		weights[slot] = 1;
	memset(previous, PLACEMENT_NONE, sizeof(previous));
	placement_make(&plan, (1u << N_MEMBERS) - 1, weights, previous);
	for (unsigned slot = 0; slot < N_MEMBERS; slot++)
		plan.primary[slot] = (uint8_t)slot;
	driver_must(bed->team->ops->place(bed->team, &plan, &e), &e);
}

static void give_homes(struct bed *bed, unsigned room)
{
	uint8_t slots[PLACEMENT_MEMBERS];

	for (unsigned i = 0; i < PLACEMENT_MEMBERS; i++)
		slots[i] = (uint8_t)(i % N_MEMBERS);
	bed->team->ops->station_homes(bed->team, room, slots);
}

static void bed_start(struct bed *bed, const struct datapath_rules *rules)
{
	*bed = (struct bed){ .spec = driver_spec };
	lab_start(&bed->lab);
	driver_start(&bed->driver);
	bed->team = driver_team(&bed->driver, &bed->lab, N_MEMBERS);
	open_sockets(bed);
	place(bed);
	give_homes(bed, 100);
	set_rules(bed, rules);
}

static void bed_stop(struct bed *bed)
{
	driver_stop(&bed->driver, bed->team);
	lab_stop(&bed->lab);
}

static void send_in(struct bed *bed, unsigned slot, const struct mac *source,
		    const struct mac *destination)
{
	traffic_send(bed->partners[slot],
		     &(struct traffic_frame){ .source = *source, .destination = *destination });
}

static void send_out(struct bed *bed, const struct mac *source, uint16_t flow)
{
	traffic_send(bed->team_socket, &(struct traffic_frame){ .source = *source,
								.destination = { { 2, 0xdd } },
								.flow = flow });
}

START_TEST(each_flooded_frame_comes_in_once)
{
	const struct mac outside = { { 2, 0xdd, 0, 0, 0, 1 } };
	const struct mac destinations[] = { { { 255, 255, 255, 255, 255, 255 } },
					    { { 1, 0, 0x5e, 0, 0, 9 } },
					    { { 2, 0xdd, 0, 0, 0, 2 } },
					    driver_spec.mac };
	struct datapath_team_counters counters;
	struct traffic_seen seen = {};
	uint64_t copies = 0;
	struct bed bed;

	bed_start(&bed, &hashed);
	for (unsigned i = 0; i < 100; i++)
		for (unsigned d = 0; d < ARRAY_SIZE(destinations); d++)
			for (unsigned slot = 0; slot < N_MEMBERS; slot++)
				send_in(&bed, slot, &outside, &destinations[d]);
	traffic_await(bed.team_socket, 400, &seen);
	ck_assert_uint_eq(seen.n, 400);
	counters = driver_counters(bed.team);
	for (unsigned slot = 0; slot < N_MEMBERS; slot++)
		copies += counters.members[slot].rx_copies;
	ck_assert_uint_eq(copies, 1200);
	bed_stop(&bed);
}
END_TEST

START_TEST(what_comes_back_of_our_own_is_dropped)
{
	const struct mac everybody = { { 255, 255, 255, 255, 255, 255 } };
	struct rtnl_device member;
	struct traffic_seen seen = {};
	struct mac sources[3];
	uint64_t reflected = 0;
	struct bed bed;

	bed_start(&bed, &hashed);
	member = lab_device(bed.lab.rtnl, "m2");
	sources[0] = driver_spec.mac;
	sources[1] = member.mac;
	sources[2] = vm(1);
	send_out(&bed, &sources[2], 0);
	traffic_await(bed.team_socket, 1, &seen);
	for (unsigned i = 0; i < ARRAY_SIZE(sources); i++)
		for (unsigned slot = 0; slot < N_MEMBERS; slot++)
			send_in(&bed, slot, &sources[i], &everybody);
	for (unsigned slot = 0; slot < N_MEMBERS; slot++)
		reflected += driver_counters(bed.team).members[slot].rx_reflected;
	ck_assert_uint_eq(reflected, 12);
	ck_assert_uint_eq(driver_received(bed.team), 0);
	bed_stop(&bed);
}
END_TEST

START_TEST(a_members_address_is_known_from_its_first_frame_to_its_last)
{
	const struct mac everybody = { { 255, 255, 255, 255, 255, 255 } };
	const struct mac changed = { { 2, 0xee, 0, 0, 0, 1 } };
	struct mac own;
	struct bed bed;
	struct err e;

	bed_start(&bed, &hashed);
	own = lab_device(bed.lab.rtnl, "m2").mac;
	bed.team->ops->member_address(bed.team, 2, &changed);
	send_in(&bed, 0, &changed, &everybody);
	ck_assert_uint_eq(driver_received(bed.team), 0);
	send_in(&bed, 0, &own, &everybody);
	ck_assert_uint_eq(driver_received(bed.team), 1);
	driver_must(driver_remove(&bed.driver, bed.team, 2, &e), &e);
	send_in(&bed, 0, &changed, &everybody);
	ck_assert_uint_eq(driver_received(bed.team), 2);
	bed_stop(&bed);
}
END_TEST

START_TEST(programs_take_each_others_place_without_losing_a_frame)
{
	static const struct datapath_rules *const in_turn[] = { &homes, &flowlets, &inner };
	static const struct datapath_rules none = {};
	static struct traffic_stream out, in;
	struct bed bed;

	bed_start(&bed, &none);
	out = (struct traffic_stream){ .from = bed.team_socket,
				       .n_to = N_MEMBERS,
				       .n_frames = N_FRAMES,
				       .interval_us = 100,
				       .n_flows = 200 };
	memcpy(out.to, bed.partners, sizeof(bed.partners));
	driver_stream_in(&bed.lab, &in);
	traffic_stream_start(&out);
	for (unsigned i = 0; i < 100; i++) {
		set_rules(&bed, i % 2 ? &none : in_turn[i / 2 % ARRAY_SIZE(in_turn)]);
		(void)usleep(2000);
	}
	traffic_stream_finish(&out);
	traffic_stream_finish(&in);
	ck_assert_uint_eq(out.n_lost + in.n_lost, 0);
	ck_assert_uint_eq(out.n_doubled + in.n_doubled, 0);
	bed_stop(&bed);
}
END_TEST

START_TEST(what_is_sent_goes_on_while_a_team_becomes_independent)
{
	static const struct datapath_rules none = {};
	static struct traffic_stream out;
	struct bed bed;

	bed_start(&bed, &none);
	out = (struct traffic_stream){ .from = bed.team_socket,
				       .n_to = N_MEMBERS,
				       .n_frames = N_FRAMES,
				       .interval_us = 100,
				       .n_flows = 200 };
	memcpy(out.to, bed.partners, sizeof(bed.partners));
	traffic_stream_start(&out);
	for (unsigned i = 0; i < 100; i++) {
		set_rules(&bed, i % 3 == 0 ? &none : i % 3 == 1 ? &independent_homes : &hashed);
		(void)usleep(2000);
	}
	traffic_stream_finish(&out);
	ck_assert_uint_eq(out.n_lost, 0);
	ck_assert_uint_eq(out.n_doubled, 0);
	bed_stop(&bed);
}
END_TEST

START_TEST(a_learned_station_is_told_with_its_team)
{
	struct bed bed;

	bed_start(&bed, &homes);
	send_out(&bed, &(struct mac){ { 2, 0xcc, 0, 0, 0, 5 } }, 0);
	for (unsigned i = 0; i < 100 && bed.driver.news.n_stations == 0; i++)
		driver_turn(&bed.driver);
	ck_assert_uint_eq(bed.driver.news.n_stations, 1);
	ck_assert_int_eq(bed.driver.news.team, lab_device(bed.lab.rtnl, DRIVER_TEAM).ifindex);
	ck_assert_int_eq(bed.driver.news.station.type, DATAPATH_STATION_LEARNED);
	ck_assert_uint_eq(bed.driver.news.station.slot, 0);
	ck_assert_uint_eq(bed.driver.news.station.mac.bytes[5], 5);
	bed_stop(&bed);
}
END_TEST

struct list {
	unsigned n;
	struct datapath_station_state last;
};

static void take_state(void *userdata, const struct datapath_station_state *state)
{
	struct list *list = userdata;

	list->n++;
	list->last = *state;
}

static struct list list_stations(struct datapath_team *team)
{
	struct list list = {};

	team->ops->stations(team, take_state, &list);
	return list;
}

static struct datapath_station station_on(struct mac mac, uint8_t slot)
{
	struct datapath_station station = { .mac = mac,
					    .hold = PLACEMENT_NONE,
					    .also = PLACEMENT_NONE };

	memset(station.order, PLACEMENT_NONE, sizeof(station.order));
	station.order[0] = slot;
	return station;
}

START_TEST(what_the_programs_know_of_a_station_stays_when_it_is_changed)
{
	struct datapath_station station = station_on(vm(1), 3);
	struct list list;
	struct bed bed;
	struct err e;

	bed_start(&bed, &homes);
	driver_turn(&bed.driver);
	traffic_send(bed.team_socket, &(struct traffic_frame){ .source = vm(1), .vlan = 20 });
	station.also = 0;
	driver_must(bed.team->ops->station_put(bed.team, &station, &e), &e);
	list = list_stations(bed.team);
	ck_assert_uint_eq(list.n, 1);
	ck_assert_uint_eq(list.last.station.order[0], 3);
	ck_assert_uint_eq(list.last.station.also, 0);
	ck_assert_uint_eq(list.last.n_vlans, 1);
	ck_assert_uint_eq(list.last.vlans[0], 20);
	ck_assert_uint_gt(list.last.seen, 0);
	bed.team->ops->station_forget(bed.team, &station.mac);
	ck_assert_uint_eq(list_stations(bed.team).n, 0);
	bed_stop(&bed);
}
END_TEST

START_TEST(own_addresses_are_no_stations)
{
	struct datapath_station station = station_on(driver_spec.mac, 3);
	struct bed bed;
	struct err e = {};

	bed_start(&bed, &hashed);
	ck_assert_uint_eq(list_stations(bed.team).n, 0);
	driver_refused(bed.team->ops->station_put(bed.team, &station, &e), &e, -EEXIST, "own");
	bed.team->ops->station_forget(bed.team, &station.mac);
	send_in(&bed, 0, &driver_spec.mac, &(struct mac){ { 255, 255, 255, 255, 255, 255 } });
	ck_assert_uint_eq(driver_received(bed.team), 0);
	bed_stop(&bed);
}
END_TEST

START_TEST(too_many_stations_are_refused_in_words)
{
	struct bed bed;
	struct err e = {};
	unsigned i;
	int r = 0;

	bed_start(&bed, &homes);
	for (i = 0; i < 20000 && r == 0; i++) {
		struct datapath_station station = station_on(vm(i), 3);

		r = bed.team->ops->station_put(bed.team, &station, &e);
	}
	driver_refused(r, &e, -ENOSPC, "4096");
	ck_assert_uint_eq(list_stations(bed.team).n, i - 1);
	/* When the team goes, so do they. */
	driver_must(driver_delete(&bed.driver, bed.team, &e), &e);
	driver_stop(&bed.driver, NULL);
	lab_stop(&bed.lab);
}
END_TEST

START_TEST(an_announcement_of_ours_that_comes_back_is_none_from_outside)
{
	const struct traffic_frame rarp = { .source = vm(1), .ethertype = 0x8035 };
	struct datapath_station station = station_on(vm(1), 3);
	struct bed bed;
	struct err e;

	bed_start(&bed, &independent_homes);
	driver_must(bed.team->ops->station_put(bed.team, &station, &e), &e);
	bed.team->ops->station_announced(bed.team, &station.mac);
	traffic_send(bed.partners[0], &rarp);
	ck_assert_uint_eq(driver_counters(bed.team).members[0].rx_reflected, 1);
	ck_assert_uint_eq(list_stations(bed.team).n, 1);
	bed_stop(&bed);
}
END_TEST

START_TEST(so_is_one_that_follows_a_move)
{
	const struct traffic_frame rarp = { .source = vm(1), .ethertype = 0x8035 };
	struct datapath_station station = station_on(vm(1), 3);
	struct bed bed;
	struct err e;

	bed_start(&bed, &independent_homes);
	driver_must(bed.team->ops->station_put(bed.team, &station, &e), &e);
	station.order[0] = 2;
	driver_must(bed.team->ops->station_put(bed.team, &station, &e), &e);
	traffic_send(bed.partners[0], &rarp);
	ck_assert_uint_eq(list_stations(bed.team).n, 1);
	bed_stop(&bed);
}
END_TEST

START_TEST(a_station_that_left_is_told)
{
	const struct traffic_frame rarp = { .source = vm(1), .ethertype = 0x8035 };
	struct datapath_station station = station_on(vm(1), 3);
	struct bed bed;
	struct err e;

	bed_start(&bed, &independent_homes);
	driver_must(bed.team->ops->station_put(bed.team, &station, &e), &e);
	traffic_send(bed.partners[2], &rarp);
	for (unsigned i = 0; i < 100 && bed.driver.news.n_stations == 0; i++)
		driver_turn(&bed.driver);
	ck_assert_int_eq(bed.driver.news.station.type, DATAPATH_STATION_LEFT);
	ck_assert_uint_eq(bed.driver.news.station.slot, 2);
	ck_assert_uint_eq(list_stations(bed.team).n, 0);
	bed_stop(&bed);
}
END_TEST

START_TEST(a_later_daemon_finds_rules_and_stations_as_they_were)
{
	const struct mac everybody = { { 255, 255, 255, 255, 255, 255 } };
	struct datapath_station station = station_on(vm(1), 3);
	struct datapath_team_info info;
	struct bed bed;
	struct err e;

	bed_start(&bed, &independent_homes);
	driver_must(bed.team->ops->station_put(bed.team, &station, &e), &e);
	driver_stop(&bed.driver, bed.team);
	/* What is sent meanwhile is learned. */
	send_out(&bed, &(struct mac){ { 2, 0xcc, 0, 0, 0, 9 } }, 0);
	driver_start(&bed.driver);
	driver_must(driver_open(&bed.driver, &bed.spec, &bed.team, &info, &e), &e);
	ck_assert(info.adopted);
	ck_assert_uint_eq(list_stations(bed.team).n, 2);
	for (unsigned slot = 0; slot < N_MEMBERS; slot++)
		send_in(&bed, slot, &(struct mac){ { 2, 0xdd } }, &everybody);
	ck_assert_uint_eq(driver_received(bed.team), 1);
	ck_assert_uint_eq(driver_counters(bed.team).members[1].rx_copies, 1);
	bed_stop(&bed);
}
END_TEST

START_TEST(nothing_of_a_deleted_team_is_left_for_the_next)
{
	struct datapath_station station = station_on(vm(1), 3);
	struct datapath_team *other;
	struct datapath_team_spec spec = driver_spec;
	struct bed bed;
	struct err e;

	bed_start(&bed, &homes);
	driver_must(bed.team->ops->station_put(bed.team, &station, &e), &e);
	driver_must(driver_delete(&bed.driver, bed.team, &e), &e);
	(void)snprintf(spec.name, sizeof(spec.name), "team1");
	spec.rules = homes;
	driver_must(driver_open(&bed.driver, &spec, &other, NULL, &e), &e);
	ck_assert_uint_eq(list_stations(other).n, 0);
	bed.team = other;
	bed_stop(&bed);
}
END_TEST

START_TEST(without_rules_stations_are_forgotten)
{
	static const struct datapath_rules none = {};
	struct datapath_station station = station_on(vm(1), 3);
	struct bed bed;
	struct err e;

	bed_start(&bed, &independent_homes);
	driver_must(bed.team->ops->station_put(bed.team, &station, &e), &e);
	set_rules(&bed, &none);
	ck_assert_uint_eq(list_stations(bed.team).n, 0);
	bed_stop(&bed);
}
END_TEST

START_TEST(flowlets_are_spread_by_the_members_weights)
{
	uint32_t weights[PLACEMENT_MEMBERS] = { 10000, 10000, 20000, 10000 };
	struct datapath_team_counters counters;
	double share;
	struct bed bed;

	bed_start(&bed, &flowlets);
	bed.team->ops->weights(bed.team, weights);
	for (unsigned i = 0; i < 5000; i++)
		send_out(&bed, &(struct mac){ { 2, 0xcc, 0, 0, 0, 9 } }, (uint16_t)i);
	counters = driver_counters(bed.team);
	share = (double)counters.members[2].tx_packets / (double)driver_sent(bed.team);
	ck_assert_msg(share > 0.37 && share < 0.43, "%.3f", share);
	bed_stop(&bed);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("datapath rules");
	TCase *tcase = datapath_tcase(suite);

	tcase_add_test(tcase, each_flooded_frame_comes_in_once);
	tcase_add_test(tcase, what_comes_back_of_our_own_is_dropped);
	tcase_add_test(tcase, a_members_address_is_known_from_its_first_frame_to_its_last);
	tcase_add_test(tcase, programs_take_each_others_place_without_losing_a_frame);
	tcase_add_test(tcase, what_is_sent_goes_on_while_a_team_becomes_independent);
	tcase_add_test(tcase, a_learned_station_is_told_with_its_team);
	tcase_add_test(tcase, what_the_programs_know_of_a_station_stays_when_it_is_changed);
	tcase_add_test(tcase, own_addresses_are_no_stations);
	tcase_add_test(tcase, too_many_stations_are_refused_in_words);
	tcase_add_test(tcase, an_announcement_of_ours_that_comes_back_is_none_from_outside);
	tcase_add_test(tcase, so_is_one_that_follows_a_move);
	tcase_add_test(tcase, a_station_that_left_is_told);
	tcase_add_test(tcase, a_later_daemon_finds_rules_and_stations_as_they_were);
	tcase_add_test(tcase, nothing_of_a_deleted_team_is_left_for_the_next);
	tcase_add_test(tcase, without_rules_stations_are_forgotten);
	tcase_add_test(tcase, flowlets_are_spread_by_the_members_weights);
	return run_datapath_suite(suite);
}
