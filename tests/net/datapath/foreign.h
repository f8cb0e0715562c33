/* Other programs of the host: what they put at a device's ingress, and take away from it. */
#pragma once

#include "daemon/kernel/bpf-tcx.h"
#include "daemon/kernel/rtnl.h"

#include <stdint.h>

/* A program that returns 'action' for each frame. */
int foreign_program(int action);

/* By a link, before all others; returns the link. */
int foreign_before(int ifindex, enum bpf_place place, int program);

/* In clsact; returns 0 or what the kernel said. */
int foreign_filter_add(int ifindex, int program, uint32_t priority, uint32_t handle);
int foreign_filter_delete(int ifindex, uint32_t priority, uint32_t handle);

/* 'tc qdisc del dev … clsact' */
int foreign_clsact_delete(int ifindex);

/* Another queueing discipline for what the device sends. */
void foreign_qdisc_replace(struct rtnl *rtnl, int ifindex);

/* The link that is first there. */
int foreign_first_link(int ifindex, enum bpf_place place);
