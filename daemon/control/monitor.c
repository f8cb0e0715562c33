/* Clients that listen: each event of the host becomes bytes once, for all who want it. */
#include "daemon/control/internal.h"
#include "daemon/control/json.h"

#include <string.h>

struct monitor {
	TAILQ_ENTRY(monitor) link;
	struct control_server *server;
	struct call *call;
	char *team; /* NULL: all. */
};

static bool wants(const struct monitor *monitor, const struct host_event *event)
{
	return !monitor->team || (event->team && strcmp(monitor->team, event->team) == 0);
}

static void on_event(void *userdata, const struct host_event *event)
{
	struct control_server *server = userdata;
	char *bytes = NULL;
	struct monitor *monitor;
	size_t size = 0;

	/* Sending frees no session, so the list stays as it is. */
	TAILQ_FOREACH (monitor, &server->monitors, link) {
		if (!wants(monitor, event))
			continue;
		if (!bytes) {
			json_t *message = call_continued(json_event(event));

			bytes = message ? ctl_frame_write(message, &size) : NULL;
			json_decref(message);
		}
		if (!bytes)
			return;
		session_send_bytes(monitor->call->session, bytes, size);
	}
	free(bytes);
}

static void on_gone(struct call *call)
{
	struct monitor *monitor = call->data;
	struct control_server *server = monitor->server;

	TAILQ_REMOVE(&server->monitors, monitor, link);
	if (TAILQ_EMPTY(&server->monitors))
		host_unlisten(server->host, server->listener_identity);
	free(monitor->team);
	free(monitor);
	call_abandon(call);
}

void monitor_start(struct call *call, const char *team)
{
	struct control_server *server = call->server;
	struct monitor *monitor = calloc(1, sizeof(*monitor));

	if (monitor && team)
		monitor->team = strdup(team);
	if (!monitor || (team && !monitor->team)) {
		free(monitor);
		call_reply(call, NULL);
		return;
	}
	monitor->server = server;
	monitor->call = call;
	call->data = monitor;
	call->gone = on_gone;
	if (TAILQ_EMPTY(&server->monitors))
		server->listener_identity = host_listen(server->host, on_event, server);
	TAILQ_INSERT_TAIL(&server->monitors, monitor, link);
}
