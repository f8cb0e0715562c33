/* Carrier sense inside the kernel, where that lets tracing programs in. */
#include "tests/net/datapath/driver.h"
#include "tests/net/datapath/suite.h"
#include "tests/net/datapath/traffic.h"

#include "lib/base/array.h"
#include "lib/base/cleanup.h"
#include "lib/base/nsec.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <glob.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define PATIENCE (20 * NSEC_PER_SEC)
#define SENSE_PINS 3

struct bed {
	struct lab lab;
	struct driver driver;
	struct datapath_team *team;
};

static nsec_t boot_time(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (nsec_t)now.tv_sec * NSEC_PER_SEC + (nsec_t)now.tv_nsec;
}

/* Turns until the programs are at work. */
static void await_sense(struct driver *driver)
{
	const struct datapath_ops *ops = driver->datapath->ops;
	nsec_t end = boot_time() + PATIENCE;
	const char *why;

	while (!ops->carrier_sense(driver->datapath, &why)) {
		ck_assert_msg(boot_time() < end, "polling: %s", why);
		driver_turn(driver);
	}
}

static void bed_start(struct bed *bed, unsigned n_members)
{
	lab_start(&bed->lab);
	driver_start(&bed->driver);
	bed->team = driver_team(&bed->driver, &bed->lab, n_members);
	await_sense(&bed->driver);
}

static void bed_stop(struct bed *bed)
{
	driver_stop(&bed->driver, bed->team);
	lab_stop(&bed->lab);
}

/* As if the main loop had turned last then. */
static void heartbeat(struct bed *bed, nsec_t age)
{
	struct datapath *datapath = bed->driver.datapath;

	(void)datapath->ops->heartbeat(datapath, boot_time() - age);
}

static void pull(struct lab *lab, int ifindex)
{
	struct err e;

	driver_must(rtnl_set_up(lab->partner_rtnl, ifindex, false, &e), &e);
}

static void plug(struct lab *lab, int ifindex)
{
	struct err e;

	driver_must(rtnl_set_up(lab->partner_rtnl, ifindex, true, &e), &e);
}

static void set_returns(struct bed *bed, bool returns)
{
	struct datapath_team_spec spec = driver_spec;
	struct err e;

	spec.carrier_returns = returns;
	driver_must(driver_configure(&bed->driver, bed->team, &spec, &e), &e);
}

static member_set fit(const struct bed *bed)
{
	return bed->team->ops->fit(bed->team);
}

static void dispatch(struct driver *driver)
{
	driver->datapath->ops->dispatch(driver->datapath);
}

static unsigned n_pins_like(const char *pattern)
{
	glob_t found = {};
	unsigned n;

	(void)glob(pattern, 0, NULL, &found);
	n = (unsigned)found.gl_pathc;
	globfree(&found);
	return n;
}

static unsigned n_sense_pins(void)
{
	return n_pins_like(LAB_PINS "/netns-*/losses") + n_pins_like(LAB_PINS "/netns-*/carrier-*");
}

/* All tracing links of this kernel: nobody else makes any while the test runs. */
static unsigned n_tracing_links(void)
{
	unsigned n = 0;
	uint32_t id = 0;

	while (bpf_link_get_next_id(id, &id) == 0) {
		cleanup(closep) int fd = bpf_link_get_fd_by_id(id);
		struct bpf_link_info info = {};
		uint32_t size = sizeof(info);

		if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0)
			n += info.type == BPF_LINK_TYPE_TRACING;
	}
	return n;
}

/* A link goes some time after its last user. */
static void await_tracing_links(unsigned n)
{
	nsec_t end = boot_time() + PATIENCE;

	while (n_tracing_links() != n) {
		ck_assert_msg(boot_time() < end, "%u tracing links, not %u", n_tracing_links(), n);
		(void)usleep(10000);
	}
}

START_TEST(a_lost_link_is_out_of_use_when_the_kernel_has_noted_it_and_is_told_once)
{
	struct bed bed = {};

	bed_start(&bed, 3);
	ck_assert_uint_eq(fit(&bed), 7);
	pull(&bed.lab, 101);
	ck_assert_uint_eq(fit(&bed), 5);
	dispatch(&bed.driver);
	ck_assert_uint_eq(bed.driver.news.n_lost, 1);
	ck_assert_int_eq(bed.driver.news.lost_ifindex, 101);
	/* A device without a carrier is not told of again when its own end goes down, too. */
	driver_must(rtnl_set_up(bed.lab.rtnl, 101, false, &(struct err){}), NULL);
	dispatch(&bed.driver);
	ck_assert_uint_eq(bed.driver.news.n_lost, 1);
	ck_assert_uint_eq(fit(&bed), 5);
	bed_stop(&bed);
}
END_TEST

START_TEST(a_device_of_the_same_number_elsewhere_is_another_one)
{
	cleanup(lab_stop) struct lab other = {};
	struct bed bed = {};
	struct err e;

	lab_start(&other);
	lab_cable(&other, "x0", 100);
	driver_must(rtnl_set_up(other.rtnl, 100, true, &e), &e);
	lab_await_running(other.rtnl, "x0");
	bed_start(&bed, 2);
	pull(&other, 100);
	ck_assert(!lab_carrier(&other, "x0"));
	ck_assert_uint_eq(fit(&bed), 3);
	plug(&other, 100);
	pull(&bed.lab, 101);
	ck_assert_uint_eq(fit(&bed), 1);
	dispatch(&bed.driver);
	ck_assert_uint_eq(bed.driver.news.n_lost, 1);
	bed_stop(&bed);
}
END_TEST

START_TEST(old_news_of_the_daemon_do_not_bring_a_lost_link_back)
{
	struct bed bed = {};

	bed_start(&bed, 2);
	pull(&bed.lab, 100);
	bed.team->ops->carrier(bed.team, 0, true);
	ck_assert_uint_eq(fit(&bed), 2);
	/* The kernel's word is still to come, and is no old one. */
	dispatch(&bed.driver);
	ck_assert_uint_eq(bed.driver.news.n_lost, 1);
	plug(&bed.lab, 100);
	ck_assert_uint_eq(fit(&bed), 2);
	bed.team->ops->carrier(bed.team, 0, true);
	ck_assert_uint_eq(fit(&bed), 3);
	bed_stop(&bed);
}
END_TEST

START_TEST(news_that_are_outdated_when_they_are_read_are_not_told)
{
	struct bed bed = {};

	bed_start(&bed, 2);
	pull(&bed.lab, 100);
	plug(&bed.lab, 100);
	bed.team->ops->carrier(bed.team, 0, true);
	dispatch(&bed.driver);
	ck_assert_uint_eq(bed.driver.news.n_lost, 0);
	bed_stop(&bed);
}
END_TEST

START_TEST(a_link_that_is_back_waits_for_a_daemon_that_lives)
{
	struct bed bed = {};

	bed_start(&bed, 2);
	set_returns(&bed, true);
	heartbeat(&bed, 0);
	pull(&bed.lab, 100);
	plug(&bed.lab, 100);
	ck_assert_uint_eq(fit(&bed), 2);
	bed_stop(&bed);
}
END_TEST

START_TEST(a_link_that_is_back_carries_again_where_no_daemon_lives)
{
	struct bed bed = {};

	bed_start(&bed, 2);
	set_returns(&bed, true);
	heartbeat(&bed, 4 * NSEC_PER_SEC);
	pull(&bed.lab, 100);
	ck_assert_uint_eq(fit(&bed), 2);
	plug(&bed.lab, 100);
	ck_assert_uint_eq(fit(&bed), 3);
	bed_stop(&bed);
}
END_TEST

START_TEST(links_that_flap_in_turn_do_not_end_with_none)
{
	struct bed bed = {};

	bed_start(&bed, 2);
	set_returns(&bed, true);
	heartbeat(&bed, 0);
	pull(&bed.lab, 100);
	plug(&bed.lab, 100);
	heartbeat(&bed, 4 * NSEC_PER_SEC);
	pull(&bed.lab, 101);
	ck_assert_uint_eq(fit(&bed), 1);
	plug(&bed.lab, 101);
	ck_assert_uint_eq(fit(&bed), 3);
	bed_stop(&bed);
}
END_TEST

START_TEST(in_lacp_a_link_that_is_back_waits_however_dead_the_daemon_is)
{
	struct bed bed = {};

	bed_start(&bed, 2);
	set_returns(&bed, true);
	set_returns(&bed, false);
	heartbeat(&bed, 100 * NSEC_PER_SEC);
	pull(&bed.lab, 100);
	plug(&bed.lab, 100);
	ck_assert_uint_eq(fit(&bed), 2);
	bed_stop(&bed);
}
END_TEST

/* A daemon that has all at work, and is then killed. */
static void leave_sensing(struct lab *lab, bool returns)
{
	int status, ready[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct bed bed = { .lab = *lab };

		driver_start(&bed.driver);
		bed.team = driver_team(&bed.driver, lab, 3);
		set_returns(&bed, returns);
		await_sense(&bed.driver);
		heartbeat(&bed, 4 * NSEC_PER_SEC);
		(void)!write(ready[1], "", 1);
		for (;;)
			(void)pause();
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
}

static void open_again(struct bed *bed, struct datapath_team_info *info)
{
	struct err e = {};

	driver_start(&bed->driver);
	driver_must(driver_open(&bed->driver, &driver_spec, &bed->team, info, &e), &e);
}

START_TEST(what_the_kernel_did_while_the_daemon_was_dead_is_found_and_told)
{
	struct datapath_team_info info;
	struct bed bed = {};

	lab_start(&bed.lab);
	leave_sensing(&bed.lab, false);
	pull(&bed.lab, 100);
	pull(&bed.lab, 101);
	plug(&bed.lab, 101);
	open_again(&bed, &info);
	ck_assert(info.adopted);
	ck_assert_uint_eq(info.members, 7);
	ck_assert_uint_eq(info.may_send, 7);
	ck_assert_uint_eq(info.fit, 4);
	dispatch(&bed.driver);
	ck_assert_uint_eq(bed.driver.news.n_lost, 2);
	bed.team->ops->carrier(bed.team, 0, true);
	bed.team->ops->carrier(bed.team, 1, true);
	ck_assert_uint_eq(fit(&bed), 6);
	bed_stop(&bed);
}
END_TEST

START_TEST(a_link_comes_back_while_the_daemon_is_dead)
{
	struct datapath_team_info info;
	struct bed bed = {};

	lab_start(&bed.lab);
	leave_sensing(&bed.lab, true);
	pull(&bed.lab, 100);
	plug(&bed.lab, 100);
	open_again(&bed, &info);
	ck_assert_uint_eq(info.fit, 7);
	bed_stop(&bed);
}
END_TEST

/* The programs of the dead daemon go on until the next one's are at work, and hers are heard. */
START_TEST(there_is_no_gap_between_the_programs_of_two_daemons)
{
	struct datapath_team_info info;
	struct bed bed = {};
	unsigned before, turn;

	lab_start(&bed.lab);
	before = n_tracing_links();
	leave_sensing(&bed.lab, false);
	await_tracing_links(before + 2);
	open_again(&bed, &info);
	for (turn = 1; turn < 400; turn++) {
		const char *why;
		bool done = bed.driver.datapath->ops->carrier_sense(bed.driver.datapath, &why);

		pull(&bed.lab, 101);
		ck_assert_uint_eq(fit(&bed), 5);
		dispatch(&bed.driver);
		ck_assert_uint_eq(bed.driver.news.n_lost, turn);
		plug(&bed.lab, 101);
		bed.team->ops->carrier(bed.team, 1, true);
		ck_assert_uint_eq(fit(&bed), 7);
		if (done)
			break;
		driver_turn(&bed.driver);
	}
	ck_assert_uint_lt(turn, 400);
	/* Those of the dead one are gone; one of ours is there only while we live. */
	await_tracing_links(before + 3);
	ck_assert_uint_eq(n_sense_pins(), SENSE_PINS);
	bed_stop(&bed);
}
END_TEST

START_TEST(pins_are_private_and_go_with_the_last_team)
{
	unsigned before = n_tracing_links();
	struct bed bed = {};
	struct stat st;
	struct err e;
	char path[256];
	FILE *find;

	bed_start(&bed, 1);
	ck_assert_uint_eq(n_sense_pins(), SENSE_PINS);
	find = popen("find " LAB_PINS, "re");
	ck_assert_ptr_nonnull(find);
	while (fgets(path, sizeof(path), find)) {
		path[strcspn(path, "\n")] = '\0';
		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert_uint_eq(st.st_mode & 07777, S_ISDIR(st.st_mode) ? 0700 : 0600);
	}
	(void)pclose(find);
	driver_must(driver_delete(&bed.driver, bed.team, &e), &e);
	bed.team = NULL;
	ck_assert_uint_eq(lab_n_pins(), 0);
	bed_stop(&bed);
	await_tracing_links(before);
}
END_TEST

static void pins_folder(char *path, size_t size)
{
	FILE *find = popen("find " LAB_PINS " -mindepth 1 -type d", "re");

	ck_assert_ptr_nonnull(find);
	ck_assert_ptr_nonnull(fgets(path, (int)size, find));
	path[strcspn(path, "\n")] = '\0';
	(void)pclose(find);
}

/* A pin in the place of one of ours, as another version may have left it. */
static void put_pin(const char *folder, const char *name)
{
	cleanup(closep) int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "foreign", 4, 4, 1, NULL);
	char path[512];

	ck_assert_int_ge(fd, 0);
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	ck_assert(unlink(path) == 0 || errno == ENOENT);
	ck_assert_int_eq(bpf_obj_pin(fd, path), 0);
}

START_TEST(pins_of_another_form_are_replaced)
{
	static const char *const names[] = { "losses", "carrier-back", "carrier-lost",
					     "carrier-back-new" };
	struct datapath_team_info info;
	unsigned before = n_tracing_links();
	struct bed bed = {};
	char folder[256];

	lab_start(&bed.lab);
	leave_sensing(&bed.lab, false);
	pins_folder(folder, sizeof(folder));
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		put_pin(folder, names[i]);
	await_tracing_links(before);
	open_again(&bed, &info);
	ck_assert_uint_eq(info.fit, 7);
	await_sense(&bed.driver);
	pull(&bed.lab, 102);
	ck_assert_uint_eq(fit(&bed), 3);
	dispatch(&bed.driver);
	ck_assert_uint_eq(bed.driver.news.n_lost, 1);
	ck_assert_uint_eq(n_sense_pins(), SENSE_PINS);
	bed_stop(&bed);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("datapath sense");
	TCase *tcase = datapath_tcase(suite);

	tcase_add_test(tcase,
		       a_lost_link_is_out_of_use_when_the_kernel_has_noted_it_and_is_told_once);
	tcase_add_test(tcase, a_device_of_the_same_number_elsewhere_is_another_one);
	tcase_add_test(tcase, old_news_of_the_daemon_do_not_bring_a_lost_link_back);
	tcase_add_test(tcase, news_that_are_outdated_when_they_are_read_are_not_told);
	tcase_add_test(tcase, a_link_that_is_back_waits_for_a_daemon_that_lives);
	tcase_add_test(tcase, a_link_that_is_back_carries_again_where_no_daemon_lives);
	tcase_add_test(tcase, links_that_flap_in_turn_do_not_end_with_none);
	tcase_add_test(tcase, in_lacp_a_link_that_is_back_waits_however_dead_the_daemon_is);
	tcase_add_test(tcase, what_the_kernel_did_while_the_daemon_was_dead_is_found_and_told);
	tcase_add_test(tcase, a_link_comes_back_while_the_daemon_is_dead);
	tcase_add_test(tcase, there_is_no_gap_between_the_programs_of_two_daemons);
	tcase_add_test(tcase, pins_are_private_and_go_with_the_last_team);
	tcase_add_test(tcase, pins_of_another_form_are_replaced);
	return run_datapath_suite(suite);
}
