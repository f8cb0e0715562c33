/* Settings as callers give them, in JSON with the keys of the configuration, become a
 * configuration: by way of its own text, so that keys, ranges and sentences are the same as in a
 * file. */
#pragma once

#include "daemon/config/config.h"
#include "lib/base/err.h"

#include <jansson.h>

/* What a team's configuration says: what differs from the defaults, or (all) every key that its
 * mode has. NULL without memory. */
json_t *settings_of(const struct config_team *team, bool all);

/* The configuration of a new team. Here and below: -EINVAL with a sentence, or -ENOMEM. */
int settings_new(const char *name, const json_t *settings, struct config_team *ret, struct err *e);

/* The team's configuration with some keys changed; null gives a key its default. A key that another
 * mode does not have is dropped with the mode, but for a standby member, which would carry then. */
int settings_change(const struct config_team *team, const json_t *settings, struct config_team *ret,
		    struct err *e);

/* The same of one member, which is added if there is none. */
struct settings_member {
	const char *name;
	const json_t *settings; /* NULL: none. */
	const json_t
		*prefer; /* True: it is to be the only preferred one. False: it is to be none. */
};
int settings_change_member(const struct config_team *team, const struct settings_member *member,
			   struct config_team *ret, struct err *e);

int settings_remove_member(const struct config_team *team, const char *member,
			   struct config_team *ret, struct err *e);
