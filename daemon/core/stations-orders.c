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

/* What some stations are to be shared out by: each member gets 'least', and some one more. */
struct shares {
	unsigned least[PLACEMENT_MEMBERS];
	uint64_t rests[PLACEMENT_MEMBERS]; /* How near it is to the next one; 0: none more. */
	unsigned more;                     /* How many get one more. */
};

/* 'n' more stations over 'members' (not empty), some of which have 'base' already: each gets what
 * pouring would give it, to less than one. */
static struct shares pour(const struct stations *stations, member_set members,
			  const unsigned base[static PLACEMENT_MEMBERS], unsigned n)
{
	const uint32_t *weights = stations->members.weights;
	unsigned level = sum_counts(members, base) + n;
	member_set open = below_level(members, weights, base, &level);
	uint64_t total = sum_weights(open, weights);
	struct shares shares = { .more = n };

	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++) {
		uint64_t exact = (uint64_t)level * weights[slot];

		if (!slot_in(open, slot))
			continue;
		shares.least[slot] = (unsigned)(exact / total) - base[slot];
		shares.rests[slot] = exact % total;
		shares.more -= shares.least[slot];
	}
	return shares;
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

static void group_add(struct groups *groups, unsigned which, unsigned i)
{
	struct group *group = &groups->groups[which];

	groups->next[i] = group->n ? group->first : STATIONS_NO_INDEX;
	group->first = (uint16_t)i;
	group->n++;
}

/* Whether one of the shares is left on the slot; takes it. */
static bool take_share(struct shares *shares, uint8_t slot)
{
	if (slot == PLACEMENT_NONE)
		return false;
	if (shares->least[slot]) {
		shares->least[slot]--;
		return true;
	}
	if (!shares->rests[slot] || !shares->more)
		return false;
	shares->rests[slot] = 0;
	shares->more--;
	return true;
}

/* The slot that lacks most. */
static uint8_t take_any(struct shares *shares)
{
	unsigned most = 0;

	for (unsigned slot = 1; slot < PLACEMENT_MEMBERS; slot++)
		if (shares->least[slot] > shares->least[most] ||
		    (shares->least[slot] == shares->least[most] &&
		     shares->rests[slot] > shares->rests[most]))
			most = slot;
	(void)take_share(shares, (uint8_t)most);
	return (uint8_t)most;
}

/* Which of 'others' the group's stations fall to next. Who has one that is fair keeps it. */
static void choose(struct stations *stations, const struct group *group, member_set others,
		   struct shares *shares, uint8_t *choices)
{
	const uint16_t *next = stations->groups.next;

	for (unsigned n = 0, i = group->first; n < group->n; n++, i = next[i]) {
		uint8_t old = station_first(&stations->table[i], others);

		choices[i] = take_share(shares, old) ? old : PLACEMENT_NONE;
	}
	for (unsigned n = 0, i = group->first; n < group->n; n++, i = next[i])
		if (choices[i] == PLACEMENT_NONE)
			choices[i] = take_any(shares);
}

static void choose_second(struct stations *stations, const uint8_t aims[static STATIONS_MAX],
			  const unsigned counts[static PLACEMENT_MEMBERS])
{
	struct groups *groups = &stations->groups;
	member_set set = stations_usable(stations);

	*groups = (struct groups){};
	for (unsigned i = 0; i < STATIONS_MAX; i++)
		if (aims[i] != PLACEMENT_NONE)
			group_add(groups, aims[i], i);
	for (unsigned a = 0; a < PLACEMENT_MEMBERS; a++) {
		member_set others = set & ~slot_bit(a);
		struct shares shares;

		if (!groups->groups[a].n)
			continue;
		shares = pour(stations, others, counts, groups->groups[a].n);
		choose(stations, &groups->groups[a], others, &shares, stations->second);
	}
}

/* Of a pair of members, whichever comes first. */
static unsigned pair(unsigned a, unsigned b)
{
	return a > b ? a * PLACEMENT_MEMBERS + b : b * PLACEMENT_MEMBERS + a;
}

static void choose_third(struct stations *stations, const uint8_t aims[static STATIONS_MAX],
			 const unsigned counts[static PLACEMENT_MEMBERS])
{
	unsigned seconds[PLACEMENT_MEMBERS][PLACEMENT_MEMBERS] = {};
	struct groups *groups = &stations->groups;

	*groups = (struct groups){};
	for (unsigned i = 0; i < STATIONS_MAX; i++) {
		if (aims[i] == PLACEMENT_NONE)
			continue;
		seconds[aims[i]][stations->second[i]]++;
		group_add(groups, pair(aims[i], stations->second[i]), i);
	}
	for (unsigned a = 0; a < PLACEMENT_MEMBERS; a++)
		for (unsigned b = 0; b < a; b++) {
			member_set others = stations_usable(stations) & ~slot_bit(a) & ~slot_bit(b);
			const struct group *group = &groups->groups[pair(a, b)];
			unsigned base[PLACEMENT_MEMBERS];
			struct shares shares;

			if (!group->n)
				continue;
			for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
				base[slot] = counts[slot] + seconds[a][slot] + seconds[b][slot];
			shares = pour(stations, others, base, group->n);
			choose(stations, group, others, &shares, stations->third);
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
