/* How much of the traffic each member is to carry in relation to the others. */
#include "daemon/host/world.h"
#include "daemon/team/team-internal.h"

/* A link that is away has no speed, for many drivers; nor is its share another one because it is
 * away. */
static void note_speed(struct team *team, const struct member *member)
{
	if (member->carrier && member->settings_known)
		team->speeds[member->slot] = member->speed_mbps;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a && (!b || a < b) ? a : b;
}

/* Who does not tell its speed is taken for as slow as the slowest of those that do. */
void team_weights(struct team *team, uint32_t weights[static PLACEMENT_MEMBERS])
{
	member_set present = 0;
	uint32_t least = 0;

	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		weights[slot] = 0;
	for (unsigned i = 0; i < team->n_members; i++) {
		const struct member *member = &team->members[i];

		if (member->slot >= PLACEMENT_MEMBERS || !member->ifindex)
			continue;
		note_speed(team, member);
		present |= (member_set)1 << member->slot;
		weights[member->slot] = member->config->weight ? member->config->weight
							       : team->speeds[member->slot];
		least = smaller(weights[member->slot], least);
	}
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++) {
		if (!weights[slot])
			weights[slot] = least ? least : 1;
		if (!(present >> slot & 1))
			team->speeds[slot] = 0;
	}
}
