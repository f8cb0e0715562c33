/* Operations on their way to a worker and back. */
#include "daemon/datapath/dp-team-internal.h"

#include "lib/base/cleanup.h"
#include "lib/base/log.h"

#include <errno.h>

void driver_unref(struct driver *driver)
{
	if (--driver->refs > 0)
		return;
	team_news_close(driver->news);
	team_genl_close(driver->apply_genl);
	team_genl_close(driver->genl);
	rtnl_close(driver->rtnl);
	closep(&driver->epoll);
	pthread_mutex_destroy(&driver->lock);
	free(driver);
}

void driver_team_unref(struct driver_team *team)
{
	struct driver *driver = team->driver;

	if (--team->refs > 0)
		return;
	driver_lock(driver);
	if (team->listed)
		LIST_REMOVE(team, entry);
	driver_unlock(driver);
	free(team);
	driver_unref(driver);
}

struct driver_job *driver_job_new(struct driver *driver, struct driver_team *team,
				  int (*run)(struct driver_job *job, struct err *e))
{
	struct driver_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->driver = driver;
	job->team = team;
	job->run = run;
	driver->refs++;
	if (team)
		team->refs++;
	return job;
}

static void run_job(void *userdata)
{
	struct driver_job *job = userdata;

	job->r = job->run(job, &job->e);
}

static void tell(struct driver_job *job)
{
	const struct err *e = job->r < 0 ? &job->e : NULL;

	/* Who has let go of the handle may be gone himself. */
	if (job->driver->freed || !job->team || job->team->released)
		return;
	if (job->opened)
		job->opened(job->userdata, job->r, e, job->r < 0 ? NULL : &job->team->base,
			    job->r < 0 ? NULL : &job->info);
	else if (job->done)
		job->done(job->userdata, job->r, e);
	else if (e && !job->silent)
		log_write(LOG_LEVEL_ERROR, &(struct log_fields){ .team = job->team->spec.name },
			  "%s", e->text);
}

static void finish_job(void *userdata)
{
	struct driver_job *job = userdata;
	struct driver_team *team = job->team;
	struct driver *driver = job->driver;

	if (job->finish)
		job->finish(job);
	tell(job);
	free(job);
	if (team)
		driver_team_unref(team);
	driver_unref(driver);
}

void driver_job_submit(struct driver_job *job, struct worker *worker)
{
	if (worker_submit(worker, run_job, finish_job, job) == 0)
		return;
	/* Without memory there is nothing by which to call back later. */
	job->r = err_errno(&job->e, -ENOMEM, "cannot have the worker do it");
	finish_job(job);
}
