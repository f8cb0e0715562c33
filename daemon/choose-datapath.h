/* Which datapath a team gets, from what is wanted, what is there and what the kernel has. PURE but
 * for the question that it may ask. */
#pragma once

#include "daemon/config/config.h"

struct datapath_facts {
	const char
		*asked; /* For all teams, on the command line; NULL: as the configuration says. */
	const char *there; /* That of the team's device, if there is one already; else NULL. */
	bool (*team_is_possible)(void *userdata); /* Whether the kernel has the team driver. */
	void *userdata;
};

/* "bpf" or "team"; NULL where that would be one which cannot do what the configuration asks for.
 * 'why' tells the reason in either case. */
#define DATAPATH_WHY_SIZE 256
const char *choose_datapath(const struct config_team *config, const struct datapath_facts *facts,
			    char why[static DATAPATH_WHY_SIZE]);
