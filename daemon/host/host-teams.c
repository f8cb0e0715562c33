/* Teams come, change and go. */
#include "daemon/host/host-private.h"
#include "daemon/host/session-store.h"
#include "lib/base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One creation, change or deletion under way. */
struct operation {
	struct host *host;
	struct team *team;         /* Of a creation: once there is one. */
	struct config_team config; /* Of a creation. */
	struct err why;            /* Of a creation that failed. */
	host_changed *done;
	void *userdata;
};

const struct config_team *host_find_file(const struct host *host, const char *name)
{
	for (unsigned i = 0; i < host->config->n_teams; i++)
		if (strcmp(host->config->teams[i].name, name) == 0)
			return &host->config->teams[i];
	return NULL;
}

bool host_has_device(const struct host *host, const char *name)
{
	return host->parts.world->ops->link_by_name(host->parts.world, name);
}

const char *host_device_name(const struct host *host, int ifindex)
{
	const struct link *link =
		ifindex ? host->parts.world->ops->link_by_index(host->parts.world, ifindex) : NULL;

	return link ? link->name : NULL;
}

static bool has_member(const struct config_team *team, const char *name)
{
	for (unsigned i = 0; i < team->n_members; i++)
		if (strcmp(team->members[i].name, name) == 0)
			return true;
	return false;
}

int host_check_pair(const struct config_team *team, const struct config_team *other, struct err *e)
{
	if (strcmp(team->name, other->name) == 0)
		return err_set(e, -EBUSY, "there is a team %s already", team->name);
	if (has_member(other, team->name))
		return err_set(e, -EBUSY, "%s is a member of %s", team->name, other->name);
	if (has_member(team, other->name))
		return err_set(e, -EBUSY, "%s is a team itself, and cannot be a member of %s",
			       other->name, team->name);
	for (unsigned i = 0; i < team->n_members; i++)
		if (has_member(other, team->members[i].name))
			return err_set(e, -EBUSY, "%s is a member of %s already",
				       team->members[i].name, other->name);
	if (team->lacp.key && team->lacp.key == other->lacp.key)
		return err_set(e, -EBUSY,
			       "lacp.key is %u, which is that of %s: expected another, or 0",
			       team->lacp.key, other->name);
	return 0;
}

/* Against all teams but the one that it replaces. */
static int check_others(const struct host *host, const struct config_team *config,
			const struct team *instead, struct err *e)
{
	int r = 0;

	for (unsigned i = 0; i < host->n_teams && r == 0; i++)
		if (host->teams[i] != instead)
			r = host_check_pair(config, team_config(host->teams[i]), e);
	return r;
}

static struct team_datapath choose_datapath(const struct host_parts *parts,
					    const struct config_team *config)
{
	struct team_datapath chosen = { .datapath = parts->datapath };

	if (parts->choose)
		parts->choose(parts->choose_userdata, config, &chosen);
	return chosen;
}

static struct team *start_team(struct host *host, const struct config_team *config)
{
	struct team_surroundings surroundings = {
		.host = host,
		.world = host->parts.world,
		.datapath = choose_datapath(&host->parts, config),
		.identity = host->parts.identity,
		.sessions = host->parts.sessions,
	};
	struct team *team = team_new(config, &surroundings);

	if (team)
		host->teams[host->n_teams++] = team;
	return team;
}

/* An administrator's delete holds until the host boots again or the configuration changes. */
static bool was_deleted(const struct host *host, const char *name, uint64_t fingerprint)
{
	struct session *session = session_store_find(host->parts.sessions, name, "");
	struct session_data data;

	return session && session_load(session, &data) && data.saved && data.deleted &&
	       data.fingerprint == fingerprint;
}

/* The fingerprint that the delete holds for is that of the files, as the next daemon finds it. */
static void note_deleted(struct host *host, const char *name)
{
	struct session *session = session_store_find(host->parts.sessions, name, "");
	const struct config_team *file = host_find_file(host, name);
	struct session_data data;

	if (!session || !session_load(session, &data))
		return;
	data.saved = true;
	data.deleted = true;
	if (file)
		data.fingerprint = config_team_fingerprint(file);
	session_save(session, &data);
}

/* What runs of a team of the files, if they have it as they had it then. */
static const struct config_team *find_running(const struct running *running,
					      const struct config_team *file)
{
	struct config *config = running->config;

	for (unsigned i = 0; config && i < config->n_teams; i++) {
		if (strcmp(config->teams[i].name, file->name) != 0)
			continue;
		if (running->origins[i] == config_team_fingerprint(file)) {
			memcpy(config->teams[i].file, file->file, sizeof(file->file));
			config->teams[i].line = file->line;
			return &config->teams[i];
		}
		log_notice("%s: what was changed at run time is dropped, as its configuration was "
			   "changed since",
			   file->name);
	}
	return NULL;
}

/* Other teams may have changed in the files meanwhile, and have its members now. */
static bool fits(const struct host *host, const struct config_team *running)
{
	struct err e;
	int r = check_others(host, running, NULL, &e);

	for (unsigned i = 0; i < host->config->n_teams && r == 0; i++)
		if (strcmp(host->config->teams[i].name, running->name) != 0)
			r = host_check_pair(running, &host->config->teams[i], &e);
	if (r < 0)
		log_warning("%s: what was changed at run time is dropped: %s", running->name,
			    e.text);
	return r == 0;
}

static int start_one(struct host *host, const struct config_team *config, uint64_t fingerprint)
{
	if (was_deleted(host, config->name, fingerprint)) {
		log_notice("%s stays away: it was deleted, and neither the host booted since nor "
			   "its configuration changed",
			   config->name);
		return 0;
	}
	return start_team(host, config) ? 0 : -ENOMEM;
}

/* Those of the files; where they were changed at run time, as they were then. */
static int start_file_teams(struct host *host, const struct running *running)
{
	int r = 0;

	for (unsigned i = 0; i < host->config->n_teams && r == 0; i++) {
		const struct config_team *file = &host->config->teams[i];
		const struct config_team *changed = find_running(running, file);
		uint64_t fingerprint = config_team_fingerprint(file);

		if (changed && fits(host, changed))
			r = start_one(host, changed, fingerprint);
		else
			r = start_one(host, file, fingerprint);
	}
	return r;
}

static int start_created_teams(struct host *host, const struct running *running)
{
	int r = 0;

	for (unsigned i = 0; running->config && i < running->config->n_teams && r == 0; i++) {
		struct config_team *config = &running->config->teams[i];

		config->file[0] = '\0';
		config->line = 0;
		if (!running->origins[i] && !host_find_file(host, config->name) &&
		    host->n_teams < CONFIG_TEAMS_MAX && fits(host, config))
			r = start_one(host, config, config_team_fingerprint(config));
	}
	return r;
}

int host_start_teams(struct host *host)
{
	struct running running = {};
	int r;

	running_load(host, &running);
	r = start_file_teams(host, &running);
	if (r == 0)
		r = start_created_teams(host, &running);
	running_release(&running);
	return r;
}

static struct operation *new_operation(struct host *host, host_changed *done, void *userdata)
{
	struct operation *operation = calloc(1, sizeof(*operation));
	struct err e;

	if (!operation) {
		done(userdata, err_set(&e, -ENOMEM, "out of memory"), &e);
		return NULL;
	}
	operation->host = host;
	operation->done = done;
	operation->userdata = userdata;
	return operation;
}

static void end(struct operation *operation, int r, const struct err *e)
{
	operation->done(operation->userdata, r, e);
	free(operation);
}

/* It is done, and so that a daemon that is killed now leaves it done. */
static void end_well(void *operation)
{
	end(operation, 0, NULL);
}

static void save_and_end(struct operation *operation)
{
	running_save(operation->host, end_well, operation);
}

static void forget_team(struct host *host, struct team *team)
{
	for (unsigned i = 0; i < host->n_teams; i++) {
		if (host->teams[i] != team)
			continue;
		host->n_teams--;
		memmove(&host->teams[i], &host->teams[i + 1],
			(host->n_teams - i) * sizeof(host->teams[i]));
		break;
	}
	team_forget(team);
}

static void tell(const struct operation *operation, const char *text)
{
	host_emit(operation->host, &(struct host_event){ .type = HOST_EVENT_TEAM,
							 .team = team_name(operation->team),
							 .text = text });
}

static void team_deleted(void *userdata, int r, const struct err *e)
{
	struct operation *operation = userdata;
	struct host *host = operation->host;

	if (r < 0) {
		end(operation, r, e);
		return;
	}
	tell(operation, "deleted by an administrator");
	note_deleted(host, team_name(operation->team));
	forget_team(host, operation->team);
	save_and_end(operation);
}

void host_delete_team(struct host *host, struct team *team, host_deleted *deleted, void *userdata)
{
	struct operation *operation;
	struct err e;

	if (team_may_be_deleted(team, &e) < 0) {
		deleted(userdata, e.code, &e);
		return;
	}
	operation = new_operation(host, deleted, userdata);
	if (!operation)
		return;
	operation->team = team;
	team_delete(team, team_deleted, operation);
}

static void team_is_set(void *userdata, int r, const struct err *e)
{
	struct operation *operation = userdata;

	if (r < 0) {
		end(operation, r, e);
		return;
	}
	tell(operation, "changed by an administrator");
	save_and_end(operation);
}

void host_set_team(struct host *host, struct team *team, const struct host_setting *setting)
{
	struct operation *operation = new_operation(host, setting->changed, setting->userdata);
	struct team_setting wanted = {
		.config = setting->config,
		.force = setting->force,
		.changed = team_is_set,
		.userdata = operation,
	};
	struct err e = {};
	int r;

	if (!operation)
		return;
	operation->team = team;
	r = check_others(host, setting->config, team, &e);
	if (r == 0)
		r = team_set(team, &wanted, &e);
	if (r < 0)
		end(operation, r, &e);
}

/* Nothing is left of a creation that failed, also no trace in what outlives us. */
static void forget_creation(struct operation *operation)
{
	struct host *host = operation->host;
	struct session *session;

	forget_team(host, operation->team);
	session = session_store_find(host->parts.sessions, operation->config.name, "");
	if (host_find_file(host, operation->config.name))
		note_deleted(host, operation->config.name);
	else if (session)
		session_forget(session);
	end(operation, operation->why.code, &operation->why);
}

static void creation_deleted(void *userdata, int r, const struct err *e)
{
	if (r < 0)
		log_warning("%s", e->text);
	forget_creation(userdata);
}

static void team_is_made(void *userdata, int r, const struct err *e)
{
	struct operation *operation = userdata;

	if (r == 0) {
		tell(operation, "created by an administrator");
		save_and_end(operation);
	} else if (r == -ECANCELED) {
		end(operation, r, e);
	} else {
		operation->why = *e;
		team_delete(operation->team, creation_deleted, operation);
	}
}

static int create(struct operation *operation, struct err *e)
{
	struct host *host = operation->host;
	const struct team_setting wanted = {
		.config = &operation->config,
		.changed = team_is_made,
		.userdata = operation,
	};
	int r = check_others(host, &operation->config, NULL, e);

	if (r < 0)
		return r;
	if (host->n_teams == CONFIG_TEAMS_MAX)
		return err_set(e, -EBUSY, "there are %u teams already, and no more can be",
			       CONFIG_TEAMS_MAX);
	operation->team = start_team(host, &operation->config);
	if (!operation->team)
		return err_set(e, -ENOMEM, "out of memory");
	r = team_await(operation->team, &wanted, e);
	if (r < 0)
		forget_team(host, operation->team);
	return r;
}

static void prepared(void *userdata)
{
	struct operation *operation = userdata;
	struct err e = {};
	int r = create(operation, &e);

	if (r < 0)
		end(operation, r, &e);
}

void host_create_team(struct host *host, const struct host_setting *setting)
{
	struct operation *operation = new_operation(host, setting->changed, setting->userdata);

	if (!operation)
		return;
	operation->config = *setting->config;
	if (host->parts.prepare)
		host->parts.prepare(host->parts.choose_userdata, prepared, operation);
	else
		prepared(operation);
}
