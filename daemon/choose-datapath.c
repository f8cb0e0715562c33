#include "daemon/choose-datapath.h"

#include <stdio.h>
#include <string.h>

#define THERE "the team's device was made by it"

static void copy(char why[static DATAPATH_WHY_SIZE], const char *reason)
{
	(void)snprintf(why, DATAPATH_WHY_SIZE, "%s", reason);
}

/* What somebody insists on, or is there, is taken or nothing is: the other one would be a surprise,
 * and could not take over the device. */
static const char *insist(const struct config_team *config, const char *datapath,
			  char why[static DATAPATH_WHY_SIZE], const char *reason)
{
	char refusal[CONFIG_REFUSAL_SIZE];

	if (!config_datapath_refuses(config, datapath, refusal)) {
		copy(why, reason);
		return datapath;
	}
	if (strcmp(reason, THERE) == 0)
		(void)snprintf(why, DATAPATH_WHY_SIZE,
			       "%s; it made the device: \"ip link delete %s\" makes room", refusal,
			       config->name);
	else
		copy(why, refusal);
	return NULL;
}

static const char *choose_freely(const struct config_team *config,
				 const struct datapath_facts *facts,
				 char why[static DATAPATH_WHY_SIZE])
{
	char refusal[CONFIG_REFUSAL_SIZE];

	if (config_datapath_refuses(config, "team", refusal))
		return insist(config, "bpf", why, refusal);
	if (!facts->team_is_possible(facts->userdata))
		return insist(config, "bpf", why, "the kernel has no team driver");
	copy(why, "the kernel has the team driver, which can do all that the configuration asks "
		  "for");
	return "team";
}

const char *choose_datapath(const struct config_team *config, const struct datapath_facts *facts,
			    char why[static DATAPATH_WHY_SIZE])
{
	if (facts->asked)
		return insist(config, facts->asked, why, "it was asked for on the command line");
	if (strcmp(config->datapath, "auto") != 0)
		return insist(config, config->datapath, why, "the configuration asks for it");
	if (facts->there)
		return insist(config, facts->there, why, THERE);
	return choose_freely(config, facts, why);
}
