#include "tests/fake/fake-world.h"

#include "daemon/config/config.h"
#include "daemon/host/identity.h"
#include "daemon/host/session-store.h"
#include "lib/base/array.h"
#include "lib/base/cleanup.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct fake_world *fake_of(struct world *world)
{
	return container_of(world, struct fake_world, world);
}

struct fake_link *fake_world_link(struct fake_world *world, int ifindex)
{
	for (unsigned i = 0; i < FAKE_LINKS; i++)
		if (ifindex && world->links[i].link.ifindex == ifindex)
			return &world->links[i];
	return NULL;
}

static unsigned port_of(const struct fake_world *world, const struct fake_link *link)
{
	return (unsigned)(link - world->links);
}

static nsec_t fake_now(struct world *world)
{
	/* The datapath has no clock of its own. */
	fake_of(world)->kernel->now = fake_of(world)->now;
	return fake_of(world)->now;
}

static uint64_t fake_realtime_us(struct world *world)
{
	return 1700000000000000 + fake_of(world)->now / NSEC_PER_US;
}

static const struct link *fake_link_by_name(struct world *base, const char *name)
{
	struct fake_world *world = fake_of(base);

	for (unsigned i = 0; i < FAKE_LINKS; i++)
		if (world->links[i].link.ifindex && strcmp(world->links[i].link.name, name) == 0)
			return &world->links[i].link;
	return NULL;
}

static const struct link *fake_link_by_index(struct world *base, int ifindex)
{
	struct fake_link *link = fake_world_link(fake_of(base), ifindex);

	return link ? &link->link : NULL;
}

static int fake_slow_send(struct world *base, int ifindex, const struct mac *source,
			  struct span payload)
{
	struct fake_world *world = fake_of(base);
	struct fake_link *link = fake_world_link(world, ifindex);

	if (!link)
		return -ENXIO;
	assert(mac_equal(source, &link->link.mac));
	link->frames_sent++;
	if (link->cable && port_of(world, link) < LACP_PORTS_MAX)
		lacp_receive(world->partner, port_of(world, link), source, payload, world->now);
	return 0;
}

static void fake_slow_join(struct world *base, int ifindex, bool bound)
{
	struct fake_link *link = fake_world_link(fake_of(base), ifindex);

	if (link)
		link->joined = true;
}

static void fake_slow_leave(struct world *base, int ifindex)
{
	struct fake_link *link = fake_world_link(fake_of(base), ifindex);

	if (link)
		link->joined = false;
}

static uint64_t fake_slow_limited(struct world *base, int ifindex)
{
	return 0;
}

static void fake_carrier_watch(struct world *base, int ifindex, uint64_t *word, unsigned slot,
			       bool carrying)
{
	struct fake_link *link = fake_world_link(fake_of(base), ifindex);

	if (!link)
		return;
	link->watched = true;
	link->carrying = carrying;
	link->word = word;
	link->slot = slot;
}

static void fake_carrier_unwatch(struct world *base, int ifindex)
{
	struct fake_link *link = fake_world_link(fake_of(base), ifindex);

	if (link)
		link->watched = false;
}

static void fake_carrier_ask(struct world *base, int ifindex)
{
	fake_of(base)->asked++;
}

static int fake_frame_send(struct world *base, int ifindex, struct span frame)
{
	struct fake_world *world = fake_of(base);
	struct fake_frame *sent = &world->frames[world->n_frames % FAKE_FRAMES];

	if (!fake_world_link(world, ifindex))
		return -ENXIO;
	assert(frame.size <= FAKE_FRAME_SIZE);
	*sent = (struct fake_frame){
		.ifindex = ifindex,
		.when = world->now,
		.size = frame.size,
	};
	memcpy(sent->bytes, frame.bytes, frame.size);
	world->n_frames++;
	fake_network_take(world, ifindex, frame);
	return 0;
}

static size_t fake_addresses(struct world *base, int ifindex, struct host_address *addresses,
			     size_t n)
{
	struct fake_world *world = fake_of(base);
	size_t i = 0;

	for (; i < world->n_addresses && i < n; i++)
		addresses[i] = world->addresses[i];
	return i;
}

static void fake_neighbours(struct world *base, int ifindex,
			    void (*each)(void *userdata, const struct host_neighbour *neighbour),
			    void *userdata)
{
	struct fake_world *world = fake_of(base);

	for (unsigned i = 0; i < world->n_neighbours; i++)
		if (world->neighbours[i].uplink == ifindex)
			each(userdata, &world->neighbours[i]);
}

void fake_world_neighbour(struct fake_world *world, const struct host_neighbour *neighbour)
{
	unsigned i = 0;

	while (i < world->n_neighbours && !(world->neighbours[i].vlan == neighbour->vlan &&
					    mac_equal(&world->neighbours[i].mac, &neighbour->mac)))
		i++;
	if (neighbour->gone && i < world->n_neighbours) {
		world->neighbours[i] = world->neighbours[--world->n_neighbours];
	} else if (!neighbour->gone) {
		assert(i < FAKE_NEIGHBOURS);
		world->neighbours[i] = *neighbour;
		world->n_neighbours += i == world->n_neighbours;
	}
	if (world->host)
		host_neighbour_changed(world->host, neighbour);
}

static void fake_probe_join(struct world *base, int ifindex, const struct probe_address *targets,
			    size_t n)
{
	struct fake_link *link = fake_world_link(fake_of(base), ifindex);

	if (link)
		link->asks = true;
}

static void fake_probe_leave(struct world *base, int ifindex)
{
	struct fake_link *link = fake_world_link(fake_of(base), ifindex);

	if (link)
		link->asks = false;
}

static void fake_errors_ask(struct world *base, int ifindex)
{
	struct fake_world *world = fake_of(base);

	if (world->n_errors_wanted < FAKE_LINKS)
		world->errors_wanted[world->n_errors_wanted++] = ifindex;
}

static unsigned tell_errors(struct fake_world *world)
{
	unsigned n = world->n_errors_wanted;

	world->n_errors_wanted = 0;
	for (unsigned i = 0; i < n; i++) {
		const struct fake_link *link = fake_world_link(world, world->errors_wanted[i]);

		if (world->host && link)
			host_member_errors(world->host, link->link.ifindex, link->errors);
	}
	return n;
}

static void fake_save_identity(struct world *base, char *text)
{
	struct fake_world *world = fake_of(base);

	free(world->saved_identity);
	world->saved_identity = text;
}

static void fake_save_running(struct world *base, char *text, void (*saved)(void *userdata),
			      void *userdata)
{
	struct fake_world *world = fake_of(base);

	free(world->saved_running);
	world->saved_running = text;
	saved(userdata);
}

static void fake_fill_status(struct world *base, struct host_status *status)
{
	status->datapath_why = "there is no other in a test";
	status->carrier_sense = "polling";
	status->carrier_sense_why = "the test plays it";
}

static const struct world_ops fake_world_ops = {
	.now = fake_now,
	.realtime_us = fake_realtime_us,
	.link_by_name = fake_link_by_name,
	.link_by_index = fake_link_by_index,
	.slow_send = fake_slow_send,
	.slow_join = fake_slow_join,
	.slow_leave = fake_slow_leave,
	.slow_limited = fake_slow_limited,
	.carrier_watch = fake_carrier_watch,
	.carrier_unwatch = fake_carrier_unwatch,
	.carrier_ask = fake_carrier_ask,
	.frame_send = fake_frame_send,
	.probe_join = fake_probe_join,
	.probe_leave = fake_probe_leave,
	.errors_ask = fake_errors_ask,
	.addresses = fake_addresses,
	.neighbours = fake_neighbours,
	.save_identity = fake_save_identity,
	.save_running = fake_save_running,
	.fill_status = fake_fill_status,
};

static struct lacp *new_partner(nsec_t now)
{
	static const struct lacp_config config = {
		.system_priority = 100,
		.system = { { 0x02, 0, 0, 0, 0x99, 0x01 } },
		.active = true,
		.fast = true,
		.min_links = 1,
		.max_links = 32,
		.fallback_delay = 90 * NSEC_PER_SEC,
	};

	return lacp_new(&config, now);
}

void fake_world_init(struct fake_world *world, struct fake_kernel *kernel)
{
	*world = (struct fake_world){
		.world.ops = &fake_world_ops,
		.now = 1000 * NSEC_PER_SEC,
		.kernel = kernel,
		.boot_id = "this-boot",
		.folder = "/tmp/yoke-test-XXXXXX",
	};
	*kernel = (struct fake_kernel){};
	world->partner = new_partner(world->now);
	assert(world->partner);
	if (!mkdtemp(world->folder))
		abort();
}

static void path_in(const struct fake_world *world, const char *name, char path[static 64])
{
	(void)snprintf(path, 64, "%s/%s", world->folder, name);
}

void fake_world_fini(struct fake_world *world)
{
	char path[64];

	fake_world_kill(world);
	lacp_free(world->partner);
	free(world->saved_identity);
	free(world->saved_running);
	path_in(world, "sessions", path);
	(void)unlink(path);
	path_in(world, "team.conf", path);
	(void)unlink(path);
	(void)rmdir(world->folder);
}

static struct config *read_config(struct fake_world *world, const char *text)
{
	struct config_problems problems = {};
	struct config *config = NULL;
	char path[64];
	const char *paths[] = { path };
	FILE *file;

	path_in(world, "team.conf", path);
	file = fopen(path, "we");
	if (!file || fputs(text, file) < 0 || fclose(file) != 0)
		abort();
	if (config_load_paths(paths, 1, &config, &problems) < 0) {
		fprintf(stderr, "line %u: %s\n", problems.problems[0].line,
			problems.problems[0].text);
		abort();
	}
	for (unsigned i = 0; world->adjust && i < config->n_teams; i++)
		world->adjust(&config->teams[i]);
	return config;
}

void fake_world_start(struct fake_world *world, const char *config_text)
{
	static const uint8_t seed[IDENTITY_SEED_SIZE] = { 1, 2, 3 };
	struct host_parts parts;
	struct err e = {};
	char path[64];

	path_in(world, "sessions", path);
	if (session_store_open(path, world->boot_id, 1, &world->sessions, &e) < 0 ||
	    identity_new(world->saved_identity, seed, &world->identity, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		abort();
	}
	world->datapath = fake_datapath_new(world->kernel);
	parts = (struct host_parts){
		.world = &world->world,
		.datapath = world->datapath,
		.identity = world->identity,
		.sessions = world->sessions,
		.boot_id = world->boot_id,
		.running = world->saved_running,
	};
	world->host = host_new(read_config(world, config_text), &parts);
	assert(world->host);
}

void fake_world_kill(struct fake_world *world)
{
	if (!world->host)
		return;
	(void)fake_datapath_run(world->datapath);
	host_free(world->host);
	world->host = NULL;
	world->datapath->ops->free(world->datapath);
	session_store_close(world->sessions);
	identity_free(world->identity);
	for (unsigned i = 0; i < FAKE_LINKS; i++)
		world->links[i].watched = world->links[i].joined = false;
}

static void tell(struct fake_world *world, const struct link *link, const struct link *before)
{
	if (world->host)
		host_link_changed(world->host, link, before);
}

int fake_world_add_link(struct fake_world *world, const char *name, uint32_t speed_mbps)
{
	static int last_ifindex = 100;
	struct fake_link *link = world->links;
	struct lacp_port_config port = { .key = 7, .priority = 255, .speed_mbps = speed_mbps };

	while (link->link.ifindex)
		link++;
	assert(link < world->links + FAKE_LINKS);
	*link = (struct fake_link){ .cable = true };
	link->link = (struct link){
		.ifindex = ++last_ifindex,
		.ethernet = true,
		.up = true,
		.carrier = true,
		.carrier_up_count = 1,
		.mtu = 1500,
		.settings_known = true,
		.speed_mbps = speed_mbps,
		.full_duplex = true,
	};
	link->link.mac = (struct mac){ { 0x00, 0x11, 0x22, 0, 0, (uint8_t)last_ifindex } };
	link->link.permanent_mac = link->link.mac;
	(void)snprintf(link->link.name, sizeof(link->link.name), "%s", name);
	if (port_of(world, link) < LACP_PORTS_MAX) {
		port.number = (uint16_t)(port_of(world, link) + 1);
		lacp_port_add(world->partner, port_of(world, link), &port, world->now);
		lacp_port_link(world->partner, port_of(world, link), true, true, world->now);
	}
	tell(world, &link->link, NULL);
	return link->link.ifindex;
}

void fake_world_remove_link(struct fake_world *world, int ifindex)
{
	struct fake_link *link = fake_world_link(world, ifindex);
	struct link before = link->link;

	if (port_of(world, link) < LACP_PORTS_MAX)
		lacp_port_remove(world->partner, port_of(world, link), world->now);
	*link = (struct fake_link){};
	tell(world, NULL, &before);
}

void fake_world_rename_link(struct fake_world *world, int ifindex, const char *name)
{
	struct fake_link *link = fake_world_link(world, ifindex);
	struct link before = link->link;

	(void)snprintf(link->link.name, sizeof(link->link.name), "%s", name);
	tell(world, &link->link, &before);
}

void fake_world_cable(struct fake_world *world, int ifindex, bool plugged, bool told)
{
	struct fake_link *link = fake_world_link(world, ifindex);
	struct link before = link->link;

	link->cable = plugged;
	lacp_port_link(world->partner, port_of(world, link), plugged, true, world->now);
	if (told) {
		link->link.carrier = plugged;
		link->link.carrier_up_count += plugged;
		link->link.carrier_down_count += !plugged;
		tell(world, &link->link, &before);
		return;
	}
	if (plugged || !link->watched || !link->carrying)
		return;
	if (link->word)
		*link->word &= ~(1ull << link->slot);
	if (world->host)
		host_carrier_lost(world->host, ifindex);
}

/* Where a LACPDU has it, counted from the subtype octet. */
#define ACTOR_STATE 18

/* What the switch sends. */
static unsigned drain_partner(struct fake_world *world)
{
	struct lacp_action action;
	unsigned n = 0;

	while (lacp_next_action(world->partner, &action)) {
		struct fake_link *link = &world->links[action.slot];
		struct slow_frame frame = {
			.ifindex = link->link.ifindex,
			.destination = mac_slow_protocols,
			.source = { { 0x02, 0, 0, 0, 0x88, (uint8_t)action.slot } },
			.payload = { action.payload, sizeof(action.payload) },
		};

		n++;
		if (action.type == LACP_ACTION_SEND && world->partner_tarries)
			action.payload[ACTOR_STATE] &= (uint8_t)~LACP_STATE_COLLECTING;
		if (action.type == LACP_ACTION_SEND && world->host && link->cable && link->joined &&
		    !world->partner_silent)
			host_slow_frame(world->host, &frame);
	}
	return n;
}

static void let_happen(struct fake_world *world)
{
	unsigned n;

	do {
		n = drain_partner(world);
		n += fake_network_deliver(world);
		n += tell_errors(world);
		if (world->host)
			n += fake_datapath_run(world->datapath);
	} while (n);
}

void fake_world_run(struct fake_world *world, nsec_t duration)
{
	nsec_t end = world->now + duration;

	let_happen(world);
	for (;;) {
		nsec_t next = lacp_deadline(world->partner);

		if (world->host)
			next = nsec_min(next, host_deadline(world->host));
		if (next > end)
			break;
		if (next > world->now)
			world->now = next;
		lacp_tick(world->partner, world->now);
		if (world->host)
			host_tick(world->host);
		let_happen(world);
	}
	world->now = end;
}
