/* What is beyond the cables of a fake world: hosts that answer ARP and ND, by any link whose cable
 * is in and whose way is alive, in the same instant. */
#pragma once

#include "lib/base/span.h"
#include "lib/wire/probe.h"

#include <stdbool.h>

#define FAKE_HOSTS 4
#define FAKE_ANSWERS 256

struct fake_world;

struct fake_host {
	struct probe_address address;
	struct probe_address claims; /* Whom it says to be; zero: who it is. */
	uint16_t vlan;
	bool silent;
};

struct fake_answer {
	int ifindex;
	size_t size;
	uint8_t frame[PROBE_FRAME_MAX];
};

struct fake_network {
	unsigned n_hosts;
	struct fake_host hosts[FAKE_HOSTS];
	unsigned n_answers; /* Under way. */
	struct fake_answer answers[FAKE_ANSWERS];
};

/* Writes what the host at 'who' answers to a question of 'asker' and returns its size. */
size_t fake_answer_build(const struct probe_address *who, const struct mac *asker, uint16_t vlan,
			 uint8_t frame[static PROBE_FRAME_MAX]);

/* A frame was sent on the link. */
void fake_network_take(struct fake_world *world, int ifindex, struct span frame);

/* What is under way arrives; returns how many frames. */
unsigned fake_network_deliver(struct fake_world *world);
