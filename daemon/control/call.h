/* One call of a client: what a method's handler gets, and how it answers. */
#pragma once

#include "daemon/control/peer.h"

#include <jansson.h>
#include <stdbool.h>

struct control_server;
struct session;

#define ERROR_BAD_MESSAGE "org.yoke.BadMessage"
#define ERROR_BUSY "org.yoke.Busy"
#define ERROR_FAILED "org.yoke.Failed"
#define ERROR_INVALID_SETTINGS "org.yoke.InvalidSettings"
#define ERROR_NO_SUCH_MEMBER "org.yoke.NoSuchMember"
#define ERROR_NO_SUCH_TEAM "org.yoke.NoSuchTeam"
#define ERROR_PERMISSION_DENIED "org.yoke.PermissionDenied"

/* Lives until it has its last answer. A handler answers exactly once, now or later, and does not
 * touch the call afterwards; only a stream's answers by call_continue() may be many. */
struct call {
	struct control_server *server; /* NULL once the server or the client is gone: … */
	struct session *session;       /* … then answers go nowhere. */
	bool oneway;                   /* Nobody wants an answer. */
	void *data;                    /* The handler's. */
	/* Set by a stream: the client has gone, call_abandon() what is left. Where it is NULL the
	 * call waits for its answer all the same. */
	void (*gone)(struct call *call);
};

/* The last answer. Takes over 'parameters'; NULL tells the client that memory ran out. */
void call_reply(struct call *call, json_t *parameters);

/* The same for a method without results. */
void call_reply_empty(struct call *call);

/* An error as the last answer; takes over 'parameters'. */
void call_error(struct call *call, const char *error, json_t *parameters);

/* An error with {"text": sentence}. */
[[gnu::format(printf, 3, 4)]] void call_fail(struct call *call, const char *error,
					     const char *format, ...);

/* org.varlink.service.InvalidParameter: 'name' is unknown, missing or wrong. */
void call_fail_parameter(struct call *call, const char *name);

/* Ends a call without an answer. */
void call_abandon(struct call *call);

/* What a client is sent: {"parameters": …, "continues": true}. Takes over 'parameters'. */
json_t *call_continued(json_t *parameters);
