/* The end of a LACP session that a former daemon had and this one does not go on with: its member,
 * or the team's mode, is another one in the configuration now. */
#include "daemon/team/team-internal.h"

#include <string.h>

/* As that session's engine was, in what a partner can see of it. */
static struct lacp *engine_for(const struct lacp_session *session, nsec_t now)
{
	struct lacp_config config = {
		.system_priority = session->actor_system_priority,
		.system = session->actor_system,
		.active = session->actor_state & LACP_STATE_ACTIVITY,
		.fast = session->actor_state & LACP_STATE_TIMEOUT,
		.min_links = 1,
		.max_links = LACP_PORTS_MAX,
	};

	return lacp_new(&config, now);
}

static void send_all(struct team *team, struct lacp *engine, const struct session_data *data)
{
	struct world *world = team->world;
	struct lacp_action action;

	while (lacp_next_action(engine, &action)) {
		struct span payload = { action.payload, sizeof(action.payload) };

		if (action.type == LACP_ACTION_SEND)
			(void)world->ops->slow_send(world, data->ifindex, &data->mac, payload);
	}
}

/* Takes the session up only to end it. */
void team_say_goodbye(struct team *team, unsigned slot, const struct session_data *data)
{
	struct lacp_port_config config = {
		.number = data->lacp.actor_port,
		.key = data->lacp.actor_key,
		.priority = data->lacp.actor_port_priority,
		.speed_mbps = data->speed_mbps,
	};
	nsec_t now = team_now(team);
	struct lacp *engine = engine_for(&data->lacp, now);
	struct lacp_action action;
	const char *why;

	if (!engine)
		return;
	memcpy(config.name, data->member, sizeof(config.name));
	/* A session that cannot be resumed has no partner that would wait for a word. */
	(void)lacp_port_resume(engine, slot, &config, &data->lacp, now, &why);
	while (lacp_next_action(engine, &action))
		;
	lacp_port_remove(engine, slot, now);
	send_all(team, engine, data);
	lacp_free(engine);
}
