/* Fallback: traffic without LACP where the partner does not speak it, so that a host can boot over
 * the network from a switch port that is not configured yet.
 *
 * It is the standard's own means, Partner_Admin: a partner that is silent is what the administrator
 * says it is, and he may say that it is in sync, collecting and distributing. For "one" that is the
 * port of best priority, as an Individual link; for "all" it is every port, aggregatable, so that
 * those of one key have one LAG ID. Receive takes it up in DEFAULTED, Selection and Mux go their
 * usual ways.
 *
 * It begins when no LACPDU of a partner's has come on any port for fallback_delay, counted from the
 * last one or from when the first of the links came up; it ends with the first one on any port, and
 * with the last link's going down, after which there may be another switch. A port that hears
 * our own frames is left out: "all" would close the loop. With "one" a port that carries gives way
 * to one of better priority only. min_links does not count (lag.c). */
#include "daemon/core/lacp/port.h"

#define ADMIN_STATE (LACP_STATE_SYNCHRONIZATION | LACP_STATE_COLLECTING | LACP_STATE_DISTRIBUTING)

static bool any_link_up(const struct lacp *lacp)
{
	for (const struct lacp_port *port = NULL; (port = lacp_next_port(lacp, port));)
		if (port->link_up)
			return true;
	return false;
}

static bool is_candidate(const struct lacp_port *port)
{
	return port->receive == LACP_RECEIVE_DEFAULTED && port->loop == LOOP_NONE;
}

static bool is_better(const struct lacp_port *a, const struct lacp_port *b)
{
	if (!b)
		return true;
	if (a->config.priority != b->config.priority)
		return a->config.priority < b->config.priority;
	if (!a->partner_admin_state != !b->partner_admin_state)
		return a->partner_admin_state;
	return a->config.number < b->config.number;
}

static const struct lacp_port *best_candidate(const struct lacp *lacp)
{
	const struct lacp_port *best = NULL;

	for (const struct lacp_port *port = NULL; (port = lacp_next_port(lacp, port));)
		if (is_candidate(port) && is_better(port, best))
			best = port;
	return best;
}

static uint8_t admin_state(const struct lacp_port *port, const struct lacp_port *best)
{
	const struct lacp *lacp = port->lacp;

	if (!lacp->fallback || !is_candidate(port))
		return 0;
	switch (lacp->config.fallback) {
	case LACP_FALLBACK_NONE:
		return 0;
	case LACP_FALLBACK_ONE:
		return port == best ? ADMIN_STATE : 0;
	case LACP_FALLBACK_ALL:
		return ADMIN_STATE | LACP_STATE_AGGREGATION;
	}
	return 0;
}

nsec_t fallback_deadline(const struct lacp *lacp)
{
	if (lacp->fallback || lacp->config.fallback == LACP_FALLBACK_NONE)
		return NSEC_NEVER;
	return nsec_add(lacp->quiet_since, lacp->config.fallback_delay);
}

bool fallback_step(struct lacp *lacp)
{
	const struct lacp_port *best;
	bool changed = false;

	if (lacp->config.fallback == LACP_FALLBACK_NONE)
		lacp->fallback = false;
	else if (lacp->now >= fallback_deadline(lacp))
		lacp->fallback = true;
	best = best_candidate(lacp);
	for (struct lacp_port *port = NULL; (port = lacp_next_port(lacp, port));) {
		uint8_t state = admin_state(port, best);

		changed |= state != port->partner_admin_state;
		port->partner_admin_state = state;
	}
	return changed;
}

void fallback_heard(struct lacp *lacp)
{
	lacp->quiet_since = lacp->now;
	lacp->fallback = false;
}

void fallback_links_changed(struct lacp *lacp)
{
	if (!any_link_up(lacp)) {
		lacp->quiet_since = NSEC_NEVER;
		lacp->fallback = false;
	} else if (lacp->quiet_since == NSEC_NEVER) {
		lacp->quiet_since = lacp->now;
	}
}
