/* The Receive machine, IEEE 802.1AX-2014 6.4.12, Figure 6-18, with Corrigendum 1.
 *
 * INITIALIZE forgets the partner and passes on to PORT_DISABLED, which keeps what is known of it,
 * so that a link that was down for a moment goes on where it was. When the link comes up: EXPIRED,
 * in which the partner gets three seconds, is asked to send fast, and is not taken to be in sync.
 * Each LACPDU leads to CURRENT; silence leads from there to EXPIRED after 3 s or 90 s, by our own
 * Timeout, and after three seconds more to DEFAULTED, where the partner is what the administrator
 * says of it. Half duplex is LACP_DISABLED.
 *
 * In CURRENT the order matters: update_Selected and update_NTT compare with what was known before
 * recordPDU writes it over.
 *
 * - recordPDU takes the partner to be in sync only if it says so, and (a) its picture of us is ours
 *   or its link is Individual, and (b) one of both ends actively maintains the link.
 * - NTT is set on entering EXPIRED, as Corrigendum 1 has it: after a short loss of the link the
 *   answer is there in one round trip.
 * - Partner_Admin is zero, but for the state that fallback gives it (fallback.c). recordDefault
 * does not set Partner_Oper.Synchronization by itself, as older texts do: a silent partner would be
 *   taken to be in sync, and the traffic would vanish in a port that is configured wrongly.
 * - When we change our own identity, Partner_Oper.Synchronization is cleared: it was found with a
 *   picture of us that is out of date, and Mux need not wait for anything else.
 * - EXPIRED does not touch Selected: the port stays attached.
 * - Timers run out in lacp_tick() alone, so that a daemon that was late and reads what lay in its
 *   socket first does not take a partner for silent that was not. */
#include "daemon/core/lacp/port.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define CHANGE_SIZE 80

static nsec_t timeout_of(const struct lacp_port *port)
{
	return actor_is(port, LACP_STATE_TIMEOUT) ? SHORT_TIMEOUT_TIME : LONG_TIMEOUT_TIME;
}

static void set_partner_state(struct lacp_port *port, uint8_t state)
{
	if ((state ^ port->partner.state) & LACP_STATE_SYNCHRONIZATION)
		port->counters.partner_sync_transitions++;
	port->partner.state = state;
}

static void record_default(struct lacp_port *port)
{
	set_partner_state(port, port->partner_admin_state);
	port->partner = (struct lacp_info){ .state = port->partner_admin_state };
	actor_set(port, LACP_STATE_DEFAULTED, true);
}

/* What update_Selected and recordPDU compare. */
bool lacp_same_identity(const struct lacp_info *a, const struct lacp_info *b)
{
	return a->port == b->port && a->port_priority == b->port_priority &&
	       mac_equal(&a->system, &b->system) && a->system_priority == b->system_priority &&
	       a->key == b->key && ((a->state ^ b->state) & LACP_STATE_AGGREGATION) == 0;
}

static void describe_number(char text[static CHANGE_SIZE], const char *what, unsigned from,
			    unsigned to)
{
	(void)snprintf(text, CHANGE_SIZE, "the partner's %s changed from %u to %u", what, from, to);
}

/* The first thing in which the partner is another now. */
static const char *describe_change(const struct lacp_info *from, const struct lacp_info *to,
				   char text[static CHANGE_SIZE])
{
	char old_system[MAC_TEXT_SIZE], new_system[MAC_TEXT_SIZE];

	if (!mac_equal(&from->system, &to->system))
		(void)snprintf(text, CHANGE_SIZE, "the partner was %s and is %s",
			       mac_to_text(&from->system, old_system),
			       mac_to_text(&to->system, new_system));
	else if (from->key != to->key)
		describe_number(text, "key", from->key, to->key);
	else if (from->port != to->port)
		describe_number(text, "port", from->port, to->port);
	else if (from->port_priority != to->port_priority)
		describe_number(text, "port priority", from->port_priority, to->port_priority);
	else if (from->system_priority != to->system_priority)
		describe_number(text, "system priority", from->system_priority,
				to->system_priority);
	else
		(void)snprintf(text, CHANGE_SIZE, "the partner's link is now %s",
			       to->state & LACP_STATE_AGGREGATION ? "aggregatable" : "Individual");
	return text;
}

[[gnu::format(printf, 3, 4)]] static void enter(struct lacp_port *port, enum lacp_receive_state to,
						const char *cause, ...);

/* port_moved, 6.4.8: who sends here was last heard on a port whose link is down since. That port
 * forgets it, or two ports would claim the same partner. */
static void release_moved(const struct lacp_port *port, const struct lacp_info *heard)
{
	for (struct lacp_port *other = NULL; (other = lacp_next_port(port->lacp, other));)
		if (other != port && other->receive == LACP_RECEIVE_PORT_DISABLED &&
		    !actor_is(other, LACP_STATE_DEFAULTED) &&
		    mac_equal(&other->partner.system, &heard->system) &&
		    other->partner.port == heard->port && other->partner.key == heard->key)
			other->port_moved = true;
}

static void update_selected(struct lacp_port *port, const struct lacp_info *heard)
{
	char change[CHANGE_SIZE];

	if (lacp_same_identity(heard, &port->partner))
		return;
	if (!actor_is(port, LACP_STATE_DEFAULTED))
		port->counters.partner_changes++;
	selection_enter(port, LACP_UNSELECTED, "%s",
			describe_change(&port->partner, heard, change));
	release_moved(port, heard);
}

static void update_default_selected(struct lacp_port *port)
{
	const struct lacp_info admin = { .state = port->partner_admin_state };

	if (!lacp_same_identity(&admin, &port->partner))
		selection_enter(port, LACP_UNSELECTED, "%s",
				port->partner_admin_state ? "fallback" : "the partner is silent");
}

static void update_ntt(struct lacp_port *port, const struct lacp_info *said)
{
	static const uint8_t compared = LACP_STATE_ACTIVITY | LACP_STATE_TIMEOUT |
					LACP_STATE_SYNCHRONIZATION | LACP_STATE_AGGREGATION;

	if (!lacp_same_identity(said, &port->actor) || (said->state ^ port->actor.state) & compared)
		port->ntt = true;
}

static void record_pdu(struct lacp_port *port, const struct lacpdu *pdu)
{
	const struct lacp_info *theirs = &pdu->actor, *ours = &pdu->partner;
	bool said_sync = theirs->state & LACP_STATE_SYNCHRONIZATION;
	bool matched =
		lacp_same_identity(ours, &port->actor) || !(theirs->state & LACP_STATE_AGGREGATION);
	bool active = theirs->state & LACP_STATE_ACTIVITY ||
		      (actor_is(port, LACP_STATE_ACTIVITY) && ours->state & LACP_STATE_ACTIVITY);
	uint8_t state = theirs->state;

	if (!matched || !active)
		state &= (uint8_t)~LACP_STATE_SYNCHRONIZATION;
	set_partner_state(port, state);
	port->partner = *theirs;
	port->partner.state = state;
	port->said = *ours;
	if (said_sync != port->said_sync || port->receive != LACP_RECEIVE_CURRENT)
		port->said_sync_since = port->lacp->now;
	port->said_sync = said_sync;
	actor_set(port, LACP_STATE_DEFAULTED, false);
}

static void act(struct lacp_port *port, enum lacp_receive_state state)
{
	switch (state) {
	case LACP_RECEIVE_INITIALIZE:
		selection_enter(port, LACP_UNSELECTED, "the port starts anew");
		record_default(port);
		actor_set(port, LACP_STATE_EXPIRED, false);
		port->port_moved = false;
		return;
	case LACP_RECEIVE_PORT_DISABLED:
		set_partner_state(port,
				  (uint8_t)(port->partner.state & ~LACP_STATE_SYNCHRONIZATION));
		port->current_while = NSEC_NEVER;
		port->heard = false;
		port->said_sync = false;
		return;
	case LACP_RECEIVE_LACP_DISABLED:
		selection_enter(port, LACP_UNSELECTED, "LACP is off on half duplex");
		record_default(port);
		set_partner_state(port, (uint8_t)(port->partner.state & ~LACP_STATE_AGGREGATION));
		actor_set(port, LACP_STATE_EXPIRED, false);
		return;
	case LACP_RECEIVE_EXPIRED:
		set_partner_state(port,
				  (uint8_t)((port->partner.state & ~LACP_STATE_SYNCHRONIZATION) |
					    LACP_STATE_TIMEOUT));
		port->current_while = nsec_add(port->lacp->now, SHORT_TIMEOUT_TIME);
		actor_set(port, LACP_STATE_EXPIRED, true);
		port->ntt = true;
		return;
	case LACP_RECEIVE_DEFAULTED:
		update_default_selected(port);
		record_default(port);
		port->current_while = NSEC_NEVER;
		actor_set(port, LACP_STATE_EXPIRED, false);
		return;
	case LACP_RECEIVE_CURRENT:
		port->current_while = nsec_add(port->lacp->now, timeout_of(port));
		actor_set(port, LACP_STATE_EXPIRED, false);
		return;
	}
}

static void enter(struct lacp_port *port, enum lacp_receive_state to, const char *cause, ...)
{
	const struct transition transition = { LACP_MACHINE_RECEIVE, (uint8_t)port->receive,
					       (uint8_t)to };
	va_list args;

	va_start(args, cause);
	lacp_trace(port, transition, cause, args);
	va_end(args);
	port->receive = to;
	act(port, to);
}

void receive_machine_begin(struct lacp_port *port)
{
	enter(port, LACP_RECEIVE_INITIALIZE, "BEGIN");
}

void receive_machine_resume(struct lacp_port *port, enum lacp_receive_state state,
			    nsec_t current_while)
{
	nsec_t silent = nsec_since(port->last_rx, port->lacp->now);

	enter(port, state, "the session goes on: the partner was heard %.1f s ago",
	      (double)silent / (double)NSEC_PER_SEC);
	port->current_while = current_while;
}

bool receive_machine_step(struct lacp_port *port)
{
	switch (port->receive) {
	case LACP_RECEIVE_INITIALIZE:
		enter(port, LACP_RECEIVE_PORT_DISABLED, "initialized");
		return true;
	case LACP_RECEIVE_PORT_DISABLED:
		if (port->port_moved)
			enter(port, LACP_RECEIVE_INITIALIZE, "the partner moved to another port");
		else if (!port->link_up)
			return false;
		else if (!port->full_duplex)
			enter(port, LACP_RECEIVE_LACP_DISABLED, "the link is half duplex");
		else
			enter(port, LACP_RECEIVE_EXPIRED, "the link came up");
		return true;
	case LACP_RECEIVE_LACP_DISABLED:
		if (port->link_up && !port->full_duplex)
			return false;
		enter(port, LACP_RECEIVE_PORT_DISABLED,
		      port->link_up ? "the link is full duplex" : "the link went down");
		return true;
	case LACP_RECEIVE_EXPIRED:
	case LACP_RECEIVE_DEFAULTED:
	case LACP_RECEIVE_CURRENT:
		if (port->link_up && port->full_duplex)
			break;
		enter(port, LACP_RECEIVE_PORT_DISABLED,
		      port->link_up ? "the link is half duplex" : "the link went down");
		return true;
	}
	if (port->receive != LACP_RECEIVE_DEFAULTED ||
	    port->partner.state == port->partner_admin_state)
		return false;
	enter(port, LACP_RECEIVE_DEFAULTED, "%s",
	      port->partner_admin_state
		      ? "fallback: the partner is silent, the port carries without"
		      : "fallback ends");
	return true;
}

void receive_machine_tick(struct lacp_port *port)
{
	unsigned seconds = (unsigned)(timeout_of(port) / NSEC_PER_SEC);

	if (port->lacp->now < port->current_while)
		return;
	if (port->receive == LACP_RECEIVE_CURRENT)
		enter(port, LACP_RECEIVE_EXPIRED, "current_while expired: nothing heard for %u s",
		      seconds);
	else if (port->heard)
		enter(port, LACP_RECEIVE_DEFAULTED, "current_while expired: nothing heard for %u s",
		      seconds + 3);
	else
		enter(port, LACP_RECEIVE_DEFAULTED,
		      "current_while expired: nothing heard for 3 s since the link came up");
}

/* Where the partner is known: whether it is another one now, or differs in its state. */
static bool is_news(const struct lacp_port *port, const struct lacp_info *before, bool said_sync)
{
	return port->ntt || !lacp_same_identity(before, &port->partner) ||
	       before->state != port->partner.state || said_sync != port->said_sync;
}

bool receive_machine_lacpdu(struct lacp_port *port, const struct lacpdu *pdu)
{
	const struct lacp_info before = port->partner;
	bool said_sync = port->said_sync, first = port->receive != LACP_RECEIVE_CURRENT;
	char system[MAC_TEXT_SIZE];

	assert(port->receive >= LACP_RECEIVE_EXPIRED);
	update_selected(port, &pdu->actor);
	update_ntt(port, &pdu->partner);
	record_pdu(port, pdu);
	port->heard = true;
	port->last_rx = port->lacp->now;
	if (first)
		enter(port, LACP_RECEIVE_CURRENT, "LACPDU from %s, port %u, key %u",
		      mac_to_text(&pdu->actor.system, system), pdu->actor.port, pdu->actor.key);
	else
		act(port, LACP_RECEIVE_CURRENT);
	return first || is_news(port, &before, said_sync);
}

/* We are another one now: until the partner has taken that up it cannot be in sync with us. */
void receive_machine_actor_changed(struct lacp_port *port)
{
	set_partner_state(port, (uint8_t)(port->partner.state & ~LACP_STATE_SYNCHRONIZATION));
}

/* The partner learns of our new timeout by the LACPDU that goes out now. Going from short to long
 * it slows down at once, so what runs must be made longer; going from long to short its next
 * LACPDU will make it shorter. */
void receive_machine_timeout_changed(struct lacp_port *port)
{
	if (port->receive == LACP_RECEIVE_CURRENT && !actor_is(port, LACP_STATE_TIMEOUT))
		port->current_while = nsec_add(port->last_rx, LONG_TIMEOUT_TIME);
}
