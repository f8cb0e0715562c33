/* What the files of this room share. */
#pragma once

#include "daemon/host/host-internal.h"
#include "daemon/host/lifecycle.h"

struct listener {
	unsigned identity;
	host_listener *call;
	void *userdata;
};

/* More than the control socket ever has clients. */
#define LISTENERS_MAX 80

struct host {
	struct config *config; /* Of the files. */
	struct host_parts parts;
	unsigned n_teams;
	struct team *teams[CONFIG_TEAMS_MAX];
	unsigned n_listeners;
	struct listener listeners[LISTENERS_MAX];
	unsigned last_listener;
	uint64_t last_event;
	uint64_t started_realtime_us;
};

/* host-teams.c */

/* Starts the teams of the files, as they were changed at run time, and those that were created
 * then. -ENOMEM. */
int host_start_teams(struct host *host);

/* Whether both teams can be on one host. -EBUSY with a sentence about the first one. */
int host_check_pair(const struct config_team *team, const struct config_team *other, struct err *e);

/* The team as the files have it, or NULL. */
const struct config_team *host_find_file(const struct host *host, const char *name);

/* running.c: what was changed at run time and is to be found again by the next daemon, until the
 * host boots. */

struct running {
	struct config *config;              /* NULL: nothing was kept. */
	uint64_t origins[CONFIG_TEAMS_MAX]; /* The fingerprint that each had in the files, 0: none.
					     */
};

/* Takes up what running_save() had written, if it is of this boot. */
void running_load(const struct host *host, struct running *running);
void running_release(struct running *running);

/* Has the teams that are not as the files have them written down; 'saved' is called when that is
 * done or has failed, perhaps at once. */
void running_save(struct host *host, void (*saved)(void *userdata), void *userdata);
