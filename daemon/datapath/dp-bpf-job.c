/* Operations on their way to the worker and back. */
#include "daemon/datapath/dp-bpf-internal.h"

#include "lib/base/cleanup.h"
#include "lib/base/log.h"

#include <errno.h>

void dp_unref(struct dp_bpf *dp)
{
	if (--dp->refs > 0)
		return;
	dp_unload(dp);
	free(dp);
}

void dp_team_unref(struct dp_team *team)
{
	if (--team->refs > 0)
		return;
	dp_unref(team->dp);
	free(team);
}

struct dp_job *dp_job_new(struct dp_bpf *dp, struct dp_team *team,
			  int (*run)(struct dp_job *job, struct err *e))
{
	struct dp_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->dp = dp;
	job->team = team;
	job->run = run;
	dp->refs++;
	team->refs++;
	return job;
}

static void run_job(void *userdata)
{
	struct dp_job *job = userdata;

	job->r = job->run(job, &job->e);
}

static void tell(struct dp_job *job)
{
	const struct err *e = job->r < 0 ? &job->e : NULL;
	const struct log_fields fields = { .team = job->team->spec.name };

	/* Who has let go of the handle may be gone himself. */
	if (job->dp->freed || job->team->released)
		return;
	if (job->opened)
		job->opened(job->userdata, job->r, e, job->r < 0 ? NULL : &job->team->base,
			    job->r < 0 ? NULL : &job->info);
	else if (job->done)
		job->done(job->userdata, job->r, e);
	else if (e)
		log_write(LOG_LEVEL_ERROR, &fields, "%s", e->text);
}

static void finish_job(void *userdata)
{
	struct dp_job *job = userdata;
	struct dp_team *team = job->team;
	struct dp_bpf *dp = job->dp;

	if (job->finish)
		job->finish(job);
	tell(job);
	free(job);
	dp_team_unref(team);
	dp_unref(dp);
}

void dp_job_submit(struct dp_job *job)
{
	if (worker_submit(job->dp->worker, run_job, finish_job, job) == 0)
		return;
	/* Without memory there is nothing by which to call back later. */
	job->r = err_errno(&job->e, -ENOMEM, "cannot have the worker do it");
	finish_job(job);
}
