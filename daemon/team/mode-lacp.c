/* Mode "lacp": the LACP engine decides which links carry. */
#include "daemon/host/host-internal.h"
#include "daemon/host/identity.h"
#include "daemon/team/mode.h"
#include "lib/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct lacp_config engine_config(const struct team *team)
{
	const struct config_lacp *lacp = &team->config.lacp;

	return (struct lacp_config){
		.system_priority = lacp->system_priority,
		.system = lacp->system_auto ? identity_system(team->identity) : lacp->system,
		.active = lacp->active,
		.fast = lacp->fast,
		.independent = lacp->independent,
		.min_links = lacp->min_links,
		.max_links = config_lacp_effective_max_links(&team->config),
		.select = lacp->select,
		.fallback = lacp->fallback,
		.fallback_delay = lacp->fallback_delay_ms * NSEC_PER_MS,
	};
}

static int init(struct team *team)
{
	struct lacp_config config = engine_config(team);

	team->lacp = lacp_new(&config, team_now(team));
	return team->lacp ? 0 : -ENOMEM;
}

static void fini(struct team *team)
{
	lacp_free(team->lacp);
	team->lacp = NULL;
}

static uint16_t key_of(struct team *team, uint32_t speed_mbps)
{
	uint16_t taken[CONFIG_TEAMS_MAX];
	unsigned n_taken = host_explicit_keys(team->host, taken);

	/* An administrator who sets a key vouches that its ports fit together. */
	if (team->config.lacp.key)
		return team->config.lacp.key;
	return identity_key(team->identity, team->config.name, speed_mbps, taken, n_taken);
}

static struct lacp_port_config port_config(const struct member *member)
{
	struct lacp_port_config config = {
		.key = key_of(member->team, member->speed_mbps),
		.priority = member->config->priority,
		.speed_mbps = member->speed_mbps,
	};
	const struct link *link =
		member->team->world->ops->link_by_index(member->team->world, member->ifindex);
	char text[MAC_TEXT_SIZE], port[64];

	if (link && !mac_is_zero(&link->permanent_mac))
		(void)snprintf(port, sizeof(port), "mac:%s",
			       mac_to_text(&link->permanent_mac, text));
	else
		(void)snprintf(port, sizeof(port), "name:%s", member->config->name);
	config.number = identity_port(member->team->identity, port);
	memcpy(config.name, member->config->name, sizeof(config.name));
	return config;
}

static void port_add(struct member *member)
{
	struct lacp_port_config config = port_config(member);

	lacp_port_add(member->team->lacp, member->slot, &config, team_now(member->team));
}

static void port_remove(struct member *member)
{
	lacp_port_remove(member->team->lacp, member->slot, team_now(member->team));
}

/* What another system identifier, key or priority means for a port, the engine knows: it tells the
 * partner and selects anew, without leaving the team. */
static void configured(struct team *team)
{
	struct lacp_config config = engine_config(team);
	nsec_t now = team_now(team);

	lacp_configure(team->lacp, &config, now);
	for (unsigned i = 0; i < team->n_members; i++) {
		struct lacp_port_config port;

		if (!team->members[i].has_port)
			continue;
		port = port_config(&team->members[i]);
		lacp_port_configure(team->lacp, team->members[i].slot, &port, now);
	}
}

static void port_link(struct member *member, bool up)
{
	nsec_t now = team_now(member->team);

	if (up) {
		struct lacp_port_config config = port_config(member);

		lacp_port_configure(member->team->lacp, member->slot, &config, now);
	}
	lacp_port_link(member->team->lacp, member->slot, up, member->full_duplex, now);
}

/* Whether the device is the one that the session was on, with its link up ever since. NULL, or why
 * not. */
static const char *why_no_session(const struct session_data *data, const struct link *link)
{
	if (!data->saved || !data->has_lacp)
		return "there was no session";
	if (data->ifindex != link->ifindex || !mac_equal(&data->mac, &link->mac))
		return "it is another device";
	if (!link->carrier || !link->up)
		return "its link is down";
	if (data->carrier_up_count != link->carrier_up_count ||
	    data->carrier_down_count != link->carrier_down_count)
		return "its link was down meanwhile";
	return NULL;
}

static bool resume(struct member *member, const struct session_data *data, const char **why)
{
	struct lacp_port_config config;

	member->speed_mbps = data->speed_mbps;
	config = port_config(member);
	member->has_port = true;
	if (!lacp_port_resume(member->team->lacp, member->slot, &config, &data->lacp,
			      team_now(member->team), why))
		return false;
	member->carrier = true;
	member->full_duplex = true;
	member->settings_known = true;
	member->link_told = true;
	return true;
}

static bool port_adopt(struct member *member, const struct link *link,
		       const struct session_data *data, const char **why)
{
	*why = why_no_session(data, link);
	return !*why && resume(member, data, why);
}

static void port_save(const struct member *member, struct session_data *data)
{
	data->has_lacp = member->carrier;
	lacp_port_session(member->team->lacp, member->slot, &data->lacp);
}

static bool port_accepts(const struct member *member)
{
	return lacp_port_accepts(member->team->lacp, member->slot);
}

static bool partner_collects(const struct member *member)
{
	return lacp_partner_collects(member->team->lacp, member->slot);
}

static bool marker_send(struct member *member)
{
	return lacp_marker_send(member->team->lacp, member->slot, team_now(member->team)) != 0;
}

static void receive(struct member *member, const struct mac *source, struct span payload)
{
	struct team *team = member->team;

	lacp_receive(team->lacp, member->slot, source, payload, team_now(team));
	/* It may have said that it collects. */
	team->dirty |= team->hesitation_ends != NSEC_NEVER;
}

static void receive_foreign(struct member *member, bool illegal)
{
	lacp_receive_foreign(member->team->lacp, member->slot, illegal);
}

static void send_frame(struct member *member, const struct lacp_action *action)
{
	struct world *world = member->team->world;
	struct span payload = { action->payload, sizeof(action->payload) };
	int r;

	r = world->ops->slow_send(world, member->ifindex, &member->mac, payload);
	if (r < 0)
		log_write(LOG_LEVEL_DEBUG,
			  &(struct log_fields){ .team = member->team->config.name,
						.member = member->config->name },
			  "a LACPDU could not be sent: %s", strerror(-r));
	/* When we were last heard is what a later daemon counts the partner's patience from. */
	if (member->has_port && member->team->phase == TEAM_OPEN)
		member_save(member);
}

static void note(struct member *member, const struct lacp_trace_entry *entry)
{
	const char *from = lacp_trace_state_name(entry->machine, entry->from);
	const char *to = lacp_trace_state_name(entry->machine, entry->to);

	host_emit(member->team->host,
		  &(struct host_event){ .type = HOST_EVENT_LACP,
					.team = member->team->config.name,
					.member = member->config->name,
					.from = from,
					.to = to,
					.reason = lacp_machine_name(entry->machine),
					.text = entry->cause });
}

static void carry_out(struct team *team, const struct lacp_action *action)
{
	struct member *member = team_member_in_slot(team, action->slot);

	if (!member)
		return;
	switch (action->type) {
	case LACP_ACTION_SEND:
		send_frame(member, action);
		return;
	case LACP_ACTION_PORT:
		if (action->distributing && !member->distributing)
			member->distributing_since = team_now(team);
		member->collecting = action->collecting;
		member->distributing = action->distributing;
		team->dirty = true;
		/* Before the PDU that tells the partner, which comes next. */
		if (!team->adopting)
			team_apply_traffic(team);
		return;
	case LACP_ACTION_MARKER:
		team_marker_answered(team, action->slot, action->answered);
		return;
	case LACP_ACTION_NOTE:
		team->dirty = true;
		note(member, &action->note);
		return;
	case LACP_ACTION_REMOVED:
		return;
	}
}

static void drain_actions(struct team *team)
{
	struct lacp_action action;

	while (lacp_next_action(team->lacp, &action))
		carry_out(team, &action);
}

static void tick(struct team *team, nsec_t now)
{
	lacp_tick(team->lacp, now);
}

static nsec_t deadline(const struct team *team)
{
	return lacp_deadline(team->lacp);
}

static void judge(const struct member *member, struct verdict *verdict)
{
	struct lacp_port_view lacp = {};

	if (member->distributing)
		return;
	if (member->has_port)
		lacp_port_view(member->team->lacp, member->slot, team_now(member->team), &lacp);
	verdict_set(verdict,
		    lacp.reason == LACP_REASON_STANDBY ? TEAM_MEMBER_STANDBY : TEAM_MEMBER_FAILED,
		    lacp_reason_name(lacp.reason), "%s", lacp.explanation);
}

static void fill_view(const struct team *team, struct team_view *view)
{
	if (!lacp_partner(team->lacp, &view->partner))
		view->partner = (struct lacp_info){};
}

static void fill_member_view(const struct member *member, struct team_member_view *view)
{
	view->has_lacp = true;
	lacp_port_view(member->team->lacp, member->slot, team_now(member->team), &view->lacp);
}

static size_t trace(const struct member *member, uint64_t after, struct lacp_trace_entry *entries,
		    size_t n)
{
	return lacp_port_trace(member->team->lacp, member->slot, after, entries, n);
}

const struct mode_ops mode_lacp = {
	.goes_on = "goes on with its LACP session",
	.begins_anew = "starts its LACP session anew",
	.init = init,
	.fini = fini,
	.configured = configured,
	.port_add = port_add,
	.port_remove = port_remove,
	.port_link = port_link,
	.port_adopt = port_adopt,
	.port_save = port_save,
	.port_accepts = port_accepts,
	.partner_collects = partner_collects,
	.marker_send = marker_send,
	.receive = receive,
	.receive_foreign = receive_foreign,
	.drain_actions = drain_actions,
	.tick = tick,
	.deadline = deadline,
	.judge = judge,
	.fill_view = fill_view,
	.fill_member_view = fill_member_view,
	.trace = trace,
};
