/* When something was last done, to hold it to so many times in so long: a window that slides. */
#pragma once

#include "lib/base/nsec.h"

#include <stdbool.h>

#define WINDOW_SIZE 16 /* The highest limit. */

struct window {
	nsec_t at[WINDOW_SIZE];
	uint64_t count;
};

static inline void window_add(struct window *window, nsec_t now)
{
	window->at[window->count++ % WINDOW_SIZE] = now;
}

/* The earliest instant at which it may be done again; 0 for any. */
static inline nsec_t window_opens(const struct window *window, unsigned limit, nsec_t span)
{
	if (window->count < limit)
		return 0;
	return nsec_add(window->at[(window->count - limit) % WINDOW_SIZE], span);
}
