/* From a frame to its bucket in the team driver: a program in classic BPF, which knows neither
 * loops nor 64 bits, that comes to the same bucket as bpf/parse.h for each frame. PURE. */
#pragma once

#include "daemon/core/hash.h"

#include <linux/filter.h>

/* With more than 460 instructions the kernel's answer about the device's options does not fit into
 * one message, and nobody can read them any more. */
#define DP_TEAM_HASH_MAX 450

struct dp_team_hash {
	unsigned n;
	struct sock_filter code[DP_TEAM_HASH_MAX];
};

/* The program returns the bucket in its lowest octet and nothing in the others, because the kernel
 * takes the exclusive or of all four. */
void dp_team_hash_make(enum hash_fields fields, struct dp_team_hash *ret);
