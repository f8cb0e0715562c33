/* Time as one number: nanoseconds of CLOCK_BOOTTIME, which goes on while the machine is suspended,
 * as a partner's timeout does. */
#pragma once

#include <stdint.h>

typedef uint64_t nsec_t;

/* "No such instant": later than everything. */
#define NSEC_NEVER UINT64_MAX

#define NSEC_PER_US ((nsec_t)1000)
#define NSEC_PER_MS ((nsec_t)1000 * NSEC_PER_US)
#define NSEC_PER_SEC ((nsec_t)1000 * NSEC_PER_MS)

/* 'a' + 'b', NSEC_NEVER where that overflows. */
static inline nsec_t nsec_add(nsec_t a, nsec_t b)
{
	return b > NSEC_NEVER - a ? NSEC_NEVER : a + b;
}

static inline nsec_t nsec_min(nsec_t a, nsec_t b)
{
	return a < b ? a : b;
}

/* How long from 'from' to 'to', 0 where 'to' is the earlier. */
static inline nsec_t nsec_since(nsec_t from, nsec_t to)
{
	return to > from ? to - from : 0;
}
