/* In which VLAN a bridge that filters by VLAN puts untagged frames of a port: frames of that VLAN
 * leave the port without a tag. */
#pragma once

#include "daemon/kernel/nl-mirror.h"

#include <stdint.h>

struct bridge_vlans_entry {
	int port;
	/* The key ends here. */
	uint32_t
		untagged; /* 0: none. Of several the one that is the port's PVID, else the first. */
};

/* A mirror of the ports in its scope. */
extern const struct nl_mirror_kind bridge_vlans_kind;

/* The parser, for its tests. */
enum nl_mirror_news bridge_vlans_parse(struct nlmsghdr *message,
				       const struct nl_mirror_scope *ports, void *ret);
