/* clsact, for kernels without TCX: a classifier at a place of a device, at the fixed priority
 * and handle of bpf/abi.h, whose program is named "yoke_…". For the worker. */
#pragma once

#include "daemon/kernel/rtnl.h"

#include <stdbool.h>

struct bpf_filter_at {
	int ifindex;
	bool egress; /* Else its ingress. */
};

struct bpf_filter_state {
	bool ours;
	bool replaced;     /* Our priority and handle have somebody else's program. */
	bool taken;        /* Somebody else's filter is in the way of ours, or before it. */
	bool others;       /* Somebody else's filters are there, at this place or the other. */
	uint32_t program;  /* The number of the one at our place; 0: none. */
	uint32_t stranger; /* That of the one in the way, where it has one. */
};

int bpf_filter_state(struct rtnl *rtnl, struct bpf_filter_at at, struct bpf_filter_state *ret,
		     struct err *e);

/* An empty clsact, so that none has to be made while the device is up. */
int bpf_filter_prepare(int ifindex, struct err *e);

/* Attaches the program, or replaces ours without losing a frame. -EBUSY if somebody else's filter
 * is in the way; with 'regain' ours takes its place back. *keep_clsact becomes false if the clsact
 * was made for this. */
struct bpf_filter_wish {
	struct bpf_filter_at at;
	int program;
	bool regain;
};
int bpf_filter_attach(struct rtnl *rtnl, const struct bpf_filter_wish *wish, bool *keep_clsact,
		      struct err *e);

/* Takes ours away, and unless 'keep_clsact' the clsact with it, but never if it holds somebody
 * else's filters. What is not there is taken away already. */
int bpf_filter_detach(struct rtnl *rtnl, struct bpf_filter_at at, bool keep_clsact, struct err *e);
