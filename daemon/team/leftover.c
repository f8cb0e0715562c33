/* Devices that the datapath has in the team and the configuration has no more: it was changed while
 * no daemon ran. They leave as any member does, with a word to the partner. */
#include "daemon/team/team-internal.h"
#include "lib/base/log.h"

#include <string.h>

/* Takes the session of the former daemon up only to end it. The engine has no other port yet. */
static void say_goodbye(struct team *team, unsigned slot, const struct session_data *data)
{
	struct world *world = team->world;
	struct lacp_port_config config = {
		.number = data->lacp.actor_port,
		.key = data->lacp.actor_key,
		.priority = data->lacp.actor_port_priority,
		.speed_mbps = data->speed_mbps,
	};
	struct lacp_action action;
	const char *why;

	memcpy(config.name, data->member, sizeof(config.name));
	/* A session that cannot be resumed has no partner that would wait for a word. */
	(void)lacp_port_resume(team->lacp, slot, &config, &data->lacp, team_now(team), &why);
	while (lacp_next_action(team->lacp, &action))
		;
	lacp_port_remove(team->lacp, slot, team_now(team));
	while (lacp_next_action(team->lacp, &action)) {
		struct span payload = { action.payload, sizeof(action.payload) };

		if (action.type == LACP_ACTION_SEND)
			(void)world->ops->slow_send(world, data->ifindex, &data->mac, payload);
	}
}

static void removed(void *userdata, int r, const struct err *e)
{
	struct team *team = userdata;

	if (r < 0)
		log_warning("%s: a device of a former configuration stays in it: %s",
			    team->config.name, e->text);
}

void team_take_out_leftovers(struct team *team, struct datapath_team_info *info)
{
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++) {
		int ifindex = info->member_ifindexes[slot];
		member_set bit = (member_set)1 << slot;
		struct session_data data;
		struct session *session;
		struct member *member;

		if (!(info->members & bit))
			continue;
		member = team_member_of_device(team, ifindex);
		if (member && !member->config->disabled)
			continue;
		info->members &= ~bit;
		info->may_send &= ~bit;
		info->may_receive &= ~bit;
		team->device->ops->allow(team->device, info->may_send, info->may_receive);
		session = session_store_find_device(team->sessions, team->config.name, ifindex);
		if (session && session_load(session, &data)) {
			say_goodbye(team, slot, &data);
			log_notice("%s: %s leaves: the configuration does not have it any more",
				   team->config.name, data.member);
			if (!member)
				session_forget(session);
		}
		team->device->ops->member_remove(team->device, slot, removed, team);
	}
}
