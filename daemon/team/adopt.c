/* How a member goes on under a mode that has no session with the switch: by its link alone. */
#include "daemon/team/mode.h"
#include "lib/base/log.h"

/* A partner of the time when the mode was "lacp" would go on for its timeout. */
static void take_leave(struct member *member, const struct session_data *data)
{
	if (data->saved && data->has_lacp && data->ifindex == member->ifindex)
		team_say_goodbye(member->team, member->slot, data);
}

/* Whether the link has been there all the time, so that no delay begins. */
static bool was_up_ever_since(const struct session_data *data, const struct link *link)
{
	return data->saved && data->ifindex == link->ifindex &&
	       data->carrier_up_count == link->carrier_up_count &&
	       data->carrier_down_count == link->carrier_down_count;
}

static void take_settings(struct member *member, const struct link *link,
			  const struct session_data *data)
{
	if (link->settings_known)
		member->speed_mbps = link->speed_mbps;
	else if (data->saved && data->ifindex == link->ifindex)
		member->speed_mbps = data->speed_mbps;
	member->full_duplex = !link->settings_known || link->full_duplex;
}

bool mode_adopt_link(struct member *member, const struct link *link,
		     const struct session_data *data, const char **why)
{
	struct team *team = member->team;
	bool up = link->up && link->carrier;

	take_leave(member, data);
	take_settings(member, link, data);
	member->has_port = true;
	/* Who polled for the carrier was dead: what the word says may be old. */
	if (!up)
		team->device->ops->carrier(team->device, member->slot, false);
	*why = "its link is down";
	if (!up)
		return false;
	*why = "its link was down meanwhile";
	if (team->config.up_delay_ms && !was_up_ever_since(data, link))
		return false;
	member->carrier = true;
	member->settings_known = true;
	member->link_told = true;
	return true;
}

bool mode_judge_neighbour(const struct member *member, const struct lacp_neighbour *neighbour,
			  const char *remedy, struct verdict *verdict)
{
	char system[MAC_TEXT_SIZE];

	if (!neighbour->known)
		return false;
	verdict_set(verdict, TEAM_MEMBER_ACTIVE, "partner-lacp",
		    "the switch's port speaks LACP (system %s, key %u, port %u), and this team "
		    "does not: it may send nothing here; %s, or make the team's mode \"lacp\"",
		    mac_to_text(&neighbour->info.system, system), neighbour->info.key,
		    neighbour->info.port, remedy);
	return true;
}

void mode_warn(const struct member *member)
{
	struct verdict verdict = {};

	member->team->mode->judge(member, &verdict);
	if (!verdict.reason)
		return;
	log_write(LOG_LEVEL_WARNING,
		  &(struct log_fields){ .team = member->team->config.name,
					.member = member->config->name,
					.reason = verdict.reason },
		  "%s", verdict.explanation);
}
