/* The IP addresses of the host, as rtnetlink tells of them, and which of them are reached by a
 * device: its own and those of the devices above it. The main thread's part never sleeps. */
#pragma once

#include "daemon/kernel/link-monitor.h"
#include "daemon/kernel/nl-mirror.h"

#include <stdint.h>

#define ADDRESS_MONITOR_MAX 16384

struct address_entry {
	int ifindex;
	uint8_t family; /* AF_INET, AF_INET6 */
	uint8_t prefix;
	uint8_t zero[2];
	uint8_t bytes[16]; /* Of IPv4 the first four. */
};

/* An address that is reached by a device. */
struct address_above {
	struct address_entry address;
	struct mac mac; /* Of the device that has the address. */
	uint16_t vlan;  /* With which its frames leave the device below; 0: untagged. */
};

struct address_monitor;

/* Begins to read; what there is becomes known soon. */
int address_monitor_new(struct worker *worker, struct address_monitor **ret, struct err *e);
void address_monitor_free(struct address_monitor *monitor);
int address_monitor_fd(const struct address_monitor *monitor);
void address_monitor_dispatch(struct address_monitor *monitor);

/* Those of the device and of bridges, VLAN devices, macvlan and ipvlan devices above it, however
 * they stand on each other; not those that may not be used yet. Returns how many, at most 'n'. */
size_t address_monitor_above(const struct address_monitor *monitor,
			     const struct link_monitor *links, int ifindex,
			     struct address_above *ret, size_t n);

/* The parser, for its tests. */
enum nl_mirror_news address_parse(struct nlmsghdr *message, const struct nl_mirror_scope *scope,
				  void *ret);
