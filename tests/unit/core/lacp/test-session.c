/* Which sessions go on and which are refused, and with what words. That a resumed port goes on
 * undisturbed is in tests/sim/conformance/session.cases and in the random worlds. */
#include "lib/base/array.h"
#include "tests/unit/core/lacp/engine.h"
#include "tests/unit/run.h"

#define SAVED (1000 * NSEC_PER_SEC)
#define NOW (SAVED + NSEC_PER_SEC)

static struct lacp *lacp;

static void start(void)
{
	lacp = lacp_new(&engine_config, NOW);
	ck_assert_ptr_nonnull(lacp);
}

static void finish(void)
{
	lacp_free(lacp);
}

/* Of a port that distributes. */
static struct lacp_session good_session(void)
{
	struct lacp *before = engine_carrying(SAVED);
	struct lacp_session session;

	lacp_port_session(before, 0, &session);
	lacp_free(before);
	return session;
}

START_TEST(a_good_session_goes_on)
{
	struct lacp_session session = good_session();
	struct lacp_action action;
	const char *why;

	ck_assert(lacp_port_resume(lacp, 0, &engine_port, &session, NOW, &why));
	ck_assert_ptr_null(why);
	ck_assert_uint_eq(lacp_distributing(lacp), 1);
	ck_assert(lacp_next_action(lacp, &action));
	ck_assert_int_eq(action.type, LACP_ACTION_PORT);
	ck_assert(action.collecting && action.distributing);
	ck_assert(lacp_next_action(lacp, &action));
	ck_assert_int_eq(action.type, LACP_ACTION_SEND);
}
END_TEST

START_TEST(what_is_resumed_is_what_was_saved)
{
	struct lacp_session session = good_session(), again;
	const char *why;

	session.last_tx = NOW - 2 * NSEC_PER_SEC;
	for (unsigned i = 0; i < LACP_TRANSMIT_LIMIT; i++)
		session.transmitted[i] = NSEC_NEVER;
	ck_assert(lacp_port_resume(lacp, 0, &engine_port, &session, NOW, &why));
	lacp_port_session(lacp, 0, &again);
	session.last_tx = NOW;
	session.transmitted[0] = NOW;
	session.current_while = NOW + 5 * NSEC_PER_SEC / 2;
	session.counters.lacpdu_tx++;
	ck_assert_mem_eq(&session, &again, sizeof(session));
}
END_TEST

struct damage {
	void (*damage)(struct lacp_session *session);
	const char *why;
};

static void other_version(struct lacp_session *session)
{
	session->version = 99;
}

static void other_number(struct lacp_session *session)
{
	session->actor_port = 2;
}

static void other_key(struct lacp_session *session)
{
	session->actor_key = 8;
}

static void other_priority(struct lacp_session *session)
{
	session->actor_port_priority = 1;
}

static void other_system_priority(struct lacp_session *session)
{
	session->actor_system_priority = 1;
}

static void other_system(struct lacp_session *session)
{
	session->actor_system.bytes[5] = 1;
}

static void no_receive_state(struct lacp_session *session)
{
	session->receive = 6;
}

static void no_mux_state(struct lacp_session *session)
{
	session->mux = 6;
}

static void no_selected(struct lacp_session *session)
{
	session->selected = 3;
}

static void attached_but_unselected(struct lacp_session *session)
{
	session->mux = LACP_MUX_ATTACHED;
	session->selected = LACP_UNSELECTED;
}

static void waiting_but_unselected(struct lacp_session *session)
{
	session->mux = LACP_MUX_WAITING;
	session->selected = LACP_UNSELECTED;
}

static void standby_and_carrying(struct lacp_session *session)
{
	session->selected = LACP_STANDBY;
}

static void carrying_out_of_sync(struct lacp_session *session)
{
	session->partner.state = 0x37;
}

static void heard_tomorrow(struct lacp_session *session)
{
	session->last_rx = NOW + 1;
}

static void sent_tomorrow(struct lacp_session *session)
{
	session->last_tx = NOW + 1;
}

static void window_of_tomorrow(struct lacp_session *session)
{
	session->transmitted[2] = NOW + 1;
}

static void partner_without_port(struct lacp_session *session)
{
	session->partner.port = 0;
}

static void never_heard(struct lacp_session *session)
{
	session->last_rx = NSEC_NEVER;
}

static void endless_timeout(struct lacp_session *session)
{
	session->current_while = NSEC_NEVER;
}

static void our_timeout(struct lacp_session *session)
{
	session->current_while = NOW;
}

static void partners_timeout(struct lacp_session *session)
{
	session->last_tx = NOW - 3 * NSEC_PER_SEC;
}

static void never_sent(struct lacp_session *session)
{
	session->last_tx = NSEC_NEVER;
}

static void initialized(struct lacp_session *session)
{
	session->receive = LACP_RECEIVE_INITIALIZE;
}

static void without_link(struct lacp_session *session)
{
	session->receive = LACP_RECEIVE_PORT_DISABLED;
}

static void half_duplex(struct lacp_session *session)
{
	session->receive = LACP_RECEIVE_LACP_DISABLED;
}

static void expired(struct lacp_session *session)
{
	session->receive = LACP_RECEIVE_EXPIRED;
}

static void silent(struct lacp_session *session)
{
	session->receive = LACP_RECEIVE_DEFAULTED;
	session->mux = LACP_MUX_DETACHED;
	session->partner = (struct lacp_info){};
}

static void fallen_back(struct lacp_session *session)
{
	session->receive = LACP_RECEIVE_DEFAULTED;
	session->partner = (struct lacp_info){ .state = 0x38 };
}

static void fallen_back_with_a_partner(struct lacp_session *session)
{
	session->receive = LACP_RECEIVE_DEFAULTED;
	session->partner.state = 0x38;
}

static const struct damage damages[] = {
	{ other_version, "another version" },
	{ other_number, "another number" },
	{ other_key, "another key" },
	{ other_priority, "the port had another priority" },
	{ other_system_priority, "the system had another priority" },
	{ other_system, "another identifier" },
	{ no_receive_state, "damaged" },
	{ no_mux_state, "damaged" },
	{ no_selected, "damaged" },
	{ attached_but_unselected, "damaged" },
	{ waiting_but_unselected, "damaged" },
	{ standby_and_carrying, "damaged" },
	{ carrying_out_of_sync, "damaged" },
	{ heard_tomorrow, "damaged" },
	{ sent_tomorrow, "damaged" },
	{ window_of_tomorrow, "damaged" },
	{ partner_without_port, "damaged" },
	{ never_heard, "damaged" },
	{ endless_timeout, "damaged" },
	{ our_timeout, "our timeout has passed" },
	{ partners_timeout, "the partner's timeout has passed" },
	{ never_sent, "the partner's timeout has passed" },
	{ initialized, "no link" },
	{ without_link, "no link" },
	{ half_duplex, "no link" },
	{ expired, "had not been heard" },
	{ silent, "silent" },
	{ fallen_back, "no fallback now" },
	{ fallen_back_with_a_partner, "damaged" },
};

START_TEST(a_session_that_cannot_be_true_is_refused_and_the_port_starts_anew)
{
	const struct damage *damage = &damages[_i];
	struct lacp_session session = good_session();
	struct lacp_port_view view;
	const char *why = NULL;

	damage->damage(&session);
	ck_assert(!lacp_port_resume(lacp, 0, &engine_port, &session, NOW, &why));
	ck_assert_ptr_nonnull(why);
	ck_assert_msg(strstr(why, damage->why) != NULL, "'%s' says nothing of '%s'", why,
		      damage->why);
	lacp_port_view(lacp, 0, NOW, &view);
	ck_assert_int_eq(view.receive, LACP_RECEIVE_PORT_DISABLED);
	ck_assert_int_eq(view.mux, LACP_MUX_DETACHED);
	ck_assert_uint_eq(view.counters.lacpdu_rx, 0);
	ck_assert(!view.link_up && !view.collecting && !view.distributing);
	lacp_port_link(lacp, 0, true, true, NOW);
	lacp_port_view(lacp, 0, NOW, &view);
	ck_assert_int_eq(view.receive, LACP_RECEIVE_EXPIRED);
}
END_TEST

START_TEST(a_session_of_random_bytes_does_no_harm)
{
	uint64_t seed = (uint64_t)_i + 1;

	for (unsigned n = 0; n < 500; n++) {
		struct lacp_session session = good_session();
		uint8_t *bytes = (uint8_t *)&session;
		const char *why;

		for (unsigned i = 0; i < 3; i++) {
			seed = seed * 6364136223846793005 + 1442695040888963407;
			bytes[(seed >> 33) % sizeof(session)] = (uint8_t)(seed >> 56);
		}
		(void)lacp_port_resume(lacp, 0, &engine_port, &session, NOW, &why);
		lacp_tick(lacp, NOW + NSEC_PER_SEC);
		lacp_tick(lacp, NOW + 100 * NSEC_PER_SEC);
		lacp_free(lacp);
		lacp = lacp_new(&engine_config, NOW);
	}
}
END_TEST

START_TEST(a_port_of_another_lag_than_the_first_starts_anew)
{
	struct lacp_session session = good_session();
	struct lacp_port_config config = engine_port;
	const char *why;

	ck_assert(lacp_port_resume(lacp, 0, &engine_port, &session, NOW, &why));
	config.number = session.actor_port = 2;
	session.partner.key++;
	ck_assert(!lacp_port_resume(lacp, 1, &config, &session, NOW, &why));
	ck_assert_ptr_nonnull(strstr(why, "another LAG"));
	ck_assert_uint_eq(lacp_distributing(lacp), 1);
}
END_TEST

START_TEST(a_port_that_was_not_selected_may_be_of_another_lag)
{
	struct lacp_session session = good_session();
	struct lacp_port_config config = engine_port;
	const char *why;

	ck_assert(lacp_port_resume(lacp, 0, &engine_port, &session, NOW, &why));
	config.number = session.actor_port = 2;
	session.partner.key++;
	session.mux = LACP_MUX_DETACHED;
	session.selected = LACP_UNSELECTED;
	ck_assert(lacp_port_resume(lacp, 1, &config, &session, NOW, &why));
	ck_assert_uint_eq(lacp_distributing(lacp), 1);
}
END_TEST

START_TEST(a_port_that_fell_back_starts_anew_where_a_partner_was_heard_since)
{
	struct lacp_config config = engine_config;
	struct lacp_session session = good_session();
	struct lacp_port_config port = engine_port;
	const char *why;

	config.fallback = LACP_FALLBACK_ONE;
	lacp_configure(lacp, &config, NOW);
	ck_assert(lacp_port_resume(lacp, 0, &engine_port, &session, NOW, &why));
	port.number = session.actor_port = 2;
	fallen_back(&session);
	ck_assert(!lacp_port_resume(lacp, 1, &port, &session, NOW, &why));
	ck_assert_ptr_nonnull(strstr(why, "heard on another port"));
}
END_TEST

START_TEST(a_partner_that_was_heard_ends_the_fallback_of_the_others)
{
	struct lacp_config config = engine_config;
	struct lacp_session heard = good_session(), session = good_session();
	struct lacp_port_config port = engine_port;
	const char *why;

	config.fallback = LACP_FALLBACK_ALL;
	config.fallback_delay = 90 * NSEC_PER_SEC;
	lacp_configure(lacp, &config, NOW);
	fallen_back(&session);
	session.last_rx = NSEC_NEVER;
	session.partner.state |= LACP_STATE_AGGREGATION;
	ck_assert(lacp_port_resume(lacp, 0, &engine_port, &session, NOW, &why));
	ck_assert_uint_eq(lacp_distributing(lacp), 1);
	port.number = heard.actor_port = 2;
	heard.selected = LACP_UNSELECTED;
	heard.mux = LACP_MUX_DETACHED;
	heard.last_rx = NOW;
	ck_assert(lacp_port_resume(lacp, 1, &port, &heard, NOW, &why));
	lacp_tick(lacp, NOW + NSEC_PER_SEC);
	ck_assert_uint_eq(lacp_distributing(lacp), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("session");
	TCase *tcase = tcase_create("session");

	tcase_add_checked_fixture(tcase, start, finish);
	tcase_add_test(tcase, a_good_session_goes_on);
	tcase_add_test(tcase, what_is_resumed_is_what_was_saved);
	tcase_add_loop_test(tcase,
			    a_session_that_cannot_be_true_is_refused_and_the_port_starts_anew, 0,
			    (int)ARRAY_SIZE(damages));
	tcase_add_loop_test(tcase, a_session_of_random_bytes_does_no_harm, 0, 2);
	tcase_add_test(tcase, a_port_of_another_lag_than_the_first_starts_anew);
	tcase_add_test(tcase, a_port_that_was_not_selected_may_be_of_another_lag);
	tcase_add_test(tcase, a_port_that_fell_back_starts_anew_where_a_partner_was_heard_since);
	tcase_add_test(tcase, a_partner_that_was_heard_ends_the_fallback_of_the_others);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
