/* What a person may have meant by a key that does not exist. */
#pragma once

#include "daemon/config/schema.h"

/* "did you mean \"rate\"?", where it belongs, or else the keys that there are. Returns 'text'. */
const char *suggest_key(const struct schema_section *section, const char *name,
			char text[static SCHEMA_TEXT_SIZE]);
