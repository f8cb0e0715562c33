/* What the filter of the sockets for answers to probes and the daemon share. Not abi.h's: the
 * filter lives and dies with its sockets, so that no two versions of the two ever meet. */
#pragma once

#include <linux/types.h>

/* 64 teams of 32 members with eight targets each; memory is taken for what there is. */
#define ANSWER_FILTER_TARGETS 16384

/* In any second at most burst + rate answers of one target on one device: more than twice as many
 * as the fastest probe asks for, 200 a second. */
#define ANSWER_FILTER_BURST 64
#define ANSWER_FILTER_RATE 448
#define ANSWER_FILTER_TOKEN_NS (1000000000ull / ANSWER_FILTER_RATE)

/* As much of a frame is kept: more than any answer has that can be judged. */
#define ANSWER_FILTER_BYTES 128

struct answer_filter_key {
	__u32 ifindex;
	__u8 address[16]; /* IPv4 as in RFC 4291 2.5.5.2. */
};

struct answer_filter_target {
	__u64 full_at; /* CLOCK_MONOTONIC, nanoseconds */
	__u64 limited; /* Answers that were dropped as too many. */
};
