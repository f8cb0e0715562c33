/* TCX (Linux 6.6): eBPF programs at a device's ingress, one before the other, each held by a link
 * of its own. For the worker: what changes a link waits some milliseconds. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define TCX_PROGRAMS 64 /* As many as the kernel lets be at one place. */

/* What is at a device's ingress; the first sees each frame first. */
struct tcx_chain {
	unsigned n;
	uint32_t programs[TCX_PROGRAMS];
	uint32_t links[TCX_PROGRAMS]; /* 0: a program without a link. */
};

/* These return a negative errno. */
int tcx_query(int ifindex, struct tcx_chain *ret);

/* A link by which 'program' is before all that is there. -EEXIST if that very program is. */
int tcx_attach_first(int ifindex, int program, int *ret_link);

/* Puts 'program' in the place of the link's, without losing a frame. */
int tcx_update(int link, int program);

struct tcx_link {
	uint32_t id;
	uint32_t program;
	int ifindex; /* 0: its device is gone, or it was detached. */
};

/* -EINVAL: a link of another kind. */
int tcx_link_read(int link, struct tcx_link *ret);

/* Whether the kernel lets us attach 'program' by such links. */
bool tcx_is_available(int program);
