/* The Actor and Partner Churn Detection machines, IEEE 802.1AX-2014 6.4.17, Figures 6-23 and 6-24.
 *
 * Both watch a Synchronization bit, ours and the partner's: MONITOR gives it sixty seconds to be
 * set, then it is CHURN; NO_CHURN when it is; a bit that falls goes back to MONITOR. While the link
 * is down they stay in MONITOR and the time does not run. They report and change nothing else. */
#include "daemon/core/lacp/port.h"

/* One of a port's two. */
struct churn {
	struct lacp_port *port;
	enum lacp_machine machine;
	enum lacp_churn_state *state;
	nsec_t *timer;
	uint64_t *count;
	bool in_sync;
};

static struct churn churn_of(struct lacp_port *port, enum lacp_machine machine)
{
	if (machine == LACP_MACHINE_ACTOR_CHURN)
		return (struct churn){
			.port = port,
			.machine = machine,
			.state = &port->actor_churn,
			.timer = &port->actor_churn_timer,
			.count = &port->counters.actor_churn,
			.in_sync = actor_is(port, LACP_STATE_SYNCHRONIZATION),
		};
	return (struct churn){
		.port = port,
		.machine = machine,
		.state = &port->partner_churn,
		.timer = &port->partner_churn_timer,
		.count = &port->counters.partner_churn,
		.in_sync = partner_is(port, LACP_STATE_SYNCHRONIZATION),
	};
}

[[gnu::format(printf, 3, 4)]] static void enter(const struct churn *churn, enum lacp_churn_state to,
						const char *cause, ...)
{
	const struct transition transition = { churn->machine, (uint8_t)*churn->state,
					       (uint8_t)to };
	va_list args;

	va_start(args, cause);
	lacp_trace(churn->port, transition, cause, args);
	va_end(args);
	*churn->state = to;
	*churn->timer = NSEC_NEVER;
	if (to == LACP_CHURN_CHURN)
		++*churn->count;
}

static const char *who(const struct churn *churn)
{
	return churn->machine == LACP_MACHINE_ACTOR_CHURN ? "our" : "the partner's";
}

static bool step(const struct churn *churn)
{
	if (!churn->port->link_up) {
		*churn->timer = NSEC_NEVER;
		if (*churn->state == LACP_CHURN_MONITOR)
			return false;
		enter(churn, LACP_CHURN_MONITOR, "the link is down");
		return true;
	}
	switch (*churn->state) {
	case LACP_CHURN_MONITOR:
	case LACP_CHURN_CHURN:
		if (churn->in_sync) {
			enter(churn, LACP_CHURN_NO_CHURN, "%s end is in sync", who(churn));
			return true;
		}
		if (*churn->state == LACP_CHURN_MONITOR && *churn->timer == NSEC_NEVER)
			*churn->timer = nsec_add(churn->port->lacp->now, CHURN_DETECTION_TIME);
		return false;
	case LACP_CHURN_NO_CHURN:
		if (churn->in_sync)
			return false;
		enter(churn, LACP_CHURN_MONITOR, "%s end is no longer in sync", who(churn));
		return true;
	}
	return false;
}

static void tick(const struct churn *churn)
{
	if (churn->port->lacp->now >= *churn->timer)
		enter(churn, LACP_CHURN_CHURN, "%s end has not been in sync for 60 s", who(churn));
}

void churn_machine_begin(struct lacp_port *port)
{
	port->actor_churn = LACP_CHURN_MONITOR;
	port->partner_churn = LACP_CHURN_MONITOR;
	port->actor_churn_timer = NSEC_NEVER;
	port->partner_churn_timer = NSEC_NEVER;
}

bool churn_machine_step(struct lacp_port *port)
{
	const struct churn actor = churn_of(port, LACP_MACHINE_ACTOR_CHURN);
	const struct churn partner = churn_of(port, LACP_MACHINE_PARTNER_CHURN);
	bool changed = step(&actor);

	return step(&partner) || changed;
}

void churn_machine_tick(struct lacp_port *port)
{
	const struct churn actor = churn_of(port, LACP_MACHINE_ACTOR_CHURN);
	const struct churn partner = churn_of(port, LACP_MACHINE_PARTNER_CHURN);

	tick(&actor);
	tick(&partner);
}
