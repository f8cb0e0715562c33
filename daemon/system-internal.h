/* What system.c and system-world.c share. */
#pragma once

#include "daemon/host/world.h"
#include "daemon/lateness.h"
#include "daemon/system.h"

struct system {
	struct world world; /* First: the host calls us by it. */
	sd_event *event;
	sd_event_source *sources[6];
	sd_event_source *timer;
	nsec_t timer_at; /* What the timer is set to. */
	struct worker *kernel;
	struct worker *disk;
	struct link_monitor *links;
	struct slow_socket *slow;
	struct carrier_poller *poller;
	struct datapath *datapath;
	struct session_store *sessions;
	struct identity *identity;
	struct host *host;
	char *identity_path;
	bool datapath_asked_for;
	struct lateness lateness;
};

extern const struct world_ops system_world;

/* Since the host booted. */
nsec_t system_boot_time(void);
