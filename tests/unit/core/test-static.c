/* A static aggregation: what carries, and what is known of a partner that speaks LACP. */
#include "daemon/core/static.h"

#include "daemon/core/lacp/pdu.h"
#include "tests/unit/run.h"

static struct static_lag lag;

static void setup(void)
{
	static_lag_init(&lag, true);
}

/* The next action, which must be there and of that type. */
static struct static_action next(enum static_action_type type)
{
	struct static_action action = {};

	ck_assert(static_lag_next_action(&lag, &action));
	ck_assert_int_eq(action.type, type);
	return action;
}

static void no_more(void)
{
	struct static_action action;

	ck_assert(!static_lag_next_action(&lag, &action));
}

static void drain(void)
{
	struct static_action action;

	while (static_lag_next_action(&lag, &action))
		;
}

static void hear(unsigned slot, uint16_t port, nsec_t now)
{
	struct lacpdu pdu = {
		.version = 1,
		.actor = { .system = { { 2, 0, 0, 0, 0, 9 } }, .key = 7, .port = port },
	};
	uint8_t payload[LACP_PDU_SIZE];

	lacpdu_encode(&pdu, payload);
	static_lag_receive(&lag, slot, (struct span){ payload, sizeof(payload) }, now);
}

START_TEST(a_port_carries_when_its_link_is_up)
{
	struct static_action action;

	static_lag_port_add(&lag, 31, false);
	no_more();
	static_lag_port_link(&lag, 31, true);
	action = next(STATIC_ACTION_PORT);
	ck_assert_uint_eq(action.slot, 31);
	ck_assert(action.carries);
	/* Said once. */
	static_lag_port_link(&lag, 31, true);
	no_more();
}
END_TEST

START_TEST(a_lost_link_may_carry_as_soon_as_it_is_back)
{
	static_lag_port_add(&lag, 0, false);
	static_lag_port_link(&lag, 0, true);
	drain();
	static_lag_port_link(&lag, 0, false);
	no_more();
	ck_assert(lag.ports[0].carries);
}
END_TEST

START_TEST(a_lost_link_has_to_be_told_of_where_it_must_wait)
{
	static_lag_init(&lag, false);
	static_lag_port_add(&lag, 0, true);
	no_more();
	static_lag_port_link(&lag, 0, true);
	ck_assert(next(STATIC_ACTION_PORT).carries);
	static_lag_port_link(&lag, 0, false);
	ck_assert(!next(STATIC_ACTION_PORT).carries);
}
END_TEST

START_TEST(a_port_that_carried_under_another_process_does_not_stop)
{
	static_lag_port_add(&lag, 3, true);
	ck_assert(next(STATIC_ACTION_PORT).carries);
	static_lag_port_link(&lag, 3, false);
	no_more();
	static_lag_port_link(&lag, 3, true);
	no_more();
}
END_TEST

START_TEST(a_port_that_is_taken_out_stops)
{
	static_lag_port_add(&lag, 0, false);
	static_lag_port_link(&lag, 0, true);
	hear(0, 1, 0);
	drain();
	static_lag_port_remove(&lag, 0);
	ck_assert(!next(STATIC_ACTION_PORT).carries);
	no_more();
	ck_assert_uint_eq(static_lag_deadline(&lag), NSEC_NEVER);
	/* Its slot is free again. */
	static_lag_port_add(&lag, 0, false);
	no_more();
}
END_TEST

START_TEST(a_partner_is_told_of_once_and_the_port_goes_on)
{
	static_lag_port_add(&lag, 0, false);
	static_lag_port_link(&lag, 0, true);
	drain();
	hear(0, 1, 0);
	ck_assert(next(STATIC_ACTION_PARTNER).carries);
	ck_assert(next(STATIC_ACTION_NOTE).carries);
	no_more();
	ck_assert_uint_eq(lag.neighbours.ports[0].info.key, 7);
	hear(0, 1, NSEC_PER_SEC);
	no_more();
	/* Nor is the same one after a flap of the link. */
	static_lag_port_link(&lag, 0, false);
	static_lag_port_link(&lag, 0, true);
	next(STATIC_ACTION_PARTNER);
	ck_assert(!lag.neighbours.ports[0].known);
	hear(0, 1, 2 * NSEC_PER_SEC);
	next(STATIC_ACTION_PARTNER);
	no_more();
	/* Another port of the switch is another one. */
	hear(0, 2, 3 * NSEC_PER_SEC);
	next(STATIC_ACTION_PARTNER);
	next(STATIC_ACTION_NOTE);
	no_more();
}
END_TEST

START_TEST(a_partner_that_falls_silent_is_forgotten)
{
	nsec_t end = NSEC_PER_SEC + LACP_NEIGHBOUR_PATIENCE;

	static_lag_port_add(&lag, 5, false);
	ck_assert_uint_eq(static_lag_deadline(&lag), NSEC_NEVER);
	hear(5, 1, 0);
	hear(5, 1, NSEC_PER_SEC);
	drain();
	ck_assert_uint_eq(static_lag_deadline(&lag), end);
	static_lag_tick(&lag, end - 1);
	ck_assert(lag.neighbours.ports[5].known);
	static_lag_tick(&lag, end);
	ck_assert_uint_eq(next(STATIC_ACTION_PARTNER).slot, 5);
	no_more();
	ck_assert(!lag.neighbours.ports[5].known);
	ck_assert_uint_eq(static_lag_deadline(&lag), NSEC_NEVER);
}
END_TEST

START_TEST(what_is_no_lacpdu_says_nothing_of_a_partner)
{
	struct marker marker = { .type = MARKER_INFORMATION, .length = MARKER_LENGTH };
	uint8_t payload[LACP_PDU_SIZE] = { 9 };

	static_lag_port_add(&lag, 0, false);
	static_lag_receive(&lag, 0, (struct span){ payload, sizeof(payload) }, 0);
	static_lag_receive(&lag, 0, (struct span){ payload, 0 }, 0);
	marker_encode(&marker, payload);
	static_lag_receive(&lag, 0, (struct span){ payload, sizeof(payload) }, 0);
	payload[0] = SLOW_SUBTYPE_LACP; /* And badly formed. */
	static_lag_receive(&lag, 0, (struct span){ payload, 40 }, 0);
	no_more();
	ck_assert(!lag.neighbours.ports[0].known);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("static");
	TCase *tcase = tcase_create("static");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, a_port_carries_when_its_link_is_up);
	tcase_add_test(tcase, a_lost_link_may_carry_as_soon_as_it_is_back);
	tcase_add_test(tcase, a_lost_link_has_to_be_told_of_where_it_must_wait);
	tcase_add_test(tcase, a_port_that_carried_under_another_process_does_not_stop);
	tcase_add_test(tcase, a_port_that_is_taken_out_stops);
	tcase_add_test(tcase, a_partner_is_told_of_once_and_the_port_goes_on);
	tcase_add_test(tcase, a_partner_that_falls_silent_is_forgotten);
	tcase_add_test(tcase, what_is_no_lacpdu_says_nothing_of_a_partner);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
