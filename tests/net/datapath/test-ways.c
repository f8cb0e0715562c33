/* The two ways in which programs are attached: what a later daemon makes of what it finds. */
#include "tests/net/datapath/driver.h"
#include "tests/net/datapath/foreign.h"
#include "tests/net/datapath/suite.h"
#include "tests/net/datapath/traffic.h"

#include "daemon/kernel/bpf-filter.h"

#include <bpf/bpf.h>
#include <linux/pkt_cls.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#define CLSACT true
#define TCX false
#define MEMBER 100

START_TEST(a_team_goes_from_one_way_to_the_other_without_losing_a_frame)
{
	static struct traffic_stream in, out;
	cleanup(lab_stop) struct lab lab = {};
	struct datapath_team_info info;
	struct datapath_team *team;
	struct driver driver;
	struct err e;
	bool clsact = true;

	if (!driver_has_tcx())
		return;
	lab_start(&lab);
	driver_leave_team_by(&lab, CLSACT);
	driver_stream_in(&lab, &in);
	out = (struct traffic_stream){ .from = traffic_socket(lab.host, DRIVER_TEAM, 0),
				       .n_to = 4,
				       .n_frames = 10000,
				       .interval_us = 100,
				       .n_flows = 100 };
	for (unsigned i = 0; i < 4; i++) {
		char name[IFNAMSIZ];

		(void)snprintf(name, sizeof(name), "pm%u", i);
		out.to[i] = traffic_socket(lab.partner, name, 0x0800);
	}
	traffic_stream_start(&out);
	traffic_stream_await(&out, 100);
	for (unsigned i = 0; i < 8; i++) {
		clsact = !clsact;
		driver_start_by(&driver, clsact);
		driver_must(driver_open(&driver, &driver_spec, &team, &info, &e), &e);
		ck_assert_uint_eq(info.members, 0xf);
		for (int member = MEMBER; member < MEMBER + 4; member++) {
			struct bpf_filter_state state;

			driver_must(bpf_filter_state(lab.rtnl,
						     (struct bpf_filter_at){ .ifindex = member },
						     &state, &e),
				    &e);
			ck_assert_int_eq(state.ours, clsact);
			ck_assert_uint_eq(lab_n_tcx(member), !clsact);
		}
		if (i < 7)
			driver_stop(&driver, team);
	}
	traffic_stream_finish(&in);
	traffic_stream_finish(&out);
	ck_assert_uint_eq(in.n_lost + out.n_lost, 0);
	ck_assert_uint_eq(in.n_doubled + out.n_doubled, 0);
	driver_must(driver_delete(&driver, team, &e), &e);
	driver_assert_free(&lab, MEMBER);
	ck_assert_uint_eq(lab_n_pins(), 0);
	driver_stop(&driver, NULL);
}
END_TEST

START_TEST(moving_to_the_first_place_loses_no_frame)
{
	static struct traffic_stream stream;
	cleanup(lab_stop) struct lab lab = {};
	int passing = foreign_program(TC_ACT_UNSPEC);
	struct datapath_team *team;
	struct driver driver;

	if (!driver_has_tcx())
		return;
	lab_start(&lab);
	driver_leave_team_by(&lab, TCX);
	driver_stream_in(&lab, &stream);
	for (unsigned i = 0; i < 20; i++) {
		/* It lets all frames pass on, so each that is lost was lost by us. */
		int link = foreign_before(MEMBER, BPF_PLACE_INGRESS, passing);
		struct err e;

		driver_start_by(&driver, TCX);
		driver_must(driver_open(&driver, &driver_spec, &team, NULL, &e), &e);
		ck_assert_uint_eq(lab_n_tcx(MEMBER), 2);
		driver_stop(&driver, team);
		(void)bpf_link_detach(link);
		(void)close(link);
	}
	traffic_stream_finish(&stream);
	ck_assert_uint_eq(stream.n_lost + stream.n_doubled, 0);
}
END_TEST

static void pin_path(char *path, size_t size, const char *name)
{
	char command[128];
	FILE *find;

	(void)snprintf(command, sizeof(command), "find " LAB_PINS " -name %s", name);
	find = popen(command, "re");
	ck_assert_ptr_nonnull(find);
	ck_assert_msg(fgets(path, (int)size, find), "no pin %s", name);
	path[strcspn(path, "\n")] = '\0';
	(void)pclose(find);
}

START_TEST(a_move_that_was_cut_short_by_a_kill_is_ended)
{
	cleanup(lab_stop) struct lab lab = {};
	char path[200], next[256];
	struct datapath_team *team;
	struct driver driver;
	struct err e;

	if (!driver_has_tcx())
		return;
	lab_start(&lab);
	driver_leave_team_by(&lab, TCX);
	pin_path(path, sizeof(path), "link-100");
	(void)snprintf(next, sizeof(next), "%s-new", path);
	/* As if the old one had been behind another's, and the new one is pinned already. */
	ck_assert_int_eq(rename(path, next), 0);
	driver_start_by(&driver, TCX);
	driver_must(driver_open(&driver, &driver_spec, &team, NULL, &e), &e);
	ck_assert_uint_eq(lab_n_tcx(MEMBER), 1);
	ck_assert_int_eq(access(path, F_OK), 0);
	ck_assert_int_ne(access(next, F_OK), 0);
	ck_assert(driver_hears(&lab));
	driver_stop(&driver, team);
}
END_TEST

START_TEST(a_link_to_a_device_that_is_gone_is_let_go_though_another_has_its_number)
{
	cleanup(lab_stop) struct lab lab = {};
	struct datapath_team_info info;
	struct datapath_team *team;
	struct driver driver;
	char path[200];
	struct err e;

	if (!driver_has_tcx())
		return;
	lab_start(&lab);
	driver_leave_team_by(&lab, TCX);
	pin_path(path, sizeof(path), "link-101");
	driver_must(rtnl_delete_device(lab.rtnl, 101, &e), &e);
	lab_cable(&lab, "other", 101);
	driver_start_by(&driver, TCX);
	ck_assert_int_ne(access(path, F_OK), 0);
	driver_must(driver_open(&driver, &driver_spec, &team, &info, &e), &e);
	ck_assert_uint_eq(info.members, 0xd);
	driver_assert_free(&lab, 101);
	driver_stop(&driver, team);
}
END_TEST

static int new_namespace(const struct lab *lab)
{
	int namespace;

	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	namespace = lab_namespace();
	lab_enter(lab->host);
	return namespace;
}

START_TEST(a_device_that_went_to_another_namespace_is_let_go)
{
	cleanup(lab_stop) struct lab lab = {};
	struct datapath_team_info info;
	struct datapath_team *team;
	struct driver driver;
	int elsewhere, ifindex;
	struct err e;

	if (!driver_has_tcx())
		return;
	lab_start(&lab);
	driver_leave_team_by(&lab, TCX);
	elsewhere = new_namespace(&lab);
	lab_move(lab.rtnl, 101, elsewhere);
	/* So that another cable may have the number. */
	lab_move(lab.partner_rtnl, 101, new_namespace(&lab));
	lab_enter(elsewhere);
	ifindex = (int)if_nametoindex("m1");
	printf("# programs at the device that was moved: %u\n", lab_n_tcx(ifindex));
	lab_enter(lab.host);
	lab_cable(&lab, "other", 101);
	driver_start_by(&driver, TCX);
	driver_must(driver_open(&driver, &driver_spec, &team, &info, &e), &e);
	ck_assert_uint_eq(info.members, 0xd);
	lab_enter(elsewhere);
	ck_assert_uint_eq(lab_n_tcx(ifindex), 0);
	lab_enter(lab.host);
	driver_assert_free(&lab, 101);
	/* The same while the daemon lives. */
	elsewhere = new_namespace(&lab);
	lab_move(lab.rtnl, 102, elsewhere);
	driver_must(driver_remove(&driver, team, 2, &e), &e);
	lab_enter(elsewhere);
	ck_assert_uint_eq(lab_n_tcx((int)if_nametoindex("m2")), 0);
	lab_enter(lab.host);
	driver_stop(&driver, team);
}
END_TEST

static double seconds_since(const struct timespec *start)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

START_TEST(thirty_two_members_are_attached_within_seconds)
{
	cleanup(lab_stop) struct lab lab = {};
	struct datapath_member_spec specs[32];
	struct datapath_team *team;
	struct timespec start;
	bool clsact = _i;
	struct driver driver;
	struct err e;

	if (!driver_can(clsact))
		return;
	lab_start(&lab);
	driver_start_by(&driver, clsact);
	team = driver_team(&driver, &lab, 0);
	for (int i = 0; i < 32; i++) {
		char name[IFNAMSIZ];

		(void)snprintf(name, sizeof(name), "m%d", i);
		specs[i] = driver_cable(&lab, name, MEMBER + i);
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	for (unsigned i = 0; i < 32; i++)
		driver_must(driver_add(&driver, team, i, &specs[i], &e), &e);
	printf("# 32 members were added in %.0f ms", seconds_since(&start) * 1e3);
	driver_stop(&driver, team);
	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	driver_start_by(&driver, clsact);
	driver_must(driver_open(&driver, &driver_spec, &team, NULL, &e), &e);
	printf(", and adopted in %.0f ms by %s\n", seconds_since(&start) * 1e3,
	       clsact ? "clsact" : "TCX");
	ck_assert(seconds_since(&start) < 5);
	driver_stop(&driver, team);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("datapath ways");
	TCase *tcase = datapath_tcase(suite);

	tcase_add_test(tcase, a_team_goes_from_one_way_to_the_other_without_losing_a_frame);
	tcase_add_test(tcase, moving_to_the_first_place_loses_no_frame);
	tcase_add_test(tcase, a_move_that_was_cut_short_by_a_kill_is_ended);
	tcase_add_test(tcase,
		       a_link_to_a_device_that_is_gone_is_let_go_though_another_has_its_number);
	tcase_add_test(tcase, a_device_that_went_to_another_namespace_is_let_go);
	tcase_add_loop_test(tcase, thirty_two_members_are_attached_within_seconds, 0, 2);
	return run_datapath_suite(suite);
}
