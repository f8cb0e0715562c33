/* org.yoke.Host: everything at once, and what happens. */
#include "daemon/control/find.h"
#include "daemon/control/idl.h"
#include "daemon/control/internal.h"
#include "daemon/control/json.h"
#include "daemon/control/method.h"
#include "lib/base/array.h"

static json_t *snapshot(const struct control_server *server, struct team *only)
{
	return json_pack("{s:o, s:o}", "host", json_host(server), "teams",
			 json_teams(server, only));
}

static void status(struct call *call, const json_t *parameters)
{
	call_reply(call, snapshot(call->server, NULL));
}

static void monitor(struct call *call, const json_t *parameters)
{
	struct session *session = call->session;
	struct team *team = NULL;
	json_t *message;

	if (json_is_string(json_object_get(parameters, "team"))) {
		team = find_team(call, parameters, "team");
		if (!team)
			return;
	}
	if (json_is_true(json_object_get(parameters, "snapshot"))) {
		message = call_continued(snapshot(call->server, team));
		if (!message) {
			call_reply(call, NULL);
			return;
		}
		session_send(session, message);
		json_decref(message);
	}
	monitor_start(call, team ? team_name(team) : NULL);
}

static const struct method methods[] = {
	{
		.name = "Monitor",
		.access = ACCESS_READ,
		.streams = true,
		.parameters = { { "snapshot", PARAMETER_BOOL, true },
				{ "team", PARAMETER_STRING, true } },
		.handle = monitor,
	},
	{ .name = "Status", .access = ACCESS_READ, .handle = status },
};

const struct interface interface_host = {
	.name = "org.yoke.Host",
	.description = idl_org_yoke_Host,
	.methods = methods,
	.n_methods = ARRAY_SIZE(methods),
};
