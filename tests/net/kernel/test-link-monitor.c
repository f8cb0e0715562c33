/* The link monitor against the kernel: all it tells must be so, also after lost messages. */
#include "daemon/kernel/link-monitor.h"
#include "tests/net/kernel/lab.h"

#include <netlink/socket.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define UNRELATED 40
#define EVENTS_EACH 100
#define MORE_THAN_FITS 5000

struct world {
	struct lab lab;
	struct worker *worker;
	struct link_monitor *monitor;
	unsigned n_changes;
	unsigned n_down;      /* Times that device 101 was told to have lost its carrier. */
	unsigned n_backwards; /* Times that device 101 was told to have a smaller MTU. */
	char last[64];        /* What changed last. */
};

static void on_changed(void *userdata, const struct link *link, const struct link *before)
{
	struct world *world = userdata;
	const struct link *about = link ? link : before;

	ck_assert_ptr_eq(link_monitor_by_index(world->monitor, about->ifindex), link);
	if (link)
		ck_assert_ptr_eq(link_monitor_by_name(world->monitor, link->name), link);
	if (link && before && link->ifindex == 101 && before->carrier && !link->carrier)
		world->n_down++;
	if (link && before && link->ifindex == 101 && link->mtu < before->mtu)
		world->n_backwards++;
	world->n_changes++;
	(void)snprintf(world->last, sizeof(world->last), "%s %s", link ? "is" : "gone",
		       about->name);
}

static void watch(struct world *world)
{
	struct err e;

	ck_assert_int_eq(worker_new("test", &world->worker), 0);
	ck_assert_msg(link_monitor_new(world->worker, on_changed, world, &world->monitor, &e) == 0,
		      "%s", e.text);
}

static void start(struct world *world)
{
	*world = (struct world){};
	lab_start(&world->lab);
}

static void stop(struct world *world)
{
	worker_free(world->worker);
	link_monitor_free(world->monitor);
	lab_stop(&world->lab);
}

/* One turn of a main loop. False: nothing came within 'timeout_ms'. */
static bool turn(struct world *world, int timeout_ms)
{
	struct pollfd fds[] = {
		{ .fd = link_monitor_fd(world->monitor), .events = POLLIN },
		{ .fd = worker_fd(world->worker), .events = POLLIN },
	};

	if (poll(fds, 2, timeout_ms) <= 0)
		return false;
	if (fds[0].revents)
		link_monitor_dispatch(world->monitor);
	if (fds[1].revents)
		worker_dispatch(world->worker);
	return true;
}

/* Until nothing is to be expected any more. */
static void settle(struct world *world)
{
	while (turn(world, 0) || worker_pending(world->worker))
		if (worker_pending(world->worker))
			turn(world, -1);
}

static const struct link *await_link(struct world *world, const char *name, bool settings)
{
	const struct link *link;

	while (!(link = link_monitor_by_name(world->monitor, name)) ||
	       (settings && !link->settings_known))
		ck_assert_msg(turn(world, 5000), "nothing came of %s", name);
	return link;
}

/* The table must be what a monitor says that starts now. */
static void compare(struct world *world)
{
	struct if_nameindex *names = if_nameindex();
	struct world fresh = {};

	watch(&fresh);
	for (const struct if_nameindex *i = names; i->if_index; i++) {
		const struct link *a = link_monitor_by_index(world->monitor, (int)i->if_index);
		const struct link *b = link_monitor_by_index(fresh.monitor, (int)i->if_index);

		ck_assert_msg(a && b, "%s is missing", i->if_name);
		ck_assert_str_eq(a->name, b->name);
		ck_assert_uint_eq(a->mtu, b->mtu);
		ck_assert_msg(a->up == b->up && a->carrier == b->carrier &&
				      a->carrier_up_count == b->carrier_up_count &&
				      a->carrier_down_count == b->carrier_down_count,
			      "%s has another state", a->name);
	}
	for (int i = 1; i < 2000; i++)
		ck_assert_msg(!link_monitor_by_index(world->monitor, i) ==
				      !link_monitor_by_index(fresh.monitor, i),
			      "device %d should not be there", i);
	if_freenameindex(names);
	worker_free(fresh.worker);
	link_monitor_free(fresh.monitor);
}

START_TEST(what_is_there_is_known_at_once_with_speed_and_duplex)
{
	struct world world;
	const struct link *link;

	start(&world);
	lab_add_cable(&world.lab, "c0", 101);
	lab_plug_in(&world.lab, 101);
	watch(&world);
	link = link_monitor_by_name(world.monitor, "c0");
	ck_assert(link && link == link_monitor_by_index(world.monitor, 101));
	ck_assert(link->ethernet && link->up && link->carrier && link->settings_known);
	ck_assert_uint_eq(link->speed_mbps, 10000);
	ck_assert(link->full_duplex);
	ck_assert_str_eq(link->kind, "veth");
	ck_assert(!link_monitor_by_name(world.monitor, "lo")->ethernet);
	ck_assert_uint_eq(world.n_changes, 0);
	stop(&world);
}
END_TEST

START_TEST(speed_is_asked_each_time_that_the_carrier_comes)
{
	struct world world;
	const struct link *link;

	start(&world);
	watch(&world);
	lab_add_cable(&world.lab, "c0", 101);
	ck_assert(!await_link(&world, "c0", false)->settings_known);
	for (unsigned i = 0; i < 3; i++) {
		lab_plug_in(&world.lab, 101);
		link = await_link(&world, "c0", true);
		ck_assert(link->carrier);
		ck_assert_uint_eq(link->speed_mbps, 10000);
		lab_set_up(world.lab.partner, 101, false);
		while (link->carrier)
			ck_assert(turn(&world, 5000));
		ck_assert(!link->settings_known);
	}
	ck_assert_uint_eq(world.n_down, 3);
	stop(&world);
}
END_TEST

START_TEST(renamed_swapped_vanished_and_made_anew)
{
	struct world world;

	start(&world);
	lab_add_cable(&world.lab, "c0", 101);
	lab_add_cable(&world.lab, "c1", 102);
	watch(&world);
	lab_set_name(world.lab.host, 101, "x");
	lab_set_name(world.lab.host, 102, "c0");
	lab_set_name(world.lab.host, 101, "c1");
	settle(&world);
	ck_assert_int_eq(link_monitor_by_name(world.monitor, "c0")->ifindex, 102);
	ck_assert_int_eq(link_monitor_by_name(world.monitor, "c1")->ifindex, 101);
	ck_assert_ptr_null(link_monitor_by_name(world.monitor, "x"));
	lab_delete(world.lab.host, 101);
	settle(&world);
	ck_assert_str_eq(world.last, "gone c1");
	lab_add_cable(&world.lab, "c2", 109);
	lab_set_name(world.lab.host, 109, "c1");
	settle(&world);
	ck_assert_int_eq(link_monitor_by_name(world.monitor, "c1")->ifindex, 109);
	compare(&world);
	stop(&world);
}
END_TEST

/* Makes events until it is told to stop: devices that come, go, and change. */
struct churn {
	pthread_t thread;
	int namespace_fd;
	bool stop;
	unsigned rounds;
};

static void *run_churn(void *userdata)
{
	struct churn *churn = userdata;
	struct nl_sock *socket;

	lab_move(churn->namespace_fd);
	socket = lab_connect();
	while (!__atomic_load_n(&churn->stop, __ATOMIC_ACQUIRE)) {
		char name[IFNAMSIZ];
		int ifindex;

		(void)snprintf(name, sizeof(name), "churn%u", churn->rounds % 5);
		ifindex = lab_add_bridge(socket, name);
		lab_set_up(socket, ifindex, true);
		lab_set_mtu(socket, ifindex, 1400 + churn->rounds % 100);
		lab_set_name(socket, ifindex, "renamed");
		lab_delete(socket, ifindex);
		churn->rounds++;
	}
	nl_socket_free(socket);
	return NULL;
}

START_TEST(lost_messages_are_made_up_for)
{
	struct world world;
	const int small = 1;
	int bridge;

	start(&world);
	lab_add_cable(&world.lab, "c0", 101);
	lab_add_cable(&world.lab, "c1", 102);
	bridge = lab_add_bridge(world.lab.host, "b0");
	lab_plug_in(&world.lab, 101);
	watch(&world);
	ck_assert_int_eq(setsockopt(link_monitor_fd(world.monitor), SOL_SOCKET, SO_RCVBUF, &small,
				    sizeof(small)),
			 0);
	for (unsigned i = 0; i < 20; i++)
		lab_set_mtu(world.lab.host, bridge, 1300 + i);
	/* None of these fits in any more. */
	lab_set_up(world.lab.partner, 101, false);
	lab_delete(world.lab.host, 102);
	lab_add_cable(&world.lab, "c1", 103);
	lab_set_name(world.lab.host, 103, "c2");
	settle(&world);
	ck_assert_uint_ge(link_monitor_resyncs(world.monitor), 1);
	ck_assert(!link_monitor_by_index(world.monitor, 101)->carrier);
	ck_assert_ptr_null(link_monitor_by_index(world.monitor, 102));
	ck_assert_int_eq(link_monitor_by_name(world.monitor, "c2")->ifindex, 103);
	ck_assert_uint_eq(world.n_down, 1);
	compare(&world);
	stop(&world);
}
END_TEST

START_TEST(the_picture_is_right_after_losses_while_all_changes)
{
	struct world world;
	struct churn churn = {};
	const int small = 1;

	start(&world);
	lab_add_cable(&world.lab, "c0", 101);
	lab_plug_in(&world.lab, 101);
	watch(&world);
	ck_assert_int_eq(setsockopt(link_monitor_fd(world.monitor), SOL_SOCKET, SO_RCVBUF, &small,
				    sizeof(small)),
			 0);
	churn.namespace_fd = world.lab.host_fd;
	ck_assert_int_eq(pthread_create(&churn.thread, NULL, run_churn, &churn), 0);
	/* The main thread looks only now and then. */
	for (unsigned i = 0; i < 100 || link_monitor_resyncs(world.monitor) < 10; i++) {
		(void)poll(NULL, 0, (int)(i % 10));
		turn(&world, 1000);
	}
	__atomic_store_n(&churn.stop, true, __ATOMIC_RELEASE);
	pthread_join(churn.thread, NULL);
	settle(&world);
	printf("# %u rounds of changes, %lu times messages were lost\n", churn.rounds,
	       (unsigned long)link_monitor_resyncs(world.monitor));
	ck_assert_uint_ge(link_monitor_resyncs(world.monitor), 1);
	/* The cable never lost its carrier, so that was never told. */
	ck_assert_uint_eq(world.n_down, 0);
	compare(&world);
	stop(&world);
}
END_TEST

START_TEST(losses_between_the_overrun_and_an_empty_socket_are_made_up_for)
{
	struct world world;
	const int some = 3 << 20;
	int bridge;

	start(&world);
	lab_add_cable(&world.lab, "c0", 101);
	bridge = lab_add_bridge(world.lab.host, "b0");
	watch(&world);
	ck_assert_int_eq(setsockopt(link_monitor_fd(world.monitor), SOL_SOCKET, SO_RCVBUFFORCE,
				    &some, sizeof(some)),
			 0);
	for (unsigned i = 0; i < MORE_THAN_FITS; i++)
		lab_set_mtu(world.lab.host, bridge, 1300 + i % 100);
	/* One turn does not take all, and until all is taken the kernel drops what comes. */
	link_monitor_dispatch(world.monitor);
	ck_assert_uint_eq(link_monitor_resyncs(world.monitor), 1);
	ck_assert_uint_ge(world.n_changes, 1000);
	while (worker_pending(world.worker))
		sched_yield();
	lab_set_mtu(world.lab.host, 101, 1234);
	settle(&world);
	ck_assert_uint_eq(link_monitor_by_index(world.monitor, 101)->mtu, 1234);
	compare(&world);
	stop(&world);
}
END_TEST

static void wait_at_gate(void *userdata)
{
	sem_wait(userdata);
}

START_TEST(a_reading_is_not_followed_by_older_messages)
{
	struct world world;
	sem_t gate;
	int bridge;

	start(&world);
	lab_add_cable(&world.lab, "c0", 101);
	bridge = lab_add_bridge(world.lab.host, "b0");
	lab_set_mtu(world.lab.host, 101, 1300);
	watch(&world);
	sem_init(&gate, 0, 0);
	ck_assert_int_eq(worker_submit(world.worker, wait_at_gate, NULL, &gate), 0);
	link_monitor_dispatch(world.monitor);
	link_monitor_resync(world.monitor);
	/* More than a turn takes, then two changes, and all is read by the worker after that. */
	for (unsigned i = 0; i < 1500; i++)
		lab_set_mtu(world.lab.host, bridge, 1300 + i % 100);
	lab_set_mtu(world.lab.host, 101, 1400);
	lab_set_mtu(world.lab.host, 101, 1500);
	sem_post(&gate);
	while (worker_pending(world.worker))
		sched_yield();
	worker_dispatch(world.worker);
	settle(&world);
	ck_assert_uint_eq(link_monitor_by_index(world.monitor, 101)->mtu, 1500);
	ck_assert_uint_eq(world.n_backwards, 0);
	stop(&world);
	sem_destroy(&gate);
}
END_TEST

START_TEST(an_asked_for_resync_changes_nothing_if_nothing_was_missed)
{
	struct world world;

	start(&world);
	lab_add_cable(&world.lab, "c0", 101);
	lab_plug_in(&world.lab, 101);
	watch(&world);
	settle(&world);
	world.n_changes = 0;
	for (unsigned i = 0; i < 3; i++)
		link_monitor_resync(world.monitor);
	settle(&world);
	ck_assert_uint_eq(world.n_changes, 0);
	ck_assert_uint_eq(link_monitor_resyncs(world.monitor), 0);
	stop(&world);
}
END_TEST

START_TEST(thousands_of_foreign_events_are_digested_within_a_second)
{
	int bridges[UNRELATED];
	struct world world;
	nsec_t from;

	start(&world);
	for (unsigned i = 0; i < UNRELATED; i++) {
		char name[IFNAMSIZ];

		(void)snprintf(name, sizeof(name), "b%u", i);
		bridges[i] = lab_add_bridge(world.lab.host, name);
	}
	lab_add_cable(&world.lab, "c0", 101);
	lab_plug_in(&world.lab, 101);
	watch(&world);
	for (unsigned n = 0; n < EVENTS_EACH; n++)
		for (unsigned i = 0; i < UNRELATED; i++)
			lab_set_mtu(world.lab.host, bridges[i], 1300 + n);
	lab_set_mtu(world.lab.host, 101, 1400);
	from = lab_clock();
	while (turn(&world, 0))
		;
	settle(&world);
	printf("# %u events digested in %lu us, messages lost %lu times\n", world.n_changes,
	       (unsigned long)((lab_clock() - from) / NSEC_PER_US),
	       (unsigned long)link_monitor_resyncs(world.monitor));
	ck_assert_uint_lt(lab_clock() - from, NSEC_PER_SEC);
	compare(&world);
	stop(&world);
}
END_TEST

START_TEST(freed_while_the_worker_still_reads)
{
	struct world world;

	start(&world);
	lab_add_cable(&world.lab, "c0", 101);
	watch(&world);
	lab_plug_in(&world.lab, 101);
	turn(&world, 1000);
	link_monitor_resync(world.monitor);
	link_monitor_free(world.monitor);
	worker_free(world.worker);
	lab_stop(&world.lab);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link-monitor");
	TCase *tcase = lab_tcase(suite);

	tcase_add_test(tcase, what_is_there_is_known_at_once_with_speed_and_duplex);
	tcase_add_test(tcase, speed_is_asked_each_time_that_the_carrier_comes);
	tcase_add_test(tcase, renamed_swapped_vanished_and_made_anew);
	tcase_add_test(tcase, lost_messages_are_made_up_for);
	tcase_add_test(tcase, the_picture_is_right_after_losses_while_all_changes);
	tcase_add_test(tcase, losses_between_the_overrun_and_an_empty_socket_are_made_up_for);
	tcase_add_test(tcase, a_reading_is_not_followed_by_older_messages);
	tcase_add_test(tcase, an_asked_for_resync_changes_nothing_if_nothing_was_missed);
	tcase_add_test(tcase, thousands_of_foreign_events_are_digested_within_a_second);
	tcase_add_test(tcase, freed_while_the_worker_still_reads);
	return lab_run_suite(suite);
}
