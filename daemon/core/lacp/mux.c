/* The Mux machine, IEEE 802.1AX-2014 6.4.15: coupled control of Figure 6-21, where collecting and
 * distributing go together, and independent control of Figure 6-22, where a port distributes only
 * once the partner says that it collects.
 *
 * DETACHED: not in sync, carries nothing; to WAITING as soon as the port is SELECTED or STANDBY.
 * WAITING: wait_while gives other ports time to come along; a STANDBY port stays here. With
 * SELECTED and Ready to ATTACHED: in sync, and tells the partner so. With the partner in sync on to
 * COLLECTING_DISTRIBUTING, or to COLLECTING and from there, while the partner collects, to
 * DISTRIBUTING. The partner's falling out of sync leads back to ATTACHED, which includes the link's
 * going down; not being SELECTED leads by way of ATTACHED to DETACHED.
 *
 * - Entering DISTRIBUTING sets no NTT (6-22): the partner has no use for it.
 * - A port whose own wait_while is over does not wait for others longer than another: Ready needs
 *   Ready_N of all that wait, and one partner that changes its identity all the time would keep the
 *   good ports out for ever. Selection cuts wait_while short where nobody could come along.
 * - Collecting and distributing are told to the caller after all machines have come to rest, and
 *   before any frame is sent (actions.c). */
#include "daemon/core/lacp/port.h"

static void set_flags(struct lacp_port *port, bool sync, bool collecting, bool distributing)
{
	if (sync != actor_is(port, LACP_STATE_SYNCHRONIZATION))
		port->counters.actor_sync_transitions++;
	actor_set(port, LACP_STATE_SYNCHRONIZATION, sync);
	actor_set(port, LACP_STATE_COLLECTING, collecting);
	actor_set(port, LACP_STATE_DISTRIBUTING, distributing);
	port->collecting = collecting;
	port->distributing = distributing;
}

static void start_waiting(struct lacp_port *port)
{
	port->ready = false;
	port->ready_n = false;
	port->overdue = false;
	port->waiting_since = port->lacp->now;
	port->wait_while = nsec_add(port->lacp->now, AGGREGATE_WAIT_TIME);
}

static void act(struct lacp_port *port, enum lacp_mux_state state)
{
	port->wait_while = NSEC_NEVER;
	switch (state) {
	case LACP_MUX_DETACHED:
		set_flags(port, false, false, false);
		port->ntt = true;
		return;
	case LACP_MUX_WAITING:
		start_waiting(port);
		return;
	case LACP_MUX_ATTACHED:
		set_flags(port, true, false, false);
		port->ntt = true;
		return;
	case LACP_MUX_COLLECTING:
		set_flags(port, true, true, false);
		port->ntt = true;
		return;
	case LACP_MUX_DISTRIBUTING:
		set_flags(port, true, true, true);
		return;
	case LACP_MUX_COLLECTING_DISTRIBUTING:
		set_flags(port, true, true, true);
		port->ntt = true;
		return;
	}
}

[[gnu::format(printf, 3, 4)]] static void enter(struct lacp_port *port, enum lacp_mux_state to,
						const char *cause, ...)
{
	const struct transition transition = { LACP_MACHINE_MUX, (uint8_t)port->mux, (uint8_t)to };
	va_list args;

	va_start(args, cause);
	lacp_trace(port, transition, cause, args);
	va_end(args);
	port->mux = to;
	act(port, to);
}

void mux_machine_begin(struct lacp_port *port)
{
	port->mux = LACP_MUX_DETACHED;
	port->wait_while = NSEC_NEVER;
}

void mux_machine_resume(struct lacp_port *port, enum lacp_mux_state state)
{
	enter(port, state, "the session goes on");
	mux_machine_control_changed(port);
}

void mux_machine_control_changed(struct lacp_port *port)
{
	bool independent = port->lacp->config.independent;

	if (independent && port->mux == LACP_MUX_COLLECTING_DISTRIBUTING)
		enter(port, LACP_MUX_DISTRIBUTING, "control is independent");
	else if (!independent &&
		 (port->mux == LACP_MUX_COLLECTING || port->mux == LACP_MUX_DISTRIBUTING))
		enter(port, LACP_MUX_COLLECTING_DISTRIBUTING, "control is coupled");
}

/* Why the partner is not in sync. */
static const char *why_not_in_sync(const struct lacp_port *port)
{
	if (!port->link_up)
		return "the link is down";
	if (port->receive == LACP_RECEIVE_EXPIRED)
		return "the partner has not been heard for too long";
	if (port->receive == LACP_RECEIVE_DEFAULTED)
		return "the partner is silent";
	if (port->said_sync)
		return "the partner's picture of this port is not right";
	return "the partner says that it is not in sync";
}

static const char *why_out(const struct lacp_port *port)
{
	if (port->selected == LACP_UNSELECTED)
		return "the port is no longer selected";
	if (port->selected == LACP_STANDBY)
		return "the port is now standby";
	return why_not_in_sync(port);
}

static bool stays_in(const struct lacp_port *port)
{
	return port->selected == LACP_SELECTED && partner_is(port, LACP_STATE_SYNCHRONIZATION);
}

static bool step_waiting(struct lacp_port *port)
{
	if (port->selected == LACP_UNSELECTED)
		enter(port, LACP_MUX_DETACHED, "%s", why_out(port));
	else if (port->selected == LACP_SELECTED && port->ready)
		enter(port, LACP_MUX_ATTACHED, "%s",
		      port->overdue ? "the port has waited long enough"
				    : "all that wait are ready");
	else
		return false;
	return true;
}

static bool step_attached(struct lacp_port *port)
{
	if (port->selected != LACP_SELECTED)
		enter(port, LACP_MUX_DETACHED, "%s", why_out(port));
	else if (!stays_in(port))
		return false;
	else if (port->lacp->config.independent)
		enter(port, LACP_MUX_COLLECTING, "the partner is in sync");
	else
		enter(port, LACP_MUX_COLLECTING_DISTRIBUTING, "the partner is in sync");
	return true;
}

static bool step_collecting(struct lacp_port *port)
{
	if (!stays_in(port))
		enter(port, LACP_MUX_ATTACHED, "%s", why_out(port));
	else if (partner_is(port, LACP_STATE_COLLECTING))
		enter(port, LACP_MUX_DISTRIBUTING, "the partner collects");
	else
		return false;
	return true;
}

static bool step_distributing(struct lacp_port *port)
{
	if (!stays_in(port))
		enter(port, LACP_MUX_COLLECTING, "%s", why_out(port));
	else if (!partner_is(port, LACP_STATE_COLLECTING))
		enter(port, LACP_MUX_COLLECTING, "the partner no longer collects");
	else
		return false;
	return true;
}

bool mux_machine_step(struct lacp_port *port)
{
	switch (port->mux) {
	case LACP_MUX_DETACHED:
		if (port->selected == LACP_UNSELECTED)
			return false;
		enter(port, LACP_MUX_WAITING, "the port is %s", lacp_selected_name(port->selected));
		return true;
	case LACP_MUX_WAITING:
		return step_waiting(port);
	case LACP_MUX_ATTACHED:
		return step_attached(port);
	case LACP_MUX_COLLECTING:
		return step_collecting(port);
	case LACP_MUX_DISTRIBUTING:
		return step_distributing(port);
	case LACP_MUX_COLLECTING_DISTRIBUTING:
		if (stays_in(port))
			return false;
		enter(port, LACP_MUX_ATTACHED, "%s", why_out(port));
		return true;
	}
	return false;
}

void mux_machine_tick(struct lacp_port *port)
{
	if (port->lacp->now < port->wait_while)
		return;
	/* Whoever calls late may have let both pass. */
	port->overdue = port->lacp->now >= nsec_add(port->waiting_since, 2 * AGGREGATE_WAIT_TIME);
	port->ready_n = true;
	port->wait_while =
		port->overdue ? NSEC_NEVER : nsec_add(port->waiting_since, 2 * AGGREGATE_WAIT_TIME);
}
