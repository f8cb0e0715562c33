#include "daemon/core/independent.h"

#include <assert.h>
#include <string.h>

static bool has(member_set set, unsigned slot)
{
	return slot < PLACEMENT_MEMBERS && (set >> slot & 1);
}

static member_set only(unsigned slot)
{
	return (member_set)1 << slot;
}

static unsigned count(member_set set)
{
	return (unsigned)__builtin_popcount(set);
}

static struct independent_port *port_of(struct independent *team, unsigned slot)
{
	assert(slot < PLACEMENT_MEMBERS && team->ports[slot].exists);
	return &team->ports[slot];
}

/* Each input that brings the clock forward has everything weighed anew, so that no instant at which
 * something is due is passed over. */
static void weigh_again(struct independent *team, nsec_t now)
{
	team->now = now;
	team->stale = true;
}

void independent_init(struct independent *team, const struct independent_policy *policy)
{
	*team = (struct independent){
		.policy = *policy,
		.also_until = NSEC_NEVER,
		.patience_ends = NSEC_NEVER,
	};
	memset(&team->primary, PLACEMENT_NONE, sizeof(team->primary));
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		team->ports[slot].lingers_until = NSEC_NEVER;
	lacp_neighbours_init(&team->neighbours);
}

static bool same_policy(const struct independent_policy *a, const struct independent_policy *b)
{
	return a->places == b->places && a->never_back == b->never_back &&
	       a->back_delay == b->back_delay && a->keeps == b->keeps;
}

void independent_set_policy(struct independent *team, const struct independent_policy *policy,
			    nsec_t now)
{
	if (same_policy(&team->policy, policy))
		return;
	team->policy = *policy;
	weigh_again(team, now);
}

void independent_port_add(struct independent *team, unsigned slot,
			  const struct independent_settings *settings,
			  const struct independent_past *past, nsec_t now)
{
	assert(slot < PLACEMENT_MEMBERS && !team->ports[slot].exists);
	team->ports[slot] = (struct independent_port){
		.exists = true,
		.settings = *settings,
		.returned = past->known || team->ports[slot].returned,
		.carries = past->carried,
		.lingers_until = NSEC_NEVER,
	};
	team->changed |= only(slot);
	team->leaving &= ~only(slot);
	if (past->primary)
		team->primary.hold = (uint8_t)slot;
	if (past->known)
		team->patience_ends = 0;
	else if (team->patience_ends == NSEC_NEVER)
		team->patience_ends = nsec_add(now, INDEPENDENT_PATIENCE);
	weigh_again(team, now);
}

/* One that carried carries no more: standbys have been waiting long enough. */
static void stop_waiting(struct independent *team, unsigned slot)
{
	if (team->ports[slot].carries)
		team->patience_ends = 0;
}

void independent_port_remove(struct independent *team, unsigned slot, nsec_t now)
{
	struct independent_port *port = port_of(team, slot);

	stop_waiting(team, slot);
	team->leaving |= port->link_up ? only(slot) : 0;
	/* Should its device come back, it is one that returns. */
	*port = (struct independent_port){
		.returned = port->returned || port->link_up,
		.lingers_until = NSEC_NEVER,
	};
	team->changed |= only(slot);
	lacp_neighbours_drop(&team->neighbours, slot);
	weigh_again(team, now);
}

static bool same_rank(const struct independent_settings *a, const struct independent_settings *b)
{
	return a->standby == b->standby && a->preferred == b->preferred &&
	       a->priority == b->priority;
}

void independent_port_set(struct independent *team, unsigned slot,
			  const struct independent_settings *settings, nsec_t now)
{
	struct independent_port *port = port_of(team, slot);

	bool ordered = !same_rank(&port->settings, settings);

	if (!ordered && port->settings.drained == settings->drained)
		return;
	port->settings = *settings;
	team->ordered |= ordered;
	if (settings->drained)
		stop_waiting(team, slot);
	weigh_again(team, now);
}

void independent_port_link(struct independent *team, unsigned slot, bool up, nsec_t now)
{
	struct independent_port *port = port_of(team, slot);

	if (port->link_up == up)
		return;
	port->link_up = up;
	if (up) {
		port->up_since = now;
	} else {
		port->returned = true;
		stop_waiting(team, slot);
		lacp_neighbours_lose(&team->neighbours, slot);
	}
	weigh_again(team, now);
}

void independent_receive(struct independent *team, unsigned slot, struct span payload, nsec_t now)
{
	(void)port_of(team, slot);
	lacp_neighbours_receive(&team->neighbours, slot, payload, now);
}

static bool is_before(const struct independent *team, unsigned slot, unsigned other)
{
	const struct independent_settings *a = &team->ports[slot].settings;
	const struct independent_settings *b = &team->ports[other].settings;

	if (a->preferred != b->preferred)
		return a->preferred;
	if (a->standby != b->standby)
		return b->standby;
	if (a->priority != b->priority)
		return a->priority < b->priority;
	return slot < other;
}

static unsigned first_of(const struct independent *team, member_set set)
{
	unsigned first = PLACEMENT_NONE;

	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		if (has(set, slot) && (first == PLACEMENT_NONE || is_before(team, slot, first)))
			first = slot;
	return first;
}

static member_set first_ones(const struct independent *team, member_set set, unsigned n)
{
	member_set first = 0;

	for (; n && set; n--) {
		member_set bit = only(first_of(team, set));

		first |= bit;
		set &= ~bit;
	}
	return first;
}

static bool works(const struct independent_port *port)
{
	return port->exists && port->link_up && !port->settings.drained;
}

/* When the port may take a place from one that carries. */
static nsec_t due(const struct independent *team, const struct independent_port *port)
{
	if (!port->returned || team->ordered)
		return 0;
	return team->policy.never_back ? NSEC_NEVER
				       : nsec_add(port->up_since, team->policy.back_delay);
}

static bool is_patient(const struct independent *team, const struct independent_port *port)
{
	return port->settings.standby && !port->carries && team->now < team->patience_ends;
}

/* The ports as the choice needs them. */
struct sets {
	member_set working;
	member_set carrying; /* Of those. */
	member_set due;      /* Of those. */
	member_set kept;     /* Carried, and their links may be back any moment. */
	member_set drained;  /* Carried, and go on to receive. */
};

static struct sets look_at(const struct independent *team)
{
	struct sets sets = {};

	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++) {
		const struct independent_port *port = &team->ports[slot];

		if (!port->exists || is_patient(team, port))
			continue;
		if (works(port)) {
			sets.working |= only(slot);
			sets.carrying |= port->carries ? only(slot) : 0;
			sets.due |= team->now >= due(team, port) ? only(slot) : 0;
		} else if (port->carries && port->link_up) {
			sets.drained |= only(slot);
		} else if (port->carries && team->policy.keeps && !port->settings.drained) {
			sets.kept |= only(slot);
		}
	}
	return sets;
}

/* Places that are free go to all that work; who carries is displaced by those that are due only. */
static member_set choose(const struct independent *team, const struct sets *sets)
{
	unsigned places = team->policy.places, n = count(sets->carrying);
	member_set free_to_go = sets->working & ~sets->carrying;
	member_set chosen =
		sets->carrying | first_ones(team, free_to_go, n < places ? places - n : 0);

	return first_ones(team, chosen | sets->due, places);
}

static void set_carries(struct independent *team, unsigned slot, bool carries)
{
	struct independent_port *port = &team->ports[slot];
	bool accepted = port->carries || port->lingers_until != NSEC_NEVER;

	if (port->carries && !carries && port->link_up)
		port->lingers_until = nsec_add(team->now, INDEPENDENT_LINGER);
	if (carries || !port->link_up || team->now >= port->lingers_until)
		port->lingers_until = NSEC_NEVER;
	if (port->carries != carries || accepted != (carries || port->lingers_until != NSEC_NEVER))
		team->changed |= only(slot);
	port->carries = carries;
}

static unsigned choose_primary(const struct independent *team, member_set pool, member_set due)
{
	unsigned now = team->primary.hold;

	return first_of(team, has(pool, now) ? (pool & due) | only(now) : pool);
}

/* Also those that do not carry: while one takes over from another, it is the latter as long as it
 * receives. */
static void write_order(const struct independent *team, member_set pool,
			uint8_t order[static PLACEMENT_MEMBERS])
{
	member_set others = 0;
	unsigned n = 0;

	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		if (team->ports[slot].exists && !has(pool, slot))
			others |= only(slot);
	memset(order, PLACEMENT_NONE, PLACEMENT_MEMBERS);
	for (; pool; pool &= ~only(order[n++]))
		order[n] = (uint8_t)first_of(team, pool);
	for (; others; others &= ~only(order[n++]))
		order[n] = (uint8_t)first_of(team, others);
}

/* Also one that is being taken out: what is on its way to it is not lost. */
static bool still_receives(const struct independent *team, unsigned slot)
{
	const struct independent_port *port = &team->ports[slot];

	return port->exists ? port->link_up : has(team->leaving, slot);
}

static void set_primary(struct independent *team, member_set pool, member_set due)
{
	struct placement_role before = team->primary;
	struct placement_role *primary = &team->primary;

	primary->hold = (uint8_t)choose_primary(team, pool, due);
	write_order(team, pool, primary->order);
	if (primary->hold != before.hold) {
		primary->also = before.hold;
		team->also_until = nsec_add(team->now, INDEPENDENT_LINGER);
	}
	if (team->now >= team->also_until || primary->also >= PLACEMENT_MEMBERS ||
	    !still_receives(team, primary->also)) {
		primary->also = PLACEMENT_NONE;
		team->also_until = NSEC_NEVER;
	}
	team->primary_changed |= memcmp(&before, primary, sizeof(before)) != 0;
}

static void weigh(struct independent *team)
{
	struct sets sets = look_at(team);
	member_set chosen = choose(team, &sets);
	member_set kept = first_ones(team, sets.kept, team->policy.places - count(chosen));
	/* While nobody works, nobody loses the role. */
	member_set pool = chosen ? chosen : kept;

	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		if (team->ports[slot].exists)
			set_carries(team, slot, has(chosen | kept | sets.drained, slot));
	set_primary(team, pool, sets.due);
	team->stale = false;
	team->ordered = false;
}

/* When the port may take a place or the role from another one, if it would. */
static nsec_t claims_at(const struct independent *team, unsigned slot)
{
	const struct independent_port *port = &team->ports[slot];
	unsigned primary = team->primary.hold;
	nsec_t at;

	if (!works(port))
		return NSEC_NEVER;
	if (is_patient(team, port))
		return team->patience_ends;
	if (port->carries && (primary == PLACEMENT_NONE || !is_before(team, slot, primary)))
		return NSEC_NEVER;
	at = due(team, port);
	return at > team->now ? at : NSEC_NEVER;
}

nsec_t independent_deadline(const struct independent *team)
{
	nsec_t deadline = nsec_min(team->also_until, lacp_neighbours_deadline(&team->neighbours));

	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++) {
		deadline = nsec_min(deadline, team->ports[slot].lingers_until);
		deadline = nsec_min(deadline, claims_at(team, slot));
	}
	return deadline;
}

void independent_tick(struct independent *team, nsec_t now)
{
	if (now < independent_deadline(team))
		return;
	lacp_neighbours_tick(&team->neighbours, now);
	weigh_again(team, now);
}

static bool next_port(struct independent *team, struct independent_action *action)
{
	const struct independent_port *port;

	if (!team->changed)
		return false;
	*action = (struct independent_action){ .type = INDEPENDENT_ACTION_PORT,
					       .slot = (unsigned)__builtin_ctz(team->changed) };
	team->changed &= team->changed - 1;
	port = &team->ports[action->slot];
	action->carries = port->carries;
	action->accepts = port->carries || port->lingers_until != NSEC_NEVER;
	return true;
}

bool independent_next_action(struct independent *team, struct independent_action *action)
{
	struct lacp_neighbour_news news;

	if (team->stale)
		weigh(team);
	if (next_port(team, action))
		return true;
	if (team->primary_changed) {
		team->primary_changed = false;
		*action = (struct independent_action){ .type = INDEPENDENT_ACTION_PRIMARY,
						       .slot = team->primary.hold };
		return true;
	}
	if (!lacp_neighbours_next(&team->neighbours, &news))
		return false;
	*action = (struct independent_action){
		.type = news.note ? INDEPENDENT_ACTION_NOTE : INDEPENDENT_ACTION_PARTNER,
		.slot = news.slot,
	};
	return true;
}

const struct placement_role *independent_primary(const struct independent *team)
{
	return &team->primary;
}

enum independent_reason independent_reason(const struct independent *team, unsigned slot)
{
	const struct independent_port *port = &team->ports[slot];
	member_set later = 0;

	if (!port->exists || !port->link_up)
		return INDEPENDENT_NO_LINK;
	if (port->settings.drained)
		return INDEPENDENT_DRAINED;
	if (port->carries)
		return INDEPENDENT_CARRIES;
	for (unsigned other = 0; other < PLACEMENT_MEMBERS; other++)
		if (works(&team->ports[other]) && team->ports[other].carries &&
		    is_before(team, slot, other))
			later |= only(other);
	if (!later)
		return INDEPENDENT_STANDS_BY;
	return team->policy.never_back ? INDEPENDENT_NOT_YET : INDEPENDENT_WAITS;
}
