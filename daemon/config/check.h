/* What can be wrong although each value is right in itself. */
#pragma once

#include "daemon/config/parse.h"

/* Checks the keys of one team, which is not in the batch yet, against each other and against what
 * its datapath can do. */
void check_team(const struct batch *batch, const struct config_team *team,
		const struct places *places, const struct report *report);

/* Checks the last team of the batch against those before it. */
void check_against_others(const struct batch *batch, const struct report *report);
