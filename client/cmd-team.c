/* yokectl team … */
#include "client/call.h"
#include "client/settings.h"
#include "lib/base/array.h"

#include <errno.h>
#include <string.h>

static void show_team_list(const struct output *output, const json_t *answer)
{
	const json_t *teams = json_object_get(answer, "teams");

	if (json_array_size(teams))
		show_teams(output, teams);
}

static int list(struct context *context, const char *const arguments[], struct err *e)
{
	json_t *answer = NULL;
	int r = call(context, "org.yoke.Team.List", NULL, &answer, e);

	return r < 0 ? r : print(context, answer, show_team_list, e);
}

static int many_teams(const json_t *teams, struct err *e)
{
	char names[256] = "";
	size_t i, used = 0;
	json_t *team;

	json_array_foreach (teams, i, team) {
		const char *name = json_string_value(json_object_get(team, "name"));
		int r = snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
				 name ? name : "?");

		used += r > 0 ? (size_t)r : 0;
		if (used >= sizeof(names))
			break;
	}
	return err_set(e, -ENOTUNIQ, "there are %zu teams, say which one: %s",
		       json_array_size(teams), names);
}

/* The only team there is, so that nobody has to type its name. */
static int get_only(struct context *context, json_t **ret, struct err *e)
{
	cleanup(json_decrefp) json_t *answer = NULL;
	const json_t *teams;
	int r = call(context, "org.yoke.Team.List", NULL, &answer, e);

	if (r < 0)
		return r;
	teams = json_object_get(answer, "teams");
	if (json_array_size(teams) == 0)
		return err_set(e, -ENOENT, "there is no team: configure one, see yoke.conf(5)");
	if (json_array_size(teams) > 1)
		return many_teams(teams, e);
	*ret = json_incref(json_array_get(teams, 0));
	return 0;
}

static int get_named(struct context *context, const char *name, json_t **ret, struct err *e)
{
	cleanup(json_decrefp) json_t *answer = NULL;
	cleanup(json_decrefp) json_t *parameters = json_pack("{s:s}", "name", name);
	json_t *team;
	int r;

	if (!parameters)
		return err_set(e, -EINVAL, "the name of a team is UTF-8");
	r = call(context, "org.yoke.Team.Show", parameters, &answer, e);
	if (r < 0)
		return r;
	team = json_object_get(answer, "team");
	if (!json_is_object(team))
		return err_set(e, -EBADMSG, "yoked's answer has no team in it");
	*ret = json_incref(team);
	return 0;
}

/* Which address behind it is on which member. */
static int add_stations(struct context *context, json_t *team, struct err *e)
{
	json_t *parameters = json_pack("{s:O}", "name", json_object_get(team, "name"));
	json_t *answer = NULL;
	int r = call(context, "org.yoke.Team.Stations", parameters, &answer, e);

	json_decref(parameters);
	if (r < 0)
		return r;
	(void)json_object_set(team, "stations", json_object_get(answer, "stations"));
	(void)json_object_set(team, "stations_refused", json_object_get(answer, "refused"));
	json_decref(answer);
	return 0;
}

static int show(struct context *context, const char *const arguments[], struct err *e)
{
	json_t *team = NULL;
	int r = arguments[0] ? get_named(context, arguments[0], &team, e)
			     : get_only(context, &team, e);

	if (r == 0)
		r = add_stations(context, team, e);
	if (r < 0)
		json_decref(team);
	return r < 0 ? r : print(context, team, show_team, e);
}

/* What stands in options: --member eno1 is {"members": [{"name": "eno1"}]}. */
static int add_option(json_t *settings, const struct option_setting *option, struct err *e)
{
	char text[256];
	int size = (int)option->name_size;

	if (size == 6 && strncmp(option->name, "member", 6) == 0) {
		json_t *members = json_object_get(settings, "members");
		json_t *member = json_pack("{s:s}", "name", option->value);

		if (!member)
			return err_set(e, -EINVAL, "the name of a member is UTF-8");
		if (!members) {
			members = json_array();
			(void)json_object_set_new(settings, "members", members);
		}
		(void)json_array_append_new(members, member);
		return 0;
	}
	if (snprintf(text, sizeof(text), "%.*s=%s", size, option->name, option->value) >=
	    (int)sizeof(text))
		return err_set(e, -EINVAL, "the value of --%.*s is too long", size, option->name);
	for (char *at = text; *at != '='; at++)
		*at = *at == '-' ? '_' : *at;
	return settings_add(settings, text, e);
}

static int create(struct context *context, const char *const arguments[], struct err *e)
{
	json_t *settings = settings_parse_words(arguments + 1, e);
	bool force = context->options->given & OPTION_FORCE;
	int r = settings ? 0 : e->code;

	for (size_t i = 0; r == 0 && i < context->options->n_settings; i++)
		r = add_option(settings, &context->options->settings[i], e);
	if (r < 0) {
		json_decref(settings);
		return r;
	}
	return call_change(context, "org.yoke.Team.Create",
			   json_pack("{s:s, s:o, s:b}", "name", arguments[0], "settings", settings,
				     "force", force),
			   e);
}

static int set(struct context *context, const char *const arguments[], struct err *e)
{
	json_t *settings = settings_parse_words(arguments + 1, e);
	bool force = context->options->given & OPTION_FORCE;

	if (!settings)
		return e->code;
	return call_change(context, "org.yoke.Team.Set",
			   json_pack("{s:s, s:o, s:b}", "name", arguments[0], "settings", settings,
				     "force", force),
			   e);
}

static int delete (struct context *context, const char *const arguments[], struct err *e)
{
	return call_change(context, "org.yoke.Team.Delete",
			   json_pack("{s:s}", "name", arguments[0]), e);
}

static const struct verb verbs[] = {
	{
		.name = "list",
		.arguments = "",
		.summary = "List the teams, one a line",
		.run = list,
	},
	{
		.name = "show",
		.arguments = "[NAME]",
		.summary = "Show a team and its members",
		.help = "With the addresses behind it, and which member each is on. Without NAME "
			"the "
			"only\nteam there is.\n",
		.n_max = 1,
		.run = show,
	},
	{
		.name = "create",
		.arguments = "NAME [SETTING]...",
		.summary = "Make a team, until the host boots",
		.help = "Settings are those of yoke.conf(5), as KEY=VALUE (lacp.rate=slow) or as "
			"options\n"
			"(--mtu 9000). A team needs --mode and at least one --member.\n",
		.n_min = 1,
		.n_max = ARGUMENTS_ANY,
		.options = OPTION_MODE | OPTION_MEMBER | OPTION_FORCE,
		.run = create,
	},
	{
		.name = "set",
		.arguments = "NAME KEY=VALUE...",
		.summary = "Change a running team, in place",
		.help = "What does not change is not touched; what is refused changes nothing. "
			"KEY= gives\n"
			"a key its default. It holds until the host boots, or until the team's\n"
			"configuration in the files is another one.\n",
		.n_min = 2,
		.n_max = ARGUMENTS_ANY,
		.options = OPTION_FORCE,
		.run = set,
	},
	{
		.name = "delete",
		.arguments = "NAME",
		.summary = "Delete a team's device",
		.help = "Tells the partners, sets the members free and deletes the device. The\n"
			"team stays away until the host boots again or its configuration "
			"changes.\n",
		.n_min = 1,
		.n_max = 1,
		.run = delete,
	},
};

const struct object object_team = {
	.name = "team",
	.summary = "Looks after teams",
	.verbs = verbs,
	.n_verbs = ARRAY_SIZE(verbs),
};
