/* A team of mode "static", on a fake datapath and clock, with a switch that says nothing; and
 * changes of the mode between two runs. */
#include "tests/daemon/rig.h"

#include "daemon/team/lifecycle.h"
#include "tests/unit/run.h"

#include <stdio.h>
#include <string.h>

#define STATIC                                                                            \
	"team: { name = \"team0\"; mode = \"static\"; members = ( { name = \"eno1\"; }, " \
	"{ name = \"eno2\"; } );"
#define PLAIN STATIC " };"
#define DELAYED STATIC " monitor = ( { type = \"carrier\"; up_delay_ms = 3000; } ); };"

static void setup_static(void)
{
	setup();
	world.partner_silent = true;
}

static member_set bit_of(const char *name)
{
	return (member_set)1 << member_view(name).slot;
}

static bool carries(const char *name)
{
	return fake_device_fit(device()) & bit_of(name);
}

START_TEST(each_link_that_is_up_carries_at_once)
{
	struct team_view view;

	fake_world_start(&world, PLAIN);
	fake_world_run(&world, 0);
	expect_both_active();
	ck_assert(device()->carrier);
	ck_assert_uint_eq(device()->may_receive, bit_of("eno1") | bit_of("eno2"));
	ck_assert_uint_eq(team_view().speed_mbps, 20000);
	fake_world_run(&world, 100 * NSEC_PER_SEC);
	ck_assert_uint_eq(member_view("eno1").buckets, 128);
	ck_assert(!member_view("eno1").has_lacp);
	view = team_view();
	ck_assert(mac_is_zero(&view.partner.system));
	/* Nothing is said to anybody. */
	ck_assert_uint_eq(fake_world_link(&world, eno1)->frames_sent, 0);
	/* Nothing is due: an idle team wakes nobody. */
	ck_assert_uint_eq(host_deadline(world.host), NSEC_NEVER);
}
END_TEST

START_TEST(a_lost_link_moves_its_buckets_and_gets_them_back)
{
	struct placement_plan before;

	start(PLAIN);
	before = device()->plan;
	fake_world_cable(&world, eno1, false, true);
	expect_member("eno1", TEAM_MEMBER_DOWN, "no-carrier");
	ck_assert(!carries("eno1"));
	ck_assert_uint_eq(member_view("eno2").buckets, 256);
	ck_assert_int_eq(team_view().state, TEAM_DEGRADED);
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	fake_world_cable(&world, eno1, true, true);
	/* It may send, and its buckets are on hold where they are. */
	expect_both_active();
	ck_assert_uint_eq(member_view("eno2").buckets, 256);
	fake_world_run(&world, 2 * NSEC_PER_SEC);
	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
		ck_assert_uint_eq(placement_carrier(&before, b, 3),
				  placement_carrier(&device()->plan, b, 3));
}
END_TEST

/* Before the plan with the holds is in place a frame could overtake another. */
START_TEST(the_carrier_bit_of_a_link_that_is_back_comes_after_the_plan)
{
	unsigned n_place;

	start(PLAIN);
	fake_world_cable(&world, eno1, false, true);
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	n_place = kernel.n_place;
	fake_world_cable(&world, eno1, true, true);
	ck_assert_uint_eq(kernel.n_place, n_place + 1);
	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
		ck_assert_uint_eq(placement_carrier(&device()->plan, b, 3),
				  member_view("eno2").slot);
	ck_assert_uint_eq(device()->placed_with_carrier, bit_of("eno2"));
}
END_TEST

START_TEST(the_last_link_takes_the_carrier_of_the_team_away)
{
	start(PLAIN);
	fake_world_cable(&world, eno1, false, true);
	fake_world_cable(&world, eno2, false, true);
	ck_assert_int_eq(team_view().state, TEAM_DOWN);
	ck_assert(!device()->carrier);
	fake_world_cable(&world, eno2, true, true);
	ck_assert_int_eq(team_view().state, TEAM_DEGRADED);
	ck_assert(device()->carrier);
	ck_assert_uint_eq(member_view("eno2").buckets, 256);
}
END_TEST

START_TEST(members_of_different_speeds_carry_by_their_speed)
{
	fake_world_remove_link(&world, eno2);
	eno2 = fake_world_add_link(&world, "eno2", 30000);
	start(PLAIN);
	expect_both_active();
	ck_assert_uint_eq(member_view("eno1").buckets, 64);
	ck_assert_uint_eq(member_view("eno2").buckets, 192);
}
END_TEST

START_TEST(a_half_duplex_link_carries_and_is_told_of)
{
	fake_world_link(&world, eno1)->link.full_duplex = false;
	start(PLAIN);
	expect_member("eno1", TEAM_MEMBER_ACTIVE, "half-duplex");
	ck_assert(carries("eno1"));
	ck_assert_int_eq(team_view().state, TEAM_UP);
}
END_TEST

START_TEST(a_link_that_returns_may_carry_without_the_daemon_unless_it_has_to_wait)
{
	start(PLAIN);
	ck_assert(device()->spec.carrier_returns);
	fake_world_cable(&world, eno1, false, true);
	ck_assert(!(device()->carrier_word & bit_of("eno1")));
	ck_assert(device()->may_send & bit_of("eno1"));
	fake_world_kill(&world);
	start(DELAYED);
	ck_assert(!device()->spec.carrier_returns);
	ck_assert(!(device()->may_send & bit_of("eno1")));
}
END_TEST

START_TEST(an_up_delay_is_waited_for)
{
	start(DELAYED);
	expect_both_active();
	fake_world_cable(&world, eno1, false, true);
	fake_world_run(&world, NSEC_PER_SEC);
	fake_world_cable(&world, eno1, true, true);
	fake_world_run(&world, 2900 * NSEC_PER_MS);
	expect_member("eno1", TEAM_MEMBER_DOWN, "waiting");
	ck_assert(!carries("eno1"));
	fake_world_run(&world, 200 * NSEC_PER_MS);
	expect_both_active();
}
END_TEST

START_TEST(a_drained_member_receives_and_the_last_one_is_refused)
{
	struct err e = {};

	start(PLAIN);
	drain("eno1", true);
	expect_member("eno1", TEAM_MEMBER_DISABLED, "drained");
	ck_assert_uint_eq(device()->may_send, bit_of("eno2"));
	ck_assert_uint_eq(device()->may_receive, bit_of("eno1") | bit_of("eno2"));
	drain("eno1", false);
	/* One that may send has no link: the other one is the last. */
	fake_world_cable(&world, eno1, false, true);
	ck_assert_int_lt(
		team_drain(team0(), (unsigned)team_find_member(team0(), "eno2"), true, false, &e),
		0);
	ck_assert_ptr_nonnull(strstr(e.text, "the last member"));
}
END_TEST

static struct {
	unsigned n;
	char text[512];
} heard;

static void note_partner(void *userdata, const struct host_event *event)
{
	if (!event->reason || strcmp(event->reason, "partner-lacp") != 0)
		return;
	heard.n++;
	(void)snprintf(heard.text, sizeof(heard.text), "%s: %s", event->member, event->text);
}

START_TEST(a_partner_that_speaks_lacp_is_told_of_and_the_member_carries_on)
{
	start(PLAIN);
	(void)host_listen(world.host, note_partner, NULL);
	world.partner_silent = false;
	fake_world_run(&world, 40 * NSEC_PER_SEC);
	expect_member("eno1", TEAM_MEMBER_ACTIVE, "partner-lacp");
	ck_assert_ptr_nonnull(strstr(member_view("eno1").explanation, "02:00:00:00:99:01"));
	ck_assert(carries("eno1") && carries("eno2"));
	ck_assert_int_eq(team_view().state, TEAM_UP);
	ck_assert_uint_eq(fake_world_link(&world, eno1)->frames_sent, 0);
	/* Once for each member. */
	ck_assert_uint_eq(heard.n, 2);
	ck_assert_ptr_nonnull(strstr(heard.text, "speaks LACP"));
	world.partner_silent = true;
	fake_world_run(&world, 91 * NSEC_PER_SEC);
	expect_both_active();
}
END_TEST

START_TEST(a_killed_daemon_changes_nothing_and_the_next_one_goes_on)
{
	unsigned n_allow;
	uint64_t word;

	start(PLAIN);
	word = device()->carrier_word;
	n_allow = kernel.n_allow;
	fake_world_kill(&world);
	fake_world_run(&world, 1000 * NSEC_PER_SEC);
	fake_world_start(&world, PLAIN);
	fake_world_run(&world, 0);
	expect_both_active();
	ck_assert(team_view().adopted);
	ck_assert_uint_eq(kernel.n_allow, n_allow);
	ck_assert_uint_eq(device()->carrier_word, word);
	fake_world_run(&world, 10 * NSEC_PER_SEC);
	expect_both_active();
	ck_assert_uint_eq(kernel.n_allow, n_allow);
}
END_TEST

START_TEST(a_daemon_that_starts_with_a_lost_link_does_not_send_there)
{
	member_set both;

	start(PLAIN);
	both = fake_device_fit(device());
	fake_world_kill(&world);
	/* Nobody was there to clear the bit. */
	fake_world_cable(&world, eno1, false, true);
	ck_assert_uint_eq(fake_device_fit(device()), both);
	fake_world_start(&world, PLAIN);
	fake_world_run(&world, 0);
	ck_assert(!carries("eno1"));
	expect_member("eno1", TEAM_MEMBER_DOWN, "no-carrier");
	/* Should it return while this daemon is dead, too. */
	ck_assert(device()->may_send & bit_of("eno1"));
	fake_world_cable(&world, eno1, true, true);
	expect_both_active();
}
END_TEST

START_TEST(a_link_that_flapped_without_the_daemon_goes_on_unless_it_has_to_wait)
{
	start(PLAIN);
	fake_world_kill(&world);
	fake_world_cable(&world, eno1, false, true);
	fake_world_cable(&world, eno1, true, true);
	fake_world_start(&world, PLAIN);
	fake_world_run(&world, 0);
	expect_both_active();
	fake_world_kill(&world);
	start(DELAYED);
	expect_both_active();
	fake_world_kill(&world);
	fake_world_cable(&world, eno1, false, true);
	fake_world_cable(&world, eno1, true, true);
	fake_world_start(&world, DELAYED);
	fake_world_run(&world, NSEC_PER_SEC);
	expect_member("eno1", TEAM_MEMBER_DOWN, "waiting");
	expect_member("eno2", TEAM_MEMBER_ACTIVE, "ok");
	fake_world_run(&world, 3 * NSEC_PER_SEC);
	expect_both_active();
}
END_TEST

START_TEST(from_lacp_to_static_no_frame_waits_and_the_partner_is_told)
{
	struct lacp_port_view partner;
	unsigned n_allow;
	int ifindex;

	world.partner_silent = false;
	start(TWO);
	ifindex = device()->ifindex;
	n_allow = kernel.n_allow;
	fake_world_kill(&world);
	fake_world_start(&world, PLAIN);
	fake_world_run(&world, 0);
	ck_assert_int_eq(device()->ifindex, ifindex);
	ck_assert_uint_eq(kernel.n_allow, n_allow);
	ck_assert(carries("eno1") && carries("eno2"));
	ck_assert(device()->spec.carrier_returns);
	for (unsigned port = 0; port < 2; port++) {
		lacp_port_view(world.partner, port, world.now, &partner);
		ck_assert(!(partner.partner.state & LACP_STATE_SYNCHRONIZATION));
	}
	world.partner_silent = true;
	fake_world_run(&world, 100 * NSEC_PER_SEC);
	expect_both_active();
	ck_assert_uint_eq(team_view().moved_unproven, 0);
}
END_TEST

START_TEST(from_static_to_lacp_the_device_stays_and_the_session_is_a_new_one)
{
	unsigned n_allow;
	int ifindex;

	start(PLAIN);
	ifindex = device()->ifindex;
	n_allow = kernel.n_allow;
	fake_world_kill(&world);
	world.partner_silent = false;
	fake_world_start(&world, TWO);
	fake_world_run(&world, 0);
	/* It stopped first, and began again. */
	ck_assert_uint_ge(kernel.n_allow, n_allow + 2);
	ck_assert(!device()->spec.carrier_returns);
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	ck_assert_int_eq(device()->ifindex, ifindex);
	expect_both_active();
	ck_assert(member_view("eno1").has_lacp);
}
END_TEST

START_TEST(a_member_that_is_taken_out_between_two_runs_leaves)
{
	start(PLAIN);
	fake_world_kill(&world);
	start("team: { name = \"team0\"; mode = \"static\"; members = ( { name = \"eno2\"; } ); "
	      "};");
	expect_member("eno2", TEAM_MEMBER_ACTIVE, "ok");
	ck_assert_uint_eq((unsigned)__builtin_popcount(device()->members), 1);
	ck_assert_uint_eq(fake_world_link(&world, eno1)->frames_sent, 0);
}
END_TEST

START_TEST(a_member_that_somebody_hinders_is_out_of_use_until_it_is_not)
{
	start(PLAIN);
	ck_assert(team_hindered(team0(), eno1, "somebody took our programs away"));
	expect_member("eno1", TEAM_MEMBER_FAILED, "disturbed");
	ck_assert(!carries("eno1"));
	ck_assert(team_hindered(team0(), eno1, ""));
	expect_both_active();
}
END_TEST

static void deleted(void *userdata, int r, const struct err *e)
{
	*(int *)userdata = r;
}

START_TEST(a_deleted_team_goes_without_a_word)
{
	int result = 1;

	start(PLAIN);
	host_delete_team(world.host, team0(), deleted, &result);
	fake_world_run(&world, 0);
	ck_assert_int_eq(result, 0);
	ck_assert_ptr_null(device());
	ck_assert_uint_eq(fake_world_link(&world, eno1)->frames_sent, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("static");
	TCase *tcase = tcase_create("static");

	tcase_add_checked_fixture(tcase, setup_static, teardown);
	tcase_add_test(tcase, each_link_that_is_up_carries_at_once);
	tcase_add_test(tcase, a_lost_link_moves_its_buckets_and_gets_them_back);
	tcase_add_test(tcase, the_carrier_bit_of_a_link_that_is_back_comes_after_the_plan);
	tcase_add_test(tcase, the_last_link_takes_the_carrier_of_the_team_away);
	tcase_add_test(tcase, members_of_different_speeds_carry_by_their_speed);
	tcase_add_test(tcase, a_half_duplex_link_carries_and_is_told_of);
	tcase_add_test(tcase,
		       a_link_that_returns_may_carry_without_the_daemon_unless_it_has_to_wait);
	tcase_add_test(tcase, an_up_delay_is_waited_for);
	tcase_add_test(tcase, a_drained_member_receives_and_the_last_one_is_refused);
	tcase_add_test(tcase, a_partner_that_speaks_lacp_is_told_of_and_the_member_carries_on);
	tcase_add_test(tcase, a_killed_daemon_changes_nothing_and_the_next_one_goes_on);
	tcase_add_test(tcase, a_daemon_that_starts_with_a_lost_link_does_not_send_there);
	tcase_add_test(tcase, a_link_that_flapped_without_the_daemon_goes_on_unless_it_has_to_wait);
	tcase_add_test(tcase, from_lacp_to_static_no_frame_waits_and_the_partner_is_told);
	tcase_add_test(tcase, from_static_to_lacp_the_device_stays_and_the_session_is_a_new_one);
	tcase_add_test(tcase, a_member_that_is_taken_out_between_two_runs_leaves);
	tcase_add_test(tcase, a_member_that_somebody_hinders_is_out_of_use_until_it_is_not);
	tcase_add_test(tcase, a_deleted_team_goes_without_a_word);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
