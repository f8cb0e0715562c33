#include "daemon/config/parse.h"

#include "daemon/config/check.h"
#include "daemon/config/guard.h"
#include "daemon/config/read.h"
#include "lib/base/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct place *places_at(const struct places *places, const struct config_team *team,
			      const void *field)
{
	uint32_t offset = (uint32_t)((const char *)field - (const char *)team);

	for (unsigned i = 0; i < places->n; i++)
		if (places->places[i].offset == offset &&
		    places->places[i].key->type != SCHEMA_GROUP)
			return &places->places[i];
	return NULL;
}

unsigned places_find(const struct places *places, const struct config_team *team, const void *field)
{
	const struct place *place = places_at(places, team, field);

	return place ? place->line : 0;
}

int batch_init(struct batch *batch)
{
	*batch = (struct batch){ .config = calloc(1, sizeof(*batch->config)) };
	if (!batch->config)
		return -ENOMEM;
	schema_defaults(&schema_host, batch->config);
	return 0;
}

void batch_fini(struct batch *batch)
{
	config_free(batch->config);
	free(batch->places);
	*batch = (struct batch){};
}

/* Room for one more team, with its places. */
static int batch_grow(struct batch *batch)
{
	struct config *config = batch->config;
	size_t n = config->n_teams + 1;
	struct config_team *teams = reallocarray(config->teams, n, sizeof(*teams));
	struct places *places;

	if (!teams)
		return -ENOMEM;
	config->teams = teams;
	places = reallocarray(batch->places, n, sizeof(*places));
	if (!places)
		return -ENOMEM;
	batch->places = places;
	return 0;
}

/* A standby member that has no priority of its own comes after all others. */
static void default_priorities(struct config_team *team, const struct places *places)
{
	for (unsigned i = 0; i < team->n_members; i++) {
		struct config_member *member = &team->members[i];

		if (member->standby && !places_find(places, team, &member->priority))
			member->priority = CONFIG_PRIORITY_STANDBY;
	}
}

/* Only a team that is right in itself joins the batch: what was misread would make the checks
 * against the others say things that are not so. */
static int parse_team(struct batch *batch, const struct report *report,
		      const config_setting_t *group)
{
	unsigned errors = report->problems->n_errors;
	struct config *config = batch->config;
	struct config_team *team;
	struct places *places;
	struct reader reader;
	int r = batch_grow(batch);

	if (r < 0)
		return r;
	team = &config->teams[config->n_teams];
	places = &batch->places[config->n_teams];
	config_team_init(team, "");
	places->n = 0;
	team->line = config_setting_source_line(group);
	copy_path(team->file, report->file);
	reader = (struct reader){
		.report = report,
		.team = team,
		.places = places,
		.context = schema_nowhere(),
	};
	read_section(&reader, group, &schema_team, team);
	default_priorities(team, places);
	if (report->problems->n_errors == errors)
		check_team(batch, team, places, report);
	if (report->problems->n_errors > errors)
		return 0;
	if (config->n_teams == CONFIG_TEAMS_MAX) {
		report_error(report, team->line, "more than %u teams", CONFIG_TEAMS_MAX);
		return 0;
	}
	config->n_teams++;
	check_against_others(batch, report);
	return 0;
}

static int parse_teams(struct batch *batch, const struct report *report,
		       const config_setting_t *list)
{
	unsigned n = (unsigned)config_setting_length(list);
	char found[FOUND_SIZE];
	int r = 0;

	for (unsigned i = 0; i < n && r == 0; i++) {
		const config_setting_t *team = config_setting_get_elem(list, i);

		if (config_setting_type(team) == CONFIG_TYPE_GROUP)
			r = parse_team(batch, report, team);
		else
			report_error(report, config_setting_source_line(team),
				     "team %u is %s: expected a group: { name = …; }", i + 1,
				     read_found(team, found));
	}
	return r;
}

static int parse_root_key(struct batch *batch, const struct report *report,
			  const config_setting_t *setting)
{
	const struct schema_key *key = schema_find(&schema_root, config_setting_name(setting));
	int type = config_setting_type(setting);
	char expected[SCHEMA_TEXT_SIZE];
	char found[FOUND_SIZE];

	if (!key) {
		read_unknown(report, "", setting, &schema_root);
		return 0;
	}
	if (key->type == SCHEMA_GROUP && type == CONFIG_TYPE_GROUP)
		return parse_team(batch, report, setting);
	if (key->type == SCHEMA_LIST && type == CONFIG_TYPE_LIST)
		return parse_teams(batch, report, setting);
	report_error(report, config_setting_source_line(setting), "%s is %s: expected %s",
		     key->name, read_found(setting, found), schema_expected(key, expected));
	return 0;
}

static int parse_team_file(struct batch *batch, const struct report *report,
			   const config_setting_t *root)
{
	const config_setting_t *team = config_setting_get_member(root, "team");
	const config_setting_t *teams = config_setting_get_member(root, "teams");
	unsigned n = (unsigned)config_setting_length(root);
	int r = 0;

	if (n == 0 || (n == 1 && teams && config_setting_type(teams) == CONFIG_TYPE_LIST &&
		       config_setting_length(teams) == 0))
		report_warning(report, 0, "the file describes no team");
	if (team && teams) {
		unsigned first = config_setting_source_line(team);
		unsigned second = config_setting_source_line(teams);

		report_error(report, first > second ? first : second,
			     "found both \"team\" and \"teams\" (line %u): expected one of them",
			     first > second ? second : first);
		return 0;
	}
	for (unsigned i = 0; i < n && r == 0; i++)
		r = parse_root_key(batch, report, config_setting_get_elem(root, i));
	return r;
}

static int parse_root(struct batch *batch, const struct report *report,
		      const config_setting_t *root, enum config_kind kind)
{
	struct reader reader = { .report = report, .context = schema_nowhere() };

	switch (kind) {
	case CONFIG_KIND_HOST:
		read_section(&reader, root, &schema_host, batch->config);
		return 0;
	case CONFIG_KIND_TEAMS:
		return parse_team_file(batch, report, root);
	}
	return -EINVAL;
}

/* What the guard lets pass fails here only for a key that is there twice, and for an array. */
static void report_libconfig(const struct report *report, const config_t *parsed)
{
	const char *words = config_error_text(parsed);
	const char *hint = "";

	if (words && strstr(words, "duplicate"))
		hint = ": expected each key once in a group";
	report_error(report, (unsigned)config_error_line(parsed), "%s%s",
		     words ? words : "syntax error", hint);
}

/* The text with a newline at its end, without which libconfig does not take a comment for one. */
static char *copy_text(struct span text)
{
	char *copy = malloc(text.size + 2);

	if (!copy)
		return NULL;
	if (text.size)
		memcpy(copy, text.bytes, text.size);
	memcpy(copy + text.size, "\n", 2);
	return copy;
}

int parse_text(struct batch *batch, const struct report *report, struct span text,
	       enum config_kind kind)
{
	cleanup(freep) char *copy = NULL;
	config_t parsed;
	int r = 0;

	if (!guard_bytes(report, text))
		return 0;
	copy = copy_text(text);
	if (!copy)
		return -ENOMEM;
	if (!guard_text(report, (struct span){ (const uint8_t *)copy, text.size + 1 }))
		return 0;
	config_init(&parsed);
	if (config_read_string(&parsed, copy))
		r = parse_root(batch, report, config_root_setting(&parsed), kind);
	else
		report_libconfig(report, &parsed);
	config_destroy(&parsed);
	return r;
}
