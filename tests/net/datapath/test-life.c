/* Making, adopting, changing and deleting: what is left in the kernel at each step. */
#include "tests/net/datapath/driver.h"
#include "tests/net/datapath/suite.h"
#include "tests/net/datapath/traffic.h"

#include "lib/base/array.h"

#include <errno.h>
#include <linux/if_link.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

START_TEST(a_new_team_has_its_device_and_a_hidden_peer_and_no_carrier_yet)
{
	struct datapath_team_info info;
	struct rtnl_device device, peer;
	struct datapath_team *team;
	struct driver driver;
	char name[IFNAMSIZ];
	cleanup(lab_stop) struct lab lab = {};
	struct err e;

	lab_start(&lab);
	driver_start(&driver);
	driver_must(driver_open(&driver, &driver_spec, &team, &info, &e), &e);
	device = lab_device(lab.rtnl, DRIVER_TEAM);
	(void)snprintf(name, sizeof(name), "yk%d", device.ifindex);
	peer = lab_device(lab.rtnl, name);
	ck_assert_int_eq(info.ifindex, device.ifindex);
	ck_assert(!info.adopted && !info.members && !info.carrier);
	ck_assert_uint_eq(info.plan.order[7][0], PLACEMENT_NONE);
	ck_assert_str_eq(device.alias, "yoke:team0");
	ck_assert_str_eq(peer.alias, "yoke:team0");
	ck_assert(device.up && !peer.up);
	ck_assert_int_eq(peer.addr_gen_mode, IN6_ADDR_GEN_MODE_NONE);
	ck_assert_int_ne(device.addr_gen_mode, IN6_ADDR_GEN_MODE_NONE);
	ck_assert_mem_eq(&device.mac, &driver_spec.mac, sizeof(device.mac));
	ck_assert_uint_eq(device.mtu, 1500);
	ck_assert(!lab_carrier(&lab, DRIVER_TEAM));
	driver_stop(&driver, team);
}
END_TEST

START_TEST(pins_are_private)
{
	struct datapath_team *team;
	struct driver driver;
	cleanup(lab_stop) struct lab lab = {};
	struct stat st;
	struct err e;
	char path[256];
	FILE *find;

	lab_start(&lab);
	driver_start(&driver);
	driver_must(driver_open(&driver, &driver_spec, &team, NULL, &e), &e);
	ck_assert_uint_eq(lab_n_pins(), driver_uses_tcx() ? 11 : 10);
	find = popen("find " LAB_PINS, "re");
	ck_assert_ptr_nonnull(find);
	while (fgets(path, sizeof(path), find)) {
		path[strcspn(path, "\n")] = '\0';
		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert_uint_eq(st.st_mode & 07777, S_ISDIR(st.st_mode) ? 0700 : 0600);
	}
	(void)pclose(find);
	driver_stop(&driver, team);
}
END_TEST

static void unexpected(void *userdata, int r, const struct err *e)
{
	ck_abort_msg("a completion after the release");
}

START_TEST(a_deleted_team_leaves_nothing)
{
	struct rtnl_device found[3];
	struct datapath_team *team;
	struct driver driver;
	cleanup(lab_stop) struct lab lab = {};
	struct err e;

	lab_start(&lab);
	driver_start(&driver);
	team = driver_team(&driver, &lab, 3);
	for (unsigned i = 0; i < 3; i++) {
		char name[IFNAMSIZ];

		(void)snprintf(name, sizeof(name), "m%u", i);
		found[i] = lab_device(lab.rtnl, name);
		/* As lab_cable() makes it. */
		found[i].up = false;
		found[i].promiscuous = false;
		found[i].addr_gen_mode = IN6_ADDR_GEN_MODE_EUI64;
	}
	driver_must(driver_delete(&driver, team, &e), &e);
	ck_assert(!lab_has_device(&lab, DRIVER_TEAM));
	for (unsigned i = 0; i < 3; i++)
		driver_assert_as_found(&lab, &found[i]);
	ck_assert_uint_eq(lab_n_pins(), 0);
	/* And can be made again. */
	driver_must(driver_open(&driver, &driver_spec, &team, NULL, &e), &e);
	driver_must(driver_delete(&driver, team, &e), &e);
	driver_stop(&driver, NULL);
	ck_assert_int_eq(rmdir(LAB_PINS), 0);
}
END_TEST

/* Frames both ways, 10 000 a second each, for a second. */
static void start_streams(struct lab *lab, struct traffic_stream *out, struct traffic_stream *in)
{
	*out = (struct traffic_stream){
		.from = traffic_socket(lab->host, DRIVER_TEAM, 0),
		.n_to = 4,
		.n_frames = 10000,
		.interval_us = 100,
		.n_flows = 100,
	};
	*in = *out;
	for (unsigned i = 0; i < 4; i++) {
		char name[IFNAMSIZ];

		(void)snprintf(name, sizeof(name), "pm%u", i);
		out->to[i] = traffic_socket(lab->partner, name, 0x0800);
	}
	in->from = traffic_socket(lab->partner, "pm2", 0);
	in->to[0] = traffic_socket(lab->host, DRIVER_TEAM, 0x0800);
	in->n_to = 1;
	traffic_stream_start(out);
	traffic_stream_start(in);
	traffic_stream_await(out, 1000);
}

static void assert_adopted(const struct datapath_team_info *info)
{
	ck_assert(info->adopted && info->carrier);
	ck_assert_uint_eq(info->members, 0xf);
	ck_assert_int_eq(info->member_ifindexes[2], 102);
	ck_assert_uint_eq(info->may_send, 0xf);
	ck_assert_uint_eq(info->may_receive, 0xf);
	ck_assert_uint_eq(info->fit, 0xf);
	ck_assert_uint_lt(info->plan.order[0][0], 4);
}

START_TEST(a_killed_daemons_team_is_adopted_and_loses_no_frame)
{
	cleanup(lab_stop) struct lab lab = {};
	static struct traffic_stream out, in;
	struct datapath_team_counters counters;
	struct datapath_team_info info;
	struct datapath_team *team;
	struct driver driver;
	struct err e;

	lab_start(&lab);
	driver_leave_team(&lab);
	start_streams(&lab, &out, &in);
	/* Again and again, to hit every moment. */
	for (unsigned i = 0; i < 20; i++) {
		driver_start(&driver);
		driver_must(driver_open(&driver, &driver_spec, &team, &info, &e), &e);
		assert_adopted(&info);
		if (i < 19)
			driver_stop(&driver, team);
	}
	ck_assert_uint_lt(__atomic_load_n(&out.n_sent, __ATOMIC_ACQUIRE), out.n_frames);
	traffic_stream_finish(&out);
	traffic_stream_finish(&in);
	counters = driver_counters(team);
	ck_assert_uint_eq(out.n_lost + in.n_lost, 0);
	ck_assert_uint_eq(out.n_doubled + in.n_doubled, 0);
	/* They went on from where the first daemon counted. */
	ck_assert_uint_ge(driver_sent(team), 10000);
	ck_assert_uint_ge(counters.members[2].rx_packets, 10000);
	ck_assert_uint_eq(counters.tx_no_member, 0);

	/* What the first daemon wrote down is set back by the second. */
	driver_must(driver_delete(&driver, team, &e), &e);
	ck_assert(!lab_device(lab.rtnl, "m1").up);
	ck_assert(!lab_device(lab.rtnl, "m1").promiscuous);
	ck_assert_uint_eq(lab_n_pins(), 0);
	driver_stop(&driver, NULL);
}
END_TEST

START_TEST(a_member_that_vanished_while_nobody_looked_is_not_adopted)
{
	struct datapath_team_info info;
	struct datapath_team *team;
	struct driver driver;
	cleanup(lab_stop) struct lab lab = {};
	struct err e;

	lab_start(&lab);
	driver_leave_team(&lab);
	driver_must(rtnl_delete_device(lab.rtnl, 101, &e), &e);
	/* Another one has its number now. */
	lab_cable(&lab, "other", 101);
	driver_start(&driver);
	driver_must(driver_open(&driver, &driver_spec, &team, &info, &e), &e);
	ck_assert_uint_eq(info.members, 0xd);
	ck_assert_uint_eq(info.fit, 0xd);
	driver_assert_free(&lab, 101);
	driver_stop(&driver, team);
}
END_TEST

START_TEST(a_released_teams_operations_end_without_telling)
{
	cleanup(lab_stop) struct lab lab = {};
	struct datapath_member_spec spec;
	struct datapath_team_info info;
	struct datapath_team *team;
	struct driver driver;
	struct err e;

	lab_start(&lab);
	driver_start(&driver);
	driver_must(driver_open(&driver, &driver_spec, &team, NULL, &e), &e);
	spec = driver_cable(&lab, "m0", 100);
	team->ops->member_add(team, 3, &spec, unexpected, NULL);
	driver_stop(&driver, team);
	/* It has been done all the same. */
	driver_start(&driver);
	driver_must(driver_open(&driver, &driver_spec, &team, &info, &e), &e);
	ck_assert_uint_eq(info.members, 1u << 3);
	driver_stop(&driver, team);
}
END_TEST

START_TEST(the_mtu_is_changed_on_all_or_on_none)
{
	struct datapath_team_spec spec = driver_spec;
	struct datapath_team *team;
	struct driver driver;
	cleanup(lab_stop) struct lab lab = {};
	char peer[IFNAMSIZ];
	struct err e;

	lab_start(&lab);
	driver_start(&driver);
	team = driver_team(&driver, &lab, 2);
	(void)snprintf(peer, sizeof(peer), "yk%d", lab_device(lab.rtnl, DRIVER_TEAM).ifindex);
	for (unsigned i = 0; i < 4; i++) {
		static const uint32_t mtus[] = { 9000, 1200, 1500, 9000 };
		const char *names[] = { DRIVER_TEAM, peer, "m0", "m1" };

		spec.mtu = mtus[i];
		driver_must(driver_configure(&driver, team, &spec, &e), &e);
		for (unsigned k = 0; k < ARRAY_SIZE(names); k++)
			ck_assert_uint_eq(lab_device(lab.rtnl, names[k]).mtu, mtus[i]);
	}
	/* IPv6 went and came back meanwhile. */
	ck_assert_int_eq(lab_device(lab.rtnl, "m0").addr_gen_mode, IN6_ADDR_GEN_MODE_NONE);
	ck_assert_int_eq(lab_device(lab.rtnl, peer).addr_gen_mode, IN6_ADDR_GEN_MODE_NONE);

	spec.mtu = 65536;
	driver_refused(driver_configure(&driver, team, &spec, &e), &e, -EINVAL, "mtu greater");
	ck_assert_uint_eq(lab_device(lab.rtnl, "m0").mtu, 9000);
	ck_assert_uint_eq(lab_device(lab.rtnl, DRIVER_TEAM).mtu, 9000);
	driver_stop(&driver, team);
}
END_TEST

START_TEST(the_mac_address_and_the_hash_are_changed_in_place)
{
	struct datapath_team_spec spec = driver_spec;
	struct traffic_seen seen[2] = {};
	struct datapath_team *team;
	struct driver driver;
	cleanup(lab_stop) struct lab lab = {};
	struct err e;
	int from, to[2];

	lab_start(&lab);
	driver_start(&driver);
	team = driver_team(&driver, &lab, 2);
	spec.mac.bytes[5] = 9;
	spec.hash = HASH_MAC_ADDRESSES;
	driver_must(driver_configure(&driver, team, &spec, &e), &e);
	ck_assert_int_eq(lab_device(lab.rtnl, DRIVER_TEAM).mac.bytes[5], 9);
	from = traffic_socket(lab.host, DRIVER_TEAM, 0);
	to[0] = traffic_socket(lab.partner, "pm0", 0);
	to[1] = traffic_socket(lab.partner, "pm1", 0);
	for (uint16_t flow = 0; flow < 50; flow++)
		traffic_send(from, &(struct traffic_frame){ .flow = flow });
	traffic_await(to[0], 50, &seen[0]);
	traffic_take(to[1], &seen[1]);
	/* All on one member, for the addresses are the same. */
	ck_assert_uint_eq(seen[0].n + seen[1].n, 50);
	ck_assert(seen[0].n == 0 || seen[1].n == 0);
	driver_stop(&driver, team);
}
END_TEST

START_TEST(a_team_whose_pins_are_gone_works_again_once_its_members_are_added)
{
	struct datapath_member_spec spec = { .name = "m0", .ifindex = 100 };
	struct traffic_seen seen = {};
	struct datapath_team_info info;
	struct datapath_team *team;
	struct driver driver;
	cleanup(lab_stop) struct lab lab = {};
	struct err e;
	int to;

	lab_start(&lab);
	driver_leave_team(&lab);
	ck_assert_int_eq(umount2(LAB_BPFFS, MNT_DETACH), 0);
	ck_assert_int_eq(mount("bpf", LAB_BPFFS, "bpf", 0, NULL), 0);
	driver_start(&driver);
	driver_must(driver_open(&driver, &driver_spec, &team, &info, &e), &e);
	ck_assert(info.adopted && info.members == 0);
	driver_must(driver_add(&driver, team, 0, &spec, &e), &e);
	team->ops->carrier(team, 0, true);
	driver_place(team, 1);
	team->ops->allow(team, 1, 1);
	to = traffic_socket(lab.partner, "pm0", 0);
	traffic_send(traffic_socket(lab.host, DRIVER_TEAM, 0), &(struct traffic_frame){});
	traffic_await(to, 1, &seen);
	ck_assert_uint_eq(seen.n, 1);
	driver_stop(&driver, team);
}
END_TEST

START_TEST(a_device_that_a_killed_daemon_had_half_made_is_finished)
{
	struct datapath_team_info info;
	struct rtnl_device device;
	struct datapath_team *team;
	struct driver driver;
	cleanup(lab_stop) struct lab lab = {};
	struct err e;
	const struct rtnl_pair veth = {
		.name = DRIVER_TEAM,
		.mac = driver_spec.mac,
		.peer_name = "yk%d",
		.mtu = 1500,
	};

	lab_start(&lab);
	driver_must(rtnl_add_veth(lab.rtnl, &veth, &e), &e);
	driver_start(&driver);
	driver_must(driver_open(&driver, &driver_spec, &team, &info, &e), &e);
	device = lab_device(lab.rtnl, DRIVER_TEAM);
	ck_assert_str_eq(device.alias, "yoke:team0");
	ck_assert(device.up);
	driver_must(driver_delete(&driver, team, &e), &e);
	driver_stop(&driver, NULL);
}
END_TEST

START_TEST(a_team_whose_device_was_deleted_by_somebody_can_be_made_again)
{
	struct datapath_team_info info;
	struct datapath_team *team;
	struct driver driver;
	cleanup(lab_stop) struct lab lab = {};
	struct err e;

	lab_start(&lab);
	driver_leave_team(&lab);
	driver_must(rtnl_delete_device(lab.rtnl, lab_device(lab.rtnl, DRIVER_TEAM).ifindex, &e),
		    &e);
	driver_start(&driver);
	driver_must(driver_open(&driver, &driver_spec, &team, &info, &e), &e);
	ck_assert(!info.adopted && info.members == 0);
	/* Its members were set free. */
	driver_assert_free(&lab, 103);
	ck_assert(!lab_device(lab.rtnl, "m3").promiscuous);
	driver_stop(&driver, team);
}
END_TEST

/* A daemon's whole life, as far as it comes. */
static void live(const struct datapath_member_spec specs[static 2])
{
	struct datapath_team_spec large = driver_spec;
	struct datapath_team *team;
	struct driver driver;
	struct err e;

	large.mtu = 9000;
	driver_start(&driver);
	for (;;) {
		driver_must(driver_open(&driver, &driver_spec, &team, NULL, &e), &e);
		for (unsigned i = 0; i < 2; i++)
			driver_must(driver_add(&driver, team, i, &specs[i], &e), &e);
		driver_must(driver_configure(&driver, team, &large, &e), &e);
		driver_must(driver_delete(&driver, team, &e), &e);
	}
}

START_TEST(a_daemon_killed_at_any_moment_leaves_what_the_next_one_can_take_away)
{
	cleanup(lab_stop) struct lab lab = {};
	struct datapath_member_spec specs[2];
	struct rtnl_device found[2];
	struct err e;

	lab_start(&lab);
	for (int i = 0; i < 2; i++) {
		specs[i] = driver_cable(&lab, i ? "m1" : "m0", 100 + i);
		found[i] = lab_device(lab.rtnl, specs[i].name);
	}
	for (unsigned moment = 0; moment < 60; moment++) {
		struct datapath_team *team;
		struct driver driver;
		pid_t pid = fork();
		int status;

		ck_assert_int_ge(pid, 0);
		if (pid == 0)
			live(specs);
		/* Sweeps over the first 42 milliseconds. */
		(void)usleep(moment * 700);
		ck_assert_int_eq(kill(pid, SIGKILL), 0);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert(WIFSIGNALED(status));
		driver_start(&driver);
		driver_must(driver_open(&driver, &driver_spec, &team, NULL, &e), &e);
		driver_must(driver_delete(&driver, team, &e), &e);
		driver_stop(&driver, NULL);
		ck_assert(!lab_has_device(&lab, DRIVER_TEAM));
		ck_assert_uint_eq(lab_n_pins(), 0);
		for (unsigned i = 0; i < 2; i++)
			driver_assert_as_found(&lab, &found[i]);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("datapath life");
	TCase *tcase = datapath_tcase(suite);

	tcase_add_test(tcase, a_new_team_has_its_device_and_a_hidden_peer_and_no_carrier_yet);
	tcase_add_test(tcase, pins_are_private);
	tcase_add_test(tcase, a_deleted_team_leaves_nothing);
	tcase_add_test(tcase, a_killed_daemons_team_is_adopted_and_loses_no_frame);
	tcase_add_test(tcase, a_member_that_vanished_while_nobody_looked_is_not_adopted);
	tcase_add_test(tcase, a_released_teams_operations_end_without_telling);
	tcase_add_test(tcase, the_mtu_is_changed_on_all_or_on_none);
	tcase_add_test(tcase, the_mac_address_and_the_hash_are_changed_in_place);
	tcase_add_test(tcase, a_team_whose_pins_are_gone_works_again_once_its_members_are_added);
	tcase_add_test(tcase, a_device_that_a_killed_daemon_had_half_made_is_finished);
	tcase_add_test(tcase, a_team_whose_device_was_deleted_by_somebody_can_be_made_again);
	tcase_add_test(tcase, a_daemon_killed_at_any_moment_leaves_what_the_next_one_can_take_away);
	return run_datapath_suite(suite);
}
