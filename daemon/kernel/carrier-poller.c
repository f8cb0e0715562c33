#include "daemon/kernel/carrier-poller.h"

#include "daemon/kernel/ethtool.h"
#include "daemon/kernel/poll-table.h"
#include "daemon/kernel/thread.h"
#include "lib/base/cleanup.h"

#include <errno.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <time.h>

struct carrier_poller {
	struct carrier_poller *self; /* For those who have a pointer to a constant one. */
	carrier_lost *lost;
	void *userdata;
	struct ethtool *ethtool; /* The thread's. */
	int fd;                  /* eventfd: the table has a loss to tell. */
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;   /* Of what follows; never held over a system call that can wait. */
	pthread_cond_t changed; /* The table's deadline came nearer, or 'stopping'. */
	struct poll_table table;
	nsec_t asking_since; /* NSEC_NEVER: no question is on its way. */
	bool stopping;
};

static nsec_t read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (nsec_t)now.tv_sec * NSEC_PER_SEC + (nsec_t)now.tv_nsec;
}

/* With the lock held; it is given back meanwhile. */
static void wait_until(struct carrier_poller *poller, nsec_t deadline)
{
	struct timespec until = { .tv_sec = (time_t)(deadline / NSEC_PER_SEC),
				  .tv_nsec = (long)(deadline % NSEC_PER_SEC) };

	if (deadline == NSEC_NEVER)
		pthread_cond_wait(&poller->changed, &poller->lock);
	else
		pthread_cond_timedwait(&poller->changed, &poller->lock, &until);
}

/* With the lock held, but not while the kernel is asked. Whether there was anything to ask. */
static bool ask_batch(struct carrier_poller *poller)
{
	struct poll_question questions[ETHTOOL_BATCH];
	enum ethtool_link links[ETHTOOL_BATCH];
	int ifindexes[ETHTOOL_BATCH];
	nsec_t asked = read_clock(CLOCK_MONOTONIC);
	unsigned n = poll_table_questions(&poller->table, asked, questions);
	struct poll_answer answer;
	bool lost = false;

	if (n == 0)
		return false;
	for (unsigned i = 0; i < n; i++)
		ifindexes[i] = questions[i].ifindex;
	poller->asking_since = asked;
	pthread_mutex_unlock(&poller->lock);
	ethtool_ask_links(poller->ethtool, ifindexes, n, links);
	answer.took = nsec_since(asked, read_clock(CLOCK_MONOTONIC));
	answer.when = read_clock(CLOCK_BOOTTIME);
	pthread_mutex_lock(&poller->lock);
	poller->asking_since = NSEC_NEVER;
	for (unsigned i = 0; i < n; i++) {
		answer.link = links[i];
		lost |= poll_table_answer(&poller->table, &questions[i], &answer);
	}
	if (lost)
		(void)eventfd_write(poller->fd, 1);
	return true;
}

static void *run_poller(void *argument)
{
	struct carrier_poller *poller = argument;

	pthread_mutex_lock(&poller->lock);
	while (!poller->stopping) {
		nsec_t deadline = poll_table_deadline(&poller->table);
		nsec_t now = read_clock(CLOCK_MONOTONIC);

		if (now < deadline) {
			wait_until(poller, deadline);
			continue;
		}
		poll_table_begin(&poller->table, now);
		while (ask_batch(poller))
			;
	}
	pthread_mutex_unlock(&poller->lock);
	return NULL;
}

static void stop_thread(struct carrier_poller *poller)
{
	pthread_mutex_lock(&poller->lock);
	poller->stopping = true;
	pthread_cond_signal(&poller->changed);
	pthread_mutex_unlock(&poller->lock);
	pthread_join(poller->thread, NULL);
}

void carrier_poller_free(struct carrier_poller *poller)
{
	if (!poller)
		return;
	if (poller->started)
		stop_thread(poller);
	pthread_cond_destroy(&poller->changed);
	pthread_mutex_destroy(&poller->lock);
	closep(&poller->fd);
	ethtool_close(poller->ethtool);
	poll_table_fini(&poller->table);
	free(poller);
}

DEFINE_CLEANUP(struct carrier_poller, carrier_poller_free)

static void init_lock(struct carrier_poller *poller)
{
	pthread_mutexattr_t lock;
	pthread_condattr_t changed;

	pthread_mutexattr_init(&lock);
	/* The main thread's priority is lower than the poller's. */
	(void)pthread_mutexattr_setprotocol(&lock, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&poller->lock, &lock);
	pthread_mutexattr_destroy(&lock);

	pthread_condattr_init(&changed);
	(void)pthread_condattr_setclock(&changed, CLOCK_MONOTONIC);
	pthread_cond_init(&poller->changed, &changed);
	pthread_condattr_destroy(&changed);
}

/* On a busy host a normal thread waits for tens of milliseconds behind virtual processors for the
 * microseconds that it needs; as a real-time thread it comes first and hurts nobody. Where we may
 * not (RLIMIT_RTPRIO) it stays as it is, and its lateness is in the figures. */
static void raise_priority(struct carrier_poller *poller)
{
	struct sched_param parameter = { .sched_priority = sched_get_priority_min(SCHED_RR) };

	(void)pthread_setschedparam(poller->thread, SCHED_RR, &parameter);
}

int carrier_poller_new(nsec_t interval, unsigned budget, carrier_lost *lost, void *userdata,
		       struct carrier_poller **ret, struct err *e)
{
	cleanup(carrier_poller_freep) struct carrier_poller *poller = NULL;
	int r;

	if (interval == 0 || budget == 0)
		return err_set(e, -EINVAL, "carrier is polled at least once a second");
	poller = calloc(1, sizeof(*poller));
	if (!poller)
		return err_errno(e, -ENOMEM, "cannot poll carrier");
	*poller = (struct carrier_poller){
		.self = poller,
		.lost = lost,
		.userdata = userdata,
		.fd = -1,
		.asking_since = NSEC_NEVER,
	};
	init_lock(poller);
	poll_table_init(&poller->table, interval, budget);
	r = ethtool_open(&poller->ethtool, e);
	if (r < 0)
		return err_prefix(e, "cannot poll carrier");
	poller->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (poller->fd < 0)
		return err_errno(e, -errno, "cannot poll carrier");
	r = thread_start("carrier", run_poller, poller, &poller->thread);
	if (r < 0)
		return err_errno(e, r, "cannot start the thread that polls carrier");
	poller->started = true;
	raise_priority(poller);
	*ret = steal_ptr(poller);
	return 0;
}

int carrier_poller_fd(const struct carrier_poller *poller)
{
	return poller->fd;
}

static bool take_loss(struct carrier_poller *poller, struct poll_loss *ret)
{
	bool taken;

	pthread_mutex_lock(&poller->lock);
	taken = poll_table_take_loss(&poller->table, ret);
	pthread_mutex_unlock(&poller->lock);
	return taken;
}

void carrier_poller_dispatch(struct carrier_poller *poller)
{
	struct poll_loss loss;
	eventfd_t ignored;

	/* Before the losses are taken: one that comes later makes it readable again. */
	(void)eventfd_read(poller->fd, &ignored);
	while (take_loss(poller, &loss))
		poller->lost(poller->userdata, loss.ifindex, loss.when, loss.late);
}

int carrier_poller_watch(struct carrier_poller *poller, int ifindex, uint64_t *word, unsigned slot,
			 bool carrying)
{
	const struct poll_target target = {
		.ifindex = ifindex,
		.word = word,
		.slot = slot,
		.carrying = carrying,
	};
	nsec_t now = read_clock(CLOCK_MONOTONIC), before;
	int r;

	pthread_mutex_lock(&poller->lock);
	before = poll_table_deadline(&poller->table);
	r = poll_table_watch(&poller->table, &target, now);
	if (poll_table_deadline(&poller->table) < before)
		pthread_cond_signal(&poller->changed);
	pthread_mutex_unlock(&poller->lock);
	return r;
}

void carrier_poller_unwatch(struct carrier_poller *poller, int ifindex)
{
	pthread_mutex_lock(&poller->lock);
	poll_table_unwatch(&poller->table, ifindex);
	pthread_mutex_unlock(&poller->lock);
}

void carrier_poller_figures(const struct carrier_poller *poller,
			    struct carrier_poller_figures *figures)
{
	struct carrier_poller *self = poller->self;
	nsec_t now = read_clock(CLOCK_MONOTONIC), waiting;

	pthread_mutex_lock(&self->lock);
	poll_table_figures(&self->table, now, figures);
	waiting = nsec_since(self->asking_since, now);
	pthread_mutex_unlock(&self->lock);
	/* While the rtnl lock is held the poller is blind, which is to be seen at once. */
	if (waiting > figures->slowest)
		figures->slowest = waiting;
}
