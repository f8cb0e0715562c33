/* org.yoke.Team: teams and members are made and changed with the configuration's own keys. */
#include "daemon/control/find.h"
#include "daemon/control/interface-team.h"
#include "daemon/control/internal.h"
#include "daemon/control/settings.h"

#include <errno.h>
#include <string.h>

static void on_changed(void *userdata, int r, const struct err *e)
{
	answer_change(userdata, r, e);
}

static bool is_forced(const json_t *parameters)
{
	return json_is_true(json_object_get(parameters, "force"));
}

static bool has_member(const struct config_team *team, const char *name)
{
	for (unsigned i = 0; team && i < team->n_members; i++)
		if (strcmp(team->members[i].name, name) == 0)
			return true;
	return false;
}

/* A member that is new and no device is a mistake, unless somebody says that it will come. */
static int check_devices(const struct call *call, const struct config_team *running,
			 const struct config_team *config, struct err *e)
{
	for (unsigned i = 0; i < config->n_members; i++) {
		const char *name = config->members[i].name;

		if (!has_member(running, name) && !host_has_device(call->server->host, name))
			return err_set(e, -ENODEV,
				       "there is no network device \"%s\"; use --force if it is "
				       "still to come",
				       name);
	}
	return 0;
}

/* Has the team ('running' NULL: a new one) take the configuration over, if it could be made. */
static void apply(struct call *call, struct team *team, const struct host_setting *setting, int r,
		  struct err *e)
{
	const struct config_team *running = team ? team_config(team) : NULL;

	if (r == 0 && !setting->force)
		r = check_devices(call, running, setting->config, e);
	if (r < 0)
		call_fail(call, r == -EINVAL ? ERROR_INVALID_SETTINGS : ERROR_FAILED, "%s",
			  e->text);
	else if (team)
		host_set_team(call->server->host, team, setting);
	else
		host_create_team(call->server->host, setting);
}

/* With what every change has in common. */
static struct host_setting setting_of(struct call *call, const json_t *parameters,
				      const struct config_team *config)
{
	return (struct host_setting){
		.config = config,
		.force = is_forced(parameters),
		.changed = on_changed,
		.userdata = call,
	};
}

void handle_create(struct call *call, const json_t *parameters)
{
	const char *name = json_string_value(json_object_get(parameters, "name"));
	const json_t *settings = json_object_get(parameters, "settings");
	struct config_team config;
	struct host_setting setting = setting_of(call, parameters, &config);
	struct err e = {};
	int r = settings_new(name, settings, &config, &e);

	apply(call, NULL, &setting, r, &e);
}

void handle_set(struct call *call, const json_t *parameters)
{
	struct team *team = find_team(call, parameters, "name");
	const json_t *settings = json_object_get(parameters, "settings");
	struct config_team config;
	struct host_setting setting = setting_of(call, parameters, &config);
	struct err e = {};
	int r;

	if (!team)
		return;
	r = settings_change(team_config(team), settings, &config, &e);
	apply(call, team, &setting, r, &e);
}

/* NULL where there are none. */
static const json_t *member_settings(const json_t *parameters)
{
	const json_t *settings = json_object_get(parameters, "settings");

	return json_is_object(settings) ? settings : NULL;
}

void handle_add_member(struct call *call, const json_t *parameters)
{
	struct team *team = find_team(call, parameters, "name");
	const struct settings_member member = {
		.name = json_string_value(json_object_get(parameters, "member")),
		.settings = member_settings(parameters),
	};
	struct config_team config;
	struct host_setting setting = setting_of(call, parameters, &config);
	struct err e = {};
	int r;

	if (!team)
		return;
	if (has_member(team_config(team), member.name)) {
		call_fail(call, ERROR_FAILED, "%s is a member of %s already", member.name,
			  team_name(team));
		return;
	}
	r = settings_change_member(team_config(team), &member, &config, &e);
	apply(call, team, &setting, r, &e);
}

void handle_set_member(struct call *call, const json_t *parameters)
{
	struct team *team = find_team(call, parameters, "name");
	int index = team ? find_member(call, team, parameters) : -1;
	const struct settings_member member = {
		.name = json_string_value(json_object_get(parameters, "member")),
		.settings = member_settings(parameters),
		.prefer = json_object_get(parameters, "prefer"),
	};
	struct config_team config;
	struct host_setting setting = setting_of(call, parameters, &config);
	struct err e = {};
	int r;

	if (index < 0)
		return;
	r = settings_change_member(team_config(team), &member, &config, &e);
	apply(call, team, &setting, r, &e);
}

void handle_remove_member(struct call *call, const json_t *parameters)
{
	struct team *team = find_team(call, parameters, "name");
	int index = team ? find_member(call, team, parameters) : -1;
	struct config_team config;
	struct host_setting setting = setting_of(call, parameters, &config);
	struct err e = {};
	int r;

	if (index < 0)
		return;
	if (team_n_members(team) == 1) {
		call_fail(call, ERROR_FAILED,
			  "%s is the only member of %s, and a team has at least one: delete the "
			  "team",
			  team_config(team)->members[0].name, team_name(team));
		return;
	}
	r = settings_remove_member(team_config(team),
				   json_string_value(json_object_get(parameters, "member")),
				   &config, &e);
	apply(call, team, &setting, r, &e);
}
