/* Why a port carries nothing, in a word for programs and in a sentence for whoever has to mend it.
 *
 * The sentence names the port, what was seen, with its numbers and beside the port it differs from,
 * and what that usually means on the switch. */
#include "daemon/core/lacp/port.h"

#include <stdio.h>

/* What a sentence is made for. */
struct question {
	const struct lacp_port *port;
	const struct lacp_port *reference; /* A port in the Aggregator, or NULL. */
	nsec_t now;
	char *text;
};

[[gnu::format(printf, 3, 4)]] static enum lacp_reason
say(const struct question *question, enum lacp_reason reason, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(question->text, LACP_EXPLANATION_SIZE, format, args);
	va_end(args);
	return reason;
}

static unsigned seconds_since(const struct question *question, nsec_t when)
{
	return (unsigned)(nsec_since(when, question->now) / NSEC_PER_SEC);
}

static const char *port_name_of(const struct lacp *lacp, unsigned number)
{
	for (const struct lacp_port *port = NULL; (port = lacp_next_port(lacp, port));)
		if (port->config.number == number)
			return port->config.name;
	return "another port";
}

static enum lacp_reason explain_loop(const struct question *question)
{
	const struct lacp_port *port = question->port;
	const char *name = port->config.name;
	char system[MAC_TEXT_SIZE];

	if (port->loop == LOOP_ECHO)
		return say(question, LACP_REASON_LOOPBACK,
			   "%s receives its own LACPDUs: its cable, or the network behind it, is a "
			   "loop",
			   name);
	if (port->loop == LOOP_JOINED)
		return say(question, LACP_REASON_LOOPBACK,
			   "%s and %s are joined to each other: both are kept out", name,
			   port_name_of(port->lacp, port->loop_port));
	return say(
		question, LACP_REASON_LOOPBACK,
		"on %s comes our own system identifier %s, from port %u, which this team does not "
		"have: another team of this host is there, or another machine with our identifier",
		name, mac_to_text(&port->lacp->config.system, system), port->loop_port);
}

static enum lacp_reason explain_silent(const struct question *question)
{
	const struct lacp_port *port = question->port, *other = question->reference;
	const char *name = port->config.name;
	unsigned seconds = seconds_since(question, port->link_since);

	if (port->receive == LACP_RECEIVE_EXPIRED)
		return say(question, LACP_REASON_PARTNER_SILENT,
			   "the link of %s came up %u s ago and its partner has not been heard yet",
			   name, seconds);
	if (port->lacp->fallback && other)
		return say(question, LACP_REASON_PARTNER_SILENT,
			   "no LACPDU has come on any port, and for as long %s alone carries "
			   "(fallback): LACP is not on at the switch",
			   other->config.name);
	return say(question, LACP_REASON_PARTNER_SILENT,
		   "no LACPDU has come on %s in the %u s since its link came up: LACP is not on at "
		   "the "
		   "switch port%s, or the adapter's firmware keeps LACPDUs to itself",
		   name, seconds,
		   port->lacp->config.active ? "" : ", or passive there as it is here");
}

static enum lacp_reason explain_expired(const struct question *question)
{
	const struct lacp_port *port = question->port;
	const struct lacp_config *config = &port->lacp->config;

	return say(question, LACP_REASON_PARTNER_EXPIRED,
		   "nothing has been heard on %s for %u s (our timeout is %u s): the switch has "
		   "stopped LACP there%s, or frames from it no longer arrive",
		   port->config.name, seconds_since(question, port->last_rx), config->fast ? 3 : 90,
		   config->active ? "" : ", or is passive there as it is here");
}

/* Which of 'a' and 'b' differs, with both values. */
static void describe_difference(const struct lacp_info *a, const struct lacp_info *b,
				char text[static LACP_EXPLANATION_SIZE])
{
	char system_a[MAC_TEXT_SIZE], system_b[MAC_TEXT_SIZE];
	const struct {
		const char *what;
		unsigned a, b;
	} fields[] = {
		{ "key", a->key, b->key },
		{ "port", a->port, b->port },
		{ "port priority", a->port_priority, b->port_priority },
		{ "system priority", a->system_priority, b->system_priority },
	};

	(void)snprintf(text, LACP_EXPLANATION_SIZE, "Aggregation bit");
	if (!mac_equal(&a->system, &b->system)) {
		(void)snprintf(text, LACP_EXPLANATION_SIZE, "system %s instead of %s",
			       mac_to_text(&a->system, system_a),
			       mac_to_text(&b->system, system_b));
		return;
	}
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (fields[i].a != fields[i].b) {
			(void)snprintf(text, LACP_EXPLANATION_SIZE, "%s %u instead of %u",
				       fields[i].what, fields[i].a, fields[i].b);
			return;
		}
}

static enum lacp_reason explain_out_of_sync(const struct question *question)
{
	const struct lacp_port *port = question->port;
	const char *name = port->config.name;
	char difference[LACP_EXPLANATION_SIZE], system[MAC_TEXT_SIZE];

	if (mac_is_zero(&port->said.system) ||
	    partner_is(port, LACP_STATE_EXPIRED | LACP_STATE_DEFAULTED))
		return say(
			question, LACP_REASON_PARTNER_MISMATCH,
			"the partner on %s says that it does not hear us: our LACPDUs are lost on "
			"the way to it, or it has just come up",
			name);
	if (!lacp_same_identity(&port->said, &port->actor)) {
		describe_difference(&port->said, &port->actor, difference);
		return say(
			question, LACP_REASON_PARTNER_MISMATCH,
			"the partner's picture of %s is not right, it has our %s: it has not taken "
			"up our last LACPDU",
			name, difference);
	}
	return say(
		question, LACP_REASON_PARTNER_NOT_IN_SYNC,
		"partner %s is not in sync on %s (its port %u, key %u): the switch keeps that port "
		"out, as standby, suspended, or short of its own min-links",
		mac_to_text(&port->partner.system, system), name, port->partner.port,
		port->partner.key);
}

static enum lacp_reason explain_other_partner(const struct question *question)
{
	const struct lacp_port *port = question->port, *other = question->reference;
	const char *name = port->config.name, *other_name = other->config.name;
	char system[MAC_TEXT_SIZE], other_system[MAC_TEXT_SIZE];

	if (!mac_equal(&port->partner.system, &other->partner.system))
		return say(question, LACP_REASON_PARTNER_SYSTEM,
			   "partner on %s is %s, on %s it is %s: the two ports go to different "
			   "switches "
			   "which do not act as one",
			   name, mac_to_text(&port->partner.system, system), other_name,
			   mac_to_text(&other->partner.system, other_system));
	if (port->partner.system_priority != other->partner.system_priority)
		return say(question, LACP_REASON_PARTNER_SYSTEM,
			   "partner's system priority on %s is %u, on %s it is %u: the two ports "
			   "go to "
			   "switches which are not configured alike",
			   name, port->partner.system_priority, other_name,
			   other->partner.system_priority);
	return say(question, LACP_REASON_PARTNER_KEY,
		   "partner's key on %s is %u, on %s it is %u: the switch has the two ports in "
		   "different channel groups",
		   name, port->partner.key, other_name, other->partner.key);
}

/* A port whose partner is heard and that is not in the Aggregator. */
static enum lacp_reason explain_unselected(const struct question *question)
{
	const struct lacp_port *port = question->port, *other = question->reference;

	if (!other || lag_equal(&port->lag, &other->lag))
		return say(question, LACP_REASON_WAITING, "%s is about to be selected",
			   port->config.name);
	if (!partner_is(port, LACP_STATE_AGGREGATION))
		return say(question, LACP_REASON_PARTNER_INDIVIDUAL,
			   "the partner says that its link to %s is Individual: the switch does "
			   "not let "
			   "that port aggregate, and %s carries",
			   port->config.name, other->config.name);
	if (port->actor.key == other->actor.key)
		return explain_other_partner(question);
	return say(question, LACP_REASON_KEY,
		   "%s (%u Mbit/s, key %u) cannot join %s (%u Mbit/s, key %u): only links of one "
		   "speed "
		   "aggregate",
		   port->config.name, port->config.speed_mbps, port->actor.key, other->config.name,
		   other->config.speed_mbps, other->actor.key);
}

static enum lacp_reason explain_standby(const struct question *question)
{
	const struct lacp_port *port = question->port;

	return say(question, LACP_REASON_STANDBY,
		   "%s is standby: %u links may carry (max_links), and others go before it by the "
		   "port "
		   "priorities of %s, whose system has precedence",
		   port->config.name, port->lacp->config.max_links,
		   port->refused               ? "the partner (which refuses this port)"
		   : lag_partner_decides(port) ? "the partner"
					       : "this host");
}

static enum lacp_reason explain_selected(const struct question *question)
{
	const struct lacp_port *port = question->port;
	const struct aggregator *aggregator = &port->lacp->aggregator;
	const char *name = port->config.name;

	if (aggregator->short_of && aggregator->usable > 0)
		return say(question, LACP_REASON_MIN_LINKS,
			   "%u of the %u links that min_links asks for can carry, so none does",
			   aggregator->usable, lag_min_links(port->lacp));
	if (port->mux <= LACP_MUX_WAITING)
		return say(question, LACP_REASON_WAITING,
			   "%s waits for other ports that may join, for %u s at most", name,
			   port->ready_n ? 4u : 2u);
	if (port->mux == LACP_MUX_ATTACHED)
		return explain_out_of_sync(question);
	return say(question, LACP_REASON_PARTNER_NOT_COLLECTING,
		   "the partner on %s does not collect yet, so nothing is sent to it", name);
}

static enum lacp_reason answer(const struct question *question)
{
	const struct lacp_port *port = question->port;
	const char *name = port->config.name;

	if (port->distributing)
		return say(question, LACP_REASON_OK, "%s", "");
	if (!port->link_up)
		return say(question, LACP_REASON_NO_CARRIER,
			   "%s has no link: look at the cable, the transceiver, and whether the "
			   "switch "
			   "port is shut down",
			   name);
	if (!port->full_duplex)
		return say(question, LACP_REASON_HALF_DUPLEX,
			   "%s runs in half duplex, on which LACP does not work: look at the "
			   "autonegotiation of both ends",
			   name);
	if (port->loop != LOOP_NONE)
		return explain_loop(question);
	if (port->receive == LACP_RECEIVE_CURRENT ||
	    (port->receive == LACP_RECEIVE_DEFAULTED && port->partner_admin_state)) {
		if (port->selected == LACP_UNSELECTED)
			return explain_unselected(question);
		return port->selected == LACP_STANDBY ? explain_standby(question)
						      : explain_selected(question);
	}
	return port->heard ? explain_expired(question) : explain_silent(question);
}

enum lacp_reason lacp_explain(const struct lacp_port *port,
			      char explanation[static LACP_EXPLANATION_SIZE], nsec_t now)
{
	const struct question question = {
		.port = port,
		.reference = selection_reference(port->lacp),
		.now = now,
		.text = explanation,
	};

	return answer(&question);
}
