/* What a datapath's programs know of stations, and what they do with them, without a kernel. */
#pragma once

#include "daemon/datapath/datapath.h"

#include <stdbool.h>

#define FAKE_STATIONS 1200 /* More than a team may have. */

struct fake_station {
	bool there;
	struct datapath_station_state state;
	nsec_t announced;
	bool was_announced;
};

struct fake_stations {
	struct fake_station table[FAKE_STATIONS];
	unsigned room;
	unsigned cursor;
	uint8_t homes[PLACEMENT_MEMBERS];
	unsigned n_put;    /* How often stations were written, … */
	unsigned n_forget; /* … and forgotten. */
};

struct fake_world;

struct fake_station *fake_station_find(struct fake_stations *stations, const struct mac *mac);
unsigned fake_stations_count(const struct fake_stations *stations);

/* Where the programs send the station while those members are fit; PLACEMENT_NONE: by its bucket.
 */
uint8_t fake_station_carrier(const struct fake_station *station, member_set fit);

/* A frame of the address leaves by the team device. */
void fake_world_station_sends(struct fake_world *world, const char *team, const struct mac *mac,
			      uint16_t vlan);

/* An announcement of the address comes in by a member. Returns whether it was believed. */
bool fake_world_station_comes_in(struct fake_world *world, const char *team, const struct mac *mac,
				 unsigned slot);

/* For fake-datapath.c. */
bool fake_stations_can(const struct datapath_rules *rules, const char **ret_why);
int fake_stations_put(struct fake_stations *stations, const struct datapath_station *station,
		      struct err *e);
void fake_stations_forget(struct fake_stations *stations, const struct mac *mac);
void fake_stations_homes(struct fake_stations *stations, unsigned room,
			 const uint8_t slots[static PLACEMENT_MEMBERS]);
