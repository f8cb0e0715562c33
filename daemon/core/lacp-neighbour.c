#include "daemon/core/lacp-neighbour.h"

#include "daemon/core/lacp/pdu.h"

#include <assert.h>

static uint32_t bit(unsigned slot)
{
	return UINT32_C(1) << slot;
}

static struct lacp_neighbour *neighbour_of(struct lacp_neighbours *neighbours, unsigned slot)
{
	assert(slot < LACP_NEIGHBOURS_MAX);
	return &neighbours->ports[slot];
}

void lacp_neighbours_init(struct lacp_neighbours *neighbours)
{
	*neighbours = (struct lacp_neighbours){};
	for (unsigned slot = 0; slot < LACP_NEIGHBOURS_MAX; slot++)
		neighbours->ports[slot].forget_due = NSEC_NEVER;
}

void lacp_neighbours_lose(struct lacp_neighbours *neighbours, unsigned slot)
{
	struct lacp_neighbour *neighbour = neighbour_of(neighbours, slot);

	neighbour->forget_due = NSEC_NEVER;
	if (!neighbour->known)
		return;
	neighbour->known = false;
	neighbour->info = (struct lacp_info){};
	neighbours->changed |= bit(slot);
}

void lacp_neighbours_drop(struct lacp_neighbours *neighbours, unsigned slot)
{
	*neighbour_of(neighbours, slot) = (struct lacp_neighbour){ .forget_due = NSEC_NEVER };
	neighbours->changed &= ~bit(slot);
	neighbours->notes &= ~bit(slot);
}

/* What an administrator would take for the same port of the same switch. */
static bool is_same_end(const struct lacp_info *one, const struct lacp_info *other)
{
	return mac_equal(&one->system, &other->system) && one->port == other->port;
}

void lacp_neighbours_receive(struct lacp_neighbours *neighbours, unsigned slot, struct span payload,
			     nsec_t now)
{
	struct lacp_neighbour *neighbour = neighbour_of(neighbours, slot);
	struct marker marker;
	struct lacpdu pdu;

	if (pdu_decode(payload, &pdu, &marker) != PDU_LACP)
		return;
	if (!neighbour->known || !is_same_end(&neighbour->info, &pdu.actor) ||
	    neighbour->info.key != pdu.actor.key)
		neighbours->changed |= bit(slot);
	if (!is_same_end(&neighbour->noted, &pdu.actor))
		neighbours->notes |= bit(slot);
	neighbour->noted = pdu.actor;
	neighbour->info = pdu.actor;
	neighbour->known = true;
	neighbour->forget_due = nsec_add(now, LACP_NEIGHBOUR_PATIENCE);
}

void lacp_neighbours_tick(struct lacp_neighbours *neighbours, nsec_t now)
{
	for (unsigned slot = 0; slot < LACP_NEIGHBOURS_MAX; slot++)
		if (now >= neighbours->ports[slot].forget_due)
			lacp_neighbours_lose(neighbours, slot);
}

nsec_t lacp_neighbours_deadline(const struct lacp_neighbours *neighbours)
{
	nsec_t deadline = NSEC_NEVER;

	for (unsigned slot = 0; slot < LACP_NEIGHBOURS_MAX; slot++)
		deadline = nsec_min(deadline, neighbours->ports[slot].forget_due);
	return deadline;
}

bool lacp_neighbours_next(struct lacp_neighbours *neighbours, struct lacp_neighbour_news *news)
{
	bool note = !neighbours->changed;
	uint32_t *set = note ? &neighbours->notes : &neighbours->changed;

	if (!*set)
		return false;
	*news = (struct lacp_neighbour_news){ (unsigned)__builtin_ctz(*set), note };
	*set &= *set - 1;
	return true;
}
