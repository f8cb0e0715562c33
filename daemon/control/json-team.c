/* Teams and their members as JSON. */
#include "daemon/control/internal.h"
#include "daemon/control/json.h"
#include "daemon/control/settings.h"
#include "lib/ctl/text.h"

static json_t *member_base(const struct team_member_view *view)
{
	return json_pack("{s:o, s:s, s:s, s:o, s:b, s:I, s:i, s:b}", "name",
			 ctl_text_json(view->config->name), "state",
			 team_member_state_name(view->state), "reason", view->reason, "explanation",
			 ctl_text_json(view->explanation), "carrier", view->carrier, "speed_mbps",
			 (json_int_t)view->speed_mbps, "buckets", (int)view->buckets, "primary",
			 view->primary);
}

static json_t *member_counters(const struct datapath_member_counters *counters)
{
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "rx_bytes", json_number(counters->rx_bytes),
		"tx_bytes", json_number(counters->tx_bytes), "rx_packets",
		json_number(counters->rx_packets), "tx_packets", json_number(counters->tx_packets),
		"rx_not_collecting", json_number(counters->rx_not_collecting), "rx_reflected",
		json_number(counters->rx_reflected), "rx_copies", json_number(counters->rx_copies));
}

static json_t *member_rest(const struct team_member_view *view, nsec_t now)
{
	return json_pack("{s:i, s:i, s:b, s:b, s:I, s:b, s:b, s:i, s:o*}", "ifindex", view->ifindex,
			 "slot", (int)view->slot, "standby", view->config->standby, "preferred",
			 view->config->preferred, "weight", (json_int_t)view->config->weight,
			 "disabled", view->config->disabled, "drained", view->drained, "priority",
			 (int)view->config->priority, "lacp",
			 view->has_lacp ? json_lacp(view, now) : NULL);
}

/* Takes over both; NULL if one of them is. */
static json_t *joined(json_t *object, json_t *more)
{
	if (!object || !more || json_object_update(object, more) < 0) {
		json_decref(object);
		object = NULL;
	}
	json_decref(more);
	return object;
}

static json_t *member(struct team *team, unsigned index, nsec_t now)
{
	struct team_member_view view = {};

	team_get_member_view(team, index, &view);
	return joined(joined(member_base(&view), member_counters(&view.counters)),
		      member_rest(&view, now));
}

static json_t *members(struct team *team, nsec_t now)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < team_n_members(team); i++) {
		if (json_array_append_new(array, member(team, i, now)) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *team_base(const struct team_view *view)
{
	char mac[MAC_TEXT_SIZE];

	return json_pack("{s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:I, s:o, s:o*}",
			 "name", ctl_text_json(view->config->name), "mode",
			 config_mode_name(view->config->mode), "balance",
			 config_balance_name(view->config->balance), "hash",
			 hash_fields_name(view->config->hash), "datapath",
			 view->datapath ? view->datapath : "", "datapath_why",
			 view->datapath_why ? view->datapath_why : "", "device",
			 view->device ? view->device : "", "state", team_state_name(view->state),
			 "explanation", ctl_text_json(view->explanation ? view->explanation : ""),
			 "mac", mac_to_text(&view->mac, mac), "mtu", (json_int_t)view->mtu,
			 "speed_mbps", json_number(view->speed_mbps), "primary",
			 view->primary ? ctl_text_json(view->primary) : NULL);
}

static json_t *partner(const struct team_view *view)
{
	return mac_is_zero(&view->partner.system) ? NULL : json_lacp_info(&view->partner);
}

static json_t *team_rest(const struct team_view *view, bool changed)
{
	return json_pack("{s:i, s:b, s:I, s:I, s:o, s:o, s:o*, s:o*, s:o, s:b, s:o, s:i}",
			 "ifindex", view->ifindex, "adopted", view->adopted, "up_delay_ms",
			 (json_int_t)view->config->up_delay_ms, "down_delay_ms",
			 (json_int_t)view->config->down_delay_ms, "moved_in_order",
			 json_number(view->moved_in_order), "moved_unproven",
			 json_number(view->moved_unproven), "lacp",
			 json_lacp_settings(view->config), "partner", partner(view), "settings",
			 settings_of(view->config, true), "changed", changed, "file",
			 ctl_text_json(view->config->file), "line", (int)view->config->line);
}

json_t *json_team(const struct control_server *server, struct team *team)
{
	nsec_t now = server_boottime(server);
	struct team_view view = {};
	json_t *lists;

	team_get_view(team, &view);
	lists = json_pack("{s:o, s:[{s:o}]}", "members", members(team, now), "interfaces", "name",
			  ctl_text_json(view.config->name));
	return joined(joined(team_base(&view), lists),
		      team_rest(&view, host_is_changed(server->host, team)));
}

json_t *json_teams(const struct control_server *server, struct team *only)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < host_n_teams(server->host); i++) {
		struct team *team = host_team(server->host, i);

		if (only && team != only)
			continue;
		if (json_array_append_new(array, json_team(server, team)) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}
