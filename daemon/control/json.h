/* What the daemon knows, as the JSON of docs/protocol.md. Each returns a new reference, NULL
 * without memory. */
#pragma once

#include "daemon/host/host.h"

#include <jansson.h>

struct control_server;

/* The host without its teams. */
json_t *json_host(const struct control_server *server);
json_t *json_team(const struct control_server *server, struct team *team);

/* The addresses behind the team, as org.yoke.Team.Stations() answers. */
json_t *json_stations(const struct control_server *server, struct team *team);

/* An array of all teams, or of that one. */
json_t *json_teams(const struct control_server *server, struct team *only);

/* {"event": …} */
json_t *json_event(const struct host_event *event);

/* A member's LACP. */
json_t *json_lacp(const struct team_member_view *view, nsec_t now);

/* The LACP of a team: of that member, or of all where 'member' is -1. */
json_t *json_lacp_team(const struct control_server *server, struct team *team, int member);

/* How the team's LACP is set up, in the words of the configuration; NULL also in another mode. */
json_t *json_lacp_settings(const struct config_team *team);

/* One end of a link. */
json_t *json_lacp_info(const struct lacp_info *info);

/* An array of the transitions after the serial 'after', oldest first. */
json_t *json_trace(const struct control_server *server, struct team *team, unsigned member,
		   uint64_t after);

/* A number of the daemon as JSON has them: above 2^63 - 1 it stands still. */
json_t *json_number(uint64_t number);
