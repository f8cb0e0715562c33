/* How often to put back what others take away: at once, unless they insist; then seldom, for two
 * programs that fight for one place cost the host more than either is worth. Knows no clock. */
#pragma once

#include "lib/base/nsec.h"

#include <stdbool.h>

#define REPAIR_LIMIT_REPAIRS 5 /* Within … */
#define REPAIR_LIMIT_WINDOW (60 * NSEC_PER_SEC)
#define REPAIR_LIMIT_PAUSE (60 * NSEC_PER_SEC)  /* Between repairs once others insist, … */
#define REPAIR_LIMIT_PEACE (120 * NSEC_PER_SEC) /* … until they have left it alone so long. */

struct repair_limit {
	nsec_t window_start; /* Of the first repair in the window. */
	nsec_t last;         /* Repair. */
	unsigned n;          /* Repairs in the window. */
	bool slowed;
};

/* Whether a repair may be done now. */
bool repair_limit_allows(const struct repair_limit *limit, nsec_t now);

/* One was done. Whether with it others have come to insist. */
bool repair_limit_note(struct repair_limit *limit, nsec_t now);

/* Nothing has to be repaired. Whether with it others have come to insist no more. */
bool repair_limit_peace(struct repair_limit *limit, nsec_t now);
