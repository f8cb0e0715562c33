/* yokectl member … */
#include "client/call.h"
#include "client/settings.h"
#include "lib/base/array.h"

#include <errno.h>
#include <string.h>

static void show_member_list(const struct output *output, const json_t *answer)
{
	const json_t *teams = json_object_get(answer, "teams");

	if (json_array_size(teams))
		show_members(output, teams);
}

static int list(struct context *context, const char *const arguments[], struct err *e)
{
	cleanup(json_decrefp) json_t *parameters = NULL;
	json_t *answer = NULL, *teams;
	int r;

	if (!arguments[0]) {
		r = call(context, "org.yoke.Team.List", NULL, &answer, e);
		return r < 0 ? r : print(context, answer, show_member_list, e);
	}
	parameters = json_pack("{s:s}", "name", arguments[0]);
	if (!parameters)
		return err_set(e, -EBADMSG, "the name of a team is UTF-8");
	r = call(context, "org.yoke.Team.Show", parameters, &answer, e);
	if (r < 0)
		return r;
	teams = json_pack("{s:[O*]}", "teams", json_object_get(answer, "team"));
	json_decref(answer);
	return print(context, teams, show_member_list, e);
}

static int drain(struct context *context, const char *const arguments[], struct err *e)
{
	const char *how = arguments[2] ? arguments[2] : "on";
	bool on = strcmp(how, "on") == 0;
	bool force = context->options->given & OPTION_FORCE;

	if (!on && strcmp(how, "off") != 0)
		return err_set(e, -EINVAL, "a drain is 'on' or 'off', not '%s'", how);
	return call_change(context, "org.yoke.Team.Drain",
			   json_pack("{s:s, s:s, s:b, s:b}", "name", arguments[0], "member",
				     arguments[1], "drain", on, "force", force),
			   e);
}

/* 'more' is taken over; NULL with 'e' set is handed on. */
static int change(struct context *context, const char *method, const char *const arguments[],
		  json_t *more, struct err *e)
{
	json_t *parameters;

	if (!more)
		return e->code;
	parameters = json_pack("{s:s, s:s, s:b}", "name", arguments[0], "member", arguments[1],
			       "force", (context->options->given & OPTION_FORCE) != 0);
	if (parameters && json_object_update(parameters, more) < 0) {
		json_decref(parameters);
		parameters = NULL;
	}
	json_decref(more);
	return call_change(context, method, parameters, e);
}

static json_t *with_settings(const char *const words[], struct err *e)
{
	json_t *settings = settings_parse_words(words, e);

	return settings ? json_pack("{s:o}", "settings", settings) : NULL;
}

static int add(struct context *context, const char *const arguments[], struct err *e)
{
	return change(context, "org.yoke.Team.AddMember", arguments,
		      with_settings(arguments + 2, e), e);
}

static int set(struct context *context, const char *const arguments[], struct err *e)
{
	const char *first = arguments[2];
	json_t *more;

	if (!arguments[3] && strcmp(first, "active") == 0)
		more = json_pack("{s:b}", "prefer", 1);
	else if (!arguments[3] && strcmp(first, "standby") == 0)
		more = json_pack("{s:{s:b}, s:b}", "settings", "standby", 1, "prefer", 0);
	else
		more = with_settings(arguments + 2, e);
	return change(context, "org.yoke.Team.SetMember", arguments, more, e);
}

static int remove_member(struct context *context, const char *const arguments[], struct err *e)
{
	return change(context, "org.yoke.Team.RemoveMember", arguments, json_object(), e);
}

static const struct verb verbs[] = {
	{
		.name = "list",
		.arguments = "[TEAM]",
		.summary = "List the members of all teams, or of one",
		.n_max = 1,
		.run = list,
	},
	{
		.name = "add",
		.arguments = "TEAM NIC [SETTING]...",
		.summary = "Take a device into a team",
		.help = "Settings are those of a member in yoke.conf(5). It holds until the host "
			"boots, or\n"
			"until the team's configuration in the files is another one.\n",
		.n_min = 2,
		.n_max = ARGUMENTS_ANY,
		.options = OPTION_FORCE,
		.run = add,
	},
	{
		.name = "set",
		.arguments = "TEAM NIC SETTING...",
		.summary = "Change a member, in place",
		.help = "SETTING is KEY=VALUE, of a member in yoke.conf(5); or alone 'active': "
			"it is to\n"
			"carry before all others (the only one with preferred=true); or "
			"'standby'.\n",
		.n_min = 3,
		.n_max = ARGUMENTS_ANY,
		.options = OPTION_FORCE,
		.run = set,
	},
	{
		.name = "remove",
		.arguments = "TEAM NIC",
		.summary = "Take a member out of a team",
		.help = "It sends nothing more, tells its partner, and goes when what was on its "
			"way to it\n"
			"has arrived; then the command ends. The last member that carries goes "
			"with\n"
			"--force only.\n",
		.n_min = 2,
		.n_max = 2,
		.options = OPTION_FORCE,
		.run = remove_member,
	},
	{
		.name = "drain",
		.arguments = "TEAM NIC [on|off]",
		.summary = "Have a member send nothing more, or again",
		.help = "A drained member still receives, and its LACP stays up: nothing is lost\n"
			"when its cable is pulled later. It survives a restart of the daemon. The\n"
			"last member that carries is drained with --force only.\n",
		.n_min = 2,
		.n_max = 3,
		.options = OPTION_FORCE,
		.run = drain,
	},
};

const struct object object_member = {
	.name = "member",
	.summary = "Looks after the members of teams",
	.verbs = verbs,
	.n_verbs = ARRAY_SIZE(verbs),
};
