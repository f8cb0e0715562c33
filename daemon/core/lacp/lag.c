/* LAG IDs, and which of them gets the team's one Aggregator: IEEE
 * 802.1AX-2014 6.3.6, 6.4.14, 6.7.1.
 *
 * The standard leaves it open what a system does that has fewer Aggregators than LAG IDs; ports
 * without one stay UNSELECTED, which is legal and which the partner sees as "not in sync". We have
 * one. It goes to the LAG ID that has most: of bandwidth, or of ports, counting those that could
 * carry (the partner is heard) and not more than max_links; one that has min_links goes before one
 * that has not. To change hands the other must have strictly more. If traffic flows it must have it
 * for AGGREGATE_WAIT_TIME, so that ports that come and go do not move it; if none flows it changes
 * at once. With "stable" it changes only when what has it cannot carry.
 *
 * More ports than max_links (6.7.1): the system with the numerically lower {priority, identifier}
 * decides by its own {port priority, port number}, and both know these. Ports whose partner is
 * heard go before those whose partner has just gone silent, these before those that are down.
 *
 * Beyond the standard: a port that the partner has kept out of sync for three seconds, while it
 * has for as long been in sync on another port of the LAG, goes behind the others. If the partner
 * decides, that is following its decision whatever its reason is; if we decide and it disobeys,
 * the team would otherwise wait with ports that never carry, beside others that would.
 *
 * Likewise a whole LAG: if we are attached on it and the partner gets in sync on no port of it, but
 * is so on a port of another, the other goes before it from then on, until the partner thinks
 * better of it. Linux' bonding has one Aggregator as we have, and may keep it where it is; else
 * nothing would carry, for as long as both insist. Where we are the system that decides the partner
 * gets three times as long, so that two ends with this rule do not change places for ever. */
#include "daemon/core/lacp/port.h"

#include <string.h>

#define REFUSAL_TIME (3 * NSEC_PER_SEC)

/* What a LAG has to offer. */
struct weight {
	bool enough; /* min_links */
	bool refused;
	unsigned n_ports;
	uint64_t mbps;
	const struct lacp_port *first; /* Its best port of those that could carry. */
};

static struct lag_id lag_of(const struct lacp_port *port)
{
	bool individual = !actor_is(port, LACP_STATE_AGGREGATION) ||
			  !partner_is(port, LACP_STATE_AGGREGATION);

	return (struct lag_id){
		.actor_key = port->actor.key,
		.partner_key = port->partner.key,
		.partner_system_priority = port->partner.system_priority,
		.partner_system = port->partner.system,
		.individual = individual,
		.actor_port = individual ? port->actor.port : 0,
		.partner_port = individual ? port->partner.port : 0,
	};
}

bool lag_equal(const struct lag_id *a, const struct lag_id *b)
{
	return a->actor_key == b->actor_key && a->partner_key == b->partner_key &&
	       a->partner_system_priority == b->partner_system_priority &&
	       mac_equal(&a->partner_system, &b->partner_system) &&
	       a->individual == b->individual && a->actor_port == b->actor_port &&
	       a->partner_port == b->partner_port;
}

/* Its partner is known, by its own word or by the administrator's. */
bool lag_eligible(const struct lacp_port *port)
{
	if (port->loop != LOOP_NONE)
		return false;
	switch (port->receive) {
	case LACP_RECEIVE_INITIALIZE:
	case LACP_RECEIVE_PORT_DISABLED:
	case LACP_RECEIVE_LACP_DISABLED:
		return false;
	case LACP_RECEIVE_EXPIRED:
		return !actor_is(port, LACP_STATE_DEFAULTED);
	case LACP_RECEIVE_DEFAULTED:
		return port->partner_admin_state;
	case LACP_RECEIVE_CURRENT:
		return true;
	}
	return false;
}

bool lag_usable(const struct lacp_port *port)
{
	return lag_eligible(port) && port->receive != LACP_RECEIVE_EXPIRED;
}

static bool is_in(const struct lacp_port *port, const struct lag_id *lag)
{
	return (lag_eligible(port) || port->selected != LACP_UNSELECTED) &&
	       lag_equal(&port->lag, lag);
}

/* Whether some port may have to stand back at all; spares a flooded engine the comparisons. */
static bool has_surplus(const struct lacp *lacp)
{
	return lacp->n_ports > lacp->config.max_links;
}

/* Whether the partner has said the same about its Synchronization for so long. */
static bool has_settled(const struct lacp_port *port, bool sync, nsec_t time)
{
	return port->receive == LACP_RECEIVE_CURRENT && port->said_sync == sync &&
	       port->lacp->now >= nsec_add(port->said_sync_since, time);
}

static bool is_refused(const struct lacp_port *port)
{
	if (!has_settled(port, false, REFUSAL_TIME))
		return false;
	for (const struct lacp_port *other = NULL; (other = lacp_next_port(port->lacp, other));)
		if (has_settled(other, true, REFUSAL_TIME) && lag_equal(&other->lag, &port->lag))
			return true;
	return false;
}

/* How long the partner of an attached port may take to get in sync with us. */
static nsec_t compliance_time(const struct lacp_port *port)
{
	return lag_partner_decides(port) ? REFUSAL_TIME : 2 * REFUSAL_TIME;
}

static bool refuses(const struct lacp_port *port)
{
	return is_attached(port) && has_settled(port, false, compliance_time(port)) &&
	       port->lacp->now >= nsec_add(port->offered_since, compliance_time(port));
}

/* Whether the partner has got in sync nowhere in the LAG that has the Aggregator, but is so
 * elsewhere. */
static bool is_lag_refused(const struct lacp *lacp)
{
	const struct aggregator *aggregator = &lacp->aggregator;
	bool refused = false, elsewhere = false;

	for (const struct lacp_port *port = NULL; (port = lacp_next_port(lacp, port));) {
		if (!aggregator->occupied || !lag_usable(port))
			continue;
		if (!lag_equal(&port->lag, &aggregator->lag))
			elsewhere |= has_settled(port, true, REFUSAL_TIME);
		else if (port->selected == LACP_SELECTED && !refuses(port))
			return false;
		else
			refused = true;
	}
	return refused && elsewhere;
}

static void remember_refusal(struct lacp *lacp)
{
	if (!is_lag_refused(lacp))
		return;
	for (struct lacp_port *port = NULL; (port = lacp_next_port(lacp, port));)
		if (lag_usable(port) && lag_equal(&port->lag, &lacp->aggregator.lag))
			port->lag_refused = true;
}

void lag_refresh(struct lacp *lacp)
{
	for (struct lacp_port *port = NULL; (port = lacp_next_port(lacp, port));) {
		port->lag = lag_of(port);
		if (!is_attached(port))
			port->offered_since = lacp->now;
		if (port->receive != LACP_RECEIVE_CURRENT || port->said_sync)
			port->lag_refused = false;
	}
	for (struct lacp_port *port = NULL; (port = lacp_next_port(lacp, port));)
		port->refused = has_surplus(lacp) && is_refused(port);
	remember_refusal(lacp);
}

nsec_t lag_deadline(const struct lacp *lacp)
{
	nsec_t deadline = NSEC_NEVER;

	for (const struct lacp_port *port = NULL; (port = lacp_next_port(lacp, port));) {
		nsec_t since = port->said_sync_since > port->offered_since ? port->said_sync_since
									   : port->offered_since;
		nsec_t soon = nsec_add(since, REFUSAL_TIME);
		nsec_t late = nsec_add(since, 2 * REFUSAL_TIME);

		if (port->receive != LACP_RECEIVE_CURRENT)
			continue;
		if (late > lacp->now)
			deadline = nsec_min(deadline, soon > lacp->now ? soon : late);
	}
	return deadline;
}

bool lag_partner_decides(const struct lacp_port *port)
{
	const struct lacp_info *actor = &port->actor, *partner = &port->partner;

	if (actor->system_priority != partner->system_priority)
		return partner->system_priority < actor->system_priority;
	return memcmp(partner->system.bytes, actor->system.bytes, MAC_SIZE) < 0;
}

static unsigned tier_of(const struct lacp_port *port)
{
	if (lag_usable(port))
		return 0;
	return lag_eligible(port) ? 1 : 2;
}

/* Whether 'a' goes before 'b', which is of the same LAG. */
static bool goes_before(const struct lacp_port *a, const struct lacp_port *b)
{
	bool theirs = lag_partner_decides(a) && a->partner.port != b->partner.port;
	const struct lacp_info *of_a = theirs ? &a->partner : &a->actor;
	const struct lacp_info *of_b = theirs ? &b->partner : &b->actor;

	if (tier_of(a) != tier_of(b))
		return tier_of(a) < tier_of(b);
	if (a->refused != b->refused)
		return b->refused;
	if (of_a->port_priority != of_b->port_priority)
		return of_a->port_priority < of_b->port_priority;
	return of_a->port < of_b->port;
}

bool lag_within_limit(const struct lacp_port *port)
{
	unsigned before = 0;

	if (!has_surplus(port->lacp))
		return true;
	for (const struct lacp_port *other = NULL; (other = lacp_next_port(port->lacp, other));)
		before += other != port && is_in(other, &port->lag) && goes_before(other, port);
	return before < port->lacp->config.max_links;
}

/* Nobody can have more links than the limit allows; and fallback is there for a host that has to be
 * reached at all. */
unsigned lag_min_links(const struct lacp *lacp)
{
	const struct lacp_config *config = &lacp->config;

	if (lacp->fallback)
		return 1;
	return config->min_links < config->max_links ? config->min_links : config->max_links;
}

static struct weight weigh(const struct lacp *lacp, const struct lag_id *lag)
{
	struct weight weight = {};

	for (const struct lacp_port *port = NULL; (port = lacp_next_port(lacp, port));) {
		if (!lag_usable(port) || !lag_equal(&port->lag, lag) || !lag_within_limit(port))
			continue;
		weight.n_ports++;
		weight.mbps += port->config.speed_mbps;
		if (!weight.first || goes_before(port, weight.first))
			weight.first = port;
	}
	weight.enough = weight.n_ports >= lag_min_links(lacp);
	weight.refused = weight.first && weight.first->lag_refused;
	return weight;
}

/* Negative, 0 or positive as 'a' has less than, as much as or more than 'b'. */
static int compare(const struct lacp *lacp, const struct weight *a, const struct weight *b)
{
	int enough = a->enough - b->enough, refused = b->refused - a->refused;
	int ports = (a->n_ports > b->n_ports) - (a->n_ports < b->n_ports);
	int mbps = (a->mbps > b->mbps) - (a->mbps < b->mbps);

	if (enough || refused)
		return enough ? enough : refused;
	if (lacp->config.select == LACP_SELECT_COUNT)
		return ports ? ports : mbps;
	return mbps ? mbps : ports;
}

/* Where two are equal: the one whose best port has the better number. */
static bool is_stronger(const struct lacp *lacp, const struct weight *a, const struct weight *b)
{
	int difference = compare(lacp, a, b);

	if (difference || !b->first)
		return difference > 0 || !b->first;
	if (a->first->config.priority != b->first->config.priority)
		return a->first->config.priority < b->first->config.priority;
	return a->first->config.number < b->first->config.number;
}

static struct weight strongest(const struct lacp *lacp)
{
	struct weight best = {};

	for (const struct lacp_port *port = NULL; (port = lacp_next_port(lacp, port));) {
		struct weight weight;

		if (!lag_usable(port) || (best.first && lag_equal(&port->lag, &best.first->lag)))
			continue;
		weight = weigh(lacp, &port->lag);
		if (is_stronger(lacp, &weight, &best))
			best = weight;
	}
	return best;
}

static bool has_traffic(const struct lacp *lacp)
{
	for (const struct lacp_port *port = NULL; (port = lacp_next_port(lacp, port));)
		if (port->collecting)
			return true;
	return false;
}

/* Whether 'own', which has the Aggregator, may keep it from 'best'. */
static bool keeps(struct lacp *lacp, const struct weight *own, const struct weight *best)
{
	struct aggregator *aggregator = &lacp->aggregator;
	bool stable = lacp->config.select == LACP_SELECT_STABLE && own->enough == best->enough &&
		      own->refused == best->refused;

	if (own->n_ports == 0)
		return false;
	if (stable || compare(lacp, best, own) <= 0) {
		aggregator->challenge = NSEC_NEVER;
		return true;
	}
	if (!has_traffic(lacp))
		return false;
	if (aggregator->challenge == NSEC_NEVER)
		aggregator->challenge = nsec_add(lacp->now, AGGREGATE_WAIT_TIME);
	return lacp->now < aggregator->challenge;
}

static bool is_deserted(const struct lacp *lacp)
{
	for (const struct lacp_port *port = NULL; (port = lacp_next_port(lacp, port));)
		if (is_in(port, &lacp->aggregator.lag))
			return false;
	return true;
}

static bool choose(struct lacp *lacp)
{
	struct aggregator *aggregator = &lacp->aggregator;
	const struct weight best = strongest(lacp);
	const struct weight own =
		aggregator->occupied ? weigh(lacp, &aggregator->lag) : (struct weight){};

	if (best.first && aggregator->occupied && keeps(lacp, &own, &best))
		return false;
	aggregator->challenge = NSEC_NEVER;
	if (!best.first) {
		bool deserted = aggregator->occupied && is_deserted(lacp);

		aggregator->occupied = aggregator->occupied && !deserted;
		return deserted;
	}
	aggregator->occupied = true;
	aggregator->lag = best.first->lag;
	return true;
}

bool lag_choose(struct lacp *lacp)
{
	struct aggregator *aggregator = &lacp->aggregator;
	bool changed = choose(lacp);

	aggregator->usable = aggregator->occupied ? weigh(lacp, &aggregator->lag).n_ports : 0;
	aggregator->short_of = aggregator->usable < lag_min_links(lacp);
	return changed;
}
