/* What is checked before libconfig sees a text, because libconfig (1.5 at least) reads 0x100000001
 * as 1, cuts strings at NUL, needs time quadratic in the size of a group, a list or a string, loses
 * memory on some syntax errors, and says no more of them than "syntax error". */
#pragma once

#include "daemon/config/problems.h"
#include "lib/base/span.h"

#include <stdbool.h>

#define GUARD_SIZE_MAX ((size_t)1024 * 1024)
#define GUARD_DEPTH_MAX 16
#define GUARD_KEYS_MAX 128
#define GUARD_ENTRIES_MAX 1024 /* Of a list. */

/* Checks the bytes themselves. True if they are text of which guard_text() may be asked. */
bool guard_bytes(const struct report *report, struct span bytes);

/* Checks the syntax and the numbers of a text that has a NUL behind it. True if libconfig may parse
 * it; there may be errors all the same, for numbers that libconfig would misread. */
bool guard_text(const struct report *report, struct span text);
