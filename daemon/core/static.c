#include "daemon/core/static.h"

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
	lacp_neighbours_init(&lag->neighbours);
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

void static_lag_port_add(struct static_lag *lag, unsigned slot, bool carried)
{
	assert(slot < STATIC_PORTS_MAX && !lag->ports[slot].exists);
	lag->ports[slot] = (struct static_port){ .exists = true };
	set_carries(lag, slot, lag->keeps && carried);
}

void static_lag_port_remove(struct static_lag *lag, unsigned slot)
{
	struct static_port *port = port_of(lag, slot);

	set_carries(lag, slot, false);
	lacp_neighbours_drop(&lag->neighbours, slot);
	*port = (struct static_port){};
}

void static_lag_port_link(struct static_lag *lag, unsigned slot, bool up)
{
	struct static_port *port = port_of(lag, slot);

	port->link_up = up;
	set_carries(lag, slot, up || (lag->keeps && port->carries));
	if (!up)
		lacp_neighbours_lose(&lag->neighbours, slot);
}

void static_lag_receive(struct static_lag *lag, unsigned slot, struct span payload, nsec_t now)
{
	(void)port_of(lag, slot);
	lacp_neighbours_receive(&lag->neighbours, slot, payload, now);
}

void static_lag_tick(struct static_lag *lag, nsec_t now)
{
	lacp_neighbours_tick(&lag->neighbours, now);
}

nsec_t static_lag_deadline(const struct static_lag *lag)
{
	return lacp_neighbours_deadline(&lag->neighbours);
}

bool static_lag_next_action(struct static_lag *lag, struct static_action *action)
{
	struct lacp_neighbour_news news;

	if (lag->changed) {
		*action = (struct static_action){ .type = STATIC_ACTION_PORT,
						  .slot = (unsigned)__builtin_ctz(lag->changed) };
		lag->changed &= lag->changed - 1;
	} else if (lacp_neighbours_next(&lag->neighbours, &news)) {
		*action = (struct static_action){
			.type = news.note ? STATIC_ACTION_NOTE : STATIC_ACTION_PARTNER,
			.slot = news.slot,
		};
	} else {
		return false;
	}
	action->carries = lag->ports[action->slot].carries;
	return true;
}
