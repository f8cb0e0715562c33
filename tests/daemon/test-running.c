/* What was changed at run time is kept for the next daemon, until the host boots; teams that are
 * created then. */
#include "tests/daemon/change.h"

#include "tests/unit/run.h"

#include <errno.h>
#include <string.h>

START_TEST(what_was_changed_outlives_the_daemon_and_not_the_boot)
{
	unsigned n_allow;

	start(TWO);
	(void)fake_world_add_link(&world, "eno3", 10000);
	set(STATIC_THREE);
	n_allow = kernel.n_allow;
	fake_world_kill(&world);
	start(TWO);
	ck_assert_uint_eq(team_n_members(team0()), 3);
	ck_assert_int_eq(team_view().config->mode, CONFIG_MODE_STATIC);
	ck_assert_uint_eq(kernel.n_allow, n_allow);
	ck_assert(strstr(team_view().config->file, "team.conf"));
	fake_world_kill(&world);
	/* The file is another one: it holds. */
	start(FAST " mtu = 1400; };");
	ck_assert_int_eq(team_view().config->mode, CONFIG_MODE_LACP);
	fake_world_kill(&world);
	world.boot_id = "another-boot";
	start(TWO);
	ck_assert_int_eq(team_view().config->mode, CONFIG_MODE_LACP);
}
END_TEST

START_TEST(a_change_that_is_taken_back_leaves_nothing_for_the_next_daemon)
{
	start(STATIC_TWO);
	set(STATIC_HEAD "hash = \"ip-addresses\"; " MEMBERS_TWO "};");
	ck_assert_ptr_nonnull(strstr(world.saved_running, "ip-addresses"));
	set(STATIC_TWO);
	ck_assert_ptr_null(strstr(world.saved_running, "name"));
}
END_TEST

START_TEST(a_damaged_file_of_changes_is_not_used)
{
	start(STATIC_TWO);
	set(STATIC_HEAD "hash = \"ip-addresses\"; " MEMBERS_TWO "};");
	fake_world_kill(&world);
	world.saved_running[strlen(world.saved_running) / 2] = '\0';
	start(STATIC_TWO);
	ck_assert_uint_eq(team_view().config->hash, HASH_TRANSPORT_PORTS);
	expect_both_active();
}
END_TEST

START_TEST(a_team_is_created_survives_the_daemon_and_is_deleted)
{
	start("teams = ();");
	ck_assert_ptr_null(team0());
	create(STATIC_TWO);
	ck_assert_msg(answer.r == 0, "%s", answer.text);
	expect_both_active();
	create(STATIC_TWO);
	ck_assert_int_eq(answer.r, -EBUSY);
	ck_assert_ptr_nonnull(strstr(answer.text, "there is a team team0 already"));
	fake_world_kill(&world);
	start("teams = ();");
	expect_both_active();
	memset(&answer, 0, sizeof(answer));
	host_delete_team(world.host, team0(), note_answer, NULL);
	fake_world_run(&world, 0);
	ck_assert_int_eq(answer.r, 0);
	fake_world_kill(&world);
	start("teams = ();");
	ck_assert_ptr_null(team0());
}
END_TEST

START_TEST(a_team_that_cannot_be_made_leaves_no_trace)
{
	start("teams = ();");
	kernel.busy_ifindex = eno2;
	create(STATIC_TWO);
	ck_assert_int_eq(answer.r, -EBUSY);
	ck_assert_ptr_nonnull(strstr(answer.text, "it belongs to the bridge br0"));
	ck_assert_ptr_null(team0());
	ck_assert_ptr_null(device());
	ck_assert_ptr_null(world.saved_running);
	kernel.busy_ifindex = 0;
	create(STATIC_TWO);
	ck_assert_int_eq(answer.r, 0);
	expect_both_active();
}
END_TEST

START_TEST(a_team_of_the_files_that_was_changed_and_deleted_stays_away)
{
	start(STATIC_TWO);
	set(STATIC_HEAD "hash = \"ip-addresses\"; " MEMBERS_TWO "};");
	memset(&answer, 0, sizeof(answer));
	host_delete_team(world.host, team0(), note_answer, NULL);
	fake_world_run(&world, 0);
	fake_world_kill(&world);
	start(STATIC_TWO);
	ck_assert_ptr_null(team0());
	create(STATIC_THREE);
	ck_assert_int_eq(answer.r, 0);
	fake_world_kill(&world);
	start(STATIC_TWO);
	ck_assert_uint_eq(team_n_members(team0()), 3);
}
END_TEST

START_TEST(a_daemon_that_stops_answers_what_is_under_way)
{
	start(STATIC_TWO);
	begin(STATIC_ONE, false);
	fake_world_run(&world, 0);
	fake_world_kill(&world);
	ck_assert(answer.done);
	ck_assert_int_eq(answer.r, -ECANCELED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("running");
	TCase *tcase = tcase_create("running");

	tcase_add_checked_fixture(tcase, setup_silent, teardown);
	tcase_add_test(tcase, a_change_that_is_taken_back_leaves_nothing_for_the_next_daemon);
	tcase_add_test(tcase, a_damaged_file_of_changes_is_not_used);
	tcase_add_test(tcase, a_team_is_created_survives_the_daemon_and_is_deleted);
	tcase_add_test(tcase, a_team_that_cannot_be_made_leaves_no_trace);
	tcase_add_test(tcase, a_team_of_the_files_that_was_changed_and_deleted_stays_away);
	tcase_add_test(tcase, a_daemon_that_stops_answers_what_is_under_way);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("running with a partner");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, what_was_changed_outlives_the_daemon_and_not_the_boot);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
