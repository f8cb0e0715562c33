/* A thread that waits for the kernel (or for a disk), so that the main thread need not.
 * Jobs are run one after the other in the order in which they were submitted. */
#pragma once

struct worker;

/* Called on the worker's thread; may sleep; must not touch state of the main thread. */
typedef void worker_run(void *job);

/* Called by worker_dispatch() when 'run' has returned; frees 'job' if it is to be freed. May submit
 * jobs, but neither dispatch nor free the worker. */
typedef void worker_done(void *job);

/* 'name' (at most 15 characters) is the thread's. Returns 0 or a negative errno. */
int worker_new(const char *name, struct worker **ret);

/* Lets all submitted jobs run to their end, calls their 'done', and so on for the jobs that these
 * submit, then ends the thread. */
void worker_free(struct worker *worker);

/* Readable when worker_dispatch() has something to do. */
int worker_fd(const struct worker *worker);

/* Calls 'done' of every job that has run, on the caller's thread. */
void worker_dispatch(struct worker *worker);

/* Never sleeps; never fails except for memory (-ENOMEM: neither function is then called). 'done'
 * may be NULL. */
int worker_submit(struct worker *worker, worker_run *run, worker_done *done, void *job);

/* How many jobs are waiting or running. */
unsigned worker_pending(const struct worker *worker);
