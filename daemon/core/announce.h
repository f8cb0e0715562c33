/* What the switches have to hear of addresses that moved: which frame is due when. PURE, as
 * core/stations.h; all memory is got at creation.
 *
 * An announcement is made at once and then repeated, as a frame may be lost, or the switch not be
 * ready, just when links change. Of the same address the newest place wins. */
#pragma once

#include "lib/base/nsec.h"
#include "lib/wire/ether.h"

#include <stdbool.h>
#include <stdint.h>

#define ANNOUNCE_MAX 4096 /* Under way at once. */

/* So many leave at once, then one each ANNOUNCE_COST. 256 are all addresses of most hosts, and take
 * the main loop less than a millisecond; they and a thousand a second are below what a switch's
 * storm control lets pass, which has to be expected as these frames are broadcast. */
#define ANNOUNCE_BURST 256
#define ANNOUNCE_COST NSEC_PER_MS
/* Once the burst is used up so many are waited for: 125 times a second is often enough awake. */
#define ANNOUNCE_BATCH 8

enum announce_kind {
	ANNOUNCE_MAC, /* By a frame of its own source address. */
	ANNOUNCE_IPV4,
	ANNOUNCE_IPV6,
};

struct announcement {
	enum announce_kind kind;
	struct mac mac;
	uint16_t vlan; /* 0: untagged */
	uint8_t slot;  /* The member on which it is sent. */
	bool router;   /* IPV6: the address is of one. */
	uint8_t ip[16];
};

struct announce;

/* Each is sent 'count' times, one 'interval' after the other; none at all if it is 0. NULL without
 * memory. */
struct announce *announce_new(unsigned count, nsec_t interval);
void announce_free(struct announce *announce);
void announce_set(struct announce *announce, unsigned count, nsec_t interval);

/* Begins with it, or begins anew. */
void announce_add(struct announce *announce, const struct announcement *announcement, nsec_t now);

/* To be sent once, when nothing else is due; of no effect for one that is under way. */
void announce_refresh(struct announce *announce, const struct announcement *announcement,
		      nsec_t now);

/* The address is not ours any more: nothing is said of it from now on. */
void announce_cancel(struct announce *announce, const struct mac *mac);

/* The next one that is due; false if there is none now. */
bool announce_next(struct announce *announce, nsec_t now, struct announcement *announcement);
nsec_t announce_deadline(const struct announce *announce);

/* How many had no room. */
uint64_t announce_n_dropped(const struct announce *announce);
