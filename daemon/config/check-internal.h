/* What the files of the checks share. */
#pragma once

#include "daemon/config/parse.h"

/* The team, where its values were found, and where to tell. */
struct check {
	const struct config_team *team;
	const struct places *places;
	const struct report *report;
};

/* The line of the field; of the team where the field has its default. */
unsigned check_line(const struct check *check, const void *field);

/* Of one monitor, and of monitors against each other. */
void check_monitors(const struct check *check);
