#include "daemon/config/config.h"

#include "daemon/config/schema.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

void config_free(struct config *config)
{
	if (!config)
		return;
	free(config->teams);
	free(config);
}

void config_team_init(struct config_team *team, const char *name)
{
	memset(team, 0, sizeof(*team));
	schema_defaults(&schema_team, team);
	memcpy(team->name, name, strnlen(name, sizeof(team->name) - 1));
}

unsigned config_lacp_effective_max_links(const struct config_team *team)
{
	unsigned regular = 0;

	for (unsigned i = 0; i < team->n_members; i++)
		regular += !team->members[i].standby;
	if (regular == 0)
		regular = 1;
	return team->lacp.max_links < regular ? team->lacp.max_links : regular;
}

const char *config_address_text(const struct config_address *address,
				char text[static CONFIG_ADDRESS_TEXT_SIZE])
{
	return inet_ntop(address->v6 ? AF_INET6 : AF_INET, address->bytes, text,
			 CONFIG_ADDRESS_TEXT_SIZE);
}

static bool same_monitor(const struct config_monitor *a, const struct config_monitor *b)
{
	return a->type == b->type && a->n_targets == b->n_targets &&
	       memcmp(a->targets, b->targets, a->n_targets * sizeof(*a->targets)) == 0 &&
	       a->interval_ms == b->interval_ms && a->missed_max == b->missed_max &&
	       a->vlan == b->vlan && a->min_speed_mbps == b->min_speed_mbps &&
	       a->full_duplex == b->full_duplex && a->errors_max == b->errors_max;
}

bool config_same_monitors(const struct config_monitor *a, const struct config_monitor *b,
			  unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!same_monitor(&a[i], &b[i]))
			return false;
	return true;
}
