/* Everything that the host and its teams touch outside themselves, but for the datapath: the real
 * thing in the daemon, a fake one in tests. No function sleeps. */
#pragma once

#include "daemon/kernel/link-monitor.h"
#include "lib/base/nsec.h"
#include "lib/base/span.h"
#include "lib/wire/ether.h"
#include "lib/wire/probe.h"

#include <stdbool.h>
#include <stdint.h>

struct host_status;
struct world;

/* An IP address of the host that is reached by a team. */
struct host_address {
	bool v6;
	uint8_t bytes[16]; /* Of IPv4 the first four. */
	struct mac mac;    /* Of the device that has it. */
	uint16_t vlan;     /* With which it leaves the team device; 0: untagged. */
	bool router;       /* IPv6: the device forwards. */
};

/* An entry of the forwarding database of a bridge that uses a team's device, directly or by a VLAN
 * device on it. */
struct host_neighbour {
	int uplink; /* ifindex of the team's device. */
	int bridge; /* ifindex */
	int port;   /* The bridge's port behind which the address is; the bridge itself for its own;
		     * the team's device for what is behind the team, by whichever device. */
	struct mac mac;
	uint16_t vlan;  /* With which its frames leave the team device; 0: none. */
	bool permanent; /* Not learned: a port's own address, or one that somebody entered. */
	bool gone;
};

struct world_ops {
	nsec_t (*now)(struct world *world);
	uint64_t (*realtime_us)(struct world *world);

	/* As link_monitor_by_name() and link_monitor_by_index(). */
	const struct link *(*link_by_name)(struct world *world, const char *name);
	const struct link *(*link_by_index)(struct world *world, int ifindex);

	/* As slow_socket_send(). */
	int (*slow_send)(struct world *world, int ifindex, const struct mac *source,
			 struct span payload);
	/* From now on slow-protocol frames of the device are wanted, or no more. 'bound': as
	 * slow_socket_join_bound(). */
	void (*slow_join)(struct world *world, int ifindex, bool bound);
	void (*slow_leave)(struct world *world, int ifindex);
	uint64_t (*slow_limited)(struct world *world, int ifindex);

	/* As the functions of the carrier poller. 'word' may be NULL: only news are wanted. */
	void (*carrier_watch)(struct world *world, int ifindex, uint64_t *word, unsigned slot,
			      bool carrying);
	void (*carrier_unwatch)(struct world *world, int ifindex);
	/* Asks once more for a device whose loss the kernel has never told; the answer comes by
	 * host_carrier_answer(). */
	void (*carrier_ask)(struct world *world, int ifindex);

	/* Sends an Ethernet frame as it is, tags and all, without waiting. -errno. */
	int (*frame_send)(struct world *world, int ifindex, struct span frame);

	/* From now on answers of these targets to ARP and ND probes that come in on the device are
	 * handed to host_probe_frame(), or no more. Nothing else is. */
	void (*probe_join)(struct world *world, int ifindex, const struct probe_address *targets,
			   size_t n);
	void (*probe_leave)(struct world *world, int ifindex);

	/* Asks how many frames the device has received with an error; the answer comes by
	 * host_member_errors(). */
	void (*errors_ask)(struct world *world, int ifindex);

	/* The IP addresses of the device and of those above it (bridges, VLAN devices, …), as they
	 * are known now; returns how many, at most 'n'. */
	size_t (*addresses)(struct world *world, int ifindex, struct host_address *addresses,
			    size_t n);

	/* Calls 'each' for every address that is known in the forwarding databases of the bridges
	 * that use the device. Later news come by host_neighbour_changed(), also of bridges that
	 * begin or cease to use it, until the device goes. */
	void (*neighbours)(struct world *world, int ifindex,
			   void (*each)(void *userdata, const struct host_neighbour *neighbour),
			   void *userdata);

	/* Writes the host's identity to its file, later. 'text' is the callee's to free. */
	void (*save_identity)(struct world *world, char *text);

	/* Fills in what the host does not know itself. */
	void (*fill_status)(struct world *world, struct host_status *status);
};

struct world {
	const struct world_ops *ops;
};
