/* What is beyond the links: frames and answers to probes, IP addresses, the bridges above the
 * teams' devices. */
#include "daemon/kernel/address-monitor.h"
#include "daemon/kernel/fdb-monitor.h"
#include "daemon/kernel/forwarding.h"
#include "daemon/kernel/frame-socket.h"
#include "daemon/kernel/link-above.h"
#include "daemon/kernel/link-errors.h"
#include "daemon/system-internal.h"
#include "lib/base/array.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* More than a host has above one team. */
#define ABOVE_MAX 256

static struct system *system_of(struct world *world)
{
	return container_of(world, struct system, world);
}

int system_frame_send(struct world *world, int ifindex, struct span frame)
{
	return frame_socket_send(system_of(world)->frames, ifindex, frame);
}

void system_probe_join(struct world *world, int ifindex, const struct probe_address *targets,
		       size_t n)
{
	struct err e;
	int r = frame_socket_join(system_of(world)->frames, ifindex, targets, n, &e);

	/* A device that has vanished meanwhile is told by the link monitor. */
	if (r < 0 && r != -ENODEV && r != -ENXIO)
		log_error("no answers to probes on device %d: %s", ifindex, e.text);
}

static void run_close(void *userdata)
{
	int *fd = userdata;

	(void)close(*fd);
}

void system_probe_leave(struct world *world, int ifindex)
{
	struct system *system = system_of(world);
	int fd = frame_socket_leave(system->frames, ifindex);
	int *job = fd < 0 ? NULL : malloc(sizeof(*job));

	if (job)
		*job = fd;
	/* At the end of the daemon the worker is gone, and without memory it has to be done here.
	 */
	if (job && system->kernel && worker_submit(system->kernel, run_close, free, job) == 0)
		return;
	free(job);
	closep(&fd);
}

struct errors_job {
	struct system *system;
	int ifindex;
	int r;
	uint64_t errors;
};

static void run_errors(void *userdata)
{
	struct errors_job *job = userdata;

	job->r = link_errors(job->ifindex, &job->errors);
}

static void errors_done(void *userdata)
{
	struct errors_job *job = userdata;

	if (job->r == 0 && job->system->host)
		host_member_errors(job->system->host, job->ifindex, job->errors);
	free(job);
}

void system_errors_ask(struct world *world, int ifindex)
{
	struct system *system = system_of(world);
	struct errors_job *job = calloc(1, sizeof(*job));

	if (job)
		*job = (struct errors_job){ .system = system, .ifindex = ifindex };
	if (!job || worker_submit(system->kernel, run_errors, errors_done, job) < 0)
		free(job);
}

static bool is_router(const struct system *system, const struct address_entry *address)
{
	const struct link *link = link_monitor_by_index(system->links, address->ifindex);

	return address->family == AF_INET6 && link && forwarding_is_on(link->name);
}

size_t system_addresses(struct world *world, int ifindex, struct host_address *addresses, size_t n)
{
	struct system *system = system_of(world);
	struct address_above *found = calloc(n + 1, sizeof(*found));
	size_t n_found = 0;

	if (found)
		n_found =
			address_monitor_above(system->addresses, system->links, ifindex, found, n);
	for (size_t i = 0; i < n_found; i++) {
		addresses[i] = (struct host_address){
			.v6 = found[i].address.family == AF_INET6,
			.mac = found[i].mac,
			.vlan = found[i].vlan,
			.router = is_router(system, &found[i].address),
		};
		memcpy(addresses[i].bytes, found[i].address.bytes, sizeof(addresses[i].bytes));
	}
	free(found);
	return n_found;
}

static struct host_neighbour neighbour_of(const struct system_uplink *uplink,
					  const struct system_path *path,
					  const struct fdb_entry *entry, bool gone)
{
	uint16_t vlan = entry->vlan == path->untagged ? 0 : entry->vlan;

	return (struct host_neighbour){
		.uplink = uplink->ifindex,
		.bridge = entry->bridge,
		/* Behind the VLAN device by which the bridge uses the team is behind the team. */
		.port = entry->port == path->port ? uplink->ifindex : entry->port,
		.mac = entry->mac,
		.vlan = path->vlan ? path->vlan : vlan,
		.permanent = entry->permanent,
		.gone = gone,
	};
}

/* A walk over the entries of one path. */
struct walk {
	const struct system_uplink *uplink;
	const struct system_path *path;
	bool gone;
	void (*each)(void *userdata, const struct host_neighbour *neighbour);
	void *userdata;
};

static bool walk_entry(void *userdata, const void *bytes)
{
	const struct fdb_entry *entry = bytes;
	const struct walk *walk = userdata;
	struct host_neighbour neighbour;

	if (entry->bridge != walk->path->bridge)
		return true;
	neighbour = neighbour_of(walk->uplink, walk->path, entry, walk->gone);
	walk->each(walk->userdata, &neighbour);
	return true;
}

static void tell_host(void *userdata, const struct host_neighbour *neighbour)
{
	struct system *system = userdata;

	if (system->host)
		host_neighbour_changed(system->host, neighbour);
}

static void on_entry_changed(void *userdata, const struct fdb_entry *entry, bool gone)
{
	struct system *system = userdata;

	if (!entry) {
		system->network_changed = true;
		return;
	}
	for (unsigned i = 0; i < system->n_uplinks; i++) {
		const struct system_uplink *uplink = &system->uplinks[i];

		for (unsigned j = 0; j < uplink->n_paths; j++) {
			struct host_neighbour neighbour =
				neighbour_of(uplink, &uplink->paths[j], entry, gone);

			if (uplink->paths[j].bridge == entry->bridge)
				tell_host(system, &neighbour);
		}
	}
}

/* The bridges that use the device, and by which port. */
static void find_paths(struct system *system, struct system_uplink *uplink)
{
	struct link_above above[ABOVE_MAX];
	size_t n = link_above(link_monitor_table(system->links), uplink->ifindex, above, ABOVE_MAX);

	uplink->n_paths = 0;
	for (size_t i = 0; i < n && uplink->n_paths < ARRAY_SIZE(uplink->paths); i++)
		for (size_t j = 0; j < n; j++)
			if (above[i].link->master == above[j].link->ifindex)
				uplink->paths[uplink->n_paths++] = (struct system_path){
					.bridge = above[j].link->ifindex,
					.port = above[i].link->ifindex,
					.vlan = above[i].vlan,
					.untagged = fdb_monitor_untagged(system->fdb,
									 above[i].link->ifindex),
				};
}

static bool has_path(const struct system_uplink *uplink, const struct system_path *wanted)
{
	for (unsigned i = 0; i < uplink->n_paths; i++)
		if (memcmp(&uplink->paths[i], wanted, sizeof(*wanted)) == 0)
			return true;
	return false;
}

/* Tells what is known of bridges that 'uplink' uses and 'other' does not. */
static void tell_difference(struct system *system, const struct system_uplink *uplink,
			    const struct system_uplink *other, bool gone)
{
	for (unsigned i = 0; i < uplink->n_paths; i++) {
		struct walk walk = { uplink, &uplink->paths[i], gone, tell_host, system };

		if (!has_path(other, &uplink->paths[i]))
			fdb_monitor_each(system->fdb, walk_entry, &walk);
	}
}

static void add_to_scope(struct nl_mirror_scope *scope, int ifindex)
{
	for (unsigned i = 0; i < scope->n; i++)
		if (scope->ifindexes[i] == ifindex)
			return;
	if (scope->n < NL_MIRROR_SCOPE_MAX)
		scope->ifindexes[scope->n++] = ifindex;
}

static void watch_bridges(struct system *system)
{
	struct nl_mirror_scope bridges = {}, ports = {};
	struct err e;

	for (unsigned i = 0; i < system->n_uplinks; i++)
		for (unsigned j = 0; j < system->uplinks[i].n_paths; j++) {
			add_to_scope(&bridges, system->uplinks[i].paths[j].bridge);
			add_to_scope(&ports, system->uplinks[i].paths[j].port);
		}
	if (fdb_monitor_watch(system->fdb, &bridges, &ports, &e) < 0)
		log_error("addresses of silent machines stay unknown: %s", e.text);
}

static void refresh_uplink(struct system *system, struct system_uplink *uplink)
{
	struct system_uplink before = *uplink;

	find_paths(system, uplink);
	tell_difference(system, &before, uplink, true);
	tell_difference(system, uplink, &before, false);
}

void system_network_settle(struct system *system)
{
	if (!system->network_changed)
		return;
	system->network_changed = false;
	for (unsigned i = system->n_uplinks; i-- > 0;) {
		refresh_uplink(system, &system->uplinks[i]);
		if (system->uplinks[i].gone)
			system->uplinks[i] = system->uplinks[--system->n_uplinks];
	}
	watch_bridges(system);
}

static struct system_uplink *find_uplink(struct system *system, int ifindex)
{
	for (unsigned i = 0; i < system->n_uplinks; i++)
		if (system->uplinks[i].ifindex == ifindex && !system->uplinks[i].gone)
			return &system->uplinks[i];
	return NULL;
}

void system_network_link_changed(struct system *system, const struct link *link,
				 const struct link *before)
{
	/* With the team's device its wish goes. A new one may have a wish before it is told of. */
	struct system_uplink *uplink = link ? NULL : find_uplink(system, before->ifindex);

	if (uplink)
		uplink->gone = true;
	system->network_changed |= !link || !before || link->master != before->master ||
				   link->lower != before->lower || link->vlan != before->vlan;
}

void system_neighbours(struct world *world, int ifindex,
		       void (*each)(void *userdata, const struct host_neighbour *neighbour),
		       void *userdata)
{
	struct system *system = system_of(world);
	struct system_uplink *uplink = find_uplink(system, ifindex);

	if (!uplink && system->n_uplinks < ARRAY_SIZE(system->uplinks)) {
		uplink = &system->uplinks[system->n_uplinks++];
		*uplink = (struct system_uplink){ .ifindex = ifindex };
		find_paths(system, uplink);
		watch_bridges(system);
	}
	for (unsigned i = 0; uplink && i < uplink->n_paths; i++) {
		struct walk walk = { uplink, &uplink->paths[i], false, each, userdata };

		fdb_monitor_each(system->fdb, walk_entry, &walk);
	}
}

static void on_answer(void *userdata, int ifindex, struct span frame)
{
	struct system *system = userdata;

	if (system->host)
		host_probe_frame(system->host, ifindex, frame);
}

int system_network_open(struct system *system, struct err *e)
{
	int r = frame_socket_open(&system->frames, e);

	if (r == 0)
		r = fdb_monitor_new(system->kernel, on_entry_changed, system, &system->fdb, e);
	if (r == 0)
		r = address_monitor_new(system->kernel, &system->addresses, e);
	return r;
}

void system_network_close(struct system *system)
{
	address_monitor_free(system->addresses);
	fdb_monitor_free(system->fdb);
	frame_socket_close(system->frames);
}

static int on_frames(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct system *system = userdata;

	frame_socket_receive(system->frames, on_answer, system);
	return 0;
}

static int on_fdb(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct system *system = userdata;

	fdb_monitor_dispatch(system->fdb);
	return 0;
}

static int on_addresses(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct system *system = userdata;

	address_monitor_dispatch(system->addresses);
	return 0;
}

void system_network_sources(struct system *system, struct system_source sources[static 3])
{
	sources[0] = (struct system_source){ frame_socket_fd(system->frames), on_frames,
					     SD_EVENT_PRIORITY_IMPORTANT };
	sources[1] = (struct system_source){ fdb_monitor_fd(system->fdb), on_fdb,
					     SD_EVENT_PRIORITY_NORMAL };
	sources[2] = (struct system_source){ address_monitor_fd(system->addresses), on_addresses,
					     SD_EVENT_PRIORITY_NORMAL };
}
