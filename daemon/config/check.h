/* What can be wrong although each value is right in itself. */
#pragma once

#include "daemon/config/parse.h"

/* Checks the keys of one team against each other. */
void check_team(const struct config_team *team, const struct places *places,
		const struct report *report);

/* Checks the last team of the batch against those before it. */
void check_against_others(const struct batch *batch, const struct report *report);
