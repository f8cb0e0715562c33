/* Which member each station is on as members come and go, and what time alone brings about. */
#include "daemon/core/stations-internal.h"

#include <string.h>

/* Where the datapath has it by what was written last. */
static uint8_t written_carrier(const struct stations *stations, const struct station *station)
{
	member_set fit = stations->members.fit;

	if (!station->written)
		return PLACEMENT_NONE;
	if (slot_in(fit, station->written_hold))
		return station->written_hold;
	for (unsigned i = 0; i < PLACEMENT_MEMBERS; i++)
		if (slot_in(fit, station->written_order[i]))
			return station->written_order[i];
	return PLACEMENT_NONE;
}

void station_announce(struct stations *stations, struct station *station, nsec_t now)
{
	station_mark(stations, station, STATION_MOVED);
	station->confirm = nsec_add(now, STATIONS_CONFIRM);
	stations->confirm_due = nsec_min(stations->confirm_due, station->confirm);
}

void station_move(struct stations *stations, struct station *station, uint8_t slot, nsec_t now)
{
	uint8_t old = station->carrier;

	if (old == slot)
		return;
	station->carrier = slot;
	station->also = PLACEMENT_NONE;
	station->also_ends = NSEC_NEVER;
	if (slot != PLACEMENT_NONE && slot_in(stations->members.receiving, old)) {
		station->also = old;
		station->also_ends = nsec_add(now, STATIONS_ALSO);
		stations->also_due = nsec_min(stations->also_due, station->also_ends);
	}
	if (slot != PLACEMENT_NONE && stations->rules.independent)
		station_announce(stations, station, now);
	if (slot != PLACEMENT_NONE && slot != written_carrier(stations, station))
		station_mark(stations, station, STATION_PUT_FIRST);
	station_update(stations, station);
}

static bool refreshes(const struct stations *stations)
{
	return stations->rules.independent && stations->rules.refresh;
}

/* How long after one address the next is refreshed. */
static nsec_t refresh_interval(const struct stations *stations)
{
	return STATIONS_REFRESH / (stations->n + 1);
}

void stations_disturb(struct stations *stations, nsec_t now)
{
	stations->homes_todo = true;
	if (refreshes(stations))
		stations->refresh_due =
			nsec_min(stations->refresh_due, nsec_add(now, refresh_interval(stations)));
	if (!stations->rules.homes)
		return;
	stations->level_due = nsec_min(stations->level_due, nsec_add(now, STATIONS_LEVEL_DELAY));
	stations->release_due =
		nsec_min(stations->release_due, nsec_add(now, STATIONS_RELEASE_INTERVAL));
}

/* Takes the members over; a weight that is not known is what it was. */
static void take_over(struct stations *stations, const struct stations_members *members)
{
	uint32_t old[PLACEMENT_MEMBERS];

	memcpy(old, stations->members.weights, sizeof(old));
	stations->members = *members;
	stations->members.members |= members->fit;
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++) {
		uint32_t *weight = &stations->members.weights[slot];

		if (!slot_in(stations->members.members, slot))
			*weight = 1;
		else if (!*weight)
			*weight = old[slot] ? old[slot] : 1;
	}
}

static void repair_orders(struct stations *stations)
{
	for (unsigned i = 0; i < STATIONS_MAX; i++)
		if (station_is_there(&stations->table[i]))
			station_order_repair(stations, &stations->table[i]);
}

/* What is new gets its share, and so does everybody where a weight is another; what stands in for
 * others gets what these have lost. A member that only comes back has all that was its own. */
static void share(struct stations *stations, member_set came)
{
	member_set set = stations_usable(stations) & ~stations->members.waiting, owed = 0;
	const uint32_t *weights = stations->members.weights;
	member_set lasting = set & ~stations->members.standby;

	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++) {
		uint32_t before = stations->settled_weights[slot];

		if (slot_in(lasting & ~stations->settled, slot))
			owed |= slot_bit(slot);
		else if (slot_in(lasting, slot) && before && before != weights[slot])
			owed |= lasting;
	}
	for (uint8_t slot = 0; slot < PLACEMENT_MEMBERS; slot++) {
		if (slot_in(owed, slot))
			stations_give_share(stations, slot, true);
		else if (slot_in(set & came & stations->members.standby, slot))
			stations_give_share(stations, slot, false);
		if (slot_in(lasting, slot))
			stations->settled_weights[slot] = weights[slot];
	}
	stations->settled |= lasting;
}

static void replace(struct stations *stations, nsec_t now)
{
	for (unsigned i = 0; i < STATIONS_MAX; i++) {
		struct station *station = &stations->table[i];

		if (!station_is_there(station))
			continue;
		if (station->order[0] == PLACEMENT_NONE)
			station_order_new(stations, station, PLACEMENT_NONE);
		if (!slot_in(stations->members.fit, station->carrier))
			station_move(stations, station, station_aim(stations, station), now);
		station_update(stations, station);
	}
}

void stations_set_members(struct stations *stations, const struct stations_members *members,
			  nsec_t now)
{
	member_set usable = stations_usable(stations), before = stations->members.members;
	struct stations_members old = stations->members;

	take_over(stations, members);
	if (memcmp(&old, &stations->members, sizeof(old)) == 0)
		return;
	stations->settled &= stations->members.members;
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		if (!slot_in(stations->settled, slot))
			stations->settled_weights[slot] = 0;
	if (stations->rules.homes) {
		if (before != stations->members.members)
			repair_orders(stations);
		share(stations, stations_usable(stations) & ~usable);
		replace(stations, now);
	}
	stations_disturb(stations, now);
}

void stations_set_primary(struct stations *stations, uint8_t slot, bool adopted, nsec_t now)
{
	if (slot == stations->primary)
		return;
	stations->primary = slot;
	stations_disturb(stations, now);
	if (slot == PLACEMENT_NONE || adopted || !stations->rules.independent)
		return;
	stations->primary_todo = true;
	for (unsigned i = 0; !stations->rules.homes && i < STATIONS_MAX; i++)
		if (station_is_there(&stations->table[i]))
			station_announce(stations, &stations->table[i], now);
}

/* Some of those that are held come to their homes, or nearer to them. */
static void release(struct stations *stations, nsec_t now)
{
	unsigned n = 0;

	if (now < stations->release_due)
		return;
	stations->release_due = NSEC_NEVER;
	for (unsigned k = 0; k < STATIONS_MAX; k++) {
		unsigned i = (stations->release_cursor + k) % STATIONS_MAX;
		struct station *station = &stations->table[i];
		uint8_t aim;

		if (!station_is_there(station))
			continue;
		aim = station_aim(stations, station);
		if (aim == PLACEMENT_NONE || aim == station->carrier)
			continue;
		if (n++ == STATIONS_RELEASE_BATCH) {
			stations->release_cursor = i;
			stations->release_due = nsec_add(now, STATIONS_RELEASE_INTERVAL);
			return;
		}
		station_move(stations, station, aim, now);
	}
}

static void end_also(struct stations *stations, nsec_t now)
{
	if (now < stations->also_due)
		return;
	stations->also_due = NSEC_NEVER;
	for (unsigned i = 0; i < STATIONS_MAX; i++) {
		struct station *station = &stations->table[i];

		if (!station_is_there(station) || station->also == PLACEMENT_NONE)
			continue;
		if (now < station->also_ends) {
			stations->also_due = nsec_min(stations->also_due, station->also_ends);
			continue;
		}
		station->also = PLACEMENT_NONE;
		station_update(stations, station);
	}
}

static void confirm(struct stations *stations, nsec_t now)
{
	if (now < stations->confirm_due)
		return;
	stations->confirm_due = NSEC_NEVER;
	for (unsigned i = 0; i < STATIONS_MAX; i++) {
		struct station *station = &stations->table[i];

		if (!station_is_there(station) || !station->confirm)
			continue;
		if (now < station->confirm) {
			stations->confirm_due = nsec_min(stations->confirm_due, station->confirm);
			continue;
		}
		station->confirm = 0;
		station_mark(stations, station, STATION_CONFIRM);
	}
}

static void level(struct stations *stations, nsec_t now)
{
	if (now < stations->level_due)
		return;
	stations->level_due = NSEC_NEVER;
	stations_level(stations);
	for (unsigned i = 0; i < STATIONS_MAX; i++)
		if (station_is_there(&stations->table[i]))
			station_update(stations, &stations->table[i]);
}

/* All stations and the team's own address once in STATIONS_REFRESH, some in each interval. */
static void refresh(struct stations *stations, nsec_t now)
{
	nsec_t each = refresh_interval(stations);

	if (!refreshes(stations)) {
		stations->refresh_due = NSEC_NEVER;
		stations->refreshes_left = 0;
		return;
	}
	if (now < stations->refresh_due)
		return;
	/* Ten times a second is often enough to be awake. */
	stations->refreshes_left = 1 + (unsigned)((100 * NSEC_PER_MS - 1) / each);
	stations->refresh_due = nsec_add(now, stations->refreshes_left * each);
}

void stations_tick(struct stations *stations, nsec_t now)
{
	release(stations, now);
	confirm(stations, now);
	end_also(stations, now);
	level(stations, now);
	refresh(stations, now);
	if (now >= stations->sweep_due) {
		stations->sweep_due = nsec_add(now, STATIONS_SWEEP_INTERVAL);
		stations->sweep_todo = stations->n > 0;
	}
}

nsec_t stations_deadline(const struct stations *stations)
{
	nsec_t deadline = nsec_min(stations->level_due, stations->release_due);

	deadline = nsec_min(deadline, stations->also_due);
	deadline = nsec_min(deadline, stations->confirm_due);
	if (stations->n > 0)
		deadline = nsec_min(deadline, stations->sweep_due);
	if (refreshes(stations))
		deadline = nsec_min(deadline, stations->refresh_due);
	return deadline;
}
