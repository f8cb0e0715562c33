/* Moves buckets by their measured load, where no datapath can choose for each flowlet. PURE.
 *
 * Each round compares what each member was given since the last one with its share by weight, and
 * proposes a few moves from the member that has most for its weight to the one that has least. Each
 * move makes the worse of the two better; none is proposed for what would hardly be felt, nor for a
 * bucket that has moved a short while ago: each move costs a hold. */
#pragma once

#include "daemon/core/placement.h"

#include <stdbool.h>
#include <stdint.h>

/* How many buckets move in one round. */
#define BALANCE_MOVES_MAX 8
/* Who has no more than this above the mean for its weight (in percent) is left alone, … */
#define BALANCE_TOLERANCE 5
/* … and so is everybody if less than this was sent since the last round. */
#define BALANCE_LOAD_MIN 1000
/* For so many rounds a bucket that has moved stays. */
#define BALANCE_REST 6

struct balance {
	bool begun;
	uint64_t counters[PLACEMENT_BUCKETS];
	uint64_t loads[PLACEMENT_BUCKETS]; /* Of one round, the last ones counting most. */
	uint8_t rests[PLACEMENT_BUCKETS];  /* For how many rounds more. */
};

struct balance_input {
	uint64_t counters[PLACEMENT_BUCKETS]; /* Sent by each so far. */
	uint8_t carriers[PLACEMENT_BUCKETS];  /* Slots; PLACEMENT_NONE: nobody. */
	member_set fit;
	uint32_t weights[PLACEMENT_MEMBERS]; /* Of those that are fit above 0. */
};

struct balance_move {
	uint8_t bucket;
	uint8_t slot;
};

void balance_init(struct balance *balance);

/* One round; returns how many moves it proposes. The first one measures only. */
unsigned balance_round(struct balance *balance, const struct balance_input *input,
		       struct balance_move moves[static BALANCE_MOVES_MAX]);
