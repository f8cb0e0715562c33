/* The rows of what a datapath cannot do, for those who want all of them. */
#pragma once

#include "daemon/config/config.h"

struct config_refusal;

/* The next thing that the team's configuration asks for and the datapath cannot do, after 'before'
 * (NULL: the first); NULL behind the last. */
const struct config_refusal *refusal_next(const struct config_team *team, const char *datapath,
					  const struct config_refusal *before);

/* The field of the team that asks for it. */
const void *refusal_field(const struct config_refusal *refusal, const struct config_team *team);

/* As config_datapath_refuses() tells it. Returns 'text'. */
const char *refusal_text(const struct config_refusal *refusal, const struct config_team *team,
			 char text[static CONFIG_REFUSAL_SIZE]);
