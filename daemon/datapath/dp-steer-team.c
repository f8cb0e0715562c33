/* How a team comes by the programs, and loses them. */
#include "daemon/datapath/dp-bpf.h"
#include "daemon/datapath/dp-steer-internal.h"
#include "lib/base/array.h"
#include "lib/base/log.h"

#include <errno.h>
#include <string.h>

struct errand *errand_new(struct steered *team, datapath_done *done, void *userdata)
{
	struct errand *errand = calloc(1, sizeof(*errand));
	struct err e;

	if (!errand) {
		(void)err_errno(&e, -ENOMEM, "cannot change the team %s", team->spec.name);
		if (done)
			done(userdata, -ENOMEM, &e);
		return NULL;
	}
	errand->team = team;
	errand->done = done;
	errand->userdata = userdata;
	LIST_INSERT_HEAD(&team->errands, errand, entry);
	return errand;
}

void errand_end(struct errand *errand, int r, const struct err *e)
{
	datapath_done *done = errand->done;
	void *userdata = errand->userdata;

	LIST_REMOVE(errand, entry);
	free(errand);
	if (done)
		done(userdata, r, e);
}

void steered_free(struct steered *team)
{
	struct errand *errand;

	while ((errand = LIST_FIRST(&team->errands))) {
		LIST_REMOVE(errand, entry);
		free(errand);
	}
	free(team);
}

static void open_failed(struct errand *errand, int r, const struct err *e)
{
	struct steered *team = errand->team;
	datapath_opened *opened = errand->opened;
	void *userdata = errand->userdata;

	/* What was made for nothing goes, what was there stays. */
	if (team->programs)
		team->programs->ops->team_delete(team->programs, NULL, NULL);
	if (team->driver && errand->info.adopted)
		team->driver->ops->team_release(team->driver);
	else if (team->driver)
		team->driver->ops->team_delete(team->driver, NULL, NULL);
	steered_free(team);
	opened(userdata, r, e, NULL, NULL);
}

static void open_done(struct errand *errand)
{
	struct steered *team = errand->team;
	datapath_opened *opened = errand->opened;
	const struct datapath_team_info info = errand->info;
	void *userdata = errand->userdata;

	team->may_send = info.may_send;
	team->may_receive = info.may_receive;
	team->carrier = info.fit;
	team->plan = info.plan;
	LIST_REMOVE(errand, entry);
	free(errand);
	opened(userdata, 0, NULL, &team->base, &info);
}

static void log_missing(void *userdata, int r, const struct err *e)
{
	const struct steered *team = userdata;

	if (r < 0)
		log_error("%s: %s", team->spec.name, e->text);
}

/* Has the programs know the members that the driver has, and no others. */
static void tell_members(struct steered *team, member_set known)
{
	struct datapath_team *programs = team->programs;

	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++) {
		bool is_known = known >> slot & 1;

		if (team->members[slot].ifindex && !is_known)
			programs->ops->member_add(programs, slot, &team->members[slot], log_missing,
						  team);
		else if (!team->members[slot].ifindex && is_known)
			programs->ops->member_remove(programs, slot, NULL, NULL);
	}
}

/* What was so before the programs came. */
static void tell_traffic(struct steered *team)
{
	struct datapath_team *programs = team->programs;
	struct err e;

	if (programs->ops->place(programs, &team->plan, &e) < 0)
		log_error("%s: %s", team->spec.name, e.text);
	programs->ops->weights(programs, team->weights);
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		programs->ops->carrier(programs, slot, team->carrier >> slot & 1);
	programs->ops->allow(programs, team->may_send, team->may_receive);
}

static void rules_set(void *userdata, int r, const struct err *e)
{
	struct errand *errand = userdata;

	if (r < 0)
		open_failed(errand, r, e);
	else
		open_done(errand);
}

static void programs_opened(void *userdata, int r, const struct err *e,
			    struct datapath_team *programs, const struct datapath_team_info *found)
{
	struct errand *errand = userdata;
	struct steered *team = errand->team;
	struct datapath_team_info *info = &errand->info;

	if (r < 0) {
		open_failed(errand, r, e);
		return;
	}
	team->programs = programs;
	tell_members(team, found->members);
	if (found->members) {
		info->may_send = found->may_send;
		info->may_receive = found->may_receive;
		info->fit = found->fit;
		info->plan = found->plan;
		/* All ports of a steered team are enabled, which says nothing. */
		team->driver->ops->allow(team->driver, info->may_send, info->may_receive);
		open_done(errand);
		return;
	}
	team->may_send = info->may_send;
	team->may_receive = info->may_receive;
	team->carrier = info->fit;
	team->plan = info->plan;
	tell_traffic(team);
	programs->ops->team_configure(programs, &team->spec, rules_set, errand);
}

static int check_programs(const struct steered *team, struct err *e)
{
	if (team->steer->programs)
		return 0;
	return err_set(e, -EOPNOTSUPP,
		       "what is configured for it takes our eBPF programs beside the kernel's team "
		       "driver: %s",
		       team->steer->why);
}

static void driver_opened(void *userdata, int r, const struct err *e, struct datapath_team *driver,
			  const struct datapath_team_info *found)
{
	struct errand *errand = userdata;
	struct steered *team = errand->team;
	struct err missing;

	if (r < 0) {
		open_failed(errand, r, e);
		return;
	}
	team->driver = driver;
	errand->info = *found;
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		team->members[slot].ifindex = found->member_ifindexes[slot];
	if (datapath_rules_are_plain(&team->spec.rules))
		open_done(errand);
	else if (check_programs(team, &missing) < 0)
		open_failed(errand, missing.code, &missing);
	else
		dp_bpf_steer(team->steer->programs, &team->spec, programs_opened, errand);
}

void steer_team_open(struct datapath *datapath, const struct datapath_team_spec *spec,
		     datapath_opened *opened, void *userdata)
{
	struct steer *steer = container_of(datapath, struct steer, base);
	struct steered *team = calloc(1, sizeof(*team));
	struct errand *errand = NULL;
	struct err e;

	if (team) {
		team->base.ops = &steer_ops;
		team->steer = steer;
		team->spec = *spec;
		LIST_INIT(&team->errands);
		errand = errand_new(team, NULL, userdata);
	}
	if (!errand) {
		free(team);
		(void)err_errno(&e, -ENOMEM, "cannot open the team");
		opened(userdata, -ENOMEM, &e, NULL, NULL);
		return;
	}
	errand->opened = opened;
	steer->driver->ops->team_open(steer->driver, spec, driver_opened, errand);
}

static void configure_driver(struct errand *errand, datapath_done *done)
{
	struct datapath_team *driver = errand->team->driver;

	driver->ops->team_configure(driver, &errand->spec, done, errand);
}

static void configure_programs(struct errand *errand, datapath_done *done)
{
	struct datapath_team *programs = errand->team->programs;

	programs->ops->team_configure(programs, &errand->spec, done, errand);
}

static void programs_configured(void *userdata, int r, const struct err *e)
{
	errand_end(userdata, r, e);
}

/* With rules: the ports have their queues by now, which the programs are to use. */
static void driver_ready(void *userdata, int r, const struct err *e)
{
	struct errand *errand = userdata;

	if (r < 0)
		errand_end(errand, r, e);
	else
		configure_programs(errand, programs_configured);
}

/* Without rules: the driver sends by its own buckets again. */
static void driver_alone(void *userdata, int r, const struct err *e)
{
	struct errand *errand = userdata;
	struct steered *team = errand->team;

	if (r == 0 && team->programs) {
		team->programs->ops->team_delete(team->programs, NULL, NULL);
		team->programs = NULL;
	}
	errand_end(errand, r, e);
}

static void programs_quiet(void *userdata, int r, const struct err *e)
{
	struct errand *errand = userdata;

	if (r < 0)
		errand_end(errand, r, e);
	else
		configure_driver(errand, driver_alone);
}

static void programs_came(void *userdata, int r, const struct err *e,
			  struct datapath_team *programs, const struct datapath_team_info *found)
{
	struct errand *errand = userdata;
	struct steered *team = errand->team;

	if (r < 0) {
		errand_end(errand, r, e);
		return;
	}
	team->programs = programs;
	tell_members(team, found->members);
	tell_traffic(team);
	configure_driver(errand, driver_ready);
}

void steer_team_configure(struct datapath_team *base, const struct datapath_team_spec *spec,
			  datapath_done *done, void *userdata)
{
	struct steered *team = container_of(base, struct steered, base);
	struct errand *errand = errand_new(team, done, userdata);
	bool plain = datapath_rules_are_plain(&spec->rules);
	struct err e;

	if (!errand)
		return;
	errand->spec = *spec;
	if (!plain && check_programs(team, &e) < 0) {
		errand_end(errand, e.code, &e);
		return;
	}
	team->spec = *spec;
	if (plain && team->programs)
		configure_programs(errand, programs_quiet);
	else if (plain)
		configure_driver(errand, driver_alone);
	else if (team->programs)
		configure_driver(errand, driver_ready);
	else
		dp_bpf_steer(team->steer->programs, spec, programs_came, errand);
}
