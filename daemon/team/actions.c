/* Carries out what the LACP engine asks for. */
#include "daemon/host/host-internal.h"
#include "daemon/team/team-internal.h"
#include "lib/base/log.h"

#include <string.h>

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
			member->hesitates_until = nsec_add(team_now(team), TEAM_HESITATION);
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

void team_drain_actions(struct team *team)
{
	struct lacp_action action;

	while (lacp_next_action(team->lacp, &action))
		carry_out(team, &action);
}
