/* What the tests of stations share: a team of eno1 and eno2, and a bridge br0 above it with the
 * port tap0, behind which virtual machines are known by numbers. */
#pragma once

#include "daemon/config/config.h"
#include "daemon/core/stations.h"
#include "lib/wire/announce.h"
#include "tests/daemon/rig.h"

#define CONFIG                                                                              \
	"team: { name = \"team0\"; mode = \"static\"; members = ( { name = \"eno1\"; }, { " \
	"name = \"eno2\"; } ); };"

extern int tap, br0;

/* For world.adjust: balance vm-port or address-hash, of a switch-independent team. */
void vm_port(struct config_team *config);
void address_hash(struct config_team *config);

void setup_stations(void);

struct mac vm(unsigned i);
struct fake_station *station(unsigned i);

/* The slot of a member; the one that carries a station. */
unsigned slot_of(const char *name);
uint8_t carrier(unsigned i);

/* A frame of it leaves by the team; the bridge knows it behind tap0, or no more. */
void sends(unsigned i, uint16_t vlan);
void bridge_has(const struct mac *mac, uint16_t vlan, int port, bool permanent, bool gone);
void bridge_knows(unsigned i, uint16_t vlan);
void bridge_forgets(unsigned i, uint16_t vlan);

/* An announcement of it comes in by the member; returns whether it was believed. */
bool comes_in(unsigned i, const char *member);

/* How many of the frames since the last count left by the device with that source, type and tag; of
 * those, the announcements of a station; all, but for those of the team's own address. */
unsigned heard(int ifindex, const struct mac *mac, unsigned type, uint16_t vlan);
unsigned announced(int ifindex, unsigned i, uint16_t vlan);
unsigned n_told(void);

/* Pulls the cable or plugs it in, and counts anew. */
void cut(int ifindex);
void plug(int ifindex);

/* Starts with four, of which the last one never sends: two on each member. */
void start_four(void);
