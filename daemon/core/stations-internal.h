/* What the files of core/stations share: the table, and the orders of what is in it. */
#pragma once

#include "daemon/core/stations.h"

#define STATIONS_HEADS 1024 /* Of chains of equal hashes; a power of two. */
#define STATIONS_NO_INDEX 0xffff
#define STATIONS_UNWANTED 32

/* What is to be done about a station. */
enum station_todo {
	STATION_PUT_FIRST, /* Before it is announced: what comes back has to be let in. */
	STATION_MOVED,
	STATION_PUT,
	STATION_FORGET, /* Then its place is free again. */
	STATION_CONFIRM,
};
#define STATION_TODOS (STATION_CONFIRM + 1)

struct station {
	bool used;
	bool forgotten; /* Waits for its STATIONS_FORGET. */
	bool local;
	bool written; /* The datapath has it. */
	bool swept;   /* It was named in this sweep. */
	struct mac mac;
	uint16_t next;                    /* In the chain. */
	uint8_t order[PLACEMENT_MEMBERS]; /* All members of the team, then NONE. */
	uint8_t carrier;
	uint8_t also;
	uint8_t written_order[PLACEMENT_MEMBERS];
	uint8_t written_hold;
	uint8_t written_also;
	uint8_t todo; /* Bits. */
	uint8_t n_vlans;
	uint8_t n_roamed; /* Changes of the local port … */
	nsec_t roamed;    /* … since then. */
	nsec_t also_ends;
	nsec_t confirm; /* 0: it has not moved, or is confirmed. */
	nsec_t seen;
	int port;
	uint16_t vlans[STATION_VLANS];
};

/* Stations as lists of their indexes. */
struct group {
	uint16_t first; /* STATIONS_NO_INDEX: none. */
	unsigned n;
};

struct groups {
	struct group groups[PLACEMENT_MEMBERS * PLACEMENT_MEMBERS];
	uint16_t next[STATIONS_MAX];
};

struct stations {
	struct stations_rules rules;
	struct mac own[PLACEMENT_MEMBERS + 1];
	struct stations_members members;
	member_set settled;                          /* Members that have had their share, … */
	uint32_t settled_weights[PLACEMENT_MEMBERS]; /* … by this weight; 0: by any. */
	uint8_t primary;
	bool primary_todo;
	unsigned n;
	unsigned todo[STATION_TODOS];
	unsigned cursor[STATION_TODOS];
	unsigned n_unwanted;
	struct mac unwanted[STATIONS_UNWANTED];
	bool homes_todo;
	bool sweep_todo;
	nsec_t sweep_due;
	nsec_t level_due;
	nsec_t release_due;
	unsigned release_cursor;
	nsec_t also_due;
	nsec_t confirm_due;
	nsec_t refresh_due;
	unsigned refresh_cursor;
	unsigned refreshes_left; /* In this interval. */
	uint64_t refused;
	struct {
		bool todo;
		struct mac mac;
		uint64_t count;
		nsec_t told;
		bool was_told;
	} notes[STATIONS_NOTES];
	uint16_t heads[STATIONS_HEADS];
	struct station table[STATIONS_MAX];
	/* For stations_level() alone. */
	uint8_t second[STATIONS_MAX];
	uint8_t third[STATIONS_MAX];
	struct groups groups;
};

static inline bool slot_in(member_set set, unsigned slot)
{
	return slot < PLACEMENT_MEMBERS && (set >> slot & 1);
}

static inline member_set slot_bit(unsigned slot)
{
	return slot < PLACEMENT_MEMBERS ? (member_set)1 << slot : 0;
}

static inline bool station_is_there(const struct station *station)
{
	return station->used && !station->forgotten;
}

/* Where stations may aim: fit members that are not waited for, if there are any. */
member_set stations_usable(const struct stations *stations);

/* The first of 'set' in the order, or PLACEMENT_NONE. */
uint8_t station_first(const struct station *station, member_set set);

/* Where a station is or will be when its hold is released. */
uint8_t station_aim(const struct stations *stations, const struct station *station);

/* How many stations aim at each member. */
void stations_count_aims(const struct stations *stations, unsigned counts[PLACEMENT_MEMBERS]);

/* The member to which one more station comes, 'counts' being what they have. 'members': not empty.
 */
uint8_t stations_pick(member_set members, const uint32_t weights[static PLACEMENT_MEMBERS],
		      const unsigned counts[static PLACEMENT_MEMBERS]);

/* The order of a new station, 'home' first (PLACEMENT_NONE: the fewest). */
void station_order_new(const struct stations *stations, struct station *station, uint8_t home);

/* Takes members out of the order that are not in the team, and puts those at its end that are not
 * in it. */
void station_order_repair(const struct stations *stations, struct station *station);

/* Puts the member 'slot' before all fit ones in the orders of as many stations as it lacks to its
 * share: of those that have lost their homes and, if 'homed', of the others. */
void stations_give_share(struct stations *stations, uint8_t slot, bool homed);

/* stations-table.c: the table, by address. */
struct station *stations_find(const struct stations *stations, const struct mac *mac);
/* A new one; NULL if the table is full. */
struct station *stations_enter(struct stations *stations, const struct mac *mac, nsec_t now);
/* 'tell': the datapath has to hear of it. */
void stations_forget(struct stations *stations, struct station *station, bool tell);
void station_mark(struct stations *stations, struct station *station, enum station_todo todo);
/* Whether the datapath has it as it is. */
bool station_is_written(const struct stations *stations, const struct station *station);
/* Has it written, if it is not as the datapath has it. */
void station_update(struct stations *stations, struct station *station);
void station_add_vlan(struct stations *stations, struct station *station, uint16_t vlan,
		      nsec_t now);
void stations_note(struct stations *stations, enum stations_note note, const struct mac *mac,
		   nsec_t now);
/* The hold that it needs. */
uint8_t station_hold(const struct station *station);
/* Where it is now. */
uint8_t station_carrier(const struct stations *stations, const struct station *station);

/* stations-moves.c */
/* Has it announced where it is now, and once more later. */
void station_announce(struct stations *stations, struct station *station, nsec_t now);
/* It is on 'slot' from now on. */
void station_move(struct stations *stations, struct station *station, uint8_t slot, nsec_t now);
/* Something may have changed: what is to move later is looked after. */
void stations_disturb(struct stations *stations, nsec_t now);

/* Makes all orders fair behind the stations' aims. */
void stations_level(struct stations *stations);
