/* org.yoke.Team: teams, and what an administrator does to them. */
#include "daemon/control/interface-team.h"
#include "daemon/control/find.h"
#include "daemon/control/idl.h"
#include "daemon/control/internal.h"
#include "daemon/control/json.h"
#include "daemon/control/method.h"
#include "lib/base/array.h"

#include <errno.h>
#include <string.h>

static void list(struct call *call, const json_t *parameters)
{
	call_reply(call, json_pack("{s:o}", "teams", json_teams(call->server, NULL)));
}

static void show(struct call *call, const json_t *parameters)
{
	struct team *team = find_team(call, parameters, "name");

	if (team)
		call_reply(call, json_pack("{s:o}", "team", json_team(call->server, team)));
}

static void stations(struct call *call, const json_t *parameters)
{
	struct team *team = find_team(call, parameters, "name");

	if (team)
		call_reply(call, json_stations(call->server, team));
}

void answer_change(struct call *call, int r, const struct err *e)
{
	const char *error = r == -EBUSY ? ERROR_BUSY : ERROR_FAILED;

	if (r == 0)
		call_reply_empty(call);
	else if (e && *e->text)
		call_fail(call, error, "%s", e->text);
	else
		call_fail(call, error, "it failed: %s", strerrordesc_np(-r));
}

static void on_deleted(void *userdata, int r, const struct err *e)
{
	answer_change(userdata, r, e);
}

static void delete (struct call *call, const json_t *parameters)
{
	struct team *team = find_team(call, parameters, "name");

	if (team)
		host_delete_team(call->server->host, team, on_deleted, call);
}

static void drain(struct call *call, const json_t *parameters)
{
	struct team *team = find_team(call, parameters, "name");
	int member = team ? find_member(call, team, parameters) : -1;
	bool on = json_is_true(json_object_get(parameters, "drain"));
	bool force = json_is_true(json_object_get(parameters, "force"));
	struct err e = {};
	int r;

	if (member < 0)
		return;
	r = team_drain(team, (unsigned)member, on, force, &e);
	answer_change(call, r, &e);
}

static const struct method methods[] = {
	{
		.name = "AddMember",
		.access = ACCESS_CHANGE,
		.parameters = { { "name", PARAMETER_STRING, false },
				{ "member", PARAMETER_STRING, false },
				{ "settings", PARAMETER_OBJECT, true },
				{ "force", PARAMETER_BOOL, true } },
		.handle = handle_add_member,
	},
	{
		.name = "Create",
		.access = ACCESS_CHANGE,
		.parameters = { { "name", PARAMETER_STRING, false },
				{ "settings", PARAMETER_OBJECT, false },
				{ "force", PARAMETER_BOOL, true } },
		.handle = handle_create,
	},
	{
		.name = "Delete",
		.access = ACCESS_CHANGE,
		.parameters = { { "name", PARAMETER_STRING, false } },
		.handle = delete,
	},
	{
		.name = "Drain",
		.access = ACCESS_CHANGE,
		.parameters = { { "name", PARAMETER_STRING, false },
				{ "member", PARAMETER_STRING, false },
				{ "drain", PARAMETER_BOOL, false },
				{ "force", PARAMETER_BOOL, true } },
		.handle = drain,
	},
	{ .name = "List", .access = ACCESS_READ, .handle = list },
	{
		.name = "RemoveMember",
		.access = ACCESS_CHANGE,
		.parameters = { { "name", PARAMETER_STRING, false },
				{ "member", PARAMETER_STRING, false },
				{ "force", PARAMETER_BOOL, true } },
		.handle = handle_remove_member,
	},
	{
		.name = "Set",
		.access = ACCESS_CHANGE,
		.parameters = { { "name", PARAMETER_STRING, false },
				{ "settings", PARAMETER_OBJECT, false },
				{ "force", PARAMETER_BOOL, true } },
		.handle = handle_set,
	},
	{
		.name = "SetMember",
		.access = ACCESS_CHANGE,
		.parameters = { { "name", PARAMETER_STRING, false },
				{ "member", PARAMETER_STRING, false },
				{ "settings", PARAMETER_OBJECT, true },
				{ "prefer", PARAMETER_BOOL, true },
				{ "force", PARAMETER_BOOL, true } },
		.handle = handle_set_member,
	},
	{
		.name = "Show",
		.access = ACCESS_READ,
		.parameters = { { "name", PARAMETER_STRING, false } },
		.handle = show,
	},
	{
		.name = "Stations",
		.access = ACCESS_READ,
		.parameters = { { "name", PARAMETER_STRING, false } },
		.handle = stations,
	},
};

const struct interface interface_team = {
	.name = "org.yoke.Team",
	.description = idl_org_yoke_Team,
	.methods = methods,
	.n_methods = ARRAY_SIZE(methods),
};
