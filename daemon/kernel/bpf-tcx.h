/* eBPF programs at a place of a device, one before the other, each held by a link of its own: TCX
 * (Linux 6.6) and netkit (6.7). For the worker: what changes a link waits some milliseconds. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define TCX_PROGRAMS 64 /* As many as the kernel lets be at one place. */

enum bpf_place {
	BPF_PLACE_INGRESS,
	BPF_PLACE_EGRESS,
	BPF_PLACE_NETKIT, /* Where a netkit's primary device sends. */
};

/* What is at a place of a device; the first sees each frame first. */
struct tcx_chain {
	unsigned n;
	uint32_t programs[TCX_PROGRAMS];
	uint32_t links[TCX_PROGRAMS]; /* 0: a program without a link. */
};

/* These return a negative errno. */
int tcx_query(int ifindex, enum bpf_place place, struct tcx_chain *ret);

/* A link by which 'program' is before all that is there. -EEXIST if that very program is. */
int tcx_attach_first(int ifindex, enum bpf_place place, int program, int *ret_link);

/* Puts 'program' in the place of the link's, without losing a frame. */
int tcx_update(int link, int program);

struct tcx_link {
	enum bpf_place place;
	uint32_t id;
	uint32_t program;
	int ifindex; /* 0: its device is gone, or it was detached. */
};

/* -EINVAL: a link of another kind. */
int tcx_link_read(int link, struct tcx_link *ret);

/* Whether the kernel lets us attach 'program' by such links to such places. */
bool tcx_is_available(enum bpf_place place, int program);
