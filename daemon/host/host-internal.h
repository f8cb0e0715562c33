/* What teams may ask of the host. */
#pragma once

#include "daemon/host/host.h"

/* Tells all listeners, and the log; fills in serial and time. */
void host_emit(struct host *host, const struct host_event *event);

/* The keys that administrators gave to teams; returns how many. */
unsigned host_explicit_keys(const struct host *host, uint16_t keys[static CONFIG_TEAMS_MAX]);
