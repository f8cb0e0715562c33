/* The addresses behind a team device: which member each is on, and that the switches hear of it. */
#include "daemon/team/lifecycle.h"
#include "daemon/team/team-internal.h"

int team_stations_init(struct team *team)
{
	return 0;
}

void team_stations_fini(struct team *team)
{
}

void team_stations_opened(struct team *team)
{
}

void team_stations_settle(struct team *team, const uint32_t weights[static PLACEMENT_MEMBERS])
{
}

void team_stations_tick(struct team *team, nsec_t now)
{
}

nsec_t team_stations_deadline(const struct team *team)
{
	return NSEC_NEVER;
}

void team_neighbour_changed(struct team *team, const struct host_neighbour *neighbour)
{
}

bool team_station_news(struct team *team, int ifindex, const struct datapath_station_news *news)
{
	return ifindex == team->ifindex;
}
