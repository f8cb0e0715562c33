/* What the programs do with frames: which member sends, what a member hands up, what is counted. */
#include "tests/net/datapath/driver.h"
#include "tests/net/datapath/suite.h"
#include "tests/net/datapath/traffic.h"
#include "tests/unit/run.h"

#include "lib/base/array.h"

#include <linux/if_ether.h>
#include <poll.h>
#include <string.h>

#define N_MEMBERS 4
#define N_FLOWS 200

struct bed {
	struct lab lab;
	struct driver driver;
	struct datapath_team *team;
	int team_socket;
	int members[N_MEMBERS];
	int partners[N_MEMBERS];
};

static void bed_start(struct bed *bed, unsigned n_members)
{
	lab_start(&bed->lab);
	driver_start(&bed->driver);
	bed->team = driver_team(&bed->driver, &bed->lab, n_members);
	bed->team_socket = traffic_socket(bed->lab.host, DRIVER_TEAM, 0);
	for (unsigned i = 0; i < n_members; i++) {
		char name[IFNAMSIZ];

		(void)snprintf(name, sizeof(name), "pm%u", i);
		bed->partners[i] = traffic_socket(bed->lab.partner, name, 0);
		bed->members[i] = traffic_socket(bed->lab.host, name + 1, ETH_P_SLOW);
	}
}

static void bed_stop(struct bed *bed)
{
	driver_stop(&bed->driver, bed->team);
	lab_stop(&bed->lab);
}

static void send_frames(struct bed *bed, uint16_t vlan, bool lossy)
{
	for (uint16_t flow = 0; flow < N_FLOWS; flow++) {
		const struct traffic_frame frame = { .flow = flow, .vlan = vlan, .lossy = lossy };

		traffic_send(bed->team_socket, &frame);
	}
}

static void send_flows(struct bed *bed, uint16_t vlan)
{
	send_frames(bed, vlan, false);
}

/* How many of N_FLOWS sent frames arrived at each partner, until all have or a tenth of a second
 * has been silent. */
static void count_flows(struct bed *bed, struct traffic_seen seen[static N_MEMBERS])
{
	struct pollfd fds[N_MEMBERS];
	unsigned sum = 0;

	memset(seen, 0, N_MEMBERS * sizeof(*seen));
	for (unsigned i = 0; i < N_MEMBERS; i++)
		fds[i] = (struct pollfd){ .fd = bed->partners[i], .events = POLLIN };
	while (sum < N_FLOWS && poll(fds, N_MEMBERS, 100) > 0) {
		sum = 0;
		for (unsigned i = 0; i < N_MEMBERS; i++) {
			traffic_take(bed->partners[i], &seen[i]);
			sum += seen[i].n;
		}
	}
	ck_assert_uint_le(sum, N_FLOWS);
}

START_TEST(every_flow_leaves_on_the_member_that_its_bucket_is_placed_on)
{
	struct traffic_seen seen[N_MEMBERS];
	struct datapath_team_counters counters;
	struct bed bed;

	bed_start(&bed, N_MEMBERS);
	send_flows(&bed, 0);
	count_flows(&bed, seen);
	counters = driver_counters(bed.team);
	for (unsigned i = 0; i < N_MEMBERS; i++) {
		ck_assert_uint_gt(seen[i].n, N_FLOWS / N_MEMBERS / 2);
		ck_assert_uint_eq(counters.members[i].tx_packets, seen[i].n);
		ck_assert_uint_eq(counters.members[i].tx_bytes, 64 * seen[i].n);
	}
	ck_assert_uint_eq(driver_sent(bed.team), N_FLOWS);
	ck_assert_uint_eq(counters.tx_no_member, 0);
	bed_stop(&bed);
}
END_TEST

START_TEST(a_flow_keeps_its_member_whatever_vlan_tag_it_has)
{
	struct traffic_seen plain[N_MEMBERS], tagged[N_MEMBERS];
	struct bed bed;

	bed_start(&bed, N_MEMBERS);
	send_flows(&bed, 0);
	count_flows(&bed, plain);
	send_flows(&bed, 20);
	count_flows(&bed, tagged);
	for (unsigned i = 0; i < N_MEMBERS; i++) {
		ck_assert_mem_eq(plain[i].flows, tagged[i].flows, sizeof(plain[i].flows));
		ck_assert_uint_eq(plain[i].vlan, 0);
		ck_assert_uint_eq(tagged[i].vlan, 20);
	}
	bed_stop(&bed);
}
END_TEST

START_TEST(a_bucket_on_hold_stays_and_goes_back_when_released)
{
	struct placement_plan plan;
	struct traffic_seen seen[N_MEMBERS];
	struct bed bed;

	bed_start(&bed, N_MEMBERS);
	memset(&plan, PLACEMENT_NONE, sizeof(plan));
	for (unsigned bucket = 0; bucket < PLACEMENT_BUCKETS; bucket++) {
		plan.order[bucket][0] = 0;
		plan.order[bucket][1] = 1;
		plan.hold[bucket] = 3;
	}
	ck_assert_int_eq(bed.team->ops->place(bed.team, &plan, NULL), 0);
	send_flows(&bed, 0);
	count_flows(&bed, seen);
	ck_assert_uint_eq(seen[3].n, N_FLOWS);

	/* A hold whose member is not fit does not hold. */
	bed.team->ops->carrier(bed.team, 3, false);
	send_flows(&bed, 0);
	count_flows(&bed, seen);
	ck_assert_uint_eq(seen[0].n, N_FLOWS);

	bed.team->ops->carrier(bed.team, 3, true);
	memset(plan.hold, PLACEMENT_NONE, sizeof(plan.hold));
	ck_assert_int_eq(bed.team->ops->place(bed.team, &plan, NULL), 0);
	send_flows(&bed, 0);
	count_flows(&bed, seen);
	ck_assert_uint_eq(seen[0].n, N_FLOWS);
	bed_stop(&bed);
}
END_TEST

START_TEST(a_cleared_carrier_bit_moves_only_that_members_flows_and_loses_no_frame)
{
	static struct traffic_stream stream;
	struct traffic_seen before[N_MEMBERS], after[N_MEMBERS];
	struct bed bed;

	bed_start(&bed, N_MEMBERS);
	send_flows(&bed, 0);
	count_flows(&bed, before);
	stream = (struct traffic_stream){
		.from = bed.team_socket,
		.n_to = N_MEMBERS,
		.n_frames = 6000,
		.interval_us = 100,
		.n_flows = N_FLOWS,
	};
	memcpy(stream.to, bed.partners, sizeof(bed.partners));
	traffic_stream_start(&stream);
	traffic_stream_await(&stream, 2000);
	/* As the poller does it. */
	__atomic_fetch_and(bed.team->ops->carrier_word(bed.team), ~(1ull << 1), __ATOMIC_ACQ_REL);
	ck_assert_uint_eq(bed.team->ops->fit(bed.team), 0xd);
	traffic_stream_finish(&stream);
	ck_assert_uint_eq(stream.n_lost, 0);
	ck_assert_uint_eq(stream.n_doubled, 0);

	send_flows(&bed, 0);
	count_flows(&bed, after);
	ck_assert_uint_eq(after[1].n, 0);
	for (unsigned flow = 0; flow < N_FLOWS; flow++)
		for (unsigned i = 0; i < N_MEMBERS; i++)
			if (i != 1 && before[i].flows[flow])
				ck_assert_uint_eq(after[i].flows[flow], 1);
	bed_stop(&bed);
}
END_TEST

START_TEST(what_no_member_may_send_is_dropped_and_counted)
{
	struct traffic_seen seen[N_MEMBERS];
	struct bed bed;

	bed_start(&bed, N_MEMBERS);
	bed.team->ops->allow(bed.team, 0, 0xf);
	send_frames(&bed, 0, true);
	count_flows(&bed, seen);
	for (unsigned i = 0; i < N_MEMBERS; i++)
		ck_assert_uint_eq(seen[i].n, 0);
	ck_assert_uint_eq(driver_counters(bed.team).tx_no_member, N_FLOWS);
	bed_stop(&bed);
}
END_TEST

START_TEST(only_a_member_that_may_receive_hands_frames_to_the_team)
{
	const struct traffic_frame frame = { .flow = 1 };
	struct datapath_team_counters counters;
	struct traffic_seen seen = {};
	struct bed bed;

	bed_start(&bed, N_MEMBERS);
	bed.team->ops->allow(bed.team, 0xf, 0x1);
	traffic_send(bed.partners[1], &frame);
	traffic_send(bed.partners[0], &frame);
	traffic_await(bed.team_socket, 1, &seen);
	counters = driver_counters(bed.team);
	ck_assert_uint_eq(seen.n, 1);
	ck_assert_uint_eq(counters.members[0].rx_packets, 1);
	ck_assert_uint_eq(counters.members[0].rx_bytes, 64);
	ck_assert_uint_eq(counters.members[1].rx_packets, 0);
	ck_assert_uint_eq(counters.members[1].rx_not_collecting, 1);
	bed_stop(&bed);
}
END_TEST

START_TEST(frames_for_other_hosts_reach_the_team_for_a_bridge_may_want_them)
{
	const struct traffic_frame frame = { .destination = { { 2, 9, 9, 9, 9, 9 } }, .flow = 1 };
	struct traffic_seen seen = {};
	struct bed bed;

	bed_start(&bed, 1);
	traffic_send(bed.partners[0], &frame);
	traffic_await(bed.team_socket, 1, &seen);
	ck_assert_uint_eq(seen.n, 1);
	bed_stop(&bed);
}
END_TEST

struct neighbour_row {
	const char *what;
	uint16_t ethertype;
	uint16_t vlan;
	bool stays;
};

static const struct neighbour_row neighbour_rows[] = {
	{ "slow protocols", 0x8809, 0, true },
	{ "slow protocols in a VLAN", 0x8809, 20, true },
	{ "LLDP", 0x88cc, 0, true },
	{ "LLDP with a priority tag", 0x88cc, 0xe000, true },
	{ "LLDP in a VLAN", 0x88cc, 20, false },
	{ "802.1X", 0x888e, 0, true },
	{ "802.1X in a VLAN", 0x888e, 20, false },
	{ "ARP", 0x0806, 0, false },
	{ "something unknown", 0x88b5, 0, false },
};

START_TEST(what_is_between_a_device_and_its_neighbour_stays_on_the_member)
{
	const struct neighbour_row *row = &neighbour_rows[_i];
	const struct traffic_frame frame = { .ethertype = row->ethertype, .vlan = row->vlan };
	const struct traffic_frame last = { .flow = 7, .number = 77 };
	struct traffic_seen at_team = {}, at_member = {};
	struct bed bed;
	int member;

	bed_start(&bed, 1);
	/* Even a member that may not receive hears its neighbour. */
	bed.team->ops->allow(bed.team, 1, row->stays ? 0 : 1);
	member = traffic_socket(bed.lab.host, "m0", row->ethertype);
	traffic_send(bed.partners[0], &frame);
	bed.team->ops->allow(bed.team, 1, 1);
	traffic_send(bed.partners[0], &last);
	traffic_await(bed.team_socket, row->stays ? 1 : 2, &at_team);
	traffic_take(member, &at_member);
	ck_assert_msg(at_team.n == (row->stays ? 1 : 2), "%s: %u at the team", row->what,
		      at_team.n);
	ck_assert_msg(at_member.n == row->stays, "%s: %u at the member", row->what, at_member.n);
	bed_stop(&bed);
}
END_TEST

/* What is sent directly does not pass the device. */
START_TEST(the_team_device_counts_and_shows_both_directions)
{
	unsigned n_out = driver_is_direct() ? 0 : 5;
	struct traffic_seen seen = {};
	const struct traffic_frame frame = { .flow = 1 };
	struct lab_counters before, after;
	struct bed bed;
	int sender;

	bed_start(&bed, 1);
	before = lab_counters(DRIVER_TEAM);
	/* A socket does not see what it sent itself. */
	sender = traffic_socket(bed.lab.host, DRIVER_TEAM, 0);
	for (unsigned i = 0; i < 5; i++)
		traffic_send(sender, &frame);
	for (unsigned i = 0; i < 3; i++)
		traffic_send(bed.partners[0], &frame);
	traffic_await(bed.team_socket, n_out + 3, &seen);
	after = lab_counters(DRIVER_TEAM);
	ck_assert_uint_eq(seen.n, n_out + 3);
	ck_assert_uint_eq(seen.n_out, n_out);
	ck_assert_uint_eq(driver_sent(bed.team), 5);
	ck_assert_uint_ge(after.tx_packets - before.tx_packets, n_out);
	ck_assert_uint_ge(after.rx_packets - before.rx_packets, 3);
	bed_stop(&bed);
}
END_TEST

START_TEST(the_carrier_of_the_team_device_is_what_it_is_told)
{
	struct bed bed;

	bed_start(&bed, 1);
	ck_assert(lab_carrier(&bed.lab, DRIVER_TEAM));
	bed.team->ops->team_carrier(bed.team, false);
	driver_drain(&bed.driver);
	ck_assert(!lab_carrier(&bed.lab, DRIVER_TEAM));
	bed.team->ops->team_carrier(bed.team, true);
	driver_drain(&bed.driver);
	ck_assert(lab_carrier(&bed.lab, DRIVER_TEAM));
	bed_stop(&bed);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("datapath traffic");
	TCase *tcase = datapath_tcase(suite);

	tcase_add_test(tcase, every_flow_leaves_on_the_member_that_its_bucket_is_placed_on);
	tcase_add_test(tcase, a_flow_keeps_its_member_whatever_vlan_tag_it_has);
	tcase_add_test(tcase, a_bucket_on_hold_stays_and_goes_back_when_released);
	tcase_add_test(tcase,
		       a_cleared_carrier_bit_moves_only_that_members_flows_and_loses_no_frame);
	tcase_add_test(tcase, what_no_member_may_send_is_dropped_and_counted);
	tcase_add_test(tcase, only_a_member_that_may_receive_hands_frames_to_the_team);
	tcase_add_test(tcase, frames_for_other_hosts_reach_the_team_for_a_bridge_may_want_them);
	tcase_add_loop_test(tcase, what_is_between_a_device_and_its_neighbour_stays_on_the_member,
			    0, ARRAY_SIZE(neighbour_rows));
	tcase_add_test(tcase, the_team_device_counts_and_shows_both_directions);
	tcase_add_test(tcase, the_carrier_of_the_team_device_is_what_it_is_told);
	return run_datapath_suite(suite);
}
