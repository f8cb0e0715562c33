/* A team takes over another configuration while it runs: what changes does, nothing else is
 * touched, and what is refused leaves no trace. */
#include "tests/daemon/change.h"

#include "tests/unit/run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static member_set bit_of(const char *name)
{
	return (member_set)1 << member_view(name).slot;
}

/* From here on nothing may become less. */
struct watch {
	unsigned n_removed;
	unsigned n_added;
	int ifindex;
	member_set may_send;
	member_set may_receive;
};

static struct watch watch_begin(void)
{
	kernel.lost_send = 0;
	kernel.lost_receive = 0;
	return (struct watch){
		.n_removed = kernel.n_member_remove,
		.n_added = kernel.n_member_add,
		.ifindex = device()->ifindex,
		.may_send = device()->may_send,
		.may_receive = device()->may_receive,
	};
}

/* No member of 'stay' stopped for a moment, and so many devices came and went. */
static void watch_end(const struct watch *watch, member_set stay, unsigned added, unsigned removed)
{
	ck_assert_int_eq(device()->ifindex, watch->ifindex);
	ck_assert_uint_eq(kernel.lost_send & stay, 0);
	ck_assert_uint_eq(kernel.lost_receive & stay, 0);
	ck_assert_uint_eq(kernel.n_member_add - watch->n_added, added);
	ck_assert_uint_eq(kernel.n_member_remove - watch->n_removed, removed);
}

START_TEST(a_member_that_is_added_touches_no_other)
{
	struct watch watch;
	member_set old;

	start(STATIC_TWO);
	(void)fake_world_add_link(&world, "eno3", 10000);
	old = bit_of("eno1") | bit_of("eno2");
	watch = watch_begin();
	set(STATIC_THREE);
	expect_member("eno1", TEAM_MEMBER_ACTIVE, "ok");
	expect_member("eno3", TEAM_MEMBER_ACTIVE, "ok");
	ck_assert_int_eq(team_view().state, TEAM_UP);
	watch_end(&watch, old, 1, 0);
	ck_assert_uint_eq(team_n_members(team0()), 3);
}
END_TEST

START_TEST(a_member_that_leaves_receives_until_all_has_arrived)
{
	struct watch watch;
	member_set leaver, stays;

	start(STATIC_TWO);
	leaver = bit_of("eno1");
	stays = bit_of("eno2");
	watch = watch_begin();
	begin(STATIC_ONE, false);
	fake_world_run(&world, 0);
	ck_assert_uint_eq(device()->may_send, stays);
	ck_assert_uint_eq(device()->may_receive, leaver | stays);
	ck_assert_uint_eq(member_view("eno2").buckets, 256);
	ck_assert_int_eq(team_find_member(team0(), "eno1"), -1);
	fake_world_run(&world, 900 * NSEC_PER_MS);
	ck_assert_uint_eq(device()->may_receive, leaver | stays);
	ck_assert(!answer.done);
	fake_world_run(&world, 200 * NSEC_PER_MS);
	ck_assert(answer.done);
	ck_assert_int_eq(answer.r, 0);
	ck_assert_uint_eq(device()->members, stays);
	ck_assert_uint_eq(device()->may_receive, stays);
	ck_assert(!fake_world_link(&world, eno1)->joined);
	ck_assert(!fake_world_link(&world, eno1)->watched);
	watch_end(&watch, stays, 0, 1);
}
END_TEST

START_TEST(a_member_that_leaves_lacp_tells_its_partner)
{
	struct lacp_port_view partner;
	struct watch watch;
	member_set stays;

	start(TWO);
	expect_both_active();
	stays = bit_of("eno2");
	watch = watch_begin();
	begin("team: { name = \"team0\"; mode = \"lacp\"; members = ( { name = \"eno2\"; } ); };",
	      false);
	fake_world_run(&world, 0);
	lacp_port_view(world.partner, 0, world.now, &partner);
	ck_assert(!(partner.partner.state & LACP_STATE_SYNCHRONIZATION));
	fake_world_run(&world, 100 * NSEC_PER_SEC);
	expect_member("eno2", TEAM_MEMBER_ACTIVE, "ok");
	watch_end(&watch, stays, 0, 1);
}
END_TEST

START_TEST(a_member_that_leaves_and_comes_back_at_once_does)
{
	start(STATIC_TWO);
	begin(STATIC_ONE, false);
	fake_world_run(&world, 100 * NSEC_PER_MS);
	begin(STATIC_TWO, false);
	fake_world_run(&world, 0);
	/* One change at a time. */
	ck_assert_int_eq(answer.r, -EBUSY);
	memset(&answer, 0, sizeof(answer));
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	ck_assert(answer.done && answer.r == 0);
	set(STATIC_TWO);
	expect_both_active();
	ck_assert_uint_eq(device()->members, bit_of("eno1") | bit_of("eno2"));
}
END_TEST

START_TEST(the_last_member_that_carries_leaves_by_force_only)
{
	start(STATIC_TWO);
	fake_world_cable(&world, eno1, false, true);
	refuse("team: { name = \"team0\"; mode = \"static\"; members = ( { name = \"eno1\"; } ); "
	       "};",
	       -EBUSY, "eno2 is the last member of team0 that carries");
	refuse(STATIC_HEAD
	       "members = ( { name = \"eno1\"; }, { name = \"eno2\"; drain = true; } ); };",
	       -EBUSY, "the last member");
	ck_assert_uint_eq(team_n_members(team0()), 2);
	expect_member("eno2", TEAM_MEMBER_ACTIVE, "ok");
	begin("team: { name = \"team0\"; mode = \"static\"; members = ( { name = \"eno1\"; } ); };",
	      true);
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	ck_assert_int_eq(answer.r, 0);
	ck_assert_int_eq(team_view().state, TEAM_DOWN);
}
END_TEST

START_TEST(a_device_that_is_refused_takes_the_whole_change_back)
{
	struct watch watch;
	member_set old;

	start(STATIC_TWO);
	kernel.busy_ifindex = fake_world_add_link(&world, "eno3", 10000);
	old = bit_of("eno1") | bit_of("eno2");
	watch = watch_begin();
	/* Not even a member that would have left has noticed. */
	refuse(STATIC_HEAD "mtu = 9000; hash = \"ip-addresses\"; members = ( " MEMBER(
		       "eno1") ", " MEMBER("eno3") " ); };",
	       -EBUSY, "it belongs to the bridge br0");
	ck_assert_uint_eq(team_n_members(team0()), 2);
	ck_assert_uint_eq(device()->spec.mtu, 1500);
	ck_assert_uint_eq(device()->spec.hash, HASH_TRANSPORT_PORTS);
	expect_both_active();
	watch_end(&watch, old, 1, 0);
	ck_assert_ptr_null(world.saved_running);
}
END_TEST

START_TEST(what_the_datapath_refuses_changes_nothing)
{
	struct watch watch;

	start(STATIC_TWO);
	watch = watch_begin();
	kernel.refuse_mtu = 9000;
	refuse(STATIC_HEAD "mtu = 9000; "
			   "members = ( " MEMBER("eno2") " ); };",
	       -EINVAL, "cannot set the MTU");
	ck_assert_uint_eq(device()->spec.mtu, 1500);
	ck_assert_uint_eq(team_n_members(team0()), 2);
	watch_end(&watch, bit_of("eno1") | bit_of("eno2"), 0, 0);
}
END_TEST

START_TEST(hash_and_mtu_and_delays_change_without_a_dip)
{
	struct watch watch;

	start(STATIC_TWO);
	watch = watch_begin();
	set(STATIC_HEAD "mtu = 9000; hash = \"mac-addresses\"; monitor = ( { type = \"carrier\"; "
			"up_delay_ms = 3000; } ); " MEMBERS_TWO "};");
	ck_assert_uint_eq(device()->spec.mtu, 9000);
	ck_assert_uint_eq(device()->spec.hash, HASH_MAC_ADDRESSES);
	ck_assert(!device()->spec.carrier_returns);
	watch_end(&watch, bit_of("eno1") | bit_of("eno2"), 0, 0);
	fake_world_cable(&world, eno1, false, true);
	fake_world_cable(&world, eno1, true, true);
	fake_world_run(&world, 2 * NSEC_PER_SEC);
	expect_member("eno1", TEAM_MEMBER_DOWN, "waiting");
	/* Without the delay it waits no more. */
	set(STATIC_TWO);
	expect_both_active();
}
END_TEST

START_TEST(lacp_settings_change_without_leaving_the_team)
{
	struct lacp_port_view partner;
	struct watch watch;

	start(TWO);
	watch = watch_begin();
	set(FAST " lacp: { rate = \"slow\"; active = false; min_links = 2; }; };");
	lacp_port_view(world.partner, 0, world.now, &partner);
	ck_assert(!(partner.partner.state & LACP_STATE_TIMEOUT));
	ck_assert(!(partner.partner.state & LACP_STATE_ACTIVITY));
	expect_both_active();
	watch_end(&watch, bit_of("eno1") | bit_of("eno2"), 0, 0);
	/* Two are needed now. */
	fake_world_cable(&world, eno1, false, true);
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	ck_assert_int_eq(team_view().state, TEAM_DOWN);
}
END_TEST

START_TEST(a_member_becomes_standby_and_its_turn_comes)
{
	struct watch watch;

	start(TWO);
	watch = watch_begin();
	set("team: { name = \"team0\"; mode = \"lacp\"; members = ( { name = \"eno1\"; }, "
	    "{ name = \"eno2\"; standby = true; } ); };");
	expect_member("eno1", TEAM_MEMBER_ACTIVE, "ok");
	ck_assert_int_eq(member_view("eno2").state, TEAM_MEMBER_STANDBY);
	watch_end(&watch, bit_of("eno1"), 0, 0);
	fake_world_cable(&world, eno1, false, true);
	fake_world_run(&world, 10 * NSEC_PER_SEC);
	expect_member("eno2", TEAM_MEMBER_ACTIVE, "ok");
}
END_TEST

START_TEST(a_drain_by_hand_stays_when_something_else_changes)
{
	start(STATIC_TWO);
	drain("eno1", true);
	set(STATIC_HEAD "hash = \"ip-addresses\"; " MEMBERS_TWO "};");
	expect_member("eno1", TEAM_MEMBER_DISABLED, "drained");
	set(STATIC_HEAD
	    "members = ( { name = \"eno1\"; drain = true; }, { name = \"eno2\"; } ); };");
	expect_member("eno1", TEAM_MEMBER_DISABLED, "drained");
	set(STATIC_TWO);
	expect_both_active();
}
END_TEST

START_TEST(a_member_is_disabled_and_enabled_again)
{
	struct watch watch;

	start(STATIC_TWO);
	watch = watch_begin();
	set(STATIC_HEAD
	    "members = ( { name = \"eno1\"; disabled = true; }, { name = \"eno2\"; } ); };");
	expect_member("eno1", TEAM_MEMBER_DISABLED, "disabled");
	watch_end(&watch, bit_of("eno2"), 0, 1);
	set(STATIC_TWO);
	expect_both_active();
	watch_end(&watch, bit_of("eno2"), 1, 1);
}
END_TEST

START_TEST(from_lacp_to_static_at_run_time_no_frame_waits_and_the_partner_is_told)
{
	struct lacp_port_view partner;
	struct watch watch;

	start(TWO);
	watch = watch_begin();
	begin(STATIC_TWO, false);
	fake_world_run(&world, 0);
	ck_assert_int_eq(answer.r, 0);
	ck_assert(answer.done);
	for (unsigned port = 0; port < 2; port++) {
		lacp_port_view(world.partner, port, world.now, &partner);
		ck_assert(!(partner.partner.state & LACP_STATE_SYNCHRONIZATION));
	}
	world.partner_silent = true;
	fake_world_run(&world, 100 * NSEC_PER_SEC);
	expect_both_active();
	ck_assert(device()->spec.carrier_returns);
	ck_assert(!member_view("eno1").has_lacp);
	watch_end(&watch, bit_of("eno1") | bit_of("eno2"), 0, 0);
	ck_assert_uint_eq(team_view().moved_unproven, 0);
}
END_TEST

START_TEST(from_static_to_lacp_at_run_time_the_device_and_the_members_stay)
{
	struct watch watch;

	start(STATIC_TWO);
	watch = watch_begin();
	world.partner_silent = false;
	set(TWO);
	expect_both_active();
	ck_assert(member_view("eno1").has_lacp);
	ck_assert(!device()->spec.carrier_returns);
	watch_end(&watch, 0, 0, 0);
	/* And back, as often as anybody likes. */
	set(STATIC_TWO);
	set(TWO);
	expect_both_active();
	watch_end(&watch, 0, 0, 0);
}
END_TEST

START_TEST(another_datapath_is_refused_with_the_reason)
{
	start(STATIC_TWO);
	refuse(STATIC_HEAD "datapath = \"bpf\"; " MEMBERS_TWO "};", -EOPNOTSUPP,
	       "its device would have to be made anew");
}
END_TEST

START_TEST(members_and_keys_of_other_teams_are_refused)
{
	(void)fake_world_add_link(&world, "eno3", 10000);
	start("teams = ( { name = \"team0\"; mode = \"static\"; " MEMBERS_TWO
	      " }, { name = \"team1\"; mode = \"lacp\"; lacp: { key = 5; }; "
	      "members = ( " MEMBER("eno3") " ); } );");
	refuse(STATIC_THREE, -EBUSY, "eno3 is a member of team1 already");
	refuse(FAST " lacp: { key = 5; }; };", -EBUSY, "lacp.key is 5, which is that of team1");
	expect_both_active();
}
END_TEST

START_TEST(one_is_replaced_while_all_32_slots_are_taken)
{
	char text[4096];
	struct watch watch;

	for (unsigned i = 3; i <= 33; i++) {
		char name[8];

		(void)snprintf(name, sizeof(name), "eno%u", i);
		(void)fake_world_add_link(&world, name, 10000);
	}
	for (unsigned first = 1; first <= 2; first++) {
		size_t used = (size_t)snprintf(text, sizeof(text), "%s", STATIC_HEAD "members = (");

		for (unsigned i = 0; i < 32; i++)
			used += (size_t)snprintf(text + used, sizeof(text) - used,
						 "%s { name = \"eno%u\"; }", i ? "," : "",
						 first + i);
		(void)snprintf(text + used, sizeof(text) - used, " ); };");
		if (first == 1) {
			start(text);
			watch = watch_begin();
		} else {
			set(text);
		}
	}
	ck_assert_int_eq(team_view().state, TEAM_UP);
	ck_assert_uint_eq(device()->members, UINT32_MAX);
	expect_member("eno33", TEAM_MEMBER_ACTIVE, "ok");
	watch_end(&watch, bit_of("eno2") | bit_of("eno32"), 1, 1);
}
END_TEST

#define INDEPENDENT_HEAD "team: { name = \"team0\"; mode = \"switch-independent\"; "

START_TEST(from_static_to_switch_independent_and_back_no_frame_waits)
{
	struct watch watch;

	start(STATIC_TWO);
	watch = watch_begin();
	set(INDEPENDENT_HEAD MEMBERS_TWO "};");
	ck_assert_int_eq(team_view().config->mode, CONFIG_MODE_INDEPENDENT);
	ck_assert(device()->spec.rules.independent);
	ck_assert_ptr_nonnull(team_view().primary);
	ck_assert_int_eq(team_view().state, TEAM_UP);
	watch_end(&watch, bit_of("eno1") | bit_of("eno2"), 0, 0);
	set(STATIC_TWO);
	ck_assert(!device()->spec.rules.independent);
	expect_both_active();
	watch_end(&watch, bit_of("eno1") | bit_of("eno2"), 0, 0);
}
END_TEST

START_TEST(a_preferred_member_becomes_the_primary_and_nobody_stops)
{
	struct watch watch;

	start(INDEPENDENT_HEAD MEMBERS_TWO "};");
	for (unsigned i = 0; i < 4; i++) {
		bool first = i % 2;

		watch = watch_begin();
		set(first ? INDEPENDENT_HEAD "members = ( { name = \"eno1\"; preferred = true; }, "
					     "{ name = \"eno2\"; } ); };"
			  : INDEPENDENT_HEAD "members = ( { name = \"eno1\"; }, { name = \"eno2\"; "
					     "preferred = true; } ); };");
		ck_assert_str_eq(team_view().primary, first ? "eno1" : "eno2");
		watch_end(&watch, bit_of("eno1") | bit_of("eno2"), 0, 0);
	}
}
END_TEST

START_TEST(a_standby_takes_over_from_a_member_that_leaves)
{
	(void)fake_world_add_link(&world, "eno3", 10000);
	start(INDEPENDENT_HEAD "members = ( { name = \"eno1\"; }, { name = \"eno2\"; }, "
			       "{ name = \"eno3\"; standby = true; } ); };");
	ck_assert_int_eq(member_view("eno3").state, TEAM_MEMBER_STANDBY);
	set(INDEPENDENT_HEAD "members = ( { name = \"eno2\"; }, { name = \"eno3\"; } ); };");
	ck_assert_int_eq(member_view("eno3").state, TEAM_MEMBER_ACTIVE);
	ck_assert_int_eq(team_view().state, TEAM_UP);
	ck_assert_uint_eq(member_view("eno2").buckets, 128);
}
END_TEST

START_TEST(a_change_of_balance_brings_and_ends_the_stations)
{
	struct watch watch;

	start(INDEPENDENT_HEAD MEMBERS_TWO "};");
	watch = watch_begin();
	set(INDEPENDENT_HEAD "balance = \"vm-port\"; " MEMBERS_TWO "};");
	ck_assert(device()->spec.rules.homes);
	set(INDEPENDENT_HEAD "balance = \"vm-port\"; announce: { count = 9; }; " MEMBERS_TWO "};");
	set(STATIC_TWO);
	ck_assert(!device()->spec.rules.homes);
	set(STATIC_HEAD "balance = \"vm-port\"; " MEMBERS_TWO "};");
	ck_assert(device()->spec.rules.homes);
	watch_end(&watch, bit_of("eno1") | bit_of("eno2"), 0, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runtime");
	TCase *tcase = tcase_create("runtime");

	tcase_add_checked_fixture(tcase, setup_silent, teardown);
	tcase_add_test(tcase, a_member_that_is_added_touches_no_other);
	tcase_add_test(tcase, a_member_that_leaves_receives_until_all_has_arrived);
	tcase_add_test(tcase, a_member_that_leaves_and_comes_back_at_once_does);
	tcase_add_test(tcase, the_last_member_that_carries_leaves_by_force_only);
	tcase_add_test(tcase, a_device_that_is_refused_takes_the_whole_change_back);
	tcase_add_test(tcase, what_the_datapath_refuses_changes_nothing);
	tcase_add_test(tcase, hash_and_mtu_and_delays_change_without_a_dip);
	tcase_add_test(tcase, a_drain_by_hand_stays_when_something_else_changes);
	tcase_add_test(tcase, a_member_is_disabled_and_enabled_again);
	tcase_add_test(tcase, from_static_to_lacp_at_run_time_the_device_and_the_members_stay);
	tcase_add_test(tcase, another_datapath_is_refused_with_the_reason);
	tcase_add_test(tcase, members_and_keys_of_other_teams_are_refused);
	tcase_add_test(tcase, one_is_replaced_while_all_32_slots_are_taken);
	tcase_add_test(tcase, from_static_to_switch_independent_and_back_no_frame_waits);
	tcase_add_test(tcase, a_preferred_member_becomes_the_primary_and_nobody_stops);
	tcase_add_test(tcase, a_standby_takes_over_from_a_member_that_leaves);
	tcase_add_test(tcase, a_change_of_balance_brings_and_ends_the_stations);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("runtime with a partner");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_member_that_leaves_lacp_tells_its_partner);
	tcase_add_test(tcase, lacp_settings_change_without_leaving_the_team);
	tcase_add_test(tcase, a_member_becomes_standby_and_its_turn_comes);
	tcase_add_test(tcase,
		       from_lacp_to_static_at_run_time_no_frame_waits_and_the_partner_is_told);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
