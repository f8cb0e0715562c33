/* A control server on a fake host and clock, and clients of it, all in one process and one thread:
 * the loop runs while a client waits. */
#pragma once

#include "daemon/control/internal.h"
#include "tests/unit/control/fake-host.h"

#include <jansson.h>

/* Groups that every Debian and RHEL has, in the place of ours. */
#define RIG_READERS "games"
#define RIG_WRITERS "audio"

struct rig {
	sd_event *event;
	struct host *host;
	struct control_server *server;
	char folder[32];
	char path[64];
};

void rig_open(struct rig *rig);
void rig_close(struct rig *rig);

/* A connection that does not wait, and of which the server knows. */
int rig_connect(struct rig *rig);

/* A client that the server takes for one with that access. */
int rig_add(struct rig *rig, enum access access);

/* Runs the loop until nothing more happens. */
void rig_settle(struct rig *rig);

/* Sends bytes as they are; the loop runs while the socket takes no more. */
void rig_send(struct rig *rig, int fd, const char *bytes, size_t size);

/* Sends a text with its NUL. */
void rig_say(struct rig *rig, int fd, const char *text);

/* The next message, or NULL when the server hung up or nothing comes. Bytes behind it stay. */
json_t *rig_hear(struct rig *rig, int fd);

/* rig_say() and rig_hear(). */
json_t *rig_call(struct rig *rig, int fd, const char *text);

/* Whether the server hung up, after what it still said is read. */
bool rig_hung_up(struct rig *rig, int fd);

/* The string at a path like "parameters.text", or "". */
const char *rig_text(const json_t *json, const char *path);
