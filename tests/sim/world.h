/* A world of LACP engines and wires in simulated time: seeded, so that each run is the same.
 *
 * Whatever the engines do is held to what must be true at every instant; the first thing that is
 * not is kept in words, and the world stands still from then on. */
#pragma once

#include "daemon/core/lacp/lacp.h"
#include "daemon/core/lacp/pdu.h"

#define WORLD_SYSTEMS 4
#define WORLD_FRAMES 4096
#define WORLD_HISTORY 8 /* LACPDUs remembered of each port, to judge their pace. */

/* A partner that is no engine: says what a scenario puts into its mouth. */
struct puppet {
	bool speaks;
	struct lacp_info actor;
	struct lacp_info partner; /* What it says of us. */
	bool sees_us;             /* 'partner' follows what is true. */
	nsec_t interval;          /* 0: only when told. */
	nsec_t next;
};

struct plug {
	bool used;
	struct lacp_port_config config;
	bool resumable; /* The session has been saved while the port had a link. */
	struct lacp_session session;
	bool wired;
	unsigned peer_system, peer_slot;
	bool link_up;
	bool half_duplex;
	bool deaf; /* Nothing arrives here. */
	struct puppet puppet;
	bool collecting, distributing; /* As told. */
	nsec_t sent[WORLD_HISTORY];
	uint64_t n_sent;
	uint64_t n_markers;
	struct lacpdu last_sent;
	uint64_t n_notes;
	bool answered; /* The last LACP_ACTION_MARKER. */
	uint64_t n_answers;
	uint64_t n_port_changes;
	uint64_t n_stops; /* Of distributing. */
};

struct system {
	bool used;
	struct lacp_config config;
	struct lacp *lacp; /* NULL while killed. */
	nsec_t busy_until; /* Its daemon does other things, and frames pile up. */
	struct plug plugs[LACP_PORTS_MAX];
};

struct frame {
	nsec_t at;
	unsigned system, slot;
	uint8_t payload[LACP_PDU_SIZE];
};

/* How the wires treat frames. */
struct weather {
	unsigned loss, duplicates; /* Per cent. */
	nsec_t delay_min, delay_max;
};

struct world {
	nsec_t now;
	uint64_t seed;
	struct weather weather;
	struct system systems[WORLD_SYSTEMS];
	struct frame frames[WORLD_FRAMES];
	unsigned n_frames;
	uint64_t steps;
	char failure[256]; /* "" while all is as it must be. */
};

void world_init(struct world *world, uint64_t seed);
void world_fini(struct world *world);

[[gnu::format(printf, 2, 3)]] void world_fail(struct world *world, const char *format, ...);

/* 0 to n - 1 */
unsigned world_random(struct world *world, unsigned n);

void world_add_system(struct world *world, unsigned system, const struct lacp_config *config);
void world_configure(struct world *world, unsigned system, const struct lacp_config *config);
void world_add_port(struct world *world, unsigned system, unsigned slot,
		    const struct lacp_port_config *config);
void world_configure_port(struct world *world, unsigned system, unsigned slot,
			  const struct lacp_port_config *config);
void world_remove_port(struct world *world, unsigned system, unsigned slot);

/* Joins two ports, without links. */
void world_wire(struct world *world, unsigned system, unsigned slot, unsigned peer_system,
		unsigned peer_slot);
void world_unwire(struct world *world, unsigned system, unsigned slot);

/* The link of the port and of the one it is joined to. */
void world_link(struct world *world, unsigned system, unsigned slot, bool up);

/* Ends the engine without a word, and starts a new one that takes up the saved sessions. */
void world_kill(struct world *world, unsigned system);
void world_restart(struct world *world, unsigned system);

/* A frame arrives at the port now. */
void world_deliver(struct world *world, unsigned system, unsigned slot, const uint8_t *payload,
		   size_t size);
/* The port's puppet says its words now. */
void world_speak(struct world *world, unsigned system, unsigned slot);
uint32_t world_marker(struct world *world, unsigned system, unsigned slot);

void world_run(struct world *world, nsec_t duration);

void world_view(const struct world *world, unsigned system, unsigned slot,
		struct lacp_port_view *view);
