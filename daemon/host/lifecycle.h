/* What the owner of the event loop does with the host. */
#pragma once

#include "daemon/host/host.h"
#include "daemon/host/world.h"
#include "daemon/kernel/slow-socket.h"
#include "daemon/team/lifecycle.h"

struct identity;
struct session_store;

struct host_parts {
	struct world *world;       /* All these are the caller's, and outlive the host. */
	struct datapath *datapath; /* Of all teams, unless there is a choice: */
	void (*choose)(void *userdata, const struct config_team *config, struct team_datapath *ret);
	void *choose_userdata;
	/* Before choose() is asked at run time, where it may not sleep: finds out what it needs to
	 * know, and calls 'done' later. NULL: it never sleeps. */
	void (*prepare)(void *userdata, void (*done)(void *done_userdata), void *done_userdata);
	struct identity *identity;
	struct session_store *sessions;
	const char *boot_id; /* NULL: changes at run time do not outlive the daemon. */
	const char *running; /* What world_ops.save_running() was given last, NULL: nothing; read by
				host_new() only. */
};

/* Starts all teams of 'config', which becomes the host's also if it fails. NULL without memory. */
struct host *host_new(struct config *config, const struct host_parts *parts);

/* Forgets all teams; the kernel's part goes on. No operation of the datapath may be under way. */
void host_free(struct host *host);

void host_link_changed(struct host *host, const struct link *link, const struct link *before);
void host_slow_frame(struct host *host, const struct slow_frame *frame);
void host_carrier_lost(struct host *host, int ifindex);
void host_carrier_sensed(struct host *host); /* As in struct datapath_listener. */
void host_carrier_answer(struct host *host, int ifindex, bool up);

/* As in struct datapath_listener. */
void host_member_disturbed(struct host *host, int ifindex, const char *sentence);
void host_member_hindered(struct host *host, int ifindex, const char *sentence);
void host_station_news(struct host *host, int ifindex, const struct datapath_station_news *news);

/* As world_ops.neighbours and world_ops.probe_join have it. */
void host_neighbour_changed(struct host *host, const struct host_neighbour *neighbour);
void host_probe_frame(struct host *host, int ifindex, struct span frame);

/* As world_ops.errors_ask has it: so many since the device was made. */
void host_member_errors(struct host *host, int ifindex, uint64_t errors);
void host_tick(struct host *host);
/* When host_tick() is to be called next; 0: at once. */
nsec_t host_deadline(const struct host *host);

/* Whether every team is up, or cannot be for a reason of the configuration. */
bool host_settled(const struct host *host);
