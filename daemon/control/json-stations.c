/* The addresses behind a team as JSON. */
#include "daemon/control/internal.h"
#include "daemon/control/json.h"
#include "daemon/core/stations.h"
#include "lib/base/cleanup.h"
#include "lib/ctl/text.h"

#include <stdlib.h>

/* What the slots' members are called. */
struct names {
	const char *of[PLACEMENT_MEMBERS];
};

static struct names names_of(struct team *team)
{
	struct names names = {};

	for (unsigned i = 0; i < team_n_members(team); i++) {
		unsigned slot = team_member_slot(team, i);

		if (slot < PLACEMENT_MEMBERS)
			names.of[slot] = team_config(team)->members[i].name;
	}
	return names;
}

static json_t *name_in(const struct names *names, uint8_t slot)
{
	const char *name = slot < PLACEMENT_MEMBERS ? names->of[slot] : NULL;

	return name ? ctl_text_json(name) : json_null();
}

static json_t *vlans_of(const struct team_station_view *view)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < view->n_vlans; i++)
		if (json_array_append_new(array, json_integer(view->vlans[i])) < 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static json_t *station(const struct control_server *server, const struct names *names,
		       const struct team_station_view *view)
{
	const char *port = host_device_name(server->host, view->port_ifindex);
	char mac[MAC_TEXT_SIZE];

	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "mac", mac_to_text(&view->mac, mac),
			 "member", name_in(names, view->slot), "home", name_in(names, view->home),
			 "port", port ? ctl_text_json(port) : json_null(), "vlans", vlans_of(view),
			 "age_ms", json_number(view->age / NSEC_PER_MS));
}

json_t *json_stations(const struct control_server *server, struct team *team)
{
	cleanup(freep) struct team_station_view *views = calloc(STATIONS_MAX, sizeof(*views));
	const struct names names = names_of(team);
	size_t n = views ? team_stations_view(team, views, STATIONS_MAX) : 0;
	json_t *array = views ? json_array() : NULL;

	for (size_t i = 0; i < n; i++) {
		if (json_array_append_new(array, station(server, &names, &views[i])) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return json_pack("{s:o, s:o}", "stations", array, "refused",
			 json_number(team_stations_refused(team)));
}
