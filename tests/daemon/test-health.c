/* Monitors beyond the carrier and damping, on a fake datapath, clock and network: who is taken out,
 * when, with which words, and who is not. */
#include "tests/daemon/change.h"

#include "lib/base/array.h"
#include "tests/unit/run.h"

#include <stdio.h>
#include <string.h>

#define TEAM                                                                                       \
	"team: { name = \"team0\"; mode = \"switch-independent\"; members = ( { name = \"eno1\"; " \
	"}, { name = \"eno2\"; } );"
#define ARP "{ type = \"arp\"; targets = [ \"10.0.0.1\", \"10.0.0.2\" ]; interval_ms = 100; }"
#define PROBED TEAM " monitor = ( " ARP " ); };"
#define ONE_TARGET                                                                                 \
	TEAM " monitor = ( { type = \"arp\"; targets = [ \"10.0.0.1\" ]; interval_ms = 100; } ); " \
	     "};"
#define FOUND_WITHIN (300 * NSEC_PER_MS)

static const struct probe_address gateway = { .bytes = { 10, 0, 0, 1 } };
static const struct probe_address stranger = { .bytes = { 10, 0, 0, 99 } };

static void setup_health(void)
{
	setup();
	world.network.n_hosts = 1;
	world.network.hosts[0].address = gateway;
}

static void start_health(const char *config)
{
	world.partner_silent = true;
	start(config);
}

static bool carries(const char *name)
{
	return fake_device_fit(device()) >> member_view(name).slot & 1;
}

static bool may_receive(const char *name)
{
	return device()->may_receive >> member_view(name).slot & 1;
}

static void expect_words(const char *name, const char *words)
{
	struct team_member_view view = member_view(name);

	ck_assert_msg(strstr(view.explanation, words), "\"%s\" is not in \"%s\"", words,
		      view.explanation);
}

static void kill_way(int ifindex, bool dead)
{
	fake_world_link(&world, ifindex)->way_is_dead = dead;
}

START_TEST(without_monitors_nothing_is_asked_and_nothing_is_due)
{
	start_health(TEAM " };");
	ck_assert(carries("eno1") && carries("eno2"));
	ck_assert(!fake_world_link(&world, eno1)->asks);
	world.n_frames = 0;
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	ck_assert_uint_eq(world.n_frames, 0);
	ck_assert_uint_gt(host_deadline(world.host), world.now + NSEC_PER_SEC);
}
END_TEST

START_TEST(a_dead_way_is_found_within_the_time_and_its_member_leaves_traffic)
{
	nsec_t died;

	start_health(PROBED);
	ck_assert(carries("eno1") && carries("eno2"));
	fake_world_run(&world, 37 * NSEC_PER_MS);
	kill_way(eno1, true);
	died = world.now;
	while (carries("eno1"))
		fake_world_run(&world, NSEC_PER_MS);
	ck_assert_uint_le(world.now - died, FOUND_WITHIN + NSEC_PER_MS);
	ck_assert(!may_receive("eno1"));
	ck_assert(carries("eno2"));
	expect_member("eno1", TEAM_MEMBER_FAILED, "probe-unanswered");
	expect_words("eno1", "none of 10.0.0.1, 10.0.0.2 has answered on it for 3");
	ck_assert_int_eq(team_view().state, TEAM_DEGRADED);
	ck_assert_uint_eq(member_view("eno2").buckets, 256);
}
END_TEST

START_TEST(it_comes_back_when_it_is_answered_again_after_the_delay)
{
	start_health(TEAM " monitor = ( { type = \"carrier\"; up_delay_ms = 2000; }, " ARP
			  " ); };");
	kill_way(eno1, true);
	fake_world_run(&world, NSEC_PER_SEC);
	ck_assert(!carries("eno1"));
	kill_way(eno1, false);
	fake_world_run(&world, 1900 * NSEC_PER_MS);
	ck_assert(!carries("eno1"));
	expect_member("eno1", TEAM_MEMBER_DOWN, "waiting");
	fake_world_run(&world, 400 * NSEC_PER_MS);
	ck_assert(carries("eno1") && may_receive("eno1"));
	fake_world_run(&world, 30 * NSEC_PER_SEC);
	ck_assert_uint_eq(member_view("eno1").buckets, 128);
}
END_TEST

/* The link of a dead way goes and comes: it does not carry before it is answered. */
START_TEST(a_new_link_has_to_prove_its_way)
{
	start_health(PROBED);
	kill_way(eno1, true);
	fake_world_run(&world, NSEC_PER_SEC);
	fake_world_cable(&world, eno1, false, true);
	fake_world_run(&world, NSEC_PER_SEC);
	fake_world_cable(&world, eno1, true, true);
	for (unsigned i = 0; i < 2000; i++) {
		ck_assert(!carries("eno1"));
		fake_world_run(&world, NSEC_PER_MS);
	}
	expect_member("eno1", TEAM_MEMBER_FAILED, "probe-unanswered");
	expect_words("eno1", "since its link is up");
	kill_way(eno1, false);
	fake_world_run(&world, NSEC_PER_SEC);
	ck_assert(carries("eno1"));
}
END_TEST

static void hear(int ifindex, const struct probe_address *who, const struct mac *asker,
		 uint16_t vlan)
{
	uint8_t frame[PROBE_FRAME_MAX];
	size_t size = fake_answer_build(who, asker, vlan, frame);

	host_probe_frame(world.host, ifindex, (struct span){ frame, size });
}

enum chatter {
	CHATTER_STRANGER,
	CHATTER_OTHER_MEMBER,
	CHATTER_VLAN,
	CHATTER_BROADCAST,
	CHATTER_OURSELVES,
	CHATTER_QUESTION,
	CHATTER_RUBBISH,
};

static const char *const chatter_words[] = {
	[CHATTER_STRANGER] = "answers of another host",
	[CHATTER_OTHER_MEMBER] = "the target's answers to another member, flooded",
	[CHATTER_VLAN] = "the target's answers in another VLAN",
	[CHATTER_BROADCAST] = "what the target tells everybody",
	[CHATTER_OURSELVES] = "answers of our own host, as the target has its address",
	[CHATTER_QUESTION] = "questions of the target",
	[CHATTER_RUBBISH] = "rubbish",
};

static void chatter(enum chatter kind)
{
	const struct mac *own = &fake_world_link(&world, eno1)->link.mac;
	const struct mac *other = &fake_world_link(&world, eno2)->link.mac;
	static const struct mac everybody = { { 255, 255, 255, 255, 255, 255 } };
	uint8_t frame[PROBE_FRAME_MAX] = {};

	switch (kind) {
	case CHATTER_STRANGER:
		hear(eno1, &stranger, own, 0);
		return;
	case CHATTER_OTHER_MEMBER:
		hear(eno1, &gateway, other, 0);
		return;
	case CHATTER_VLAN:
		hear(eno1, &gateway, own, 7);
		return;
	case CHATTER_BROADCAST:
		hear(eno1, &gateway, &everybody, 0);
		return;
	case CHATTER_OURSELVES:
		(void)fake_answer_build(&gateway, own, 0, frame);
		memcpy(frame + 14 + 8, other, sizeof(*other));
		break;
	case CHATTER_QUESTION:
		(void)fake_answer_build(&gateway, own, 0, frame);
		frame[14 + 7] = 1;
		break;
	case CHATTER_RUBBISH:
		frame[12] = 8;
		frame[13] = 6;
		break;
	}
	host_probe_frame(world.host, eno1, (struct span){ frame, 60 });
}

START_TEST(other_traffic_does_not_keep_a_dead_way_alive)
{
	nsec_t died;

	start_health(PROBED);
	kill_way(eno1, true);
	died = world.now;
	while (carries("eno1") && world.now < died + NSEC_PER_SEC) {
		chatter((enum chatter)_i);
		fake_world_run(&world, NSEC_PER_MS);
	}
	ck_assert_msg(!carries("eno1"), "%s keep it alive", chatter_words[_i]);
	for (unsigned i = 0; i < 1000; i++) {
		chatter((enum chatter)_i);
		fake_world_run(&world, NSEC_PER_MS);
		ck_assert_msg(!carries("eno1"), "%s revive it", chatter_words[_i]);
	}
}
END_TEST

START_TEST(a_host_that_answers_for_somebody_else_is_no_target)
{
	world.network.hosts[0].claims = stranger;
	start_health(ONE_TARGET);
	ck_assert(carries("eno1") && carries("eno2"));
	expect_member("eno1", TEAM_MEMBER_ACTIVE, "probe-silent");
	expect_words("eno1", "10.0.0.1");
}
END_TEST

START_TEST(targets_that_were_never_there_take_nobody_out_and_are_told_of)
{
	world.network.n_hosts = 0;
	start_health(PROBED);
	fake_world_run(&world, 60 * NSEC_PER_SEC);
	ck_assert(carries("eno1") && carries("eno2"));
	expect_member("eno1", TEAM_MEMBER_ACTIVE, "probe-silent");
	expect_words("eno1", "none of 10.0.0.1, 10.0.0.2 has answered on any member");
	ck_assert_int_eq(team_view().state, TEAM_UP);
	world.network.n_hosts = 1;
	fake_world_run(&world, NSEC_PER_SEC);
	expect_words("eno2", "");
	ck_assert_str_ne(member_view("eno1").reason, "probe-silent");
}
END_TEST

START_TEST(a_target_that_restarts_moves_nothing)
{
	unsigned n_allow, n_place;

	start_health(ONE_TARGET);
	n_allow = kernel.n_allow;
	n_place = kernel.n_place;
	world.network.hosts[0].silent = true;
	fake_world_run(&world, 60 * NSEC_PER_SEC);
	world.network.hosts[0].silent = false;
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	ck_assert_uint_eq(kernel.n_allow, n_allow);
	ck_assert_uint_eq(kernel.n_place, n_place);
}
END_TEST

START_TEST(the_last_member_carries_however_bad_it_is)
{
	start_health(PROBED);
	kill_way(eno1, true);
	fake_world_run(&world, NSEC_PER_SEC);
	ck_assert(!carries("eno1"));
	fake_world_cable(&world, eno2, false, true);
	fake_world_run(&world, 0);
	ck_assert(carries("eno1"));
	expect_member("eno1", TEAM_MEMBER_ACTIVE, "probe-unanswered");
	expect_words("eno1", "it carries for want of a better one");
	/* The better one is back: it has to prove itself, and takes over then. */
	fake_world_cable(&world, eno2, true, true);
	fake_world_run(&world, NSEC_PER_SEC);
	ck_assert(carries("eno2") && !carries("eno1"));
}
END_TEST

START_TEST(neighbour_solicitations_do_as_well_in_a_vlan)
{
	world.network.hosts[0] = (struct fake_host){
		.address = { .v6 = true, .bytes = { 0xfe, 0x80, [15] = 1 } },
		.vlan = 42,
	};
	start_health(TEAM " monitor = ( { type = \"nd\"; targets = [ \"fe80::1\" ]; vlan = 42; "
			  "interval_ms = 50; missed_max = 2; } ); };");
	ck_assert_str_ne(member_view("eno1").reason, "probe-silent");
	kill_way(eno2, true);
	fake_world_run(&world, 101 * NSEC_PER_MS);
	ck_assert(carries("eno1") && !carries("eno2"));
	expect_words("eno2", "fe80::1 in VLAN 42");
}
END_TEST

static void set_speed(int ifindex, uint32_t speed_mbps, bool full_duplex)
{
	struct fake_link *link = fake_world_link(&world, ifindex);
	struct link before = link->link;

	link->link.speed_mbps = speed_mbps;
	link->link.full_duplex = full_duplex;
	host_link_changed(world.host, &link->link, &before);
	fake_world_run(&world, 0);
}

static const struct {
	uint32_t speed_mbps;
	bool full_duplex;
	const char *reason; /* NULL: it carries. */
} speeds[] = {
	{ 1000, true, NULL },           { 999, true, "too-slow" }, { 100, false, "too-slow" },
	{ 1000, false, "half-duplex" }, { 0, true, NULL },         { 25000, true, NULL },
};

START_TEST(a_link_that_is_too_slow_is_not_used)
{
	start_health(TEAM " monitor = ( { type = \"speed\"; min_speed_mbps = 1000; full_duplex = "
			  "true; } ); };");
	ck_assert(carries("eno1") && carries("eno2"));
	for (unsigned i = 0; i < 3; i++) {
		set_speed(eno1, speeds[_i].speed_mbps, speeds[_i].full_duplex);
		ck_assert_int_eq(carries("eno1"), !speeds[_i].reason);
		if (speeds[_i].reason)
			expect_member("eno1", TEAM_MEMBER_FAILED, speeds[_i].reason);
		set_speed(eno1, 10000, true);
		ck_assert(carries("eno1"));
	}
	/* When all are, the team goes on. */
	set_speed(eno1, speeds[_i].speed_mbps, speeds[_i].full_duplex);
	set_speed(eno2, speeds[_i].speed_mbps, speeds[_i].full_duplex);
	ck_assert(carries("eno1") || carries("eno2"));
}
END_TEST

START_TEST(frames_with_errors_take_a_member_out_until_there_are_few)
{
	start_health(TEAM " monitor = ( { type = \"errors\"; errors_max = 10; interval_ms = 1000; "
			  "} ); };");
	fake_world_link(&world, eno1)->errors += 10;
	fake_world_run(&world, 2 * NSEC_PER_SEC);
	ck_assert(carries("eno1"));
	fake_world_link(&world, eno1)->errors += 11;
	fake_world_run(&world, NSEC_PER_SEC);
	ck_assert(!carries("eno1"));
	expect_member("eno1", TEAM_MEMBER_FAILED, "errors");
	expect_words("eno1", "it received 11 frames with errors within 1000 ms");
	fake_world_run(&world, 2 * NSEC_PER_SEC);
	ck_assert(!carries("eno1"));
	fake_world_run(&world, NSEC_PER_SEC);
	ck_assert(carries("eno1"));
	/* A counter that begins anew is no flood of errors. */
	fake_world_link(&world, eno1)->errors = 0;
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	ck_assert(carries("eno1"));
}
END_TEST

static void bounce(int ifindex, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		fake_world_cable(&world, ifindex, false, true);
		fake_world_run(&world, 100 * NSEC_PER_MS);
		fake_world_cable(&world, ifindex, true, true);
		fake_world_run(&world, 100 * NSEC_PER_MS);
	}
}

START_TEST(a_link_that_is_lost_again_and_again_is_kept_out_ever_longer)
{
	start_health(TEAM " };");
	bounce(eno1, 4);
	ck_assert(carries("eno1"));
	bounce(eno1, 1);
	ck_assert(!carries("eno1") && !may_receive("eno1"));
	expect_member("eno1", TEAM_MEMBER_FAILED, "flapping");
	expect_words("eno1", "it failed 5 times within 60 s; it stays out for 10 s more");
	fake_world_run(&world, 9700 * NSEC_PER_MS);
	ck_assert(!carries("eno1"));
	fake_world_run(&world, 300 * NSEC_PER_MS);
	ck_assert(carries("eno1"));
	bounce(eno1, 5);
	fake_world_run(&world, 19 * NSEC_PER_SEC);
	ck_assert(!carries("eno1"));
	fake_world_run(&world, NSEC_PER_SEC);
	ck_assert(carries("eno1"));
}
END_TEST

START_TEST(a_flapping_member_carries_when_the_other_one_fails)
{
	start_health(TEAM " };");
	bounce(eno1, 5);
	ck_assert(!carries("eno1"));
	fake_world_cable(&world, eno2, false, true);
	fake_world_run(&world, 0);
	ck_assert(carries("eno1"));
	expect_member("eno1", TEAM_MEMBER_ACTIVE, "flapping");
	fake_world_cable(&world, eno2, true, true);
	fake_world_run(&world, 0);
	ck_assert(carries("eno2") && !carries("eno1"));
}
END_TEST

START_TEST(without_damping_it_may_flap)
{
	start_health(TEAM " flap_damping: { flaps = 0; }; };");
	bounce(eno1, 50);
	ck_assert(carries("eno1"));
}
END_TEST

static const struct {
	const char *policy;
	bool dead, slow;
	bool carries;
} policies[] = {
	{ "all", false, false, true }, { "all", true, false, false }, { "all", false, true, false },
	{ "any", true, false, true },  { "any", false, true, true },  { "any", true, true, false },
};

START_TEST(monitors_are_combined_by_the_policy)
{
	char config[600];

	(void)snprintf(config, sizeof(config),
		       TEAM " monitor_policy = \"%s\"; monitor = ( " ARP
			    ", { type = \"speed\"; min_speed_mbps = 1000; } ); };",
		       policies[_i].policy);
	start_health(config);
	kill_way(eno1, policies[_i].dead);
	if (policies[_i].slow)
		set_speed(eno1, 100, true);
	fake_world_run(&world, NSEC_PER_SEC);
	ck_assert_int_eq(carries("eno1"), policies[_i].carries);
	/* Without a link nothing helps. */
	fake_world_cable(&world, eno1, false, true);
	fake_world_run(&world, NSEC_PER_SEC);
	ck_assert(!carries("eno1"));
}
END_TEST

/* The switch's port of eno1. */
static bool partner_distributes(void)
{
	struct lacp_port_view view;

	lacp_port_view(world.partner, (unsigned)(fake_world_link(&world, eno1) - world.links),
		       world.now, &view);
	return view.distributing;
}

START_TEST(a_lacp_partner_is_told_to_stop_and_asked_again)
{
	static const char config[] = FAST
		" lacp: { rate = \"fast\"; }; monitor = ( { type = \"speed\"; min_speed_mbps = "
		"1000; } ); };";

	start(config);
	expect_both_active();
	ck_assert(partner_distributes());
	set_speed(eno1, 100, true);
	ck_assert(!carries("eno1"));
	expect_member("eno1", TEAM_MEMBER_FAILED, "too-slow");
	/* At once, and not after the partner's timeout. */
	ck_assert(!partner_distributes());
	fake_world_run(&world, 10 * NSEC_PER_SEC);
	ck_assert(!carries("eno1"));
	set_speed(eno1, 10000, true);
	fake_world_run(&world, 10 * NSEC_PER_SEC);
	expect_both_active();
}
END_TEST

START_TEST(a_restarted_daemon_trusts_those_that_carry)
{
	start_health(PROBED);
	fake_world_kill(&world);
	fake_world_start(&world, PROBED);
	for (unsigned i = 0; i < 1000; i++) {
		fake_world_run(&world, NSEC_PER_MS);
		ck_assert(fake_device_fit(device()) == 3);
	}
	kill_way(eno1, true);
	fake_world_run(&world, FOUND_WITHIN);
	ck_assert(!carries("eno1"));
}
END_TEST

START_TEST(monitors_change_while_the_team_runs)
{
	start_health(PROBED);
	kill_way(eno1, true);
	fake_world_run(&world, NSEC_PER_SEC);
	ck_assert(!carries("eno1"));
	/* What nobody looks at keeps nobody out. */
	set(TEAM " };");
	fake_world_run(&world, 0);
	ck_assert(carries("eno1") && carries("eno2"));
	ck_assert(!fake_world_link(&world, eno1)->asks);
	set(ONE_TARGET);
	fake_world_run(&world, NSEC_PER_SEC);
	ck_assert(carries("eno2") && !carries("eno1"));
	expect_words("eno1", "10.0.0.1 has not answered on it since its link is up");
}
END_TEST

START_TEST(a_member_that_goes_asks_no_more)
{
	start_health(PROBED);
	ck_assert(fake_world_link(&world, eno1)->asks);
	fake_world_remove_link(&world, eno1);
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	ck_assert(carries("eno2"));
	eno1 = fake_world_add_link(&world, "eno1", 10000);
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	ck_assert(carries("eno1") && fake_world_link(&world, eno1)->asks);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("health");
	TCase *tcase = tcase_create("health");

	tcase_add_checked_fixture(tcase, setup_health, teardown);
	tcase_add_test(tcase, without_monitors_nothing_is_asked_and_nothing_is_due);
	tcase_add_test(tcase, a_dead_way_is_found_within_the_time_and_its_member_leaves_traffic);
	tcase_add_test(tcase, it_comes_back_when_it_is_answered_again_after_the_delay);
	tcase_add_test(tcase, a_new_link_has_to_prove_its_way);
	tcase_add_loop_test(tcase, other_traffic_does_not_keep_a_dead_way_alive, 0,
			    ARRAY_SIZE(chatter_words));
	tcase_add_test(tcase, a_host_that_answers_for_somebody_else_is_no_target);
	tcase_add_test(tcase, targets_that_were_never_there_take_nobody_out_and_are_told_of);
	tcase_add_test(tcase, a_target_that_restarts_moves_nothing);
	tcase_add_test(tcase, the_last_member_carries_however_bad_it_is);
	tcase_add_test(tcase, neighbour_solicitations_do_as_well_in_a_vlan);
	tcase_add_loop_test(tcase, a_link_that_is_too_slow_is_not_used, 0, ARRAY_SIZE(speeds));
	tcase_add_test(tcase, frames_with_errors_take_a_member_out_until_there_are_few);
	tcase_add_test(tcase, a_link_that_is_lost_again_and_again_is_kept_out_ever_longer);
	tcase_add_test(tcase, a_flapping_member_carries_when_the_other_one_fails);
	tcase_add_test(tcase, without_damping_it_may_flap);
	tcase_add_loop_test(tcase, monitors_are_combined_by_the_policy, 0, ARRAY_SIZE(policies));
	tcase_add_test(tcase, a_lacp_partner_is_told_to_stop_and_asked_again);
	tcase_add_test(tcase, a_restarted_daemon_trusts_those_that_carry);
	tcase_add_test(tcase, monitors_change_while_the_team_runs);
	tcase_add_test(tcase, a_member_that_goes_asks_no_more);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
