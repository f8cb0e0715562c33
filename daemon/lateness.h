/* How late the main loop is: ever, and within the last minute or two. */
#pragma once

#include "lib/base/nsec.h"

struct lateness {
	nsec_t ever;
	nsec_t window[2]; /* This minute, the one before. */
	nsec_t window_ends;
};

static inline void lateness_note(struct lateness *lateness, nsec_t late, nsec_t now)
{
	if (now >= lateness->window_ends) {
		lateness->window[1] = now < nsec_add(lateness->window_ends, 60 * NSEC_PER_SEC)
					      ? lateness->window[0]
					      : 0;
		lateness->window[0] = 0;
		lateness->window_ends = nsec_add(now, 60 * NSEC_PER_SEC);
	}
	if (late > lateness->ever)
		lateness->ever = late;
	if (late > lateness->window[0])
		lateness->window[0] = late;
}

static inline nsec_t lateness_recent(const struct lateness *lateness)
{
	return lateness->window[0] > lateness->window[1] ? lateness->window[0]
							 : lateness->window[1];
}
