/* What is set in the team driver, for what it has and what it should have. */
#include "daemon/datapath/dp-team-options.h"
#include "lib/base/array.h"
#include "tests/unit/run.h"

#include <string.h>

#define FIRST 11 /* ifindexes */
#define SECOND 12
#define STRANGER 99

static const struct span no_hash;

static struct team_option of_port(const char *name, int port, uint32_t value)
{
	return (struct team_option){
		.name = name, .type = TEAM_OPTION_BOOL, .port = port, .number = value
	};
}

static struct team_option of_bucket(unsigned bucket, uint32_t ifindex)
{
	return (struct team_option){ .name = "lb_tx_hash_to_port_mapping",
				     .type = TEAM_OPTION_U32,
				     .is_array = true,
				     .index = bucket,
				     .number = ifindex };
}

static void take(struct dp_team_options *options, struct team_option option)
{
	dp_team_options_take(options, &option, no_hash);
}

/* A kernel with these ports, as they are when they have just been put in. */
static void fresh_port(struct dp_team_options *options, int ifindex, bool decoupled)
{
	take(options, of_port("enabled", ifindex, true));
	take(options, of_port("user_linkup", ifindex, false));
	take(options, of_port("user_linkup_enabled", ifindex, false));
	if (decoupled) {
		take(options, of_port("rx_enabled", ifindex, true));
		take(options, of_port("tx_enabled", ifindex, true));
	}
}

struct bench {
	struct dp_team_options options;
	struct dp_team_wish wish;
	struct dp_team_changes changes;
};

/* Two members that carry half of the buckets each, and a kernel that has it so. */
static void two_members(struct bench *bench, bool decoupled)
{
	static const uint32_t weights[PLACEMENT_MEMBERS] = { 1, 1 };
	uint8_t none[PLACEMENT_BUCKETS];

	memset(bench, 0, sizeof(*bench));
	memset(none, PLACEMENT_NONE, sizeof(none));
	fresh_port(&bench->options, FIRST, decoupled);
	fresh_port(&bench->options, SECOND, decoupled);
	bench->wish.ifindexes[0] = FIRST;
	bench->wish.ifindexes[1] = SECOND;
	bench->wish.marks[0] = dp_team_mark_encode(&(struct dp_team_mark){ .slot = 0 });
	bench->wish.marks[1] = dp_team_mark_encode(&(struct dp_team_mark){ .slot = 1 });
	bench->wish.may_send = 3;
	bench->wish.may_receive = 3;
	bench->wish.carrier = 3;
	bench->wish.team_carrier = true;
	placement_make(&bench->wish.plan, 3, weights, none);
	dp_team_changes_make(&bench->options, &bench->wish, &bench->changes);
}

/* As the kernel does: a port that does not send loses its buckets, and one that is mapped to such
 * a port is refused. */
static void carry_out(struct bench *bench)
{
	for (unsigned i = 0; i < bench->changes.n; i++) {
		const struct team_option *option = &bench->changes.options[i];
		const struct dp_team_port *port;

		if (!option->port) {
			port = dp_team_port_find(&bench->options, (int)option->number);
			ck_assert(port && (port->decoupled ? port->tx_enabled : port->enabled));
		}
		dp_team_options_made(&bench->options, option);
	}
	dp_team_changes_make(&bench->options, &bench->wish, &bench->changes);
	ck_assert_uint_eq(bench->changes.n, 0);
}

static unsigned count(const struct bench *bench, int ifindex)
{
	unsigned n = 0;

	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
		n += bench->options.buckets[b] == (uint32_t)ifindex;
	return n;
}

START_TEST(marks_come_back_as_they_were)
{
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++) {
		const struct dp_team_mark mark = {
			.slot = slot,
			.was_up = slot % 2,
			.has_addr_gen_mode = slot % 3,
			.addr_gen_mode = (uint8_t)(slot % 4),
		};
		struct dp_team_mark read;

		ck_assert(dp_team_mark_decode(dp_team_mark_encode(&mark), &read));
		ck_assert_uint_eq(read.slot, mark.slot);
		ck_assert_int_eq(read.was_up, mark.was_up);
		ck_assert_int_eq(read.has_addr_gen_mode, mark.has_addr_gen_mode);
		ck_assert_uint_eq(read.addr_gen_mode, mark.addr_gen_mode);
	}
}
END_TEST

START_TEST(priorities_of_others_are_no_marks)
{
	static const int32_t others[] = { 0, 1, -1, 100, INT32_MAX, INT32_MIN, 0x78000000 };
	struct dp_team_mark mark;

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		ck_assert(!dp_team_mark_decode(others[i], &mark));
}
END_TEST

START_TEST(what_is_right_is_not_set_again)
{
	struct bench bench;

	two_members(&bench, _i);
	ck_assert_uint_gt(bench.changes.n, 0);
	carry_out(&bench);
	ck_assert_uint_eq(count(&bench, FIRST), 128);
	ck_assert_uint_eq(count(&bench, SECOND), 128);
}
END_TEST

START_TEST(a_failed_member_is_out_of_use_before_anything_else)
{
	struct bench bench;

	two_members(&bench, _i);
	carry_out(&bench);
	bench.wish.carrier = 2;
	dp_team_changes_make(&bench.options, &bench.wish, &bench.changes);
	ck_assert_uint_eq(bench.changes.n_urgent, _i ? 2 : 1);
	ck_assert_int_eq(bench.changes.options[0].port, FIRST);
	ck_assert_uint_eq(bench.changes.options[0].number, false);
	/* Only its own buckets move. */
	ck_assert_uint_eq(bench.changes.n, bench.changes.n_urgent + 128);
	carry_out(&bench);
	ck_assert_uint_eq(count(&bench, SECOND), 256);
}
END_TEST

START_TEST(a_member_that_only_receives_has_no_bucket)
{
	struct bench bench;
	const struct dp_team_port *port;

	two_members(&bench, _i);
	bench.wish.may_send = 2;
	dp_team_changes_make(&bench.options, &bench.wish, &bench.changes);
	carry_out(&bench);
	port = dp_team_port_find(&bench.options, FIRST);
	ck_assert_uint_eq(count(&bench, FIRST), 0);
	ck_assert_uint_eq(count(&bench, SECOND), 256);
	ck_assert(_i ? port->rx_enabled && !port->tx_enabled : port->enabled);
}
END_TEST

START_TEST(a_port_of_somebody_else_is_out_of_use)
{
	struct bench bench;

	two_members(&bench, false);
	carry_out(&bench);
	fresh_port(&bench.options, STRANGER, false);
	dp_team_changes_make(&bench.options, &bench.wish, &bench.changes);
	ck_assert_uint_eq(bench.changes.n_urgent, 1);
	ck_assert_int_eq(bench.changes.options[0].port, STRANGER);
	ck_assert_uint_eq(bench.changes.options[0].number, false);
	carry_out(&bench);
}
END_TEST

/* Which of them carries is for the programs to say, at once and without the driver. */
START_TEST(in_a_steered_team_each_port_is_enabled_and_has_a_queue)
{
	struct bench bench;

	two_members(&bench, _i);
	bench.wish.steered = true;
	bench.wish.may_send = 1;
	bench.wish.carrier = 1;
	fresh_port(&bench.options, STRANGER, _i);
	dp_team_changes_make(&bench.options, &bench.wish, &bench.changes);
	carry_out(&bench);
	ck_assert_uint_eq(dp_team_port_find(&bench.options, FIRST)->queue, 1);
	ck_assert_uint_eq(dp_team_port_find(&bench.options, SECOND)->queue, 2);
	ck_assert(dp_team_port_find(&bench.options, FIRST)->enabled);
	ck_assert(dp_team_port_find(&bench.options, SECOND)->enabled);
	ck_assert(!dp_team_port_find(&bench.options, STRANGER)->enabled);
	ck_assert_uint_eq(dp_team_port_find(&bench.options, STRANGER)->queue, 0);
	bench.wish.steered = false;
	dp_team_changes_make(&bench.options, &bench.wish, &bench.changes);
	carry_out(&bench);
	ck_assert_uint_eq(dp_team_port_find(&bench.options, FIRST)->queue, 0);
	ck_assert(!dp_team_port_find(&bench.options, SECOND)->enabled ||
		  bench.wish.may_receive & bench.wish.carrier & 2);
}
END_TEST

START_TEST(without_the_teams_carrier_no_link_counts)
{
	struct bench bench;

	two_members(&bench, false);
	bench.wish.team_carrier = false;
	dp_team_changes_make(&bench.options, &bench.wish, &bench.changes);
	carry_out(&bench);
	ck_assert(dp_team_port_find(&bench.options, FIRST)->overridden);
	ck_assert(!dp_team_port_find(&bench.options, FIRST)->linkup);
	bench.wish.team_carrier = true;
	dp_team_changes_make(&bench.options, &bench.wish, &bench.changes);
	carry_out(&bench);
	ck_assert(!dp_team_port_find(&bench.options, FIRST)->overridden);
}
END_TEST

START_TEST(a_member_without_a_port_gets_no_bucket)
{
	struct bench bench;

	two_members(&bench, false);
	bench.options.n_ports = 1;
	dp_team_changes_make(&bench.options, &bench.wish, &bench.changes);
	carry_out(&bench);
	ck_assert_uint_eq(count(&bench, FIRST), 256);
}
END_TEST

START_TEST(what_is_adopted_is_not_changed)
{
	struct dp_team_wish adopted;
	struct bench bench;

	two_members(&bench, _i);
	carry_out(&bench);
	dp_team_wish_adopt(&bench.options, &adopted);
	ck_assert_uint_eq(adopted.may_send, 3);
	ck_assert_uint_eq(adopted.may_receive, 3);
	ck_assert_uint_eq(adopted.carrier, 3);
	ck_assert(adopted.team_carrier);
	ck_assert_int_eq(adopted.ifindexes[1], SECOND);
	dp_team_changes_make(&bench.options, &adopted, &bench.changes);
	ck_assert_uint_eq(bench.changes.n, 0);
}
END_TEST

START_TEST(ports_without_a_mark_or_with_anothers_get_free_slots)
{
	struct dp_team_wish adopted;
	struct bench bench;

	two_members(&bench, false);
	bench.wish.marks[1] = bench.wish.marks[0];
	dp_team_changes_make(&bench.options, &bench.wish, &bench.changes);
	carry_out(&bench);
	fresh_port(&bench.options, STRANGER, false);
	dp_team_wish_adopt(&bench.options, &adopted);
	ck_assert_int_eq(adopted.ifindexes[0], FIRST);
	ck_assert_int_eq(adopted.ifindexes[1], SECOND);
	ck_assert_int_eq(adopted.ifindexes[2], STRANGER);
}
END_TEST

START_TEST(news_of_what_was_set_agree_and_others_do_not)
{
	struct bench bench;
	struct team_option option;

	two_members(&bench, false);
	carry_out(&bench);
	option = of_port("enabled", FIRST, true);
	ck_assert(dp_team_options_agree(&bench.options, &option, no_hash));
	option = of_port("enabled", FIRST, false);
	ck_assert(!dp_team_options_agree(&bench.options, &option, no_hash));
	option = of_port("enabled", STRANGER, true);
	ck_assert(!dp_team_options_agree(&bench.options, &option, no_hash));
	option = of_bucket(7, bench.options.buckets[7]);
	ck_assert(dp_team_options_agree(&bench.options, &option, no_hash));
	option = of_bucket(7, STRANGER);
	ck_assert(!dp_team_options_agree(&bench.options, &option, no_hash));
	option = (struct team_option){ .name = "lb_hash_stats", .type = TEAM_OPTION_BYTES };
	ck_assert(dp_team_options_agree(&bench.options, &option, no_hash));
}
END_TEST

START_TEST(more_ports_than_there_is_room_for_do_no_harm)
{
	struct bench bench;

	two_members(&bench, false);
	for (int port = 1000; port < 1000 + 2 * DP_TEAM_PORTS; port++)
		fresh_port(&bench.options, port, true);
	ck_assert_uint_eq(bench.options.n_ports, DP_TEAM_PORTS);
	dp_team_changes_make(&bench.options, &bench.wish, &bench.changes);
	ck_assert_uint_le(bench.changes.n, DP_TEAM_CHANGES);
	carry_out(&bench);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("team-options");
	TCase *tcase = tcase_create("team-options");

	tcase_add_test(tcase, marks_come_back_as_they_were);
	tcase_add_test(tcase, priorities_of_others_are_no_marks);
	/* On kernels that enable both directions together, and on others. */
	tcase_add_loop_test(tcase, what_is_right_is_not_set_again, 0, 2);
	tcase_add_loop_test(tcase, a_failed_member_is_out_of_use_before_anything_else, 0, 2);
	tcase_add_loop_test(tcase, a_member_that_only_receives_has_no_bucket, 0, 2);
	tcase_add_test(tcase, a_port_of_somebody_else_is_out_of_use);
	tcase_add_loop_test(tcase, in_a_steered_team_each_port_is_enabled_and_has_a_queue, 0, 2);
	tcase_add_test(tcase, without_the_teams_carrier_no_link_counts);
	tcase_add_test(tcase, a_member_without_a_port_gets_no_bucket);
	tcase_add_loop_test(tcase, what_is_adopted_is_not_changed, 0, 2);
	tcase_add_test(tcase, ports_without_a_mark_or_with_anothers_get_free_slots);
	tcase_add_test(tcase, news_of_what_was_set_agree_and_others_do_not);
	tcase_add_test(tcase, more_ports_than_there_is_room_for_do_no_harm);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
