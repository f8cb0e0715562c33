/* The Varlink service on the control socket: docs/protocol.md. No call of a client can hold up the
 * daemon: everything is bounded, nothing waits. */
#pragma once

#include "daemon/host/host.h"
#include "lib/base/err.h"

#include <systemd/sd-event.h>

struct control_server;

/* The two clocks, for tests; as world_ops has them. */
struct control_clock {
	nsec_t (*boottime)(void *userdata);
	uint64_t (*realtime_us)(void *userdata);
	void *userdata;
};

struct control_server_settings {
	const char *path;
	const char *readers;               /* Group whose members may read: "yoke". */
	const char *writers;               /* Group whose members may change: "yoke-admin". */
	const struct control_clock *clock; /* NULL: the system's. Copied. */
	unsigned stall_ms; /* How long a client may take none of what waits for it; 0: 30 s. */
};

/* Listens on 'path' (taken over from systemd if it passed that socket; a socket file left by a
 * killed daemon is replaced, one on which somebody listens is -EADDRINUSE). Looks up the groups,
 * which may ask the network (NSS): this once, so that it may wait before the loop runs and never
 * after; a group that is made later counts from the next start on. */
int control_server_new(sd_event *event, struct host *host,
		       const struct control_server_settings *settings, struct control_server **ret,
		       struct err *e);

/* Hangs up on all clients and takes the socket file away, unless it is systemd's. May be called
 * while the deletion of a team is under way: its completion then finds nobody to tell. */
void control_server_free(struct control_server *server);
