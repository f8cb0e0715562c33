/* Buckets move by what they send, where the datapath cannot choose for each flowlet. */
#include "daemon/team/team-internal.h"

#include <string.h>

bool team_move_by_load(struct team *team)
{
	struct handover *handover = &team->handover;
	struct balance_move moves[BALANCE_MOVES_MAX];
	struct datapath_team_counters counters;
	struct balance_input input;
	bool moved = false;
	unsigned n;

	if (team->device->ops->counters(team->device, &counters, NULL) < 0 ||
	    !counters.buckets_counted)
		return false;
	memcpy(input.counters, counters.bucket_tx_packets, sizeof(input.counters));
	/* What is on hold counts where it is to go. */
	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
		input.carriers[b] = handover_target(handover, b);
	input.fit = handover->fit;
	memcpy(input.weights, handover->weights, sizeof(input.weights));
	n = balance_round(&team->balance, &input, moves);
	for (unsigned i = 0; i < n; i++)
		moved |= handover_move(handover, moves[i].bucket, moves[i].slot, team_now(team));
	return moved;
}
