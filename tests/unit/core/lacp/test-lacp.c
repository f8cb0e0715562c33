/* What a caller of the engine sees: actions and their order, views, the trace, deadlines. What the
 * machines do is in tests/sim/conformance. */
#include "lib/base/array.h"
#include "tests/unit/core/lacp/engine.h"
#include "tests/unit/run.h"

#define START (1000 * NSEC_PER_SEC)

static struct lacp *lacp;

static void start(void)
{
	lacp = engine_carrying(START);
}

static void finish(void)
{
	lacp_free(lacp);
}

/* The types of the actions that wait, notes left out, as letters. */
static const char *drain(char text[static 32])
{
	struct lacp_action action;
	size_t n = 0;

	while (lacp_next_action(lacp, &action)) {
		static const char letters[] = { [LACP_ACTION_SEND] = 'S',
						[LACP_ACTION_PORT] = 'P',
						[LACP_ACTION_MARKER] = 'M',
						[LACP_ACTION_NOTE] = 'N',
						[LACP_ACTION_REMOVED] = 'R' };

		if (action.type != LACP_ACTION_NOTE && n < 31)
			text[n++] = letters[action.type];
	}
	text[n] = '\0';
	return text;
}

START_TEST(traffic_stops_before_the_partner_is_told)
{
	struct lacp_info partner = engine_partner;
	char text[32];

	partner.state = 0x07;
	engine_hear(lacp, 0, &partner, START + NSEC_PER_SEC);
	ck_assert_str_eq(drain(text), "PS");
}
END_TEST

START_TEST(a_removed_port_stops_then_says_farewell_then_is_gone)
{
	char text[32];

	ck_assert_uint_ne(lacp_marker_send(lacp, 0, START), 0);
	ck_assert_str_eq(drain(text), "S");
	lacp_port_remove(lacp, 0, START);
	ck_assert(!lacp_port_exists(lacp, 0));
	ck_assert_str_eq(drain(text), "PSMR");
}
END_TEST

START_TEST(a_removed_port_collects_until_its_farewell)
{
	struct lacp_action action;
	struct lacpdu pdu;
	struct marker marker;

	lacp_port_remove(lacp, 0, START);
	ck_assert(lacp_next_action(lacp, &action));
	ck_assert_int_eq(action.type, LACP_ACTION_PORT);
	ck_assert(action.collecting && !action.distributing);
	ck_assert(lacp_next_action(lacp, &action));
	ck_assert_int_eq(action.type, LACP_ACTION_SEND);
	ck_assert_int_eq(
		pdu_decode((struct span){ action.payload, sizeof(action.payload) }, &pdu, &marker),
		PDU_LACP);
	ck_assert_uint_eq(pdu.actor.state, 0x07);
	ck_assert_uint_eq(pdu.partner.key, engine_partner.key);
}
END_TEST

START_TEST(a_queue_that_is_never_drained_keeps_the_latest_and_does_not_overflow)
{
	struct lacp_info partner = engine_partner;
	struct lacp_action action;
	unsigned n = 0;

	for (unsigned i = 0; i < 20000; i++) {
		partner.key = (uint16_t)i;
		engine_hear(lacp, 0, &partner, START + i * NSEC_PER_SEC);
	}
	while (lacp_next_action(lacp, &action))
		n++;
	ck_assert_uint_lt(n, 1100);
	ck_assert(!lacp_next_action(lacp, &action));
}
END_TEST

START_TEST(the_trace_has_the_last_transitions_without_gaps_in_their_serials)
{
	struct lacp_trace_entry entries[LACP_TRACE_SIZE + 1];
	size_t n;

	for (unsigned i = 0; i < 100; i++) {
		lacp_port_link(lacp, 0, false, true, START + i * NSEC_PER_SEC);
		lacp_port_link(lacp, 0, true, true, START + i * NSEC_PER_SEC);
	}
	n = lacp_port_trace(lacp, 0, 0, entries, ARRAY_SIZE(entries));
	ck_assert_uint_eq(n, LACP_TRACE_SIZE);
	for (size_t i = 1; i < n; i++)
		ck_assert_uint_eq(entries[i].serial, entries[i - 1].serial + 1);
	ck_assert_uint_eq(lacp_port_trace(lacp, 0, entries[n - 1].serial, entries, 5), 0);
	ck_assert_uint_eq(lacp_port_trace(lacp, 0, entries[n - 4].serial, entries, 2), 2);
}
END_TEST

START_TEST(steady_operation_leaves_nothing_in_the_trace)
{
	struct lacp_trace_entry entries[LACP_TRACE_SIZE];
	size_t before = lacp_port_trace(lacp, 0, 0, entries, LACP_TRACE_SIZE);

	for (unsigned i = 1; i < 1000; i++) {
		engine_hear(lacp, 0, &engine_partner, START + i * NSEC_PER_SEC);
		lacp_tick(lacp, START + i * NSEC_PER_SEC);
	}
	ck_assert_uint_eq(lacp_port_trace(lacp, 0, 0, entries, LACP_TRACE_SIZE), before);
}
END_TEST

START_TEST(frames_that_are_no_slow_protocol_are_counted)
{
	struct lacp_port_view view;

	lacp_receive_foreign(lacp, 0, true);
	lacp_receive_foreign(lacp, 0, false);
	lacp_receive_foreign(lacp, 0, false);
	lacp_port_view(lacp, 0, START, &view);
	ck_assert_uint_eq(view.counters.illegal_rx, 1);
	ck_assert_uint_eq(view.counters.unknown_rx, 2);
}
END_TEST

START_TEST(a_lacpdu_from_a_group_address_is_illegal)
{
	uint8_t payload[LACP_PDU_SIZE];
	struct lacp_port_view view;

	lacpdu_encode(&(struct lacpdu){ .actor = engine_partner }, payload);
	lacp_receive(lacp, 0, &mac_slow_protocols, (struct span){ payload, sizeof(payload) },
		     START);
	lacp_port_view(lacp, 0, START, &view);
	ck_assert_uint_eq(view.counters.illegal_rx, 1);
	ck_assert_uint_eq(view.counters.lacpdu_rx, 1);
}
END_TEST

START_TEST(the_partner_is_known_while_its_lag_has_the_aggregator)
{
	struct lacp_info partner;

	ck_assert(lacp_partner(lacp, &partner));
	ck_assert_uint_eq(partner.key, engine_partner.key);
	lacp_port_remove(lacp, 0, START);
	ck_assert(!lacp_partner(lacp, &partner));
}
END_TEST

START_TEST(a_view_shows_what_is_known)
{
	struct lacp_port_view view;

	lacp_port_view(lacp, 0, START, &view);
	ck_assert_uint_eq(view.config.number, 1);
	ck_assert_str_eq(view.config.name, "eno1");
	ck_assert(view.link_up && view.full_duplex && view.collecting && view.distributing);
	ck_assert_uint_eq(view.actor.key, 7);
	ck_assert_uint_eq(view.last_rx, START);
	ck_assert_uint_eq(view.last_tx, START);
	ck_assert_int_eq(view.reason, LACP_REASON_OK);
	ck_assert_str_eq(view.explanation, "");
}
END_TEST

START_TEST(without_a_link_there_is_nothing_to_wait_for)
{
	lacp_port_link(lacp, 0, false, true, START);
	ck_assert_uint_eq(lacp_deadline(lacp), NSEC_NEVER);
	lacp_port_remove(lacp, 0, START);
	ck_assert_uint_eq(lacp_deadline(lacp), NSEC_NEVER);
}
END_TEST

START_TEST(a_tick_that_comes_early_does_nothing)
{
	char text[32];

	for (unsigned i = 0; i < 999; i++)
		lacp_tick(lacp, START + i * NSEC_PER_MS);
	ck_assert_str_eq(drain(text), "");
	lacp_tick(lacp, START + NSEC_PER_SEC);
	ck_assert_str_eq(drain(text), "S");
}
END_TEST

START_TEST(a_name_without_an_end_is_cut)
{
	struct lacp_port_config config = engine_port;
	struct lacp_port_view view;

	memset(config.name, 'x', sizeof(config.name));
	lacp_port_configure(lacp, 0, &config, START);
	lacp_port_view(lacp, 0, START, &view);
	ck_assert_uint_eq(strlen(view.config.name), sizeof(config.name) - 1);
	config.number = 2;
	lacp_port_add(lacp, 1, &config, START);
	lacp_port_view(lacp, 1, START, &view);
	ck_assert_uint_eq(strlen(view.config.name), sizeof(config.name) - 1);
}
END_TEST

START_TEST(all_thirty_two_ports_make_one_lag)
{
	struct lacp_action action;

	for (unsigned slot = 1; slot < LACP_PORTS_MAX; slot++) {
		struct lacp_port_config config = engine_port;
		struct lacp_info partner = engine_partner;

		config.number = (uint16_t)(slot + 1);
		partner.port = (uint16_t)(slot + 100);
		lacp_port_add(lacp, slot, &config, START);
		lacp_port_link(lacp, slot, true, true, START);
		engine_hear(lacp, slot, &partner, START);
	}
	ck_assert_uint_eq(lacp_distributing(lacp), LACP_PORTS_MAX);
	while (lacp_next_action(lacp, &action))
		;
}
END_TEST

START_TEST(every_enumeration_has_its_words_and_a_word_for_nonsense)
{
	ck_assert_str_eq(lacp_receive_state_name(LACP_RECEIVE_LACP_DISABLED), "lacp-disabled");
	ck_assert_str_eq(lacp_mux_state_name(LACP_MUX_COLLECTING_DISTRIBUTING),
			 "collecting-distributing");
	for (unsigned machine = 0; machine <= LACP_MACHINE_PARTNER_CHURN; machine++)
		for (unsigned state = 0; state < 3; state++)
			ck_assert_str_ne(lacp_trace_state_name(machine, (uint8_t)state), "unknown");
	for (unsigned i = 0; i <= LACP_MACHINE_PARTNER_CHURN; i++)
		ck_assert_str_ne(lacp_machine_name(i), "unknown");
	for (unsigned i = 0; i <= LACP_REASON_LOOPBACK; i++)
		ck_assert_str_ne(lacp_reason_name(i), "unknown");
	for (unsigned i = 0; i <= LACP_PERIODIC_TX; i++)
		ck_assert_str_ne(lacp_periodic_state_name(i), "unknown");
	for (unsigned machine = 0; machine <= LACP_MACHINE_PARTNER_CHURN + 1; machine++)
		ck_assert_str_eq(lacp_trace_state_name(machine, 99), "unknown");
	ck_assert_str_eq(lacp_machine_name(99), "unknown");
	ck_assert_str_eq(lacp_reason_name(99), "unknown");
}
END_TEST

START_TEST(nothing_can_be_freed_as_well)
{
	lacp_free(NULL);
	ck_assert(!lacp_port_exists(lacp, LACP_PORTS_MAX));
	ck_assert(!lacp_port_exists(lacp, 1));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lacp");
	TCase *tcase = tcase_create("lacp");

	tcase_add_checked_fixture(tcase, start, finish);
	tcase_add_test(tcase, traffic_stops_before_the_partner_is_told);
	tcase_add_test(tcase, a_removed_port_stops_then_says_farewell_then_is_gone);
	tcase_add_test(tcase, a_removed_port_collects_until_its_farewell);
	tcase_add_test(tcase, a_queue_that_is_never_drained_keeps_the_latest_and_does_not_overflow);
	tcase_add_test(tcase, the_trace_has_the_last_transitions_without_gaps_in_their_serials);
	tcase_add_test(tcase, steady_operation_leaves_nothing_in_the_trace);
	tcase_add_test(tcase, frames_that_are_no_slow_protocol_are_counted);
	tcase_add_test(tcase, a_lacpdu_from_a_group_address_is_illegal);
	tcase_add_test(tcase, the_partner_is_known_while_its_lag_has_the_aggregator);
	tcase_add_test(tcase, a_view_shows_what_is_known);
	tcase_add_test(tcase, without_a_link_there_is_nothing_to_wait_for);
	tcase_add_test(tcase, a_tick_that_comes_early_does_nothing);
	tcase_add_test(tcase, a_name_without_an_end_is_cut);
	tcase_add_test(tcase, all_thirty_two_ports_make_one_lag);
	tcase_add_test(tcase, every_enumeration_has_its_words_and_a_word_for_nonsense);
	tcase_add_test(tcase, nothing_can_be_freed_as_well);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
