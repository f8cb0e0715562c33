/* Traffic as fast as one processor makes it, for what a frame costs: sender and receiver are
 * threads in network namespaces of their own, all on the same processor, so that time is work. */
#pragma once

#include <netinet/in.h>
#include <stdint.h>

#define PUMP_FLOWS_MAX 64

struct pump {
	const char *from; /* Path of the sender's network namespace. */
	const char *to;   /* Of the receiver's. */
	const char *device;
	struct sockaddr_in address; /* The receiver's. */
	unsigned flows;
	uint64_t count; /* Frames, octets or round trips, of all flows together. */
};

/* Moves the calling thread; ends the program with a sentence if that fails. */
void pump_enter(const char *netns);
uint64_t pump_now(void);

/* Each returns how long it took, in ns, or ends the program with a sentence. */
uint64_t pump_udp(const struct pump *pump);
uint64_t pump_tcp(const struct pump *pump);
/* Round trips of an octet over one connection. */
uint64_t pump_round_trips(const struct pump *pump);

/* From now on UDP over IPv4 ends at the ingress of 'device' in 'to': no stack is measured there. */
void pump_drop(const struct pump *pump);
