/* The programs of teams with rules, run by the kernel on frames that we make: a team of four fit
 * members, of which the first is the primary. */
#pragma once

#include "tests/net/datapath/program.h"

#define FULL_MEMBERS 4
#define FULL_FRAME_SIZE 256

struct full {
	struct lab lab;
	struct program program;
	struct abi_team team;
};

enum full_type {
	FULL_UDP4,
	FULL_UDP6,
	FULL_ARP_REQUEST,
	FULL_ARP_REPLY,
	FULL_ARP_GRATUITOUS,
	FULL_RARP,
	FULL_SOLICITATION,
	FULL_ADVERTISEMENT, /* Solicited. */
	FULL_UNSOLICITED_ADVERTISEMENT,
	FULL_IGMP,
	FULL_MLD, /* Behind a hop-by-hop header. */
	FULL_MLD2,
	FULL_ICMP6_ECHO,
	FULL_OTHER, /* Not IP. */
};

struct full_frame {
	enum full_type type;
	struct mac destination; /* 0: broadcast. */
	struct mac source;
	uint16_t vlan; /* 0: untagged. */
	uint16_t port; /* Of UDP. */
};

enum full_fate {
	FULL_TAKEN,
	FULL_REFLECTED,
	FULL_COPY,
	FULL_NOT_COLLECTING,
};

struct full_sent {
	int slot; /* PROGRAM_DROPPED: none. */
	struct mac source;
};

void full_start(struct full *full, uint32_t rules);
void full_stop(struct full *full);
void full_set_rules(struct full *full, uint32_t rules);

/* Four orders that begin with each member in turn, and primary 0, 1, 2, 3. */
struct abi_plan full_plan(void);

struct mac full_member_mac(unsigned slot);
struct mac full_team_mac(void);
struct mac full_vm_mac(unsigned number);

struct full_sent full_send(struct full *full, const struct full_frame *frame);
struct full_sent full_send_bytes(struct full *full, const uint8_t *bytes, size_t size);
enum full_fate full_receive(struct full *full, unsigned slot, const struct full_frame *frame);

/* The mean duration in nanoseconds. */
uint32_t full_time(struct full *full, bool sends, const struct full_frame *frame, int repeat);

/* false: there is none. */
bool full_station(struct full *full, struct mac mac, struct abi_station *ret);
void full_put_station(struct full *full, struct mac mac, const struct abi_station *station);
unsigned full_n_stations(struct full *full);
void full_put_own(struct full *full);

/* A station whose order is 'first', then the others. */
struct abi_station full_station_on(uint8_t first);

/* Takes what the programs told; returns how many, the last one in *last. */
unsigned full_take_news(struct full *full, struct abi_station_news *last);

/* Makes the team's map of flowlets; gives its descriptor. */
int full_make_flowlets(struct full *full, uint32_t gap_us);
struct abi_loads *full_map_loads(struct full *full);
