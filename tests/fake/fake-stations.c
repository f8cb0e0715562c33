#include "tests/fake/fake-stations.h"

#include "tests/fake/fake-world.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* For how long an announcement of our own is not believed to come from elsewhere. */
#define BELIEVED_AFTER NSEC_PER_SEC

struct fake_station *fake_station_find(struct fake_stations *stations, const struct mac *mac)
{
	for (unsigned i = 0; i < FAKE_STATIONS; i++)
		if (stations->table[i].there &&
		    mac_equal(&stations->table[i].state.station.mac, mac))
			return &stations->table[i];
	return NULL;
}

unsigned fake_stations_count(const struct fake_stations *stations)
{
	unsigned n = 0;

	for (unsigned i = 0; i < FAKE_STATIONS; i++)
		n += stations->table[i].there;
	return n;
}

static struct fake_station *enter(struct fake_stations *stations, const struct mac *mac)
{
	unsigned i = 0;

	while (i < FAKE_STATIONS && stations->table[i].there)
		i++;
	if (i == FAKE_STATIONS)
		return NULL;
	stations->table[i] = (struct fake_station){ .there = true };
	stations->table[i].state.station.mac = *mac;
	memset(stations->table[i].state.station.order, PLACEMENT_NONE, PLACEMENT_MEMBERS);
	stations->table[i].state.station.hold = PLACEMENT_NONE;
	stations->table[i].state.station.also = PLACEMENT_NONE;
	return &stations->table[i];
}

uint8_t fake_station_carrier(const struct fake_station *station, member_set fit)
{
	const struct datapath_station *state = &station->state.station;

	if (state->hold < PLACEMENT_MEMBERS && (fit >> state->hold & 1))
		return state->hold;
	for (unsigned i = 0; i < PLACEMENT_MEMBERS && state->order[i] != PLACEMENT_NONE; i++)
		if (fit >> state->order[i] & 1)
			return state->order[i];
	return PLACEMENT_NONE;
}

static void tell(struct fake_world *world, const struct fake_device *device,
		 const struct datapath_station_news *news)
{
	host_station_news(world->host, device->ifindex, news);
}

void fake_world_station_sends(struct fake_world *world, const char *team, const struct mac *mac,
			      uint16_t vlan)
{
	struct fake_device *device = fake_device_by_name(world->kernel, team);
	struct fake_stations *stations = &device->stations;
	struct fake_station *station = fake_station_find(stations, mac);
	struct datapath_station_news news = { .mac = *mac, .vlan = vlan, .slot = PLACEMENT_NONE };
	bool is_new = !station;

	if (!station && !stations->room) {
		news.type = DATAPATH_STATION_FULL;
		tell(world, device, &news);
		return;
	}
	if (!station) {
		station = enter(stations, mac);
		assert(station);
		stations->room--;
		news.slot = stations->homes[stations->cursor++ % PLACEMENT_MEMBERS];
		station->state.station.order[0] = news.slot;
	}
	station->state.seen = world->now;
	for (unsigned i = 0; i < station->state.n_vlans; i++)
		if (station->state.vlans[i] == vlan && !is_new)
			return;
	if (station->state.n_vlans < 4)
		station->state.vlans[station->state.n_vlans++] = vlan;
	tell(world, device, &news);
}

bool fake_world_station_comes_in(struct fake_world *world, const char *team, const struct mac *mac,
				 unsigned slot)
{
	struct fake_device *device = fake_device_by_name(world->kernel, team);
	struct fake_station *station = fake_station_find(&device->stations, mac);
	struct datapath_station_news news = {
		.type = DATAPATH_STATION_LEFT,
		.mac = *mac,
		.slot = (uint8_t)slot,
	};

	if (!station)
		return true;
	if (station->was_announced && world->now < station->announced + BELIEVED_AFTER)
		return false;
	station->there = false;
	tell(world, device, &news);
	return true;
}

bool fake_stations_can(const struct datapath_rules *rules, const char **ret_why)
{
	return true;
}

int fake_stations_put(struct fake_stations *stations, const struct datapath_station *put,
		      struct err *e)
{
	struct fake_station *station = fake_station_find(stations, &put->mac);

	stations->n_put++;
	if (!station)
		station = enter(stations, &put->mac);
	if (!station)
		return err_set(e, -ENOSPC, "the host has too many addresses");
	station->state.station = *put;
	return 0;
}

void fake_stations_forget(struct fake_stations *stations, const struct mac *mac)
{
	struct fake_station *station = fake_station_find(stations, mac);

	stations->n_forget++;
	if (station)
		station->there = false;
}

void fake_stations_homes(struct fake_stations *stations, unsigned room,
			 const uint8_t slots[static PLACEMENT_MEMBERS])
{
	stations->room = room;
	stations->cursor = 0;
	memcpy(stations->homes, slots, PLACEMENT_MEMBERS);
}
