/* The arithmetic of the flow hash. Both ends of a flow are mixed by themselves and added up, so
 * that the two directions of a flow have the same hash. All of it is in 32 bits, because the team
 * driver's classic BPF has no others and has to come to the same bucket. */
#pragma once

#include <linux/types.h>

/* What the parts of an end are multiplied by before they are added up: odd, so that each by itself
 * loses nothing. */
#define MIX_PORT 0x9e3779b1u
#define MIX_WORD_0 0x85ebca77u
#define MIX_WORD_1 0xc2b2ae3du
#define MIX_WORD_2 0x27d4eb2fu

/* Every bit of 'x' changes half of the result (the "lowbias32" of C. Wellons). */
#define MIX_SHIFT_0 16
#define MIX_FACTOR_0 0x7feb352du
#define MIX_SHIFT_1 15
#define MIX_FACTOR_1 0x846ca68bu
#define MIX_SHIFT_2 16

static inline __u32 mix(__u32 x)
{
	x ^= x >> MIX_SHIFT_0;
	x *= MIX_FACTOR_0;
	x ^= x >> MIX_SHIFT_1;
	x *= MIX_FACTOR_1;
	x ^= x >> MIX_SHIFT_2;
	return x;
}

/* Of a flow of 'kind' (what keeps apart flows that agree in their ends) between two ends. */
static inline __u32 mix_flow(__u32 end, __u32 other_end, __u32 kind)
{
	return mix(mix(end) + mix(other_end) + kind);
}

static inline __u32 mix_bucket(__u32 end, __u32 other_end, __u32 kind)
{
	return mix_flow(end, other_end, kind) >> 24;
}

/* An end that is a MAC address. */
static inline __u32 mix_mac(const __u8 mac[6])
{
	__u32 high = (__u32)mac[0] << 8 | mac[1];
	__u32 low = (__u32)mac[2] << 24 | (__u32)mac[3] << 16 | (__u32)mac[4] << 8 | mac[5];

	return high * MIX_WORD_0 + low;
}
