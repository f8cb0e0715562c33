/* The Periodic Transmission machine, IEEE 802.1AX-2014 6.4.13, Figure 6-19.
 *
 * NO_PERIODIC while the link is down, LACP is off, or both ends are passive: whoever is passive
 * stays silent until an active partner is heard, and again once that partner is forgotten. Else
 * FAST_PERIODIC or SLOW_PERIODIC by the partner's Timeout, as it is the partner who will miss our
 * LACPDUs; when the timer runs out, or the partner begins to want them fast, PERIODIC_TX sets NTT
 * and passes on at once.
 *
 * Partner_Admin's Timeout counts as short here, which the standard leaves to us: whoever has not
 * been heard is sent a LACPDU each second. Partners that have forgotten us as well, after a silence
 * of both ways, send each half a minute only (Open vSwitch even when its link has just come up) and
 * would be found again as late; by ours they learn of us at once.
 *
 * Left out of the trace: the way through PERIODIC_TX, which in a minute would have pushed out
 * everything worth reading. What is traced is the change from one pace to another. */
#include "daemon/core/lacp/port.h"

[[gnu::format(printf, 3, 4)]] static void trace(struct lacp_port *port, enum lacp_periodic_state to,
						const char *cause, ...)
{
	const struct transition transition = { LACP_MACHINE_PERIODIC,
					       (uint8_t)port->periodic_traced, (uint8_t)to };
	va_list args;

	if (to == LACP_PERIODIC_TX || to == port->periodic_traced)
		return;
	va_start(args, cause);
	lacp_trace(port, transition, cause, args);
	va_end(args);
	port->periodic_traced = to;
}

static void enter(struct lacp_port *port, enum lacp_periodic_state to, const char *cause)
{
	trace(port, to, "%s", cause);
	port->periodic = to;
	switch (to) {
	case LACP_PERIODIC_NO_PERIODIC:
		port->periodic_timer = NSEC_NEVER;
		return;
	case LACP_PERIODIC_FAST:
		port->periodic_timer = nsec_add(port->lacp->now, FAST_PERIODIC_TIME);
		return;
	case LACP_PERIODIC_SLOW:
		port->periodic_timer = nsec_add(port->lacp->now, SLOW_PERIODIC_TIME);
		return;
	case LACP_PERIODIC_TX:
		port->periodic_timer = NSEC_NEVER;
		port->ntt = true;
		return;
	}
}

/* The words why nothing is to be sent, NULL if something is. */
static const char *why_silent(const struct lacp_port *port)
{
	if (!port->link_up)
		return "the link is down";
	if (!port->full_duplex)
		return "LACP is off on half duplex";
	if (!actor_is(port, LACP_STATE_ACTIVITY) && !partner_is(port, LACP_STATE_ACTIVITY))
		return "we are passive, and no active partner is known";
	return NULL;
}

static enum lacp_periodic_state pace(const struct lacp_port *port)
{
	bool unknown = port->receive == LACP_RECEIVE_DEFAULTED;

	return unknown || partner_is(port, LACP_STATE_TIMEOUT) ? LACP_PERIODIC_FAST
							       : LACP_PERIODIC_SLOW;
}

bool periodic_machine_step(struct lacp_port *port)
{
	const char *silent = why_silent(port);

	if (silent) {
		if (port->periodic == LACP_PERIODIC_NO_PERIODIC)
			return false;
		enter(port, LACP_PERIODIC_NO_PERIODIC, silent);
		return true;
	}
	switch (port->periodic) {
	case LACP_PERIODIC_NO_PERIODIC:
		enter(port, LACP_PERIODIC_FAST, "the port may send");
		return true;
	case LACP_PERIODIC_FAST:
		if (pace(port) == LACP_PERIODIC_FAST)
			return false;
		enter(port, LACP_PERIODIC_SLOW, "the partner's timeout is long");
		return true;
	case LACP_PERIODIC_SLOW:
		if (pace(port) == LACP_PERIODIC_SLOW)
			return false;
		enter(port, LACP_PERIODIC_TX, "the partner's timeout is short");
		return true;
	case LACP_PERIODIC_TX:
		enter(port, pace(port), "the partner's timeout is short");
		return true;
	}
	return false;
}

/* Ports that are due soon go with one that is due now: from then on they are due together, and a
 * host with eight members wakes once a second, not eight times. A LACPDU that comes a tenth of its
 * period early is as good as one in time. */
nsec_t periodic_horizon(const struct lacp *lacp)
{
	for (struct lacp_port *port = NULL; (port = lacp_next_port(lacp, port));)
		if (lacp->now >= port->periodic_timer)
			return nsec_add(lacp->now, FAST_PERIODIC_TIME / 10);
	return lacp->now;
}

void periodic_machine_tick(struct lacp_port *port, nsec_t horizon)
{
	if (horizon >= port->periodic_timer)
		enter(port, LACP_PERIODIC_TX, "it is time");
}
