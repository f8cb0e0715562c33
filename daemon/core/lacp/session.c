/* Sessions: what a port must know to go on where a killed process stopped, so that the partner sees
 * a LACPDU that came late and nothing else.
 *
 * A session goes on if its words can still be true: the partner is one that we would still believe
 * (current_while), and it still believes us: it counts from our last LACPDU, by its own Timeout
 * bit. All else starts anew. current_while goes on, with the patience that our deafness asks for
 * (see patience()); the periodic timer begins anew, as a LACPDU goes out at once; the transmit
 * window goes on, since a partner counts across our restarts. A port that carried by fallback goes
 * on as well: its partner is silent now as before.
 *
 * The session comes from a file, so nothing in it is believed that could not have been saved. */
#include "daemon/core/lacp/port.h"

#include <assert.h>
#include <string.h>

#define SETTLE_TIME NSEC_PER_SEC

static nsec_t transmitted(const struct lacp_port *port, unsigned nth_latest)
{
	const struct window *window = &port->transmitted;

	if (window->count <= nth_latest)
		return NSEC_NEVER;
	return window->at[(window->count - 1 - nth_latest) % WINDOW_SIZE];
}

/* Field by field, as the octets between them are saved too. */
static void save_partner(const struct lacp_info *partner, struct lacp_info *saved)
{
	saved->system_priority = partner->system_priority;
	saved->system = partner->system;
	saved->key = partner->key;
	saved->port_priority = partner->port_priority;
	saved->port = partner->port;
	saved->state = partner->state;
}

void lacp_port_session(const struct lacp *lacp, unsigned slot, struct lacp_session *session)
{
	const struct lacp_port *port = lacp->ports[slot];

	assert(port);
	memset(session, 0, sizeof(*session));
	session->version = LACP_SESSION_VERSION;
	session->actor_key = port->actor.key;
	session->actor_port = port->actor.port;
	session->actor_port_priority = port->actor.port_priority;
	session->actor_system_priority = port->actor.system_priority;
	session->actor_system = port->actor.system;
	session->actor_state = port->actor.state;
	session->receive = (uint8_t)port->receive;
	session->mux = (uint8_t)port->mux;
	session->selected = (uint8_t)port->selected;
	save_partner(&port->partner, &session->partner);
	session->last_rx = port->last_rx;
	session->last_tx = port->last_tx;
	for (unsigned i = 0; i < LACP_TRANSMIT_LIMIT; i++)
		session->transmitted[i] = transmitted(port, i);
	session->current_while = port->current_while;
	session->counters = port->counters;
}

static const char *why_another_actor(const struct lacp *lacp, const struct lacp_port_config *config,
				     const struct lacp_session *session)
{
	if (session->version != LACP_SESSION_VERSION)
		return "the session is of another version of this program";
	if (session->actor_port != config->number)
		return "the port had another number";
	if (session->actor_key != config->key)
		return "the port had another key";
	if (session->actor_port_priority != config->priority)
		return "the port had another priority";
	if (session->actor_system_priority != lacp->config.system_priority)
		return "the system had another priority";
	if (!mac_equal(&session->actor_system, &lacp->config.system))
		return "the system had another identifier";
	return NULL;
}

/* An instant of the past, or one that there never was. */
static bool is_past(nsec_t when, nsec_t now)
{
	return when == NSEC_NEVER || when <= now;
}

static bool are_past(const struct lacp_session *session, nsec_t now)
{
	for (unsigned i = 0; i < LACP_TRANSMIT_LIMIT; i++)
		if (!is_past(session->transmitted[i], now))
			return false;
	return is_past(session->last_rx, now) && is_past(session->last_tx, now);
}

static bool is_plausible(const struct lacp_session *session)
{
	bool sync = session->partner.state & LACP_STATE_SYNCHRONIZATION;

	if (session->receive > LACP_RECEIVE_CURRENT || session->selected > LACP_STANDBY)
		return false;
	switch ((enum lacp_mux_state)session->mux) {
	case LACP_MUX_DETACHED:
		return true;
	case LACP_MUX_WAITING:
		return session->selected != LACP_UNSELECTED;
	case LACP_MUX_ATTACHED:
		return session->selected == LACP_SELECTED;
	case LACP_MUX_COLLECTING:
	case LACP_MUX_DISTRIBUTING:
	case LACP_MUX_COLLECTING_DISTRIBUTING:
		return session->selected == LACP_SELECTED && sync;
	}
	return false;
}

static const char *why_not_current(const struct lacp_session *session, nsec_t now)
{
	nsec_t timeout = session->partner.state & LACP_STATE_TIMEOUT ? SHORT_TIMEOUT_TIME
								     : LONG_TIMEOUT_TIME;

	if (session->partner.port == 0 || session->last_rx == NSEC_NEVER ||
	    session->current_while > nsec_add(now, LONG_TIMEOUT_TIME))
		return "the session is damaged";
	if (session->current_while <= now)
		return "our timeout has passed since the partner was heard";
	if (session->last_tx == NSEC_NEVER || nsec_since(session->last_tx, now) >= timeout)
		return "the partner's timeout has passed since it was told anything";
	return NULL;
}

/* What Partner_Admin is while fallback is in force, and what it was. */
static const char *why_no_fallback(const struct lacp *lacp, const struct lacp_session *session)
{
	const struct lacp_info nobody = { .state = session->partner.state };

	for (const struct lacp_port *port = NULL; (port = lacp_next_port(lacp, port));)
		if (port->heard)
			return "the partner was silent, but has been heard on another port";
	if (!(session->partner.state & LACP_STATE_SYNCHRONIZATION))
		return "the partner was silent";
	if (!lacp_same_identity(&nobody, &session->partner))
		return "the session is damaged";
	if (lacp->config.fallback == LACP_FALLBACK_NONE)
		return "the partner was silent, and there is no fallback now";
	return NULL;
}

static const char *why_not(const struct lacp *lacp, const struct lacp_port_config *config,
			   const struct lacp_session *session)
{
	const char *why = why_another_actor(lacp, config, session);

	if (why)
		return why;
	if (!is_plausible(session) || !are_past(session, lacp->now))
		return "the session is damaged";
	switch ((enum lacp_receive_state)session->receive) {
	case LACP_RECEIVE_INITIALIZE:
	case LACP_RECEIVE_PORT_DISABLED:
	case LACP_RECEIVE_LACP_DISABLED:
		return "the port had no link on which LACP works";
	case LACP_RECEIVE_EXPIRED:
		return "the partner had not been heard";
	case LACP_RECEIVE_DEFAULTED:
		return why_no_fallback(lacp, session);
	case LACP_RECEIVE_CURRENT:
		return why_not_current(session, lacp->now);
	}
	return "the session is damaged";
}

/* All ports that go on must be of one LAG; false if this one is of another. */
static bool take_aggregator(struct lacp_port *port)
{
	struct aggregator *aggregator = &port->lacp->aggregator;

	lag_refresh(port->lacp);
	if (port->selected == LACP_UNSELECTED)
		return true;
	if (aggregator->occupied)
		return lag_equal(&port->lag, &aggregator->lag);
	aggregator->occupied = true;
	aggregator->lag = port->lag;
	return true;
}

static void take_window(struct lacp_port *port, const struct lacp_session *session)
{
	for (unsigned i = LACP_TRANSMIT_LIMIT; i-- > 0;)
		if (session->transmitted[i] != NSEC_NEVER)
			window_add(&port->transmitted, session->transmitted[i]);
}

static void take_partner(struct lacp_port *port, const struct lacp_session *session)
{
	struct lacp *lacp = port->lacp;
	bool heard = session->receive == LACP_RECEIVE_CURRENT;

	port->partner = session->partner;
	port->partner_admin_state = heard ? 0 : session->partner.state;
	port->heard = heard;
	port->said_sync = heard && session->partner.state & LACP_STATE_SYNCHRONIZATION;
	port->said_sync_since = lacp->now;
	port->said = port->actor;
	actor_set(port, LACP_STATE_DEFAULTED, !heard);
	port->last_rx = session->last_rx;
	port->last_tx = session->last_tx;
	take_window(port, session);
}

/* Whether the partner is silent, for all ports that go on. */
static void take_silence(struct lacp_port *port)
{
	struct lacp *lacp = port->lacp;

	if (!port->heard) {
		lacp->fallback = true;
		lacp->quiet_since = lacp->now;
	} else if (lacp->quiet_since == NSEC_NEVER || lacp->quiet_since < port->last_rx) {
		lacp->fallback = false;
		lacp->quiet_since = port->last_rx;
	}
}

/* What the partner said while nobody listened is not its silence: it gets two periods and a half to
 * be heard again, as one LACPDU may be lost, and Linux' bonding sends them up to 1.32 s apart.
 * Counted from when it was last heard, though, this is given only once: a daemon that is killed
 * again and again must notice a dead partner too. */
static nsec_t patience(const struct lacp_port *port, nsec_t current_while)
{
	bool fast = actor_is(port, LACP_STATE_TIMEOUT);
	nsec_t period = fast ? FAST_PERIODIC_TIME : SLOW_PERIODIC_TIME;
	nsec_t timeout = fast ? SHORT_TIMEOUT_TIME : LONG_TIMEOUT_TIME;
	nsec_t more = 2 * period + period / 2;
	nsec_t until =
		nsec_min(nsec_add(port->lacp->now, more), nsec_add(port->last_rx, timeout + more));

	return until > current_while ? until : current_while;
}

static bool take_up(struct lacp_port *port, const struct lacp_session *session)
{
	struct lacp *lacp = port->lacp;

	port->link_up = true;
	port->full_duplex = true;
	port->link_since = lacp->now;
	take_partner(port, session);
	receive_machine_resume(port, session->receive,
			       port->heard ? patience(port, session->current_while)
					   : session->current_while);
	selection_enter(port, session->selected, "the session goes on");
	if (!take_aggregator(port))
		return false;
	take_silence(port);
	if (session->mux != LACP_MUX_DETACHED)
		mux_machine_resume(port, session->mux);
	port->counters = session->counters;
	port->ntt = true;
	return true;
}

/* The partner counts our LACPDUs all the same. */
static void start_anew(struct lacp *lacp, unsigned slot, const struct lacp_port_config *config,
		       const struct lacp_session *session)
{
	if (lacp->ports[slot]) {
		lacp->ports[slot] = NULL;
		lacp->n_ports--;
	}
	lacp_port_add(lacp, slot, config, lacp->now);
	if (session->version == LACP_SESSION_VERSION && are_past(session, lacp->now))
		take_window(lacp->ports[slot], session);
}

bool lacp_port_resume(struct lacp *lacp, unsigned slot, const struct lacp_port_config *config,
		      const struct lacp_session *session, nsec_t now, const char **why)
{
	assert(slot < LACP_PORTS_MAX && !lacp->ports[slot]);
	lacp->now = now;
	*why = why_not(lacp, config, session);
	if (!*why && !take_up(lacp_port_open(lacp, slot, config), session))
		*why = "the port was in another LAG than those that go on already";
	if (*why) {
		start_anew(lacp, slot, config, session);
		return false;
	}
	lacp->settled = nsec_add(now, SETTLE_TIME);
	lacp_run(lacp);
	return true;
}
