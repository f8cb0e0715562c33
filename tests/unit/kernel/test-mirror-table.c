/* The picture of a kernel's table: it has a bound, tells each change once, and never goes back in
 * time when a dump is laid over it. */
#include "daemon/kernel/mirror-table.h"
#include "lib/base/array.h"
#include "tests/unit/run.h"

#include <errno.h>
#include <string.h>

#define MAX 100

struct item {
	uint32_t key;
	uint32_t value;
};

static const struct mirror_kind kind = { sizeof(struct item), sizeof(uint32_t), MAX };

static struct mirror_table *table;
static unsigned n_changes, n_gone;
static struct item last;

static void on_changed(void *userdata, const void *entry, bool gone)
{
	memcpy(&last, entry, sizeof(last));
	n_changes++;
	n_gone += gone;
}

static void setup(void)
{
	n_changes = n_gone = 0;
	ck_assert_int_eq(mirror_table_new(&kind, on_changed, NULL, &table), 0);
}

static void teardown(void)
{
	mirror_table_free(table);
}

static int put(uint32_t key, uint32_t value)
{
	const struct item item = { key, value };

	return mirror_table_put(table, &item);
}

static int take(uint32_t key)
{
	const struct item item = { key, 0 };

	return mirror_table_remove(table, &item);
}

/* 0: there is none. */
static uint32_t value_of(uint32_t key)
{
	const struct item *item = mirror_table_find(table, &key);

	return item ? item->value : 0;
}

START_TEST(each_change_is_told_once)
{
	ck_assert_int_eq(put(1, 10), 0);
	ck_assert_uint_eq(n_changes, 1);
	ck_assert_int_eq(put(1, 10), 0);
	ck_assert_uint_eq(n_changes, 1);
	ck_assert_int_eq(put(1, 11), 0);
	ck_assert_uint_eq(n_changes, 2);
	ck_assert_uint_eq(last.value, 11);
	ck_assert_int_eq(take(1), 0);
	ck_assert_int_eq(take(1), 0);
	ck_assert_int_eq(take(2), 0);
	ck_assert_uint_eq(n_changes, 3);
	ck_assert_uint_eq(n_gone, 1);
	ck_assert_uint_eq(mirror_table_count(table), 0);
}
END_TEST

START_TEST(there_are_no_more_than_fit)
{
	for (uint32_t i = 0; i < MAX; i++)
		ck_assert_int_eq(put(i, 1), 0);
	ck_assert_int_eq(put(MAX, 1), -ENOSPC);
	/* What is there may change. */
	ck_assert_int_eq(put(5, 2), 0);
	ck_assert_int_eq(take(5), 0);
	ck_assert_int_eq(put(MAX, 1), 0);
	ck_assert_uint_eq(mirror_table_count(table), MAX);
}
END_TEST

static bool count_to_three(void *userdata, const void *entry)
{
	return ++*(unsigned *)userdata < 3;
}

START_TEST(a_walk_ends_where_it_is_to)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < 10; i++)
		ck_assert_int_eq(put(i, 1), 0);
	mirror_table_each(table, count_to_three, &n);
	ck_assert_uint_eq(n, 3);
}
END_TEST

START_TEST(clearing_tells_the_end_of_all)
{
	ck_assert_int_eq(put(1, 1), 0);
	mirror_table_resync_begin(table);
	ck_assert_int_eq(put(2, 1), 0);
	mirror_table_clear(table);
	ck_assert_uint_eq(n_gone, 2);
	ck_assert_uint_eq(mirror_table_count(table), 0);
}
END_TEST

/* One entry, before the resync, told while it was read, and in the list: what is true then. */
static const struct {
	const char *what;
	uint32_t before, put, listed, expected;
	bool removed, incomplete;
} resyncs[] = {
	{ "unchanged", 1, 0, 1, 1, false, false },
	{ "changed unheard", 1, 0, 2, 2, false, false },
	{ "vanished unheard", 1, 0, 0, 0, false, false },
	{ "new unheard", 0, 0, 1, 1, false, false },
	{ "news are newer than the list", 1, 3, 2, 3, false, false },
	{ "new, and not in the list yet", 0, 3, 0, 3, false, false },
	{ "gone, and in the list still", 1, 0, 1, 0, true, false },
	{ "gone, never heard of, and in the list still", 0, 0, 1, 0, true, false },
	{ "missing in a list that is not complete", 1, 0, 0, 1, false, true },
};

START_TEST(a_dump_never_goes_back_in_time)
{
	const struct item listed = { 7, resyncs[_i].listed }, other = { 8, 1 };
	struct mirror_list list = { .complete = !resyncs[_i].incomplete };

	if (resyncs[_i].before)
		ck_assert_int_eq(put(7, resyncs[_i].before), 0);
	mirror_table_resync_begin(table);
	if (resyncs[_i].put)
		ck_assert_int_eq(put(7, resyncs[_i].put), 0);
	if (resyncs[_i].removed)
		ck_assert_int_eq(take(7), 0);
	if (listed.value)
		ck_assert_int_eq(mirror_list_add(&list, &kind, &listed), 0);
	ck_assert_int_eq(mirror_list_add(&list, &kind, &other), 0);
	ck_assert_int_eq(mirror_table_resync_end(table, &list), 0);
	mirror_list_fini(&list);
	ck_assert_msg(value_of(7) == resyncs[_i].expected, "%s: %u", resyncs[_i].what, value_of(7));
	ck_assert_uint_eq(mirror_table_count(table), 1 + (resyncs[_i].expected != 0));
	/* No mark is left. */
	ck_assert_int_eq(put(7, 9), 0);
	ck_assert_uint_eq(value_of(7), 9);
}
END_TEST

START_TEST(a_list_has_its_bound_too)
{
	struct mirror_list list = {};
	struct item item = {};

	for (; item.key < MAX; item.key++)
		ck_assert_int_eq(mirror_list_add(&list, &kind, &item), 0);
	ck_assert_int_eq(mirror_list_add(&list, &kind, &item), -ENOSPC);
	mirror_list_fini(&list);
}
END_TEST

/* Against a plain array: news are lost until the dump is read, and come after it. */
START_TEST(after_lost_news_the_picture_is_the_kernels)
{
	uint32_t kernel[40] = {}, random = (uint32_t)_i + 1;

	for (unsigned round = 0; round < 1000; round++) {
		struct mirror_list list = { .complete = true };

		mirror_table_resync_begin(table);
		for (unsigned step = 0; step < 16; step++) {
			uint32_t key, value;

			random = random * 1664525 + 1013904223;
			key = (random >> 8) % ARRAY_SIZE(kernel);
			value = random >> 16 & 3;
			for (uint32_t i = 0; step == 8 && i < ARRAY_SIZE(kernel); i++) {
				const struct item item = { i, kernel[i] };

				if (kernel[i])
					ck_assert_int_eq(mirror_list_add(&list, &kind, &item), 0);
			}
			kernel[key] = value;
			if (step >= 8)
				ck_assert_int_eq(value ? put(key, value) : take(key), 0);
		}
		ck_assert_int_eq(mirror_table_resync_end(table, &list), 0);
		mirror_list_fini(&list);
		for (uint32_t i = 0; i < ARRAY_SIZE(kernel); i++)
			ck_assert_uint_eq(value_of(i), kernel[i]);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mirror-table");
	TCase *tcase = tcase_create("mirror-table");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, each_change_is_told_once);
	tcase_add_test(tcase, there_are_no_more_than_fit);
	tcase_add_test(tcase, a_walk_ends_where_it_is_to);
	tcase_add_test(tcase, clearing_tells_the_end_of_all);
	tcase_add_loop_test(tcase, a_dump_never_goes_back_in_time, 0, ARRAY_SIZE(resyncs));
	tcase_add_test(tcase, a_list_has_its_bound_too);
	tcase_add_loop_test(tcase, after_lost_news_the_picture_is_the_kernels, 0, 4);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
