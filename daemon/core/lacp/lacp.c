#include "daemon/core/lacp/lacp.h"

#include "daemon/core/lacp/port.h"

#include <assert.h>
#include <stdlib.h>

/* How often all machines may be gone through for one input. Selection follows a total order and
 * does not depend on the Mux but for "attached" and "detached", and what it sends back is not ready
 * again before time has passed; so a port makes at most the longest way through each machine, less
 * than twenty transitions, and a second time where min_links turns it back. The random worlds of
 * tests/sim never need more than seven rounds. */
#define ROUNDS_MAX 64

struct lacp *lacp_new(const struct lacp_config *config, nsec_t now)
{
	struct lacp *lacp = calloc(1, sizeof(*lacp));

	if (!lacp)
		return NULL;
	lacp->config = *config;
	lacp->now = now;
	lacp->quiet_since = NSEC_NEVER;
	lacp->aggregator.challenge = NSEC_NEVER;
	return lacp;
}

void lacp_free(struct lacp *lacp)
{
	free(lacp);
}

static bool step_all(struct lacp *lacp)
{
	bool changed = fallback_step(lacp);

	for (struct lacp_port *port = NULL; (port = lacp_next_port(lacp, port));) {
		changed |= receive_machine_step(port);
		changed |= periodic_machine_step(port);
	}
	changed |= selection_step(lacp);
	for (struct lacp_port *port = NULL; (port = lacp_next_port(lacp, port));) {
		changed |= mux_machine_step(port);
		changed |= churn_machine_step(port);
	}
	return changed;
}

void lacp_run(struct lacp *lacp)
{
	for (unsigned rounds = 0; step_all(lacp); rounds++) {
		assert(rounds < ROUNDS_MAX);
		if (rounds >= ROUNDS_MAX)
			break;
	}
	for (struct lacp_port *port = NULL; (port = lacp_next_port(lacp, port));)
		transmit_machine_run(port);
}

/* Actor_Oper follows the configuration. */
static void take_configuration(struct lacp_port *port)
{
	const struct lacp_config *config = &port->lacp->config;

	port->actor.system = config->system;
	port->actor.system_priority = config->system_priority;
	port->actor.key = port->config.key;
	port->actor.port = port->config.number;
	port->actor.port_priority = port->config.priority;
	actor_set(port, LACP_STATE_AGGREGATION, true);
	actor_set(port, LACP_STATE_ACTIVITY, config->active);
	actor_set(port, LACP_STATE_TIMEOUT, config->fast);
}

/* 6.4.9: what a change of our own means for a port. */
static void reconfigure(struct lacp_port *port)
{
	const struct lacp_info before = port->actor;

	take_configuration(port);
	if (!lacp_same_identity(&before, &port->actor)) {
		receive_machine_actor_changed(port);
		selection_enter(port, LACP_UNSELECTED, "our own %s changed",
				before.key != port->actor.key ? "key"
				: before.port_priority != port->actor.port_priority
					? "port priority"
					: "system");
		port->ntt = true;
	}
	if (before.state != port->actor.state)
		port->ntt = true;
	if ((before.state ^ port->actor.state) & LACP_STATE_TIMEOUT)
		receive_machine_timeout_changed(port);
	mux_machine_control_changed(port);
}

void lacp_configure(struct lacp *lacp, const struct lacp_config *config, nsec_t now)
{
	lacp->now = now;
	lacp->config = *config;
	for (struct lacp_port *port = NULL; (port = lacp_next_port(lacp, port));)
		reconfigure(port);
	lacp_run(lacp);
}

struct lacp_port *lacp_port_open(struct lacp *lacp, unsigned slot,
				 const struct lacp_port_config *config)
{
	struct lacp_port *port = &lacp->room[slot];

	*port = (struct lacp_port){
		.lacp = lacp,
		.slot = slot,
		.config = *config,
		.loop_until = NSEC_NEVER,
		.request.timeout = NSEC_NEVER,
		.periodic_timer = NSEC_NEVER,
		.last_rx = NSEC_NEVER,
		.last_tx = NSEC_NEVER,
	};
	port->config.name[sizeof(port->config.name) - 1] = '\0';
	lacp->n_ports += !lacp->ports[slot];
	lacp->ports[slot] = port;
	take_configuration(port);
	lacp_trace_begin(port);
	mux_machine_begin(port);
	churn_machine_begin(port);
	receive_machine_begin(port);
	return port;
}

void lacp_port_add(struct lacp *lacp, unsigned slot, const struct lacp_port_config *config,
		   nsec_t now)
{
	assert(slot < LACP_PORTS_MAX && !lacp->ports[slot]);
	lacp->now = now;
	lacp_port_open(lacp, slot, config);
	lacp_run(lacp);
}

void lacp_port_configure(struct lacp *lacp, unsigned slot, const struct lacp_port_config *config,
			 nsec_t now)
{
	struct lacp_port *port = lacp->ports[slot];

	assert(port && port->config.number == config->number);
	lacp->now = now;
	port->config = *config;
	port->config.name[sizeof(port->config.name) - 1] = '\0';
	reconfigure(port);
	lacp_run(lacp);
}

void lacp_port_remove(struct lacp *lacp, unsigned slot, nsec_t now)
{
	struct lacp_port *port = lacp->ports[slot];

	assert(port);
	lacp->now = now;
	actions_farewell(port);
	lacp->ports[slot] = NULL;
	lacp->n_ports--;
	fallback_links_changed(lacp);
	lacp_run(lacp);
}

void lacp_port_link(struct lacp *lacp, unsigned slot, bool up, bool full_duplex, nsec_t now)
{
	struct lacp_port *port = lacp->ports[slot];

	assert(port);
	lacp->now = now;
	if (up && !port->link_up)
		port->link_since = now;
	port->link_up = up;
	port->full_duplex = full_duplex;
	if (!up) {
		marker_abandon(port);
		(void)loopback_clear(port, "loopback: the link went down");
	}
	fallback_links_changed(lacp);
	lacp_run(lacp);
}

/* Whether the machines have to run. */
static bool take_lacpdu(struct lacp_port *port, const struct lacpdu *pdu)
{
	struct lacp *lacp = port->lacp;
	bool looped = port->loop != LOOP_NONE, fallback = lacp->fallback;

	port->counters.lacpdu_rx++;
	if (loopback_detect(port, &pdu->actor))
		return port->loop != LOOP_NONE && !looped;
	if (port->receive < LACP_RECEIVE_EXPIRED) {
		port->counters.ignored_rx++;
		return false;
	}
	fallback_heard(lacp);
	looped = loopback_clear(port, "loopback: a partner was heard");
	return receive_machine_lacpdu(port, pdu) || looped || fallback;
}

void lacp_receive(struct lacp *lacp, unsigned slot, const struct mac *source, struct span payload,
		  nsec_t now)
{
	struct lacp_port *port = lacp->ports[slot];
	struct lacpdu lacpdu;
	struct marker marker;

	assert(port);
	lacp->now = now;
	if (mac_is_multicast(source)) {
		port->counters.illegal_rx++;
		return;
	}
	switch (pdu_decode(payload, &lacpdu, &marker)) {
	case PDU_LACP:
		if (take_lacpdu(port, &lacpdu))
			lacp_run(lacp);
		return;
	case PDU_MARKER:
		marker_received(port, &marker);
		return;
	case PDU_UNKNOWN:
		port->counters.unknown_rx++;
		return;
	case PDU_ILLEGAL:
		port->counters.illegal_rx++;
		return;
	}
}

void lacp_receive_foreign(struct lacp *lacp, unsigned slot, bool illegal)
{
	struct lacp_port *port = lacp->ports[slot];

	assert(port);
	if (illegal)
		port->counters.illegal_rx++;
	else
		port->counters.unknown_rx++;
}

void lacp_tick(struct lacp *lacp, nsec_t now)
{
	nsec_t horizon;

	lacp->now = now;
	horizon = periodic_horizon(lacp);
	for (struct lacp_port *port = NULL; (port = lacp_next_port(lacp, port));) {
		receive_machine_tick(port);
		periodic_machine_tick(port, horizon);
		mux_machine_tick(port);
		churn_machine_tick(port);
		marker_tick(port);
		loopback_tick(port);
	}
	lacp_run(lacp);
}

static nsec_t port_deadline(const struct lacp_port *port)
{
	const nsec_t timers[] = {
		port->current_while,     port->periodic_timer,      port->wait_while,
		port->actor_churn_timer, port->partner_churn_timer, port->loop_until,
		port->request.timeout,   transmit_deadline(port),
	};
	nsec_t deadline = NSEC_NEVER;

	for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++)
		deadline = nsec_min(deadline, timers[i]);
	return deadline;
}

nsec_t lacp_deadline(const struct lacp *lacp)
{
	nsec_t deadline = nsec_min(lacp->aggregator.challenge, fallback_deadline(lacp));

	if (lacp->settled > lacp->now)
		deadline = nsec_min(deadline, lacp->settled);
	deadline = nsec_min(deadline, lag_deadline(lacp));
	for (const struct lacp_port *port = NULL; (port = lacp_next_port(lacp, port));)
		deadline = nsec_min(deadline, port_deadline(port));
	return deadline;
}

unsigned lacp_distributing(const struct lacp *lacp)
{
	unsigned count = 0;

	for (const struct lacp_port *port = NULL; (port = lacp_next_port(lacp, port));)
		count += port->distributing;
	return count;
}

bool lacp_partner(const struct lacp *lacp, struct lacp_info *partner)
{
	const struct lacp_port *port = selection_reference(lacp);

	if (!port || actor_is(port, LACP_STATE_DEFAULTED))
		return false;
	*partner = port->partner;
	return true;
}

bool lacp_port_exists(const struct lacp *lacp, unsigned slot)
{
	return slot < LACP_PORTS_MAX && lacp->ports[slot];
}

bool lacp_port_accepts(const struct lacp *lacp, unsigned slot)
{
	return lacp_port_exists(lacp, slot) &&
	       (lacp->ports[slot]->collecting || is_attached(lacp->ports[slot]));
}

bool lacp_partner_collects(const struct lacp *lacp, unsigned slot)
{
	const struct lacp_port *port = lacp_port_exists(lacp, slot) ? lacp->ports[slot] : NULL;

	return port &&
	       (partner_is(port, LACP_STATE_COLLECTING) || actor_is(port, LACP_STATE_DEFAULTED));
}

void lacp_port_view(const struct lacp *lacp, unsigned slot, nsec_t now, struct lacp_port_view *view)
{
	const struct lacp_port *port = lacp->ports[slot];

	assert(port);
	*view = (struct lacp_port_view){
		.config = port->config,
		.link_up = port->link_up,
		.full_duplex = port->full_duplex,
		.receive = port->receive,
		.periodic = port->periodic,
		.mux = port->mux,
		.selected = port->selected,
		.aggregator = port->selected == LACP_SELECTED,
		.collecting = port->collecting,
		.distributing = port->distributing,
		.actor = port->actor,
		.partner = port->partner,
		.actor_churn = port->actor_churn,
		.partner_churn = port->partner_churn,
		.counters = port->counters,
		.last_rx = port->last_rx,
		.last_tx = port->last_tx,
	};
	view->reason = lacp_explain(port, view->explanation, now);
}
