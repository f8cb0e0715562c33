/* The arithmetic of the flow hash. Both ends of a flow are mixed by themselves and added up, so
 * that the two directions of a flow have the same hash. */
#pragma once

#include <linux/types.h>

/* The finalizer of MurmurHash3: every bit of 'x' changes half of the result. */
static inline __u64 mix(__u64 x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdull;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ull;
	x ^= x >> 33;
	return x;
}

/* The bucket of a flow of 'kind' (what keeps apart flows that agree in their ends) between two
 * ends. */
static inline __u32 mix_bucket(__u64 end, __u64 other_end, __u32 kind)
{
	return (__u32)(mix(mix(end) + mix(other_end) + kind) >> 56);
}
