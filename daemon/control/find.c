#include "daemon/control/find.h"

#include "daemon/control/internal.h"

struct team *find_team(struct call *call, const json_t *parameters, const char *name)
{
	const char *wanted = json_string_value(json_object_get(parameters, name));
	struct team *team = host_find_team(call->server->host, wanted);

	if (!team)
		call_fail(call, ERROR_NO_SUCH_TEAM, "there is no team \"%s\"", wanted);
	return team;
}

int find_member(struct call *call, struct team *team, const json_t *parameters)
{
	const char *wanted = json_string_value(json_object_get(parameters, "member"));
	int index = team_find_member(team, wanted);

	if (index < 0)
		call_fail(call, ERROR_NO_SUCH_MEMBER, "team \"%s\" has no member \"%s\"",
			  team_name(team), wanted);
	return index;
}
