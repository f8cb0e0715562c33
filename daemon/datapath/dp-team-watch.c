/* The main thread's part of keeping the kernel as it should be: what is handed to the applier when,
 * and what others are told of it. */
#include "daemon/datapath/dp-team-internal.h"

#include "lib/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

/* How often everything is read again without an occasion. */
#define CHECK_INTERVAL (30 * NSEC_PER_SEC)

#define RETRY_DELAY NSEC_PER_SEC

/* How old counters may be for who has not asked for long. */
#define COUNTERS_REFRESH (10 * NSEC_PER_SEC)

static void disturbed(struct driver_team *team, int ifindex, const char *sentence)
{
	const struct datapath_listener *listener = &team->driver->listener;

	if (listener->member_disturbed)
		listener->member_disturbed(listener->userdata, ifindex, sentence);
	else
		log_write(LOG_LEVEL_WARNING, &(struct log_fields){ .team = team->spec.name }, "%s",
			  sentence);
}

static void rejoined(struct driver_job *job)
{
	struct driver_team *team = job->team;

	if (job->r == 0 && team->members[job->slot] == job->member.ifindex)
		driver_apply(team);
}

/* Puts a member that somebody took out of the device back in. Where it is in something else now, or
 * has gone, it stays so. */
static void rejoin(struct driver_team *team, unsigned slot)
{
	struct driver_job *job = driver_job_new(team->driver, team, driver_member_add_run);

	if (!job)
		return;
	job->member.ifindex = team->members[slot];
	job->slot = slot;
	job->finish = rejoined;
	/* Also that the device is unplugged is a reason, and one that others tell. */
	job->silent = true;
	driver_job_submit(job, team->driver->worker);
}

static void tell_members(struct driver_team *team, const struct driver_strays *strays)
{
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++) {
		int ifindex = team->members[slot];

		if (ifindex && (strays->changed >> slot & 1))
			disturbed(team, ifindex,
				  "somebody else changed its options in the kernel's team "
				  "driver: they were set back");
		if (!ifindex || !(strays->missing >> slot & 1))
			continue;
		disturbed(team, ifindex,
			  "it is no port of the team's device any more: it is put back, unless it "
			  "belongs to something else now");
		rejoin(team, slot);
	}
}

static void tell_team(struct driver_team *team, const struct driver_strays *strays)
{
	char sentence[160];

	if (strays->hash)
		disturbed(
			team, team->ifindex,
			"somebody else changed how the kernel's team driver tells buckets: it was "
			"set back");
	if (strays->buckets) {
		(void)snprintf(sentence, sizeof(sentence),
			       "somebody else moved %u bucket%s in the kernel's team driver: moved "
			       "back",
			       strays->buckets, strays->buckets == 1 ? "" : "s");
		disturbed(team, team->ifindex, sentence);
	}
	if (strays->foreign)
		disturbed(team, team->ifindex,
			  "somebody else put a port into it, which is no member: it stays out of "
			  "use");
}

static bool is_any(const struct driver_strays *strays)
{
	return strays->hash || strays->buckets || strays->changed || strays->missing ||
	       strays->foreign;
}

static void tell_strays(struct driver_team *team, const struct driver_strays *strays)
{
	nsec_t now = team->driver->now;

	if (!is_any(strays)) {
		(void)repair_limit_peace(&team->repairs, now);
		return;
	}
	/* The driver is set right each time; who insists is told of, and put back, seldom. */
	if (!repair_limit_allows(&team->repairs, now))
		return;
	tell_team(team, strays);
	tell_members(team, strays);
	if (repair_limit_note(&team->repairs, now))
		disturbed(
			team, team->ifindex,
			"somebody else insists on other options in the kernel's team driver: they "
			"are set back each time, and from now on told once a minute");
}

static void tell_failure(struct driver_team *team, const struct err *e)
{
	team->retry_due = nsec_add(team->driver->now, RETRY_DELAY);
	if (strncmp(team->failure, e->text, sizeof(team->failure) - 1) == 0)
		return;
	(void)snprintf(team->failure, sizeof(team->failure), "%s", e->text);
	log_write(LOG_LEVEL_ERROR, &(struct log_fields){ .team = team->spec.name },
		  "the kernel's team driver cannot be set: %s; tried again every second", e->text);
}

static void applied(struct driver_job *job)
{
	struct driver_team *team = job->team;

	if (job->driver->freed || team->released || team->gone)
		return;
	if (job->r == -ENODEV) {
		team->gone = true; /* The link monitor tells. */
	} else if (job->r < 0) {
		tell_failure(team, &job->e);
	} else {
		team->failure[0] = '\0';
		team->retry_due = NSEC_NEVER;
		tell_strays(team, &job->strays);
	}
}

/* Returns whether somebody has to be sent. */
static bool note_pending(struct driver_team *team)
{
	bool was_pending;

	driver_lock(team->driver);
	was_pending = team->apply_pending;
	team->apply_pending = true;
	driver_unlock(team->driver);
	return !was_pending;
}

static void forget_pending(struct driver_team *team)
{
	driver_lock(team->driver);
	team->apply_pending = false;
	driver_unlock(team->driver);
	team->retry_due = nsec_add(team->driver->now, RETRY_DELAY);
}

void driver_apply(struct driver_team *team)
{
	struct driver *driver = team->driver;
	struct driver_job *job;

	if (driver->freed || team->gone || !note_pending(team))
		return;
	job = driver_job_new(driver, team, driver_apply_run);
	if (!job) {
		forget_pending(team);
		return;
	}
	job->finish = applied;
	job->silent = true;
	driver_job_submit(job, driver->applier);
}

static void check_all(struct driver *driver, bool all)
{
	struct driver_team *team;

	/* Nobody else changes the list. */
	LIST_FOREACH (team, &driver->teams, entry) {
		bool due = all || driver->now >= team->retry_due;

		driver_lock(driver);
		team->reread |= due;
		due = team->reread && !team->apply_pending;
		driver_unlock(driver);
		if (due)
			driver_apply(team);
	}
}

static void news_taken(struct driver_job *job)
{
	if (!job->driver->freed)
		check_all(job->driver, false);
}

static void take_news(struct driver *driver)
{
	struct driver_job *job = driver_job_new(driver, NULL, driver_news_run);

	if (!job)
		return;
	job->finish = news_taken;
	driver_job_submit(job, driver->applier);
}

void driver_dispatch(struct driver *driver)
{
	struct epoll_event events[2];
	int n = epoll_wait(driver->epoll, events, 2, 0);

	for (int i = 0; i < n; i++) {
		if (events[i].data.fd == worker_fd(driver->applier))
			worker_dispatch(driver->applier);
		else
			take_news(driver);
	}
}

/* Returns when the next one's counters are due. Nothing is due while they are being read: that they
 * are there is an event. */
static nsec_t refresh_counters(struct driver *driver)
{
	nsec_t next = NSEC_NEVER;
	struct driver_team *team;

	LIST_FOREACH (team, &driver->teams, entry) {
		if (driver->now >= nsec_add(team->counters_due, COUNTERS_REFRESH))
			driver_count(team);
		if (!team->counting)
			next = nsec_min(next, nsec_add(team->counters_due, COUNTERS_REFRESH));
	}
	return next;
}

nsec_t driver_heartbeat(struct driver *driver, nsec_t now)
{
	struct driver_team *team;
	nsec_t due, counters_due;

	driver->now = now;
	if (LIST_EMPTY(&driver->teams))
		return NSEC_NEVER;
	if (driver->check_due == NSEC_NEVER)
		driver->check_due = nsec_add(now, CHECK_INTERVAL);
	counters_due = refresh_counters(driver);
	due = driver->check_due;
	LIST_FOREACH (team, &driver->teams, entry)
		due = nsec_min(due, team->retry_due);
	if (now < due)
		return nsec_min(due, counters_due);
	check_all(driver, now >= driver->check_due);
	if (now >= driver->check_due)
		driver->check_due = nsec_add(now, CHECK_INTERVAL);
	LIST_FOREACH (team, &driver->teams, entry)
		if (team->retry_due <= now)
			team->retry_due = NSEC_NEVER;
	return nsec_min(driver->check_due, counters_due);
}
