/* What system.c and system-world.c share. */
#pragma once

#include "daemon/host/world.h"
#include "daemon/lateness.h"
#include "daemon/system.h"

struct system {
	struct world world; /* First: the host calls us by it. */
	sd_event *event;
	sd_event_source *sources[7];
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

/* Since the host booted. */
nsec_t system_boot_time(void);
