/* The real world, as the host and its teams see it. */
#include "daemon/datapath/datapath.h"
#include "daemon/files.h"
#include "daemon/kernel/carrier-poller.h"
#include "daemon/kernel/ethtool.h"
#include "daemon/kernel/slow-socket.h"
#include "daemon/kernel/worker.h"
#include "daemon/system-internal.h"
#include "lib/base/array.h"
#include "lib/base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

static struct system *system_of(struct world *world)
{
	return container_of(world, struct system, world);
}

nsec_t system_boot_time(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (nsec_t)now.tv_sec * NSEC_PER_SEC + (nsec_t)now.tv_nsec;
}

static nsec_t world_now(struct world *world)
{
	return system_boot_time();
}

static uint64_t world_realtime_us(struct world *world)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static const struct link *world_link_by_name(struct world *world, const char *name)
{
	return link_monitor_by_name(system_of(world)->links, name);
}

static const struct link *world_link_by_index(struct world *world, int ifindex)
{
	return link_monitor_by_index(system_of(world)->links, ifindex);
}

static int world_slow_send(struct world *world, int ifindex, const struct mac *source,
			   struct span payload)
{
	return slow_socket_send(system_of(world)->slow, ifindex, source, payload);
}

struct join_job {
	struct slow_socket *socket;
	int ifindex;
	bool join;
	bool bound;
	int r;
	struct err e;
};

static void run_join(void *userdata)
{
	struct join_job *job = userdata;

	if (!job->join)
		slow_socket_leave(job->socket, job->ifindex);
	else if (job->bound)
		job->r = slow_socket_join_bound(job->socket, job->ifindex, &job->e);
	else
		job->r = slow_socket_join(job->socket, job->ifindex, &job->e);
}

static void join_done(void *userdata)
{
	struct join_job *job = userdata;

	/* A device that has vanished meanwhile is told by the link monitor. */
	if (job->r < 0 && job->r != -ENODEV && job->r != -ENXIO)
		log_error("no LACP on device %d: %s", job->ifindex, job->e.text);
	free(job);
}

static void submit_join(struct world *world, const struct join_job *wanted)
{
	struct system *system = system_of(world);
	struct join_job *job = malloc(sizeof(*job));

	if (job) {
		*job = *wanted;
		job->socket = system->slow;
	}
	if (!job || worker_submit(system->kernel, run_join, join_done, job) < 0) {
		log_error("no LACP on device %d: out of memory", wanted->ifindex);
		free(job);
	}
}

static void world_slow_join(struct world *world, int ifindex, bool bound)
{
	submit_join(world, &(struct join_job){ .ifindex = ifindex, .join = true, .bound = bound });
}

static void world_slow_leave(struct world *world, int ifindex)
{
	/* At the end of the daemon the worker is gone, and the socket closes. */
	if (system_of(world)->kernel)
		submit_join(world, &(struct join_job){ .ifindex = ifindex });
}

static uint64_t world_slow_limited(struct world *world, int ifindex)
{
	return slow_socket_limited(system_of(world)->slow, ifindex);
}

static void world_carrier_watch(struct world *world, int ifindex, uint64_t *word, unsigned slot,
				bool carrying)
{
	/* Where nothing can be done at once, the kernel's own news is early enough, and asking is
	 * for drivers that see a loss only then. */
	if (carrier_poller_watch(system_of(world)->poller, ifindex, word, slot, carrying && word) <
	    0)
		log_error("no carrier sense on device %d: out of memory", ifindex);
}

static void world_carrier_unwatch(struct world *world, int ifindex)
{
	carrier_poller_unwatch(system_of(world)->poller, ifindex);
}

struct ask_job {
	struct system *system;
	int ifindex;
	bool up;
};

static void run_ask(void *userdata)
{
	struct ask_job *job = userdata;
	enum ethtool_link answer = ETHTOOL_LINK_UNKNOWN;
	struct ethtool *ethtool;
	struct err e;

	/* So rare that a socket for each question is cheap. */
	if (ethtool_open(&ethtool, &e) == 0) {
		ethtool_ask_links(ethtool, &job->ifindex, 1, &answer);
		ethtool_close(ethtool);
	}
	job->up = answer == ETHTOOL_LINK_UP;
}

static void ask_done(void *userdata)
{
	struct ask_job *job = userdata;

	if (job->system->host)
		host_carrier_answer(job->system->host, job->ifindex, job->up);
	free(job);
}

static void world_carrier_ask(struct world *world, int ifindex)
{
	struct system *system = system_of(world);
	struct ask_job *job = calloc(1, sizeof(*job));

	if (job)
		*job = (struct ask_job){ .system = system, .ifindex = ifindex };
	if (!job || worker_submit(system->kernel, run_ask, ask_done, job) < 0)
		free(job);
}

struct save_job {
	const char *path;
	const char *loss; /* What it means that it was not saved. */
	char *text;
	void (*saved)(void *userdata); /* NULL: nobody waits. */
	void *userdata;
	int r;
	struct err e;
};

static void run_save(void *userdata)
{
	struct save_job *job = userdata;

	job->r = files_write(job->path, job->text, &job->e);
}

static void save_done(void *userdata)
{
	struct save_job *job = userdata;

	if (job->r < 0)
		log_error("%s: %s", job->loss, job->e.text);
	if (job->saved)
		job->saved(job->userdata);
	free(job->text);
	free(job);
}

static void save(struct system *system, const struct save_job *wanted)
{
	struct save_job *job = malloc(sizeof(*job));

	if (job)
		*job = *wanted;
	if (!job || worker_submit(system->disk, run_save, save_done, job) < 0) {
		log_error("%s: out of memory", wanted->loss);
		if (wanted->saved)
			wanted->saved(wanted->userdata);
		free(wanted->text);
		free(job);
	}
}

static void world_save_identity(struct world *world, char *text)
{
	struct system *system = system_of(world);

	save(system, &(struct save_job){
			     .path = system->identity_path,
			     .loss = "port numbers and keys may change with the next boot",
			     .text = text,
		     });
}

static void world_save_running(struct world *world, char *text, void (*saved)(void *userdata),
			       void *userdata)
{
	struct system *system = system_of(world);

	save(system, &(struct save_job){
			     .path = system->running_path,
			     .loss = "what was changed will not outlive the daemon",
			     .text = text,
			     .saved = saved,
			     .userdata = userdata,
		     });
}

static void fill_sense(const struct system *system, struct host_status *status)
{
	struct datapath *datapath = system->bpf;
	bool by_kernel;

	status->carrier_sense_why = "";
	by_kernel = datapath && datapath->ops->carrier_sense &&
		    datapath->ops->carrier_sense(datapath, &status->carrier_sense_why);
	status->carrier_sense = by_kernel ? "kernel" : "polling";
}

static void world_fill_status(struct world *world, struct host_status *status)
{
	struct system *system = system_of(world);

	fill_sense(system, status);
	carrier_poller_figures(system->poller, &status->poller);
	status->loop_latest = system->lateness.ever;
	status->loop_latest_recent = lateness_recent(&system->lateness);
	status->worker_pending = worker_pending(system->kernel);
	status->link_resyncs = link_monitor_resyncs(system->links);
}

const struct world_ops system_world = {
	.now = world_now,
	.realtime_us = world_realtime_us,
	.link_by_name = world_link_by_name,
	.link_by_index = world_link_by_index,
	.slow_send = world_slow_send,
	.slow_join = world_slow_join,
	.slow_leave = world_slow_leave,
	.slow_limited = world_slow_limited,
	.carrier_watch = world_carrier_watch,
	.carrier_unwatch = world_carrier_unwatch,
	.carrier_ask = world_carrier_ask,
	.frame_send = system_frame_send,
	.probe_join = system_probe_join,
	.probe_leave = system_probe_leave,
	.errors_ask = system_errors_ask,
	.addresses = system_addresses,
	.neighbours = system_neighbours,
	.save_identity = world_save_identity,
	.save_running = world_save_running,
	.fill_status = world_fill_status,
};
