/* From JSON to the text of a file of conf.d, and through the parser. */
#pragma once

#include "daemon/config/config.h"
#include "lib/base/err.h"

#include <jansson.h>

/* 'object' is what stands in team: { … }. -EINVAL with the first thing that is wrong, in the words
 * of the parser, or -ENOMEM. */
int settings_parse(const json_t *object, struct config_team *ret, struct err *e);
