#include "daemon/team/team.h"

#include "daemon/host/host-internal.h"
#include "daemon/team/lifecycle.h"
#include "daemon/team/mode.h"
#include "daemon/team/team-internal.h"
#include "lib/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

nsec_t team_now(const struct team *team)
{
	return team->world->ops->now(team->world);
}

const char *team_name(const struct team *team)
{
	return team->config.name;
}

const struct config_team *team_config(const struct team *team)
{
	return &team->config;
}

unsigned team_n_members(const struct team *team)
{
	return team->n_members;
}

unsigned team_member_slot(const struct team *team, unsigned index)
{
	return team->members[index].slot;
}

int team_find_member(const struct team *team, const char *name)
{
	for (unsigned i = 0; i < team->n_members; i++)
		if (strcmp(team->members[i].config->name, name) == 0)
			return (int)i;
	return -1;
}

struct member *team_member_in_slot(struct team *team, unsigned slot)
{
	for (unsigned i = 0; i < team->n_members; i++)
		if (team->members[i].slot == slot)
			return &team->members[i];
	return NULL;
}

static struct member *member_by_index(struct team *team, int ifindex)
{
	for (unsigned i = 0; i < team->n_members; i++)
		if (team->members[i].ifindex == ifindex)
			return &team->members[i];
	return NULL;
}

void team_settle(struct team *team)
{
	team->mode->drain_actions(team);
	/* While the device is being looked for, the sessions of a former daemon are not ours to
	 * change. */
	if (!team->dirty || team->phase == TEAM_OPENING)
		return;
	team->dirty = false;
	team_apply_traffic(team);
	team->mode->drain_actions(team); /* Markers. */
	for (unsigned i = 0; team->phase == TEAM_OPEN && i < team->n_members; i++)
		member_save(&team->members[i]);
	team_report(team);
}

/* Who deletes it may mean it, so it is not made anew before somebody asks for that. */
static void device_vanished(struct team *team)
{
	static const char sentence[] =
		"somebody else deleted the team's device, or moved it away: start yoked again to "
		"make a new one";

	if (team->phase != TEAM_OPEN)
		return;
	log_write(LOG_LEVEL_ERROR, &(struct log_fields){ .team = team->config.name }, "%s",
		  sentence);
	(void)team_hindered(team, team->ifindex, sentence);
}

void team_link_changed(struct team *team, const struct link *link, const struct link *before)
{
	int ifindex = link ? link->ifindex : before->ifindex;
	struct member *member = member_by_index(team, ifindex);

	team_stations_link(team, link, before);
	if (!link && ifindex == team->ifindex) {
		device_vanished(team);
		return;
	}

	if (member) {
		member_link_changed(member, link);
	} else if (link) {
		int index = team_find_member(team, link->name);

		if (index < 0)
			return;
		team->members[index].retry_due = NSEC_NEVER;
		member_reconcile(&team->members[index]);
	} else {
		return;
	}
	team->dirty = true;
	team_settle(team);
}

bool team_slow_frame(struct team *team, int ifindex, const struct mac *source, struct span payload)
{
	struct member *member = member_by_index(team, ifindex);

	if (!member)
		return false;
	if (member->has_port) {
		team->mode->receive(member, source, payload);
		member_save(member);
	}
	team_settle(team);
	return true;
}

bool team_foreign_frame(struct team *team, int ifindex, bool illegal)
{
	struct member *member = member_by_index(team, ifindex);

	if (member)
		mode_receive_foreign(member, illegal);
	return member != NULL;
}

bool team_carrier_lost(struct team *team, int ifindex)
{
	struct member *member = member_by_index(team, ifindex);

	if (!member)
		return false;
	member_carrier_lost(member);
	team->dirty = true;
	team_settle(team);
	return true;
}

bool team_carrier_answer(struct team *team, int ifindex, bool up)
{
	struct member *member = member_by_index(team, ifindex);

	if (!member)
		return false;
	member_carrier_answer(member, up);
	team->dirty = true;
	team_settle(team);
	return true;
}

bool team_disturbed(struct team *team, int ifindex, const char *sentence)
{
	struct member *member = member_by_index(team, ifindex);

	if (!member && ifindex != team->ifindex)
		return false;
	host_emit(team->host,
		  &(struct host_event){ .type = member ? HOST_EVENT_MEMBER : HOST_EVENT_TEAM,
					.team = team->config.name,
					.member = member ? member->config->name : NULL,
					.reason = "disturbed",
					.text = sentence });
	return true;
}

bool team_hindered(struct team *team, int ifindex, const char *sentence)
{
	struct member *member = member_by_index(team, ifindex);

	if (!member && ifindex != team->ifindex)
		return false;
	(void)snprintf(member ? member->hindrance : team->hindrance, sizeof(team->hindrance), "%s",
		       sentence);
	for (unsigned i = 0; i < team->n_members; i++)
		if (!member || member == &team->members[i])
			member_hindered(&team->members[i]);
	team->dirty = true;
	team_settle(team);
	return true;
}

void team_tick(struct team *team, nsec_t now)
{
	if (now < team_deadline(team))
		return;
	if (team->phase == TEAM_FAILED && now >= team->retry_due)
		team_open(team);
	team_slots_tick(team, now);
	for (unsigned i = 0; i < team->n_members; i++)
		member_tick(&team->members[i], now);
	team->mode->tick(team, now);
	team_settle(team);
	team_traffic_tick(team, now);
	team_stations_tick(team, now);
}

nsec_t team_deadline(const struct team *team)
{
	nsec_t deadline = nsec_min(team->mode->deadline(team), team_traffic_deadline(team));

	deadline = nsec_min(deadline, team_stations_deadline(team));
	deadline = nsec_min(deadline, team_slots_deadline(team));
	deadline = nsec_min(deadline, team_change_deadline(team));
	if (team->phase == TEAM_FAILED)
		deadline = nsec_min(deadline, team->retry_due);
	for (unsigned i = 0; i < team->n_members; i++)
		deadline = nsec_min(deadline, member_deadline(&team->members[i]));
	return deadline;
}

static int check_drain(const struct team *team, const struct member *member, struct err *e)
{
	member_set bit = member->slot < PLACEMENT_MEMBERS ? (member_set)1 << member->slot : 0;
	member_set others = team_ready(team) & ~bit;
	unsigned least = team_least_active(team);

	if (!(team->handover.fit & bit) || (unsigned)__builtin_popcount(others) >= least)
		return 0;
	if (least == 1)
		return err_set(e, -EBUSY,
			       "%s is the last member of %s that carries traffic; "
			       "drain it with --force if that is meant",
			       member->config->name, team->config.name);
	return err_set(
		e, -EBUSY,
		"without %s fewer members of %s would carry traffic than min_active asks for "
		"(%u), and the team would be down; drain it with --force if that is meant",
		member->config->name, team->config.name, least);
}

int team_drain(struct team *team, unsigned index, bool drain, bool force, struct err *e)
{
	struct member *member = &team->members[index];

	if (team->phase == TEAM_DELETING)
		return err_set(e, -EBUSY, "%s is being deleted", team->config.name);
	if (drain && !force && !member->drained && check_drain(team, member, e) < 0)
		return -EBUSY;
	if (member->drained == drain)
		return 0;
	member->drained = drain;
	log_write(LOG_LEVEL_NOTICE,
		  &(struct log_fields){ .team = team->config.name, .member = member->config->name },
		  drain ? "drained by an administrator: it sends nothing more"
			: "sends again: the drain was ended by an administrator");
	team->dirty = true;
	team_settle(team);
	return 0;
}

bool team_settled(struct team *team)
{
	struct team_view view;

	team_get_view(team, &view);
	return team->phase == TEAM_FAILED || (team->phase == TEAM_OPEN && view.state == TEAM_UP);
}
