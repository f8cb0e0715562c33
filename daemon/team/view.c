/* A team as others see it, and the news of its states. */
#include "daemon/host/host-internal.h"
#include "daemon/host/world.h"
#include "daemon/team/mode.h"

#include <stdio.h>
#include <string.h>

const char *team_state_name(enum team_state state)
{
	switch (state) {
	case TEAM_UP:
		return "up";
	case TEAM_DEGRADED:
		return "degraded";
	case TEAM_DOWN:
		return "down";
	}
	return NULL;
}

const char *team_member_state_name(enum team_member_state state)
{
	switch (state) {
	case TEAM_MEMBER_ACTIVE:
		return "active";
	case TEAM_MEMBER_STANDBY:
		return "standby";
	case TEAM_MEMBER_DOWN:
		return "down";
	case TEAM_MEMBER_FAILED:
		return "failed";
	case TEAM_MEMBER_DISABLED:
		return "disabled";
	}
	return NULL;
}

void verdict_set(struct verdict *verdict, enum team_member_state state, const char *reason,
		 const char *format, ...)
{
	va_list args;

	verdict->state = state;
	verdict->reason = reason;
	va_start(args, format);
	(void)vsnprintf(verdict->explanation, sizeof(verdict->explanation), format, args);
	va_end(args);
}

/* A member without a device that works, or that an administrator has set aside. */
static bool judge_device(const struct member *member, struct verdict *verdict)
{
	const struct team *team = member->team;
	const char *hindrance = member->hindrance[0] ? member->hindrance
				: team->hindrance[0] ? team->hindrance
						     : NULL;

	if (member->config->disabled)
		verdict_set(verdict, TEAM_MEMBER_DISABLED, "disabled",
			    "the configuration disables it");
	else if (team->phase == TEAM_FAILED)
		verdict_set(verdict, TEAM_MEMBER_FAILED, "no-team", "%s", team->failure);
	else if (team->phase == TEAM_DELETING)
		verdict_set(verdict, TEAM_MEMBER_DISABLED, "deleting", "the team is being deleted");
	else if (member->refusal[0])
		verdict_set(verdict, TEAM_MEMBER_FAILED, "refused", "%s", member->refusal);
	else if (!member->ifindex)
		verdict_set(verdict, TEAM_MEMBER_DOWN, "no-device", "there is no device %s",
			    member->config->name);
	else if (hindrance && member->carrier)
		verdict_set(verdict, TEAM_MEMBER_FAILED, "disturbed", "%s", hindrance);
	else if (!hindrance && !member->has_port)
		verdict_set(verdict, TEAM_MEMBER_DOWN, "starting", "it is being added to the team");
	else if (!member->carrier)
		verdict_set(verdict, TEAM_MEMBER_DOWN, "no-carrier",
			    "it has no link: the cable, the other end's port or the transceiver");
	else
		return false;
	return true;
}

static void judge_too_few(const struct team *team, struct verdict *verdict)
{
	unsigned n = 0;

	for (unsigned i = 0; i < team->n_members; i++)
		n += member_could_send(&team->members[i]);
	verdict_set(verdict, TEAM_MEMBER_FAILED, "below-min-active",
		    "it could carry, but min_active asks for %u members that do, and there %s %u: "
		    "the team is down until more work",
		    team->config.min_active, n == 1 ? "is" : "are", n);
}

static void judge_member(const struct member *member, struct verdict *verdict)
{
	if (judge_device(member, verdict))
		return;
	verdict_set(verdict, TEAM_MEMBER_ACTIVE, "ok", "%s", "");
	if (member->distributing && member->drained)
		verdict_set(verdict, TEAM_MEMBER_DISABLED, "drained",
			    "an administrator drained it: it receives, and sends nothing");
	else if (!member->distributing && !member->settings_known)
		verdict_set(verdict, TEAM_MEMBER_DOWN, "starting", "its speed is being asked for");
	else if (member_health_judge(member, verdict))
		return;
	else if (!member->distributing && !member->link_told)
		verdict_set(verdict, TEAM_MEMBER_DOWN, "waiting",
			    "its link is up; the configured delay has not passed yet");
	else if (member->distributing && member->team->below_min_active)
		judge_too_few(member->team, verdict);
	else
		member->team->mode->judge(member, verdict);
}

void team_get_member_view(struct team *team, unsigned index, struct team_member_view *view)
{
	struct member *member = &team->members[index];
	struct datapath_team_counters counters;
	struct verdict verdict;

	*view = (struct team_member_view){
		.config = member->config,
		.slot = member->slot,
		.ifindex = member->ifindex,
		.carrier = member->carrier,
		.speed_mbps = member->speed_mbps,
		.drained = member->drained,
	};
	mode_fill_member_view(member, view);
	judge_member(member, &verdict);
	view->state = verdict.state;
	view->reason = verdict.reason;
	memcpy(view->explanation, verdict.explanation, sizeof(view->explanation));
	for (unsigned b = 0; b < PLACEMENT_BUCKETS; b++)
		view->buckets += placement_carrier(&team->handover.plan, b, team->handover.fit) ==
				 member->slot;
	if (!member->ifindex || !team->device)
		return;
	view->lacpdus_limited = team->world->ops->slow_limited(team->world, member->ifindex);
	if (team->device->ops->counters(team->device, &counters, NULL) == 0)
		view->counters = counters.members[member->slot];
}

size_t team_member_trace(const struct team *team, unsigned index, uint64_t after,
			 struct lacp_trace_entry *entries, size_t n)
{
	const struct member *member = &team->members[index];

	return mode_trace(member, after, entries, n);
}

struct count {
	unsigned active;
	unsigned missing; /* Should carry, and does not. */
	uint64_t speed_mbps;
};

static struct count count_members(struct team *team)
{
	struct count count = {};

	for (unsigned i = 0; i < team->n_members; i++) {
		struct member *member = &team->members[i];
		struct verdict verdict;

		judge_member(member, &verdict);
		switch (verdict.state) {
		case TEAM_MEMBER_ACTIVE:
			count.active++;
			count.speed_mbps += member->speed_mbps;
			break;
		case TEAM_MEMBER_DOWN:
		case TEAM_MEMBER_FAILED:
			count.missing += !member->config->standby;
			break;
		case TEAM_MEMBER_STANDBY:
		case TEAM_MEMBER_DISABLED:
			break;
		}
	}
	return count;
}

static enum team_state judge_team(const struct team *team, const struct count *count,
				  const char **explanation)
{
	*explanation = "";
	if (team->phase == TEAM_OPENING) {
		*explanation = "its device is being made";
		return TEAM_DOWN;
	}
	if (team->phase != TEAM_OPEN) {
		*explanation = team->phase == TEAM_FAILED ? team->failure : "it is being deleted";
		return TEAM_DOWN;
	}
	if (team->hindrance[0]) {
		*explanation = team->hindrance;
		return TEAM_DOWN;
	}
	if (team->below_min_active) {
		*explanation = "fewer members work than min_active asks for, so none carries";
		return TEAM_DOWN;
	}
	if (!count->active) {
		*explanation = "no member carries traffic";
		return TEAM_DOWN;
	}
	if (!count->missing)
		return TEAM_UP;
	*explanation = "not every member that should carry traffic does";
	return TEAM_DEGRADED;
}

static const char *primary_name(struct team *team)
{
	const struct placement_role *primary = mode_primary(team);
	const struct member *member = primary ? team_member_in_slot(team, primary->hold) : NULL;

	return member ? member->config->name : NULL;
}

static const char *device_kind(const struct team *team)
{
	const struct datapath_ops *ops = team->device ? team->device->ops : NULL;

	return ops && ops->device_kind ? ops->device_kind(team->device) : "";
}

void team_get_view(struct team *team, struct team_view *view)
{
	const struct link *link = team->world->ops->link_by_index(team->world, team->ifindex);
	struct count count = count_members(team);

	*view = (struct team_view){
		.config = &team->config,
		.datapath = team->datapath ? team->datapath->ops->name : "none",
		.datapath_why = team->datapath_why,
		.device = device_kind(team),
		.ifindex = team->ifindex,
		.mac = link ? link->mac : team->mac,
		.mtu = link ? link->mtu : team->config.mtu,
		.speed_mbps = count.speed_mbps,
		.adopted = team->adopted,
		.moved_in_order = team->handover.moved_in_order,
		.moved_unproven = team->handover.moved_unproven,
	};
	view->state = judge_team(team, &count, &view->explanation);
	view->primary = primary_name(team);
	mode_fill_view(team, view);
}

static void report_member(struct team *team, unsigned index)
{
	struct member *member = &team->members[index];
	bool first = !member->reported_reason[0];
	struct verdict verdict;

	judge_member(member, &verdict);
	if (verdict.state == member->reported_state &&
	    strcmp(verdict.reason, member->reported_reason) == 0)
		return;
	/* That it starts is no news: in a moment there will be. */
	if (strcmp(verdict.reason, "starting") == 0)
		return;
	host_emit(team->host,
		  &(struct host_event){
			  .type = HOST_EVENT_MEMBER,
			  .team = team->config.name,
			  .member = member->config->name,
			  .from = first ? NULL : team_member_state_name(member->reported_state),
			  .to = team_member_state_name(verdict.state),
			  .reason = verdict.reason,
			  .text = verdict.explanation });
	member->reported_state = verdict.state;
	(void)snprintf(member->reported_reason, sizeof(member->reported_reason), "%s",
		       verdict.reason);
}

void team_report(struct team *team)
{
	struct count count;
	enum team_state state;
	const char *explanation;

	for (unsigned i = 0; i < team->n_members; i++)
		report_member(team, i);
	count = count_members(team);
	state = judge_team(team, &count, &explanation);
	if (team->reported && state == team->reported_state)
		return;
	host_emit(team->host,
		  &(struct host_event){
			  .type = HOST_EVENT_TEAM,
			  .team = team->config.name,
			  .from = team->reported ? team_state_name(team->reported_state) : NULL,
			  .to = team_state_name(state),
			  .text = explanation });
	team->reported_state = state;
	team->reported = true;
}
