/* The addresses behind one team device (virtual machines, bridges, …): which member each is on, and
 * who has to hear of it when that changes. PURE, with inputs, actions and a deadline as
 * core/static.h has them; all memory is got at creation.
 *
 * Each station has an order of preference over the members, its home first, as a bucket has. The
 * datapath sends a station to its hold if that member is fit, else to the first fit member of its
 * order. A station that is not at its home is held where it is, so that a member that returns gets
 * its stations back one by one. What is behind the member that carries a station in its order moves
 * nothing, and is made fair again a moment after each change.
 *
 * Fairness. A new station comes to the member that has fewest for its weight: with nothing but
 * arrivals each member is within one station of its share. After the failure of any one member each
 * other member is within one station of what pouring the failed one's stations over the others, by
 * weight, would give it: the fair share, but where a member had more than that before. Of two that
 * fail at once: within one station of what pouring gives on top of the two single failures. Of more
 * at once nothing is promised but that each station has a place; the next failure after the daemon
 * had its turn is the first again. */
#pragma once

#include "daemon/core/placement.h"
#include "lib/base/nsec.h"
#include "lib/wire/ether.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STATIONS_MAX 1024 /* Of one team. */
#define STATION_VLANS 16  /* Of one station, that are announced. */

/* A switch forgets an address after 5 minutes, and so does a bridge: what is silent for twice as
 * long and behind no local port is gone. */
#define STATIONS_SILENCE (600 * NSEC_PER_SEC)

/* How often the datapath is asked who has sent. */
#define STATIONS_SWEEP_INTERVAL (60 * NSEC_PER_SEC)

/* After each change the orders behind the carriers are made fair again once, this much later: many
 * changes at once cost one pass, and a flood of new addresses ten passes a second. */
#define STATIONS_LEVEL_DELAY (100 * NSEC_PER_MS)

/* So many holds are released each interval. A switch learns each moved address from three frames:
 * 200 moves a second stay far below what one that learns by software can do, are over within a
 * second for a member of a host with some hundred addresses, and leave time to find a link that
 * failed again before all have come back to it. */
#define STATIONS_RELEASE_INTERVAL (20 * NSEC_PER_MS)
#define STATIONS_RELEASE_BATCH 4

/* How long the old member may still receive what is on its way. */
#define STATIONS_ALSO NSEC_PER_SEC

/* What moved is announced once more after so long, as a switch's port may come to forward only some
 * time after its link: nobody else tells it where a silent address is. While the old member still
 * receives, so that nothing is lost until then. */
#define STATIONS_CONFIRM (900 * NSEC_PER_MS)

/* All addresses are refreshed once in this time, spread evenly: under the minute that is promised
 * also if the loop is late. */
#define STATIONS_REFRESH (45 * NSEC_PER_SEC)

/* One kind of note is told so often at most. */
#define STATIONS_NOTE_INTERVAL (60 * NSEC_PER_SEC)

struct stations_rules {
	bool homes;       /* Each station has its own order; else all are with the primary. */
	bool independent; /* The switches have to hear of moves. */
	bool refresh;     /* Frames may leave under another source address. */
};

struct stations_members {
	member_set members;   /* Of the team. */
	member_set fit;       /* May carry now. */
	member_set waiting;   /* Fit, but nothing moves there that works elsewhere. */
	member_set receiving; /* Take what comes in, fit or not. */
	member_set
		standby; /* Stand in for others: they get what has lost its home, and no share. */
	uint32_t weights[PLACEMENT_MEMBERS]; /* 0: as before; where it never was above 0: 1. */
};

/* As the datapath has a station. */
struct station_found {
	struct mac mac;
	const uint8_t *order; /* PLACEMENT_MEMBERS of them. */
	uint8_t hold;
	uint8_t also;
	nsec_t seen; /* When it last sent; 0: never. */
};

/* How a station stands. */
struct station_view {
	struct mac mac;
	uint8_t carrier; /* The slot it is on, or PLACEMENT_NONE. */
	uint8_t home;    /* Its first choice; PLACEMENT_NONE where all are with the primary. */
	int port;        /* The local port behind which it is: an ifindex; 0: not known. */
	bool local;      /* A bridge has it behind that port. */
	nsec_t seen;     /* When it was heard of last. */
	unsigned n_vlans;
	uint16_t vlans[STATION_VLANS]; /* 0: untagged */
};

enum stations_action_type {
	STATIONS_MOVED,   /* 'mac' is on 'slot' from now on; to be announced in each of 'vlans'. */
	STATIONS_PRIMARY, /* 'slot' is the primary from now on: the team's own addresses. */
	STATIONS_PUT,     /* 'mac', 'order', 'hold' and 'also' are to be written. */
	STATIONS_FORGET,  /* 'mac' is no station any more. */
	STATIONS_HOMES,   /* 'room' and, in 'order', the homes of stations to come. */
	STATIONS_SWEEP,   /* Who has sent? Answered by stations_found()… and stations_swept(). */
	STATIONS_CONFIRMED, /* 'mac' has moved a moment ago: to be announced once more, as above. */
	STATIONS_REFRESHED, /* 'mac' is to be announced once on 'slot', in each of 'vlans'. */
	STATIONS_OWN_REFRESHED, /* The team's own address likewise. */
	STATIONS_NOTED,         /* For the log: 'note', 'mac', and of how many. */
};

enum stations_note {
	STATIONS_NOTE_FULL,      /* No room for it: buckets carry it. */
	STATIONS_NOTE_COLLISION, /* It is the team's own or a member's address. */
	STATIONS_NOTE_ROAMING,   /* It is behind another local port each moment. */
	STATIONS_NOTE_VLANS,     /* It is in more VLANs than can be announced. */
};
#define STATIONS_NOTES 4

struct stations_action {
	enum stations_action_type type;
	struct mac mac;
	uint8_t slot;
	uint8_t order[PLACEMENT_MEMBERS];
	uint8_t hold;
	uint8_t also;
	unsigned room;
	unsigned n_vlans;
	uint16_t vlans[STATION_VLANS];
	enum stations_note note;
	uint64_t count;
};

struct stations;

/* NULL without memory. */
struct stations *stations_new(const struct stations_rules *rules);
void stations_free(struct stations *stations);

/* Other rules from now on, in place. */
void stations_set_rules(struct stations *stations, const struct stations_rules *rules, nsec_t now);

/* Addresses that no station may have. 'members': by slot, zero where there is none. */
void stations_set_own(struct stations *stations, const struct mac *team,
		      const struct mac members[static PLACEMENT_MEMBERS]);

/* The members, as they are now: in the same turn in which one fails. */
void stations_set_members(struct stations *stations, const struct stations_members *members,
			  nsec_t now);

/* The primary, or PLACEMENT_NONE. 'adopted': it was it already, and nobody has to hear of it. */
void stations_set_primary(struct stations *stations, uint8_t slot, bool adopted, nsec_t now);

/* What the datapath carries out: of a station that was entered by another process, or whose news
 * were lost, and as an answer to STATIONS_SWEEP. */
void stations_found(struct stations *stations, const struct station_found *found, nsec_t now);

/* It sent its first frame, or its first in the VLAN. 'slot': the home that it got, or
 * PLACEMENT_NONE. */
void stations_learned(struct stations *stations, const struct mac *mac, uint16_t vlan, uint8_t slot,
		      nsec_t now);

/* A bridge has it behind 'port'. */
void stations_known(struct stations *stations, const struct mac *mac, uint16_t vlan, int port,
		    nsec_t now);

/* The bridge has it no more behind 'port'; it may be silent only. */
void stations_gone(struct stations *stations, const struct mac *mac, int port, nsec_t now);

/* The port exists no more: neither do the stations behind it. */
void stations_port_gone(struct stations *stations, int port, nsec_t now);

/* It was heard of from outside: it is not here any more. */
void stations_left(struct stations *stations, const struct mac *mac, nsec_t now);

/* The datapath had no room for one more. */
void stations_refused(struct stations *stations, const struct mac *mac, nsec_t now);

/* A VLAN of a station that the datapath has. */
void stations_seen_in(struct stations *stations, const struct mac *mac, uint16_t vlan, nsec_t now);

/* All stations that the datapath has were told by stations_found(): what was not is written again,
 * and what is silent for too long is forgotten. */
void stations_swept(struct stations *stations, nsec_t now);

void stations_tick(struct stations *stations, nsec_t now);
nsec_t stations_deadline(const struct stations *stations);

/* Takes the next action; false when there is none. Moves come first. */
bool stations_next_action(struct stations *stations, struct stations_action *action);

/* How many there are, and how many were refused for want of room. */
unsigned stations_count(const struct stations *stations);
uint64_t stations_n_refused(const struct stations *stations);

/* Whether the address is one. */
bool stations_has(const struct stations *stations, const struct mac *mac);

/* The next one from *cursor on, which begins at 0; false when there is none. */
bool stations_next_view(const struct stations *stations, unsigned *cursor,
			struct station_view *view);
