/* A world with a clock that the test turns, links that it makes, and at the other end of each link
 * a switch that speaks LACP: our own engine. */
#pragma once

#include "daemon/core/lacp/lacp.h"
#include "daemon/host/lifecycle.h"
#include "tests/fake/fake-datapath.h"
#include "tests/fake/fake-network.h"

#define FAKE_LINKS 40

struct config_team;

struct fake_link {
	struct link link; /* ifindex 0: none. */
	bool cable;       /* Plugged in. */
	bool joined;
	bool watched;
	bool carrying;
	uint64_t *word;
	unsigned slot;
	unsigned frames_sent;
	bool way_is_dead; /* Behind the cable: nothing comes back. */
	bool asks;        /* Answers to probes reach us. */
	uint64_t errors;  /* What the device would count. */
};

#define FAKE_FRAMES 8192
#define FAKE_FRAME_SIZE 128
#define FAKE_NEIGHBOURS 64
#define FAKE_ADDRESSES 8

/* A frame that was sent as it is. */
struct fake_frame {
	int ifindex;
	nsec_t when;
	size_t size;
	uint8_t bytes[FAKE_FRAME_SIZE];
};

struct fake_world {
	struct world world; /* First. */
	nsec_t now;
	struct fake_link links[FAKE_LINKS];
	struct lacp *partner; /* Port n of the switch is at the end of link n. */
	bool partner_silent;
	bool partner_tarries; /* In sync, and does not say that it collects. */
	struct host *host;
	struct fake_kernel *kernel;
	struct datapath *datapath;
	struct session_store *sessions;
	struct identity *identity;
	char *saved_identity;
	unsigned n_frames; /* Since the test set it to 0. */
	struct fake_frame frames[FAKE_FRAMES];
	unsigned n_neighbours; /* What a bridge knows of a team's. */
	struct host_neighbour neighbours[FAKE_NEIGHBOURS];
	unsigned n_addresses; /* Of each team. */
	struct host_address addresses[FAKE_ADDRESSES];
	/* Changes a team's configuration after it was read; NULL: nothing. */
	void (*adjust)(struct config_team *config);
	unsigned asked; /* Questions whether a lost link is back. */
	struct fake_network network;
	int errors_wanted[FAKE_LINKS]; /* Devices that were asked for their errors. */
	unsigned n_errors_wanted;
	char folder[32];
};

/* With a partner of four-port ambitions in fast mode; no links yet. */
void fake_world_init(struct fake_world *world, struct fake_kernel *kernel);
void fake_world_fini(struct fake_world *world);

/* Starts a host with the teams of 'config_text' (a file of conf.d), or as after a kill of the one
 * that ran: only what the kernel and the session store hold is left of that. */
void fake_world_start(struct fake_world *world, const char *config_text);

/* The daemon dies: nothing is said to anybody. */
void fake_world_kill(struct fake_world *world);

/* A NIC appears, with its cable plugged in; returns its ifindex. */
int fake_world_add_link(struct fake_world *world, const char *name, uint32_t speed_mbps);
void fake_world_remove_link(struct fake_world *world, int ifindex);
void fake_world_rename_link(struct fake_world *world, int ifindex, const char *name);

/* Pulls the cable or plugs it in. 'told': the kernel says so; else only the carrier sense can know.
 */
void fake_world_cable(struct fake_world *world, int ifindex, bool plugged, bool told);

/* A bridge has, or has no more, an address behind a port. It is told if a daemon lives. */
void fake_world_neighbour(struct fake_world *world, const struct host_neighbour *neighbour);

struct fake_link *fake_world_link(struct fake_world *world, int ifindex);

/* Lets time pass, with everything that happens meanwhile, in its order. */
void fake_world_run(struct fake_world *world, nsec_t duration);
