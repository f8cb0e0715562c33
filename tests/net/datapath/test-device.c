/* The kinds of team devices, and direct transmission: what differs, and what does not. */
#include "bpf/abi.h"
#include "tests/net/datapath/driver.h"
#include "tests/net/datapath/foreign.h"
#include "tests/net/datapath/suite.h"
#include "tests/net/datapath/traffic.h"

#include "lib/base/array.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <linux/pkt_cls.h>
#include <string.h>

#define N_MEMBERS 4

/* Where the programs sit that send. */
struct places {
	int team;
	int peer;
	bool netkit;
};

static bool has_netkit(void)
{
	struct tcx_chain chain;

	/* A kernel that knows the place looks for the device. */
	return tcx_query(INT_MAX, BPF_PLACE_NETKIT, &chain) == -ENODEV;
}

static struct places find_places(struct lab *lab)
{
	struct rtnl_device device = lab_device(lab->rtnl, DRIVER_TEAM);

	return (struct places){ device.ifindex, device.lower, strcmp(device.kind, "netkit") == 0 };
}

static unsigned n_programs(int ifindex, enum bpf_place place)
{
	struct tcx_chain chain;

	return tcx_query(ifindex, place, &chain) == 0 ? chain.n : 0;
}

static void start_stream(struct lab *lab, struct traffic_stream *stream, uint32_t n_frames)
{
	*stream = (struct traffic_stream){
		.from = traffic_socket(lab->host, DRIVER_TEAM, 0),
		.n_to = N_MEMBERS,
		.n_frames = n_frames,
		.interval_us = 100,
		.n_flows = 100,
	};
	for (unsigned i = 0; i < N_MEMBERS; i++) {
		char name[IFNAMSIZ];

		(void)snprintf(name, sizeof(name), "pm%u", i);
		stream->to[i] = traffic_socket(lab->partner, name, 0x0800);
	}
	traffic_stream_start(stream);
	traffic_stream_await(stream, 100);
}

static void finish_whole(struct traffic_stream *stream)
{
	traffic_stream_finish(stream);
	ck_assert_uint_eq(stream->n_lost, 0);
	ck_assert_uint_eq(stream->n_doubled, 0);
}

static void send_some(struct lab *lab, unsigned n)
{
	int from = traffic_socket(lab->host, DRIVER_TEAM, 0);

	for (uint16_t flow = 0; flow < n; flow++)
		traffic_send(from, &(struct traffic_frame){ .flow = flow, .lossy = true });
	(void)close(from);
}

static struct datapath_team_spec direct_spec(bool direct)
{
	struct datapath_team_spec spec = driver_spec;

	spec.rules.direct = direct;
	return spec;
}

static void set_direct(struct driver *driver, struct datapath_team *team, bool direct)
{
	const struct datapath_team_spec spec = direct_spec(direct);
	struct err e;

	driver_must(driver_configure(driver, team, &spec, &e), &e);
}

START_TEST(a_new_team_is_a_netkit_where_the_kernel_has_it)
{
	const char *kind = has_netkit() ? "netkit" : "veth";
	cleanup(lab_stop) struct lab lab = {};
	struct datapath_team *team;
	struct driver driver;
	struct places places;

	lab_start(&lab);
	driver_start_by(&driver, !driver_has_tcx());
	team = driver_team(&driver, &lab, 1);
	places = find_places(&lab);
	ck_assert_str_eq(team->ops->device_kind(team), kind);
	ck_assert_str_eq(lab_device(lab.rtnl, DRIVER_TEAM).kind, kind);
	ck_assert_uint_eq(n_programs(places.team, BPF_PLACE_NETKIT), places.netkit);
	ck_assert_uint_eq(n_programs(places.peer, BPF_PLACE_INGRESS),
			  !places.netkit && driver_has_tcx());
	ck_assert_uint_eq(n_programs(places.team, BPF_PLACE_EGRESS), 0);
	driver_stop(&driver, team);
}
END_TEST

static void leave_veth(struct lab *lab)
{
	struct datapath_team *team;
	struct driver driver;

	driver_start_with(&driver, !driver_has_tcx(), true);
	team = driver_team(&driver, lab, N_MEMBERS);
	ck_assert_str_eq(team->ops->device_kind(team), "veth");
	driver_stop(&driver, team);
}

START_TEST(a_team_that_was_made_as_a_veth_stays_one)
{
	static struct traffic_stream stream;
	cleanup(lab_stop) struct lab lab = {};
	struct datapath_team_info info;
	struct datapath_team *team;
	struct driver driver;
	struct err e;

	lab_start(&lab);
	leave_veth(&lab);
	start_stream(&lab, &stream, 5000);
	driver_start(&driver);
	driver_must(driver_open(&driver, &driver_spec, &team, &info, &e), &e);
	ck_assert(info.adopted && info.carrier);
	ck_assert_uint_eq(info.members, 0xf);
	ck_assert_str_eq(team->ops->device_kind(team), "veth");
	finish_whole(&stream);
	driver_must(driver_delete(&driver, team, &e), &e);
	ck_assert_uint_eq(lab_n_pins(), 0);
	driver_stop(&driver, NULL);
}
END_TEST

START_TEST(a_stranger_of_the_same_kind_is_not_taken_for_a_team)
{
	const struct rtnl_pair pair = { .name = DRIVER_TEAM,
					.mac = { { 2, 0, 0, 0, 0, 7 } },
					.peer_name = "its",
					.mtu = 1500 };
	cleanup(lab_stop) struct lab lab = {};
	struct datapath_team *team;
	struct driver driver;
	struct err e;

	lab_start(&lab);
	driver_start(&driver);
	driver_must((has_netkit() ? rtnl_add_netkit : rtnl_add_veth)(lab.rtnl, &pair, &e), &e);
	driver_refused(driver_open(&driver, &driver_spec, &team, NULL, &e), &e, -EEXIST,
		       "it is not ours");
	ck_assert_uint_eq(n_programs(lab_device(lab.rtnl, DRIVER_TEAM).ifindex, BPF_PLACE_NETKIT),
			  0);
	driver_stop(&driver, NULL);
}
END_TEST

START_TEST(direct_transmission_comes_and_goes_without_losing_a_frame)
{
	static struct traffic_stream stream;
	cleanup(lab_stop) struct lab lab = {};
	struct datapath_team *team;
	struct driver driver;
	uint64_t before, counted;
	bool clsact = _i;

	if (!driver_can(clsact))
		return;
	lab_start(&lab);
	driver_start_by(&driver, clsact);
	team = driver_team(&driver, &lab, N_MEMBERS);
	start_stream(&lab, &stream, 10000);
	for (unsigned i = 0; i < 20; i++)
		set_direct(&driver, team, i % 2 == 0);
	ck_assert_uint_lt(__atomic_load_n(&stream.n_sent, __ATOMIC_ACQUIRE), stream.n_frames);
	finish_whole(&stream);
	ck_assert_uint_eq(driver_sent(team), stream.n_frames);

	/* What it is for: the device is left out, and so does not count; our map does. */
	set_direct(&driver, team, true);
	before = lab_counters(DRIVER_TEAM).tx_packets;
	counted = driver_sent(team);
	send_some(&lab, 50);
	ck_assert_uint_eq(lab_counters(DRIVER_TEAM).tx_packets, before);
	ck_assert_uint_eq(driver_sent(team), counted + 50);
	driver_stop(&driver, team);
}
END_TEST

START_TEST(nothing_leaves_directly_while_the_carrier_is_dropped)
{
	cleanup(lab_stop) struct lab lab = {};
	struct datapath_team *team;
	struct driver driver;

	lab_start(&lab);
	driver_start(&driver);
	team = driver_team(&driver, &lab, N_MEMBERS);
	set_direct(&driver, team, true);
	send_some(&lab, 10);
	ck_assert_uint_eq(driver_sent(team), 10);
	team->ops->team_carrier(team, false);
	driver_drain(&driver);
	ck_assert(!lab_carrier(&lab, DRIVER_TEAM));
	send_some(&lab, 10);
	ck_assert_uint_eq(driver_sent(team), 10);
	team->ops->team_carrier(team, true);
	driver_drain(&driver);
	lab_await_running(lab.rtnl, DRIVER_TEAM);
	send_some(&lab, 10);
	ck_assert_uint_eq(driver_sent(team), 20);
	driver_stop(&driver, team);
}
END_TEST

START_TEST(a_later_daemon_makes_of_direct_transmission_what_it_is_told)
{
	static struct traffic_stream stream;
	cleanup(lab_stop) struct lab lab = {};
	struct datapath_team *team;
	struct driver driver;
	uint64_t before;
	struct err e;

	lab_start(&lab);
	driver_leave_team(&lab);
	start_stream(&lab, &stream, 10000);
	for (unsigned i = 0; i < 10; i++) {
		const struct datapath_team_spec spec = direct_spec(i % 2 == 0);

		driver_start(&driver);
		driver_must(driver_open(&driver, &spec, &team, NULL, &e), &e);
		if (i < 9)
			driver_stop(&driver, team);
	}
	finish_whole(&stream);
	/* The last one was told not to. */
	before = lab_counters(DRIVER_TEAM).tx_packets;
	send_some(&lab, 50);
	ck_assert_uint_eq(lab_counters(DRIVER_TEAM).tx_packets, before + 50);
	driver_must(driver_delete(&driver, team, &e), &e);
	ck_assert_uint_eq(lab_n_pins(), 0);
	driver_stop(&driver, NULL);
}
END_TEST

static void detach(int ifindex, enum bpf_place place)
{
	ck_assert_int_eq(bpf_link_detach(foreign_first_link(ifindex, place)), 0);
}

static void settle(struct driver *driver)
{
	for (unsigned i = 0; i < 10; i++)
		driver_turn(driver);
}

/* One that lets all frames pass on. */
static void replace_filter(int ifindex)
{
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_EGRESS);
	DECLARE_LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = foreign_program(TC_ACT_OK),
			    .handle = ABI_FILTER_HANDLE, .priority = ABI_FILTER_PRIORITY,
			    .flags = BPF_TC_F_REPLACE);

	ck_assert_int_eq(bpf_tc_attach(&hook, &options), 0);
}

START_TEST(a_direct_program_that_is_taken_away_loses_no_frame_and_is_put_back)
{
	bool clsact = _i;
	static struct traffic_stream stream;
	cleanup(lab_stop) struct lab lab = {};
	struct datapath_team *team;
	struct driver driver;
	struct places places;

	if (!driver_can(clsact))
		return;
	lab_start(&lab);
	driver_start_by(&driver, clsact);
	team = driver_team(&driver, &lab, N_MEMBERS);
	set_direct(&driver, team, true);
	settle(&driver);
	places = find_places(&lab);
	start_stream(&lab, &stream, 5000);
	if (clsact)
		replace_filter(places.team);
	else
		detach(places.team, BPF_PLACE_EGRESS);
	driver_await_disturbed(&driver, 1);
	ck_assert_int_eq(driver.news.ifindex, places.team);
	ck_assert_ptr_nonnull(strstr(driver.news.sentence, "egress of the team's device"));
	ck_assert_uint_eq(n_programs(places.team, BPF_PLACE_EGRESS), !clsact);
	ck_assert_uint_eq(driver.news.n_hindered, 0);
	finish_whole(&stream);
	driver_stop(&driver, team);
}
END_TEST

START_TEST(nothing_in_clsact_makes_a_netkit_deaf)
{
	static struct traffic_stream stream;
	int foreign = foreign_program(TC_ACT_OK);
	cleanup(lab_stop) struct lab lab = {};
	struct datapath_team *team;
	struct driver driver;
	struct places places;

	if (!has_netkit())
		return;
	lab_start(&lab);
	driver_start(&driver);
	team = driver_team(&driver, &lab, N_MEMBERS);
	places = find_places(&lab);
	start_stream(&lab, &stream, 3000);
	for (unsigned i = 0; i < 5; i++) {
		ck_assert_int_eq(foreign_filter_add(places.peer, foreign, 1, 1), 0);
		ck_assert_int_eq(foreign_clsact_delete(places.peer), 0);
	}
	finish_whole(&stream);
	settle(&driver);
	ck_assert_uint_eq(driver.news.n_disturbed, 0);
	driver_stop(&driver, team);
}
END_TEST

START_TEST(what_others_do_at_the_netkit_is_undone)
{
	cleanup(lab_stop) struct lab lab = {};
	struct datapath_team *team;
	struct driver driver;
	struct places places;
	struct tcx_chain ours, now;

	if (!has_netkit())
		return;
	lab_start(&lab);
	driver_start(&driver);
	team = driver_team(&driver, &lab, N_MEMBERS);
	settle(&driver);
	places = find_places(&lab);
	ck_assert_int_eq(tcx_query(places.team, BPF_PLACE_NETKIT, &ours), 0);
	(void)foreign_before(places.team, BPF_PLACE_NETKIT, foreign_program(TC_ACT_SHOT));
	send_some(&lab, 10);
	ck_assert_uint_eq(driver_sent(team), 0);
	driver_await_disturbed(&driver, 1);
	ck_assert_int_eq(driver.news.ifindex, places.team);
	ck_assert_ptr_nonnull(strstr(driver.news.sentence, "netkit"));
	send_some(&lab, 10);
	ck_assert_uint_eq(driver_sent(team), 10);

	/* Ours is the first again. */
	detach(places.team, BPF_PLACE_NETKIT);
	driver_await_disturbed(&driver, 2);
	send_some(&lab, 10);
	ck_assert_uint_eq(driver_sent(team), 20);
	ck_assert_int_eq(tcx_query(places.team, BPF_PLACE_NETKIT, &now), 0);
	ck_assert_uint_eq(now.n, 2);
	driver_stop(&driver, team);
}
END_TEST

/* The pin of a link outlives the device. */
START_TEST(a_device_that_vanished_leaves_no_pin_behind)
{
	cleanup(lab_stop) struct lab lab = {};
	const struct datapath_team_spec spec = direct_spec(true);
	struct datapath_team *team;
	struct driver driver;
	struct err e;

	lab_start(&lab);
	driver_start(&driver);
	team = driver_team(&driver, &lab, 0);
	driver_must(driver_configure(&driver, team, &spec, &e), &e);
	team->ops->team_carrier(team, true);
	driver_drain(&driver);
	driver_must(rtnl_delete_device(lab.rtnl, find_places(&lab).team, &e), &e);
	driver_must(driver_delete(&driver, team, &e), &e);
	ck_assert_uint_eq(lab_n_pins(), 0);
	driver_must(driver_open(&driver, &spec, &team, NULL, &e), &e);
	driver_must(driver_delete(&driver, team, &e), &e);
	driver_stop(&driver, NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("device");
	TCase *tcase = datapath_tcase(suite);

	tcase_add_test(tcase, a_new_team_is_a_netkit_where_the_kernel_has_it);
	tcase_add_test(tcase, a_team_that_was_made_as_a_veth_stays_one);
	tcase_add_test(tcase, a_stranger_of_the_same_kind_is_not_taken_for_a_team);
	tcase_add_loop_test(tcase, direct_transmission_comes_and_goes_without_losing_a_frame, 0, 2);
	tcase_add_test(tcase, nothing_leaves_directly_while_the_carrier_is_dropped);
	tcase_add_test(tcase, a_later_daemon_makes_of_direct_transmission_what_it_is_told);
	tcase_add_loop_test(
		tcase, a_direct_program_that_is_taken_away_loses_no_frame_and_is_put_back, 0, 2);
	tcase_add_test(tcase, nothing_in_clsact_makes_a_netkit_deaf);
	tcase_add_test(tcase, what_others_do_at_the_netkit_is_undone);
	tcase_add_test(tcase, a_device_that_vanished_leaves_no_pin_behind);
	return run_datapath_suite(suite);
}
