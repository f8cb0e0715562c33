/* The real world of the host: the kernel's links, sockets and clocks, on an event loop. */
#pragma once

#include "daemon/config/config.h"
#include "daemon/host/lifecycle.h"
#include "daemon/options.h"
#include "lib/base/err.h"

#include <systemd/sd-event.h>

struct system;

/* Opens everything that the host needs, and starts it with 'config', which becomes the system's,
 * also on failure. May sleep. */
int system_new(sd_event *event, const struct options *options, struct config *config,
	       struct system **ret, struct err *e);

/* Lets jobs that are under way end, and forgets everything. The teams go on. */
void system_free(struct system *system);

struct host *system_host(struct system *system);

/* To be called when the event loop has dispatched something. */
void system_after_turn(struct system *system);
