/* What the core of stations asks for, most urgent first. */
#include "daemon/core/stations-internal.h"

#include <string.h>

static void name_vlans(const struct station *station, struct stations_action *action)
{
	action->mac = station->mac;
	action->n_vlans = station->n_vlans ? station->n_vlans : 1;
	memcpy(action->vlans, station->vlans, sizeof(action->vlans));
}

static void take_moved(struct stations *stations, struct station *station,
		       struct stations_action *action)
{
	action->type = STATIONS_MOVED;
	action->slot = station_carrier(stations, station);
	name_vlans(station, action);
}

static void take_confirmed(struct stations *stations, struct station *station,
			   struct stations_action *action)
{
	take_moved(stations, station, action);
	action->type = STATIONS_CONFIRMED;
}

static void take_put(struct stations *stations, struct station *station,
		     struct stations_action *action)
{
	action->type = STATIONS_PUT;
	action->mac = station->mac;
	memcpy(action->order, station->order, sizeof(action->order));
	action->hold = station_hold(station);
	action->also = station->also;
	station->written = true;
	memcpy(station->written_order, action->order, sizeof(action->order));
	station->written_hold = action->hold;
	station->written_also = action->also;
}

static void take_forget(struct stations *stations, struct station *station,
			struct stations_action *action)
{
	action->type = STATIONS_FORGET;
	action->mac = station->mac;
	station->used = false;
}

static bool take_todo(struct stations *stations, enum station_todo todo,
		      struct stations_action *action)
{
	static void (*const takers[])(struct stations *, struct station *,
				      struct stations_action *) = {
		[STATION_PUT_FIRST] = take_put,     [STATION_MOVED] = take_moved,
		[STATION_PUT] = take_put,           [STATION_FORGET] = take_forget,
		[STATION_CONFIRM] = take_confirmed,
	};

	while (stations->todo[todo]) {
		unsigned i = stations->cursor[todo]++ % STATIONS_MAX;
		struct station *station = &stations->table[i];

		if (!(station->todo >> todo & 1))
			continue;
		station->todo &= (uint8_t) ~(1u << todo);
		stations->todo[todo]--;
		if (todo == STATION_PUT && station_is_written(stations, station))
			continue;
		takers[todo](stations, station, action);
		if ((todo == STATION_MOVED || todo == STATION_CONFIRM) &&
		    action->slot == PLACEMENT_NONE)
			continue;
		return true;
	}
	return false;
}

static bool take_unwanted(struct stations *stations, struct stations_action *action)
{
	if (!stations->n_unwanted)
		return false;
	action->type = STATIONS_FORGET;
	action->mac = stations->unwanted[--stations->n_unwanted];
	return true;
}

static bool take_primary(struct stations *stations, struct stations_action *action)
{
	if (!stations->primary_todo)
		return false;
	stations->primary_todo = false;
	action->type = STATIONS_PRIMARY;
	action->slot = stations->primary;
	return stations->primary != PLACEMENT_NONE;
}

/* The homes of the next ones, as if they came one after the other. */
static bool take_homes(struct stations *stations, struct stations_action *action)
{
	member_set set = stations_usable(stations);
	unsigned counts[PLACEMENT_MEMBERS];

	if (!stations->homes_todo)
		return false;
	stations->homes_todo = false;
	action->type = STATIONS_HOMES;
	action->room = STATIONS_MAX - stations->n;
	memset(action->order, PLACEMENT_NONE, sizeof(action->order));
	if (!stations->rules.homes) {
		memset(action->order, stations->primary, sizeof(action->order));
		return true;
	}
	stations_count_aims(stations, counts);
	for (unsigned i = 0; set && i < PLACEMENT_MEMBERS; i++) {
		action->order[i] = stations_pick(set, stations->members.weights, counts);
		counts[action->order[i]]++;
	}
	return true;
}

static bool take_refresh(struct stations *stations, struct stations_action *action)
{
	while (stations->refreshes_left) {
		unsigned i = stations->refresh_cursor++ % (STATIONS_MAX + 1);
		const struct station *station = &stations->table[i % STATIONS_MAX];

		if (i == STATIONS_MAX) {
			stations->refreshes_left--;
			action->type = STATIONS_OWN_REFRESHED;
			action->slot = stations->primary;
		} else if (station_is_there(station)) {
			stations->refreshes_left--;
			action->type = STATIONS_REFRESHED;
			action->slot = station_carrier(stations, station);
			name_vlans(station, action);
		} else {
			continue;
		}
		if (action->slot != PLACEMENT_NONE)
			return true;
	}
	return false;
}

static bool take_note(struct stations *stations, struct stations_action *action)
{
	for (unsigned note = 0; note < STATIONS_NOTES; note++) {
		if (!stations->notes[note].todo)
			continue;
		stations->notes[note].todo = false;
		action->type = STATIONS_NOTED;
		action->note = (enum stations_note)note;
		action->mac = stations->notes[note].mac;
		action->count = stations->notes[note].count;
		return true;
	}
	return false;
}

bool stations_next_action(struct stations *stations, struct stations_action *action)
{
	*action = (struct stations_action){ .slot = PLACEMENT_NONE };
	/* What is forgotten goes before what is written: it may be one that came back. */
	if (take_todo(stations, STATION_PUT_FIRST, action) || take_primary(stations, action) ||
	    take_todo(stations, STATION_MOVED, action) ||
	    take_todo(stations, STATION_FORGET, action) || take_unwanted(stations, action) ||
	    take_todo(stations, STATION_PUT, action) || take_homes(stations, action))
		return true;
	if (stations->sweep_todo) {
		stations->sweep_todo = false;
		action->type = STATIONS_SWEEP;
		return true;
	}
	return take_todo(stations, STATION_CONFIRM, action) || take_refresh(stations, action) ||
	       take_note(stations, action);
}
