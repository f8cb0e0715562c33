/* Mode "static": each link that is up carries, and so the switch must see it. */
#include "daemon/team/mode.h"

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

static bool port_adopt(struct member *member, const struct link *link,
		       const struct session_data *data, const char **why)
{
	struct team *team = member->team;
	bool up = mode_adopt_link(member, link, data, why);

	static_lag_port_add(&team->static_lag, member->slot, team->may_send >> member->slot & 1);
	if (up)
		static_lag_port_link(&team->static_lag, member->slot, true);
	return up;
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

static void judge(const struct member *member, struct verdict *verdict)
{
	const struct lacp_neighbours *neighbours = &member->team->static_lag.neighbours;

	if (!member->distributing)
		verdict_set(verdict, TEAM_MEMBER_DOWN, "starting", "it is being added to the team");
	else if (mode_judge_neighbour(member, &neighbours->ports[member->slot],
				      "make its aggregation static", verdict))
		return;
	else if (member->settings_known && !member->full_duplex)
		verdict_set(verdict, TEAM_MEMBER_ACTIVE, "half-duplex",
			    "its link is half duplex: the switch may not take it into the "
			    "aggregation");
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
		mode_warn(member);
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
