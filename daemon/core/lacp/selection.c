/* Selection, IEEE 802.1AX-2014 6.4.14, for one Aggregator.
 *
 * A port is SELECTED if its LAG ID is the one that has the Aggregator (lag.c), STANDBY if that LAG
 * has more ports than max_links and others go before it, else UNSELECTED; and whoever has become
 * UNSELECTED is selected anew only when its Mux has reached DETACHED. A port that is down keeps
 * what it had, so that a short loss of the link costs no wait_while.
 *
 * min_links: while fewer ports of the LAG could carry, Ready is withheld, and those that are
 * attached are sent back to WAITING by way of UNSELECTED: there is no other way out of sync, and
 * the partner shall see it. With none left nothing carries anyway, so they may stay.
 *
 * Ready (6.4.8) is the AND of Ready_N of all ports that wait to be attached. STANDBY ports and
 * those without a link do not wait. wait_while exists for the others: a LAG shall not be formed
 * anew for each link of a cable loom that is plugged in. So it is cut short as soon as there are no
 * others: every other port is down, looped, has been heard to belong to another LAG, or is waiting
 * or attached itself. For a server with one link up, or whose last link has just been heard, that
 * is two seconds of outage less. To keep a partner that changes its identity all the time from
 * moving the team's traffic as often, a port gets that twice in ten seconds and waits in full
 * beyond.
 *
 * After a resume Selection rests for a second: until all sessions have been taken up it would see
 * too few ports, and tear down what is to go on. */
#include "daemon/core/lacp/port.h"

#define SHORTCUT_LIMIT 2
#define SHORTCUT_SPAN (10 * NSEC_PER_SEC)

void selection_enter(struct lacp_port *port, enum lacp_selected to, const char *cause, ...)
{
	const struct transition transition = { LACP_MACHINE_SELECTION, (uint8_t)port->selected,
					       (uint8_t)to };
	va_list args;

	if (port->selected == to)
		return;
	va_start(args, cause);
	lacp_trace(port, transition, cause, args);
	va_end(args);
	port->selected = to;
}

[[gnu::format(printf, 2, 3)]] static void remark(struct lacp_port *port, const char *format, ...)
{
	const struct transition transition = { LACP_MACHINE_SELECTION, (uint8_t)port->selected,
					       (uint8_t)port->selected };
	va_list args;

	va_start(args, format);
	lacp_trace(port, transition, format, args);
	va_end(args);
}

void selection_remark(struct lacp_port *port, const char *text)
{
	remark(port, "%s", text);
}

static bool is_in_lag(const struct lacp_port *port)
{
	const struct aggregator *aggregator = &port->lacp->aggregator;

	return aggregator->occupied && lag_equal(&port->lag, &aggregator->lag);
}

static bool unselect_stranger(struct lacp_port *port)
{
	const struct lag_id *lag = &port->lacp->aggregator.lag;
	char system[MAC_TEXT_SIZE];

	if (port->selected == LACP_UNSELECTED)
		return false;
	if (port->loop != LOOP_NONE)
		selection_enter(port, LACP_UNSELECTED, "our own LACPDUs come back");
	else if (!is_in_lag(port))
		selection_enter(port, LACP_UNSELECTED,
				"the LAG with %s, key %u (ours %u) has the Aggregator",
				mac_to_text(&lag->partner_system, system), lag->partner_key,
				lag->actor_key);
	else if (port->link_up && !lag_eligible(port))
		selection_enter(port, LACP_UNSELECTED, "the partner is silent");
	else
		return false;
	return true;
}

static bool unselect_short(struct lacp_port *port)
{
	const struct aggregator *aggregator = &port->lacp->aggregator;

	if (!aggregator->short_of || aggregator->usable == 0 || !is_attached(port) ||
	    port->selected == LACP_UNSELECTED)
		return false;
	selection_enter(port, LACP_UNSELECTED, "min_links: %u of the %u links needed",
			aggregator->usable, lag_min_links(port->lacp));
	return true;
}

static bool place(struct lacp_port *port)
{
	bool joins = port->selected == LACP_UNSELECTED;
	enum lacp_selected to;

	if (!is_in_lag(port) || (joins && (!lag_eligible(port) || port->mux != LACP_MUX_DETACHED)))
		return false;
	to = lag_within_limit(port) ? LACP_SELECTED : LACP_STANDBY;
	if (port->selected == to)
		return false;
	if (to == LACP_STANDBY)
		selection_enter(port, to, "max_links: %u links of better priority are there",
				port->lacp->config.max_links);
	else
		selection_enter(port, to,
				joins ? "its LAG has the Aggregator"
				      : "a link of better priority has gone");
	return true;
}

static bool may_still_join(const struct lacp_port *port)
{
	if (!port->link_up || !port->full_duplex || port->loop != LOOP_NONE)
		return false;
	return port->selected == LACP_UNSELECTED && (!lag_eligible(port) || is_in_lag(port));
}

static bool is_waiting(const struct lacp_port *port)
{
	return port->selected == LACP_SELECTED && port->mux == LACP_MUX_WAITING && port->link_up;
}

static bool cut_short(struct lacp_port *port)
{
	nsec_t now = port->lacp->now;

	if (!is_waiting(port) || port->ready_n ||
	    now < window_opens(&port->cut_short, SHORTCUT_LIMIT, SHORTCUT_SPAN))
		return false;
	window_add(&port->cut_short, now);
	port->ready_n = true;
	port->wait_while = nsec_add(port->waiting_since, 2 * AGGREGATE_WAIT_TIME);
	return true;
}

/* Ready_N of those that need not wait for anybody. */
static void cut_all_short(struct lacp *lacp)
{
	for (const struct lacp_port *port = NULL; (port = lacp_next_port(lacp, port));)
		if (may_still_join(port))
			return;
	for (struct lacp_port *port = NULL; (port = lacp_next_port(lacp, port));)
		(void)cut_short(port);
}

static bool set_ready(struct lacp *lacp)
{
	bool all = true, changed = false;

	if (!lacp->aggregator.short_of)
		cut_all_short(lacp);
	for (const struct lacp_port *port = NULL; (port = lacp_next_port(lacp, port));)
		all &= !is_waiting(port) || port->ready_n;
	for (struct lacp_port *port = NULL; (port = lacp_next_port(lacp, port));) {
		bool ready = !lacp->aggregator.short_of && (all || port->overdue);

		changed |= ready != port->ready;
		port->ready = ready;
	}
	return changed;
}

bool selection_step(struct lacp *lacp)
{
	bool changed;

	lag_refresh(lacp);
	if (lacp->now < lacp->settled)
		return false;
	changed = lag_choose(lacp);
	for (struct lacp_port *port = NULL; (port = lacp_next_port(lacp, port));)
		changed |= unselect_stranger(port) || unselect_short(port) || place(port);
	return set_ready(lacp) || changed;
}

static unsigned worth_as_reference(const struct lacp_port *port)
{
	if (port->selected != LACP_SELECTED)
		return 0;
	return port->distributing ? 3 : is_attached(port) && port->link_up ? 2 : 1;
}

const struct lacp_port *selection_reference(const struct lacp *lacp)
{
	const struct lacp_port *best = NULL;

	for (const struct lacp_port *port = NULL; (port = lacp_next_port(lacp, port));)
		if (worth_as_reference(port) > (best ? worth_as_reference(best) : 0))
			best = port;
	return best;
}
