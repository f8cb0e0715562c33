/* What is known of switch ports that speak LACP to a team that does not: a mistake in one of the
 * two configurations, of which somebody has to be told once. PURE; a struct lacp_neighbours owns
 * nothing. */
#pragma once

#include "daemon/core/lacp/lacp.h"
#include "lib/base/nsec.h"
#include "lib/base/span.h"

#include <stdbool.h>
#include <stdint.h>

#define LACP_NEIGHBOURS_MAX 32

/* How long a port is taken for one that speaks LACP after the last LACPDU: LACP's long timeout. */
#define LACP_NEIGHBOUR_PATIENCE (90 * NSEC_PER_SEC)

struct lacp_neighbour {
	bool known;
	struct lacp_info info;  /* What the other end's last LACPDU said of it, … */
	nsec_t forget_due;      /* … and when that is forgotten. */
	struct lacp_info noted; /* The end that was told of last; no system: none was. */
};

struct lacp_neighbours {
	struct lacp_neighbour ports[LACP_NEIGHBOURS_MAX];
	uint32_t changed;
	uint32_t notes;
};

/* A change at one port. */
struct lacp_neighbour_news {
	unsigned slot;
	bool note; /* It is one that was not told of on this port before. */
};

void lacp_neighbours_init(struct lacp_neighbours *neighbours);

/* Another end may come: the link was lost. */
void lacp_neighbours_lose(struct lacp_neighbours *neighbours, unsigned slot);

/* The port is another one from now on; there is no news of the old one any more. */
void lacp_neighbours_drop(struct lacp_neighbours *neighbours, unsigned slot);

/* A slow-protocol frame's payload, from the subtype octet on. Only well-formed LACPDUs count. */
void lacp_neighbours_receive(struct lacp_neighbours *neighbours, unsigned slot, struct span payload,
			     nsec_t now);

/* Lets time pass: ends that have fallen silent are forgotten. */
void lacp_neighbours_tick(struct lacp_neighbours *neighbours, nsec_t now);
nsec_t lacp_neighbours_deadline(const struct lacp_neighbours *neighbours);

/* Takes the next piece of news; false when there is none. A change comes before its note. */
bool lacp_neighbours_next(struct lacp_neighbours *neighbours, struct lacp_neighbour_news *news);
