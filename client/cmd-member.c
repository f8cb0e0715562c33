/* yokectl member … */
#include "client/call.h"
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

static const struct verb verbs[] = {
	{
		.name = "list",
		.arguments = "[TEAM]",
		.summary = "List the members of all teams, or of one",
		.n_max = 1,
		.run = list,
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
