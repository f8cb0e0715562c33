/* The poller against cables that are pulled, with the kernel's own news late or not. */
#include "daemon/kernel/carrier-poller.h"
#include "daemon/kernel/ethtool.h"
#include "daemon/kernel/link-monitor.h"
#include "tests/net/kernel/lab.h"

#include <netlink/socket.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A sanitizer's own work is not counted. */
#if defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

#define MS NSEC_PER_MS
#define FIRST 101
#define MEMBERS 8
#define CUTS 20
#define BUDGET 1000
#define INTERVAL (10 * MS)

struct world {
	struct lab lab;
	struct carrier_poller *poller;
	uint64_t word;
	unsigned n_lost;
	int lost; /* The last. */
	nsec_t when;
	nsec_t late;
};

static void on_lost(void *userdata, int ifindex, nsec_t when, nsec_t late)
{
	struct world *world = userdata;

	world->n_lost++;
	world->lost = ifindex;
	world->when = when;
	world->late = late;
}

static void start(struct world *world, unsigned n_members)
{
	struct err e;

	*world = (struct world){};
	lab_start(&world->lab);
	for (unsigned i = 0; i < n_members; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "m%u", i);
		lab_add_cable(&world->lab, name, FIRST + (int)i);
		lab_plug_in(&world->lab, FIRST + (int)i);
	}
	ck_assert_msg(carrier_poller_new(INTERVAL, BUDGET, on_lost, world, &world->poller, &e) == 0,
		      "%s", e.text);
}

static void stop(struct world *world)
{
	carrier_poller_free(world->poller);
	lab_stop(&world->lab);
}

static void set_bit(struct world *world, unsigned slot)
{
	__atomic_fetch_or(&world->word, UINT64_C(1) << slot, __ATOMIC_RELEASE);
}

static bool has_bit(struct world *world, unsigned slot)
{
	return __atomic_load_n(&world->word, __ATOMIC_ACQUIRE) >> slot & 1;
}

static void carry(struct world *world, unsigned slot)
{
	ck_assert_int_eq(
		carrier_poller_watch(world->poller, FIRST + (int)slot, &world->word, slot, true),
		0);
	set_bit(world, slot);
}

static struct carrier_poller_figures figures(struct world *world)
{
	struct carrier_poller_figures figures;

	carrier_poller_figures(world->poller, &figures);
	return figures;
}

static void await_loss(struct world *world, unsigned n)
{
	struct pollfd pollfd = { .fd = carrier_poller_fd(world->poller), .events = POLLIN };

	while (world->n_lost < n) {
		ck_assert_msg(poll(&pollfd, 1, 5000) == 1, "a loss is not told");
		carrier_poller_dispatch(world->poller);
	}
}

/* Until all have been asked twice since. */
static void await_questions(struct world *world, unsigned n_members)
{
	uint64_t until = figures(world).questions + 2 * n_members;

	while (figures(world).questions < until)
		(void)poll(NULL, 0, 1);
}

static int by_size(const void *a, const void *b)
{
	const nsec_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

START_TEST(cuts_right_after_another_event_are_found_within_the_interval)
{
	nsec_t took[CUTS], latest_end = 0;
	struct carrier_poller_figures end;
	struct world world;

	start(&world, 4);
	for (unsigned i = 0; i < 4; i++)
		carry(&world, i);
	for (unsigned i = 0; i < CUTS; i++) {
		unsigned slot = i % 3;
		nsec_t from, to, allowed;

		/* The event before: the fourth loses its carrier, and has it again. */
		lab_set_up(world.lab.partner, FIRST + 3, i % 2);
		(void)poll(NULL, 0, 50 + (int)(i * 7 % 10));
		world.n_lost = 0;
		carrier_poller_dispatch(world.poller);
		world.n_lost = 0;
		from = lab_clock();
		lab_set_up(world.lab.partner, FIRST + (int)slot, false);
		to = lab_clock();
		await_loss(&world, 1);
		ck_assert_int_eq(world.lost, FIRST + (int)slot);
		ck_assert(!has_bit(&world, slot));
		ck_assert_uint_ge(world.when, from);
		took[i] = nsec_since(from, world.when);
		end = figures(&world);
		allowed = INTERVAL + end.latest + end.slowest;
		ck_assert_msg(nsec_since(to, world.when) <= allowed, "%lu us after the cut",
			      (unsigned long)(nsec_since(to, world.when) / NSEC_PER_US));
		if (world.late > latest_end)
			latest_end = world.late;
		lab_plug_in(&world.lab, FIRST + (int)slot);
		carry(&world, slot);
	}
	qsort(took, CUTS, sizeof(*took), by_size);
	end = figures(&world);
	printf("# %d cuts, from the command until the bit was clear: median %lu us, worst %lu us; "
	       "latest question %lu us, slowest answer %lu us, latest loss %lu us\n",
	       CUTS, (unsigned long)(took[CUTS / 2] / NSEC_PER_US),
	       (unsigned long)(took[CUTS - 1] / NSEC_PER_US),
	       (unsigned long)(end.latest / NSEC_PER_US),
	       (unsigned long)(end.slowest / NSEC_PER_US),
	       (unsigned long)(latest_end / NSEC_PER_US));
	ck_assert_uint_ge(end.losses, CUTS);
	stop(&world);
}
END_TEST

static void ignore_change(void *userdata, const struct link *link, const struct link *before)
{
}

/* What the lab is worth: without the poller the same cuts are told late. Only printed, because
 * whether it is so is the kernel's affair. */
START_TEST(the_kernels_own_news_for_comparison)
{
	struct worker *worker;
	struct link_monitor *monitor;
	struct world world;
	struct err e;
	nsec_t from;

	start(&world, 2);
	ck_assert_int_eq(worker_new("test", &worker), 0);
	ck_assert_int_eq(link_monitor_new(worker, ignore_change, NULL, &monitor, &e), 0);
	lab_set_up(world.lab.partner, FIRST + 1, false);
	(void)poll(NULL, 0, 50);
	from = lab_clock();
	lab_set_up(world.lab.partner, FIRST, false);
	while (link_monitor_by_index(monitor, FIRST)->carrier) {
		struct pollfd pollfd = { .fd = link_monitor_fd(monitor), .events = POLLIN };

		ck_assert_int_eq(poll(&pollfd, 1, 5000), 1);
		link_monitor_dispatch(monitor);
	}
	printf("# without questions rtnetlink tells such a cut after %lu us\n",
	       (unsigned long)((lab_clock() - from) / NSEC_PER_US));
	worker_free(worker);
	link_monitor_free(monitor);
	stop(&world);
}
END_TEST

START_TEST(a_loss_is_told_once_and_again_when_the_bit_is_set_again)
{
	struct world world;

	start(&world, 2);
	carry(&world, 0);
	carry(&world, 1);
	lab_set_up(world.lab.partner, FIRST, false);
	await_loss(&world, 1);
	await_questions(&world, 2);
	carrier_poller_dispatch(world.poller);
	ck_assert_uint_eq(world.n_lost, 1);
	ck_assert(has_bit(&world, 1));
	/* Somebody believes that carrier is back. */
	set_bit(&world, 0);
	await_loss(&world, 2);
	ck_assert(!has_bit(&world, 0));
	ck_assert_uint_eq(figures(&world).losses, 2);
	stop(&world);
}
END_TEST

START_TEST(a_vanished_device_has_lost_its_carrier)
{
	struct world world;

	start(&world, 1);
	carry(&world, 0);
	await_questions(&world, 1);
	ck_assert(has_bit(&world, 0));
	lab_delete(world.lab.host, FIRST);
	await_loss(&world, 1);
	ck_assert(!has_bit(&world, 0));
	stop(&world);
}
END_TEST

START_TEST(swapped_names_mislead_nobody)
{
	struct world world;

	start(&world, 2);
	carry(&world, 0);
	carry(&world, 1);
	lab_set_name(world.lab.host, FIRST, "x");
	lab_set_name(world.lab.host, FIRST + 1, "m0");
	lab_set_name(world.lab.host, FIRST, "m1");
	lab_set_up(world.lab.partner, FIRST + 1, false);
	await_loss(&world, 1);
	ck_assert_int_eq(world.lost, FIRST + 1);
	ck_assert(has_bit(&world, 0));
	ck_assert(!has_bit(&world, 1));
	stop(&world);
}
END_TEST

START_TEST(members_that_do_not_carry_are_asked_once_a_second)
{
	struct carrier_poller_figures end;
	struct world world;

	start(&world, MEMBERS);
	for (unsigned i = 0; i < MEMBERS; i++)
		ck_assert_int_eq(
			carrier_poller_watch(world.poller, FIRST + (int)i, &world.word, i, false),
			0);
	(void)poll(NULL, 0, 2500);
	end = figures(&world);
	ck_assert_uint_ge(end.questions, 2 * MEMBERS);
	ck_assert_uint_le(end.questions, 4 * MEMBERS);
	stop(&world);
}
END_TEST

/* After unwatch() the memory of the word is given back, while the link is down and the bit set:
 * a sanitizer sees whoever touches it. */
START_TEST(after_unwatch_the_word_is_left_alone)
{
	struct world world;

	start(&world, 2);
	lab_set_up(world.lab.partner, FIRST, false);
	carry(&world, 1);
	for (unsigned i = 0; i < 500; i++) {
		uint64_t *word = calloc(1, sizeof(*word));

		ck_assert_int_eq(carrier_poller_watch(world.poller, FIRST, word, 3, true), 0);
		__atomic_store_n(word, UINT64_MAX, __ATOMIC_RELEASE);
		if (i % 5 == 0)
			(void)poll(NULL, 0, 2);
		carrier_poller_unwatch(world.poller, FIRST);
		ck_assert_uint_eq(*word | 8, UINT64_MAX);
		free(word);
		carrier_poller_dispatch(world.poller);
	}
	ck_assert(has_bit(&world, 1));
	stop(&world);
}
END_TEST

struct hog {
	pthread_t thread;
	int namespace_fd;
	bool stop;
};

/* Holds the rtnl lock for long in each turn, as a program that makes many devices does. */
static void *run_hog(void *userdata)
{
	struct hog *hog = userdata;
	struct nl_sock *socket;

	lab_move(hog->namespace_fd);
	socket = lab_connect();
	while (!__atomic_load_n(&hog->stop, __ATOMIC_ACQUIRE)) {
		int ifindex = lab_add_bridge(socket, "hog");

		lab_set_up(socket, ifindex, true);
		lab_delete(socket, ifindex);
	}
	nl_socket_free(socket);
	return NULL;
}

START_TEST(a_held_lock_is_seen_in_the_slowest_answer)
{
	struct carrier_poller_figures before, after;
	struct world world;
	struct hog hog = {};
	nsec_t to;

	start(&world, 4);
	for (unsigned i = 0; i < 4; i++)
		carry(&world, i);
	await_questions(&world, 40);
	before = figures(&world);
	hog.namespace_fd = world.lab.host_fd;
	ck_assert_int_eq(pthread_create(&hog.thread, NULL, run_hog, &hog), 0);
	await_questions(&world, 200);
	lab_set_up(world.lab.partner, FIRST, false);
	to = lab_clock();
	await_loss(&world, 1);
	__atomic_store_n(&hog.stop, true, __ATOMIC_RELEASE);
	pthread_join(hog.thread, NULL);
	after = figures(&world);
	printf("# slowest answer %lu us, with others at the lock %lu us; latest question %lu us, "
	       "the cut found after %lu us\n",
	       (unsigned long)(before.slowest / NSEC_PER_US),
	       (unsigned long)(after.slowest / NSEC_PER_US),
	       (unsigned long)(after.latest / NSEC_PER_US),
	       (unsigned long)(nsec_since(to, world.when) / NSEC_PER_US));
	ck_assert_uint_gt(after.slowest, before.slowest);
	ck_assert_uint_le(nsec_since(to, world.when), INTERVAL + after.latest + after.slowest);
	stop(&world);
}
END_TEST

static nsec_t processor_time(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (nsec_t)used.tv_sec * NSEC_PER_SEC + (nsec_t)used.tv_nsec;
}

struct usage {
	uint64_t questions;
	nsec_t time;
	nsec_t used;
};

static struct usage use_for(struct world *world, int ms)
{
	struct usage usage = { figures(world).questions, lab_clock(), processor_time() };

	(void)poll(NULL, 0, ms);
	return (struct usage){ figures(world).questions - usage.questions, lab_clock() - usage.time,
			       processor_time() - usage.used };
}

/* What no poller can do without, in the caller's thread: wake up in the same rhythm and ask. */
static nsec_t bare_asking(unsigned rounds)
{
	enum ethtool_link answers[MEMBERS];
	nsec_t next = lab_clock(), used;
	int ifindexes[MEMBERS];
	struct ethtool *ethtool;
	struct err e;

	ck_assert_msg(ethtool_open(&ethtool, &e) == 0, "%s", e.text);
	for (int i = 0; i < MEMBERS; i++)
		ifindexes[i] = FIRST + i;
	used = processor_time();
	while (rounds--) {
		struct timespec until;

		next += INTERVAL;
		until = (struct timespec){ (time_t)(next / NSEC_PER_SEC),
					   (long)(next % NSEC_PER_SEC) };
		clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &until, NULL);
		ethtool_ask_links(ethtool, ifindexes, MEMBERS, answers);
	}
	used = processor_time() - used;
	ethtool_close(ethtool);
	return used;
}

/* In turn with the least that can be done, as a processor's speed is not the same from minute to
 * minute. */
START_TEST(eight_members_cost_little_more_than_the_bare_questions)
{
	struct usage least = { .used = NSEC_NEVER };
	nsec_t bare = NSEC_NEVER;
	struct world world;

	for (unsigned round = 0; round < 3; round++) {
		struct usage usage;

		start(&world, MEMBERS);
		for (unsigned i = 0; i < MEMBERS; i++)
			carry(&world, i);
		await_questions(&world, MEMBERS);
		usage = use_for(&world, 1000);
		ck_assert_uint_ge(usage.questions, MEMBERS * 90);
		ck_assert_uint_le(usage.questions, MEMBERS * (usage.time / INTERVAL + 2));
		if (usage.used < least.used)
			least = usage;
		carrier_poller_free(world.poller);
		world.poller = NULL;
		bare = nsec_min(bare, bare_asking(100));
		stop(&world);
	}
	printf("# %d members every 10 ms: %.3f %% of a processor, %.2f times the bare questions\n",
	       MEMBERS, 100. * (double)least.used / (double)least.time,
	       (double)least.used / (double)bare);
	if (!SANITIZED)
		ck_assert_uint_lt(least.used, 2 * bare);
}
END_TEST

START_TEST(impossible_settings_are_refused)
{
	struct carrier_poller *poller = NULL;
	struct err e;

	ck_assert_int_lt(carrier_poller_new(0, BUDGET, on_lost, NULL, &poller, &e), 0);
	ck_assert_int_lt(carrier_poller_new(INTERVAL, 0, on_lost, NULL, &poller, &e), 0);
	ck_assert_ptr_null(poller);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("carrier-poller");
	TCase *tcase = lab_tcase(suite);

	tcase_add_test(tcase, cuts_right_after_another_event_are_found_within_the_interval);
	tcase_add_test(tcase, the_kernels_own_news_for_comparison);
	tcase_add_test(tcase, a_loss_is_told_once_and_again_when_the_bit_is_set_again);
	tcase_add_test(tcase, a_vanished_device_has_lost_its_carrier);
	tcase_add_test(tcase, swapped_names_mislead_nobody);
	tcase_add_test(tcase, members_that_do_not_carry_are_asked_once_a_second);
	tcase_add_test(tcase, after_unwatch_the_word_is_left_alone);
	tcase_add_test(tcase, a_held_lock_is_seen_in_the_slowest_answer);
	tcase_add_test(tcase, eight_members_cost_little_more_than_the_bare_questions);
	tcase_add_test(tcase, impossible_settings_are_refused);
	return lab_run_suite(suite);
}
