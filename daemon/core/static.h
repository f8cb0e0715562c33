/* A static aggregation of one team (802.1AX without LACP): up to 32 ports, each of which carries
 * when its link is up, as nobody can say anything else. PURE, with inputs, actions and a deadline
 * as core/lacp/lacp.h has them: static_lag_next_action() until it has none after each input, then
 * static_lag_deadline(). A struct static_lag owns nothing. */
#pragma once

#include "daemon/core/lacp-neighbour.h"
#include "lib/base/nsec.h"
#include "lib/base/span.h"

#include <stdbool.h>
#include <stdint.h>

#define STATIC_PORTS_MAX 32

struct static_port {
	bool exists;
	bool link_up;
	bool carries; /* Collects and distributes, where it has a link. */
};

enum static_action_type {
	STATIC_ACTION_PORT,    /* 'carries' is now this. */
	STATIC_ACTION_PARTNER, /* What is known of a partner that speaks LACP is another … */
	STATIC_ACTION_NOTE,    /* … and it is one that was not told of on this port before. */
};

struct static_action {
	enum static_action_type type;
	unsigned slot;
	bool carries;
};

struct static_lag {
	struct static_port ports[STATIC_PORTS_MAX];
	bool keeps; /* A port that carried goes on to be one that may while its link is away. */
	uint32_t changed;
	struct lacp_neighbours neighbours; /* Switch ports that speak LACP. */
};

void static_lag_init(struct static_lag *lag, bool keeps);

/* From now on ports whose link is away keep their place, or no more. */
void static_lag_keep(struct static_lag *lag, bool keeps);

/* Adds a port, its link down. 'carried': one that carried before, under another process. */
void static_lag_port_add(struct static_lag *lag, unsigned slot, bool carried);
void static_lag_port_remove(struct static_lag *lag, unsigned slot);

/* The port's link. With another end of it another partner may come. */
void static_lag_port_link(struct static_lag *lag, unsigned slot, bool up);

/* A slow-protocol frame's payload, from the subtype octet on. Only well-formed LACPDUs count. */
void static_lag_receive(struct static_lag *lag, unsigned slot, struct span payload, nsec_t now);

/* Lets time pass: partners that have fallen silent are forgotten. */
void static_lag_tick(struct static_lag *lag, nsec_t now);
nsec_t static_lag_deadline(const struct static_lag *lag);

/* Takes the next action; false when there is none. Traffic comes first. */
bool static_lag_next_action(struct static_lag *lag, struct static_action *action);
