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

static bool can_send(const struct member *member)
{
	return member->distributing && !member->drained;
}

/* Whether what it would send might be lost. It gets no bucket from members that work; those of
 * members that fail it gets all the same. */
static bool hesitates(const struct team *team, const struct member *member)
{
	return team_now(team) < member->hesitates_until && !mode_partner_collects(member);
}

static struct wanted what_is_wanted(const struct team *team)
{
	struct wanted wanted = {
		.hesitation_ends = NSEC_NEVER,
		.may_receive = team_leaving(team),
	};

	for (unsigned i = 0; i < team->n_members; i++) {
		const struct member *member = &team->members[i];
		member_set bit =
			member->slot < PLACEMENT_MEMBERS ? (member_set)1 << member->slot : 0;

		if (!bit || !member->ifindex)
			continue;
		wanted.weights[member->slot] = member->speed_mbps;
		wanted.carrier |= member->distributing && member->carrier;
		if (member->has_port && team->mode->port_accepts(member))
			wanted.may_receive |= bit;
		if (!can_send(member))
			continue;
		wanted.may_send |= bit;
		if (hesitates(team, member)) {
			wanted.waiting |= bit;
			wanted.hesitation_ends =
				nsec_min(wanted.hesitation_ends, member->hesitates_until);
		}
		if (member->carrier)
			wanted.fit |= bit;
	}
	return wanted;
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

/* Links that are back, now that nothing can be overtaken. */
static void show_carriers(struct team *team)
{
	for (unsigned i = 0; i < team->n_members; i++) {
		struct member *member = &team->members[i];

		if (!member->carrier || member->carrier_shown || member->slot >= PLACEMENT_MEMBERS)
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

void team_apply_traffic(struct team *team)
{
	struct wanted wanted;

	if (!team->device || team->phase != TEAM_OPEN)
		return;
	wanted = what_is_wanted(team);
	team->hesitation_ends = wanted.hesitation_ends;
	/* What may no longer send stops first; what may send anew starts when the holds are in
	 * place, so that nothing overtakes. */
	set_allowed(team, team->may_send & wanted.may_send, wanted.may_receive);
	handover_wait(&team->handover, wanted.waiting, team_now(team));
	if (handover_change(&team->handover, wanted.fit, wanted.weights, team_now(team)))
		place(team);
	set_allowed(team, wanted.may_send, wanted.may_receive);
	show_carriers(team);
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
