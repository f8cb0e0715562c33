/* What system.c and system-world.c share. */
#pragma once

#include "daemon/host/world.h"
#include "daemon/lateness.h"
#include "daemon/system.h"

struct address_monitor;
struct fdb_monitor;
struct frame_socket;

/* A bridge that uses a team's device, by which port, and with which tag its frames leave. */
struct system_path {
	int bridge;
	int port;
	uint16_t vlan;     /* 0: as the bridge sends them; */
	uint16_t untagged; /* this VLAN's have none. */
};

/* A team's device whose bridges' tables are wanted. */
struct system_uplink {
	int ifindex;
	bool gone; /* To be forgotten. */
	unsigned n_paths;
	struct system_path paths[32];
};

struct system_source {
	int fd; /* Negative: there is none. */
	sd_event_io_handler_t handler;
	int64_t priority;
};

struct system {
	struct world world; /* First: the host calls us by it. */
	sd_event *event;
	sd_event_source *sources[10];
	sd_event_source *timer;
	nsec_t timer_at; /* What the timer is set to. */
	struct worker *kernel;
	struct worker *disk;
	struct link_monitor *links;
	struct slow_socket *slow;
	struct carrier_poller *poller;
	struct datapath *bpf; /* NULL: the kernel cannot do it, or does not let us. */
	struct err bpf_missing;
	struct datapath *team;
	bool team_is_possible; /* Known since it was needed first. */
	bool team_was_asked;
	struct session_store *sessions;
	struct identity *identity;
	struct host *host;
	char *identity_path;
	char *running_path;
	char boot_id[40];
	const char *datapath; /* By the command line; NULL: as the configuration says. */
	struct lateness lateness;
	struct frame_socket *frames;
	struct fdb_monitor *fdb;
	struct address_monitor *addresses;
	unsigned n_uplinks;
	struct system_uplink uplinks[CONFIG_TEAMS_MAX];
	bool network_changed; /* What stands on what may have changed. */
};

extern const struct world_ops system_world;

/* system-datapath.c */

/* Opens what the kernel can do; fails if that is nothing. May sleep. */
int system_open_datapaths(struct system *system, const struct options *options, struct err *e);
void system_free_datapaths(struct system *system);

/* Which of them the team gets. May sleep at the start. */
void system_choose_datapath(void *userdata, const struct config_team *config,
			    struct team_datapath *ret);

/* As host_parts.prepare(): after it, system_choose_datapath() does not sleep. */
void system_prepare_choice(void *userdata, void (*done)(void *done_userdata), void *done_userdata);

/* As datapath_ops.heartbeat(), of both. */
nsec_t system_heartbeat(struct system *system);

/* system-network.c */

int system_network_open(struct system *system, struct err *e);
void system_network_close(struct system *system);
void system_network_sources(struct system *system, struct system_source sources[static 3]);
void system_network_link_changed(struct system *system, const struct link *link,
				 const struct link *before);

/* At the end of a turn: follows what link changes said. */
void system_network_settle(struct system *system);

/* As the functions of struct world_ops. */
int system_frame_send(struct world *world, int ifindex, struct span frame);
void system_probe_join(struct world *world, int ifindex, const struct probe_address *targets,
		       size_t n);
void system_probe_leave(struct world *world, int ifindex);
void system_errors_ask(struct world *world, int ifindex);
size_t system_addresses(struct world *world, int ifindex, struct host_address *addresses, size_t n);
void system_neighbours(struct world *world, int ifindex,
		       void (*each)(void *userdata, const struct host_neighbour *neighbour),
		       void *userdata);

/* Since the host booted. */
nsec_t system_boot_time(void);
