/* LACP as JSON. */
#include "daemon/control/internal.h"
#include "daemon/control/json.h"
#include "lib/base/array.h"
#include "lib/ctl/text.h"

#include <string.h>

/* In the order of the state octet's bits. */
static const struct {
	enum lacp_state_bit bit;
	const char *name;
} state_bits[] = {
	{ LACP_STATE_ACTIVITY, "activity" },
	{ LACP_STATE_TIMEOUT, "timeout" },
	{ LACP_STATE_AGGREGATION, "aggregation" },
	{ LACP_STATE_SYNCHRONIZATION, "synchronization" },
	{ LACP_STATE_COLLECTING, "collecting" },
	{ LACP_STATE_DISTRIBUTING, "distributing" },
	{ LACP_STATE_DEFAULTED, "defaulted" },
	{ LACP_STATE_EXPIRED, "expired" },
};

static json_t *flags(uint8_t state)
{
	json_t *array = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(state_bits); i++) {
		if ((state & state_bits[i].bit) == 0)
			continue;
		if (json_array_append_new(array, json_string(state_bits[i].name)) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

json_t *json_lacp_info(const struct lacp_info *info)
{
	char system[MAC_TEXT_SIZE];

	return json_pack("{s:i, s:s, s:i, s:i, s:i, s:o}", "system_priority",
			 (int)info->system_priority, "system", mac_to_text(&info->system, system),
			 "key", (int)info->key, "port_priority", (int)info->port_priority, "port",
			 (int)info->port, "state", flags(info->state));
}

static json_t *counters(const struct team_member_view *view)
{
	const struct lacp_counters *counters = &view->lacp.counters;
	const struct {
		const char *name;
		uint64_t value;
	} all[] = {
		{ "lacpdu_rx", counters->lacpdu_rx },
		{ "lacpdu_tx", counters->lacpdu_tx },
		{ "marker_rx", counters->marker_rx },
		{ "marker_tx", counters->marker_tx },
		{ "marker_response_rx", counters->marker_response_rx },
		{ "marker_response_tx", counters->marker_response_tx },
		{ "unknown_rx", counters->unknown_rx },
		{ "illegal_rx", counters->illegal_rx },
		{ "ignored_rx", counters->ignored_rx },
		{ "loopback_rx", counters->loopback_rx },
		{ "limited_rx", view->lacpdus_limited },
		{ "marker_limited", counters->marker_limited },
		{ "actor_churn", counters->actor_churn },
		{ "partner_churn", counters->partner_churn },
		{ "actor_sync_transitions", counters->actor_sync_transitions },
		{ "partner_sync_transitions", counters->partner_sync_transitions },
		{ "partner_changes", counters->partner_changes },
	};
	json_t *object = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (json_object_set_new(object, all[i].name, json_number(all[i].value)) < 0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

/* Milliseconds since 'when', null where that never was. */
static json_t *age(nsec_t when, nsec_t now)
{
	if (when == NSEC_NEVER)
		return json_null();
	return json_number(nsec_since(when, now) / NSEC_PER_MS);
}

json_t *json_lacp(const struct team_member_view *view, nsec_t now)
{
	const struct lacp_port_view *lacp = &view->lacp;

	return json_pack(
		"{s:s, s:s, s:s, s:s, s:i, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "receive",
		lacp_receive_state_name(lacp->receive), "mux", lacp_mux_state_name(lacp->mux),
		"periodic", lacp_periodic_state_name(lacp->periodic), "selected",
		lacp_selected_name(lacp->selected), "aggregator", (int)lacp->aggregator,
		"collecting", lacp->collecting, "distributing", lacp->distributing, "last_rx_ms",
		age(lacp->last_rx, now), "last_tx_ms", age(lacp->last_tx, now), "actor",
		json_lacp_info(&lacp->actor), "partner", json_lacp_info(&lacp->partner), "churn",
		json_pack("{s:s, s:s}", "actor", lacp_churn_state_name(lacp->actor_churn),
			  "partner", lacp_churn_state_name(lacp->partner_churn)),
		"counters", counters(view));
}

json_t *json_lacp_settings(const struct config_team *team)
{
	const struct config_lacp *lacp = &team->lacp;
	char system[MAC_TEXT_SIZE];

	if (team->mode != CONFIG_MODE_LACP)
		return NULL;
	return json_pack("{s:s, s:b, s:i, s:s, s:i, s:i, s:i, s:s, s:s, s:s, s:I}", "rate",
			 lacp->fast ? "fast" : "slow", "active", lacp->active, "system_priority",
			 (int)lacp->system_priority, "system",
			 lacp->system_auto ? "auto" : mac_to_text(&lacp->system, system), "key",
			 (int)lacp->key, "min_links", (int)lacp->min_links, "max_links",
			 (int)lacp->max_links, "select", config_select_name(lacp->select),
			 "control", lacp->independent ? "independent" : "coupled", "fallback",
			 config_fallback_name(lacp->fallback), "fallback_delay_ms",
			 (json_int_t)lacp->fallback_delay_ms);
}

static json_t *lacp_member(struct team *team, unsigned index, nsec_t now)
{
	struct team_member_view view = {};

	team_get_member_view(team, index, &view);
	return json_pack("{s:o, s:s, s:s, s:o, s:o*}", "name", ctl_text_json(view.config->name),
			 "state", team_member_state_name(view.state), "reason", view.reason,
			 "explanation", ctl_text_json(view.explanation), "lacp",
			 view.has_lacp ? json_lacp(&view, now) : NULL);
}

json_t *json_lacp_team(const struct control_server *server, struct team *team, int member)
{
	nsec_t now = server_boottime(server);
	struct team_view view = {};
	json_t *members = json_array();

	team_get_view(team, &view);
	for (unsigned i = 0; i < team_n_members(team); i++) {
		if (member >= 0 && i != (unsigned)member)
			continue;
		if (json_array_append_new(members, lacp_member(team, i, now)) < 0) {
			json_decref(members);
			return NULL;
		}
	}
	return json_pack("{s:o, s:s, s:o*, s:o}", "name", ctl_text_json(team_name(team)), "mode",
			 config_mode_name(view.config->mode), "settings",
			 json_lacp_settings(view.config), "members", members);
}

static json_t *transition(const struct control_server *server, const struct lacp_trace_entry *entry)
{
	nsec_t age = nsec_since(entry->when, server_boottime(server));
	uint64_t now_us = server_realtime_us(server);
	uint64_t age_us = age / NSEC_PER_US;

	return json_pack("{s:o, s:o, s:o, s:s, s:s, s:s, s:o}", "serial",
			 json_number(entry->serial), "realtime_us",
			 json_number(now_us > age_us ? now_us - age_us : 0), "age_us",
			 json_number(age_us), "machine", lacp_machine_name(entry->machine), "from",
			 lacp_trace_state_name(entry->machine, entry->from), "to",
			 lacp_trace_state_name(entry->machine, entry->to), "cause",
			 ctl_text_json(entry->cause));
}

json_t *json_trace(const struct control_server *server, struct team *team, unsigned member,
		   uint64_t after)
{
	struct lacp_trace_entry entries[LACP_TRACE_SIZE];
	size_t n = team_member_trace(team, member, after, entries, ARRAY_SIZE(entries));
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++) {
		if (json_array_append_new(array, transition(server, &entries[i])) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}
