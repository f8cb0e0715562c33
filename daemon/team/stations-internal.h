/* What a team keeps of the addresses behind its device; NULL in teams that have no use for it. */
#pragma once

#include "daemon/core/announce.h"
#include "daemon/core/stations.h"
#include "daemon/team/team-internal.h"

/* The host's IP addresses that are reached by a team; what is beyond is not announced. */
#define ANNOUNCER_ADDRESSES 256

struct team_stations {
	struct stations *core;
	struct announce *announce;
	bool begun; /* The members as they are now were seen. */
	nsec_t put_failure_told;
	bool put_failed;
	bool some_gone; /* From a bridge, since the last sweep. */
	uint64_t refused_at_sweep;
	/* Of this turn; they are asked for when the first is needed. */
	bool addresses_known;
	size_t n_addresses;
	struct host_address addresses[ANNOUNCER_ADDRESSES];
};

/* announcer.c: what the switches hear. */

/* A station is on another member from now on: it in each of its VLANs, and the host's IP addresses
 * that are its own. */
void announcer_moved(struct team *team, const struct stations_action *action);
/* The team's own addresses are. */
void announcer_primary(struct team *team, uint8_t slot);
/* Once more, for the switches' memory. */
void announcer_refresh(struct team *team, const struct stations_action *action);
void announcer_refresh_own(struct team *team, uint8_t slot);
/* Sends what is due. */
void announcer_send(struct team *team);
