/* Mode "static": each link that is up carries, and so the switch must see it. */
#include "daemon/team/mode.h"
#include "lib/base/log.h"

static int init(struct team *team)
{
	/* With a delay a link that is back has to wait for us. */
	static_lag_init(&team->static_lag, !team->config.up_delay_ms);
	return 0;
}

static void fini(struct team *team)
{
}

static void configured(struct team *team)
{
	static_lag_keep(&team->static_lag, !team->config.up_delay_ms);
}

static void port_add(struct member *member)
{
	static_lag_port_add(&member->team->static_lag, member->slot, false);
}

static void port_remove(struct member *member)
{
	static_lag_port_remove(&member->team->static_lag, member->slot);
}

static void port_link(struct member *member, bool up)
{
	static_lag_port_link(&member->team->static_lag, member->slot, up);
}

/* Whether the link has been there all the time, so that no delay begins. */
static bool was_up_ever_since(const struct session_data *data, const struct link *link)
{
	return data->saved && data->ifindex == link->ifindex &&
	       data->carrier_up_count == link->carrier_up_count &&
	       data->carrier_down_count == link->carrier_down_count;
}

/* A partner of the time when the mode was "lacp" would go on for its timeout. */
static void take_leave(struct member *member, const struct session_data *data)
{
	if (data->saved && data->has_lacp && data->ifindex == member->ifindex)
		team_say_goodbye(member->team, member->slot, data);
}

static bool port_adopt(struct member *member, const struct link *link,
		       const struct session_data *data, const char **why)
{
	struct team *team = member->team;
	bool up = link->up && link->carrier;

	take_leave(member, data);
	if (link->settings_known)
		member->speed_mbps = link->speed_mbps;
	else if (data->saved && data->ifindex == link->ifindex)
		member->speed_mbps = data->speed_mbps;
	member->full_duplex = !link->settings_known || link->full_duplex;
	member->has_port = true;
	static_lag_port_add(&team->static_lag, member->slot, team->may_send >> member->slot & 1);
	/* Who polled for the carrier was dead: what the word says may be old. */
	if (!up)
		team->device->ops->carrier(team->device, member->slot, false);
	*why = "its link is down";
	if (!up)
		return false;
	*why = "its link was down meanwhile";
	if (!team->static_lag.keeps && !was_up_ever_since(data, link))
		return false;
	member->carrier = true;
	member->settings_known = true;
	member->link_told = true;
	static_lag_port_link(&team->static_lag, member->slot, true);
	return true;
}

static bool port_accepts(const struct member *member)
{
	return member->collecting;
}

static void receive(struct member *member, const struct mac *source, struct span payload)
{
	struct team *team = member->team;

	static_lag_receive(&team->static_lag, member->slot, payload, team_now(team));
}

static const struct static_port *port_of(const struct member *member)
{
	return &member->team->static_lag.ports[member->slot];
}

static void judge(const struct member *member, struct verdict *verdict)
{
	const struct static_port *port = port_of(member);
	char system[MAC_TEXT_SIZE];

	if (!member->distributing)
		verdict_set(verdict, TEAM_MEMBER_DOWN, "starting", "it is being added to the team");
	else if (port->partner_known)
		verdict_set(verdict, TEAM_MEMBER_ACTIVE, "partner-lacp",
			    "the switch's port speaks LACP (system %s, key %u, port %u), and this "
			    "team does not: it may send nothing here; make its aggregation static, "
			    "or the team's mode \"lacp\"",
			    mac_to_text(&port->partner.system, system), port->partner.key,
			    port->partner.port);
	else if (member->settings_known && !member->full_duplex)
		verdict_set(verdict, TEAM_MEMBER_ACTIVE, "half-duplex",
			    "its link is half duplex: the switch may not take it into the "
			    "aggregation");
}

static void warn_of_partner(const struct member *member)
{
	struct verdict verdict = {};

	judge(member, &verdict);
	log_write(LOG_LEVEL_WARNING,
		  &(struct log_fields){ .team = member->team->config.name,
					.member = member->config->name,
					.reason = verdict.reason },
		  "%s", verdict.explanation);
}

static void carry_out(struct team *team, const struct static_action *action)
{
	struct member *member = team_member_in_slot(team, action->slot);

	if (!member)
		return;
	team->dirty = true;
	switch (action->type) {
	case STATIC_ACTION_PORT:
		member->collecting = action->carries;
		member->distributing = action->carries;
		return;
	case STATIC_ACTION_PARTNER:
		return;
	case STATIC_ACTION_NOTE:
		warn_of_partner(member);
		return;
	}
}

static void drain_actions(struct team *team)
{
	struct static_action action;

	while (static_lag_next_action(&team->static_lag, &action))
		carry_out(team, &action);
}

static void tick(struct team *team, nsec_t now)
{
	static_lag_tick(&team->static_lag, now);
}

static nsec_t deadline(const struct team *team)
{
	return static_lag_deadline(&team->static_lag);
}

const struct mode_ops mode_static = {
	.carrier_returns = true,
	.goes_on = "goes on as it was",
	.begins_anew = "begins anew",
	.init = init,
	.fini = fini,
	.configured = configured,
	.port_add = port_add,
	.port_remove = port_remove,
	.port_link = port_link,
	.port_adopt = port_adopt,
	.port_accepts = port_accepts,
	.receive = receive,
	.drain_actions = drain_actions,
	.tick = tick,
	.deadline = deadline,
	.judge = judge,
};
