/* org.yoke.Lacp: what the link aggregation protocol says and did. */
#include "daemon/control/find.h"
#include "daemon/control/idl.h"
#include "daemon/control/internal.h"
#include "daemon/control/json.h"
#include "daemon/control/method.h"
#include "lib/base/array.h"

static void reply_teams(struct call *call, json_t *teams)
{
	call_reply(call, json_pack("{s:o}", "teams", teams));
}

static void show_all(struct call *call)
{
	const struct control_server *server = call->server;
	json_t *teams = json_array();

	for (unsigned i = 0; i < host_n_teams(server->host); i++) {
		json_t *team = json_lacp_team(server, host_team(server->host, i), -1);

		if (json_array_append_new(teams, team) < 0) {
			json_decref(teams);
			teams = NULL;
			break;
		}
	}
	reply_teams(call, teams);
}

static void show(struct call *call, const json_t *parameters)
{
	bool has_team = json_is_string(json_object_get(parameters, "team"));
	bool has_member = json_is_string(json_object_get(parameters, "member"));
	struct team *team;
	int member = -1;

	if (!has_team && has_member) {
		call_fail_parameter(call, "team");
		return;
	}
	if (!has_team) {
		show_all(call);
		return;
	}
	team = find_team(call, parameters, "team");
	if (!team)
		return;
	if (has_member) {
		member = find_member(call, team, parameters);
		if (member < 0)
			return;
	}
	reply_teams(call, json_pack("[o]", json_lacp_team(call->server, team, member)));
}

static void trace(struct call *call, const json_t *parameters)
{
	json_int_t after = json_integer_value(json_object_get(parameters, "after"));
	struct team *team = find_team(call, parameters, "team");
	int member = team ? find_member(call, team, parameters) : -1;
	struct team_view view = {};

	if (member < 0)
		return;
	team_get_view(team, &view);
	if (view.config->mode != CONFIG_MODE_LACP) {
		call_fail(call, ERROR_FAILED, "%s has no LACP to trace: its mode is \"%s\"",
			  team_name(team), config_mode_name(view.config->mode));
		return;
	}
	call_reply(call,
		   json_pack("{s:o}", "transitions",
			     json_trace(call->server, team, (unsigned)member, (uint64_t)after)));
}

static const struct method methods[] = {
	{
		.name = "Show",
		.access = ACCESS_READ,
		.parameters = { { "team", PARAMETER_STRING, true },
				{ "member", PARAMETER_STRING, true } },
		.handle = show,
	},
	{
		.name = "Trace",
		.access = ACCESS_READ,
		.parameters = { { "team", PARAMETER_STRING, false },
				{ "member", PARAMETER_STRING, false },
				{ "after", PARAMETER_NUMBER, true } },
		.handle = trace,
	},
};

const struct interface interface_lacp = {
	.name = "org.yoke.Lacp",
	.description = idl_org_yoke_Lacp,
	.methods = methods,
	.n_methods = ARRAY_SIZE(methods),
};
