/* A host with a team that runs, on a fake datapath, clock and switch. */
#include "tests/daemon/rig.h"

#include "daemon/team/team-internal.h"
#include "tests/unit/run.h"

#include <stdio.h>
#include <string.h>

START_TEST(a_team_comes_up_and_shares_its_buckets)
{
	start(TWO);
	expect_both_active();
	ck_assert(device()->carrier);
	ck_assert_uint_eq(team_view().speed_mbps, 20000);
	ck_assert_uint_eq(member_view("eno1").buckets, 128);
	ck_assert_uint_eq(member_view("eno2").buckets, 128);
	ck_assert_uint_eq(device()->may_send, device()->may_receive);
}
END_TEST

START_TEST(its_members_are_asked_for_their_carrier_in_the_rhythm_of_those_that_carry)
{
	start(TWO);
	ck_assert(fake_world_link(&world, eno1)->carrying);
	ck_assert_ptr_eq(fake_world_link(&world, eno1)->word, &device()->carrier_word);
}
END_TEST

START_TEST(a_pulled_cable_moves_its_buckets_at_once)
{
	start(TWO);
	fake_world_cable(&world, eno1, false, true);
	expect_member("eno1", TEAM_MEMBER_DOWN, "no-carrier");
	ck_assert_uint_eq(member_view("eno2").buckets, 256);
	ck_assert_int_eq(team_view().state, TEAM_DEGRADED);
	ck_assert(device()->carrier);
}
END_TEST

START_TEST(a_loss_that_only_the_carrier_sense_sees_counts_as_one)
{
	start(TWO);
	fake_world_cable(&world, eno1, false, false);
	expect_member("eno1", TEAM_MEMBER_DOWN, "no-carrier");
	/* Old news of the kernel does not bring it back, … */
	host_link_changed(world.host, &fake_world_link(&world, eno1)->link,
			  &fake_world_link(&world, eno1)->link);
	expect_member("eno1", TEAM_MEMBER_DOWN, "no-carrier");
	/* … and what the kernel tells in the end does no harm. */
	fake_world_cable(&world, eno1, false, true);
	fake_world_cable(&world, eno1, true, true);
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	expect_both_active();
}
END_TEST

START_TEST(a_loss_that_the_kernel_never_told_ends_when_an_answer_says_so)
{
	start(TWO);
	fake_world_cable(&world, eno1, false, false);
	fake_world_cable(&world, eno1, true, false);
	fake_world_run(&world, 2 * NSEC_PER_SEC);
	ck_assert_uint_ge(world.asked, 1);
	expect_member("eno1", TEAM_MEMBER_DOWN, "no-carrier");
	host_carrier_answer(world.host, eno1, true);
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	expect_both_active();
}
END_TEST

START_TEST(a_cable_that_returns_gets_its_share_back)
{
	struct placement_plan before;

	start(TWO);
	before = device()->plan;
	fake_world_cable(&world, eno1, false, true);
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	fake_world_cable(&world, eno1, true, true);
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	expect_both_active();
	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
		ck_assert_uint_eq(placement_carrier(&before, b, 3),
				  placement_carrier(&device()->plan, b, 3));
}
END_TEST

static member_set slot_of(const char *name)
{
	return (member_set)1 << member_view(name).slot;
}

/* eno1 is back, in sync, and its partner does not say that it collects. */
static void let_eno1_return(void)
{
	start(TWO);
	fake_world_cable(&world, eno1, false, true);
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	world.partner_tarries = true;
	fake_world_cable(&world, eno1, true, true);
	while (!(device()->may_send & slot_of("eno1")))
		fake_world_run(&world, 10 * NSEC_PER_MS);
	fake_world_run(&world, 200 * NSEC_PER_MS);
	ck_assert_uint_eq(member_view("eno1").buckets, 0);
	ck_assert_uint_eq(member_view("eno2").buckets, PLACEMENT_BUCKETS);
}

START_TEST(a_member_whose_partner_does_not_collect_yet_takes_no_bucket_from_others)
{
	let_eno1_return();
	/* The next LACPDU says that it collects. */
	world.partner_tarries = false;
	fake_world_run(&world, 1300 * NSEC_PER_MS);
	ck_assert_uint_eq(member_view("eno1").buckets, PLACEMENT_BUCKETS / 2);
	ck_assert_uint_eq(team_view().moved_unproven, 0);
}
END_TEST

START_TEST(a_member_whose_partner_does_not_collect_yet_is_the_last_resort)
{
	let_eno1_return();
	fake_world_cable(&world, eno2, false, true);
	ck_assert_uint_eq(member_view("eno1").buckets, PLACEMENT_BUCKETS);
	ck_assert(device()->carrier);
}
END_TEST

START_TEST(a_partner_that_never_says_that_it_collects_is_not_waited_for_for_ever)
{
	let_eno1_return();
	fake_world_run(&world, TEAM_HESITATION - 300 * NSEC_PER_MS);
	ck_assert_uint_eq(member_view("eno1").buckets, 0);
	fake_world_run(&world, 2 * HANDOVER_TIMEOUT);
	ck_assert_uint_eq(member_view("eno1").buckets, PLACEMENT_BUCKETS / 2);
}
END_TEST

START_TEST(the_only_member_does_not_wait_for_its_partner_to_collect)
{
	world.partner_tarries = true;
	start(TWO);
	ck_assert_uint_eq(member_view("eno1").buckets + member_view("eno2").buckets,
			  PLACEMENT_BUCKETS);
	ck_assert(device()->carrier);
}
END_TEST

START_TEST(a_silent_partner_takes_the_carrier_away)
{
	start(TWO);
	world.partner_silent = true;
	fake_world_run(&world, 10 * NSEC_PER_SEC);
	ck_assert(!device()->carrier);
	ck_assert_int_eq(team_view().state, TEAM_DOWN);
	ck_assert_int_eq(member_view("eno1").state, TEAM_MEMBER_FAILED);
	ck_assert_uint_gt(strlen(member_view("eno1").explanation), 10);
}
END_TEST

START_TEST(a_device_that_somebody_else_deletes_is_told_of)
{
	start(TWO);
	host_link_changed(world.host, NULL, &(struct link){ .ifindex = team_view().ifindex });
	ck_assert_int_eq(team_view().state, TEAM_DOWN);
	ck_assert_ptr_nonnull(strstr(team_view().explanation, "somebody else deleted"));
	fake_world_run(&world, 10 * NSEC_PER_SEC);
	ck_assert_int_eq(team_view().state, TEAM_DOWN);
}
END_TEST

START_TEST(a_member_that_is_not_there_joins_when_it_appears)
{
	start("team: { name = \"team0\"; mode = \"lacp\"; members = ( { name = \"eno1\"; }, { name "
	      "= \"eno3\"; } ); "
	      "};");
	expect_member("eno3", TEAM_MEMBER_DOWN, "no-device");
	fake_world_add_link(&world, "eno3", 10000);
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	expect_member("eno3", TEAM_MEMBER_ACTIVE, "ok");
	ck_assert_int_eq(team_view().state, TEAM_UP);
}
END_TEST

START_TEST(a_member_that_vanishes_and_returns_is_taken_back)
{
	struct lacp_port_view before = {}, after = {};

	start(TWO);
	before = member_view("eno2").lacp;
	fake_world_remove_link(&world, eno2);
	fake_world_run(&world, NSEC_PER_SEC);
	expect_member("eno2", TEAM_MEMBER_DOWN, "no-device");
	ck_assert_uint_eq(member_view("eno1").buckets, 256);
	eno2 = fake_world_add_link(&world, "eno2", 10000);
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	expect_both_active();
	after = member_view("eno2").lacp;
	ck_assert_uint_eq(before.actor.key, after.actor.key);
}
END_TEST

START_TEST(a_device_that_something_else_owns_is_named_with_its_owner)
{
	kernel.busy_ifindex = eno2;
	start(TWO);
	expect_member("eno2", TEAM_MEMBER_FAILED, "refused");
	ck_assert_ptr_nonnull(strstr(member_view("eno2").explanation, "br0"));
	/* It is tried again, without anybody's help. */
	kernel.busy_ifindex = 0;
	fake_world_run(&world, 30 * NSEC_PER_SEC);
	expect_both_active();
}
END_TEST

START_TEST(another_device_of_the_teams_name_is_left_alone)
{
	kernel.devices[0] =
		(struct fake_device){ .exists = true, .foreign = true, .spec.name = "team0" };
	start(TWO);
	ck_assert_int_eq(team_view().state, TEAM_DOWN);
	ck_assert_ptr_nonnull(strstr(team_view().explanation, "another device"));
	kernel.devices[0] = (struct fake_device){};
	fake_world_run(&world, 30 * NSEC_PER_SEC);
	expect_both_active();
}
END_TEST

START_TEST(a_drained_member_receives_and_its_lacp_stays_up)
{
	start(TWO);
	drain("eno1", true);
	fake_world_run(&world, 10 * NSEC_PER_SEC);
	expect_member("eno1", TEAM_MEMBER_DISABLED, "drained");
	ck_assert_uint_eq((unsigned)__builtin_popcount(device()->may_send), 1);
	ck_assert_uint_eq((unsigned)__builtin_popcount(device()->may_receive), 2);
	ck_assert_int_eq(member_view("eno1").lacp.mux, LACP_MUX_COLLECTING_DISTRIBUTING);
	ck_assert_int_eq(team_view().state, TEAM_UP);
	drain("eno1", false);
	fake_world_run(&world, 2 * NSEC_PER_SEC);
	expect_both_active();
}
END_TEST

START_TEST(the_last_member_that_carries_is_not_drained_by_mistake)
{
	struct err e = {};
	int index;

	start(TWO);
	drain("eno1", true);
	index = team_find_member(team0(), "eno2");
	ck_assert_int_lt(team_drain(team0(), (unsigned)index, true, false, &e), 0);
	ck_assert_ptr_nonnull(strstr(e.text, "eno2"));
	ck_assert_int_eq(team_drain(team0(), (unsigned)index, true, true, &e), 0);
}
END_TEST

START_TEST(a_flap_within_the_down_delay_does_not_disturb_lacp)
{
	start(FAST " monitor = ( { type = \"carrier\"; down_delay_ms = 500; } ); };");
	fake_world_cable(&world, eno1, false, true);
	/* Frames do not wait for the delay, … */
	ck_assert_uint_eq((unsigned)__builtin_popcount(fake_device_fit(device())), 1);
	fake_world_run(&world, 200 * NSEC_PER_MS);
	fake_world_cable(&world, eno1, true, true);
	fake_world_run(&world, NSEC_PER_SEC);
	/* … LACP does. */
	expect_both_active();
}
END_TEST

START_TEST(an_up_delay_holds_a_link_back)
{
	start(TWO);
	fake_world_kill(&world);
	kernel = (struct fake_kernel){};
	fake_world_start(&world,
			 FAST " monitor = ( { type = \"carrier\"; up_delay_ms = 8000; } ); };");
	fake_world_run(&world, 7 * NSEC_PER_SEC);
	expect_member("eno1", TEAM_MEMBER_DOWN, "waiting");
	fake_world_run(&world, 6 * NSEC_PER_SEC);
	expect_both_active();
}
END_TEST

START_TEST(a_returning_member_is_marked_before_buckets_move_to_it)
{
	start(TWO);
	fake_world_cable(&world, eno1, false, true);
	fake_world_run(&world, NSEC_PER_SEC);
	fake_world_cable(&world, eno1, true, true);
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	ck_assert_uint_ge(team_view().moved_in_order, 128);
	ck_assert_uint_eq(team_view().moved_unproven, 0);
	ck_assert_uint_ge(member_view("eno2").lacp.counters.marker_tx, 1);
}
END_TEST

START_TEST(other_speeds_do_not_share_a_lag)
{
	start("team: { name = \"team0\"; mode = \"lacp\"; members = ( { name = \"eno1\"; }, { name "
	      "= \"slow\"; } ); "
	      "};");
	fake_world_add_link(&world, "slow", 1000);
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	expect_member("eno1", TEAM_MEMBER_ACTIVE, "ok");
	ck_assert_int_eq(member_view("slow").state, TEAM_MEMBER_FAILED);
	ck_assert_uint_ne(member_view("slow").lacp.actor.key, member_view("eno1").lacp.actor.key);
}
END_TEST

START_TEST(two_teams_never_share_a_key)
{
	struct team_member_view other;

	fake_world_add_link(&world, "eno3", 10000);
	start("teams = ( { name = \"team0\"; mode = \"lacp\"; members = ( { name = \"eno1\"; } ); "
	      "},"
	      "          { name = \"team1\"; mode = \"lacp\"; members = ( { name = \"eno3\"; } ); "
	      "} );");
	team_get_member_view(host_find_team(world.host, "team1"), 0, &other);
	ck_assert_uint_ne(member_view("eno1").lacp.actor.key, other.lacp.actor.key);
	ck_assert_uint_ne(member_view("eno1").lacp.actor.port, other.lacp.actor.port);
}
END_TEST

START_TEST(standby_members_wait_for_a_failure)
{
	start("team: { name = \"team0\"; mode = \"lacp\"; members = ( { name = \"eno1\"; },"
	      " { name = \"eno2\"; standby = true; } ); lacp: { system_priority = 1; }; };");
	expect_member("eno1", TEAM_MEMBER_ACTIVE, "ok");
	expect_member("eno2", TEAM_MEMBER_STANDBY, "standby");
	ck_assert_int_eq(team_view().state, TEAM_UP);
	fake_world_cable(&world, eno1, false, true);
	fake_world_run(&world, 2 * NSEC_PER_SEC);
	expect_member("eno2", TEAM_MEMBER_ACTIVE, "ok");
}
END_TEST

static unsigned n_events;

static void count_event(void *userdata, const struct host_event *event)
{
	n_events += event->type == HOST_EVENT_MEMBER || event->type == HOST_EVENT_TEAM;
}

START_TEST(who_listens_hears_of_each_change_of_state)
{
	unsigned listener;

	start(TWO);
	listener = host_listen(world.host, count_event, NULL);
	fake_world_cable(&world, eno1, false, true);
	ck_assert_uint_eq(n_events, 2);
	host_unlisten(world.host, listener);
	fake_world_cable(&world, eno1, true, true);
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	ck_assert_uint_eq(n_events, 2);
}
END_TEST

static char disturbance[256];

static void take_disturbance(void *userdata, const struct host_event *event)
{
	if (event->reason && strcmp(event->reason, "disturbed") == 0)
		(void)snprintf(disturbance, sizeof(disturbance), "%s/%s: %s", event->team,
			       event->member ? event->member : "", event->text);
}

START_TEST(what_others_do_to_a_member_is_told_and_is_a_failure_while_it_lasts)
{
	start(TWO);
	(void)host_listen(world.host, take_disturbance, NULL);
	host_member_disturbed(world.host, eno2, "put right");
	ck_assert_str_eq(disturbance, "team0/eno2: put right");
	expect_both_active();
	host_member_disturbed(world.host, team_view().ifindex, "put right, too");
	ck_assert_str_eq(disturbance, "team0/: put right, too");
	host_member_hindered(world.host, eno2, "it cannot be put right");
	expect_member("eno2", TEAM_MEMBER_FAILED, "disturbed");
	ck_assert_str_eq(member_view("eno2").explanation, "it cannot be put right");
	ck_assert_int_eq(team_view().state, TEAM_DEGRADED);
	/* The partner is told to send nothing there, and it stays so. */
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	ck_assert_uint_eq(lacp_distributing(world.partner), 1);
	ck_assert_uint_eq(member_view("eno1").buckets, PLACEMENT_BUCKETS);
	expect_member("eno2", TEAM_MEMBER_FAILED, "disturbed");
	host_member_hindered(world.host, eno2, "");
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	expect_both_active();
	host_member_hindered(world.host, team_view().ifindex, "it sends nothing");
	ck_assert_int_eq(team_view().state, TEAM_DOWN);
	ck_assert_str_eq(team_view().explanation, "it sends nothing");
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	ck_assert_uint_eq(lacp_distributing(world.partner), 0);
	host_member_hindered(world.host, team_view().ifindex, "");
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	ck_assert_int_eq(team_view().state, TEAM_UP);
	/* Devices that no team has. */
	disturbance[0] = '\0';
	host_member_disturbed(world.host, 4711, "nobody's");
	ck_assert_str_eq(disturbance, "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("host");
	TCase *tcase = tcase_create("host");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_team_comes_up_and_shares_its_buckets);
	tcase_add_test(tcase,
		       its_members_are_asked_for_their_carrier_in_the_rhythm_of_those_that_carry);
	tcase_add_test(tcase, a_pulled_cable_moves_its_buckets_at_once);
	tcase_add_test(tcase, a_loss_that_only_the_carrier_sense_sees_counts_as_one);
	tcase_add_test(tcase, a_loss_that_the_kernel_never_told_ends_when_an_answer_says_so);
	tcase_add_test(tcase, a_cable_that_returns_gets_its_share_back);
	tcase_add_test(tcase,
		       a_member_whose_partner_does_not_collect_yet_takes_no_bucket_from_others);
	tcase_add_test(tcase, a_member_whose_partner_does_not_collect_yet_is_the_last_resort);
	tcase_add_test(tcase,
		       a_partner_that_never_says_that_it_collects_is_not_waited_for_for_ever);
	tcase_add_test(tcase, the_only_member_does_not_wait_for_its_partner_to_collect);
	tcase_add_test(tcase, a_silent_partner_takes_the_carrier_away);
	tcase_add_test(tcase, a_device_that_somebody_else_deletes_is_told_of);
	tcase_add_test(tcase, a_member_that_is_not_there_joins_when_it_appears);
	tcase_add_test(tcase, a_member_that_vanishes_and_returns_is_taken_back);
	tcase_add_test(tcase, a_device_that_something_else_owns_is_named_with_its_owner);
	tcase_add_test(tcase, another_device_of_the_teams_name_is_left_alone);
	tcase_add_test(tcase, a_drained_member_receives_and_its_lacp_stays_up);
	tcase_add_test(tcase, the_last_member_that_carries_is_not_drained_by_mistake);
	tcase_add_test(tcase, a_flap_within_the_down_delay_does_not_disturb_lacp);
	tcase_add_test(tcase, an_up_delay_holds_a_link_back);
	tcase_add_test(tcase, a_returning_member_is_marked_before_buckets_move_to_it);
	tcase_add_test(tcase, other_speeds_do_not_share_a_lag);
	tcase_add_test(tcase, two_teams_never_share_a_key);
	tcase_add_test(tcase, standby_members_wait_for_a_failure);
	tcase_add_test(tcase, who_listens_hears_of_each_change_of_state);
	tcase_add_test(tcase, what_others_do_to_a_member_is_told_and_is_a_failure_while_it_lasts);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
