/* A team of mode "switch-independent", on a fake datapath and clock: who carries, who stands by,
 * who is the primary, and what the datapath is told of it. */
#include "tests/daemon/rig.h"

#include "daemon/team/lifecycle.h"
#include "tests/unit/run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define INDEPENDENT(keys, members)                                                               \
	"team: { name = \"team0\"; mode = \"switch-independent\"; " keys " members = ( " members \
	" ); };"
#define ENO1 "{ name = \"eno1\"; }"
#define ENO2 "{ name = \"eno2\"; }"
#define ENO2_STANDBY "{ name = \"eno2\"; standby = true; }"
#define BOTH INDEPENDENT("", ENO1 ", " ENO2)
#define ACTIVE_STANDBY INDEPENDENT("", ENO1 ", " ENO2_STANDBY)
#define NEVER INDEPENDENT("fail_back = \"never\";", ENO1 ", " ENO2_STANDBY)
#define DELAYED INDEPENDENT("fail_back_delay_ms = 5000;", ENO1 ", " ENO2_STANDBY)

static void setup_independent(void)
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

/* As the kernel's program takes it: who may receive and has a link. */
static unsigned kernel_primary(void)
{
	return placement_primary(&device()->plan,
				 device()->may_receive & (member_set)device()->carrier_word);
}

static void expect_primary(const char *name)
{
	ck_assert_str_eq(team_view().primary, name);
	ck_assert(member_view(name).primary);
	ck_assert_uint_eq(kernel_primary(), member_view(name).slot);
}

static void cable(int ifindex, bool plugged)
{
	fake_world_cable(&world, ifindex, plugged, true);
}

static void wait_s(unsigned seconds)
{
	fake_world_run(&world, seconds * NSEC_PER_SEC);
}

static void ignore_deletion(void *userdata, int r, const struct err *e)
{
}

START_TEST(all_carry_and_the_first_is_the_primary)
{
	fake_world_start(&world, BOTH);
	fake_world_run(&world, 0);
	expect_member("eno1", TEAM_MEMBER_ACTIVE, "primary");
	expect_member("eno2", TEAM_MEMBER_ACTIVE, "ok");
	ck_assert_int_eq(team_view().state, TEAM_UP);
	expect_primary("eno1");
	ck_assert(device()->spec.rules.independent);
	wait_s(2);
	ck_assert_uint_eq(member_view("eno1").buckets, 128);
	ck_assert_uint_eq(fake_world_link(&world, eno1)->frames_sent, 0);
}
END_TEST

START_TEST(a_team_of_one_member_is_a_team)
{
	start(INDEPENDENT("", ENO1));
	expect_member("eno1", TEAM_MEMBER_ACTIVE, "primary");
	ck_assert_int_eq(team_view().state, TEAM_UP);
	ck_assert_uint_eq(member_view("eno1").buckets, 256);
	cable(eno1, false);
	ck_assert_int_eq(team_view().state, TEAM_DOWN);
	cable(eno1, true);
	ck_assert_int_eq(team_view().state, TEAM_UP);
	expect_primary("eno1");
}
END_TEST

START_TEST(when_the_primary_fails_the_next_one_is_it_in_the_same_turn)
{
	start(BOTH);
	cable(eno1, false);
	expect_member("eno1", TEAM_MEMBER_DOWN, "no-carrier");
	expect_member("eno2", TEAM_MEMBER_ACTIVE, "primary");
	expect_primary("eno2");
	ck_assert_uint_eq(device()->plan.primary_also, PLACEMENT_NONE);
	ck_assert_uint_eq(member_view("eno2").buckets, 256);
	ck_assert_int_eq(team_view().state, TEAM_DEGRADED);
	cable(eno1, true);
	/* Both work: the old one still takes what is for the team's address. */
	expect_primary("eno1");
	ck_assert_uint_eq(device()->plan.primary_also, member_view("eno2").slot);
	wait_s(1);
	ck_assert_uint_eq(device()->plan.primary_also, PLACEMENT_NONE);
}
END_TEST

/* Nobody had to be asked: the orders were there. */
START_TEST(the_kernel_alone_finds_the_next_primary_and_the_next_members)
{
	start(BOTH);
	device()->carrier_word &= ~(uint64_t)bit_of("eno1");
	ck_assert_uint_eq(kernel_primary(), member_view("eno2").slot);
	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
		ck_assert_uint_eq(placement_carrier(&device()->plan, b, fake_device_fit(device())),
				  member_view("eno2").slot);
}
END_TEST

START_TEST(a_standby_neither_sends_nor_receives)
{
	start(ACTIVE_STANDBY);
	expect_member("eno1", TEAM_MEMBER_ACTIVE, "primary");
	expect_member("eno2", TEAM_MEMBER_STANDBY, "standby");
	ck_assert_int_eq(team_view().state, TEAM_UP);
	ck_assert_uint_eq(device()->may_send, bit_of("eno1"));
	ck_assert_uint_eq(device()->may_receive, bit_of("eno1"));
	/* Nor when its link flaps: nothing at all is said to the datapath but that. */
	kernel.n_allow = kernel.n_place = 0;
	cable(eno2, false);
	cable(eno2, true);
	wait_s(5);
	ck_assert_uint_eq(kernel.n_allow + kernel.n_place, 0);
	ck_assert_int_eq(team_view().state, TEAM_UP);
}
END_TEST

START_TEST(a_standby_takes_over_and_gives_back_at_once)
{
	start(ACTIVE_STANDBY);
	cable(eno1, false);
	expect_member("eno2", TEAM_MEMBER_ACTIVE, "primary");
	ck_assert(carries("eno2"));
	expect_primary("eno2");
	ck_assert(device()->carrier);
	cable(eno1, true);
	expect_member("eno1", TEAM_MEMBER_ACTIVE, "primary");
	expect_member("eno2", TEAM_MEMBER_STANDBY, "standby");
	ck_assert_uint_eq(device()->may_send, bit_of("eno1"));
	/* What is still on its way to it is not lost. */
	ck_assert_uint_eq(device()->may_receive, bit_of("eno1") | bit_of("eno2"));
	wait_s(1);
	ck_assert_uint_eq(device()->may_receive, bit_of("eno1"));
}
END_TEST

/* Else each fail-back would lose what is sent in between. */
START_TEST(when_one_takes_over_from_all_others_there_is_no_moment_without_any)
{
	start(ACTIVE_STANDBY);
	cable(eno1, false);
	kernel.n_unfit = 0;
	cable(eno1, true);
	wait_s(2);
	ck_assert(carries("eno1") && !carries("eno2"));
	ck_assert_uint_eq(kernel.n_unfit, 0);
}
END_TEST

START_TEST(a_delayed_fail_back_waits_and_says_for_how_long)
{
	start(DELAYED);
	cable(eno1, false);
	wait_s(2);
	cable(eno1, true);
	expect_member("eno1", TEAM_MEMBER_STANDBY, "fail-back-waits");
	ck_assert_ptr_nonnull(strstr(member_view("eno1").explanation, "in 6 s"));
	wait_s(4);
	ck_assert(!carries("eno1") && carries("eno2"));
	/* It is as good as it gets until then. */
	ck_assert_int_eq(team_view().state, TEAM_UP);
	wait_s(1);
	expect_member("eno1", TEAM_MEMBER_ACTIVE, "primary");
	expect_member("eno2", TEAM_MEMBER_STANDBY, "standby");
}
END_TEST

START_TEST(without_fail_back_the_standby_goes_on_until_it_fails)
{
	start(NEVER);
	cable(eno1, false);
	cable(eno1, true);
	wait_s(100);
	expect_member("eno1", TEAM_MEMBER_STANDBY, "fail-back-never");
	ck_assert_ptr_nonnull(
		strstr(member_view("eno1").explanation, "yokectl member set team0 eno1 active"));
	expect_primary("eno2");
	cable(eno2, false);
	expect_member("eno1", TEAM_MEMBER_ACTIVE, "primary");
}
END_TEST

START_TEST(standbys_come_by_their_priority)
{
	static const char config[] =
		INDEPENDENT("", ENO1 ", { name = \"eno2\"; standby = true; priority = 20; }, "
				     "{ name = \"eno3\"; standby = true; priority = 10; }");
	int eno3 = fake_world_add_link(&world, "eno3", 10000);

	start(config);
	cable(eno1, false);
	expect_primary("eno3");
	expect_member("eno2", TEAM_MEMBER_STANDBY, "standby");
	cable(eno3, false);
	expect_primary("eno2");
	/* A standby that was away takes its turn from a later one. */
	cable(eno3, true);
	expect_primary("eno3");
}
END_TEST

START_TEST(the_preferred_one_comes_before_all_others)
{
	start(INDEPENDENT("", ENO1 ", { name = \"eno2\"; standby = true; preferred = true; }"));
	expect_primary("eno2");
	expect_member("eno1", TEAM_MEMBER_STANDBY, "standby");
	cable(eno2, false);
	expect_primary("eno1");
	cable(eno2, true);
	expect_primary("eno2");
}
END_TEST

START_TEST(with_too_few_members_the_team_is_down_and_says_why)
{
	static const char config[] = INDEPENDENT("min_active = 2;", ENO1 ", " ENO2);

	start(config);
	ck_assert_int_eq(team_view().state, TEAM_UP);
	cable(eno1, false);
	ck_assert_int_eq(team_view().state, TEAM_DOWN);
	ck_assert_ptr_nonnull(strstr(team_view().explanation, "min_active"));
	expect_member("eno2", TEAM_MEMBER_FAILED, "below-min-active");
	ck_assert_ptr_nonnull(strstr(member_view("eno2").explanation, "asks for 2"));
	ck_assert_uint_eq(device()->may_send | device()->may_receive, 0);
	ck_assert(!device()->carrier);
	/* Also over a restart. */
	fake_world_kill(&world);
	start(config);
	ck_assert_int_eq(team_view().state, TEAM_DOWN);
	ck_assert_uint_eq(device()->may_send | device()->may_receive, 0);
	cable(eno1, true);
	ck_assert_int_eq(team_view().state, TEAM_UP);
	ck_assert(device()->carrier);
	ck_assert(carries("eno1") && carries("eno2"));
}
END_TEST

START_TEST(a_static_team_knows_a_least_number_too)
{
	start("team: { name = \"team0\"; mode = \"static\"; min_active = 2; members = ( " ENO1
	      ", " ENO2 " ); };");
	expect_both_active();
	cable(eno2, false);
	expect_member("eno1", TEAM_MEMBER_FAILED, "below-min-active");
	ck_assert(!device()->carrier);
	ck_assert_uint_eq(device()->may_send, 0);
	cable(eno2, true);
	expect_both_active();
}
END_TEST

START_TEST(nothing_moves_by_a_restart)
{
	struct placement_plan plan;
	unsigned n_allow;

	start(NEVER);
	cable(eno1, false);
	cable(eno1, true);
	wait_s(2);
	plan = device()->plan;
	n_allow = kernel.n_allow;
	fake_world_kill(&world);
	wait_s(1000);
	start(NEVER);
	expect_primary("eno2");
	expect_member("eno1", TEAM_MEMBER_STANDBY, "fail-back-never");
	ck_assert(team_view().adopted);
	ck_assert_uint_eq(kernel.n_allow, n_allow);
	ck_assert_mem_eq(&plan, &device()->plan, sizeof(plan));
}
END_TEST

START_TEST(a_link_lost_without_the_daemon_has_its_standby_at_the_start)
{
	start(ACTIVE_STANDBY);
	fake_world_kill(&world);
	cable(eno1, false);
	fake_world_start(&world, ACTIVE_STANDBY);
	fake_world_run(&world, 0);
	expect_primary("eno2");
	ck_assert(carries("eno2") && !carries("eno1"));
}
END_TEST

START_TEST(from_static_to_switch_independent_no_frame_waits)
{
	unsigned n_allow;

	start("team: { name = \"team0\"; mode = \"static\"; members = ( " ENO1 ", " ENO2 " ); };");
	ck_assert_uint_eq(kernel_primary(), PLACEMENT_NONE);
	n_allow = kernel.n_allow;
	fake_world_kill(&world);
	start(BOTH);
	ck_assert_uint_eq(kernel.n_allow, n_allow);
	expect_primary("eno1");
	fake_world_kill(&world);
	start("team: { name = \"team0\"; mode = \"static\"; members = ( " ENO1 ", " ENO2 " ); };");
	expect_both_active();
	ck_assert_uint_eq(kernel_primary(), PLACEMENT_NONE);
}
END_TEST

START_TEST(a_drained_member_gives_its_place_to_a_standby)
{
	start(ACTIVE_STANDBY);
	drain("eno1", true);
	expect_member("eno1", TEAM_MEMBER_DISABLED, "drained");
	expect_primary("eno2");
	ck_assert_uint_eq(device()->may_send, bit_of("eno2"));
	ck_assert(device()->may_receive & bit_of("eno1"));
	drain("eno1", false);
	expect_primary("eno1");
	expect_member("eno2", TEAM_MEMBER_STANDBY, "standby");
}
END_TEST

START_TEST(a_drain_that_would_take_the_team_down_is_refused)
{
	unsigned index;
	struct err e = {};

	start(INDEPENDENT("min_active = 2;", ENO1 ", " ENO2));
	index = (unsigned)team_find_member(team0(), "eno2");
	ck_assert_int_eq(team_drain(team0(), index, true, false, &e), -EBUSY);
	ck_assert_ptr_nonnull(strstr(e.text, "min_active"));
	ck_assert_int_eq(team_view().state, TEAM_UP);
	ck_assert_int_eq(team_drain(team0(), index, true, true, &e), 0);
	ck_assert_int_eq(team_view().state, TEAM_DOWN);
}
END_TEST

START_TEST(a_member_that_somebody_hinders_gives_its_place_to_a_standby)
{
	start(ACTIVE_STANDBY);
	ck_assert(team_hindered(team0(), eno1, "somebody took our programs away"));
	expect_member("eno1", TEAM_MEMBER_FAILED, "disturbed");
	expect_primary("eno2");
	ck_assert(team_hindered(team0(), eno1, ""));
	expect_primary("eno1");
	expect_member("eno2", TEAM_MEMBER_STANDBY, "standby");
}
END_TEST

START_TEST(at_the_start_a_standby_waits_for_the_others)
{
	static const char config[] = INDEPENDENT("", "{ name = \"eno2\"; standby = true; }, " ENO1);

	cable(eno1, false);
	fake_world_start(&world, config);
	fake_world_run(&world, 500 * NSEC_PER_MS);
	ck_assert(!carries("eno2"));
	fake_world_run(&world, 600 * NSEC_PER_MS);
	expect_primary("eno2");
}
END_TEST

START_TEST(a_port_that_speaks_lacp_is_told_of)
{
	start(BOTH);
	world.partner_silent = false;
	wait_s(40);
	expect_member("eno2", TEAM_MEMBER_ACTIVE, "partner-lacp");
	ck_assert_ptr_nonnull(strstr(member_view("eno2").explanation, "channel group"));
	ck_assert(carries("eno2"));
	ck_assert_uint_eq(fake_world_link(&world, eno1)->frames_sent, 0);
}
END_TEST

static void write_many(char *text, size_t size, unsigned n)
{
	size_t at = (size_t)snprintf(text, size,
				     "team: { name = \"team0\"; mode = \"switch-independent\"; "
				     "members = ( { name = \"eno1\"; }");

	for (unsigned i = 2; i <= n; i++)
		at += (size_t)snprintf(text + at, size - at, ", { name = \"eno%u\"; }", i);
	(void)snprintf(text + at, size - at, " ); };");
}

/* Each of the others' buckets stays where it is, on the way out and back. */
START_TEST(of_32_members_a_flap_of_one_moves_nothing_of_the_others)
{
	struct placement_plan before;
	unsigned slot, moved = 0;
	char config[2048];
	int eno17 = 0;

	for (unsigned i = 3; i <= 32; i++) {
		char name[IFNAMSIZ];
		int ifindex;

		(void)snprintf(name, sizeof(name), "eno%u", i);
		ifindex = fake_world_add_link(&world, name, 10000);
		eno17 = i == 17 ? ifindex : eno17;
	}
	write_many(config, sizeof(config), 32);
	start(config);
	ck_assert_int_eq(team_view().state, TEAM_UP);
	ck_assert_uint_eq(fake_device_fit(device()), UINT32_MAX);
	ck_assert_uint_eq(member_view("eno32").buckets, 8);
	before = device()->plan;
	slot = member_view("eno17").slot;
	for (unsigned flap = 0; flap < 3; flap++) {
		cable(eno17, false);
		for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
			moved += placement_carrier(&device()->plan, b, ~(1u << slot)) !=
					 before.order[b][0] &&
				 before.order[b][0] != slot;
		cable(eno17, true);
		wait_s(2);
		for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
			moved += placement_carrier(&device()->plan, b, UINT32_MAX) !=
				 before.order[b][0];
	}
	ck_assert_uint_eq(moved, 0);
	expect_primary("eno1");
}
END_TEST

START_TEST(weights_go_before_speeds_and_who_tells_none_is_as_slow_as_the_slowest)
{
	static const char config[] = INDEPENDENT("", "{ name = \"eno1\"; weight = 30000; }, " ENO2
						     ", { name = \"eno3\"; }");

	(void)fake_world_add_link(&world, "eno3", 0);
	start(config);
	/* 30000, 10000 by its speed, and 10000 because nothing is known. */
	ck_assert_uint_ge(member_view("eno1").buckets, 153);
	ck_assert_uint_le(member_view("eno1").buckets, 154);
	ck_assert_uint_ge(member_view("eno2").buckets, 51);
	ck_assert_uint_ge(member_view("eno3").buckets, 51);
}
END_TEST

START_TEST(where_no_speed_is_known_all_count_alike)
{
	fake_world_link(&world, eno1)->link.speed_mbps = 0;
	fake_world_link(&world, eno2)->link.speed_mbps = 0;
	start(BOTH);
	ck_assert_uint_eq(member_view("eno1").buckets, 128);
}
END_TEST

/* As drivers do that have no speed without a link; nor does another member's share follow, which is
 * taken for as slow as this one. */
START_TEST(a_speed_that_goes_with_the_link_moves_nothing)
{
	struct fake_link *link = fake_world_link(&world, eno1);
	struct placement_plan before;

	fake_world_link(&world, eno2)->link.speed_mbps = 25000;
	(void)fake_world_add_link(&world, "eno3", 0);
	start(INDEPENDENT("", ENO1 ", " ENO2 ", { name = \"eno3\"; }"));
	before = device()->plan;
	link->link.speed_mbps = 0;
	cable(eno1, false);
	wait_s(5);
	ck_assert_mem_eq(before.order, device()->plan.order, sizeof(before.order));
	link->link.speed_mbps = 10000;
	cable(eno1, true);
	wait_s(5);
	ck_assert_mem_eq(before.order, device()->plan.order, sizeof(before.order));
	ck_assert_uint_eq(member_view("eno1").buckets, member_view("eno3").buckets);
}
END_TEST

START_TEST(a_deleted_team_goes_without_a_word)
{
	start(BOTH);
	host_delete_team(world.host, team0(), ignore_deletion, NULL);
	fake_world_run(&world, 0);
	ck_assert_ptr_null(device());
	ck_assert_uint_eq(fake_world_link(&world, eno1)->frames_sent, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("independent");
	TCase *tcase = tcase_create("independent");

	tcase_add_checked_fixture(tcase, setup_independent, teardown);
	tcase_add_test(tcase, all_carry_and_the_first_is_the_primary);
	tcase_add_test(tcase, a_team_of_one_member_is_a_team);
	tcase_add_test(tcase, when_the_primary_fails_the_next_one_is_it_in_the_same_turn);
	tcase_add_test(tcase, the_kernel_alone_finds_the_next_primary_and_the_next_members);
	tcase_add_test(tcase, a_standby_neither_sends_nor_receives);
	tcase_add_test(tcase, a_standby_takes_over_and_gives_back_at_once);
	tcase_add_test(tcase, when_one_takes_over_from_all_others_there_is_no_moment_without_any);
	tcase_add_test(tcase, a_delayed_fail_back_waits_and_says_for_how_long);
	tcase_add_test(tcase, without_fail_back_the_standby_goes_on_until_it_fails);
	tcase_add_test(tcase, standbys_come_by_their_priority);
	tcase_add_test(tcase, the_preferred_one_comes_before_all_others);
	tcase_add_test(tcase, with_too_few_members_the_team_is_down_and_says_why);
	tcase_add_test(tcase, a_static_team_knows_a_least_number_too);
	tcase_add_test(tcase, nothing_moves_by_a_restart);
	tcase_add_test(tcase, a_link_lost_without_the_daemon_has_its_standby_at_the_start);
	tcase_add_test(tcase, from_static_to_switch_independent_no_frame_waits);
	tcase_add_test(tcase, a_drained_member_gives_its_place_to_a_standby);
	tcase_add_test(tcase, a_drain_that_would_take_the_team_down_is_refused);
	tcase_add_test(tcase, a_member_that_somebody_hinders_gives_its_place_to_a_standby);
	tcase_add_test(tcase, at_the_start_a_standby_waits_for_the_others);
	tcase_add_test(tcase, a_port_that_speaks_lacp_is_told_of);
	tcase_add_test(tcase, of_32_members_a_flap_of_one_moves_nothing_of_the_others);
	tcase_add_test(tcase,
		       weights_go_before_speeds_and_who_tells_none_is_as_slow_as_the_slowest);
	tcase_add_test(tcase, where_no_speed_is_known_all_count_alike);
	tcase_add_test(tcase, a_speed_that_goes_with_the_link_moves_nothing);
	tcase_add_test(tcase, a_deleted_team_goes_without_a_word);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
