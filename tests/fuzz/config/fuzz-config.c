/* Any bytes as a file of either kind: right or an error, and what is right must survive being
 * dumped and read again. No file system. */
#include "daemon/config/config.h"
#include "lib/base/cleanup.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_dump(const struct config_team *team)
{
	cleanup(freep) char *text = config_dump_team(team);
	struct config_problems problems;
	struct config *config = NULL;
	struct span span = { (const uint8_t *)text, strlen(text) };

	if (config_parse("dump", span, CONFIG_KIND_TEAMS, &config, &problems) < 0)
		abort();
	if (config_team_fingerprint(&config->teams[0]) != config_team_fingerprint(team))
		abort();
	config_free(config);
}

/* What is asked for and cannot be done is refused while it is read, and told whole. */
static void check_datapath(const struct config_team *team)
{
	char why[CONFIG_REFUSAL_SIZE];

	if (config_datapath_refuses(team, "bpf", why))
		abort();
	if (config_datapath_refuses(team, "team", why) &&
	    (strcmp(team->datapath, "team") == 0 || strlen(why) >= sizeof(why) - 1))
		abort();
}

static void check_problems(const struct config_problems *problems, int r)
{
	if ((r < 0) != (problems->n_errors > 0) || problems->n > CONFIG_PROBLEMS_MAX)
		abort();
	for (unsigned i = 0; i < problems->n; i++) {
		const struct config_problem *problem = &problems->problems[i];

		/* Cut short is a message that says less than it should. */
		if (strlen(problem->text) >= sizeof(problem->text) - 1)
			abort();
		for (const char *at = problem->text; *at; at++)
			if (*at > 0 && *at < ' ')
				abort();
	}
}

static void parse(const uint8_t *bytes, size_t size, enum config_kind kind)
{
	struct config_problems problems;
	struct config *config = NULL;
	int r = config_parse("fuzz", (struct span){ bytes, size }, kind, &config, &problems);

	check_problems(&problems, r);
	for (unsigned i = 0; config && i < config->n_teams; i++) {
		check_dump(&config->teams[i]);
		check_datapath(&config->teams[i]);
	}
	config_free(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	parse(bytes, size, CONFIG_KIND_HOST);
	parse(bytes, size, CONFIG_KIND_TEAMS);
	return 0;
}
