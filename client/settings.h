/* Settings of the command line, KEY=VALUE, as the JSON that yoked takes. */
#pragma once

#include "lib/base/err.h"

#include <jansson.h>

/* Adds one; "lacp.rate=slow" stands for {"lacp": {"rate": "slow"}}, nothing behind "=" for the
 * default. The words "true" and "false", whole numbers, and what begins with [ or { are JSON, all
 * else is a string: what a key takes is yoked's to judge. -EINVAL with a sentence. */
int settings_add(json_t *settings, const char *text, struct err *e);

/* All of them, up to NULL. The caller's; NULL with 'e'. */
json_t *settings_parse_words(const char *const words[], struct err *e);
