/* Which devices send by another one. No socket, no thread. */
#pragma once

#include "daemon/kernel/link-table.h"

struct link_above {
	const struct link *link;
	uint16_t vlan; /* With which its frames leave the device below; 0: untagged. */
};

/* The device itself, first, and all above it: the bridge it is a port of, VLAN devices, macvlan and
 * ipvlan devices, and those above them. What leaves with two tags is left out. Returns how many, at
 * most 'n'; valid until the table changes. */
size_t link_above(const struct link_table *table, int ifindex, struct link_above *ret, size_t n);
