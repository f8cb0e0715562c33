/* The orders of stations. What moves nothing may be made anew at any time: so all that is behind
 * the member that a station aims at is poured over the members again after each change, and keeps
 * what it was where that is fair, as each order that changes has to be written. */
#include "daemon/core/stations-internal.h"

#include <string.h>

uint8_t station_first(const struct station *station, member_set set)
{
	for (unsigned i = 0; i < PLACEMENT_MEMBERS && station->order[i] != PLACEMENT_NONE; i++)
		if (slot_in(set, station->order[i]))
			return station->order[i];
	return PLACEMENT_NONE;
}

member_set stations_usable(const struct stations *stations)
{
	member_set set = stations->members.fit & ~stations->members.waiting;

	return set ? set : stations->members.fit;
}

uint8_t station_aim(const struct stations *stations, const struct station *station)
{
	return station_first(station, stations_usable(stations));
}

void stations_count_aims(const struct stations *stations, unsigned counts[PLACEMENT_MEMBERS])
{
	memset(counts, 0, PLACEMENT_MEMBERS * sizeof(*counts));
	for (unsigned i = 0; i < STATIONS_MAX; i++) {
		const struct station *station = &stations->table[i];
		uint8_t aim;

		if (!station_is_there(station))
			continue;
		aim = station_aim(stations, station);
		if (aim != PLACEMENT_NONE)
			counts[aim]++;
	}
}

static uint64_t sum_weights(member_set members, const uint32_t weights[static PLACEMENT_MEMBERS])
{
	uint64_t sum = 0;

	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		sum += slot_in(members, slot) ? weights[slot] : 0;
	return sum;
}

static unsigned sum_counts(member_set members, const unsigned counts[static PLACEMENT_MEMBERS])
{
	unsigned sum = 0;

	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		sum += slot_in(members, slot) ? counts[slot] : 0;
	return sum;
}

/* The members that get something: the others have more than their share already. Lowers *level to
 * what the former have together at the end. */
static member_set below_level(member_set members, const uint32_t weights[static PLACEMENT_MEMBERS],
			      const unsigned base[static PLACEMENT_MEMBERS], unsigned *level)
{
	for (member_set open = members;;) {
		uint64_t total = sum_weights(open, weights);
		member_set above = 0;

		for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
			if (slot_in(open, slot) &&
			    base[slot] * total > (uint64_t)*level * weights[slot])
				above |= slot_bit(slot);
		if (!above)
			return open;
		*level -= sum_counts(above, base);
		open &= ~above;
	}
}

void stations_pour(member_set members, const uint32_t weights[static PLACEMENT_MEMBERS],
		   const unsigned base[static PLACEMENT_MEMBERS], unsigned n,
		   unsigned more[static PLACEMENT_MEMBERS])
{
	unsigned level = sum_counts(members, base) + n, given = 0;
	member_set open = below_level(members, weights, base, &level);
	uint64_t total = sum_weights(open, weights), rests[PLACEMENT_MEMBERS] = {};

	memset(more, 0, PLACEMENT_MEMBERS * sizeof(*more));
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++) {
		uint64_t exact = (uint64_t)level * weights[slot];

		if (!slot_in(open, slot))
			continue;
		more[slot] = (unsigned)(exact / total) - base[slot];
		rests[slot] = exact % total;
		given += more[slot];
	}
	/* By largest remainder. */
	for (; given < n; given++) {
		unsigned best = PLACEMENT_MEMBERS;

		for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
			if (slot_in(open, slot) &&
			    (best == PLACEMENT_MEMBERS || rests[slot] > rests[best]))
				best = slot;
		more[best]++;
		rests[best] = 0;
		open &= ~slot_bit(best);
	}
}

/* Of those below their share of all and one more, the one that has fewest for its weight: never
 * more than one from its share (Balinski and Young's quota method). */
uint8_t stations_pick(member_set members, const uint32_t weights[static PLACEMENT_MEMBERS],
		      const unsigned counts[static PLACEMENT_MEMBERS])
{
	uint64_t total = sum_weights(members, weights);
	unsigned n = sum_counts(members, counts) + 1, best = PLACEMENT_MEMBERS;

	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++) {
		if (!slot_in(members, slot) || counts[slot] * total >= (uint64_t)n * weights[slot])
			continue;
		if (best == PLACEMENT_MEMBERS ||
		    (uint64_t)weights[slot] * (counts[best] + 1) >
			    (uint64_t)weights[best] * (counts[slot] + 1))
			best = slot;
	}
	return (uint8_t)best;
}

static member_set in_order(const struct station *station)
{
	member_set set = 0;

	for (unsigned i = 0; i < PLACEMENT_MEMBERS; i++)
		set |= slot_bit(station->order[i]);
	return set;
}

/* Adds the members of 'set' that are not in the order, from the slot after 'after' on. */
static void append(struct station *station, member_set set, unsigned after)
{
	unsigned n = (unsigned)__builtin_popcount(in_order(station));

	set &= ~in_order(station);
	for (unsigned i = 1; i <= PLACEMENT_MEMBERS; i++) {
		unsigned slot = (after + i) % PLACEMENT_MEMBERS;

		if (slot_in(set, slot))
			station->order[n++] = (uint8_t)slot;
	}
}

void station_order_repair(const struct stations *stations, struct station *station)
{
	uint8_t old[PLACEMENT_MEMBERS];
	member_set seen = 0;
	unsigned n = 0;

	memcpy(old, station->order, sizeof(old));
	memset(station->order, PLACEMENT_NONE, sizeof(station->order));
	for (unsigned i = 0; i < PLACEMENT_MEMBERS; i++) {
		if (!slot_in(stations->members.members & ~seen, old[i]))
			continue;
		seen |= slot_bit(old[i]);
		station->order[n++] = old[i];
	}
	append(station, stations->members.members & stations->members.fit, n ? old[0] : 0);
	append(station, stations->members.members, n ? old[0] : 0);
}

/* The second choice of one more station at 'home': where the next pass would put it, or nearly. */
static uint8_t pick_second(const struct stations *stations, uint8_t home,
			   unsigned counts[static PLACEMENT_MEMBERS])
{
	member_set others = stations_usable(stations) & ~slot_bit(home);

	if (!others)
		return PLACEMENT_NONE;
	for (unsigned i = 0; i < STATIONS_MAX; i++) {
		const struct station *station = &stations->table[i];
		uint8_t next;

		if (!station_is_there(station) || station_aim(stations, station) != home)
			continue;
		next = station_first(station, others);
		if (next != PLACEMENT_NONE)
			counts[next]++;
	}
	return stations_pick(others, stations->members.weights, counts);
}

void station_order_new(const struct stations *stations, struct station *station, uint8_t home)
{
	member_set candidates = stations_usable(stations);
	unsigned counts[PLACEMENT_MEMBERS];

	memset(station->order, PLACEMENT_NONE, sizeof(station->order));
	if (!candidates)
		candidates = stations->members.members;
	stations_count_aims(stations, counts);
	if (!slot_in(stations->members.members, home) && candidates)
		home = stations_pick(candidates, stations->members.weights, counts);
	if (!slot_in(stations->members.members, home))
		return;
	station->order[0] = home;
	station->order[1] = pick_second(stations, home, counts);
	station_order_repair(stations, station);
}

/* Puts 'slot' before the one that the station aims at. */
static void put_ahead(struct station *station, uint8_t aim, uint8_t slot)
{
	unsigned to = 0, from = 0;

	while (station->order[to] != aim)
		to++;
	while (station->order[from] != slot)
		from++;
	if (from < to)
		return;
	memmove(station->order + to + 1, station->order + to, from - to);
	station->order[to] = slot;
}

/* A station that aims at 'slot' and may go; one that has lost its home comes first. */
static struct station *find_to_give(struct stations *stations, uint8_t slot, bool homed)
{
	struct station *found = NULL;

	for (unsigned i = 0; i < STATIONS_MAX; i++) {
		struct station *station = &stations->table[i];

		if (!station_is_there(station) || station_aim(stations, station) != slot)
			continue;
		if (station->order[0] != slot)
			return station;
		if (homed)
			found = station;
	}
	return found;
}

/* Takes one station from the member that is farthest above its share; false if there is none that
 * may go. */
static bool give_one(struct stations *stations, uint8_t slot, bool homed,
		     unsigned counts[static PLACEMENT_MEMBERS])
{
	member_set set = stations_usable(stations), givers = set & ~slot_bit(slot);
	const uint32_t *weights = stations->members.weights;
	uint64_t total = sum_weights(set, weights);
	unsigned n = sum_counts(set, counts);

	while (givers) {
		struct station *station;
		unsigned most = PLACEMENT_MEMBERS;
		int64_t above = 0;

		for (unsigned i = 0; i < PLACEMENT_MEMBERS; i++) {
			int64_t excess =
				(int64_t)(counts[i] * total) - (int64_t)((uint64_t)n * weights[i]);

			if (slot_in(givers, i) && excess > above) {
				most = i;
				above = excess;
			}
		}
		if (most == PLACEMENT_MEMBERS)
			return false;
		station = find_to_give(stations, (uint8_t)most, homed);
		if (station) {
			put_ahead(station, (uint8_t)most, slot);
			counts[most]--;
			counts[slot]++;
			return true;
		}
		givers &= ~slot_bit(most);
	}
	return false;
}

void stations_give_share(struct stations *stations, uint8_t slot, bool homed)
{
	member_set set = stations_usable(stations);
	const uint32_t *weights = stations->members.weights;
	unsigned counts[PLACEMENT_MEMBERS];
	uint64_t total = sum_weights(set, weights);

	if (!slot_in(set, slot))
		return;
	stations_count_aims(stations, counts);
	while ((counts[slot] + 1) * total <= (uint64_t)sum_counts(set, counts) * weights[slot])
		if (!give_one(stations, slot, homed, counts))
			return;
}

/* One choice of some stations: those of 'choices' that are left keep what they had. */
struct round {
	struct stations *stations;
	const uint8_t *aims;
	uint8_t *choices;
	unsigned left[PLACEMENT_MEMBERS];
};

static void keep(struct round *round, unsigned i, member_set set)
{
	uint8_t old = station_first(&round->stations->table[i], set);

	round->choices[i] = PLACEMENT_NONE;
	if (old == PLACEMENT_NONE || !round->left[old])
		return;
	round->left[old]--;
	round->choices[i] = old;
}

static void take(struct round *round, unsigned i)
{
	unsigned most = 0;

	if (round->choices[i] != PLACEMENT_NONE)
		return;
	for (unsigned slot = 1; slot < PLACEMENT_MEMBERS; slot++)
		if (round->left[slot] > round->left[most])
			most = slot;
	round->left[most]--;
	round->choices[i] = (uint8_t)most;
}

static void choose_second(struct stations *stations, uint8_t aims[static STATIONS_MAX],
			  const unsigned counts[static PLACEMENT_MEMBERS])
{
	member_set set = stations_usable(stations);
	struct round round = { .stations = stations, .aims = aims, .choices = stations->second };

	for (uint8_t a = 0; a < PLACEMENT_MEMBERS; a++) {
		member_set others = set & ~slot_bit(a);

		if (!slot_in(set, a) || !counts[a] || !others)
			continue;
		stations_pour(others, stations->members.weights, counts, counts[a], round.left);
		for (unsigned i = 0; i < STATIONS_MAX; i++)
			if (aims[i] == a)
				keep(&round, i, others);
		for (unsigned i = 0; i < STATIONS_MAX; i++)
			if (aims[i] == a)
				take(&round, i);
	}
}

static bool are_pair(const struct stations *stations, const uint8_t *aims, unsigned i, uint8_t a,
		     uint8_t b)
{
	return (aims[i] == a && stations->second[i] == b) ||
	       (aims[i] == b && stations->second[i] == a);
}

/* The third choices of the stations that lose everything with 'a' and 'b'. */
static void choose_for_pair(struct round *round, uint8_t a, uint8_t b,
			    const unsigned base[static PLACEMENT_MEMBERS])
{
	struct stations *stations = round->stations;
	member_set others = stations_usable(stations) & ~slot_bit(a) & ~slot_bit(b);
	unsigned n = 0;

	for (unsigned i = 0; i < STATIONS_MAX; i++)
		n += are_pair(stations, round->aims, i, a, b);
	stations_pour(others, stations->members.weights, base, n, round->left);
	for (unsigned i = 0; i < STATIONS_MAX; i++)
		if (are_pair(stations, round->aims, i, a, b))
			keep(round, i, others);
	for (unsigned i = 0; i < STATIONS_MAX; i++)
		if (are_pair(stations, round->aims, i, a, b))
			take(round, i);
}

static void choose_third(struct stations *stations, uint8_t aims[static STATIONS_MAX],
			 const unsigned counts[static PLACEMENT_MEMBERS])
{
	unsigned seconds[PLACEMENT_MEMBERS][PLACEMENT_MEMBERS] = {};
	struct round round = { .stations = stations, .aims = aims, .choices = stations->third };

	for (unsigned i = 0; i < STATIONS_MAX; i++)
		if (aims[i] != PLACEMENT_NONE && stations->second[i] != PLACEMENT_NONE)
			seconds[aims[i]][stations->second[i]]++;
	for (uint8_t a = 0; a < PLACEMENT_MEMBERS; a++)
		for (uint8_t b = 0; b < a; b++) {
			unsigned base[PLACEMENT_MEMBERS];

			if (seconds[a][b] + seconds[b][a] == 0)
				continue;
			for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
				base[slot] = counts[slot] + seconds[a][slot] + seconds[b][slot];
			choose_for_pair(&round, a, b, base);
		}
}

/* The order's beginning up to the aim, the new choices, and the rest as it was: for a station whose
 * choices are others the rest begins at another member, so that not all fall to the same one. */
static void write_choices(struct stations *stations, unsigned i, uint8_t aim)
{
	struct station *station = &stations->table[i];
	const uint8_t choices[] = { stations->second[i], stations->third[i] };
	uint8_t old[PLACEMENT_MEMBERS];
	bool same = true;
	unsigned n = 0;

	memcpy(old, station->order, sizeof(old));
	while (station->order[n] != aim)
		n++;
	n++;
	memset(station->order + n, PLACEMENT_NONE, PLACEMENT_MEMBERS - n);
	for (unsigned k = 0; k < 2 && choices[k] != PLACEMENT_NONE; k++) {
		same = same && old[n] == choices[k];
		station->order[n++] = choices[k];
	}
	if (same) {
		memcpy(station->order, old, sizeof(old));
		return;
	}
	append(station, stations->members.fit, old[n - 1] + i);
	append(station, stations->members.members, old[n - 1] + i);
}

void stations_level(struct stations *stations)
{
	member_set set = stations_usable(stations);
	unsigned counts[PLACEMENT_MEMBERS], n = (unsigned)__builtin_popcount(set);
	uint8_t aims[STATIONS_MAX];

	memset(stations->second, PLACEMENT_NONE, sizeof(stations->second));
	memset(stations->third, PLACEMENT_NONE, sizeof(stations->third));
	stations_count_aims(stations, counts);
	for (unsigned i = 0; i < STATIONS_MAX; i++)
		aims[i] = station_is_there(&stations->table[i])
				  ? station_aim(stations, &stations->table[i])
				  : PLACEMENT_NONE;
	if (n > 1)
		choose_second(stations, aims, counts);
	if (n > 2)
		choose_third(stations, aims, counts);
	for (unsigned i = 0; n > 1 && i < STATIONS_MAX; i++)
		if (aims[i] != PLACEMENT_NONE)
			write_choices(stations, i, aims[i]);
}
