/* Questions to network devices: whether there is a link, and how fast it is. By ifindex, because a
 * name may have become another device's when the question arrives. An answer may have to wait for
 * the kernel's rtnl lock or for the device: never asked by the main thread. */
#pragma once

#include "lib/base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* As many devices are asked at once at the most, between two looks at what else is to be done. */
#define ETHTOOL_BATCH 64

enum ethtool_link {
	ETHTOOL_LINK_UNKNOWN, /* The device cannot tell, or the kernel could not just now. */
	ETHTOOL_LINK_DOWN,
	ETHTOOL_LINK_UP,
	ETHTOOL_LINK_GONE, /* No such device. */
};

struct ethtool_settings {
	uint32_t speed_mbps; /* 0: the device does not know. */
	/* A device that does not know its duplex is taken as full duplex: whatever still has half
	 * duplex says so, and virtual devices have neither. */
	bool full_duplex;
};

struct ethtool; /* One thread's. */

int ethtool_open(struct ethtool **ret, struct err *e);
void ethtool_close(struct ethtool *ethtool);

/* Asks the first 'n' (at most ETHTOOL_BATCH) of 'ifindexes'. Allocates nothing. */
void ethtool_ask_links(struct ethtool *ethtool, const int *ifindexes, unsigned n,
		       enum ethtool_link *answers);

/* 0, or a negative errno; then speed 0 and full duplex, as a device that knows nothing. */
int ethtool_ask_settings(struct ethtool *ethtool, int ifindex, struct ethtool_settings *ret);
