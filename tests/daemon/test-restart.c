/* A daemon that is killed or starts with another configuration, on a fake datapath, clock and
 * switch. */
#include "daemon/host/session-store.h"
#include "tests/daemon/rig.h"
#include "tests/unit/run.h"

#include <string.h>

START_TEST(a_killed_daemon_changes_nothing_and_the_next_one_goes_on)
{
	unsigned n_allow;
	struct placement_plan plan;
	uint64_t word;

	start(TWO);
	plan = device()->plan;
	word = device()->carrier_word;
	fake_world_kill(&world);
	fake_world_run(&world, NSEC_PER_SEC);
	n_allow = kernel.n_allow;
	fake_world_start(&world, TWO);
	fake_world_run(&world, 0);
	/* From the first moment. */
	expect_both_active();
	ck_assert_uint_eq(kernel.n_allow, n_allow);
	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
		ck_assert_uint_eq(placement_carrier(&plan, b, 3),
				  placement_carrier(&device()->plan, b, 3));
	ck_assert_uint_eq(device()->carrier_word, word);
	ck_assert(team_view().adopted);
	fake_world_run(&world, 10 * NSEC_PER_SEC);
	expect_both_active();
	ck_assert_uint_eq(kernel.n_allow, n_allow);
}
END_TEST

START_TEST(news_that_come_before_the_device_was_found_cost_no_session)
{
	const struct link *link = &fake_world_link(&world, eno1)->link;
	unsigned n_allow;

	start(TWO);
	fake_world_kill(&world);
	n_allow = kernel.n_allow;
	fake_world_start(&world, TWO);
	host_link_changed(world.host, link, link);
	host_tick(world.host);
	fake_world_run(&world, NSEC_PER_SEC);
	expect_both_active();
	ck_assert_uint_eq(kernel.n_allow, n_allow);
}
END_TEST

START_TEST(each_lacpdu_that_is_sent_is_in_the_session)
{
	struct session_data data = {};

	start(TWO);
	/* The partner says nothing, so that nothing but our own sending can have saved it. */
	world.partner_silent = true;
	fake_world_run(&world, 1500 * NSEC_PER_MS);
	ck_assert(session_load(session_store_find(world.sessions, "team0", "eno1"), &data));
	ck_assert_uint_eq(data.lacp.last_tx, member_view("eno1").lacp.last_tx);
}
END_TEST

/* The switch's own picture, during and after. */
START_TEST(the_partner_of_a_killed_daemon_sees_no_change)
{
	struct lacp_port_view before, after;

	start(TWO);
	lacp_port_view(world.partner, 0, world.now, &before);
	fake_world_kill(&world);
	fake_world_run(&world, NSEC_PER_SEC);
	fake_world_start(&world, TWO);
	fake_world_run(&world, 10 * NSEC_PER_SEC);
	lacp_port_view(world.partner, 0, world.now, &after);
	ck_assert_int_eq(after.mux, LACP_MUX_COLLECTING_DISTRIBUTING);
	ck_assert_uint_eq(after.counters.partner_sync_transitions,
			  before.counters.partner_sync_transitions);
	ck_assert_uint_eq(after.counters.partner_changes, before.counters.partner_changes);
}
END_TEST

START_TEST(a_session_whose_link_went_down_meanwhile_starts_anew)
{
	start(TWO);
	fake_world_kill(&world);
	fake_world_cable(&world, eno1, false, true);
	fake_world_cable(&world, eno1, true, true);
	fake_world_start(&world, TWO);
	fake_world_run(&world, 0);
	expect_member("eno2", TEAM_MEMBER_ACTIVE, "ok");
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	expect_both_active();
}
END_TEST

START_TEST(a_session_whose_partner_has_given_up_starts_anew)
{
	unsigned n_allow;

	start(TWO);
	fake_world_kill(&world);
	fake_world_run(&world, 10 * NSEC_PER_SEC);
	n_allow = kernel.n_allow;
	fake_world_start(&world, TWO);
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	/* It stopped first, and began again. */
	ck_assert_uint_ge(kernel.n_allow, n_allow + 2);
	expect_both_active();
}
END_TEST

START_TEST(a_member_that_is_renamed_stays_what_it_is)
{
	start(TWO);
	fake_world_rename_link(&world, eno1, "lan0");
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	expect_both_active();
	ck_assert_int_eq(member_view("eno1").ifindex, eno1);
	/* Also for the next daemon. */
	fake_world_kill(&world);
	fake_world_start(&world, TWO);
	fake_world_run(&world, 0);
	expect_both_active();
	ck_assert_int_eq(member_view("eno1").ifindex, eno1);
}
END_TEST

START_TEST(a_drain_outlives_a_kill_of_the_daemon)
{
	start(TWO);
	drain("eno1", true);
	fake_world_kill(&world);
	fake_world_start(&world, TWO);
	fake_world_run(&world, 0);
	expect_member("eno1", TEAM_MEMBER_DISABLED, "drained");
}
END_TEST

START_TEST(another_configuration_ends_a_drain)
{
	start(TWO);
	drain("eno1", true);
	fake_world_kill(&world);
	start(FAST " mtu = 9000; };");
	expect_both_active();
}
END_TEST

static void deleted(void *userdata, int r, const struct err *e)
{
	*(int *)userdata = r;
}

START_TEST(a_deleted_team_tells_its_partner_and_stays_away)
{
	struct lacp_port_view partner;
	int result = 1;

	start(TWO);
	host_delete_team(world.host, team0(), deleted, &result);
	fake_world_run(&world, 0);
	ck_assert_int_eq(result, 0);
	ck_assert_ptr_null(team0());
	ck_assert_ptr_null(device());
	lacp_port_view(world.partner, 0, world.now, &partner);
	ck_assert(!(partner.partner.state & LACP_STATE_SYNCHRONIZATION));
	ck_assert_int_ne(partner.mux, LACP_MUX_COLLECTING_DISTRIBUTING);
	fake_world_kill(&world);
	fake_world_start(&world, TWO);
	ck_assert_ptr_null(team0());
	/* Until its configuration is another one. */
	fake_world_kill(&world);
	start(FAST " mtu = 9000; };");
	expect_both_active();
}
END_TEST

START_TEST(a_member_taken_out_of_the_configuration_leaves_with_a_word)
{
	struct lacp_port_view partner;

	start(TWO);
	fake_world_kill(&world);
	fake_world_start(&world, "team: { name = \"team0\"; mode = \"lacp\"; members = ( { name = "
				 "\"eno2\"; } ); };");
	fake_world_run(&world, 0);
	expect_member("eno2", TEAM_MEMBER_ACTIVE, "ok");
	ck_assert_uint_eq((unsigned)__builtin_popcount(device()->members), 1);
	lacp_port_view(world.partner, 0, world.now, &partner);
	ck_assert(!(partner.partner.state & LACP_STATE_SYNCHRONIZATION));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("restart");
	TCase *tcase = tcase_create("restart");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_killed_daemon_changes_nothing_and_the_next_one_goes_on);
	tcase_add_test(tcase, news_that_come_before_the_device_was_found_cost_no_session);
	tcase_add_test(tcase, each_lacpdu_that_is_sent_is_in_the_session);
	tcase_add_test(tcase, the_partner_of_a_killed_daemon_sees_no_change);
	tcase_add_test(tcase, a_session_whose_link_went_down_meanwhile_starts_anew);
	tcase_add_test(tcase, a_session_whose_partner_has_given_up_starts_anew);
	tcase_add_test(tcase, a_member_that_is_renamed_stays_what_it_is);
	tcase_add_test(tcase, a_drain_outlives_a_kill_of_the_daemon);
	tcase_add_test(tcase, another_configuration_ends_a_drain);
	tcase_add_test(tcase, a_deleted_team_tells_its_partner_and_stays_away);
	tcase_add_test(tcase, a_member_taken_out_of_the_configuration_leaves_with_a_word);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
