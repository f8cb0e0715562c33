/* Frames with numbers, sent and counted. */
#pragma once

#include "lib/wire/ether.h"

#include <net/if.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define TRAFFIC_MAX_FRAMES 65536
#define TRAFFIC_MAX_SOCKETS 8

struct traffic_frame {
	struct mac destination; /* 0: broadcast. */
	struct mac source;      /* 0: 02:00:00:00:01:01 */
	uint16_t ethertype;     /* 0: UDP over IPv4, … */
	uint16_t vlan;          /* … 0: untagged, … */
	uint16_t flow;          /* … the source port. */
	uint32_t number;
	uint32_t size; /* Of the frame; 0: as small as may be. */
	bool lossy;    /* What the kernel says it has dropped is not sent again. */
};

/* A packet socket in 'namespace' on 'device' that sees frames of 'ethertype' (0: all). */
int traffic_socket(int namespace, const char *device, uint16_t ethertype);
void traffic_send(int socket, const struct traffic_frame *frame);

struct traffic_seen {
	unsigned n;      /* Frames of ours, … */
	unsigned n_out;  /* … of these seen on their way out. */
	uint32_t number; /* The last one's. */
	uint32_t size;   /* The largest one's. */
	uint16_t vlan;   /* The last one's tag, 0: none. */
	uint16_t flows[TRAFFIC_MAX_FRAMES / 256];
};

/* Takes what is there. Adds to *seen. */
void traffic_take(int socket, struct traffic_seen *seen);

/* Waits until 'n' frames of ours were seen, or two seconds have passed without one. */
void traffic_await(int socket, unsigned n, struct traffic_seen *seen);

/* A stream of frames in the background. */
struct traffic_stream {
	/* Given: */
	int from;
	int to[TRAFFIC_MAX_SOCKETS];
	unsigned n_to;
	uint32_t n_frames;
	uint32_t interval_us;
	uint16_t n_flows;
	/* Result: */
	uint8_t seen[TRAFFIC_MAX_FRAMES];
	uint32_t n_lost;
	uint32_t n_doubled;
	uint32_t n_sent; /* So far; atomic. */
	/* Inner. */
	pthread_t sender;
	pthread_t receiver;
	bool sender_done;
};

void traffic_stream_start(struct traffic_stream *stream);

/* Waits until 'n' frames have been sent. */
void traffic_stream_await(struct traffic_stream *stream, uint32_t n);
void traffic_stream_finish(struct traffic_stream *stream);
