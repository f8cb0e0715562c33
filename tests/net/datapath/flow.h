/* Frames of flows, made header by header. */
#pragma once

#include "lib/wire/ether.h"

#include <stddef.h>
#include <stdint.h>

#define FLOW_FRAME_SIZE 256
#define FLOW_MAX_EXTENSIONS 9

enum flow_fragment {
	FLOW_WHOLE,
	FLOW_FIRST,
	FLOW_LATER,
};

struct flow {
	unsigned n_tags;   /* VLAN tags in the frame. */
	uint16_t protocol; /* Ethertype; 0: what 'version' says. */
	unsigned version;  /* 4 or 6. */
	uint32_t source;   /* Last part of the address. */
	uint32_t destination;
	uint8_t transport; /* IPPROTO_… */
	uint16_t source_port;
	uint16_t destination_port;
	uint8_t source_mac; /* Last octet. */
	uint8_t destination_mac;
	unsigned ip_options; /* IPv4: words of them. */
	unsigned n_extensions;
	uint8_t extensions[FLOW_MAX_EXTENSIONS]; /* IPv6, in order. */
	enum flow_fragment fragment;
	size_t cut; /* Octets that lack at the end. */
};

/* Returns the frame's size. */
size_t flow_frame(const struct flow *flow, uint8_t bytes[static FLOW_FRAME_SIZE]);

/* The same flow in the other direction. */
struct flow flow_back(const struct flow *flow);
