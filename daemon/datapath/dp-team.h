/* The datapath of the kernel's team driver. */
#pragma once

#include "daemon/datapath/datapath.h"
#include "daemon/kernel/worker.h"

struct dp_team_settings {
	struct worker *worker;
	struct datapath_listener listener; /* Functions that are NULL are not called. */
};

/* Needs no driver yet: where the kernel has none, opening a team says so. */
int dp_team_new(const struct dp_team_settings *settings, struct datapath **ret, struct err *e);

/* Whether the kernel has the driver; loads it where it is a module. Waits. */
bool dp_team_is_possible(void);
