#include "daemon/system.h"

#include "daemon/datapath/datapath.h"
#include "daemon/files.h"
#include "daemon/host/identity.h"
#include "daemon/host/session-store.h"
#include "daemon/kernel/carrier-poller.h"
#include "daemon/kernel/link-monitor.h"
#include "daemon/kernel/slow-socket.h"
#include "daemon/kernel/worker.h"
#include "daemon/system-internal.h"
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

static void on_link_changed(void *userdata, const struct link *link, const struct link *before)
{
	struct system *system = userdata;

	system_network_link_changed(system, link, before);
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

static int on_bpf(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct system *system = userdata;

	system->bpf->ops->dispatch(system->bpf);
	return 0;
}

static int on_team(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct system *system = userdata;

	system->team->ops->dispatch(system->team);
	return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct system *system = userdata;
	nsec_t now = system_boot_time();

	lateness_note(&system->lateness, nsec_since(system->timer_at, now), now);
	system->timer_at = NSEC_NEVER;
	host_tick(system->host);
	return 0;
}

void system_after_turn(struct system *system)
{
	nsec_t deadline;
	uint64_t usec;

	system_network_settle(system);
	deadline = nsec_min(host_deadline(system->host), system_heartbeat(system));
	/* At once: nothing is late yet. */
	if (deadline == 0)
		deadline = system_boot_time();
	usec = deadline / NSEC_PER_US + 1;
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

static int descriptor(struct datapath *datapath)
{
	return datapath ? datapath->ops->fd(datapath) : -1;
}

static int add_sources(struct system *system, struct err *e)
{
	struct system_source sources[] = {
		/* LACP before everything else that is due in the same turn. */
		{ carrier_poller_fd(system->poller), on_poller, SD_EVENT_PRIORITY_IMPORTANT },
		{ descriptor(system->bpf), on_bpf, SD_EVENT_PRIORITY_IMPORTANT },
		{ descriptor(system->team), on_team, SD_EVENT_PRIORITY_IMPORTANT },
		{ slow_socket_fd(system->slow), on_slow, SD_EVENT_PRIORITY_IMPORTANT },
		{ link_monitor_fd(system->links), on_links, SD_EVENT_PRIORITY_NORMAL },
		{ worker_fd(system->kernel), on_kernel_worker, SD_EVENT_PRIORITY_NORMAL },
		{ worker_fd(system->disk), on_disk_worker, SD_EVENT_PRIORITY_IDLE },
		{ -1, NULL, 0 }, /* The network's, see below. */
		{ -1, NULL, 0 },
		{ -1, NULL, 0 },
	};
	int r = 0;

	static_assert(ARRAY_SIZE(sources) == ARRAY_SIZE(system->sources), "one each");
	system_network_sources(system, sources + 7);
	for (size_t i = 0; i < ARRAY_SIZE(sources) && r >= 0; i++) {
		if (sources[i].fd < 0)
			continue;
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

/* What was changed at run time; without it the configuration's teams are as the files have them. */
static char *load_running(struct system *system, const struct options *options)
{
	char *text = NULL;
	struct err e;

	if (asprintf(&system->running_path, "%s/running.conf", options->state_dir) < 0) {
		system->running_path = NULL;
		return NULL;
	}
	if (files_read(system->running_path, &text, &e) < 0)
		log_error("what was changed at run time is lost: %s", e.text);
	return text;
}

static int open_state(struct system *system, const struct options *options, struct err *e)
{
	cleanup(freep) char *path = NULL;
	int r;

	r = files_make_folder(options->state_dir, 0755, e);
	if (r == 0)
		r = files_make_folder(options->volatile_dir, 0755, e);
	if (r == 0)
		r = files_boot_id(system->boot_id, e);
	if (r == 0)
		r = load_identity(system, options, e);
	if (r < 0)
		return r;
	if (asprintf(&path, "%s/sessions", options->volatile_dir) < 0) {
		path = NULL;
		return err_set(e, -ENOMEM, "out of memory");
	}
	return session_store_open(path, system->boot_id, netns_cookie(), &system->sessions, e);
}

static int open_kernel(struct system *system, const struct options *options,
		       const struct config *config, struct err *e)
{
	int r;

	r = worker_new("kernel", &system->kernel);
	if (r == 0)
		r = worker_new("disk", &system->disk);
	if (r < 0)
		return err_errno(e, r, "cannot start a thread");
	r = link_monitor_new(system->kernel, on_link_changed, system, &system->links, e);
	if (r == 0)
		r = slow_socket_open(&system->slow, e);
	if (r == 0)
		r = carrier_poller_new(config->carrier_poll_ms * NSEC_PER_MS, POLL_BUDGET,
				       on_carrier_lost, system, &system->poller, e);
	if (r == 0)
		r = system_network_open(system, e);
	if (r == 0)
		r = system_open_datapaths(system, options, e);
	return r;
}

DEFINE_CLEANUP(struct system, system_free)

int system_new(sd_event *event, const struct options *options, struct config *config,
	       struct system **ret, struct err *e)
{
	cleanup(system_freep) struct system *system = calloc(1, sizeof(*system));
	cleanup(freep) char *running = NULL;
	struct host_parts parts;
	int r;

	if (!system) {
		config_free(config);
		return err_set(e, -ENOMEM, "out of memory");
	}
	*e = (struct err){};
	system->world.ops = &system_world;
	system->event = sd_event_ref(event);
	if (options->datapath && strcmp(options->datapath, "auto") != 0)
		system->datapath = options->datapath;
	r = open_state(system, options, e);
	if (r == 0)
		r = open_kernel(system, options, config, e);
	if (r == 0)
		r = add_sources(system, e);
	if (r < 0) {
		config_free(config);
		return r;
	}
	running = load_running(system, options);
	parts = (struct host_parts){
		.world = &system->world,
		.choose = system_choose_datapath,
		.choose_userdata = system,
		.prepare = system_prepare_choice,
		.identity = system->identity,
		.sessions = system->sessions,
		.boot_id = system->running_path ? system->boot_id : NULL,
		.running = running,
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
	system_free_datapaths(system);
	if (system->poller)
		carrier_poller_free(system->poller);
	if (system->slow)
		slow_socket_close(system->slow);
	system_network_close(system);
	if (system->links)
		link_monitor_free(system->links);
	session_store_close(system->sessions);
	identity_free(system->identity);
	free(system->identity_path);
	free(system->running_path);
	sd_event_unref(system->event);
	free(system);
}

struct host *system_host(struct system *system)
{
	return system->host;
}
