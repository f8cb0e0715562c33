/* Our programs at the ingress of a device: a classifier in clsact, at the fixed priority and handle
 * of bpf/abi.h, whose program is named "yoke_…". For the worker. */
#pragma once

#include "daemon/kernel/rtnl.h"

#include <stdbool.h>

struct bpf_filter_state {
	bool ours;
	bool taken;  /* Somebody else's filter sits where ours should be. */
	bool others; /* Somebody else's filters are there, at ingress or egress. */
};

int bpf_filter_state(struct rtnl *rtnl, int ifindex, struct bpf_filter_state *ret, struct err *e);

/* Attaches the program, or replaces ours without losing a frame. -EBUSY if somebody else's filter
 * is in the way. *ret_found_clsact: a clsact was there. */
int bpf_filter_attach(struct rtnl *rtnl, int ifindex, int program, bool *ret_found_clsact,
		      struct err *e);

/* Takes ours away, and unless 'keep_clsact' the clsact with it, but never if it holds somebody
 * else's filters. */
int bpf_filter_detach(struct rtnl *rtnl, int ifindex, bool keep_clsact, struct err *e);
