#include "daemon/team/team.h"

#include "daemon/host/host-internal.h"
#include "daemon/host/identity.h"
#include "daemon/team/lifecycle.h"
#include "daemon/team/mode.h"
#include "daemon/team/team-internal.h"
#include "lib/base/log.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long until a device that could not be had is tried again. */
#define RETRY_DELAY (5 * NSEC_PER_SEC)

nsec_t team_now(const struct team *team)
{
	return team->world->ops->now(team->world);
}

const char *team_name(const struct team *team)
{
	return team->config.name;
}

unsigned team_n_members(const struct team *team)
{
	return team->n_members;
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

static struct datapath_team_spec device_spec(const struct team *team)
{
	const struct link *link = team->world->ops->link_by_name(team->world, team->config.name);
	struct datapath_team_spec spec = {
		.mac = team->config.mac_auto ? identity_team_mac(team->identity, team->config.name)
					     : team->config.mac,
		.mtu = team->config.mtu,
		.hash = team->config.hash,
		/* The kernel knows no delay. */
		.carrier_returns = team->mode->carrier_returns && !team->config.up_delay_ms,
		.rules = team_rules(team),
	};

	memcpy(spec.name, team->config.name, sizeof(spec.name));
	if (!spec.mtu)
		spec.mtu = link ? link->mtu : 1500;
	return spec;
}

/* Gives each member a slot: the one its device is in already, else the first that is free. */
static void assign_slots(struct team *team, const struct datapath_team_info *info)
{
	member_set used = 0;

	for (unsigned i = 0; i < team->n_members; i++)
		team->members[i].slot = PLACEMENT_NONE;
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++) {
		struct member *member;

		if (!(info->members >> slot & 1))
			continue;
		used |= (member_set)1 << slot;
		member = team_member_of_device(team, info->member_ifindexes[slot]);
		if (member && member->slot == PLACEMENT_NONE)
			member->slot = slot;
	}
	for (unsigned i = 0; i < team->n_members; i++) {
		if (team->members[i].slot != PLACEMENT_NONE)
			continue;
		/* 32 members fit into 32 slots; only leftovers of another configuration can be in
		 * the way, and are taken out before. */
		team->members[i].slot = (unsigned)__builtin_ctz(~used);
		used |= (member_set)1 << team->members[i].slot;
	}
}

static void adopt_members(struct team *team, const struct datapath_team_info *info)
{
	team->adopting = true;
	for (unsigned i = 0; i < team->n_members; i++) {
		struct member *member = &team->members[i];

		if (info->members >> member->slot & 1)
			member_adopt(member, info->member_ifindexes[member->slot]);
	}
	team->mode->drain_actions(team);
	team->adopting = false;
}

static void team_failed(struct team *team, const struct err *e)
{
	team->phase = TEAM_FAILED;
	team->retry_due = nsec_add(team_now(team), RETRY_DELAY);
	if (strcmp(team->failure, e->text) == 0)
		return;
	(void)snprintf(team->failure, sizeof(team->failure), "%s", e->text);
	log_error("%s: %s", team->config.name, e->text);
}

static void configured(void *userdata, int r, const struct err *e)
{
	struct team *team = userdata;

	if (r < 0)
		log_error("%s: %s", team->config.name, e->text);
}

static void team_opened(void *userdata, int r, const struct err *e, struct datapath_team *device,
			const struct datapath_team_info *found)
{
	struct team *team = userdata;
	struct datapath_team_info info;
	struct datapath_team_spec spec;

	if (r < 0) {
		team_failed(team, e);
		team_settle(team);
		return;
	}
	info = *found;
	team->device = device;
	team->ifindex = info.ifindex;
	team->adopted = info.adopted;
	team->phase = TEAM_OPEN;
	team->failure[0] = '\0';
	team->carrier = info.adopted ? info.carrier : -1;
	if (info.adopted)
		handover_adopt(&team->handover, &info.plan, info.fit);
	team_take_out_leftovers(team, &info);
	team->may_send = info.may_send;
	team->may_receive = info.may_receive;
	assign_slots(team, &info);
	adopt_members(team, &info);
	if (info.adopted) {
		spec = device_spec(team);
		device->ops->team_configure(device, &spec, configured, team);
	}
	team_stations_opened(team);
	for (unsigned i = 0; i < team->n_members; i++)
		member_reconcile(&team->members[i]);
	team->dirty = true;
	team_settle(team);
}

static void team_open(struct team *team)
{
	struct datapath_team_spec spec = device_spec(team);
	struct err e;

	if (!team->datapath) {
		(void)err_set(&e, -EOPNOTSUPP, "%s", team->datapath_why);
		team_failed(team, &e);
		team->dirty = true;
		return;
	}
	team->phase = TEAM_OPENING;
	team->mac = spec.mac;
	team->datapath->ops->team_open(team->datapath, &spec, team_opened, team);
}

static void init_member(struct team *team, unsigned index, bool unchanged)
{
	struct member *member = &team->members[index];
	struct session_data data;

	*member = (struct member){
		.team = team,
		.config = &team->config.members[index],
		.slot = index,
		.link_due = NSEC_NEVER,
		.ask_due = NSEC_NEVER,
		.retry_due = NSEC_NEVER,
		.drained = team->config.members[index].drain,
		.reported_state = TEAM_MEMBER_DOWN,
	};
	member->session =
		session_store_find(team->sessions, team->config.name, member->config->name);
	/* What an administrator did at run time holds for the configuration it was done to. */
	if (unchanged && member->session && session_load(member->session, &data) && data.saved)
		member->drained = data.drained;
}

/* Whether this configuration is the one that ran last; notes that it is the one that runs now. */
static bool note_configuration(struct team *team)
{
	struct session *session = session_store_find(team->sessions, team->config.name, "");
	uint64_t fingerprint = config_team_fingerprint(&team->config);
	struct session_data data;
	bool unchanged;

	if (!session || !session_load(session, &data))
		return false;
	unchanged = data.saved && data.fingerprint == fingerprint;
	data.saved = true;
	data.deleted = false;
	data.fingerprint = fingerprint;
	session_save(session, &data);
	return unchanged;
}

struct team *team_new(const struct config_team *config,
		      const struct team_surroundings *surroundings)
{
	struct team *team = calloc(1, sizeof(*team));
	bool unchanged;

	if (!team)
		return NULL;
	team->host = surroundings->host;
	team->world = surroundings->world;
	team->datapath = surroundings->datapath.datapath;
	memcpy(team->datapath_why, surroundings->datapath.why, sizeof(team->datapath_why));
	team->identity = surroundings->identity;
	team->sessions = surroundings->sessions;
	team->config = *config;
	team->n_members = config->n_members;
	team->marker_due = NSEC_NEVER;
	team->hesitation_ends = NSEC_NEVER;
	team->carrier = -1;
	team->reported_state = TEAM_DOWN;
	handover_init(&team->handover);
	team->mode = mode_of(config->mode);
	if (team_stations_init(team) < 0 || team->mode->init(team) < 0) {
		team_stations_fini(team);
		free(team);
		return NULL;
	}
	unchanged = note_configuration(team);
	for (unsigned i = 0; i < team->n_members; i++)
		init_member(team, i, unchanged);
	team_open(team);
	return team;
}

void team_forget(struct team *team)
{
	if (!team)
		return;
	for (unsigned i = 0; i < team->n_members; i++)
		member_let_go(&team->members[i]);
	if (team->device)
		team->device->ops->team_release(team->device);
	team->mode->fini(team);
	team_stations_fini(team);
	free(team);
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
	if (team->phase == TEAM_FAILED)
		deadline = nsec_min(deadline, team->retry_due);
	for (unsigned i = 0; i < team->n_members; i++)
		deadline = nsec_min(deadline, member_deadline(&team->members[i]));
	return deadline;
}

static int check_drain(const struct team *team, const struct member *member, struct err *e)
{
	member_set others = team_ready(team) & ~((member_set)1 << member->slot);
	unsigned least = team_least_active(team);

	if (!(team->handover.fit >> member->slot & 1) ||
	    (unsigned)__builtin_popcount(others) >= least)
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

static void team_is_deleted(void *userdata, int r, const struct err *e)
{
	struct team *team = userdata;

	if (r < 0) {
		team->phase = TEAM_FAILED;
		team->retry_due = NSEC_NEVER;
		(void)snprintf(team->failure, sizeof(team->failure), "%s", e->text);
	} else {
		team->device = NULL;
	}
	team->deleted(team->deleted_userdata, r, e);
}

int team_may_be_deleted(const struct team *team, struct err *e)
{
	if (team->phase == TEAM_OPENING)
		return err_set(e, -EBUSY, "%s is just being made; try again in a moment",
			       team->config.name);
	if (team->phase == TEAM_DELETING)
		return err_set(e, -EBUSY, "%s is being deleted already", team->config.name);
	return 0;
}

void team_delete(struct team *team, void (*deleted)(void *userdata, int r, const struct err *e),
		 void *userdata)
{
	team->deleted = deleted;
	team->deleted_userdata = userdata;
	team->phase = TEAM_DELETING;
	/* We stop to send, tell the partners, and still receive until the device goes. */
	if (team->device)
		team->device->ops->allow(team->device, 0, team->may_receive);
	team->may_send = 0;
	for (unsigned i = 0; i < team->n_members; i++) {
		member_leave(&team->members[i]);
		if (team->members[i].session)
			session_forget(team->members[i].session);
		team->members[i].session = NULL;
		member_let_go(&team->members[i]);
	}
	team->mode->drain_actions(team);
	if (team->device)
		team->device->ops->team_delete(team->device, team_is_deleted, team);
	else
		team_is_deleted(team, 0, NULL);
}

bool team_settled(struct team *team)
{
	struct team_view view;

	team_get_view(team, &view);
	return team->phase == TEAM_FAILED || (team->phase == TEAM_OPEN && view.state == TEAM_UP);
}
