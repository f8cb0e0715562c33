/* Order, threads and the end of the worker's jobs. */
#include "daemon/kernel/worker.h"
#include "lib/base/array.h"
#include "tests/unit/run.h"

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

#define JOBS 1000

struct record {
	pthread_t main;
	unsigned n_run;
	unsigned n_done;
	unsigned run[JOBS];
	unsigned done[JOBS];
};

struct job {
	struct record *record;
	unsigned number;
	pthread_t ran_on;
	sem_t *gate; /* Waited for by run. */
	struct worker *worker;
	unsigned left; /* So many more are submitted by 'done'. */
};

static void run_job(void *userdata)
{
	struct job *job = userdata;

	if (job->gate)
		sem_wait(job->gate);
	job->ran_on = pthread_self();
	job->record->run[job->record->n_run++] = job->number;
}

static void job_done(void *userdata)
{
	struct job *job = userdata;

	ck_assert(pthread_equal(pthread_self(), job->record->main));
	ck_assert(!pthread_equal(job->ran_on, job->record->main));
	job->record->done[job->record->n_done++] = job->number;
	if (job->left) {
		job->left--;
		ck_assert_int_eq(worker_submit(job->worker, run_job, job_done, job), 0);
	}
}

static struct worker *new_worker(struct record *record)
{
	struct worker *worker;

	*record = (struct record){ .main = pthread_self() };
	ck_assert_int_eq(worker_new("test", &worker), 0);
	return worker;
}

static bool is_readable(const struct worker *worker)
{
	struct pollfd pollfd = { .fd = worker_fd(worker), .events = POLLIN };

	return poll(&pollfd, 1, 0) == 1;
}

static void await_readable(const struct worker *worker)
{
	struct pollfd pollfd = { .fd = worker_fd(worker), .events = POLLIN };

	ck_assert_int_eq(poll(&pollfd, 1, -1), 1);
}

START_TEST(jobs_run_and_end_in_the_order_in_which_they_were_submitted)
{
	static struct job jobs[JOBS];
	static struct record record;
	struct worker *worker = new_worker(&record);

	for (unsigned i = 0; i < JOBS; i++) {
		jobs[i] = (struct job){ .record = &record, .number = i };
		ck_assert_int_eq(worker_submit(worker, run_job, job_done, &jobs[i]), 0);
	}
	while (record.n_done < JOBS) {
		await_readable(worker);
		worker_dispatch(worker);
	}
	ck_assert_uint_eq(worker_pending(worker), 0);
	ck_assert(!is_readable(worker));
	worker_free(worker);
	for (unsigned i = 0; i < JOBS; i++) {
		ck_assert_uint_eq(record.run[i], i);
		ck_assert_uint_eq(record.done[i], i);
	}
}
END_TEST

START_TEST(nothing_ends_before_it_is_dispatched)
{
	struct record record;
	struct worker *worker = new_worker(&record);
	sem_t gate;
	struct job job = { .record = &record, .gate = &gate };

	sem_init(&gate, 0, 0);
	ck_assert_int_eq(worker_submit(worker, run_job, job_done, &job), 0);
	worker_dispatch(worker);
	ck_assert_uint_eq(worker_pending(worker), 1);
	ck_assert(!is_readable(worker));
	sem_post(&gate);
	await_readable(worker);
	ck_assert_uint_eq(record.n_done, 0);
	worker_dispatch(worker);
	ck_assert_uint_eq(record.n_done, 1);
	worker_free(worker);
	sem_destroy(&gate);
}
END_TEST

START_TEST(freeing_lets_all_jobs_run_and_end)
{
	struct record record;
	struct worker *worker = new_worker(&record);
	struct job jobs[10];

	for (unsigned i = 0; i < ARRAY_SIZE(jobs); i++) {
		jobs[i] = (struct job){ .record = &record, .number = i };
		ck_assert_int_eq(worker_submit(worker, run_job, job_done, &jobs[i]), 0);
	}
	worker_free(worker);
	ck_assert_uint_eq(record.n_run, ARRAY_SIZE(jobs));
	ck_assert_uint_eq(record.n_done, ARRAY_SIZE(jobs));
}
END_TEST

START_TEST(what_done_submits_is_run_too_when_the_worker_is_freed)
{
	struct record record;
	struct worker *worker = new_worker(&record);
	struct job job = { .record = &record, .worker = worker, .left = 5 };

	ck_assert_int_eq(worker_submit(worker, run_job, job_done, &job), 0);
	worker_free(worker);
	ck_assert_uint_eq(record.n_run, 6);
	ck_assert_uint_eq(record.n_done, 6);
}
END_TEST

START_TEST(a_job_without_done_wakes_nobody)
{
	struct record record;
	struct worker *worker = new_worker(&record);
	struct job silent = { .record = &record, .number = 1 };
	struct job last = { .record = &record, .number = 2 };

	ck_assert_int_eq(worker_submit(worker, run_job, NULL, &silent), 0);
	while (worker_pending(worker))
		sched_yield();
	ck_assert(!is_readable(worker));
	ck_assert_int_eq(worker_submit(worker, run_job, job_done, &last), 0);
	worker_free(worker);
	ck_assert_uint_eq(record.n_run, 2);
	ck_assert_uint_eq(record.n_done, 1);
	ck_assert_uint_eq(record.done[0], 2);
}
END_TEST

static void read_mask(void *userdata)
{
	pthread_sigmask(SIG_BLOCK, NULL, userdata);
}

START_TEST(signals_stay_the_main_threads)
{
	struct record record;
	struct worker *worker = new_worker(&record);
	sigset_t mask, own;

	sigemptyset(&mask);
	ck_assert_int_eq(worker_submit(worker, read_mask, NULL, &mask), 0);
	worker_free(worker);
	pthread_sigmask(SIG_BLOCK, NULL, &own);
	ck_assert(sigismember(&mask, SIGTERM));
	ck_assert(!sigismember(&own, SIGTERM));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("worker");
	TCase *tcase = tcase_create("worker");

	tcase_add_test(tcase, jobs_run_and_end_in_the_order_in_which_they_were_submitted);
	tcase_add_test(tcase, nothing_ends_before_it_is_dispatched);
	tcase_add_test(tcase, freeing_lets_all_jobs_run_and_end);
	tcase_add_test(tcase, what_done_submits_is_run_too_when_the_worker_is_freed);
	tcase_add_test(tcase, a_job_without_done_wakes_nobody);
	tcase_add_test(tcase, signals_stay_the_main_threads);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
