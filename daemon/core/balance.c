#include "daemon/core/balance.h"

#include <string.h>

void balance_init(struct balance *balance)
{
	*balance = (struct balance){};
}

/* A counter that went back belongs to a device that is new: nothing is known of that round. */
static void measure(struct balance *balance, const uint64_t counters[static PLACEMENT_BUCKETS])
{
	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++) {
		uint64_t last = balance->counters[b];
		uint64_t sent = balance->begun && counters[b] > last ? counters[b] - last : 0;

		balance->loads[b] = (balance->loads[b] + sent) / 2;
		balance->counters[b] = counters[b];
		if (balance->rests[b])
			balance->rests[b]--;
	}
}

struct members {
	uint64_t loads[PLACEMENT_MEMBERS];
	uint64_t load;
	uint64_t weight;
};

static struct members add_up(const struct balance *balance, const struct balance_input *input,
			     const uint8_t carriers[static PLACEMENT_BUCKETS])
{
	struct members members = {};

	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++) {
		if (carriers[b] >= PLACEMENT_MEMBERS)
			continue;
		members.loads[carriers[b]] += balance->loads[b];
		members.load += balance->loads[b];
	}
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		members.weight += input->fit >> slot & 1 ? input->weights[slot] : 0;
	return members;
}

static double pressure(const struct members *members, const struct balance_input *input,
		       unsigned slot)
{
	return (double)members->loads[slot] / input->weights[slot];
}

/* The fit members under the most and the least pressure. */
static void find_ends(const struct members *members, const struct balance_input *input,
		      unsigned *most, unsigned *least)
{
	*most = *least = PLACEMENT_NONE;
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++) {
		double p;

		if (!(input->fit >> slot & 1))
			continue;
		p = pressure(members, input, slot);
		if (*most == PLACEMENT_NONE || p > pressure(members, input, *most))
			*most = slot;
		if (*least == PLACEMENT_NONE || p < pressure(members, input, *least))
			*least = slot;
	}
}

static double larger(double a, double b)
{
	return a > b ? a : b;
}

/* The bucket of 'from' that leaves the worse of the two best; PLACEMENT_BUCKETS: none does. */
static unsigned find_bucket(const struct balance *balance, const struct balance_input *input,
			    const struct members *members,
			    const uint8_t carriers[static PLACEMENT_BUCKETS], unsigned from,
			    unsigned to)
{
	double best = pressure(members, input, from);
	unsigned found = PLACEMENT_BUCKETS;

	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++) {
		uint64_t load = balance->loads[b];
		double worse;

		if (carriers[b] != from || !load || balance->rests[b])
			continue;
		worse = larger((double)(members->loads[from] - load) / input->weights[from],
			       (double)(members->loads[to] + load) / input->weights[to]);
		if (worse < best) {
			best = worse;
			found = b;
		}
	}
	return found;
}

static bool is_felt(const struct members *members, const struct balance_input *input, unsigned most)
{
	double mean = (double)members->load / (double)members->weight;

	return pressure(members, input, most) > mean * (100 + BALANCE_TOLERANCE) / 100;
}

unsigned balance_round(struct balance *balance, const struct balance_input *input,
		       struct balance_move moves[static BALANCE_MOVES_MAX])
{
	uint8_t carriers[PLACEMENT_BUCKETS];
	unsigned n = 0;

	measure(balance, input->counters);
	if (!balance->begun) {
		balance->begun = true;
		return 0;
	}
	memcpy(carriers, input->carriers, sizeof(carriers));
	while (n < BALANCE_MOVES_MAX) {
		struct members members = add_up(balance, input, carriers);
		unsigned most, least, bucket;

		find_ends(&members, input, &most, &least);
		if (most == least || members.load < BALANCE_LOAD_MIN ||
		    !is_felt(&members, input, most))
			break;
		bucket = find_bucket(balance, input, &members, carriers, most, least);
		if (bucket == PLACEMENT_BUCKETS)
			break;
		carriers[bucket] = (uint8_t)least;
		balance->rests[bucket] = BALANCE_REST;
		moves[n++] = (struct balance_move){ (uint8_t)bucket, (uint8_t)least };
	}
	return n;
}
