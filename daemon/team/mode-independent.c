/* Mode "switch-independent": the switches know of no team. Who carries, stands by and is the
 * primary is agreed on with nobody. */
#include "daemon/team/mode.h"

/* A team whose members all stand by has one that carries all the same. */
static unsigned count_places(const struct config_team *config)
{
	unsigned n = 0;

	for (unsigned i = 0; i < config->n_members; i++)
		n += !config->members[i].standby && !config->members[i].disabled;
	return n ? n : 1;
}

static struct independent_policy policy_of(const struct config_team *config)
{
	return (struct independent_policy){
		.places = count_places(config),
		.never_back = config->fail_back == CONFIG_FAIL_BACK_NEVER,
		.back_delay = config->fail_back_delay_ms * NSEC_PER_MS,
		/* With a delay a link that is back has to wait for us. */
		.keeps = !config->up_delay_ms,
	};
}

static struct independent_settings settings_of(const struct member *member)
{
	return (struct independent_settings){
		.standby = member->config->standby,
		.preferred = member->config->preferred,
		.priority = member->config->priority,
		.drained = member->drained,
	};
}

static int init(struct team *team)
{
	const struct independent_policy policy = policy_of(&team->config);

	independent_init(&team->independent, &policy);
	return 0;
}

static void fini(struct team *team)
{
}

static void add(struct member *member, const struct independent_past *past)
{
	const struct independent_settings settings = settings_of(member);

	independent_port_add(&member->team->independent, member->slot, &settings, past,
			     team_now(member->team));
}

static void port_add(struct member *member)
{
	add(member, &(struct independent_past){});
}

static void port_remove(struct member *member)
{
	independent_port_remove(&member->team->independent, member->slot, team_now(member->team));
}

static void port_link(struct member *member, bool up)
{
	independent_port_link(&member->team->independent, member->slot, up, team_now(member->team));
}

static bool port_adopt(struct member *member, const struct link *link,
		       const struct session_data *data, const char **why)
{
	struct team *team = member->team;
	const struct independent_past past = {
		.known = true,
		.carried = team->may_send >> member->slot & 1,
		.primary =
			placement_primary(&team->handover.plan, team->handover.fit) == member->slot,
	};
	bool up = mode_adopt_link(member, link, data, why);

	add(member, &past);
	if (up)
		port_link(member, true);
	return up;
}

static bool port_accepts(const struct member *member)
{
	return member->collecting;
}

static void receive(struct member *member, const struct mac *source, struct span payload)
{
	struct team *team = member->team;

	independent_receive(&team->independent, member->slot, payload, team_now(team));
}

static bool stands_ready(const struct member *member)
{
	const struct independent *independent = &member->team->independent;

	switch (independent_reason(independent, member->slot)) {
	case INDEPENDENT_NO_LINK:
	case INDEPENDENT_DRAINED:
		return false;
	case INDEPENDENT_CARRIES:
	case INDEPENDENT_STANDS_BY:
	case INDEPENDENT_WAITS:
	case INDEPENDENT_NOT_YET:
		return true;
	}
	return false;
}

static bool is_primary(const struct member *member)
{
	return independent_primary(&member->team->independent)->hold == member->slot;
}

static void judge_carrier(const struct member *member, struct verdict *verdict)
{
	const struct lacp_neighbours *neighbours = &member->team->independent.neighbours;

	if (mode_judge_neighbour(member, &neighbours->ports[member->slot],
				 "take it out of its channel group", verdict))
		return;
	if (is_primary(member))
		verdict_set(verdict, TEAM_MEMBER_ACTIVE, "primary",
			    "it receives broadcasts and what is for the team's address, and sends "
			    "ARP, ND and what is not IP");
}

static void judge_waiting(const struct member *member, struct verdict *verdict)
{
	const struct team *team = member->team;
	const struct independent_port *port = &team->independent.ports[member->slot];
	nsec_t due = nsec_add(port->up_since, team->independent.policy.back_delay);

	verdict_set(verdict, TEAM_MEMBER_STANDBY, "fail-back-waits",
		    "it works again, and takes its place back in %u s (fail_back_delay_ms)",
		    (unsigned)(nsec_since(team_now(team), due) / NSEC_PER_SEC + 1));
}

static void judge(const struct member *member, struct verdict *verdict)
{
	switch (independent_reason(&member->team->independent, member->slot)) {
	case INDEPENDENT_CARRIES:
		judge_carrier(member, verdict);
		return;
	case INDEPENDENT_NO_LINK:
		verdict_set(verdict, TEAM_MEMBER_DOWN, "starting", "it is being added to the team");
		return;
	case INDEPENDENT_DRAINED:
		verdict_set(verdict, TEAM_MEMBER_DISABLED, "drained",
			    "an administrator drained it: it sends nothing");
		return;
	case INDEPENDENT_STANDS_BY:
		verdict_set(verdict, TEAM_MEMBER_STANDBY, "standby",
			    "it is kept in reserve, and takes over when a member that carries "
			    "fails");
		return;
	case INDEPENDENT_WAITS:
		judge_waiting(member, verdict);
		return;
	case INDEPENDENT_NOT_YET:
		verdict_set(verdict, TEAM_MEMBER_STANDBY, "fail-back-never",
			    "it works again, and carries when one that does fails, as fail_back is "
			    "\"never\"; yokectl member set %s %s active has it carry now",
			    member->team->config.name, member->config->name);
		return;
	}
}

static void carry_out(struct team *team, const struct independent_action *action)
{
	struct member *member = team_member_in_slot(team, action->slot);

	team->dirty = true;
	switch (action->type) {
	case INDEPENDENT_ACTION_PORT:
		if (!member)
			return;
		member->collecting = action->accepts;
		member->distributing = action->carries;
		return;
	case INDEPENDENT_ACTION_PRIMARY: /* It is looked up when the plan is written. */
	case INDEPENDENT_ACTION_PARTNER:
		return;
	case INDEPENDENT_ACTION_NOTE:
		if (member)
			mode_warn(member);
		return;
	}
}

/* What an administrator changed, by the configuration or by hand; nothing, mostly. */
static void take_settings(struct team *team)
{
	const struct independent_policy policy = policy_of(&team->config);
	nsec_t now = team_now(team);

	independent_set_policy(&team->independent, &policy, now);
	for (unsigned i = 0; i < team->n_members; i++) {
		const struct member *member = &team->members[i];
		const struct independent_settings settings = settings_of(member);

		if (member->has_port)
			independent_port_set(&team->independent, member->slot, &settings, now);
	}
}

static void drain_actions(struct team *team)
{
	struct independent_action action;

	take_settings(team);
	while (independent_next_action(&team->independent, &action))
		carry_out(team, &action);
}

static void tick(struct team *team, nsec_t now)
{
	independent_tick(&team->independent, now);
}

static nsec_t deadline(const struct team *team)
{
	return independent_deadline(&team->independent);
}

static const struct placement_role *primary(const struct team *team)
{
	return independent_primary(&team->independent);
}

static void fill_member_view(const struct member *member, struct team_member_view *view)
{
	view->primary = is_primary(member);
}

const struct mode_ops mode_independent = {
	.carrier_returns = true,
	.goes_on = "goes on as it was",
	.begins_anew = "begins anew",
	.init = init,
	.fini = fini,
	.port_add = port_add,
	.port_remove = port_remove,
	.port_link = port_link,
	.port_adopt = port_adopt,
	.port_accepts = port_accepts,
	.receive = receive,
	.drain_actions = drain_actions,
	.tick = tick,
	.deadline = deadline,
	.stands_ready = stands_ready,
	.primary = primary,
	.judge = judge,
	.fill_member_view = fill_member_view,
};
