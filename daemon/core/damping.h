/* A member that fails again and again is kept out for a while, twice as long each further time.
 * PURE: one for each member, told of each failure. */
#pragma once

#include "lib/base/nsec.h"

#include <stdbool.h>
#include <stdint.h>

/* The period is kept in so many parts: a failure counts for the whole period, or for up to one part
 * less, and never for longer. */
#define DAMPING_PARTS 64

struct damping_config {
	uint32_t flaps; /* So many failures within the period … 0: no damping. */
	nsec_t period;
	nsec_t hold; /* … keep it out for so long … */
	nsec_t hold_max;
};

struct damping {
	struct damping_config config;
	uint64_t part; /* The latest in which a failure was counted. */
	uint32_t counts[DAMPING_PARTS];
	uint32_t count;   /* All of them. */
	nsec_t last;      /* The latest failure. */
	nsec_t next_hold; /* How long it would be kept out next. */
	nsec_t until;     /* Until when it is kept out; 0: it is not. */
	uint32_t reason;  /* How many failures led to that. */
};

void damping_init(struct damping *damping, const struct damping_config *config);

/* It has failed, perhaps while it was kept out. True: it is kept out from now on, or longer. How
 * long that is is forgotten when a whole period has passed without any failure. */
bool damping_failed(struct damping *damping, nsec_t now);

/* True: it is kept out no more. */
bool damping_tick(struct damping *damping, nsec_t now);

bool damping_holds(const struct damping *damping);

/* When damping_tick() has to be called. */
nsec_t damping_deadline(const struct damping *damping);
