/* The operations as the main thread calls them. */
#include "daemon/datapath/dp-team.h"

#include "daemon/datapath/dp-team-internal.h"

#include "daemon/kernel/team-device.h"
#include "lib/base/array.h"
#include "lib/base/cleanup.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

/* How old counters may be for somebody who asks again. */
#define COUNTERS_AGE (500 * NSEC_PER_MS)

static struct driver *driver_of(struct datapath *datapath)
{
	return container_of(datapath, struct driver, base);
}

static struct driver_team *team_of(struct datapath_team *team)
{
	return container_of(team, struct driver_team, base);
}

static int op_fd(struct datapath *datapath)
{
	return driver_of(datapath)->epoll;
}

static void op_dispatch(struct datapath *datapath)
{
	driver_dispatch(driver_of(datapath));
}

static nsec_t op_heartbeat(struct datapath *datapath, nsec_t now)
{
	return driver_heartbeat(driver_of(datapath), now);
}

static void op_free(struct datapath *datapath)
{
	struct driver *driver = driver_of(datapath);

	driver->freed = true;
	worker_free(driver->applier);
	driver->applier = NULL;
	driver_unref(driver);
}

static const struct datapath_ops ops;

static struct driver_team *team_new(struct driver *driver, const struct datapath_team_spec *spec)
{
	struct driver_team *team = calloc(1, sizeof(*team));

	if (!team)
		return NULL;
	team->base.ops = &ops;
	team->driver = driver;
	team->refs = 1;
	team->spec = *spec;
	team->retry_due = NSEC_NEVER;
	memset(&team->wish.plan, PLACEMENT_NONE, sizeof(team->wish.plan));
	driver->refs++;
	return team;
}

/* After a deletion, or an opening that failed, nobody has the handle. */
static void drop_handle(struct driver_team *team)
{
	team->released = true;
	driver_team_unref(team);
}

static void opened(struct driver_job *job)
{
	struct driver_team *team = job->team;
	struct driver *driver = job->driver;

	memcpy(team->members, job->info.member_ifindexes, sizeof(team->members));
	if (job->r < 0 || driver->freed) {
		driver_team_unref(team);
		return;
	}
	driver_lock(driver);
	LIST_INSERT_HEAD(&driver->teams, team, entry);
	team->listed = true;
	driver_unlock(driver);
	/* What a new device lacks is set, and what is adopted compared. */
	driver_apply(team);
}

static void fail_open(datapath_opened *told, void *userdata)
{
	struct err e;

	(void)err_errno(&e, -ENOMEM, "cannot open the team");
	told(userdata, -ENOMEM, &e, NULL, NULL);
}

static void op_team_open(struct datapath *datapath, const struct datapath_team_spec *spec,
			 datapath_opened *told, void *userdata)
{
	struct driver *driver = driver_of(datapath);
	struct driver_team *team = team_new(driver, spec);
	struct driver_job *job = team ? driver_job_new(driver, team, driver_open_run) : NULL;

	if (!job) {
		if (team)
			driver_team_unref(team);
		fail_open(told, userdata);
		return;
	}
	job->finish = opened;
	job->opened = told;
	job->userdata = userdata;
	driver_job_submit(job, driver->worker);
}

static struct driver_job *job_for(struct driver_team *team,
				  int (*run)(struct driver_job *job, struct err *e),
				  datapath_done *done, void *userdata)
{
	struct driver_job *job = driver_job_new(team->driver, team, run);
	struct err e;

	if (!job) {
		(void)err_errno(&e, -ENOMEM, "cannot change the team %s", team->spec.name);
		if (done)
			done(userdata, -ENOMEM, &e);
		return NULL;
	}
	job->done = done;
	job->userdata = userdata;
	return job;
}

static void configured(struct driver_job *job)
{
	driver_apply(job->team);
}

static void op_team_configure(struct datapath_team *base, const struct datapath_team_spec *spec,
			      datapath_done *done, void *userdata)
{
	struct driver_team *team = team_of(base);
	struct driver_job *job = job_for(team, driver_configure_run, done, userdata);

	if (!job)
		return;
	job->spec = *spec;
	job->finish = configured;
	driver_job_submit(job, team->driver->worker);
}

static void deleted(struct driver_job *job)
{
	if (!job->team->released)
		driver_team_unref(job->team);
}

static void op_team_delete(struct datapath_team *base, datapath_done *done, void *userdata)
{
	struct driver_team *team = team_of(base);
	struct driver_job *job = job_for(team, driver_delete_run, done, userdata);

	if (!job)
		return;
	/* That it goes is nobody's interference. */
	team->gone = true;
	job->finish = deleted;
	driver_job_submit(job, team->driver->worker);
}

static void op_team_release(struct datapath_team *base)
{
	drop_handle(team_of(base));
}

static member_set slot_bit(unsigned slot)
{
	return (member_set)1 << slot;
}

static void op_team_carrier(struct datapath_team *base, bool up)
{
	struct driver_team *team = team_of(base);

	driver_lock(team->driver);
	team->wish.team_carrier = up;
	team->serial++;
	driver_unlock(team->driver);
	driver_apply(team);
}

static void forbid(struct driver_team *team, unsigned slot)
{
	driver_lock(team->driver);
	team->wish.may_send &= ~slot_bit(slot);
	team->wish.may_receive &= ~slot_bit(slot);
	team->wish.carrier &= ~slot_bit(slot);
	team->serial++;
	driver_unlock(team->driver);
}

static void added(struct driver_job *job)
{
	struct driver_team *team = job->team;
	unsigned slot = job->slot;

	/* It has been removed again meanwhile. */
	if (team->changes[slot] != job->change || team->released)
		return;
	if (job->r == 0) {
		team->members[slot] = job->member.ifindex;
		driver_apply(team);
	} else if (job->fresh) {
		team->members[slot] = 0;
		forbid(team, slot);
	}
}

static void op_member_add(struct datapath_team *base, unsigned slot,
			  const struct datapath_member_spec *spec, datapath_done *done,
			  void *userdata)
{
	struct driver_team *team = team_of(base);
	struct driver_job *job = job_for(team, driver_member_add_run, done, userdata);

	if (!job)
		return;
	/* A member that is there already goes on undisturbed, also when the worker will refuse. */
	if (!team->members[slot]) {
		forbid(team, slot);
		team->members[slot] = spec->ifindex;
		team->changes[slot]++;
		job->fresh = true;
	}
	job->finish = added;
	job->change = team->changes[slot];
	job->slot = slot;
	job->member = *spec;
	driver_job_submit(job, team->driver->worker);
}

static void op_member_remove(struct datapath_team *base, unsigned slot, datapath_done *done,
			     void *userdata)
{
	struct driver_team *team = team_of(base);
	struct driver_job *job = job_for(team, driver_member_remove_run, done, userdata);

	if (!job)
		return;
	forbid(team, slot);
	team->members[slot] = 0;
	team->changes[slot]++;
	job->slot = slot;
	driver_job_submit(job, team->driver->worker);
}

static void op_allow(struct datapath_team *base, member_set may_send, member_set may_receive)
{
	struct driver_team *team = team_of(base);

	driver_lock(team->driver);
	team->wish.may_send = may_send;
	team->wish.may_receive = may_receive;
	team->serial++;
	driver_unlock(team->driver);
	driver_apply(team);
}

static void op_carrier(struct datapath_team *base, unsigned slot, bool up)
{
	struct driver_team *team = team_of(base);

	driver_lock(team->driver);
	if (up)
		team->wish.carrier |= slot_bit(slot);
	else
		team->wish.carrier &= ~slot_bit(slot);
	team->serial++;
	driver_unlock(team->driver);
	driver_apply(team);
}

static member_set op_fit(struct datapath_team *base)
{
	struct driver_team *team = team_of(base);
	member_set fit;

	driver_lock(team->driver);
	fit = team->wish.may_send & team->wish.carrier;
	driver_unlock(team->driver);
	return fit;
}

/* There is no word that the kernel's part reads. */
static uint64_t *op_carrier_word(struct datapath_team *base)
{
	return NULL;
}

static int op_place(struct datapath_team *base, const struct placement_plan *plan, struct err *e)
{
	struct driver_team *team = team_of(base);

	driver_lock(team->driver);
	team->wish.plan = *plan;
	team->serial++;
	driver_unlock(team->driver);
	driver_apply(team);
	return 0;
}

static void counted(struct driver_job *job)
{
	struct driver_team *team = job->team;

	team->counting = false;
	team->counters_due = nsec_add(team->driver->now, COUNTERS_AGE);
	if (job->r == 0)
		team->counters = job->counters;
}

void driver_count(struct driver_team *team)
{
	struct driver_job *job;

	if (team->counting || team->driver->now < team->counters_due)
		return;
	job = driver_job_new(team->driver, team, driver_count_run);
	if (!job) {
		team->counters_due = nsec_add(team->driver->now, COUNTERS_AGE);
		return;
	}
	team->counting = true;
	memcpy(job->ifindexes, team->members, sizeof(job->ifindexes));
	job->finish = counted;
	job->silent = true;
	driver_job_submit(job, team->driver->worker);
}

static int op_counters(struct datapath_team *base, struct datapath_team_counters *ret,
		       struct err *e)
{
	struct driver_team *team = team_of(base);

	*ret = team->counters;
	driver_count(team);
	return 0;
}

static const struct datapath_ops ops = {
	.name = "team",
	.slow_frames_at_member = true,
	.fd = op_fd,
	.dispatch = op_dispatch,
	.heartbeat = op_heartbeat,
	.free = op_free,
	.team_open = op_team_open,
	.team_configure = op_team_configure,
	.team_delete = op_team_delete,
	.team_release = op_team_release,
	.team_carrier = op_team_carrier,
	.member_add = op_member_add,
	.member_remove = op_member_remove,
	.allow = op_allow,
	.carrier = op_carrier,
	.fit = op_fit,
	.carrier_word = op_carrier_word,
	.place = op_place,
	.counters = op_counters,
};

bool dp_team_is_possible(void)
{
	return team_device_is_possible();
}

static int start_applier(struct driver *driver)
{
	struct epoll_event event = { .events = EPOLLIN };
	int r = worker_new("team", &driver->applier);

	if (r < 0)
		return r;
	driver->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (driver->epoll < 0)
		return -errno;
	event.data.fd = worker_fd(driver->applier);
	return epoll_ctl(driver->epoll, EPOLL_CTL_ADD, event.data.fd, &event) < 0 ? -errno : 0;
}

static void driver_drop(struct driver **driver)
{
	if (*driver)
		op_free(&(*driver)->base);
}

int dp_team_new(const struct dp_team_settings *settings, struct datapath **ret, struct err *e)
{
	cleanup(driver_drop) struct driver *driver = calloc(1, sizeof(*driver));
	int r;

	if (!driver)
		return err_errno(e, -ENOMEM, "cannot make the team datapath");
	driver->base.ops = &ops;
	driver->worker = settings->worker;
	driver->listener = settings->listener;
	driver->refs = 1;
	driver->epoll = -1;
	driver->check_due = NSEC_NEVER;
	pthread_mutex_init(&driver->lock, NULL);
	LIST_INIT(&driver->teams);
	r = start_applier(driver);
	if (r < 0)
		return err_errno(e, r, "cannot make the team datapath");
	r = rtnl_open(&driver->rtnl, e);
	if (r == 0)
		r = team_genl_open(&driver->genl, e);
	if (r == 0)
		r = team_genl_open(&driver->apply_genl, e);
	if (r < 0)
		return err_prefix(e, "cannot use the team datapath");
	*ret = &steal_ptr(driver)->base;
	return 0;
}
