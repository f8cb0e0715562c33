/* What others do where our programs are attached, and what becomes of it; both ways of attaching
 * one after the other. */
#include "tests/net/datapath/driver.h"
#include "tests/net/datapath/foreign.h"
#include "tests/net/datapath/suite.h"
#include "tests/net/datapath/traffic.h"

#include "bpf/abi.h"
#include "daemon/kernel/bpf-tcx.h"
#include "lib/base/array.h"
#include "lib/base/nsec.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/pkt_cls.h>
#include <poll.h>
#include <string.h>

#define CLSACT true
#define TCX false
#define MEMBER 100

/* Until the first look is over, and what we did ourselves is old. */
static void settle(struct driver *driver)
{
	for (unsigned i = 0; i < 10; i++)
		driver_turn(driver);
}

typedef void disturb(int ifindex);

static void delete_clsact(int ifindex)
{
	ck_assert_int_eq(foreign_clsact_delete(ifindex), 0);
}

static void delete_filter(int ifindex)
{
	ck_assert_int_eq(foreign_filter_delete(ifindex, ABI_FILTER_PRIORITY, ABI_FILTER_HANDLE), 0);
}

static void replace_filter(int ifindex)
{
	ck_assert_int_eq(foreign_filter_add(ifindex, foreign_program(TC_ACT_OK),
					    ABI_FILTER_PRIORITY, ABI_FILTER_HANDLE),
			 0);
}

static void put_before(int ifindex)
{
	/* The link lives as long as this process. */
	(void)foreign_before(ifindex, BPF_PLACE_INGRESS, foreign_program(TC_ACT_OK));
}

static void detach_link(int ifindex)
{
	ck_assert_int_eq(bpf_link_detach(foreign_first_link(ifindex, BPF_PLACE_INGRESS)), 0);
}

static void replace_in_link(int ifindex)
{
	ck_assert_int_eq(tcx_update(foreign_first_link(ifindex, BPF_PLACE_INGRESS),
				    foreign_program(TC_ACT_OK)),
			 0);
}

static const struct {
	const char *what;
	bool clsact;
	disturb *disturb;
	const char *word;
} disturbances[] = {
	{ "clsact is deleted", CLSACT, delete_clsact, "took our program" },
	{ "our filter is deleted", CLSACT, delete_filter, "took our program" },
	{ "our filter is replaced", CLSACT, replace_filter, "in the place of ours" },
	{ "a program is put before ours", TCX, put_before, "before ours" },
	{ "our link is detached", TCX, detach_link, "took our program" },
	{ "another program is put into our link", TCX, replace_in_link, "in the place of ours" },
};

START_TEST(what_others_took_away_is_put_back_and_told)
{
	const struct rtnl_device found = {
		.name = "m0", .ifindex = MEMBER, .mtu = 1500, .addr_gen_mode = 0
	};
	static struct traffic_stream stream;
	cleanup(lab_stop) struct lab lab = {};
	struct datapath_team *team;
	struct driver driver;
	struct err e;

	if (!driver_can(disturbances[_i].clsact))
		return;
	lab_start(&lab);
	driver_start_by(&driver, disturbances[_i].clsact);
	team = driver_team(&driver, &lab, 1);
	settle(&driver);
	driver_stream_in(&lab, &stream);
	disturbances[_i].disturb(MEMBER);
	driver_await_disturbed(&driver, 1);
	ck_assert_int_eq(driver.news.ifindex, MEMBER);
	ck_assert_msg(strstr(driver.news.sentence, disturbances[_i].word), "%s",
		      driver.news.sentence);
	ck_assert_uint_eq(driver.news.n_hindered, 0);
	traffic_stream_finish(&stream);
	/* At once in clsact; at the next look under TCX. */
	printf("# %s: %u of %u frames lost, %u doubled (%s)\n", disturbances[_i].what,
	       stream.n_lost, stream.n_frames, stream.n_doubled, driver.news.sentence);
	ck_assert(driver_hears(&lab));
	ck_assert_uint_eq(stream.n_doubled, 0);
	if (disturbances[_i].clsact)
		ck_assert_uint_lt(stream.n_lost, 2000);
	/* And what was put back is taken away like the first. */
	driver_must(driver_remove(&driver, team, 0, &e), &e);
	ck_assert(!lab_device(lab.rtnl, found.name).promiscuous);
	ck_assert(!lab_has_clsact(&lab, MEMBER) || disturbances[_i].disturb == replace_filter);
	ck_assert_uint_eq(lab_n_tcx(MEMBER), disturbances[_i].disturb == put_before);
	driver_stop(&driver, team);
}
END_TEST

START_TEST(the_hidden_device_is_watched_too_and_told_as_the_team)
{
	cleanup(lab_stop) struct lab lab = {};
	struct datapath_team *team;
	struct driver driver;
	char peer[IFNAMSIZ];
	bool clsact = _i;
	int ifindex;

	if (!driver_can(clsact))
		return;
	lab_start(&lab);
	driver_start_with(&driver, clsact, true);
	team = driver_team(&driver, &lab, 1);
	ifindex = lab_device(lab.rtnl, DRIVER_TEAM).ifindex;
	(void)snprintf(peer, sizeof(peer), "yk%d", ifindex);
	settle(&driver);
	(clsact ? delete_clsact : detach_link)(lab_device(lab.rtnl, peer).ifindex);
	driver_await_disturbed(&driver, 1);
	ck_assert_int_eq(driver.news.ifindex, ifindex);
	driver_stop(&driver, team);
}
END_TEST

START_TEST(who_insists_is_answered_slowly_and_told_once)
{
	cleanup(lab_stop) struct lab lab = {};
	struct datapath_team *team;
	struct driver driver;

	lab_start(&lab);
	driver_start_by(&driver, CLSACT);
	team = driver_team(&driver, &lab, 1);
	for (unsigned i = 1; i <= 5; i++) {
		delete_filter(MEMBER);
		driver_await_disturbed(&driver, i);
		ck_assert_int_eq(strstr(driver.news.sentence, "insist") != NULL, i == 5);
	}
	delete_filter(MEMBER);
	while (driver.news.n_hindered == 0)
		driver_turn(&driver);
	for (unsigned i = 0; i < 20; i++)
		driver_turn(&driver);
	ck_assert_uint_eq(driver.news.n_disturbed, 5);
	ck_assert_uint_eq(driver.news.n_hindered, 1);
	ck_assert(!driver_hears(&lab));
	driver_stop(&driver, team);
}
END_TEST

START_TEST(a_place_that_cannot_be_had_back_is_taken_when_it_is_free)
{
	int foreign = foreign_program(TC_ACT_OK);
	cleanup(lab_stop) struct lab lab = {};
	struct datapath_team *team;
	struct driver driver;

	lab_start(&lab);
	driver_start_by(&driver, CLSACT);
	team = driver_team(&driver, &lab, 1);
	driver_turn(&driver);
	/* Both changes before the worker looks: ours gone, and another's at our priority. */
	ck_assert_int_eq(foreign_filter_add(MEMBER, foreign, ABI_FILTER_PRIORITY, 1), 0);
	delete_filter(MEMBER);
	driver_await_disturbed(&driver, 1);
	ck_assert_ptr_nonnull(strstr(driver.news.sentence, "cannot be put right"));
	while (driver.news.n_hindered == 0)
		driver_turn(&driver);
	ck_assert(!driver_hears(&lab));
	ck_assert_int_eq(foreign_filter_delete(MEMBER, ABI_FILTER_PRIORITY, 1), 0);
	driver_await_disturbed(&driver, 2);
	ck_assert_uint_eq(driver.news.n_hindered, 0);
	ck_assert(driver_hears(&lab));
	driver_stop(&driver, team);
}
END_TEST

static bool has_news(const struct driver *driver)
{
	struct pollfd fd = { .fd = driver->datapath->ops->fd(driver->datapath), .events = POLLIN };

	return poll(&fd, 1, 0) > 0;
}

START_TEST(thousands_of_changes_of_queueing_disciplines_wake_nobody)
{
	cleanup(lab_stop) struct lab lab = {};
	struct datapath_team *team;
	struct driver driver;

	lab_start(&lab);
	driver_start_by(&driver, CLSACT);
	team = driver_team(&driver, &lab, 1);
	lab_cable(&lab, "other", 200);
	settle(&driver);
	for (unsigned i = 0; i < 4000; i++)
		foreign_qdisc_replace(lab.rtnl, i % 2 ? MEMBER : 200);
	ck_assert(!has_news(&driver));
	/* Others' filters elsewhere are read, and looked at no further. */
	ck_assert_int_eq(foreign_filter_add(200, foreign_program(TC_ACT_OK), 7, 1), 0);
	ck_assert(has_news(&driver));
	driver.datapath->ops->dispatch(driver.datapath);
	ck_assert(!has_news(&driver));
	(void)driver.datapath->ops->heartbeat(driver.datapath, 1);
	ck_assert_uint_eq(worker_pending(driver.worker), 0);
	driver_stop(&driver, team);
}
END_TEST

START_TEST(news_that_were_lost_are_made_up_for)
{
	int foreign = foreign_program(TC_ACT_OK);
	cleanup(lab_stop) struct lab lab = {};
	struct datapath_team *team;
	struct driver driver;

	lab_start(&lab);
	driver_start_by(&driver, CLSACT);
	team = driver_team(&driver, &lab, 1);
	lab_cable(&lab, "other", 200);
	settle(&driver);
	/* More than the socket has room for, so that what concerns us comes too late. */
	for (uint32_t i = 1; i <= 3000; i++)
		ck_assert_int_eq(foreign_filter_add(200, foreign, 7, 1), 0);
	delete_filter(MEMBER);
	driver_await_disturbed(&driver, 1);
	ck_assert(driver_hears(&lab));
	driver_stop(&driver, team);
}
END_TEST

START_TEST(a_filter_that_sees_the_frames_first_keeps_a_device_from_becoming_a_member)
{
	cleanup(lab_stop) struct lab lab = {};
	struct datapath_member_spec spec;
	struct datapath_team *team;
	struct driver driver;
	struct err e;

	lab_start(&lab);
	driver_start_by(&driver, CLSACT);
	team = driver_team(&driver, &lab, 0);
	spec = driver_cable(&lab, "m0", MEMBER);
	ck_assert_int_eq(
		foreign_filter_add(MEMBER, foreign_program(TC_ACT_UNSPEC), ABI_FILTER_PRIORITY, 1),
		0);
	driver_refused(driver_add(&driver, team, 0, &spec, &e), &e, -EBUSY, "priority 1");
	driver_stop(&driver, team);
}
END_TEST

START_TEST(under_tcx_what_others_do_in_clsact_does_not_matter)
{
	static struct traffic_stream stream;
	cleanup(lab_stop) struct lab lab = {};
	struct datapath_team *team;
	struct driver driver;

	if (!driver_has_tcx())
		return;
	lab_start(&lab);
	driver_start_by(&driver, TCX);
	team = driver_team(&driver, &lab, 1);
	driver_stream_in(&lab, &stream);
	for (unsigned i = 0; i < 50; i++) {
		ck_assert_int_eq(foreign_filter_add(MEMBER, foreign_program(TC_ACT_OK), 1, 1), 0);
		delete_clsact(MEMBER);
	}
	traffic_stream_finish(&stream);
	ck_assert_uint_eq(stream.n_lost + stream.n_doubled, 0);
	driver_turn(&driver);
	ck_assert_uint_eq(driver.news.n_disturbed, 0);
	driver_stop(&driver, team);
}
END_TEST

START_TEST(a_device_that_has_the_number_of_a_member_that_is_gone_is_left_alone)
{
	cleanup(lab_stop) struct lab lab = {};
	struct datapath_team *team;
	struct driver driver;
	bool clsact = _i;
	struct err e;

	if (!driver_can(clsact))
		return;
	lab_start(&lab);
	driver_start_by(&driver, clsact);
	team = driver_team(&driver, &lab, 1);
	settle(&driver);
	driver_must(rtnl_delete_device(lab.rtnl, MEMBER, &e), &e);
	lab_cable(&lab, "other", MEMBER);
	/* The team has not heard of it yet when the worker looks. */
	driver_await_disturbed(&driver, 1);
	ck_assert_ptr_nonnull(strstr(driver.news.sentence, "another device"));
	driver_assert_free(&lab, MEMBER);
	driver_must(driver_remove(&driver, team, 0, &e), &e);
	driver_assert_free(&lab, MEMBER);
	ck_assert(!lab_device(lab.rtnl, "other").promiscuous);
	driver_stop(&driver, team);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("datapath others");
	TCase *tcase = datapath_tcase(suite);

	tcase_add_loop_test(tcase, what_others_took_away_is_put_back_and_told, 0,
			    ARRAY_SIZE(disturbances));
	tcase_add_loop_test(tcase, the_hidden_device_is_watched_too_and_told_as_the_team, 0, 2);
	tcase_add_test(tcase, who_insists_is_answered_slowly_and_told_once);
	tcase_add_test(tcase, a_place_that_cannot_be_had_back_is_taken_when_it_is_free);
	tcase_add_test(tcase,
		       a_filter_that_sees_the_frames_first_keeps_a_device_from_becoming_a_member);
	tcase_add_test(tcase, thousands_of_changes_of_queueing_disciplines_wake_nobody);
	tcase_add_test(tcase, news_that_were_lost_are_made_up_for);
	tcase_add_test(tcase, under_tcx_what_others_do_in_clsact_does_not_matter);
	tcase_add_loop_test(
		tcase, a_device_that_has_the_number_of_a_member_that_is_gone_is_left_alone, 0, 2);
	return run_datapath_suite(suite);
}
