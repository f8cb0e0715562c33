/* A team's beginning and end: its device is made or adopted with what is in it, and deleted. */
#include "daemon/host/identity.h"
#include "daemon/team/lifecycle.h"
#include "daemon/team/mode.h"
#include "lib/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long until a device that could not be had is tried again. */
#define RETRY_DELAY (5 * NSEC_PER_SEC)

struct datapath_team_spec team_device_spec(const struct team *team)
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

	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		team->slots[slot].state = TEAM_SLOT_FREE;
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
		if (team->members[i].slot == PLACEMENT_NONE) {
			/* 32 members fit into 32 slots; only leftovers of another configuration can
			 * be in the way, and are taken out before. */
			team->members[i].slot = (unsigned)__builtin_ctz(~used);
			used |= (member_set)1 << team->members[i].slot;
		}
		team->slots[team->members[i].slot].state = TEAM_SLOT_TAKEN;
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
		spec = team_device_spec(team);
		device->ops->team_configure(device, &spec, configured, team);
	}
	team_stations_opened(team);
	for (unsigned i = 0; i < team->n_members; i++)
		member_reconcile(&team->members[i]);
	team->dirty = true;
	team_settle(team);
}

int team_check_rules(const struct team *team, const struct datapath_rules *rules, struct err *e)
{
	const struct datapath_ops *ops = team->datapath->ops;
	const char *why = "places frames by nothing but their hash";

	if (!rules->hash_inner && !rules->learn && !rules->homes && !rules->flowlets &&
	    !rules->independent && !rules->direct)
		return 0;
	if (ops->can && ops->can(rules, &why))
		return 0;
	return err_set(e, -EOPNOTSUPP, "datapath \"%s\" %s", ops->name, why);
}

/* The datapath that the team has, and that it can do what is asked of it. */
static int check_datapath(const struct team *team, const struct datapath_team_spec *spec,
			  struct err *e)
{
	if (!team->datapath)
		return err_set(e, -EOPNOTSUPP, "%s", team->datapath_why);
	return team_check_rules(team, &spec->rules, e);
}

void team_open(struct team *team)
{
	struct datapath_team_spec spec = team_device_spec(team);
	struct err e;

	if (check_datapath(team, &spec, &e) < 0) {
		team_failed(team, &e);
		team->dirty = true;
		return;
	}
	team->phase = TEAM_OPENING;
	team->mac = spec.mac;
	team->datapath->ops->team_open(team->datapath, &spec, team_opened, team);
}

void team_init_member(struct team *team, unsigned index, unsigned slot, bool unchanged)
{
	struct member *member = &team->members[index];
	struct session_data data;

	*member = (struct member){
		.team = team,
		.config = &team->config.members[index],
		.slot = slot,
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

bool team_note_configuration(struct team *team)
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
	unchanged = team_note_configuration(team);
	for (unsigned i = 0; i < PLACEMENT_MEMBERS; i++)
		team->slots[i].team = team;
	for (unsigned i = 0; i < team->n_members; i++)
		team_init_member(team, i, team_take_slot(team), unchanged);
	team_open(team);
	return team;
}

void team_forget(struct team *team)
{
	if (!team)
		return;
	team_cancel_change(team);
	for (unsigned i = 0; i < team->n_members; i++)
		member_let_go(&team->members[i]);
	if (team->device)
		team->device->ops->team_release(team->device);
	team->mode->fini(team);
	team_stations_fini(team);
	free(team);
}

static void team_is_deleted(void *userdata, int r, const struct err *e)
{
	struct team *team = userdata;

	/* The handle is gone, also when something of the device is left. */
	team->device = NULL;
	if (r < 0) {
		team->phase = TEAM_FAILED;
		team->retry_due = NSEC_NEVER;
		(void)snprintf(team->failure, sizeof(team->failure), "%s", e->text);
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
	if (team->change)
		return err_set(e, -EBUSY, "%s is just being changed; try again in a moment",
			       team->config.name);
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
