#include "tests/unit/core/stations-model.h"

#include "lib/base/array.h"
#include "tests/unit/run.h"

#include <string.h>

struct stations *stations;
struct stations_members members;
struct entry entries[2 * STATIONS_MAX];
unsigned n_entries; /* Of which some may not be there. */
nsec_t now;
unsigned n_moved, n_puts, n_forgets, n_primary, n_refreshed, n_own_refreshed, n_notes, n_confirmed;
struct stations_action last_confirmed;
unsigned room;
static uint8_t homes[PLACEMENT_MEMBERS];
struct stations_action last_moved, last_note;
uint32_t seed;
static bool homes_begun;

uint32_t random_below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)(seed >> 8) * n >> 24);
}

struct mac mac_of(unsigned i)
{
	return (struct mac){
		{ 2, 0, 0, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i },
	};
}

struct entry *entry_of(const struct mac *mac)
{
	for (unsigned i = 0; i < n_entries; i++)
		if (entries[i].there && mac_equal(&entries[i].mac, mac))
			return &entries[i];
	return NULL;
}

struct entry *make_entry(const struct mac *mac)
{
	unsigned i = 0;

	while (i < n_entries && entries[i].there)
		i++;
	ensure(i < ARRAY_SIZE(entries), "no room for one more");
	if (i == n_entries)
		n_entries++;
	entries[i] = (struct entry){ .there = true, .mac = *mac };
	memset(entries[i].order, PLACEMENT_NONE, sizeof(entries[i].order));
	entries[i].hold = entries[i].also = PLACEMENT_NONE;
	return &entries[i];
}

static void put(const struct stations_action *action)
{
	struct entry *entry = entry_of(&action->mac);

	n_puts++;
	if (!entry)
		entry = make_entry(&action->mac);
	memcpy(entry->order, action->order, sizeof(entry->order));
	entry->hold = action->hold;
	entry->also = action->also;
}

/* What comes back by the member on which a station was announced must find it there. */
static void expect_there(const struct stations_action *action)
{
	const struct entry *entry = entry_of(&action->mac);

	ensure(action->slot < PLACEMENT_MEMBERS, "moved to slot %u", action->slot);
	if (!homes_begun)
		return;
	ensure(entry, "moved to slot %u, and not there", action->slot);
	ensure(carrier(entry, members.fit) == action->slot, "moved to slot %u, and on %u",
	       action->slot, carrier(entry, members.fit));
}

void find(const struct entry *entry, nsec_t seen)
{
	stations_found(stations,
		       &(struct station_found){ .mac = entry->mac,
						.order = entry->order,
						.hold = entry->hold,
						.also = entry->also,
						.seen = seen },
		       now);
}

static void carry_out(const struct stations_action *action)
{
	struct entry *entry;

	switch (action->type) {
	case STATIONS_MOVED:
		n_moved++;
		expect_there(action);
		last_moved = *action;
		break;
	case STATIONS_PRIMARY:
		n_primary++;
		break;
	case STATIONS_PUT:
		put(action);
		break;
	case STATIONS_FORGET:
		n_forgets++;
		entry = entry_of(&action->mac);
		if (entry)
			entry->there = false;
		break;
	case STATIONS_HOMES:
		room = action->room;
		memcpy(homes, action->order, sizeof(homes));
		break;
	case STATIONS_SWEEP:
		for (unsigned i = 0; i < n_entries; i++)
			if (entries[i].there)
				find(&entries[i], 0);
		stations_swept(stations, now);
		break;
	case STATIONS_CONFIRMED:
		n_confirmed++;
		last_confirmed = *action;
		break;
	case STATIONS_REFRESHED:
		n_refreshed++;
		break;
	case STATIONS_OWN_REFRESHED:
		n_own_refreshed++;
		break;
	case STATIONS_NOTED:
		n_notes++;
		last_note = *action;
		break;
	}
}

void drain(void)
{
	struct stations_action action;

	while (stations_next_action(stations, &action))
		carry_out(&action);
}

void run(nsec_t duration)
{
	nsec_t end = now + duration;

	drain();
	for (;;) {
		nsec_t next = stations_deadline(stations);

		if (next > end)
			break;
		if (next > now)
			now = next;
		stations_tick(stations, now);
		drain();
	}
	now = end;
}

/* Until all holds are released and all orders made fair. */
void settle(void)
{
	run(10 * NSEC_PER_SEC);
}

void forget_counts(void)
{
	n_moved = n_puts = n_forgets = n_primary = n_refreshed = n_own_refreshed = n_notes =
		n_confirmed = 0;
}

void begin(const struct stations_rules *rules)
{
	stations_free(stations);
	stations = stations_new(rules);
	homes_begun = rules->homes;
	members = (struct stations_members){};
	n_entries = 0;
	now = 1000 * NSEC_PER_SEC;
	forget_counts();
}

void setup(void)
{
	begin(&(struct stations_rules){ .homes = true, .independent = true });
}

void teardown(void)
{
	stations_free(stations);
	stations = NULL;
}

void set_members(member_set set, member_set fit)
{
	members.members = set;
	members.fit = members.receiving = fit;
	stations_set_members(stations, &members, now);
	drain();
}

/* 'n' members of the weights, or of equal ones. */
void set_weights(const uint32_t *weights)
{
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		members.weights[slot] = weights ? weights[slot] : 1000;
}

member_set first(unsigned n)
{
	return n == 32 ? EVERY_MEMBER : ((member_set)1 << n) - 1;
}

/* A frame of a station that the datapath does not know: it gives it a home itself. */
void send(unsigned i)
{
	struct mac mac = mac_of(i);
	struct entry *entry = entry_of(&mac);

	if (!entry && room) {
		entry = make_entry(&mac);
		entry->order[0] = homes[0];
		room--;
		stations_learned(stations, &mac, 0, homes[0], now);
	}
	drain();
}

void send_first(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		send(i);
}

/* Where the datapath sends it. */
uint8_t carrier(const struct entry *entry, member_set fit)
{
	if (entry->hold < PLACEMENT_MEMBERS && (fit >> entry->hold & 1))
		return entry->hold;
	for (unsigned i = 0; i < PLACEMENT_MEMBERS && entry->order[i] != PLACEMENT_NONE; i++)
		if (fit >> entry->order[i] & 1)
			return entry->order[i];
	return PLACEMENT_NONE;
}

uint8_t carrier_of(unsigned i)
{
	struct mac mac = mac_of(i);
	struct entry *entry = entry_of(&mac);

	ensure(entry, "station %u is not there", i);
	return carrier(entry, members.fit);
}

struct places places(member_set fit)
{
	struct places found = {};

	for (unsigned i = 0; i < n_entries; i++) {
		found.there[i] = entries[i].there;
		found.mac[i] = entries[i].mac;
		found.slot[i] = entries[i].there ? carrier(&entries[i], fit) : PLACEMENT_NONE;
	}
	return found;
}

/* Everything that is there in both is where it was, but for what was on one of 'lost'. */
void nothing_else_moved(const struct places *before, const struct places *after, member_set lost)
{
	for (unsigned i = 0; i < n_entries; i++) {
		if (!before->there[i] || !after->there[i] ||
		    !mac_equal(&before->mac[i], &after->mac[i]))
			continue;
		if (before->slot[i] < PLACEMENT_MEMBERS && (lost >> before->slot[i] & 1))
			continue;
		ensure(before->slot[i] == after->slot[i], "station %u moved from slot %u to %u", i,
		       before->slot[i], after->slot[i]);
	}
}

void count(member_set fit, unsigned counts[PLACEMENT_MEMBERS])
{
	memset(counts, 0, PLACEMENT_MEMBERS * sizeof(*counts));
	for (unsigned i = 0; i < n_entries; i++) {
		uint8_t slot;

		if (!entries[i].there)
			continue;
		slot = carrier(&entries[i], fit);
		ensure(slot < PLACEMENT_MEMBERS, "station %u is nowhere", i);
		counts[slot]++;
	}
}

/* What pouring 'n' over the members would give, exactly: found by another way than the code's, by
 * halving the level. */
static void pour(member_set set, const unsigned base[PLACEMENT_MEMBERS], double n,
		 double levels[PLACEMENT_MEMBERS])
{
	double low = 0, high = 1e9;

	for (int round = 0; round < 200; round++) {
		double level = (low + high) / 2, sum = 0;

		for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
			if ((set >> slot & 1) && level * members.weights[slot] > base[slot])
				sum += level * members.weights[slot] - base[slot];
		if (sum > n)
			high = level;
		else
			low = level;
	}
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++) {
		levels[slot] = low * members.weights[slot];
		if (levels[slot] < base[slot])
			levels[slot] = base[slot];
	}
}

/* The shares after the failure of 'failed', where 'before' is what the others had, are within
 * 'bound' of pouring. */
static void expect_poured(member_set fit, member_set failed, const unsigned base[PLACEMENT_MEMBERS],
			  double bound)
{
	member_set others = fit & ~failed;
	unsigned counts[PLACEMENT_MEMBERS];
	double levels[PLACEMENT_MEMBERS], n = 0;

	count(others, counts);
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		n += (others >> slot & 1) ? (double)counts[slot] - base[slot] : 0;
	pour(others, base, n, levels);
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		if (others >> slot & 1)
			ensure(counts[slot] < levels[slot] + bound &&
				       counts[slot] > levels[slot] - bound,
			       "slot %u has %u, and pouring gives %f", slot, counts[slot],
			       levels[slot]);
}

void expect_fair_after_any_failure(member_set fit)
{
	unsigned base[PLACEMENT_MEMBERS];

	count(fit, base);
	for (unsigned a = 0; a < PLACEMENT_MEMBERS; a++)
		if ((fit >> a & 1) && (fit & ~((member_set)1 << a)))
			expect_poured(fit, (member_set)1 << a, base, 1.000001);
}

/* As the header states it: on top of both single failures. */
void expect_fair_after_two(member_set fit, unsigned a, unsigned b)
{
	member_set both = (member_set)1 << a | (member_set)1 << b;
	unsigned with[PLACEMENT_MEMBERS], after_a[PLACEMENT_MEMBERS], after_b[PLACEMENT_MEMBERS];

	if (!(fit & ~both))
		return;
	count(fit, with);
	count(fit & ~((member_set)1 << a), after_a);
	count(fit & ~((member_set)1 << b), after_b);
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		with[slot] = after_a[slot] + after_b[slot] - with[slot];
	expect_poured(fit, both, with, 1.000001);
}

/* With arrivals alone: within one station of the exact share. */
void expect_fair(member_set fit)
{
	unsigned counts[PLACEMENT_MEMBERS];
	double total = 0, n = 0;

	count(fit, counts);
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++) {
		total += (fit >> slot & 1) ? members.weights[slot] : 0;
		n += counts[slot];
	}
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++) {
		double share = n * members.weights[slot] / total;

		if (fit >> slot & 1)
			ensure(counts[slot] > share - 1.000001 && counts[slot] < share + 1.000001,
			       "slot %u has %u of %f", slot, counts[slot], share);
	}
}
