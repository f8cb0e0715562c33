/* A small model of a datapath that carries out what the core of stations asks for, and counts it.
 */
#pragma once

#include "daemon/core/stations.h"

#define EVERY_MEMBER 0xffffffffu

struct entry {
	bool there;
	struct mac mac;
	uint8_t order[PLACEMENT_MEMBERS];
	uint8_t hold;
	uint8_t also;
};

/* Of the station that was entered n-th, where it is. */
struct places {
	uint8_t slot[2 * STATIONS_MAX];
	bool there[2 * STATIONS_MAX];
	struct mac mac[2 * STATIONS_MAX];
};

extern struct stations *stations;
extern struct stations_members members;
extern struct entry entries[2 * STATIONS_MAX];
extern unsigned n_entries; /* Of which some may not be there. */
extern nsec_t now;
extern unsigned n_moved, n_puts, n_forgets, n_primary, n_refreshed, n_own_refreshed, n_notes;
extern unsigned room;
extern struct stations_action last_moved, last_note;
extern uint32_t seed;

uint32_t random_below(uint32_t n);
struct mac mac_of(unsigned i);
struct entry *entry_of(const struct mac *mac);
struct entry *make_entry(const struct mac *mac);

/* The daemon reads it, as one that last sent then. */
void find(const struct entry *entry, nsec_t seen);

/* Begins anew, with homes for an independent team or by other rules. */
void setup(void);
void begin(const struct stations_rules *rules);
void teardown(void);

/* Carries out what is asked for; lets time pass; until all holds are released and all orders made
 * fair. */
void drain(void);
void run(nsec_t duration);
void settle(void);
void forget_counts(void);

/* By slot, or all equal. */
void set_weights(const uint32_t *weights);
void set_members(member_set set, member_set fit);
member_set first(unsigned n);

/* A frame of station 'i', or of the first 'n'; the datapath gives it a home itself. */
void send(unsigned i);
void send_first(unsigned n);

/* Where the datapath sends it. */
uint8_t carrier(const struct entry *entry, member_set fit);
uint8_t carrier_of(unsigned i);
struct places places(member_set fit);
void count(member_set fit, unsigned counts[PLACEMENT_MEMBERS]);

/* Everything that is there in both is where it was, but for what was on one of 'lost'. */
void nothing_else_moved(const struct places *before, const struct places *after, member_set lost);

/* With arrivals alone: within one station of the exact share. */
void expect_fair(member_set fit);

/* As core/stations.h states it. */
void expect_fair_after_any_failure(member_set fit);
void expect_fair_after_two(member_set fit, unsigned a, unsigned b);
