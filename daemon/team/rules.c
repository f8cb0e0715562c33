/* What of the configuration the datapath has to follow for each frame. */
#include "daemon/team/team-internal.h"

static struct datapath_rules configured_rules(const struct config_team *config)
{
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

static bool can(const struct team *team, const struct datapath_rules *rules)
{
	bool (*ask)(const struct datapath_rules *, const char **);
	const char *why;

	ask = team->datapath ? team->datapath->ops->can : NULL;
	return ask && ask(rules, &why);
}

/* Of a switch-independent team also what comes in is spread by address, which moving buckets cannot
 * stand in for. */
bool team_moves_by_load(const struct team *team)
{
	struct datapath_rules rules = configured_rules(&team->config);

	return team->datapath && rules.flowlets && !rules.independent && !can(team, &rules);
}

struct datapath_rules team_rules(const struct team *team)
{
	struct datapath_rules rules = configured_rules(&team->config);

	if (team_moves_by_load(team))
		rules.flowlets = false;
	return rules;
}
