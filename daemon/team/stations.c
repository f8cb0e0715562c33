/* The addresses behind a team device: which member each is on, and that the switches hear of it. */
#include "daemon/team/lifecycle.h"
#include "daemon/team/stations-internal.h"
#include "lib/base/log.h"

#include <errno.h>
#include <stdlib.h>

static struct stations_rules rules_of(const struct team *team)
{
	struct datapath_rules rules = team_rules(team);

	return (struct stations_rules){
		.homes = rules.homes,
		.independent = rules.independent,
		/* By hash or by flowlet a frame may leave off its home, under another source. */
		.refresh = rules.independent && (!rules.homes || rules.flowlets),
	};
}

static bool has_use(const struct team *team)
{
	struct datapath_rules rules = team_rules(team);

	return rules.learn || rules.homes;
}

static nsec_t announce_interval(const struct team *team)
{
	return team->config.announce_interval_ms * NSEC_PER_MS;
}

int team_stations_init(struct team *team)
{
	struct stations_rules rules = rules_of(team);
	struct team_stations *stations;

	if (!has_use(team))
		return 0;
	stations = calloc(1, sizeof(*stations));
	if (!stations)
		return -ENOMEM;
	team->stations = stations;
	stations->core = stations_new(&rules);
	stations->announce = announce_new(team->config.announce_count, announce_interval(team));
	if (stations->core && stations->announce)
		return 0;
	team_stations_fini(team);
	return -ENOMEM;
}

void team_stations_fini(struct team *team)
{
	if (!team->stations)
		return;
	stations_free(team->stations->core);
	announce_free(team->stations->announce);
	free(team->stations);
	team->stations = NULL;
}

/* Whether there is anything to place stations on. */
static bool is_at_work(const struct team *team)
{
	return team->stations && team->device && team->phase == TEAM_OPEN;
}

static void see(void *userdata, const struct datapath_station_state *state)
{
	struct team *team = userdata;
	struct stations *core = team->stations->core;
	const struct station_found found = {
		.mac = state->station.mac,
		.order = state->station.order,
		.hold = state->station.hold,
		.also = state->station.also,
		.seen = state->seen,
	};

	stations_found(core, &found, team_now(team));
	for (unsigned i = 0; i < state->n_vlans; i++)
		stations_seen_in(core, &found.mac, state->vlans[i], team_now(team));
}

/* The VLAN with which a bridge's frames leave: VLAN 1 of one that filters VLANs is, unless somebody
 * changed it, the one that its ports have without a tag. */
static uint16_t wire_vlan(const struct host_neighbour *neighbour)
{
	return neighbour->vlan == 1 ? 0 : neighbour->vlan;
}

/* Whether an entry only says that a port has an address of its own: nobody is behind it. */
static bool is_ports_own(const struct team *team, const struct host_neighbour *neighbour)
{
	const struct link *link = team->world->ops->link_by_index(team->world, neighbour->port);

	if (!neighbour->permanent)
		return false;
	if (neighbour->port == neighbour->bridge)
		return mac_equal(&neighbour->mac, &team->mac);
	return link && mac_equal(&neighbour->mac, &link->mac);
}

static void hear_of(struct team *team, const struct host_neighbour *neighbour)
{
	nsec_t now = team_now(team);

	if (neighbour->port == team->ifindex) {
		/* The bridge hears it from outside, so the datapath let it pass. */
		if (!neighbour->permanent) {
			announce_cancel(team->stations->announce, &neighbour->mac);
			stations_left(team->stations->core, &neighbour->mac, now);
		}
		return;
	}
	if (!is_ports_own(team, neighbour))
		stations_known(team->stations->core, &neighbour->mac, wire_vlan(neighbour),
			       neighbour->port, now);
}

static void hear_at_once(void *userdata, const struct host_neighbour *neighbour)
{
	hear_of(userdata, neighbour);
}

static void sweep(struct team *team)
{
	struct stations *core = team->stations->core;
	uint64_t refused = stations_n_refused(core);

	if (!team->device->ops->stations)
		return;
	/* Who has just left is not lost. */
	team->datapath->ops->dispatch(team->datapath);
	team->device->ops->stations(team->device, see, team);
	stations_swept(core, team_now(team));
	/* There may be room now for what had none; what is gone from one VLAN may be in others. */
	if ((refused != team->stations->refused_at_sweep || team->stations->some_gone) &&
	    team->world->ops->neighbours)
		team->world->ops->neighbours(team->world, team->ifindex, hear_at_once, team);
	team->stations->refused_at_sweep = refused;
	team->stations->some_gone = false;
}

static void put(struct team *team, const struct stations_action *action)
{
	struct datapath_station station = {
		.mac = action->mac,
		.hold = action->hold,
		.also = action->also,
	};
	struct team_stations *stations = team->stations;
	char text[MAC_TEXT_SIZE];
	struct err e;

	if (!team->device->ops->station_put)
		return;
	for (unsigned i = 0; i < PLACEMENT_MEMBERS; i++)
		station.order[i] = action->order[i];
	if (team->device->ops->station_put(team->device, &station, &e) == 0)
		return;
	if (stations->put_failed &&
	    team_now(team) < nsec_add(stations->put_failure_told, STATIONS_NOTE_INTERVAL))
		return;
	stations->put_failed = true;
	stations->put_failure_told = team_now(team);
	log_write(LOG_LEVEL_WARNING, &(struct log_fields){ .team = team->config.name },
		  "cannot place the address %s, which goes by its hash until the next attempt: %s",
		  mac_to_text(&action->mac, text), e.text);
}

static void note(struct team *team, const struct stations_action *action)
{
	const struct log_fields fields = { .team = team->config.name };
	unsigned long long count = action->count;
	char text[MAC_TEXT_SIZE];

	(void)mac_to_text(&action->mac, text);
	switch (action->note) {
	case STATIONS_NOTE_FULL:
		log_write(
			LOG_LEVEL_WARNING, &fields,
			"more than %u addresses are behind the team: %s and others are not placed, "
			"but go by their hash (seen %llu times)",
			STATIONS_MAX, text, count);
		return;
	case STATIONS_NOTE_COLLISION:
		log_write(
			LOG_LEVEL_WARNING, &fields,
			"somebody behind the team uses the address %s, which is the team's own or "
			"a member's; give it another one (seen %llu times)",
			text, count);
		return;
	case STATIONS_NOTE_ROAMING:
		log_write(
			LOG_LEVEL_WARNING, &fields,
			"the address %s shows up behind one local port and then another, again and "
			"again: two may have it, or there is a loop",
			text);
		return;
	case STATIONS_NOTE_VLANS:
		log_write(
			LOG_LEVEL_NOTICE, &fields,
			"the address %s is in more than %u VLANs: in those beyond, switches learn "
			"only from its own frames that it has moved",
			text, STATION_VLANS);
		return;
	}
}

static void carry_out(struct team *team, const struct stations_action *action)
{
	const struct datapath_ops *ops = team->device->ops;

	switch (action->type) {
	case STATIONS_MOVED:
		announcer_moved(team, action);
		return;
	case STATIONS_PRIMARY:
		announcer_primary(team, action->slot);
		return;
	case STATIONS_PUT:
		put(team, action);
		return;
	case STATIONS_FORGET:
		announce_cancel(team->stations->announce, &action->mac);
		if (ops->station_forget)
			ops->station_forget(team->device, &action->mac);
		return;
	case STATIONS_HOMES:
		if (ops->station_homes)
			ops->station_homes(team->device, action->room, action->order);
		return;
	case STATIONS_SWEEP:
		sweep(team);
		return;
	case STATIONS_CONFIRMED:
		if (team->config.announce_count)
			announcer_refresh(team, action);
		return;
	case STATIONS_REFRESHED:
		announcer_refresh(team, action);
		return;
	case STATIONS_OWN_REFRESHED:
		announcer_refresh_own(team, action->slot);
		return;
	case STATIONS_NOTED:
		note(team, action);
		return;
	}
}

/* Moves come first and leave before the rest is written, which may be much. */
static void drain(struct team *team)
{
	struct stations_action action;
	bool moving = false;

	team->stations->addresses_known = false;
	while (stations_next_action(team->stations->core, &action)) {
		bool moves = action.type == STATIONS_MOVED || action.type == STATIONS_PRIMARY;

		if (moving && !moves)
			announcer_send(team);
		moving = moves;
		carry_out(team, &action);
	}
	announcer_send(team);
}

/* The rules have no use for stations any more. */
static void end(struct team *team)
{
	struct station_view view;
	unsigned cursor = 0;

	while (is_at_work(team) && team->device->ops->station_forget &&
	       stations_next_view(team->stations->core, &cursor, &view))
		team->device->ops->station_forget(team->device, &view.mac);
	team_stations_fini(team);
}

/* Who was the primary before this daemon. If the kernel's part has chosen another one since then,
 * nobody has told the switches. */
static uint8_t former_primary(const struct team *team)
{
	const struct placement_plan *plan = &team->handover.plan;

	if (!team->adopted)
		return PLACEMENT_NONE;
	return plan->primary_hold < PLACEMENT_MEMBERS ? plan->primary_hold : plan->primary[0];
}

/* Also when the rules have changed. */
void team_stations_opened(struct team *team)
{
	struct stations_rules rules = rules_of(team);

	if (!has_use(team)) {
		end(team);
		return;
	}
	if (!team->stations && team_stations_init(team) < 0)
		log_error("%s: no memory is left to know the addresses behind it",
			  team->config.name);
	if (!is_at_work(team))
		return;
	sweep(team);
	stations_set_rules(team->stations->core, &rules, team_now(team));
	if (!team->stations->begun)
		stations_set_primary(team->stations->core, former_primary(team), true,
				     team_now(team));
	if (team->world->ops->neighbours)
		team->world->ops->neighbours(team->world, team->ifindex, hear_at_once, team);
}

static void fill_members(const struct team *team, struct stations_members *members,
			 struct mac macs[static PLACEMENT_MEMBERS])
{
	for (unsigned i = 0; i < team->n_members; i++) {
		const struct member *member = &team->members[i];
		member_set bit;

		if (member->slot >= PLACEMENT_MEMBERS)
			continue;
		bit = (member_set)1 << member->slot;
		members->members |= bit;
		if (member->config->standby)
			members->standby |= bit;
		if (member->carrier)
			members->receiving |= bit & team->may_receive;
		macs[member->slot] = member->mac;
	}
	members->fit = team->handover.fit & members->members;
	members->waiting = team->handover.waiting;
}

void team_stations_settle(struct team *team, const uint32_t weights[static PLACEMENT_MEMBERS])
{
	struct mac macs[PLACEMENT_MEMBERS] = {};
	struct stations_members members = {};
	struct stations *core;

	if (!is_at_work(team))
		return;
	core = team->stations->core;
	fill_members(team, &members, macs);
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		members.weights[slot] = weights[slot];
	announce_set(team->stations->announce, team->config.announce_count,
		     announce_interval(team));
	stations_set_own(core, &team->mac, macs);
	stations_set_primary(core, placement_primary(&team->handover.plan, members.receiving),
			     false, team_now(team));
	team->stations->begun = true;
	stations_set_members(core, &members, team_now(team));
	drain(team);
}

void team_stations_tick(struct team *team, nsec_t now)
{
	if (!is_at_work(team) || now < team_stations_deadline(team))
		return;
	stations_tick(team->stations->core, now);
	drain(team);
}

nsec_t team_stations_deadline(const struct team *team)
{
	if (!is_at_work(team))
		return NSEC_NEVER;
	return nsec_min(stations_deadline(team->stations->core),
			announce_deadline(team->stations->announce));
}

/* Whether what was behind the port is there no more, and not silent only. */
static bool has_vanished(const struct team *team, const struct host_neighbour *neighbour)
{
	const struct link *link = team->world->ops->link_by_index(team->world, neighbour->port);

	if (!link)
		return true;
	return neighbour->port != neighbour->bridge &&
	       (!link->carrier || link->master != neighbour->bridge);
}

void team_neighbour_changed(struct team *team, const struct host_neighbour *neighbour)
{
	struct stations *core;

	if (!is_at_work(team) || neighbour->uplink != team->ifindex)
		return;
	core = team->stations->core;
	/* If it has just sent its first frame the datapath gave it a home, and told of it by
	 * another way than the bridge. */
	if (!neighbour->gone && !stations_has(core, &neighbour->mac))
		team->datapath->ops->dispatch(team->datapath);
	if (!neighbour->gone)
		hear_of(team, neighbour);
	else if (has_vanished(team, neighbour))
		stations_port_gone(core, neighbour->port, team_now(team));
	else
		stations_gone(core, &neighbour->mac, neighbour->port, team_now(team));
	team->stations->some_gone |= neighbour->gone;
	drain(team);
}

void team_stations_link(struct team *team, const struct link *link, const struct link *before)
{
	bool unplugged;

	if (!is_at_work(team) || !before)
		return;
	/* A bridge forgets what was behind a port that lost its carrier. */
	unplugged = link && before->master && link->ifindex != team->ifindex &&
		    (link->master != before->master || (before->carrier && !link->carrier));
	if (link && !unplugged)
		return;
	stations_port_gone(team->stations->core, before->ifindex, team_now(team));
	drain(team);
}

bool team_station_news(struct team *team, int ifindex, const struct datapath_station_news *news)
{
	struct stations *core;
	nsec_t now;

	if (ifindex != team->ifindex)
		return false;
	if (!is_at_work(team))
		return true;
	core = team->stations->core;
	now = team_now(team);
	switch (news->type) {
	case DATAPATH_STATION_LEARNED:
		stations_learned(core, &news->mac, news->vlan, news->slot, now);
		break;
	case DATAPATH_STATION_LEFT:
		/* It is somebody else's to announce. */
		announce_cancel(team->stations->announce, &news->mac);
		stations_left(core, &news->mac, now);
		break;
	case DATAPATH_STATION_FULL:
		stations_refused(core, &news->mac, now);
		break;
	}
	drain(team);
	return true;
}

size_t team_stations_view(const struct team *team, struct team_station_view *views, size_t n)
{
	struct station_view view;
	unsigned cursor = 0;
	size_t filled = 0;

	while (team->stations && filled < n &&
	       stations_next_view(team->stations->core, &cursor, &view)) {
		views[filled] = (struct team_station_view){
			.mac = view.mac,
			.n_vlans = view.n_vlans,
			.slot = view.carrier,
			.home = view.home,
			.port_ifindex = view.port,
			.age = nsec_since(view.seen, team_now(team)),
		};
		for (unsigned i = 0; i < view.n_vlans; i++)
			views[filled].vlans[i] = view.vlans[i];
		filled++;
	}
	return filled;
}

uint64_t team_stations_refused(const struct team *team)
{
	return team->stations ? stations_n_refused(team->stations->core) : 0;
}
