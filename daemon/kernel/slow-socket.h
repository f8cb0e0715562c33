/* One packet socket for the slow-protocol frames of all members, bound to no device; and one for
 * each member of a kernel's team device, as the kernel shows those frames only to sockets that are
 * bound to the member. A program at the sockets lets pass only members' frames, at most
 * SLOW_SOCKET_LIMIT a second of each, so that a partner that floods one member does not crowd out
 * the others. Frames are sent and received by the main thread and never wait. */
#pragma once

#include "lib/base/err.h"
#include "lib/base/span.h"
#include "lib/wire/ether.h"

#include <stdbool.h>
#include <stdint.h>

/* A partner may send ten slow-protocol frames a second (IEEE 802.3 annex 57A); as many again for
 * one that counts its second from another instant, and some for what is not LACP. Twenty may come
 * at once, and twelve a second in the long run. */
#define SLOW_SOCKET_LIMIT 32

struct slow_frame {
	int ifindex;
	struct mac destination;
	struct mac source;
	/* Came with the tag of a VLAN. A tag of VLAN 0, which only has a priority, the kernel takes
	 * off without a trace; a VLAN for which the host has an interface takes its frames away. */
	bool tagged;
	struct span payload; /* From the subtype octet on. */
};

typedef void slow_received(void *userdata, const struct slow_frame *frame);

struct slow_socket;

int slow_socket_open(struct slow_socket **ret, struct err *e);
void slow_socket_close(struct slow_socket *socket);

/* Readable when there is something to receive, on whichever of the sockets. */
int slow_socket_fd(const struct slow_socket *socket);

/* Reads what is there, in batches, at most 256 frames. */
void slow_socket_receive(struct slow_socket *socket, slow_received *received, void *userdata);

/* Sends a frame to mac_slow_protocols out of 'ifindex', untagged, with 'source' as source address
 * and priority 7. 0 or a negative errno; -EAGAIN and -ENOBUFS when the device's queue is full. */
int slow_socket_send(struct slow_socket *socket, int ifindex, const struct mac *source,
		     struct span payload);

/* May sleep (joins the group address on the device, which takes the rtnl lock): for the worker. */
int slow_socket_join(struct slow_socket *socket, int ifindex, struct err *e);

/* The same for a device that belongs to a team of the kernel's: by a socket of its own. */
int slow_socket_join_bound(struct slow_socket *socket, int ifindex, struct err *e);
void slow_socket_leave(struct slow_socket *socket, int ifindex);

/* How many frames of the member were dropped as too many. */
uint64_t slow_socket_limited(const struct slow_socket *socket, int ifindex);
