/* What is refused, and what of others is left alone. */
#include "bpf/abi.h"
#include "daemon/kernel/bpf-filter.h"
#include "tests/net/datapath/driver.h"
#include "tests/net/datapath/foreign.h"
#include "tests/net/datapath/suite.h"
#include "tests/net/datapath/traffic.h"

#include "lib/base/array.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/pkt_cls.h>
#include <string.h>
#include <sys/mount.h>

START_TEST(a_foreign_device_of_the_teams_name_is_left_alone)
{
	struct datapath_team *team;
	struct driver driver;
	cleanup(lab_stop) struct lab lab = {};
	struct err e;
	int ifindex;

	lab_start(&lab);
	ifindex =
		lab_add_device(&lab, &(struct lab_device){ .kind = "bridge", .name = DRIVER_TEAM });
	driver_start(&driver);
	driver_refused(driver_open(&driver, &driver_spec, &team, NULL, &e), &e, -EEXIST, "bridge");
	ck_assert_int_eq(lab_device(lab.rtnl, DRIVER_TEAM).ifindex, ifindex);
	ck_assert_uint_eq(lab_n_pins(), 0);
	driver_must(rtnl_delete_device(lab.rtnl, ifindex, &e), &e);
	/* A veth of somebody else's is not ours either. */
	lab_add_device(&lab, &(struct lab_device){
				     .kind = "veth", .name = DRIVER_TEAM, .peer_name = "other" });
	driver_refused(driver_open(&driver, &driver_spec, &team, NULL, &e), &e, -EEXIST, "veth");
	driver_stop(&driver, NULL);
}
END_TEST

START_TEST(a_team_that_was_renamed_is_not_made_a_second_time)
{
	struct datapath_team *team;
	struct driver driver;
	cleanup(lab_stop) struct lab lab = {};
	struct err e;
	int ifindex;

	lab_start(&lab);
	driver_leave_team(&lab);
	ifindex = lab_device(lab.rtnl, DRIVER_TEAM).ifindex;
	driver_must(rtnl_set_up(lab.rtnl, ifindex, false, &e), &e);
	driver_must(rtnl_set_name(lab.rtnl, ifindex, "mine", &e), &e);
	driver_start(&driver);
	driver_refused(driver_open(&driver, &driver_spec, &team, NULL, &e), &e, -EEXIST, "mine");
	driver_stop(&driver, NULL);
}
END_TEST

START_TEST(a_device_that_something_else_has_is_refused_by_its_owners_name)
{
	struct datapath_team_spec second = driver_spec;
	struct datapath_member_spec spec;
	struct datapath_team *team, *other;
	struct driver driver;
	cleanup(lab_stop) struct lab lab = {};
	struct err e;
	int bridge;

	lab_start(&lab);
	driver_start(&driver);
	team = driver_team(&driver, &lab, 1);
	(void)strcpy(second.name, "team1");
	driver_must(driver_open(&driver, &second, &other, NULL, &e), &e);

	spec = driver_cable(&lab, "n0", 200);
	bridge = lab_add_device(&lab, &(struct lab_device){ .kind = "bridge", .name = "br0" });
	lab_set_master(&lab, 200, bridge);
	driver_refused(driver_add(&driver, team, 1, &spec, &e), &e, -EBUSY, "br0");
	ck_assert(!lab_has_clsact(&lab, 200) && !lab_device(lab.rtnl, "n0").promiscuous);

	spec = driver_cable(&lab, "n1", 201);
	lab_add_device(&lab,
		       &(struct lab_device){ .kind = "macvlan", .name = "mv0", .lower = 201 });
	driver_refused(driver_add(&driver, team, 1, &spec, &e), &e, -EBUSY, "mv0");

	spec = (struct datapath_member_spec){ .name = "m0", .ifindex = 100 };
	driver_refused(driver_add(&driver, other, 0, &spec, &e), &e, -EBUSY, "team0");
	driver_refused(driver_add(&driver, team, 1, &spec, &e), &e, -EBUSY, "another place");
	spec = (struct datapath_member_spec){ .name = "lo", .ifindex = 1 };
	driver_refused(driver_add(&driver, team, 1, &spec, &e), &e, -EINVAL, "loopback");
	spec = (struct datapath_member_spec){ .name = "team1",
					      .ifindex = lab_device(lab.rtnl, "team1").ifindex };
	driver_refused(driver_add(&driver, team, 1, &spec, &e), &e, -EBUSY, "team's own");
	spec = (struct datapath_member_spec){ .name = "gone", .ifindex = 999 };
	driver_refused(driver_add(&driver, team, 1, &spec, &e), &e, -ENODEV, "gone");
	spec = driver_cable(&lab, "n2", 202);
	driver_refused(driver_add(&driver, team, 0, &spec, &e), &e, -EBUSY, "taken");
	/* What was refused has not disturbed the member that is there. */
	ck_assert_uint_eq(team->ops->fit(team), 0x1);
	other->ops->team_release(other);
	driver_stop(&driver, team);
}
END_TEST

START_TEST(somebody_elses_filters_outlive_ours)
{
	struct bpf_filter_state state;
	struct datapath_team *team;
	struct driver driver;
	cleanup(lab_stop) struct lab lab = {};
	struct err e;

	lab_start(&lab);
	driver_start(&driver);
	driver_must(driver_open(&driver, &driver_spec, &team, NULL, &e), &e);
	for (int i = 0; i < 2; i++) {
		struct datapath_member_spec spec = driver_cable(&lab, i ? "m1" : "m0", 100 + i);

		/* Before ours came, or after. */
		if (i == 0)
			ck_assert_int_eq(foreign_filter_add(spec.ifindex,
							    foreign_program(TC_ACT_UNSPEC), 10, 1),
					 0);
		driver_must(driver_add(&driver, team, (unsigned)i, &spec, &e), &e);
		if (i == 1)
			ck_assert_int_eq(foreign_filter_add(spec.ifindex,
							    foreign_program(TC_ACT_UNSPEC), 10, 1),
					 0);
		driver_must(bpf_filter_state(lab.rtnl,
					     (struct bpf_filter_at){ .ifindex = spec.ifindex },
					     &state, &e),
			    &e);
		ck_assert(state.ours == !driver_uses_tcx() && state.others && !state.taken);
		driver_must(driver_remove(&driver, team, (unsigned)i, &e), &e);
		driver_must(bpf_filter_state(lab.rtnl,
					     (struct bpf_filter_at){ .ifindex = spec.ifindex },
					     &state, &e),
			    &e);
		ck_assert(!state.ours && state.others);
	}
	driver_stop(&driver, team);
}
END_TEST

START_TEST(a_second_daemon_of_the_same_namespace_is_refused)
{
	struct dp_bpf_settings settings = { .bpffs = LAB_PINS };
	struct datapath *second;
	struct driver driver;
	cleanup(lab_stop) struct lab lab = {};
	struct err e;

	lab_start(&lab);
	driver_start(&driver);
	settings.worker = driver.worker;
	driver_refused(dp_bpf_new(&settings, &second, &e), &e, -EBUSY, "another daemon");
	driver_stop(&driver, NULL);
}
END_TEST

struct folder_row {
	const char *path;
	int code;
	const char *word;
};

static const struct folder_row folder_rows[] = {
	{ "/proc", -ENODEV, "mount -t bpf bpf /proc" },
	{ "/run/no-such-folder/yoke", -ENODEV, "/run/no-such-folder is no bpffs" },
	{ "/tmp/yoke-no-bpffs", -ENODEV, "mount -t bpf bpf /tmp" },
	{ "yoke", -EINVAL, "absolute" },
	{ LAB_BPFFS "/a.b", -EPERM, "/a.b" },
};

START_TEST(a_folder_that_is_no_bpffs_is_refused_with_what_to_do)
{
	const struct folder_row *row = &folder_rows[_i];
	struct dp_bpf_settings settings = { .bpffs = row->path };
	struct datapath *datapath;
	cleanup(lab_stop) struct lab lab = {};
	struct err e;

	lab_start(&lab);
	driver_refused(dp_bpf_new(&settings, &datapath, &e), &e, row->code, row->word);
}
END_TEST

START_TEST(a_folder_that_cannot_be_written_is_refused)
{
	struct dp_bpf_settings settings = { .bpffs = LAB_PINS };
	struct datapath *datapath;
	cleanup(lab_stop) struct lab lab = {};
	struct err e;

	lab_start(&lab);
	ck_assert_int_eq(mount(NULL, LAB_BPFFS, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
	driver_refused(dp_bpf_new(&settings, &datapath, &e), &e, -EROFS, LAB_PINS);
}
END_TEST

/* The path of the pinned map that holds the version. */
static void find_version(char *path, size_t size)
{
	FILE *find = popen("find " LAB_PINS " -name abi", "re");

	ck_assert_ptr_nonnull(find);
	ck_assert_ptr_nonnull(fgets(path, (int)size, find));
	path[strcspn(path, "\n")] = '\0';
	(void)pclose(find);
}

START_TEST(maps_of_another_version_are_refused_and_go_on_carrying)
{
	const struct abi_version version = { .version = 77 };
	struct dp_bpf_settings settings = { .bpffs = LAB_PINS };
	struct traffic_seen seen = {};
	struct datapath *datapath;
	uint32_t key = 0;
	char path[256];
	cleanup(lab_stop) struct lab lab = {};
	struct err e;
	int fd;

	lab_start(&lab);
	driver_leave_team(&lab);
	find_version(path, sizeof(path));
	fd = bpf_obj_get(path);
	ck_assert_int_eq(bpf_map_update_elem(fd, &key, &version, BPF_ANY), 0);
	driver_refused(dp_bpf_new(&settings, &datapath, &e), &e, -EPROTONOSUPPORT, "layout 77");
	ck_assert_uint_eq(lab_n_pins(), driver_uses_tcx() ? 15 : 10);
	traffic_send(traffic_socket(lab.partner, "pm0", 0), &(struct traffic_frame){});
	traffic_await(traffic_socket(lab.host, DRIVER_TEAM, 0), 0, &seen);
	ck_assert_uint_gt(lab_counters(DRIVER_TEAM).rx_packets, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("datapath refusals");
	TCase *tcase = datapath_tcase(suite);

	tcase_add_test(tcase, a_foreign_device_of_the_teams_name_is_left_alone);
	tcase_add_test(tcase, a_team_that_was_renamed_is_not_made_a_second_time);
	tcase_add_test(tcase, a_device_that_something_else_has_is_refused_by_its_owners_name);
	tcase_add_test(tcase, somebody_elses_filters_outlive_ours);
	tcase_add_test(tcase, a_second_daemon_of_the_same_namespace_is_refused);
	tcase_add_loop_test(tcase, a_folder_that_is_no_bpffs_is_refused_with_what_to_do, 0,
			    ARRAY_SIZE(folder_rows));
	tcase_add_test(tcase, a_folder_that_cannot_be_written_is_refused);
	tcase_add_test(tcase, maps_of_another_version_are_refused_and_go_on_carrying);
	return run_datapath_suite(suite);
}
