/* When the carrier poller asks for what, and what it makes of the answers. */
#include "daemon/kernel/poll-table.h"
#include "lib/base/array.h"
#include "tests/unit/run.h"

#define MS NSEC_PER_MS
#define START (1000 * NSEC_PER_SEC)

struct world {
	struct poll_table table;
	nsec_t now;
	uint64_t words[4];
	unsigned asked[256]; /* By ifindex. */
	nsec_t last[256];
	nsec_t longest[256]; /* Between two questions. */
	unsigned most;       /* Questions in one second. */
	unsigned n_ticks;
};

static void start(struct world *world, nsec_t interval, unsigned budget)
{
	*world = (struct world){ .now = START };
	poll_table_init(&world->table, interval, budget);
}

static void watch(struct world *world, int ifindex, bool carrying)
{
	const struct poll_target target = {
		.ifindex = ifindex,
		.word = &world->words[(unsigned)ifindex / 64],
		.slot = (unsigned)ifindex % 64,
		.carrying = carrying,
	};

	ck_assert_int_eq(poll_table_watch(&world->table, &target, world->now), 0);
}

static void note(struct world *world, int ifindex)
{
	nsec_t gap = world->asked[ifindex]++ ? world->now - world->last[ifindex] : 0;

	world->last[ifindex] = world->now;
	if (gap > world->longest[ifindex])
		world->longest[ifindex] = gap;
}

/* One tick at its time or 'late'. Returns how many were asked. */
static unsigned tick(struct world *world, nsec_t late)
{
	struct poll_question questions[ETHTOOL_BATCH];
	unsigned n, total = 0;

	world->now = poll_table_deadline(&world->table) + late;
	world->n_ticks++;
	poll_table_begin(&world->table, world->now);
	while ((n = poll_table_questions(&world->table, world->now, questions))) {
		for (unsigned i = 0; i < n; i++)
			note(world, questions[i].ifindex);
		total += n;
	}
	return total;
}

static void run_for(struct world *world, nsec_t time)
{
	nsec_t end = world->now + time, second = world->now;
	unsigned in_second = 0;

	while (poll_table_deadline(&world->table) < end) {
		if (poll_table_deadline(&world->table) >= second + NSEC_PER_SEC) {
			second += NSEC_PER_SEC;
			in_second = 0;
		}
		in_second += tick(world, 0);
		if (in_second > world->most)
			world->most = in_second;
	}
	world->now = end;
}

struct row {
	const char *what;
	nsec_t interval;
	unsigned budget, carrying, others;
	nsec_t expected; /* The interval of those that carry. */
	nsec_t longest_others;
};

static const struct row rows[] = {
	{ "eight members", 10 * MS, 1000, 8, 0, 10 * MS, 0 },
	{ "eight members beside eight others", 10 * MS, 1000, 8, 8, 10 * MS, 1000 * MS },
	{ "as many as the budget allows", 10 * MS, 1000, 10, 0, 10 * MS, 0 },
	{ "one more than the budget allows", 10 * MS, 1000, 11, 0, 20 * MS, 0 },
	{ "the others' question costs a round", 10 * MS, 1000, 10, 4, 20 * MS, 1010 * MS },
	{ "many carry", 10 * MS, 1000, 200, 0, 200 * MS, 0 },
	{ "a short interval", 1 * MS, 1000, 4, 4, 4 * MS, 1100 * MS },
	{ "a small budget", 10 * MS, 20, 2, 0, 100 * MS, 0 },
	{ "only others", 10 * MS, 1000, 0, 100, 10 * MS, 1000 * MS },
	{ "the slowest rhythm", 1000 * MS, 1000, 100, 100, 1000 * MS, 1000 * MS },
};

START_TEST(members_are_asked_within_the_interval_and_the_budget)
{
	const struct row *row = &rows[_i];
	struct carrier_poller_figures figures;
	struct world world;
	nsec_t room = row->interval == MS ? MS : 0;

	start(&world, row->interval, row->budget);
	for (unsigned i = 1; i <= row->carrying + row->others; i++)
		watch(&world, (int)i, i <= row->carrying);
	run_for(&world, 10 * NSEC_PER_SEC);
	poll_table_figures(&world.table, world.now, &figures);
	ck_assert_msg(figures.interval == row->expected, "%s: interval %lu", row->what,
		      figures.interval);
	ck_assert_msg(world.most <= row->budget, "%s: %u questions in a second", row->what,
		      world.most);
	for (unsigned i = 1; i <= row->carrying; i++)
		ck_assert_msg(world.asked[i] > 1 && world.longest[i] <= row->expected + room,
			      "%s: %lu ns between two questions to %u", row->what, world.longest[i],
			      i);
	for (unsigned i = row->carrying + 1; i <= row->carrying + row->others; i++)
		ck_assert_msg(world.asked[i] > 1 && world.longest[i] <= row->longest_others,
			      "%s: %lu ns between two questions to %u", row->what, world.longest[i],
			      i);
	poll_table_fini(&world.table);
}
END_TEST

START_TEST(nothing_is_asked_when_nothing_is_watched)
{
	struct world world;

	start(&world, 10 * MS, 1000);
	ck_assert_uint_eq(poll_table_deadline(&world.table), NSEC_NEVER);
	watch(&world, 1, true);
	ck_assert_uint_eq(poll_table_deadline(&world.table), START);
	poll_table_unwatch(&world.table, 1);
	ck_assert_uint_eq(poll_table_deadline(&world.table), NSEC_NEVER);
	poll_table_fini(&world.table);
}
END_TEST

START_TEST(without_carrying_members_it_wakes_once_a_second)
{
	struct world world;

	start(&world, 10 * MS, 1000);
	for (int i = 1; i <= 8; i++)
		watch(&world, i, false);
	run_for(&world, 100 * NSEC_PER_SEC);
	ck_assert_uint_le(world.n_ticks, 101);
	/* And at once in the fast rhythm when one carries. */
	watch(&world, 1, true);
	ck_assert_uint_eq(poll_table_deadline(&world.table), world.now);
	poll_table_fini(&world.table);
}
END_TEST

START_TEST(a_late_tick_does_not_shift_the_rhythm)
{
	struct carrier_poller_figures figures;
	struct world world;

	start(&world, 10 * MS, 1000);
	watch(&world, 1, true);
	tick(&world, 0);
	tick(&world, 3 * MS);
	ck_assert_uint_eq(poll_table_deadline(&world.table), START + 20 * MS);
	/* Three ticks are missed, and not made up for. */
	tick(&world, 35 * MS);
	ck_assert_uint_eq(poll_table_deadline(&world.table), START + 60 * MS);
	poll_table_figures(&world.table, world.now, &figures);
	/* From 13 to 55 ms. */
	ck_assert_uint_eq(figures.latest, 32 * MS);
	ck_assert_uint_eq(figures.latest_recent, 32 * MS);
	poll_table_fini(&world.table);
}
END_TEST

START_TEST(recent_lateness_is_forgotten_after_a_minute)
{
	struct carrier_poller_figures figures;
	struct world world;

	start(&world, 10 * MS, 1000);
	watch(&world, 1, true);
	tick(&world, 0);
	tick(&world, 7 * MS);
	run_for(&world, 50 * NSEC_PER_SEC);
	poll_table_figures(&world.table, world.now, &figures);
	ck_assert_uint_eq(figures.latest_recent, 7 * MS);
	run_for(&world, 10 * NSEC_PER_SEC);
	poll_table_figures(&world.table, world.now, &figures);
	ck_assert_uint_eq(figures.latest_recent, 0);
	ck_assert_uint_eq(figures.latest, 7 * MS);
	poll_table_fini(&world.table);
}
END_TEST

START_TEST(another_number_of_members_is_no_lateness)
{
	struct carrier_poller_figures figures;
	struct world world;

	start(&world, 10 * MS, 1000);
	for (int i = 1; i <= 100; i++)
		watch(&world, i, true);
	run_for(&world, NSEC_PER_SEC);
	for (int i = 3; i <= 100; i++)
		poll_table_unwatch(&world.table, i);
	run_for(&world, NSEC_PER_SEC);
	for (int i = 3; i <= 100; i++)
		watch(&world, i, true);
	run_for(&world, NSEC_PER_SEC);
	poll_table_figures(&world.table, world.now, &figures);
	ck_assert_uint_eq(figures.latest, 0);
	poll_table_fini(&world.table);
}
END_TEST

/* The first question of the next tick. */
static struct poll_question ask_one(struct world *world)
{
	struct poll_question questions[ETHTOOL_BATCH];

	world->now = poll_table_deadline(&world->table);
	poll_table_begin(&world->table, world->now);
	ck_assert_uint_ge(poll_table_questions(&world->table, world->now, questions), 1);
	return questions[0];
}

static bool answer(struct world *world, const struct poll_question *question,
		   enum ethtool_link link)
{
	const struct poll_answer answer = { .link = link, .took = MS, .when = 77 };

	return poll_table_answer(&world->table, question, &answer);
}

START_TEST(a_loss_clears_the_members_bit_only_and_is_told_once)
{
	struct poll_question question;
	struct poll_loss loss;
	struct world world;

	start(&world, 10 * MS, 1000);
	world.words[0] = UINT64_MAX;
	watch(&world, 5, true);
	question = ask_one(&world);
	ck_assert(!answer(&world, &question, ETHTOOL_LINK_UP));
	ck_assert(!answer(&world, &question, ETHTOOL_LINK_UNKNOWN));
	ck_assert_uint_eq(world.words[0], UINT64_MAX);
	ck_assert(!poll_table_take_loss(&world.table, &loss));
	question = ask_one(&world);
	ck_assert(answer(&world, &question, _i ? ETHTOOL_LINK_GONE : ETHTOOL_LINK_DOWN));
	ck_assert_uint_eq(world.words[0], ~(UINT64_C(1) << 5));
	ck_assert(poll_table_take_loss(&world.table, &loss));
	ck_assert_int_eq(loss.ifindex, 5);
	ck_assert_uint_eq(loss.when, 77);
	ck_assert_uint_eq(loss.late, MS);
	ck_assert(!poll_table_take_loss(&world.table, &loss));
	question = ask_one(&world);
	ck_assert(!answer(&world, &question, ETHTOOL_LINK_DOWN));
	ck_assert(!poll_table_take_loss(&world.table, &loss));
	/* Set again, so armed again. */
	world.words[0] = UINT64_MAX;
	question = ask_one(&world);
	ck_assert(answer(&world, &question, ETHTOOL_LINK_DOWN));
	ck_assert(poll_table_take_loss(&world.table, &loss));
	poll_table_fini(&world.table);
}
END_TEST

START_TEST(an_answer_to_an_older_question_clears_nothing)
{
	struct poll_question question;
	struct world world;

	start(&world, 10 * MS, 1000);
	watch(&world, 5, true);
	/* The bit was set while the question was on its way. */
	question = ask_one(&world);
	world.words[0] = 1 << 5;
	ck_assert(!answer(&world, &question, ETHTOOL_LINK_DOWN));
	/* Carrier came back in the meantime, and the poller was told. */
	question = ask_one(&world);
	watch(&world, 5, true);
	ck_assert(!answer(&world, &question, ETHTOOL_LINK_DOWN));
	/* No more wanted, and wanted anew. */
	question = ask_one(&world);
	poll_table_unwatch(&world.table, 5);
	ck_assert(!answer(&world, &question, ETHTOOL_LINK_DOWN));
	watch(&world, 5, true);
	ck_assert(!answer(&world, &question, ETHTOOL_LINK_DOWN));
	ck_assert_uint_eq(world.words[0], 1 << 5);
	poll_table_fini(&world.table);
}
END_TEST

START_TEST(an_answer_finds_its_member_after_others_have_left)
{
	struct poll_question questions[ETHTOOL_BATCH];
	struct world world;

	start(&world, 10 * MS, 1000);
	world.words[0] = 0xff;
	for (int i = 0; i < 4; i++)
		watch(&world, i + 1, true);
	poll_table_begin(&world.table, world.now);
	ck_assert_uint_eq(poll_table_questions(&world.table, world.now, questions), 4);
	poll_table_unwatch(&world.table, 1);
	poll_table_unwatch(&world.table, 2);
	for (int i = 0; i < 4; i++)
		answer(&world, &questions[i], ETHTOOL_LINK_DOWN);
	ck_assert_uint_eq(world.words[0], 0xff & ~(1 << 3 | 1 << 4));
	poll_table_fini(&world.table);
}
END_TEST

START_TEST(a_loss_is_dropped_when_the_bit_is_set_again_before_it_was_told)
{
	struct poll_question question;
	struct poll_loss loss;
	struct world world;

	start(&world, 10 * MS, 1000);
	watch(&world, 5, true);
	world.words[0] = 1 << 5;
	question = ask_one(&world);
	ck_assert(answer(&world, &question, ETHTOOL_LINK_DOWN));
	world.words[0] = 1 << 5;
	ck_assert(!poll_table_take_loss(&world.table, &loss));
	poll_table_fini(&world.table);
}
END_TEST

START_TEST(without_a_word_a_loss_is_told_once_until_the_link_is_back)
{
	const struct poll_target target = { .ifindex = 5, .carrying = true };
	struct poll_question question;
	struct poll_loss loss;
	struct world world;

	start(&world, 10 * MS, 1000);
	ck_assert_int_eq(poll_table_watch(&world.table, &target, world.now), 0);
	for (unsigned round = 0; round < 2; round++) {
		question = ask_one(&world);
		ck_assert(answer(&world, &question, ETHTOOL_LINK_DOWN));
		ck_assert(poll_table_take_loss(&world.table, &loss));
		question = ask_one(&world);
		ck_assert(!answer(&world, &question, ETHTOOL_LINK_DOWN));
		ck_assert(!answer(&world, &question, ETHTOOL_LINK_UP));
	}
	poll_table_fini(&world.table);
}
END_TEST

START_TEST(figures_tell_the_slowest_answer_and_all_losses)
{
	struct carrier_poller_figures figures;
	struct poll_question question;
	struct world world;

	start(&world, 10 * MS, 1000);
	watch(&world, 5, true);
	world.words[0] = 1 << 5;
	question = ask_one(&world);
	ck_assert(answer(&world, &question, ETHTOOL_LINK_DOWN));
	poll_table_figures(&world.table, world.now, &figures);
	ck_assert_uint_eq(figures.questions, 1);
	ck_assert_uint_eq(figures.losses, 1);
	ck_assert_uint_eq(figures.slowest, MS);
	poll_table_fini(&world.table);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("poll-table");
	TCase *tcase = tcase_create("poll-table");

	tcase_add_loop_test(tcase, members_are_asked_within_the_interval_and_the_budget, 0,
			    ARRAY_SIZE(rows));
	tcase_add_test(tcase, nothing_is_asked_when_nothing_is_watched);
	tcase_add_test(tcase, without_carrying_members_it_wakes_once_a_second);
	tcase_add_test(tcase, a_late_tick_does_not_shift_the_rhythm);
	tcase_add_test(tcase, recent_lateness_is_forgotten_after_a_minute);
	tcase_add_test(tcase, another_number_of_members_is_no_lateness);
	tcase_add_loop_test(tcase, a_loss_clears_the_members_bit_only_and_is_told_once, 0, 2);
	tcase_add_test(tcase, an_answer_to_an_older_question_clears_nothing);
	tcase_add_test(tcase, an_answer_finds_its_member_after_others_have_left);
	tcase_add_test(tcase, a_loss_is_dropped_when_the_bit_is_set_again_before_it_was_told);
	tcase_add_test(tcase, without_a_word_a_loss_is_told_once_until_the_link_is_back);
	tcase_add_test(tcase, figures_tell_the_slowest_answer_and_all_losses);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
