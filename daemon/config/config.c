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
