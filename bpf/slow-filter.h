/* What the filter of the slow-protocol socket and the daemon share. Not abi.h's: the filter lives
 * and dies with its socket, so that no two versions of the two ever meet. */
#pragma once

#include <linux/types.h>

/* As many devices at most: 64 teams of 32 members. */
#define SLOW_FILTER_MEMBERS 2048

/* In any second at most burst + rate frames. A partner that keeps to IEEE 802.3 annex 57A (ten in
 * any second of its own) sends at most twenty at once and ten a second in the long run. */
#define SLOW_FILTER_BURST 20
#define SLOW_FILTER_RATE 12
#define SLOW_FILTER_TOKEN_NS (1000000000ull / SLOW_FILTER_RATE)

/* As much of a frame is kept: an untagged one of the usual MTU. Slow-protocol frames have 128. */
#define SLOW_FILTER_BYTES 1514

struct slow_filter_member {
	__u64 full_at; /* CLOCK_MONOTONIC, nanoseconds */
	__u64 limited; /* Frames that were dropped as too many. */
	__u64 bound;   /* It has a socket of its own: the one for all takes nothing of it. */
};
