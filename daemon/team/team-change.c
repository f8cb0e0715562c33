/* A running team takes over another configuration. First the datapath is asked for what it may
 * refuse (MTU, address, rules), while nothing else has changed; then new members join what is
 * there; and if no device was refused all the rest follows in one go. Until then all can be taken
 * back, and is, without a trace at the members that were there. */
#include "daemon/team/lifecycle.h"
#include "daemon/team/mode.h"
#include "lib/base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum change_step {
	CHANGE_ASKING,  /* The datapath. */
	CHANGE_ADDING,  /* New members, beside those that are there. */
	CHANGE_WAITING, /* For what comes and goes. */
	CHANGE_UNDOING,
};

struct team_change {
	enum change_step step;
	bool datapath_pending;          /* team_configure() is under way. */
	bool is_new;                    /* The team was made by it. */
	struct datapath_team_spec spec; /* As it was before. */
	struct config_team before;
	struct config_team config;
	struct err why; /* Why it is undone. */
	team_changed *changed;
	void *userdata;
	/* Room, so that nothing can fail halfway. */
	struct config_team was; /* What members[] here point into while they are arranged. */
	struct member members[CONFIG_MEMBERS_MAX];
	struct session_data sessions[CONFIG_MEMBERS_MAX];
};

static const struct config_member *find_config(const struct config_team *config, const char *name)
{
	for (unsigned i = 0; i < config->n_members; i++)
		if (strcmp(config->members[i].name, name) == 0)
			return &config->members[i];
	return NULL;
}

/* The specification under another configuration: what it follows from reads the team's. */
static struct datapath_team_spec spec_under(struct team *team, const struct config_team *config)
{
	const struct config_team own = team->config;
	const struct mode_ops *mode = team->mode;
	struct datapath_team_spec spec;

	team->config = *config;
	team->mode = mode_of(config->mode);
	spec = team_device_spec(team);
	team->config = own;
	team->mode = mode;
	return spec;
}

static bool same_rules(const struct datapath_rules *a, const struct datapath_rules *b)
{
	return a->hash_inner == b->hash_inner && a->learn == b->learn && a->homes == b->homes &&
	       a->flowlets == b->flowlets && a->independent == b->independent &&
	       a->flowlet_gap_us == b->flowlet_gap_us && a->direct == b->direct;
}

static bool same_spec(const struct datapath_team_spec *a, const struct datapath_team_spec *b)
{
	return mac_equal(&a->mac, &b->mac) && a->mtu == b->mtu && a->hash == b->hash &&
	       a->carrier_returns == b->carrier_returns && same_rules(&a->rules, &b->rules);
}

static bool same_monitors(const struct config_team *a, const struct config_team *b)
{
	return a->monitor_policy == b->monitor_policy && a->n_monitors == b->n_monitors &&
	       config_same_monitors(a->monitors, b->monitors, a->n_monitors) &&
	       memcmp(&a->damping, &b->damping, sizeof(a->damping)) == 0;
}

/* What is known of the addresses behind the team goes on: the datapath and the bridges have it. */
static void restart_stations(struct team *team, const struct datapath_rules *before)
{
	const struct config_team *was = &team->change->was, *now = &team->config;
	const struct datapath_rules rules = team_rules(team);
	bool same_announce = was->announce_count == now->announce_count &&
			     was->announce_interval_ms == now->announce_interval_ms;

	if (!same_announce)
		team_stations_fini(team);
	if (same_announce && same_rules(before, &rules))
		return;
	if (team->device && team->phase == TEAM_OPEN)
		team_stations_opened(team);
}

/* The members that carry now and may go on to. */
static member_set that_stay(const struct team *team, const struct config_team *config)
{
	member_set stay = 0;

	for (unsigned i = 0; i < team->n_members; i++) {
		const struct member *member = &team->members[i];
		const struct config_member *now = find_config(config, member->config->name);
		bool drained = now && now->drain && !member->config->drain;

		if (now && !now->disabled && !drained && member->slot < PLACEMENT_MEMBERS)
			stay |= team->handover.fit & (member_set)1 << member->slot;
	}
	return stay;
}

/* A member of which one is named, for the sentence. */
static const char *last_carrying(const struct team *team)
{
	for (unsigned i = 0; i < team->n_members; i++)
		if (team->members[i].slot < PLACEMENT_MEMBERS &&
		    team->handover.fit >> team->members[i].slot & 1)
			return team->members[i].config->name;
	return "nothing";
}

static int check_datapath(struct team *team, const struct config_team *config, struct err *e)
{
	const char *name = team->datapath ? team->datapath->ops->name : "none";
	struct datapath_rules rules;
	struct err why;

	if (strcmp(config->datapath, team->config.datapath) != 0 &&
	    strcmp(config->datapath, "auto") != 0 && strcmp(config->datapath, name) != 0)
		return err_set(e, -EOPNOTSUPP,
			       "datapath cannot become \"%s\" while %s runs on \"%s\": its device "
			       "would have to be made anew; delete the team and create it again",
			       config->datapath, team->config.name, name);
	if (!team->datapath)
		return 0;
	rules = spec_under(team, config).rules;
	return team_check_rules(team, &rules, &why) < 0 ? err_set(e, why.code, "%s", why.text) : 0;
}

static int check(struct team *team, const struct team_setting *setting, struct err *e)
{
	int r = team_may_be_deleted(team, e);

	if (r < 0)
		return r;
	if (!setting->force && team->handover.fit && !that_stay(team, setting->config))
		return err_set(e, -EBUSY,
			       "%s is the last member of %s that carries traffic; use --force if "
			       "that is meant",
			       last_carrying(team), team->config.name);
	return check_datapath(team, setting->config, e);
}

/* One that is disabled leaves, as far as the datapath is concerned. */
static bool stays(const struct member *member, const struct config_team *config)
{
	const struct config_member *now = find_config(config, member->config->name);

	return now && (!now->disabled || member->config->disabled);
}

static void let_go_who_leaves(struct team *team, const struct config_team *config)
{
	for (unsigned i = team->n_members; i-- > 0;)
		if (!stays(&team->members[i], config))
			team_let_leave(team, i);
}

static const struct member *find_member(const struct team_change *change, unsigned n,
					const char *name)
{
	for (unsigned i = 0; i < n; i++)
		if (strcmp(change->members[i].config->name, name) == 0)
			return &change->members[i];
	return NULL;
}

static void take_config(struct member *member, const struct config_member *config)
{
	/* What was done by hand meanwhile stays, unless just this was changed. */
	if (member->config->drain != config->drain)
		member->drained = config->drain;
	member->config = config;
	member->fresh = false;
	/* What was refused before may be taken now. */
	member->retry_due = NSEC_NEVER;
}

/* Takes the configuration over, puts the members into its order and adds those that are new. */
static void arrange_members(struct team *team, struct team_change *change,
			    const struct config_team *config)
{
	unsigned n_old = team->n_members;

	change->was = team->config;
	for (unsigned i = 0; i < n_old; i++) {
		change->members[i] = team->members[i];
		change->members[i].config =
			&change->was.members[team->members[i].config - team->config.members];
	}
	team->config = *config;
	team->n_members = config->n_members;
	for (unsigned i = 0; i < config->n_members; i++) {
		const struct member *old = find_member(change, n_old, config->members[i].name);

		if (old) {
			team->members[i] = *old;
			take_config(&team->members[i], &team->config.members[i]);
		} else {
			team_init_member(team, i, team_take_slot(team), false);
			team->members[i].fresh = true;
		}
	}
}

/* The old mode's partners are told, where they listen, and the new one takes over what it can. */
static void change_mode(struct team *team, struct team_change *change, const struct mode_ops *old)
{
	for (unsigned i = 0; i < team->n_members; i++) {
		struct session_data *data = &change->sessions[i];

		if (data->has_lacp && old == &mode_lacp)
			team_say_goodbye(team, team->members[i].slot, data);
		data->has_lacp = false;
	}
	team->adopting = true;
	for (unsigned i = 0; i < team->n_members; i++)
		member_take_mode(&team->members[i], &change->sessions[i]);
	team->mode->drain_actions(team);
	team->adopting = false;
	for (unsigned i = 0; i < team->n_members; i++)
		member_join_mode(&team->members[i]);
}

static void restart_health(struct team *team)
{
	/* All at once: one of whom nothing is known yet would be worse than the others. */
	for (unsigned i = 0; i < team->n_members; i++)
		if (team->members[i].joined)
			member_health_end(&team->members[i]);
	for (unsigned i = 0; i < team->n_members; i++)
		if (team->members[i].joined)
			member_health_begin(&team->members[i]);
}

/* -ENOMEM, and nothing has changed. */
static int make_mode(struct team *team, const struct config_team *config)
{
	const struct config_team before = team->config;
	int r;

	if (config->mode == before.mode)
		return 0;
	team->config = *config;
	r = mode_of(config->mode)->init(team);
	team->config = before;
	return r;
}

static void take_mode(struct team *team, struct team_change *change)
{
	const struct mode_ops *old = team->mode;

	if (team->config.mode == change->was.mode) {
		mode_configured(team);
		return;
	}
	for (unsigned i = 0; i < team->n_members; i++)
		change->sessions[i] = member_session(&team->members[i]);
	old->fini(team);
	team->mode = mode_of(team->config.mode);
	change_mode(team, change, old);
}

static int apply(struct team *team, struct team_change *change, const struct config_team *config)
{
	const struct datapath_rules rules = team_rules(team);
	int r = make_mode(team, config);

	if (r < 0)
		return r;
	let_go_who_leaves(team, config);
	arrange_members(team, change, config);
	take_mode(team, change);
	if (!same_monitors(&change->was, config))
		restart_health(team);
	restart_stations(team, &rules);
	(void)team_note_configuration(team);
	if (team->phase == TEAM_FAILED)
		team->retry_due = team_now(team);
	for (unsigned i = 0; i < team->n_members; i++)
		member_reconcile(&team->members[i]);
	team->dirty = true;
	team_settle(team);
	return 0;
}

static void finish(struct team *team)
{
	struct team_change *change = team->change;

	team->change = NULL;
	change->changed(change->userdata, change->why.code, change->why.code ? &change->why : NULL);
	free(change);
}

static void undone(void *userdata, int r, const struct err *e)
{
	struct team *team = userdata;

	if (r < 0)
		log_error("%s: a change that failed could not be taken back: %s", team->config.name,
			  e->text);
	team->change->datapath_pending = false;
}

/* Has the datapath do what the configuration says that is in force. */
static void configure(struct team *team, const struct datapath_team_spec *spec, datapath_done *done)
{
	team->change->datapath_pending = true;
	team->device->ops->team_configure(team->device, spec, done, team);
}

static void undo(struct team *team)
{
	struct team_change *change = team->change;

	change->step = CHANGE_UNDOING;
	if (apply(team, change, &change->before) < 0)
		log_error("%s: a change that failed could not be taken back: out of memory",
			  team->config.name);
	if (team->device)
		configure(team, &change->spec, undone);
}

/* The configuration as it was, with the members that are new; false if there are none, or no room
 * for both. */
static bool with_new_members(const struct team_change *change, struct config_team *ret)
{
	const struct config_team *config = &change->config;

	*ret = change->before;
	for (unsigned i = 0; i < config->n_members; i++) {
		if (find_config(&change->before, config->members[i].name))
			continue;
		if (ret->n_members == CONFIG_MEMBERS_MAX)
			return false;
		ret->members[ret->n_members++] = config->members[i];
	}
	return ret->n_members > change->before.n_members;
}

static int take_over(struct team *team)
{
	struct team_change *change = team->change;
	struct config_team more;

	change->step = CHANGE_ADDING;
	if (with_new_members(change, &more))
		return apply(team, change, &more);
	change->step = CHANGE_WAITING;
	return apply(team, change, &change->config);
}

static void asked(void *userdata, int r, const struct err *e)
{
	struct team *team = userdata;
	struct team_change *change = team->change;

	change->datapath_pending = false;
	if (r == 0 && take_over(team) < 0)
		r = err_set(&change->why, -ENOMEM, "out of memory");
	else if (r < 0)
		(void)err_set(&change->why, r, "%s", e->text);
	if (r == 0)
		return;
	change->step = CHANGE_UNDOING;
	configure(team, &change->spec, undone);
}

static struct team_change *new_change(struct team *team, const struct team_setting *setting,
				      struct err *e)
{
	struct team_change *change = calloc(1, sizeof(*change));

	if (!change) {
		(void)err_set(e, -ENOMEM, "out of memory");
		return NULL;
	}
	change->step = CHANGE_WAITING;
	change->before = team->config;
	change->config = *setting->config;
	change->changed = setting->changed;
	change->userdata = setting->userdata;
	return change;
}

int team_set(struct team *team, const struct team_setting *setting, struct err *e)
{
	struct datapath_team_spec then;
	int r = check(team, setting, e);

	if (r < 0)
		return r;
	team->change = new_change(team, setting, e);
	if (!team->change)
		return -ENOMEM;
	team->change->spec = team_device_spec(team);
	then = spec_under(team, setting->config);
	if (team->device && team->phase == TEAM_OPEN && !same_spec(&team->change->spec, &then)) {
		team->change->step = CHANGE_ASKING;
		configure(team, &then, asked);
		return 0;
	}
	r = take_over(team);
	if (r == 0)
		return 0;
	free(team->change);
	team->change = NULL;
	return err_set(e, r, "out of memory");
}

int team_await(struct team *team, const struct team_setting *setting, struct err *e)
{
	team->change = new_change(team, setting, e);
	if (!team->change)
		return -ENOMEM;
	team->change->is_new = true;
	for (unsigned i = 0; i < team->n_members; i++)
		team->members[i].fresh = true;
	return 0;
}

static bool is_due(const struct team *team)
{
	const struct team_change *change = team->change;

	if (!change || change->step == CHANGE_ASKING || change->datapath_pending ||
	    team->phase == TEAM_OPENING ||
	    (team->phase == TEAM_FAILED && team->retry_due <= team_now(team)) ||
	    team_has_leavers(team))
		return false;
	for (unsigned i = 0; i < team->n_members; i++)
		if (team->members[i].attachment == MEMBER_ADDING)
			return false;
	return true;
}

/* What a change added that the datapath does not take. */
static int find_refusal(const struct team *team, struct err *e)
{
	if (team->change->is_new && team->phase == TEAM_FAILED)
		return err_set(e, -EIO, "%s", team->failure);
	for (unsigned i = 0; i < team->n_members; i++)
		if (team->members[i].fresh && team->members[i].refusal[0])
			return err_set(e, -EBUSY, "%s", team->members[i].refusal);
	return 0;
}

/* The members that are new are there, or one was refused. */
static void go_on(struct team *team)
{
	struct team_change *change = team->change;

	if (find_refusal(team, &change->why) == 0) {
		change->step = CHANGE_WAITING;
		if (apply(team, change, &change->config) == 0)
			return;
		(void)err_set(&change->why, -ENOMEM, "out of memory");
	}
	undo(team);
}

void team_change_tick(struct team *team)
{
	if (!is_due(team))
		return;
	switch (team->change->step) {
	case CHANGE_ASKING:
	case CHANGE_UNDOING:
		break;
	case CHANGE_ADDING:
		go_on(team);
		return;
	case CHANGE_WAITING:
		if (find_refusal(team, &team->change->why) == 0 || team->change->is_new)
			break;
		undo(team);
		return;
	}
	finish(team);
}

nsec_t team_change_deadline(const struct team *team)
{
	return is_due(team) ? 0 : NSEC_NEVER;
}

void team_cancel_change(struct team *team)
{
	if (!team->change)
		return;
	(void)err_set(&team->change->why, -ECANCELED, "the daemon stops");
	finish(team);
}
