#include "tests/net/datapath/driver.h"

#include "daemon/kernel/bpf-tcx.h"
#include "lib/base/array.h"
#include "lib/base/nsec.h"

#include <check.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define PATIENCE_MS 10000

const struct datapath_team_spec driver_spec = {
	.name = DRIVER_TEAM,
	.mac = { { 2, 0, 0, 0, 0, 1 } },
	.mtu = 1500,
	.hash = HASH_TRANSPORT_PORTS,
};

struct result {
	unsigned n;
	int r;
	struct err e;
	struct datapath_team *team;
	struct datapath_team_info info;
};

static void take_done(void *userdata, int r, const struct err *e)
{
	struct result *result = userdata;

	result->n++;
	result->r = r;
	ck_assert_int_eq(r < 0, e != NULL);
	if (e)
		result->e = *e;
}

static void take_opened(void *userdata, int r, const struct err *e, struct datapath_team *team,
			const struct datapath_team_info *info)
{
	struct result *result = userdata;

	take_done(userdata, r, e);
	result->team = team;
	if (info)
		result->info = *info;
}

static int wait_for(struct driver *driver, struct result *result, struct err *e)
{
	ck_assert_msg(result->n == 0, "a completion came from inside the call");
	while (result->n == 0) {
		struct pollfd fd = { .fd = worker_fd(driver->worker), .events = POLLIN };

		ck_assert_msg(poll(&fd, 1, PATIENCE_MS) == 1, "the worker does not answer");
		worker_dispatch(driver->worker);
	}
	ck_assert_uint_eq(result->n, 1);
	if (e)
		*e = result->e;
	return result->r;
}

static void take_disturbed(void *userdata, int ifindex, const char *sentence)
{
	struct driver_news *news = userdata;

	news->n_disturbed++;
	news->ifindex = ifindex;
	(void)snprintf(news->sentence, sizeof(news->sentence), "%s", sentence);
}

static void take_lost(void *userdata, int ifindex)
{
	struct driver_news *news = userdata;

	news->n_lost++;
	news->lost_ifindex = ifindex;
}

static void take_hindered(void *userdata, int ifindex, const char *sentence)
{
	struct driver_news *news = userdata;

	if (sentence[0])
		news->n_hindered++;
	else
		news->n_hindered--;
}

bool driver_has_tcx(void)
{
	struct tcx_chain chain;

	return tcx_query(1, BPF_PLACE_INGRESS, &chain) == 0;
}

bool driver_uses_tcx(void)
{
	const char *way = getenv("YOKE_ATTACH");

	return (!way || strcmp(way, "clsact") != 0) && driver_has_tcx();
}

void driver_start(struct driver *driver)
{
	driver_start_by(driver, !driver_uses_tcx());
}

void driver_start_by(struct driver *driver, bool clsact)
{
	driver_start_with(driver, clsact, false);
}

void driver_start_with(struct driver *driver, bool clsact, bool veth)
{
	struct dp_bpf_settings settings = {
		.bpffs = LAB_PINS,
		.clsact = clsact,
		.veth = veth,
		.listener = { .carrier_lost = take_lost,
			      .member_disturbed = take_disturbed,
			      .member_hindered = take_hindered,
			      .userdata = &driver->news },
	};
	struct err e;
	int r = worker_new("worker", &driver->worker);

	ck_assert_int_eq(r, 0);
	driver->news = (struct driver_news){};
	settings.worker = driver->worker;
	r = dp_bpf_new(&settings, &driver->datapath, &e);
	ck_assert_msg(r == 0, "%s", e.text);
}

void driver_stop(struct driver *driver, struct datapath_team *team)
{
	if (team)
		team->ops->team_release(team);
	driver->datapath->ops->free(driver->datapath);
	worker_free(driver->worker);
}

bool driver_is_direct(void)
{
	const char *way = getenv("YOKE_TRANSMIT");

	return way && strcmp(way, "direct") == 0;
}

static struct datapath_team_spec as_wished(const struct datapath_team_spec *spec)
{
	struct datapath_team_spec wished = *spec;

	wished.rules.direct |= driver_is_direct();
	return wished;
}

int driver_open(struct driver *driver, const struct datapath_team_spec *spec,
		struct datapath_team **ret, struct datapath_team_info *info, struct err *e)
{
	const struct datapath_team_spec wished = as_wished(spec);
	struct result result = {};
	int r;

	driver->datapath->ops->team_open(driver->datapath, &wished, take_opened, &result);
	r = wait_for(driver, &result, e);
	ck_assert_int_eq(r == 0, result.team != NULL);
	*ret = result.team;
	if (info)
		*info = result.info;
	return r;
}

int driver_configure(struct driver *driver, struct datapath_team *team,
		     const struct datapath_team_spec *spec, struct err *e)
{
	const struct datapath_team_spec wished = as_wished(spec);
	struct result result = {};

	team->ops->team_configure(team, &wished, take_done, &result);
	return wait_for(driver, &result, e);
}

int driver_add(struct driver *driver, struct datapath_team *team, unsigned slot,
	       const struct datapath_member_spec *spec, struct err *e)
{
	struct result result = {};

	team->ops->member_add(team, slot, spec, take_done, &result);
	return wait_for(driver, &result, e);
}

int driver_remove(struct driver *driver, struct datapath_team *team, unsigned slot, struct err *e)
{
	struct result result = {};

	team->ops->member_remove(team, slot, take_done, &result);
	return wait_for(driver, &result, e);
}

int driver_delete(struct driver *driver, struct datapath_team *team, struct err *e)
{
	struct result result = {};

	team->ops->team_delete(team, take_done, &result);
	return wait_for(driver, &result, e);
}

void driver_drain(struct driver *driver)
{
	while (worker_pending(driver->worker)) {
		struct pollfd fd = { .fd = worker_fd(driver->worker), .events = POLLIN };

		ck_assert_msg(poll(&fd, 1, PATIENCE_MS) == 1, "the worker does not answer");
		worker_dispatch(driver->worker);
	}
	worker_dispatch(driver->worker);
}

void driver_place(struct datapath_team *team, member_set members)
{
	uint32_t weights[PLACEMENT_MEMBERS];
	uint8_t previous[PLACEMENT_BUCKETS];
	struct placement_plan plan;
	struct err e;

	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		weights[slot] = 1;
	memset(previous, PLACEMENT_NONE, sizeof(previous));
	placement_make(&plan, members, weights, previous);
	ck_assert_msg(team->ops->place(team, &plan, &e) == 0, "%s", e.text);
}

static void await_cables(struct lab *lab, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		char name[IFNAMSIZ];

		(void)snprintf(name, sizeof(name), "pm%u", i);
		lab_await_running(lab->partner_rtnl, name);
		lab_await_running(lab->rtnl, name + 1);
	}
}

struct datapath_team *driver_team(struct driver *driver, struct lab *lab, unsigned n_members)
{
	member_set members = (member_set)((1ull << n_members) - 1);
	struct datapath_team_info info;
	struct datapath_team *team;
	struct err e = {};

	ck_assert_msg(driver_open(driver, &driver_spec, &team, &info, &e) == 0, "%s", e.text);
	for (unsigned slot = 0; slot < n_members; slot++) {
		struct datapath_member_spec spec = { .ifindex = 100 + (int)slot };

		(void)snprintf(spec.name, sizeof(spec.name), "m%u", slot);
		lab_cable(lab, spec.name, spec.ifindex);
		ck_assert_msg(driver_add(driver, team, slot, &spec, &e) == 0, "%s", e.text);
		team->ops->carrier(team, slot, true);
	}
	driver_place(team, members);
	team->ops->allow(team, members, members);
	if (!n_members)
		return team;
	team->ops->team_carrier(team, true);
	driver_drain(driver);
	lab_await_running(lab->rtnl, DRIVER_TEAM);
	await_cables(lab, n_members);
	return team;
}

struct datapath_team_counters driver_counters(struct datapath_team *team)
{
	struct datapath_team_counters counters;
	struct err e;

	ck_assert_msg(team->ops->counters(team, &counters, &e) == 0, "%s", e.text);
	return counters;
}

uint64_t driver_sent(struct datapath_team *team)
{
	struct datapath_team_counters counters = driver_counters(team);
	uint64_t sum = 0;

	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		sum += counters.members[slot].tx_packets;
	return sum;
}

uint64_t driver_received(struct datapath_team *team)
{
	struct datapath_team_counters counters = driver_counters(team);
	uint64_t sum = 0;

	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		sum += counters.members[slot].rx_packets;
	return sum;
}

void driver_must(int r, const struct err *e)
{
	ck_assert_msg(r == 0, "%s", e->text);
}

void driver_refused(int r, const struct err *e, int code, const char *word)
{
	ck_assert_int_eq(r, code);
	ck_assert_msg(strstr(e->text, word), "'%s' does not say '%s'", e->text, word);
}

static nsec_t boot_time(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (nsec_t)now.tv_sec * NSEC_PER_SEC + (nsec_t)now.tv_nsec;
}

void driver_turn(struct driver *driver)
{
	struct pollfd fds[] = {
		{ .fd = worker_fd(driver->worker), .events = POLLIN },
		{ .fd = driver->datapath->ops->fd(driver->datapath), .events = POLLIN },
	};
	nsec_t now = boot_time();
	nsec_t due = driver->datapath->ops->heartbeat(driver->datapath, now);

	(void)poll(fds, ARRAY_SIZE(fds), due > now + NSEC_PER_SEC ? 1000 : 10);
	worker_dispatch(driver->worker);
	driver->datapath->ops->dispatch(driver->datapath);
}

void driver_await_disturbed(struct driver *driver, unsigned n)
{
	nsec_t end = boot_time() + PATIENCE_MS * NSEC_PER_MS;

	while (driver->news.n_disturbed < n) {
		ck_assert_msg(boot_time() < end, "%u disturbances were told, not %u: %s",
			      driver->news.n_disturbed, n, driver->news.sentence);
		driver_turn(driver);
	}
}

bool driver_can(bool clsact)
{
	return clsact || driver_has_tcx();
}

void driver_stream_in(struct lab *lab, struct traffic_stream *stream)
{
	*stream = (struct traffic_stream){
		.from = traffic_socket(lab->partner, "pm0", 0),
		.to = { traffic_socket(lab->host, DRIVER_TEAM, 0x0800) },
		.n_to = 1,
		.n_frames = 10000,
		.interval_us = 100,
		.n_flows = 100,
	};
	traffic_stream_start(stream);
	traffic_stream_await(stream, 100);
}

bool driver_hears(struct lab *lab)
{
	int from = traffic_socket(lab->partner, "pm0", 0);
	uint64_t before = lab_counters(DRIVER_TEAM).rx_packets;

	for (unsigned i = 0; i < 100; i++) {
		traffic_send(from, &(struct traffic_frame){});
		(void)usleep(1000);
		if (lab_counters(DRIVER_TEAM).rx_packets > before) {
			(void)close(from);
			return true;
		}
	}
	(void)close(from);
	return false;
}

void driver_assert_attached(struct lab *lab, int ifindex)
{
	ck_assert_int_eq(lab_n_tcx(ifindex) > 0, driver_uses_tcx());
	ck_assert_int_eq(lab_has_clsact(lab, ifindex), !driver_uses_tcx());
}

void driver_assert_free(struct lab *lab, int ifindex)
{
	ck_assert_uint_eq(lab_n_tcx(ifindex), 0);
	ck_assert(!lab_has_clsact(lab, ifindex));
}

void driver_leave_team(struct lab *lab)
{
	driver_leave_team_by(lab, !driver_uses_tcx());
}

void driver_leave_team_by(struct lab *lab, bool clsact)
{
	int status, ready[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct driver driver;

		driver_start_by(&driver, clsact);
		(void)driver_team(&driver, lab, 4);
		(void)!write(ready[1], "", 1);
		for (;;)
			(void)pause();
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
}

struct datapath_member_spec driver_cable(struct lab *lab, const char *name, int ifindex)
{
	struct datapath_member_spec spec = { .ifindex = lab_cable(lab, name, ifindex) };

	(void)snprintf(spec.name, sizeof(spec.name), "%s", name);
	return spec;
}

void driver_assert_as_found(struct lab *lab, const struct rtnl_device *found)
{
	struct rtnl_device now = lab_device(lab->rtnl, found->name);

	ck_assert_int_eq(now.up, found->up);
	ck_assert_int_eq(now.promiscuous, found->promiscuous);
	ck_assert_int_eq(now.addr_gen_mode, found->addr_gen_mode);
	ck_assert_uint_eq(now.mtu, found->mtu);
	driver_assert_free(lab, found->ifindex);
}
