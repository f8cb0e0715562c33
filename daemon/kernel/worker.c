#include "daemon/kernel/worker.h"

#include "daemon/kernel/thread.h"
#include "lib/base/cleanup.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/queue.h>

struct task {
	worker_run *run;
	worker_done *done;
	void *job;
	STAILQ_ENTRY(task) next;
};

STAILQ_HEAD(task_list, task);

struct worker {
	int fd; /* eventfd: 'finished' is not empty. */
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;   /* Of all that follows. */
	pthread_cond_t changed; /* A task came, or the last one is through, or 'stopping'. */
	struct task_list waiting;
	struct task_list finished; /* Have run, their 'done' is to be called. */
	unsigned pending;          /* Also read without the lock. */
	bool stopping;
};

static void append_finished(struct worker *worker, struct task *task)
{
	bool first = STAILQ_EMPTY(&worker->finished);

	STAILQ_INSERT_TAIL(&worker->finished, task, next);
	if (first)
		(void)eventfd_write(worker->fd, 1);
}

/* Runs the task with the lock given back. */
static void run_task(struct worker *worker, struct task *task)
{
	pthread_mutex_unlock(&worker->lock);
	task->run(task->job);
	pthread_mutex_lock(&worker->lock);
	if (task->done)
		append_finished(worker, task);
	else
		free(task);
	if (__atomic_sub_fetch(&worker->pending, 1, __ATOMIC_RELEASE) == 0)
		pthread_cond_broadcast(&worker->changed);
}

static void *run_worker(void *argument)
{
	struct worker *worker = argument;

	pthread_mutex_lock(&worker->lock);
	for (;;) {
		struct task *task = STAILQ_FIRST(&worker->waiting);

		if (task) {
			STAILQ_REMOVE_HEAD(&worker->waiting, next);
			run_task(worker, task);
		} else if (worker->stopping) {
			break;
		} else {
			pthread_cond_wait(&worker->changed, &worker->lock);
		}
	}
	pthread_mutex_unlock(&worker->lock);
	return NULL;
}

void worker_dispatch(struct worker *worker)
{
	struct task_list taken = STAILQ_HEAD_INITIALIZER(taken);
	struct task *task;
	eventfd_t ignored;

	/* Before the list is taken: what is appended afterwards makes it readable again. */
	(void)eventfd_read(worker->fd, &ignored);
	pthread_mutex_lock(&worker->lock);
	STAILQ_CONCAT(&taken, &worker->finished);
	pthread_mutex_unlock(&worker->lock);
	while ((task = STAILQ_FIRST(&taken))) {
		STAILQ_REMOVE_HEAD(&taken, next);
		task->done(task->job);
		free(task);
	}
}

/* Whether anything was submitted whose 'done' has not been called. Waits for what runs. */
static bool wait_idle(struct worker *worker)
{
	bool finished;

	pthread_mutex_lock(&worker->lock);
	while (worker_pending(worker))
		pthread_cond_wait(&worker->changed, &worker->lock);
	finished = !STAILQ_EMPTY(&worker->finished);
	pthread_mutex_unlock(&worker->lock);
	return finished;
}

static void stop_thread(struct worker *worker)
{
	/* A 'done' may submit the next job, hence the loop. */
	while (wait_idle(worker))
		worker_dispatch(worker);
	pthread_mutex_lock(&worker->lock);
	worker->stopping = true;
	pthread_cond_broadcast(&worker->changed);
	pthread_mutex_unlock(&worker->lock);
	pthread_join(worker->thread, NULL);
}

void worker_free(struct worker *worker)
{
	if (!worker)
		return;
	if (worker->started)
		stop_thread(worker);
	closep(&worker->fd);
	pthread_cond_destroy(&worker->changed);
	pthread_mutex_destroy(&worker->lock);
	free(worker);
}

DEFINE_CLEANUP(struct worker, worker_free)

int worker_new(const char *name, struct worker **ret)
{
	cleanup(worker_freep) struct worker *worker = calloc(1, sizeof(*worker));
	int r;

	if (!worker)
		return -ENOMEM;
	pthread_mutex_init(&worker->lock, NULL);
	pthread_cond_init(&worker->changed, NULL);
	STAILQ_INIT(&worker->waiting);
	STAILQ_INIT(&worker->finished);
	worker->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->fd < 0)
		return -errno;
	r = thread_start(name, run_worker, worker, &worker->thread);
	if (r < 0)
		return r;
	worker->started = true;
	*ret = steal_ptr(worker);
	return 0;
}

int worker_fd(const struct worker *worker)
{
	return worker->fd;
}

int worker_submit(struct worker *worker, worker_run *run, worker_done *done, void *job)
{
	struct task *task = malloc(sizeof(*task));

	if (!task)
		return -ENOMEM;
	*task = (struct task){ .run = run, .done = done, .job = job };
	pthread_mutex_lock(&worker->lock);
	STAILQ_INSERT_TAIL(&worker->waiting, task, next);
	__atomic_add_fetch(&worker->pending, 1, __ATOMIC_RELAXED);
	pthread_cond_broadcast(&worker->changed);
	pthread_mutex_unlock(&worker->lock);
	return 0;
}

unsigned worker_pending(const struct worker *worker)
{
	return __atomic_load_n(&worker->pending, __ATOMIC_ACQUIRE);
}
