#include "daemon/core/stations.h"

#include "daemon/core/stations-internal.h"

#include <stdlib.h>
#include <string.h>

/* So often within a minute behind another local port: that is no move any more. */
#define ROAMING 6
#define ROAMING_PERIOD (60 * NSEC_PER_SEC)

struct stations *stations_new(const struct stations_rules *rules)
{
	struct stations *stations = calloc(1, sizeof(*stations));

	if (!stations)
		return NULL;
	stations->rules = *rules;
	stations->primary = PLACEMENT_NONE;
	stations->homes_todo = true;
	stations->sweep_due = 0;
	stations->level_due = NSEC_NEVER;
	stations->release_due = NSEC_NEVER;
	stations->also_due = NSEC_NEVER;
	stations->confirm_due = NSEC_NEVER;
	stations->refresh_due = NSEC_NEVER;
	memset(stations->heads, 0xff, sizeof(stations->heads));
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		stations->members.weights[slot] = 1;
	return stations;
}

void stations_free(struct stations *stations)
{
	free(stations);
}

void stations_set_own(struct stations *stations, const struct mac *team,
		      const struct mac members[static PLACEMENT_MEMBERS])
{
	if (mac_equal(&stations->own[PLACEMENT_MEMBERS], team) &&
	    memcmp(stations->own, members, PLACEMENT_MEMBERS * sizeof(*members)) == 0)
		return;
	memcpy(stations->own, members, PLACEMENT_MEMBERS * sizeof(*members));
	stations->own[PLACEMENT_MEMBERS] = *team;
	for (unsigned i = 0; i <= PLACEMENT_MEMBERS; i++) {
		struct station *station = stations_find(stations, &stations->own[i]);

		if (station && !mac_is_zero(&station->mac))
			stations_forget(stations, station, false);
	}
}

/* Whether it may be a station. */
static bool is_welcome(struct stations *stations, const struct mac *mac, nsec_t now)
{
	if (mac_is_zero(mac) || mac_is_multicast(mac))
		return false;
	for (unsigned i = 0; i <= PLACEMENT_MEMBERS; i++) {
		if (!mac_equal(&stations->own[i], mac))
			continue;
		stations_note(stations, STATIONS_NOTE_COLLISION, mac, now);
		return false;
	}
	return true;
}

static void start_placed(struct stations *stations, struct station *station, uint8_t home,
			 nsec_t now)
{
	if (stations->rules.homes) {
		station_order_new(stations, station, home);
		station->carrier = station_aim(stations, station);
	}
	/* The home that the program gave has failed meanwhile. */
	if (stations->rules.independent && home < PLACEMENT_MEMBERS && stations->rules.homes &&
	    station->carrier != home)
		station_announce(stations, station, now);
	stations_disturb(stations, now);
}

/* The datapath has one that we have no room for: it is better off without. */
static void do_not_want(struct stations *stations, const struct mac *mac)
{
	if (stations->n_unwanted < STATIONS_UNWANTED)
		stations->unwanted[stations->n_unwanted++] = *mac;
}

static void adopt(struct stations *stations, struct station *station,
		  const struct station_found *found, nsec_t now)
{
	memcpy(station->order, found->order, sizeof(station->order));
	station->carrier = found->hold < PLACEMENT_MEMBERS ? found->hold : found->order[0];
	for (unsigned i = 0; i < PLACEMENT_MEMBERS; i++) {
		stations->settled |= slot_bit(station->order[i]);
		stations->members.members |= slot_bit(station->order[i]);
	}
	if (!stations->rules.homes)
		memset(station->order, PLACEMENT_NONE, sizeof(station->order));
	else
		station_order_repair(stations, station);
	stations_disturb(stations, now);
}

/* The datapath has it so, whatever was written. */
static void note_written(struct station *station, const uint8_t *order, uint8_t hold, uint8_t also)
{
	station->written = true;
	memcpy(station->written_order, order, sizeof(station->written_order));
	station->written_hold = hold;
	station->written_also = also;
}

void stations_found(struct stations *stations, const struct station_found *found, nsec_t now)
{
	struct station *station = stations_find(stations, &found->mac);

	if (!station && !is_welcome(stations, &found->mac, now))
		return;
	if (!station) {
		station = stations_enter(stations, &found->mac, now);
		if (!station) {
			do_not_want(stations, &found->mac);
			return;
		}
		adopt(stations, station, found, now);
	}
	station->swept = true;
	if (found->seen > station->seen)
		station->seen = nsec_min(found->seen, now);
	note_written(station, found->order, found->hold, found->also);
	station_update(stations, station);
}

void stations_learned(struct stations *stations, const struct mac *mac, uint16_t vlan, uint8_t slot,
		      nsec_t now)
{
	struct station *station = stations_find(stations, mac);

	if (!station) {
		if (!is_welcome(stations, mac, now))
			return;
		station = stations_enter(stations, mac, now);
		if (!station) {
			do_not_want(stations, mac);
			return;
		}
		start_placed(stations, station, slot, now);
	}
	/* It may be known, and have been entered anew: after it left and was heard again. */
	if (!station->written || (slot < PLACEMENT_MEMBERS && slot != station->written_order[0])) {
		uint8_t order[PLACEMENT_MEMBERS];

		memset(order, PLACEMENT_NONE, sizeof(order));
		order[0] = slot;
		note_written(station, order, PLACEMENT_NONE, PLACEMENT_NONE);
	}
	station->seen = now;
	station_add_vlan(stations, station, vlan, now);
	station_update(stations, station);
}

static void note_roaming(struct stations *stations, struct station *station, nsec_t now)
{
	if (now >= nsec_add(station->roamed, ROAMING_PERIOD)) {
		station->roamed = now;
		station->n_roamed = 0;
	}
	if (station->n_roamed < ROAMING)
		station->n_roamed++;
	if (station->n_roamed == ROAMING)
		stations_note(stations, STATIONS_NOTE_ROAMING, &station->mac, now);
}

void stations_known(struct stations *stations, const struct mac *mac, uint16_t vlan, int port,
		    nsec_t now)
{
	struct station *station = stations_find(stations, mac);

	if (!station) {
		if (!is_welcome(stations, mac, now))
			return;
		station = stations_enter(stations, mac, now);
		if (!station)
			return;
		start_placed(stations, station, PLACEMENT_NONE, now);
	}
	if (station->port && station->port != port)
		note_roaming(stations, station, now);
	if (!station->local || station->port != port)
		station->seen = now;
	station->port = port;
	station->local = true;
	station_add_vlan(stations, station, vlan, now);
	station_update(stations, station);
}

void stations_gone(struct stations *stations, const struct mac *mac, int port, nsec_t now)
{
	struct station *station = stations_find(stations, mac);

	/* News of a port that it has left already is no news. */
	if (station && station->port == port)
		station->local = false;
}

void stations_port_gone(struct stations *stations, int port, nsec_t now)
{
	for (unsigned i = 0; port && i < STATIONS_MAX; i++)
		if (station_is_there(&stations->table[i]) && stations->table[i].port == port)
			stations_forget(stations, &stations->table[i], true);
}

void stations_left(struct stations *stations, const struct mac *mac, nsec_t now)
{
	struct station *station = stations_find(stations, mac);

	if (!station)
		return;
	/* The datapath has taken it out, but may have been told of it again meanwhile. */
	stations_forget(stations, station, true);
	stations_disturb(stations, now);
}

void stations_refused(struct stations *stations, const struct mac *mac, nsec_t now)
{
	stations->refused++;
	stations_note(stations, STATIONS_NOTE_FULL, mac, now);
	stations->homes_todo = true;
}

void stations_seen_in(struct stations *stations, const struct mac *mac, uint16_t vlan, nsec_t now)
{
	struct station *station = stations_find(stations, mac);

	if (station)
		station_add_vlan(stations, station, vlan, now);
}

void stations_swept(struct stations *stations, nsec_t now)
{
	for (unsigned i = 0; i < STATIONS_MAX; i++) {
		struct station *station = &stations->table[i];

		if (!station_is_there(station))
			continue;
		if (!station->local && now >= nsec_add(station->seen, STATIONS_SILENCE)) {
			stations_forget(stations, station, true);
			stations_disturb(stations, now);
			continue;
		}
		if (!station->swept)
			station->written = false;
		station->swept = false;
		station_update(stations, station);
	}
	/* The programs have entered some, or have not what we think. */
	stations->homes_todo = true;
}

/* Homes begin: each station gets one, and is held where it was. */
static void begin_homes(struct stations *stations, nsec_t now)
{
	for (unsigned i = 0; i < STATIONS_MAX; i++) {
		struct station *station = &stations->table[i];

		if (!station_is_there(station))
			continue;
		station_order_new(stations, station, PLACEMENT_NONE);
		station->carrier = slot_in(stations->members.fit, stations->primary)
					   ? stations->primary
					   : station_aim(stations, station);
		station_update(stations, station);
	}
	stations->settled = stations->members.members;
	stations_disturb(stations, now);
}

void stations_set_rules(struct stations *stations, const struct stations_rules *rules, nsec_t now)
{
	struct stations_rules old = stations->rules;

	stations->rules = *rules;
	if (rules->homes && !old.homes)
		begin_homes(stations, now);
	for (unsigned i = 0; !rules->homes && old.homes && i < STATIONS_MAX; i++)
		if (station_is_there(&stations->table[i]) && rules->independent &&
		    stations->table[i].carrier != stations->primary)
			station_announce(stations, &stations->table[i], now);
	stations_disturb(stations, now);
}
