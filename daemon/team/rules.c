/* What of the configuration the datapath has to follow for each frame. */
#include "daemon/team/team-internal.h"

struct datapath_rules team_rules(const struct team *team)
{
	const struct config_team *config = &team->config;
	bool independent = config->mode == CONFIG_MODE_INDEPENDENT;
	bool dynamic = config->balance == CONFIG_BALANCE_DYNAMIC;
	bool homes = config->balance == CONFIG_BALANCE_VM_PORT || (dynamic && independent);

	return (struct datapath_rules){
		.hash_inner = config->hash_inner,
		.learn = homes || independent,
		.homes = homes,
		.flowlets = dynamic,
		.independent = independent,
		.flowlet_gap_us = config->flowlet_gap_us,
		.direct = config->transmit_direct,
	};
}
