#include "daemon/datapath/dp-team-options.h"

#include "lib/base/array.h"

#include <string.h>

#define OPTION_ENABLED "enabled"
#define OPTION_RX_ENABLED "rx_enabled"
#define OPTION_TX_ENABLED "tx_enabled"
#define OPTION_LINKUP "user_linkup"
#define OPTION_OVERRIDDEN "user_linkup_enabled"
#define OPTION_PRIORITY "priority"
#define OPTION_QUEUE "queue_id"
#define OPTION_BUCKET "lb_tx_hash_to_port_mapping"
#define OPTION_METHOD "lb_tx_method"
#define OPTION_HASH "bpf_hash_func"
#define METHOD "hash_to_port_mapping"

/* The mark: what says that it is one, then how the member was found, then its slot. */
#define MARK_IS 0x79000000
#define MARK_IS_MASK 0x7f000000
#define MARK_WAS_UP 0x00010000
#define MARK_HAS_MODE 0x00008000
#define MARK_MODE_SHIFT 8
#define MARK_MODE_MASK 0x0f
#define MARK_SLOT_MASK 0x1f

int32_t dp_team_mark_encode(const struct dp_team_mark *mark)
{
	return (int32_t)(MARK_IS | (mark->was_up ? MARK_WAS_UP : 0u) |
			 (mark->has_addr_gen_mode ? MARK_HAS_MODE : 0u) |
			 (mark->addr_gen_mode & (uint32_t)MARK_MODE_MASK) << MARK_MODE_SHIFT |
			 (mark->slot & MARK_SLOT_MASK));
}

bool dp_team_mark_decode(int32_t priority, struct dp_team_mark *ret)
{
	uint32_t bits = (uint32_t)priority;

	if (priority < 0 || (bits & MARK_IS_MASK) != MARK_IS)
		return false;
	*ret = (struct dp_team_mark){
		.slot = bits & MARK_SLOT_MASK,
		.was_up = bits & MARK_WAS_UP,
		.has_addr_gen_mode = bits & MARK_HAS_MODE,
		.addr_gen_mode = (uint8_t)(bits >> MARK_MODE_SHIFT & MARK_MODE_MASK),
	};
	return true;
}

static bool has(member_set set, unsigned slot)
{
	return slot < PLACEMENT_MEMBERS && (set >> slot & 1);
}

static member_set only(unsigned slot)
{
	return (member_set)1 << slot;
}

static struct dp_team_port *find(struct dp_team_options *options, int ifindex)
{
	for (unsigned i = 0; i < options->n_ports; i++)
		if (options->ports[i].ifindex == ifindex)
			return &options->ports[i];
	return NULL;
}

const struct dp_team_port *dp_team_port_find(const struct dp_team_options *options, int ifindex)
{
	for (unsigned i = 0; i < options->n_ports; i++)
		if (options->ports[i].ifindex == ifindex)
			return &options->ports[i];
	return NULL;
}

static bool is(const struct team_option *option, const char *name)
{
	return strcmp(option->name, name) == 0;
}

static bool is_method(const struct team_option *option)
{
	return option->bytes.size == sizeof(METHOD) &&
	       memcmp(option->bytes.bytes, METHOD, sizeof(METHOD)) == 0;
}

static bool is_hash(const struct team_option *option, struct span hash)
{
	return option->bytes.size == hash.size &&
	       (!hash.size || memcmp(option->bytes.bytes, hash.bytes, hash.size) == 0);
}

static void take_of_port(struct dp_team_port *port, const struct team_option *option)
{
	if (is(option, OPTION_ENABLED))
		port->enabled = option->number;
	else if (is(option, OPTION_RX_ENABLED))
		port->rx_enabled = option->number;
	else if (is(option, OPTION_TX_ENABLED))
		port->tx_enabled = option->number;
	else if (is(option, OPTION_LINKUP))
		port->linkup = option->number;
	else if (is(option, OPTION_OVERRIDDEN))
		port->overridden = option->number;
	else if (is(option, OPTION_PRIORITY))
		port->priority = (int32_t)option->number;
	else if (is(option, OPTION_QUEUE))
		port->queue = option->number;
	port->decoupled |= is(option, OPTION_TX_ENABLED);
}

static void take_of_team(struct dp_team_options *options, const struct team_option *option,
			 struct span hash)
{
	if (is(option, OPTION_BUCKET) && option->index < PLACEMENT_BUCKETS)
		options->buckets[option->index] = option->number;
	else if (is(option, OPTION_METHOD))
		options->other_method = !is_method(option);
	else if (is(option, OPTION_HASH))
		options->other_hash = !is_hash(option, hash);
}

void dp_team_options_take(struct dp_team_options *options, const struct team_option *option,
			  struct span hash)
{
	struct dp_team_port *port;

	if (!option->port) {
		take_of_team(options, option, hash);
		return;
	}
	port = find(options, option->port);
	if (!port && options->n_ports < DP_TEAM_PORTS) {
		port = &options->ports[options->n_ports++];
		*port = (struct dp_team_port){ .ifindex = option->port };
	}
	if (port)
		take_of_port(port, option);
}

static bool is_same(const struct dp_team_port *a, const struct dp_team_port *b)
{
	return a->decoupled == b->decoupled && a->enabled == b->enabled &&
	       a->rx_enabled == b->rx_enabled && a->tx_enabled == b->tx_enabled &&
	       a->overridden == b->overridden && a->linkup == b->linkup &&
	       a->priority == b->priority && a->queue == b->queue;
}

bool dp_team_options_agree(const struct dp_team_options *options, const struct team_option *option,
			   struct span hash)
{
	const struct dp_team_port *known = dp_team_port_find(options, option->port);
	struct dp_team_port port;

	if (option->port) {
		if (!known)
			return false;
		port = *known;
		take_of_port(&port, option);
		return is_same(&port, known);
	}
	if (is(option, OPTION_BUCKET) && option->index < PLACEMENT_BUCKETS)
		return options->buckets[option->index] == option->number;
	if (is(option, OPTION_METHOD))
		return options->other_method == !is_method(option);
	return !is(option, OPTION_HASH) || options->other_hash == !is_hash(option, hash);
}

unsigned dp_team_wish_slot(const struct dp_team_wish *wish, int ifindex)
{
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		if (ifindex && wish->ifindexes[slot] == ifindex)
			return slot;
	return DP_TEAM_NO_SLOT;
}

/* What a port should be; of one that is none of ours: out of use. */
static struct dp_team_port wanted_port(const struct dp_team_port *port,
				       const struct dp_team_wish *wish)
{
	unsigned slot = dp_team_wish_slot(wish, port->ifindex);
	struct dp_team_port wanted = *port;

	wanted.rx_enabled =
		has(wish->steered ? UINT32_MAX : wish->may_receive & wish->carrier, slot);
	wanted.tx_enabled = has(wish->steered ? UINT32_MAX : wish->may_send & wish->carrier, slot);
	wanted.enabled = wanted.rx_enabled || wanted.tx_enabled;
	/* While the team shall have no carrier no link counts; else those of members in use do, so
	 * that the kernel takes the carrier away with the last of them when no daemon lives. */
	wanted.overridden = !wish->team_carrier || !has(wish->may_send | wish->may_receive, slot);
	wanted.linkup = wanted.overridden ? false : port->linkup;
	wanted.queue = wish->steered && slot != DP_TEAM_NO_SLOT ? DP_TEAM_QUEUE(slot) : 0;
	if (slot != DP_TEAM_NO_SLOT)
		wanted.priority = wish->marks[slot];
	return wanted;
}

static void add(struct dp_team_changes *changes, const char *name, int port, bool value)
{
	changes->options[changes->n++] = (struct team_option){
		.name = name,
		.type = TEAM_OPTION_BOOL,
		.port = port,
		.number = value,
	};
}

static void add_number(struct dp_team_changes *changes, const char *name, int port, uint32_t value)
{
	changes->options[changes->n++] = (struct team_option){
		.name = name,
		.type = strcmp(name, OPTION_PRIORITY) == 0 ? TEAM_OPTION_S32 : TEAM_OPTION_U32,
		.port = port,
		.number = value,
	};
}

/* Enables, or disables, what differs in this direction. */
static void change_use(struct dp_team_changes *changes, const struct dp_team_port *port,
		       const struct dp_team_port *wanted, bool to)
{
	if (!port->decoupled) {
		if (port->enabled != to && wanted->enabled == to)
			add(changes, OPTION_ENABLED, port->ifindex, to);
		return;
	}
	if (port->tx_enabled != to && wanted->tx_enabled == to)
		add(changes, OPTION_TX_ENABLED, port->ifindex, to);
	if (port->rx_enabled != to && wanted->rx_enabled == to)
		add(changes, OPTION_RX_ENABLED, port->ifindex, to);
}

static void change_rest(struct dp_team_changes *changes, const struct dp_team_port *port,
			const struct dp_team_port *wanted)
{
	if (port->linkup != wanted->linkup)
		add(changes, OPTION_LINKUP, port->ifindex, wanted->linkup);
	if (port->overridden != wanted->overridden)
		add(changes, OPTION_OVERRIDDEN, port->ifindex, wanted->overridden);
	if (port->priority != wanted->priority)
		add_number(changes, OPTION_PRIORITY, port->ifindex, (uint32_t)wanted->priority);
	if (port->queue != wanted->queue)
		add_number(changes, OPTION_QUEUE, port->ifindex, wanted->queue);
}

/* The members that carry buckets, of those that are ports. */
static member_set fit_ports(const struct dp_team_options *options, const struct dp_team_wish *wish)
{
	member_set fit = 0;

	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		if (wish->ifindexes[slot] && dp_team_port_find(options, wish->ifindexes[slot]))
			fit |= only(slot);
	return fit & wish->may_send & wish->carrier;
}

/* 'forgotten' are the ports whose buckets the kernel forgets with the changes before. */
static void change_buckets(struct dp_team_changes *changes, const struct dp_team_options *options,
			   const struct dp_team_wish *wish)
{
	member_set fit = fit_ports(options, wish);

	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++) {
		uint8_t slot = placement_carrier(&wish->plan, b, fit);

		if (slot == PLACEMENT_NONE ||
		    options->buckets[b] == (uint32_t)wish->ifindexes[slot])
			continue;
		changes->options[changes->n++] = (struct team_option){
			.name = OPTION_BUCKET,
			.type = TEAM_OPTION_U32,
			.is_array = true,
			.index = b,
			.number = (uint32_t)wish->ifindexes[slot],
		};
	}
}

void dp_team_changes_make(const struct dp_team_options *options, const struct dp_team_wish *wish,
			  struct dp_team_changes *ret)
{
	struct dp_team_port wanted[DP_TEAM_PORTS];

	ret->n = 0;
	for (unsigned i = 0; i < options->n_ports; i++) {
		wanted[i] = wanted_port(&options->ports[i], wish);
		change_use(ret, &options->ports[i], &wanted[i], false);
	}
	ret->n_urgent = ret->n;
	for (unsigned i = 0; i < options->n_ports; i++)
		change_use(ret, &options->ports[i], &wanted[i], true);
	change_buckets(ret, options, wish);
	for (unsigned i = 0; i < options->n_ports; i++)
		change_rest(ret, &options->ports[i], &wanted[i]);
}

/* The kernel maps no bucket to a port that does not send. */
static void forget_buckets(struct dp_team_options *options, const struct dp_team_port *port)
{
	if (port->decoupled ? port->tx_enabled : port->enabled)
		return;
	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
		if (options->buckets[b] == (uint32_t)port->ifindex)
			options->buckets[b] = 0;
}

void dp_team_options_made(struct dp_team_options *options, const struct team_option *change)
{
	struct dp_team_port *port = find(options, change->port);

	if (!change->port)
		take_of_team(options, change, (struct span){});
	if (!port)
		return;
	take_of_port(port, change);
	/* What is an option for each direction, and one for both. */
	if (port->decoupled && is(change, OPTION_ENABLED)) {
		port->rx_enabled = port->enabled;
		port->tx_enabled = port->enabled;
	} else if (port->decoupled) {
		port->enabled = port->rx_enabled && port->tx_enabled;
	}
	forget_buckets(options, port);
}

static unsigned count_buckets(const struct dp_team_options *options, int ifindex)
{
	unsigned n = 0;

	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
		n += options->buckets[b] == (uint32_t)ifindex;
	return n;
}

static void adopt_port(const struct dp_team_options *options, const struct dp_team_port *port,
		       unsigned slot, struct dp_team_wish *wish)
{
	bool sends = port->decoupled ? port->tx_enabled
				     : port->enabled && count_buckets(options, port->ifindex);
	bool receives = port->decoupled ? port->rx_enabled : port->enabled;
	struct dp_team_mark mark;

	wish->ifindexes[slot] = port->ifindex;
	/* Of one whose mark was not written any more it is not known how it was found. */
	if (dp_team_mark_decode(port->priority, &mark) && mark.slot == slot)
		wish->marks[slot] = port->priority;
	else
		wish->marks[slot] =
			dp_team_mark_encode(&(struct dp_team_mark){ .slot = slot, .was_up = true });
	wish->may_send |= sends ? only(slot) : 0;
	wish->may_receive |= receives ? only(slot) : 0;
	wish->carrier |= sends || receives ? only(slot) : 0;
	wish->team_carrier |= !port->overridden;
}

static unsigned marked_slot(const struct dp_team_port *port)
{
	struct dp_team_mark mark;

	return dp_team_mark_decode(port->priority, &mark) ? mark.slot : DP_TEAM_NO_SLOT;
}

static void adopt_buckets(const struct dp_team_options *options, struct dp_team_wish *wish)
{
	memset(&wish->plan, PLACEMENT_NONE, sizeof(wish->plan));
	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
		wish->plan.order[b][0] = (uint8_t)dp_team_wish_slot(wish, (int)options->buckets[b]);
}

void dp_team_wish_adopt(const struct dp_team_options *options, struct dp_team_wish *ret)
{
	member_set used = 0;

	*ret = (struct dp_team_wish){};
	for (unsigned i = 0; i < options->n_ports; i++) {
		unsigned slot = marked_slot(&options->ports[i]);

		if (slot == DP_TEAM_NO_SLOT || has(used, slot))
			continue;
		used |= only(slot);
		adopt_port(options, &options->ports[i], slot, ret);
	}
	for (unsigned i = 0; i < options->n_ports && ~used; i++) {
		unsigned slot = (unsigned)__builtin_ctz(~used);

		if (dp_team_wish_slot(ret, options->ports[i].ifindex) != DP_TEAM_NO_SLOT)
			continue;
		used |= only(slot);
		adopt_port(options, &options->ports[i], slot, ret);
	}
	adopt_buckets(options, ret);
}
