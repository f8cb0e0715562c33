/* Which member may send and receive, and where the buckets go. */
#include "daemon/team/lifecycle.h"
#include "daemon/team/mode.h"
#include "lib/base/log.h"

/* The slow-protocol limit lets ten frames a second pass; a Marker that it held back tries again
 * then. */
#define MARKER_RETRY (100 * NSEC_PER_MS)

struct wanted {
	member_set may_send;
	member_set may_receive;
	member_set fit;
	bool carrier;
	member_set waiting;     /* Fit, but no bucket is to move there yet, … */
	nsec_t hesitation_ends; /* … until then. */
	uint32_t weights[PLACEMENT_MEMBERS];
};

/* A mode may let a member go on while its link is away; not when it is back and may not be used
 * yet: a delay, or the way behind it is dead. */
static bool is_usable(const struct member *member)
{
	return !member->carrier || member->link_told;
}

static bool can_send(const struct member *member)
{
	return member->distributing && is_usable(member) && !member->drained;
}

bool member_could_send(const struct member *member)
{
	return member->ifindex && can_send(member) && member->carrier;
}

/* Until when what it would send might be lost. It gets no bucket from members that work; those of
 * members that fail it gets all the same. A partner may say that it collects a second before it
 * does, so where nothing is held until a Marker is answered its word alone is not enough. */
static nsec_t hesitates_until(const struct member *member, bool moves_at_once)
{
	if (mode_partner_collects(member) && !moves_at_once)
		return 0;
	return nsec_add(member->distributing_since, TEAM_HESITATION);
}

/* A flow that has paused, or an address that is new, goes to any fit member at once. */
static bool moves_at_once(const struct team *team)
{
	const struct datapath_rules rules = team_rules(team);

	return rules.flowlets || rules.homes;
}

static struct wanted what_is_wanted(const struct team *team)
{
	struct wanted wanted = {
		.hesitation_ends = NSEC_NEVER,
		.may_receive = team_leaving(team),
	};
	bool at_once = team->mode->partner_collects && moves_at_once(team);

	for (unsigned i = 0; i < team->n_members; i++) {
		const struct member *member = &team->members[i];
		member_set bit =
			member->slot < PLACEMENT_MEMBERS ? (member_set)1 << member->slot : 0;
		nsec_t hesitation;

		if (!bit || !member->ifindex)
			continue;
		wanted.carrier |= member->distributing && member->carrier && is_usable(member);
		if (member->has_port && is_usable(member) && team->mode->port_accepts(member))
			wanted.may_receive |= bit;
		if (!can_send(member))
			continue;
		wanted.may_send |= bit;
		hesitation = hesitates_until(member, at_once);
		if (team_now(team) < hesitation) {
			wanted.waiting |= bit;
			wanted.hesitation_ends = nsec_min(wanted.hesitation_ends, hesitation);
		}
		if (member->carrier)
			wanted.fit |= bit;
	}
	return wanted;
}

/* Buckets that are on hold wait for them; others cannot. */
static void hold_back_hesitant(const struct team *team, struct wanted *wanted)
{
	member_set others = wanted->fit & ~wanted->waiting;

	if (!others || !moves_at_once(team))
		return;
	wanted->may_send &= ~wanted->waiting;
	wanted->fit = others;
	wanted->waiting = 0;
}

/* In LACP the switch is told: lacp.min_links. */
unsigned team_least_active(const struct team *team)
{
	bool counts = team->config.mode != CONFIG_MODE_LACP && team->config.min_active > 1;

	return counts ? team->config.min_active : 1;
}

member_set team_ready(const struct team *team)
{
	member_set ready = team->handover.fit;

	for (unsigned i = 0; i < team->n_members; i++)
		if (team->members[i].slot < PLACEMENT_MEMBERS &&
		    mode_stands_ready(&team->members[i]))
			ready |= (member_set)1 << team->members[i].slot;
	return ready;
}

/* Of one it makes no difference: where none carries nothing is sent. */
static bool are_too_few(const struct team *team, member_set fit)
{
	unsigned least = team_least_active(team);

	return least > 1 && (unsigned)__builtin_popcount(fit) < least;
}

static void want_nothing(struct wanted *wanted)
{
	wanted->may_send = 0;
	wanted->may_receive = 0;
	wanted->fit = 0;
	wanted->waiting = 0;
	wanted->hesitation_ends = NSEC_NEVER;
	wanted->carrier = false;
}

static void place(struct team *team)
{
	struct err e;

	if (team->device->ops->place(team->device, &team->handover.plan, &e) < 0)
		log_error("%s: cannot place the buckets: %s", team->config.name, e.text);
}

static void set_allowed(struct team *team, member_set may_send, member_set may_receive)
{
	if (may_send == team->may_send && may_receive == team->may_receive)
		return;
	team->may_send = may_send;
	team->may_receive = may_receive;
	team->device->ops->allow(team->device, may_send, may_receive);
}

static void set_device_carrier(struct team *team, bool up)
{
	if (team->carrier == up)
		return;
	team->carrier = up;
	team->device->ops->team_carrier(team->device, up);
}

/* Links that are back, of members that are not in 'but'. */
static void show_carriers(struct team *team, member_set but)
{
	for (unsigned i = 0; i < team->n_members; i++) {
		struct member *member = &team->members[i];

		if (!member->carrier || member->carrier_shown ||
		    member->slot >= PLACEMENT_MEMBERS || but >> member->slot & 1)
			continue;
		member->carrier_shown = true;
		team->device->ops->carrier(team->device, member->slot, true);
	}
}

/* What carries is asked often, if the kernel may not see its loss at once. */
static bool is_to_be_asked(const struct team *team, const struct member *member)
{
	const struct datapath_ops *ops = team->device->ops;

	return member->carrier && (member->collecting || member->distributing) &&
	       !(ops->senses_carrier && ops->senses_carrier(team->device, member->slot));
}

void team_watch_carrying(struct team *team)
{
	struct world *world = team->world;

	if (!team->device || team->phase != TEAM_OPEN)
		return;
	for (unsigned i = 0; i < team->n_members; i++) {
		struct member *member = &team->members[i];
		bool carrying;

		if (!member->watched)
			continue;
		carrying = is_to_be_asked(team, member);
		if (member->watched_carrying == carrying)
			continue;
		member->watched_carrying = carrying;
		world->ops->carrier_watch(world, member->ifindex,
					  team->device->ops->carrier_word(team->device),
					  member->slot, carrying);
	}
}

static void send_markers(struct team *team)
{
	member_set unmarked = handover_unmarked(&team->handover);
	struct datapath_team_counters counters;
	nsec_t now = team_now(team);
	struct err e;

	team->marker_due = NSEC_NEVER;
	/* Without a count of what a bucket has sent since, an answer would prove nothing. */
	if (!unmarked || !team->mode->marker_send ||
	    team->device->ops->counters(team->device, &counters, &e) < 0 ||
	    !counters.buckets_counted)
		return;
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++) {
		struct member *member = team_member_in_slot(team, slot);

		if (!(unmarked >> slot & 1) || !member)
			continue;
		if (member->has_port && team->mode->marker_send(member))
			handover_marked(&team->handover, slot, counters.bucket_tx_packets);
		else
			team->marker_due = nsec_add(now, MARKER_RETRY);
	}
}

static void write_plan(struct team *team, const struct wanted *wanted)
{
	bool changed;

	handover_wait(&team->handover, wanted->waiting, team_now(team));
	changed = handover_change(&team->handover, wanted->fit, wanted->weights, team_now(team));
	changed |= placement_set_primary(&team->handover.plan, mode_primary(team));
	if (changed)
		place(team);
}

/* What may no longer send stops first; what may send anew starts when the holds are in place, so
 * that nothing overtakes. Where one takes over from all others, both happen in one write, for there
 * is to be no moment without any; that it has a link, it may show before. */
static void change_words(struct team *team, const struct wanted *wanted)
{
	member_set going_on = team->may_send & wanted->may_send;
	bool gap = !(going_on & wanted->fit) && wanted->fit;

	set_allowed(team, gap ? team->may_send : going_on, wanted->may_receive | team->may_receive);
	show_carriers(team, team->may_send);
	write_plan(team, wanted);
	set_allowed(team, wanted->may_send, wanted->may_receive);
	show_carriers(team, 0);
}

void team_apply_traffic(struct team *team)
{
	struct wanted wanted;

	if (!team->device || team->phase != TEAM_OPEN)
		return;
	wanted = what_is_wanted(team);
	hold_back_hesitant(team, &wanted);
	team_weights(team, wanted.weights);
	team->below_min_active = are_too_few(team, wanted.fit);
	if (team->below_min_active)
		want_nothing(&wanted);
	team->hesitation_ends = wanted.hesitation_ends;
	if (team->device->ops->weights)
		team->device->ops->weights(team->device, wanted.weights);
	change_words(team, &wanted);
	team_stations_settle(team, wanted.weights);
	set_device_carrier(team, wanted.carrier);
	team_watch_carrying(team);
	send_markers(team);
}

void team_marker_answered(struct team *team, unsigned slot, bool answered)
{
	struct datapath_team_counters counters;
	struct err e;

	if (!team->device || team->phase != TEAM_OPEN)
		return;
	if (team->device->ops->counters(team->device, &counters, &e) < 0)
		answered = false;
	if (handover_answered(&team->handover, slot, answered, counters.bucket_tx_packets))
		place(team);
	send_markers(team);
}

void team_traffic_tick(struct team *team, nsec_t now)
{
	if (!team->device || team->phase != TEAM_OPEN)
		return;
	if (handover_tick(&team->handover, now))
		place(team);
	if (now >= team->marker_due)
		send_markers(team);
	team->mode->drain_actions(team);
	if (now < team->hesitation_ends)
		return;
	team->dirty = true;
	team_settle(team);
}

nsec_t team_traffic_deadline(const struct team *team)
{
	if (!team->device || team->phase != TEAM_OPEN)
		return NSEC_NEVER;
	return nsec_min(nsec_min(team->marker_due, handover_deadline(&team->handover)),
			team->hesitation_ends);
}
