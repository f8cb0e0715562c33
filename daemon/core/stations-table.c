/* The table of stations, found by their addresses. */
#include "daemon/core/stations-internal.h"

#include <string.h>

static unsigned hash(const struct mac *mac)
{
	uint64_t x = 0;

	memcpy(&x, mac->bytes, MAC_SIZE);
	x *= 0x9e3779b97f4a7c15;
	return (unsigned)(x >> 40) % STATIONS_HEADS;
}

struct station *stations_find(const struct stations *stations, const struct mac *mac)
{
	uint16_t i = stations->heads[hash(mac)];

	while (i != STATIONS_NO_INDEX && !mac_equal(&stations->table[i].mac, mac))
		i = stations->table[i].next;
	/* Whoever may change the table gets what it may change. */
	return i == STATIONS_NO_INDEX ? NULL : (struct station *)(uintptr_t)&stations->table[i];
}

static struct station *find_free(struct stations *stations)
{
	if (stations->n == STATIONS_MAX)
		return NULL;
	for (unsigned i = 0; i < STATIONS_MAX; i++)
		if (!stations->table[i].used)
			return &stations->table[i];
	return NULL;
}

struct station *stations_enter(struct stations *stations, const struct mac *mac, nsec_t now)
{
	struct station *station = find_free(stations);
	unsigned head = hash(mac);

	if (!station) {
		stations->refused++;
		stations_note(stations, STATIONS_NOTE_FULL, mac, now);
		return NULL;
	}
	*station = (struct station){
		.used = true,
		.swept = true,
		.mac = *mac,
		.next = stations->heads[head],
		.carrier = PLACEMENT_NONE,
		.also = PLACEMENT_NONE,
		.also_ends = NSEC_NEVER,
		.seen = now,
	};
	memset(station->order, PLACEMENT_NONE, sizeof(station->order));
	stations->heads[head] = (uint16_t)(station - stations->table);
	stations->n++;
	return station;
}

static void unchain(struct stations *stations, const struct station *station)
{
	uint16_t *link = &stations->heads[hash(&station->mac)];

	while (*link != (uint16_t)(station - stations->table))
		link = &stations->table[*link].next;
	*link = station->next;
}

static void unmark(struct stations *stations, struct station *station)
{
	for (unsigned todo = 0; todo < STATION_TODOS; todo++)
		stations->todo[todo] -= station->todo >> todo & 1;
	station->todo = 0;
}

void stations_forget(struct stations *stations, struct station *station, bool tell)
{
	unchain(stations, station);
	unmark(stations, station);
	stations->n--;
	stations->homes_todo = true;
	station->forgotten = true;
	if (tell && station->written)
		station_mark(stations, station, STATION_FORGET);
	else
		station->used = false;
}

void station_mark(struct stations *stations, struct station *station, enum station_todo todo)
{
	if (station->todo >> todo & 1)
		return;
	station->todo |= (uint8_t)(1u << todo);
	stations->todo[todo]++;
}

uint8_t station_hold(const struct station *station)
{
	return station->carrier == station->order[0] ? PLACEMENT_NONE : station->carrier;
}

bool station_is_written(const struct stations *stations, const struct station *station)
{
	if (!station->written || !stations->rules.homes)
		return station->written;
	return station->written_hold == station_hold(station) &&
	       station->written_also == station->also &&
	       memcmp(station->written_order, station->order, sizeof(station->order)) == 0;
}

void station_update(struct stations *stations, struct station *station)
{
	if (!station_is_written(stations, station))
		station_mark(stations, station, STATION_PUT);
}

void station_add_vlan(struct stations *stations, struct station *station, uint16_t vlan, nsec_t now)
{
	for (unsigned i = 0; i < station->n_vlans; i++)
		if (station->vlans[i] == vlan)
			return;
	if (station->n_vlans == STATION_VLANS)
		stations_note(stations, STATIONS_NOTE_VLANS, &station->mac, now);
	else
		station->vlans[station->n_vlans++] = vlan;
}

void stations_note(struct stations *stations, enum stations_note note, const struct mac *mac,
		   nsec_t now)
{
	stations->notes[note].count++;
	if (stations->notes[note].was_told &&
	    now < nsec_add(stations->notes[note].told, STATIONS_NOTE_INTERVAL))
		return;
	stations->notes[note].was_told = true;
	stations->notes[note].told = now;
	stations->notes[note].mac = *mac;
	stations->notes[note].todo = true;
}

uint8_t station_carrier(const struct stations *stations, const struct station *station)
{
	return stations->rules.homes ? station->carrier : stations->primary;
}

bool stations_has(const struct stations *stations, const struct mac *mac)
{
	return stations_find(stations, mac) != NULL;
}

unsigned stations_count(const struct stations *stations)
{
	return stations->n;
}

uint64_t stations_n_refused(const struct stations *stations)
{
	return stations->refused;
}

bool stations_next_view(const struct stations *stations, unsigned *cursor,
			struct station_view *view)
{
	const struct station *station;

	while (*cursor < STATIONS_MAX && !station_is_there(&stations->table[*cursor]))
		(*cursor)++;
	if (*cursor == STATIONS_MAX)
		return false;
	station = &stations->table[(*cursor)++];
	*view = (struct station_view){
		.mac = station->mac,
		.carrier = station_carrier(stations, station),
		.home = station->order[0],
		.port = station->port,
		.local = station->local,
		.seen = station->seen,
		.n_vlans = station->n_vlans,
	};
	memcpy(view->vlans, station->vlans, sizeof(view->vlans));
	return true;
}
