#include "daemon/core/static.h"

#include "daemon/core/lacp/pdu.h"

#include <assert.h>

static uint32_t bit(unsigned slot)
{
	return UINT32_C(1) << slot;
}

static struct static_port *port_of(struct static_lag *lag, unsigned slot)
{
	assert(slot < STATIC_PORTS_MAX && lag->ports[slot].exists);
	return &lag->ports[slot];
}

void static_lag_init(struct static_lag *lag, bool keeps)
{
	*lag = (struct static_lag){ .keeps = keeps };
	for (unsigned slot = 0; slot < STATIC_PORTS_MAX; slot++)
		lag->ports[slot].forget_due = NSEC_NEVER;
}

static void set_carries(struct static_lag *lag, unsigned slot, bool carries)
{
	struct static_port *port = &lag->ports[slot];

	if (port->carries == carries)
		return;
	port->carries = carries;
	lag->changed |= bit(slot);
}

void static_lag_keep(struct static_lag *lag, bool keeps)
{
	lag->keeps = keeps;
	for (unsigned slot = 0; slot < STATIC_PORTS_MAX; slot++) {
		struct static_port *port = &lag->ports[slot];

		if (port->exists)
			set_carries(lag, slot, port->link_up || (keeps && port->carries));
	}
}

static void forget_partner(struct static_lag *lag, unsigned slot)
{
	struct static_port *port = &lag->ports[slot];

	port->forget_due = NSEC_NEVER;
	if (!port->partner_known)
		return;
	port->partner_known = false;
	port->partner = (struct lacp_info){};
	lag->partner_changed |= bit(slot);
}

void static_lag_port_add(struct static_lag *lag, unsigned slot, bool carried)
{
	assert(slot < STATIC_PORTS_MAX && !lag->ports[slot].exists);
	lag->ports[slot] = (struct static_port){ .exists = true, .forget_due = NSEC_NEVER };
	set_carries(lag, slot, lag->keeps && carried);
}

void static_lag_port_remove(struct static_lag *lag, unsigned slot)
{
	struct static_port *port = port_of(lag, slot);

	set_carries(lag, slot, false);
	lag->partner_changed &= ~bit(slot);
	lag->notes &= ~bit(slot);
	*port = (struct static_port){ .forget_due = NSEC_NEVER };
}

void static_lag_port_link(struct static_lag *lag, unsigned slot, bool up)
{
	struct static_port *port = port_of(lag, slot);

	port->link_up = up;
	set_carries(lag, slot, up || (lag->keeps && port->carries));
	if (!up)
		forget_partner(lag, slot);
}

/* What an administrator would take for the same port of the same switch. */
static bool is_same_end(const struct lacp_info *one, const struct lacp_info *other)
{
	return mac_equal(&one->system, &other->system) && one->port == other->port;
}

void static_lag_receive(struct static_lag *lag, unsigned slot, struct span payload, nsec_t now)
{
	struct static_port *port = port_of(lag, slot);
	struct marker marker;
	struct lacpdu pdu;

	if (pdu_decode(payload, &pdu, &marker) != PDU_LACP)
		return;
	if (!port->partner_known || !is_same_end(&port->partner, &pdu.actor) ||
	    port->partner.key != pdu.actor.key)
		lag->partner_changed |= bit(slot);
	if (!is_same_end(&port->noted, &pdu.actor))
		lag->notes |= bit(slot);
	port->noted = pdu.actor;
	port->partner = pdu.actor;
	port->partner_known = true;
	port->forget_due = nsec_add(now, STATIC_PARTNER_PATIENCE);
}

void static_lag_tick(struct static_lag *lag, nsec_t now)
{
	for (unsigned slot = 0; slot < STATIC_PORTS_MAX; slot++)
		if (now >= lag->ports[slot].forget_due)
			forget_partner(lag, slot);
}

nsec_t static_lag_deadline(const struct static_lag *lag)
{
	nsec_t deadline = NSEC_NEVER;

	for (unsigned slot = 0; slot < STATIC_PORTS_MAX; slot++)
		deadline = nsec_min(deadline, lag->ports[slot].forget_due);
	return deadline;
}

static bool take(uint32_t *set, enum static_action_type type, struct static_action *action)
{
	if (!*set)
		return false;
	*action = (struct static_action){ .type = type, .slot = (unsigned)__builtin_ctz(*set) };
	*set &= *set - 1;
	return true;
}

bool static_lag_next_action(struct static_lag *lag, struct static_action *action)
{
	if (!take(&lag->changed, STATIC_ACTION_PORT, action) &&
	    !take(&lag->partner_changed, STATIC_ACTION_PARTNER, action) &&
	    !take(&lag->notes, STATIC_ACTION_NOTE, action))
		return false;
	action->carries = lag->ports[action->slot].carries;
	return true;
}
