/* Whole Ethernet frames out of any device, and the answers to probes that come in on some. Both are
 * the main thread's and never wait.
 *
 * Answers are taken by a socket for each device that was joined, bound to it and to all protocols:
 * so it sees frames before the datapath's programs and the kernel's team driver do, and devices
 * that were not joined pay nothing. A program at the sockets lets pass only answers to the device's
 * own address, of the targets that were named (ARP replies, solicited neighbour advertisements), of
 * each target at most FRAME_SOCKET_LIMIT a second: neither other ARP traffic nor a flood of it
 * wakes the daemon or crowds an answer out. */
#pragma once

#include "lib/base/err.h"
#include "lib/base/span.h"
#include "lib/wire/probe.h"

#include <stddef.h>
#include <stdint.h>

#define FRAME_SOCKET_LIMIT 512

struct frame_socket;

/* 'frame' begins with its destination; a tag of 802.1Q is in it, as it was on the cable. */
typedef void frame_received(void *userdata, int ifindex, struct span frame);

int frame_socket_open(struct frame_socket **ret, struct err *e);
void frame_socket_close(struct frame_socket *socket);

/* Readable when there is something to receive. */
int frame_socket_fd(const struct frame_socket *socket);

/* Reads what is there, at most 64 frames of each of 64 devices. */
void frame_socket_receive(struct frame_socket *socket, frame_received *received, void *userdata);

/* Sends the frame as it is. 0 or a negative errno: -EAGAIN and -ENOBUFS when a queue is full,
 * -ENETDOWN when the device is down, -ENXIO when there is none. */
int frame_socket_send(struct frame_socket *socket, int ifindex, struct span frame);

/* From now on answers of these targets, at most PROBE_TARGETS_MAX, are received on the device.
 * Joins anew with other targets. */
int frame_socket_join(struct frame_socket *socket, int ifindex, const struct probe_address *targets,
		      size_t n, struct err *e);

/* Returns a descriptor that the caller has to close, which takes the kernel some milliseconds; -1:
 * there is none. */
int frame_socket_leave(struct frame_socket *socket, int ifindex);

/* How many answers of targets on the device were dropped as too many. */
uint64_t frame_socket_limited(const struct frame_socket *socket, int ifindex);
