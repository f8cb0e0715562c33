#include "daemon/config/check.h"

#include "daemon/config/check-internal.h"
#include "daemon/config/refusal.h"
#include "daemon/config/valid.h"

#include <stdio.h>
#include <string.h>

unsigned check_line(const struct check *check, const void *field)
{
	unsigned line = places_find(check->places, check->team, field);

	return line ? line : check->team->line;
}

/* The last folder and the name are enough to find a file again, and leave room for the rest. */
static const char *short_path(const char *path)
{
	const char *at = path + strlen(path);
	unsigned n_slashes = 0;

	while (at > path && (at[-1] != '/' || ++n_slashes < 2))
		at--;
	return strlen(at) > 80 ? at + strlen(at) - 80 : at;
}

static void check_names(const struct check *check)
{
	const struct config_team *team = check->team;

	if (valid_is_peer_name(team->name))
		report_error(check->report, check_line(check, team->name),
			     "name is \"%s\": \"yk\" and a number is kept for the hidden peers of "
			     "teams",
			     team->name);
	for (unsigned i = 0; i < team->n_members; i++) {
		const char *name = team->members[i].name;

		if (!strcmp(name, team->name))
			report_error(check->report, check_line(check, name),
				     "member %u: name is \"%s\", which is the team itself", i + 1,
				     name);
		for (unsigned j = 0; j < i; j++)
			if (!strcmp(name, team->members[j].name))
				report_error(check->report, check_line(check, name),
					     "member %u: name is \"%s\", which is member %u "
					     "already (line %u)",
					     i + 1, name, j + 1,
					     check_line(check, team->members[j].name));
	}
}

static unsigned count_regular(const struct config_team *team)
{
	unsigned n = 0;

	for (unsigned i = 0; i < team->n_members; i++)
		n += !team->members[i].standby;
	return n;
}

static void check_links(const struct check *check)
{
	const struct config_team *team = check->team;
	const struct config_lacp *lacp = &team->lacp;
	unsigned regular = count_regular(team);
	unsigned line = check_line(check, &lacp->min_links);

	if (regular == 0)
		return;
	if (lacp->min_links > team->n_members)
		report_error(check->report, line,
			     "lacp.min_links is %u: expected at most %u, the number of members",
			     lacp->min_links, team->n_members);
	else if (lacp->min_links > regular)
		report_error(check->report, line,
			     "lacp.min_links is %u: expected at most %u, the number of members "
			     "that are not standby",
			     lacp->min_links, regular);
	if (lacp->max_links < lacp->min_links)
		report_error(check->report, check_line(check, &lacp->max_links),
			     "lacp.max_links is %u: expected at least %u, as lacp.min_links has it",
			     lacp->max_links, lacp->min_links);
	else if (regular < team->n_members && lacp->max_links > regular &&
		 places_find(check->places, team, &lacp->max_links))
		report_warning(check->report, check_line(check, &lacp->max_links),
			       "lacp.max_links is %u, but only %u members are not standby: at most "
			       "%u carry at once",
			       lacp->max_links, regular, regular);
}

/* LACP knows nothing of our standby but the port priority. */
static void warn_of_priorities(const struct check *check)
{
	const struct config_team *team = check->team;
	const struct config_member *worst = NULL;

	for (unsigned i = 0; i < team->n_members; i++)
		if (!team->members[i].standby &&
		    (!worst || team->members[i].priority > worst->priority))
			worst = &team->members[i];
	for (unsigned i = 0; worst && i < team->n_members; i++) {
		const struct config_member *member = &team->members[i];

		if (member->standby && member->priority <= worst->priority)
			report_warning(check->report, check_line(check, &member->priority),
				       "member %u: priority is %u, so that LACP may prefer the "
				       "standby \"%s\" to \"%s\" (%u): expected a greater number",
				       i + 1, member->priority, member->name, worst->name,
				       worst->priority);
	}
}

static void check_lacp(const struct check *check)
{
	const struct config_lacp *lacp = &check->team->lacp;

	check_links(check);
	warn_of_priorities(check);
	if (lacp->fallback == LACP_FALLBACK_ALL)
		report_warning(check->report, check_line(check, &lacp->fallback),
			       "lacp.fallback is \"all\": while the partner is silent, a switch "
			       "without a static LAG on these ports may loop frames or lose them");
}

static void check_min_active(const struct check *check)
{
	const struct config_team *team = check->team;
	unsigned regular = count_regular(team);
	bool many = team->min_active > team->n_members;

	if (regular == 0 || team->min_active <= regular)
		return;
	report_error(check->report, check_line(check, &team->min_active),
		     "min_active is %u: expected at most %u, the number of members%s",
		     team->min_active, many ? team->n_members : regular,
		     many ? "" : " that are not standby");
}

static void check_preferred(const struct check *check)
{
	const struct config_member *members = check->team->members, *first = NULL;

	for (unsigned i = 0; i < check->team->n_members; i++) {
		if (!members[i].preferred)
			continue;
		if (first)
			report_error(check->report, check_line(check, &members[i].preferred),
				     "member %u: preferred is true, and so it is of member %u "
				     "already (line %u)",
				     i + 1, (unsigned)(first - members) + 1,
				     check_line(check, &first->preferred));
		else
			first = &members[i];
		if (members[i].standby)
			report_warning(check->report, check_line(check, &members[i].standby),
				       "member %u: it is preferred, so that standby says nothing",
				       i + 1);
	}
}

static void warn_of_fail_back(const struct check *check)
{
	const struct config_team *team = check->team;

	if (team->fail_back == CONFIG_FAIL_BACK_NEVER && team->fail_back_delay_ms)
		report_warning(check->report, check_line(check, &team->fail_back_delay_ms),
			       "fail_back_delay_ms is %u, and fail_back is \"never\": nothing is "
			       "taken back",
			       team->fail_back_delay_ms);
}

static void check_standby(const struct check *check)
{
	if (count_regular(check->team) == 0)
		report_error(check->report, check_line(check, &check->team->n_members),
			     "every member is standby: expected at least one that is not");
}

/* Beside a speed in Mb/s a small weight is next to nothing. */
static void warn_of_weights(const struct check *check)
{
	const struct config_member *members = check->team->members;
	const struct config_member *with = NULL, *without = NULL;

	for (unsigned i = 0; i < check->team->n_members; i++) {
		if (members[i].weight && !with)
			with = &members[i];
		if (!members[i].weight && !members[i].disabled)
			without = &members[i];
	}
	if (with && without)
		report_warning(
			check->report, check_line(check, &with->weight),
			"member %u: weight is %u, but \"%s\" has none and weighs its speed in "
			"Mb/s: expected a weight of each member or of none",
			(unsigned)(with - members) + 1, with->weight, without->name);
}

static void check_damping(const struct check *check)
{
	const struct config_damping *damping = &check->team->damping;

	if (damping->hold_down_max_ms < damping->hold_down_ms)
		report_error(check->report,
			     places_find(check->places, check->team, &damping->hold_down_max_ms)
				     ? check_line(check, &damping->hold_down_max_ms)
				     : check_line(check, &damping->hold_down_ms),
			     "flap_damping.hold_down_max_ms is %u: expected at least %u, as "
			     "flap_damping.hold_down_ms has it",
			     damping->hold_down_max_ms, damping->hold_down_ms);
}

static void check_mode(const struct check *check)
{
	switch (check->team->mode) {
	case CONFIG_MODE_LACP:
		check_lacp(check);
		return;
	case CONFIG_MODE_INDEPENDENT:
		check_preferred(check);
		warn_of_fail_back(check);
		check_min_active(check);
		return;
	case CONFIG_MODE_STATIC:
		check_min_active(check);
		return;
	}
}

static void warn_of_disabled(const struct check *check)
{
	const struct config_team *team = check->team;

	for (unsigned i = 0; i < team->n_members; i++)
		if (!team->members[i].disabled)
			return;
	report_warning(check->report, check_line(check, &team->n_members),
		       "every member is disabled: the team carries nothing");
}

/* The datapath that the team gets wherever it is; NULL where that depends on the kernel. */
static const char *datapath_of(const struct batch *batch, const struct config_team *team)
{
	if (batch->datapath)
		return batch->datapath;
	return strcmp(team->datapath, "auto") == 0 ? NULL : team->datapath;
}

static void refuse(const struct check *check, const char *datapath)
{
	const struct config_refusal *refusal = NULL;
	char text[CONFIG_REFUSAL_SIZE];

	while ((refusal = refusal_next(check->team, datapath, refusal)) != NULL)
		report_error(check->report, check_line(check, refusal_field(refusal, check->team)),
			     "%s", refusal_text(refusal, check->team, text));
}

static void warn_of_refusals(const struct check *check, const char *datapath, const char *other)
{
	const struct config_refusal *refusal = NULL;
	char text[CONFIG_REFUSAL_SIZE];

	while ((refusal = refusal_next(check->team, datapath, refusal)) != NULL)
		report_warning(check->report,
			       check_line(check, refusal_field(refusal, check->team)),
			       "%s; \"auto\" takes \"%s\"",
			       refusal_text(refusal, check->team, text), other);
}

static void check_datapath(const struct check *check, const struct batch *batch)
{
	const char *datapath = datapath_of(batch, check->team);

	if (datapath) {
		refuse(check, datapath);
	} else if (batch->thorough) {
		warn_of_refusals(check, "team", "bpf");
		warn_of_refusals(check, "bpf", "team");
	}
}

void check_team(const struct batch *batch, const struct config_team *team,
		const struct places *places, const struct report *report)
{
	const struct check check = { team, places, report };

	check_names(&check);
	check_standby(&check);
	check_mode(&check);
	check_damping(&check);
	warn_of_weights(&check);
	check_monitors(&check);
	check_datapath(&check, batch);
	warn_of_disabled(&check);
}

static void check_members(const struct check *check, const struct config_team *other,
			  const struct places *other_places)
{
	for (unsigned i = 0; i < check->team->n_members; i++) {
		const char *name = check->team->members[i].name;

		if (!strcmp(name, other->name))
			report_error(check->report, check_line(check, name),
				     "member %u: name is \"%s\", which is a team itself (%s:%u)",
				     i + 1, name, short_path(other->file), other->line);
		for (unsigned j = 0; j < other->n_members; j++)
			if (!strcmp(name, other->members[j].name))
				report_error(
					check->report, check_line(check, name),
					"member %u: name is \"%s\", which is a member of \"%s\" "
					"(%s:%u)",
					i + 1, name, other->name, short_path(other->file),
					places_find(other_places, other, other->members[j].name));
	}
}

/* That the new team is a member of the other: it may come later in the files. */
static void check_is_member(const struct check *check, const struct config_team *other,
			    const struct places *other_places)
{
	for (unsigned i = 0; i < other->n_members; i++)
		if (!strcmp(other->members[i].name, check->team->name))
			report_error(check->report, check_line(check, check->team->name),
				     "name is \"%s\", which is a member of \"%s\" (%s:%u)",
				     check->team->name, other->name, short_path(other->file),
				     places_find(other_places, other, other->members[i].name));
}

static void check_pair(const struct check *check, const struct config_team *other,
		       const struct places *other_places)
{
	const struct config_team *team = check->team;

	if (!strcmp(team->name, other->name)) {
		report_error(check->report, check_line(check, team->name),
			     "name is \"%s\", which is a team already (%s:%u)", team->name,
			     short_path(other->file), other->line);
		return;
	}
	check_members(check, other, other_places);
	check_is_member(check, other, other_places);
	if (team->lacp.key && team->lacp.key == other->lacp.key)
		report_error(check->report, check_line(check, &team->lacp.key),
			     "lacp.key is %u, which is that of \"%s\" (%s:%u): expected another, "
			     "or 0",
			     team->lacp.key, other->name, short_path(other->file),
			     places_find(other_places, other, &other->lacp.key));
}

void check_against_others(const struct batch *batch, const struct report *report)
{
	unsigned last = batch->config->n_teams - 1;
	const struct check check = { &batch->config->teams[last], &batch->places[last], report };

	for (unsigned i = 0; i < last; i++)
		check_pair(&check, &batch->config->teams[i], &batch->places[i]);
}
