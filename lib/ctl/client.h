/* A client of the control socket that waits, as yokectl does. */
#pragma once

#include "lib/base/cleanup.h"
#include "lib/base/err.h"

#include <jansson.h>
#include <stdbool.h>

#define CTL_DEFAULT_SOCKET "/run/yoke/control.sock"

/* How long a daemon may take to accept a connection, and to answer an ordinary call. */
#define CTL_TIMEOUT_MS 10000

struct ctl_client;

/* -ENOENT, -ECONNREFUSED: yoked does not run there; -EACCES: no permission; -ETIMEDOUT: it runs and
 * does not answer; each with a sentence. */
int ctl_client_connect(const char *path, struct ctl_client **ret, struct err *e);
void ctl_client_close(struct ctl_client *client);
int ctl_client_fd(const struct ctl_client *client);

/* Calls 'method' with 'parameters' (NULL or an object; a new reference is not taken) and waits for
 * the answer, at most 'timeout_ms' (-1: for ever). On success *ret are the answer's parameters, the
 * caller's. A Varlink error becomes -EREMOTEIO with its sentence in e->text, and its name in
 * *error_name (to be freed) if 'error_name' is not NULL. After any other failure only
 * ctl_client_close() is left to be called. */
int ctl_client_call(struct ctl_client *client, const char *method, json_t *parameters,
		    int timeout_ms, json_t **ret, char **error_name, struct err *e);

/* Calls with "more": then ctl_client_next() gives one answer after the other, and false in *more
 * with the last one. */
int ctl_client_call_more(struct ctl_client *client, const char *method, json_t *parameters,
			 struct err *e);
int ctl_client_next(struct ctl_client *client, int timeout_ms, json_t **ret, bool *more,
		    struct err *e);

DEFINE_CLEANUP(struct ctl_client, ctl_client_close)
