/* clsact, for kernels without TCX: a classifier at the ingress of a device, at the fixed priority
 * and handle of bpf/abi.h, whose program is named "yoke_…". For the worker. */
#pragma once

#include "daemon/kernel/rtnl.h"

#include <stdbool.h>

struct bpf_filter_state {
	bool ours;
	bool replaced;     /* Our priority and handle have somebody else's program. */
	bool taken;        /* Somebody else's filter is in the way of ours, or before it. */
	bool others;       /* Somebody else's filters are there, at ingress or egress. */
	uint32_t program;  /* The number of the one at our place; 0: none. */
	uint32_t stranger; /* That of the one in the way, where it has one. */
};

int bpf_filter_state(struct rtnl *rtnl, int ifindex, struct bpf_filter_state *ret, struct err *e);

/* Attaches the program, or replaces ours without losing a frame. -EBUSY if somebody else's filter
 * is in the way; with 'regain' ours takes its place back. *keep_clsact becomes false if the clsact
 * was made for this. */
int bpf_filter_attach(struct rtnl *rtnl, int ifindex, int program, bool regain, bool *keep_clsact,
		      struct err *e);

/* Takes ours away, and unless 'keep_clsact' the clsact with it, but never if it holds somebody
 * else's filters. What is not there is taken away already. */
int bpf_filter_detach(struct rtnl *rtnl, int ifindex, bool keep_clsact, struct err *e);
