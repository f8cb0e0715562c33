/* What the files of the team datapath share.
 *
 * Three threads. The main thread calls the operations: it writes down what it wants (the wish) and
 * is told the ends. The worker makes devices, and puts ports in and takes them out. The applier, a
 * worker of its own, so that a member that failed waits for nothing else, compares the wish with
 * what the kernel has and sets what differs; however many wishes there were meanwhile, it knows
 * only the last. It also hears the driver's news. Each field below says whose it is. */
#pragma once

#include "daemon/datapath/dp-team-hash.h"
#include "daemon/datapath/dp-team-options.h"
#include "daemon/datapath/dp-team.h"
#include "daemon/datapath/repair-limit.h"
#include "daemon/kernel/rtnl.h"
#include "daemon/kernel/team-genl.h"

#include <pthread.h>
#include <sys/queue.h>

struct driver_team;

LIST_HEAD(driver_team_list, driver_team);

struct driver {
	struct datapath base;
	struct worker *worker;
	struct worker *applier;
	struct datapath_listener listener;
	int epoll; /* The applier's work that is done, and news. */
	/* Main thread. */
	unsigned refs; /* The owner's, one of each team and of each job. */
	bool freed;
	nsec_t now;       /* As of the last heartbeat. */
	nsec_t check_due; /* When to read everything again, in case that news were lost. */
	/* Worker. */
	struct rtnl *rtnl;
	struct team_genl *genl;
	/* Applier. */
	struct team_genl *apply_genl;
	struct team_news *news;
	/* The list and its teams' wishes: all threads, under the lock. */
	pthread_mutex_t lock;
	struct driver_team_list teams;
	bool relisten; /* The driver may have been loaded anew. */
	int joining;   /* The device that is just put into a team. */
};

struct driver_team {
	struct datapath_team base;
	struct driver *driver;
	LIST_ENTRY(driver_team) entry;
	/* Main thread. */
	unsigned refs; /* The owner's and one of each job. */
	bool released;
	bool listed;
	bool gone;                              /* Somebody deleted the device. */
	int members[PLACEMENT_MEMBERS];         /* As it will be when all operations are through. */
	unsigned changes[PLACEMENT_MEMBERS];    /* An end that is outdated changes nothing. */
	struct datapath_team_counters counters; /* As they were last read, … */
	nsec_t counters_due;                    /* … and from when on they are old. */
	bool counting;
	struct repair_limit repairs;
	char failure[128]; /* Of the applier, told once. */
	nsec_t retry_due;
	/* Set by the worker before the main thread has the handle. */
	int ifindex;
	/* Worker, but for the name, which never changes. */
	struct datapath_team_spec spec;
	/* Under the driver's lock. */
	struct dp_team_wish wish;
	uint64_t serial;    /* Of the wish. */
	bool apply_pending; /* A job that will see the newest wish is on its way. */
	bool reread;        /* What the kernel has may have been changed by others. */
	enum hash_fields hash;
	/* Applier. */
	struct dp_team_hash wanted_hash;
	enum hash_fields wanted_fields; /* That it is for. */
	struct dp_team_options options;
	bool known; /* They are as they were read or set last. */
	uint64_t applied;
};

/* What others changed and was set right, or is to be. */
struct driver_strays {
	bool hash;          /* How buckets are told or mapped. */
	unsigned buckets;   /* How many were mapped elsewhere. */
	member_set changed; /* Options of these members. */
	member_set missing; /* These are no ports any more. */
	unsigned foreign;   /* Ports that are none of ours. */
};

/* One operation on its way. */
struct driver_job {
	struct driver *driver;
	struct driver_team *team;                          /* NULL: of none. */
	int (*run)(struct driver_job *job, struct err *e); /* Worker, or applier. */
	/* Main thread; takes over what 'run' brought before the caller is told. May be NULL. */
	void (*finish)(struct driver_job *job);
	int r;
	struct err e;
	datapath_done *done; /* May be NULL. */
	datapath_opened *opened;
	void *userdata;
	bool silent; /* 'finish' tells itself of failures. */
	/* Of the single operations. */
	struct datapath_team_spec spec;
	struct datapath_team_info info;
	struct datapath_member_spec member;
	struct driver_strays strays;
	struct datapath_team_counters counters;
	int ifindexes[PLACEMENT_MEMBERS];
	unsigned slot;
	unsigned change;
	bool fresh; /* The slot was empty. */
};

/* dp-team-job.c, main thread. */
void driver_unref(struct driver *driver);
void driver_team_unref(struct driver_team *team);
struct driver_job *driver_job_new(struct driver *driver, struct driver_team *team,
				  int (*run)(struct driver_job *job, struct err *e));

/* Hands the job over; it is gone then. */
void driver_job_submit(struct driver_job *job, struct worker *worker);

/* dp-team-open.c, worker */
int driver_open_run(struct driver_job *job, struct err *e);
int driver_configure_run(struct driver_job *job, struct err *e);
int driver_delete_run(struct driver_job *job, struct err *e);
int driver_count_run(struct driver_job *job, struct err *e);

/* dp-team-member.c, worker */
int driver_member_add_run(struct driver_job *job, struct err *e);
int driver_member_remove_run(struct driver_job *job, struct err *e);

/* In a steered team: gives the port its transmit queue and enables it. */
int driver_give_queue(struct driver_team *team, unsigned slot, int port, struct err *e);

/* The port's own MAC address comes back when it leaves. */
int driver_set_port_mac(struct driver *driver, int ifindex, const struct mac *mac, struct err *e);

/* Takes the device out if it is still in the team, and sets it back to how it was found; nothing to
 * do where it has gone, or is in something else. */
int driver_set_back(struct driver_team *team, int ifindex, int32_t mark, struct err *e);

/* dp-team-apply.c, applier */
int driver_apply_run(struct driver_job *job, struct err *e);
int driver_news_run(struct driver_job *job, struct err *e);

/* Sets options one after the other; those that may be set, or not, once more by themselves. Any
 * thread, with its own 'genl'. */
int driver_write(struct team_genl *genl, int ifindex, const struct team_option options[], size_t n,
		 struct err *e);

/* dp-team.c, main thread: has the worker read the counters, if they are old. To read them at once
 * could mean to wait. */
void driver_count(struct driver_team *team);

/* dp-team-watch.c, main thread */

/* Has the applier look at the wish. */
void driver_apply(struct driver_team *team);

/* Takes news from the kernel, and does what is due. */
void driver_dispatch(struct driver *driver);
nsec_t driver_heartbeat(struct driver *driver, nsec_t now);

/* The hash program's bytes. */
static inline struct span driver_hash_span(const struct dp_team_hash *hash)
{
	return (struct span){ (const uint8_t *)hash->code, hash->n * sizeof(hash->code[0]) };
}

static inline void driver_lock(struct driver *driver)
{
	pthread_mutex_lock(&driver->lock);
}

static inline void driver_unlock(struct driver *driver)
{
	pthread_mutex_unlock(&driver->lock);
}
