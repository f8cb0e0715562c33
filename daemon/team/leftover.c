/* Devices that the datapath has in the team and the configuration has no more: it was changed while
 * no daemon ran. They leave as any member does, with a word to the partner. */
#include "daemon/team/team-internal.h"
#include "lib/base/log.h"

#include <string.h>

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
			if (data.has_lacp)
				team_say_goodbye(team, slot, &data);
			log_notice("%s: %s leaves: the configuration does not have it any more",
				   team->config.name, data.member);
			if (!member)
				session_forget(session);
		}
		team->device->ops->member_remove(team->device, slot, removed, team);
	}
}
