/* What the team driver's options are and what they should be. PURE.
 *
 * The kernel sends a bucket into the port that it is mapped to without a look at that port's link;
 * so a member that may not carry is disabled there. A port that is disabled neither sends nor
 * receives, and the kernel forgets the buckets that were mapped to it: until they are mapped anew,
 * their frames go to one of the enabled ports.
 *
 * Newer kernels enable the two directions apart. On all others a member that may receive and not
 * send is enabled, and no bucket is mapped to it. */
#pragma once

#include "daemon/core/placement.h"
#include "daemon/kernel/team-genl.h"

#include <stdbool.h>
#include <stdint.h>

/* More than our own members: somebody else may have put more into the device. */
#define DP_TEAM_PORTS (2 * PLACEMENT_MEMBERS)

/* Each port's options, and the buckets. */
#define DP_TEAM_CHANGES (6 * DP_TEAM_PORTS + PLACEMENT_BUCKETS)

#define DP_TEAM_NO_SLOT PLACEMENT_NONE

/* The transmit queue of a member; the first of all is for frames that nobody has steered. */
#define DP_TEAM_QUEUE(slot) ((slot) + 1)

/* How a member was found, to set it back so, and its slot: all in the port's option "priority",
 * which the kernel keeps as long as the port, and heeds only for ports that share a queue_id. */
struct dp_team_mark {
	unsigned slot;
	bool was_up;
	bool has_addr_gen_mode;
	uint8_t addr_gen_mode; /* At most 15. */
};

int32_t dp_team_mark_encode(const struct dp_team_mark *mark);

/* false if it is none of ours. */
bool dp_team_mark_decode(int32_t priority, struct dp_team_mark *ret);

struct dp_team_port {
	int ifindex;
	bool decoupled; /* The kernel knows rx_enabled and tx_enabled. */
	bool enabled;
	bool rx_enabled;
	bool tx_enabled;
	bool overridden; /* For the team's carrier "linkup" counts, and not its link. */
	bool linkup;
	int32_t priority;
	uint32_t queue; /* Frames of this transmit queue go to the port; 0: of none. */
};

/* What the kernel has. */
struct dp_team_options {
	unsigned n_ports;
	struct dp_team_port ports[DP_TEAM_PORTS];
	uint32_t buckets[PLACEMENT_BUCKETS]; /* ifindexes, 0: none. */
	bool other_method;                   /* Buckets have no ports of their own, … */
	bool other_hash;                     /* … or are told by another program. */
};

/* What it should have. */
struct dp_team_wish {
	int ifindexes[PLACEMENT_MEMBERS]; /* 0: no port in this slot. */
	int32_t marks[PLACEMENT_MEMBERS];
	member_set may_send;
	member_set may_receive;
	member_set carrier;
	bool team_carrier;
	/* Our eBPF programs decide on each frame, whether it comes in and on which port it leaves:
	 * all ports are enabled, and each has a transmit queue. */
	bool steered;
	struct placement_plan plan;
};

/* Takes in one option as it was read; 'hash' is the program that should be there. */
void dp_team_options_take(struct dp_team_options *options, const struct team_option *option,
			  struct span hash);

/* Whether the option is what 'options' has, or none that they hold. */
bool dp_team_options_agree(const struct dp_team_options *options, const struct team_option *option,
			   struct span hash);

struct dp_team_changes {
	unsigned n;
	/* The first so many take members out of use: a message of their own, as every frame that a
	 * dead link still gets is lost. */
	unsigned n_urgent;
	struct team_option options[DP_TEAM_CHANGES];
};

/* What has to be set, in this order. */
void dp_team_changes_make(const struct dp_team_options *options, const struct dp_team_wish *wish,
			  struct dp_team_changes *ret);

/* Takes in a change that was made, with what the kernel does beside it. */
void dp_team_options_made(struct dp_team_options *options, const struct team_option *change);

const struct dp_team_port *dp_team_port_find(const struct dp_team_options *options, int ifindex);

/* The wish that 'options' fulfil, as a former daemon left them. A port without a mark of ours, or
 * with the slot of another, gets a free one. */
void dp_team_wish_adopt(const struct dp_team_options *options, struct dp_team_wish *ret);

/* The slot of the device, or DP_TEAM_NO_SLOT. */
unsigned dp_team_wish_slot(const struct dp_team_wish *wish, int ifindex);
