#include "daemon/system.h"

#include "daemon/datapath/dp-bpf.h"
#include "daemon/files.h"
#include "daemon/host/identity.h"
#include "daemon/host/session-store.h"
#include "daemon/kernel/carrier-poller.h"
#include "daemon/kernel/ethtool.h"
#include "daemon/kernel/link-monitor.h"
#include "daemon/kernel/slow-socket.h"
#include "daemon/kernel/worker.h"
#include "daemon/lateness.h"
#include "lib/base/array.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

/* Questions of the carrier sense for the whole host, a second. */
#define POLL_BUDGET 1000

struct system {
	struct world world; /* First: the host calls us by it. */
	sd_event *event;
	sd_event_source *sources[5];
	sd_event_source *timer;
	nsec_t timer_at; /* What the timer is set to. */
	struct worker *kernel;
	struct worker *disk;
	struct link_monitor *links;
	struct slow_socket *slow;
	struct carrier_poller *poller;
	struct datapath *datapath;
	struct session_store *sessions;
	struct identity *identity;
	struct host *host;
	char *identity_path;
	bool datapath_asked_for;
	struct lateness lateness;
};

static struct system *system_of(struct world *world)
{
	return container_of(world, struct system, world);
}

static nsec_t boot_time(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (nsec_t)now.tv_sec * NSEC_PER_SEC + (nsec_t)now.tv_nsec;
}

static nsec_t world_now(struct world *world)
{
	return boot_time();
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
	int r;
	struct err e;
};

static void run_join(void *userdata)
{
	struct join_job *job = userdata;

	if (job->join)
		job->r = slow_socket_join(job->socket, job->ifindex, &job->e);
	else
		slow_socket_leave(job->socket, job->ifindex);
}

static void join_done(void *userdata)
{
	struct join_job *job = userdata;

	/* A device that has vanished meanwhile is told by the link monitor. */
	if (job->r < 0 && job->r != -ENODEV && job->r != -ENXIO)
		log_error("no LACP on device %d: %s", job->ifindex, job->e.text);
	free(job);
}

static void submit_join(struct world *world, int ifindex, bool join)
{
	struct system *system = system_of(world);
	struct join_job *job = calloc(1, sizeof(*job));

	if (job)
		*job = (struct join_job){ .socket = system->slow,
					  .ifindex = ifindex,
					  .join = join };
	if (!job || worker_submit(system->kernel, run_join, join_done, job) < 0) {
		log_error("no LACP on device %d: out of memory", ifindex);
		free(job);
	}
}

static void world_slow_join(struct world *world, int ifindex)
{
	submit_join(world, ifindex, true);
}

static void world_slow_leave(struct world *world, int ifindex)
{
	/* At the end of the daemon the worker is gone, and the socket closes. */
	if (system_of(world)->kernel)
		submit_join(world, ifindex, false);
}

static uint64_t world_slow_limited(struct world *world, int ifindex)
{
	return slow_socket_limited(system_of(world)->slow, ifindex);
}

static void world_carrier_watch(struct world *world, int ifindex, uint64_t *word, unsigned slot,
				bool carrying)
{
	if (carrier_poller_watch(system_of(world)->poller, ifindex, word, slot, carrying) < 0)
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
	char *text;
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
		log_error("port numbers and keys may change with the next boot: %s", job->e.text);
	free(job->text);
	free(job);
}

static void world_save_identity(struct world *world, char *text)
{
	struct system *system = system_of(world);
	struct save_job *job = calloc(1, sizeof(*job));

	if (job)
		*job = (struct save_job){ .path = system->identity_path, .text = text };
	if (!job || worker_submit(system->disk, run_save, save_done, job) < 0) {
		log_error("the identity was not saved: out of memory");
		free(text);
		free(job);
	}
}

static void world_fill_status(struct world *world, struct host_status *status)
{
	struct system *system = system_of(world);

	status->datapath_why =
		system->datapath_asked_for
			? "it was asked for on the command line"
			: "it is the one that this version has, and needs no driver in the kernel";
	status->carrier_sense = "polling";
	status->carrier_sense_why = "a thread asks each member that carries for its link, as the "
				    "kernel may tell a loss up to a second late";
	carrier_poller_figures(system->poller, &status->poller);
	status->loop_latest = system->lateness.ever;
	status->loop_latest_recent = lateness_recent(&system->lateness);
	status->worker_pending = worker_pending(system->kernel);
	status->link_resyncs = link_monitor_resyncs(system->links);
}

static const struct world_ops real_world = {
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
	.save_identity = world_save_identity,
	.fill_status = world_fill_status,
};

static void on_link_changed(void *userdata, const struct link *link, const struct link *before)
{
	struct system *system = userdata;

	if (system->host)
		host_link_changed(system->host, link, before);
}

static void on_slow_frame(void *userdata, const struct slow_frame *frame)
{
	struct system *system = userdata;

	host_slow_frame(system->host, frame);
}

static void on_carrier_lost(void *userdata, int ifindex, nsec_t when, nsec_t late)
{
	struct system *system = userdata;

	if (system->host)
		host_carrier_lost(system->host, ifindex);
}

static int on_kernel_worker(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct system *system = userdata;

	worker_dispatch(system->kernel);
	return 0;
}

static int on_disk_worker(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct system *system = userdata;

	worker_dispatch(system->disk);
	return 0;
}

static int on_links(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct system *system = userdata;

	link_monitor_dispatch(system->links);
	return 0;
}

static int on_slow(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct system *system = userdata;

	slow_socket_receive(system->slow, on_slow_frame, system);
	return 0;
}

static int on_poller(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct system *system = userdata;

	carrier_poller_dispatch(system->poller);
	return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct system *system = userdata;
	nsec_t now = boot_time();

	lateness_note(&system->lateness, nsec_since(system->timer_at, now), now);
	system->timer_at = NSEC_NEVER;
	host_tick(system->host);
	return 0;
}

void system_after_turn(struct system *system)
{
	nsec_t deadline = host_deadline(system->host);
	uint64_t usec = deadline / NSEC_PER_US + 1;

	if (deadline == system->timer_at)
		return;
	system->timer_at = deadline;
	if (deadline == NSEC_NEVER) {
		(void)sd_event_source_set_enabled(system->timer, SD_EVENT_OFF);
		return;
	}
	(void)sd_event_source_set_time(system->timer, usec);
	(void)sd_event_source_set_enabled(system->timer, SD_EVENT_ONESHOT);
}

static int add_sources(struct system *system, struct err *e)
{
	const struct {
		int fd;
		sd_event_io_handler_t handler;
		int64_t priority;
	} sources[] = {
		/* LACP before everything else that is due in the same turn. */
		{ carrier_poller_fd(system->poller), on_poller, SD_EVENT_PRIORITY_IMPORTANT },
		{ slow_socket_fd(system->slow), on_slow, SD_EVENT_PRIORITY_IMPORTANT },
		{ link_monitor_fd(system->links), on_links, SD_EVENT_PRIORITY_NORMAL },
		{ worker_fd(system->kernel), on_kernel_worker, SD_EVENT_PRIORITY_NORMAL },
		{ worker_fd(system->disk), on_disk_worker, SD_EVENT_PRIORITY_IDLE },
	};
	int r = 0;

	static_assert(ARRAY_SIZE(sources) == ARRAY_SIZE(system->sources), "one each");
	for (size_t i = 0; i < ARRAY_SIZE(sources) && r >= 0; i++) {
		r = sd_event_add_io(system->event, &system->sources[i], sources[i].fd, EPOLLIN,
				    sources[i].handler, system);
		if (r >= 0)
			r = sd_event_source_set_priority(system->sources[i], sources[i].priority);
	}
	system->timer_at = NSEC_NEVER;
	/* An accuracy of 0 would mean a quarter of a second. */
	if (r >= 0)
		r = sd_event_add_time(system->event, &system->timer, CLOCK_BOOTTIME, 0, 1, on_timer,
				      system);
	if (r >= 0)
		r = sd_event_source_set_enabled(system->timer, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_source_set_priority(system->timer, SD_EVENT_PRIORITY_IMPORTANT);
	return r < 0 ? err_errno(e, r, "cannot set up the event loop") : 0;
}

static uint64_t netns_cookie(void)
{
	cleanup(closep) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(uint64_t);
	uint64_t cookie = 0;

	if (fd >= 0)
		(void)getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size);
	return cookie;
}

/* A damaged identity is put aside, not overwritten: a person may want to mend it. */
static int put_aside(const char *path, const struct err *why, struct err *e)
{
	cleanup(freep) char *aside = NULL;

	if (asprintf(&aside, "%s.damaged", path) < 0) {
		aside = NULL;
		return err_set(e, -ENOMEM, "out of memory");
	}
	if (rename(path, aside) < 0)
		return err_errno(e, -errno, "cannot put %s aside", path);
	log_error("%s is damaged (%s): it is now %s, and ports and keys get new numbers", path,
		  why->text, aside);
	return 0;
}

static int load_identity(struct system *system, const struct options *options, struct err *e)
{
	cleanup(freep) char *text = NULL;
	uint8_t seed[IDENTITY_SEED_SIZE];
	struct err damage;
	int r;

	if (asprintf(&system->identity_path, "%s/identity.json", options->state_dir) < 0) {
		system->identity_path = NULL;
		return err_set(e, -ENOMEM, "out of memory");
	}
	files_machine_seed(options->state_dir, seed);
	r = files_read(system->identity_path, &text, e);
	if (r < 0 && r != -EBADMSG)
		return r;
	damage = *e;
	if (r == 0)
		r = identity_new(text, seed, &system->identity, &damage);
	if (r != -EBADMSG)
		return r < 0 ? err_set(e, r, "%s", damage.text) : 0;
	r = put_aside(system->identity_path, &damage, e);
	return r < 0 ? r : identity_new(NULL, seed, &system->identity, e);
}

static int open_state(struct system *system, const struct options *options, struct err *e)
{
	cleanup(freep) char *path = NULL;
	char boot_id[40];
	int r;

	r = files_make_folder(options->state_dir, 0755, e);
	if (r == 0)
		r = files_make_folder(options->volatile_dir, 0755, e);
	if (r == 0)
		r = files_boot_id(boot_id, e);
	if (r == 0)
		r = load_identity(system, options, e);
	if (r < 0)
		return r;
	if (asprintf(&path, "%s/sessions", options->volatile_dir) < 0) {
		path = NULL;
		return err_set(e, -ENOMEM, "out of memory");
	}
	return session_store_open(path, boot_id, netns_cookie(), &system->sessions, e);
}

static int open_kernel(struct system *system, const struct options *options,
		       const struct config *config, struct err *e)
{
	struct dp_bpf_settings settings = { .bpffs = options->bpffs };
	int r;

	r = worker_new("kernel", &system->kernel);
	if (r == 0)
		r = worker_new("disk", &system->disk);
	if (r < 0)
		return err_errno(e, r, "cannot start a thread");
	settings.worker = system->kernel;
	r = link_monitor_new(system->kernel, on_link_changed, system, &system->links, e);
	if (r == 0)
		r = slow_socket_open(&system->slow, e);
	if (r == 0)
		r = carrier_poller_new(config->carrier_poll_ms * NSEC_PER_MS, POLL_BUDGET,
				       on_carrier_lost, system, &system->poller, e);
	if (r == 0)
		r = dp_bpf_new(&settings, &system->datapath, e);
	return r;
}

DEFINE_CLEANUP(struct system, system_free)

int system_new(sd_event *event, const struct options *options, struct config *config,
	       struct system **ret, struct err *e)
{
	cleanup(system_freep) struct system *system = calloc(1, sizeof(*system));
	struct host_parts parts;
	int r;

	if (!system) {
		config_free(config);
		return err_set(e, -ENOMEM, "out of memory");
	}
	*e = (struct err){};
	system->world.ops = &real_world;
	system->event = sd_event_ref(event);
	system->datapath_asked_for = options->datapath && strcmp(options->datapath, "auto") != 0;
	r = open_state(system, options, e);
	if (r == 0)
		r = open_kernel(system, options, config, e);
	if (r == 0)
		r = add_sources(system, e);
	if (r < 0) {
		config_free(config);
		return r;
	}
	parts = (struct host_parts){
		.world = &system->world,
		.datapath = system->datapath,
		.identity = system->identity,
		.sessions = system->sessions,
	};
	system->host = host_new(config, &parts);
	if (!system->host)
		return err_set(e, -ENOMEM, "out of memory");
	*ret = steal_ptr(system);
	return 0;
}

void system_free(struct system *system)
{
	if (!system)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(system->sources); i++)
		sd_event_source_disable_unref(system->sources[i]);
	sd_event_source_disable_unref(system->timer);
	/* What is under way ends, while the host is still there to hear of it. */
	if (system->kernel)
		worker_free(system->kernel);
	system->kernel = NULL;
	if (system->disk)
		worker_free(system->disk);
	host_free(system->host);
	if (system->datapath)
		system->datapath->ops->free(system->datapath);
	if (system->poller)
		carrier_poller_free(system->poller);
	if (system->slow)
		slow_socket_close(system->slow);
	if (system->links)
		link_monitor_free(system->links);
	session_store_close(system->sessions);
	identity_free(system->identity);
	free(system->identity_path);
	sd_event_unref(system->event);
	free(system);
}

struct host *system_host(struct system *system)
{
	return system->host;
}
