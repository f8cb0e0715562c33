/* What netlink says of devices, and that the picture of them never goes back in time. */
#include "daemon/kernel/link-table.h"
#include "lib/base/array.h"
#include "tests/unit/kernel/recorded-links.h"
#include "tests/unit/run.h"

#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>

/* A copy that ends where the message ends, so that a sanitizer sees each byte read beyond. */
static enum link_news parse(const uint8_t *bytes, size_t size, struct link *link)
{
	struct nlmsghdr *message = malloc(size);
	enum link_news news;

	memcpy(message, bytes, size);
	message->nlmsg_len = (uint32_t)size;
	news = link_parse(message, link);
	free(message);
	return news;
}

#define PARSE(recorded, link) parse(recorded, sizeof(recorded), link)

START_TEST(a_recorded_message_is_read_in_full)
{
	const struct mac mac = { { 2, 0, 0, 0, 0, 0x65 } };
	struct link link;

	ck_assert_int_eq(PARSE(recorded_state, &link), LINK_NEWS_STATE);
	ck_assert_int_eq(link.ifindex, 101);
	ck_assert_str_eq(link.name, "rec0");
	ck_assert_str_eq(link.kind, "veth");
	ck_assert_str_eq(link.alias, "the first");
	ck_assert(mac_equal(&link.mac, &mac));
	ck_assert(mac_is_zero(&link.permanent_mac));
	ck_assert(link.ethernet && link.up && link.carrier);
	ck_assert_uint_eq(link.carrier_up_count, 1);
	ck_assert_uint_eq(link.carrier_down_count, 1);
	ck_assert_uint_eq(link.mtu, 9000);
	ck_assert_int_eq(link.master, 0);
	ck_assert(!link.settings_known);
	ck_assert_int_eq(PARSE(recorded_bridge_port, &link), LINK_NEWS_STATE);
	ck_assert_int_eq(link.master, 103);
}
END_TEST

START_TEST(leaving_a_bridge_is_not_vanishing)
{
	struct link link;

	ck_assert_int_eq(PARSE(recorded_left_bridge, &link), LINK_NEWS_NONE);
	ck_assert_int_eq(PARSE(recorded_gone, &link), LINK_NEWS_GONE);
	ck_assert_int_eq(link.ifindex, 101);
}
END_TEST

START_TEST(a_message_cut_anywhere_is_refused_or_read_within_its_bounds)
{
	struct link link;

	for (size_t size = sizeof(struct nlmsghdr); size < sizeof(recorded_bridge_port); size++)
		if (parse(recorded_bridge_port, size, &link) == LINK_NEWS_STATE)
			ck_assert_str_eq(link.name, "rec0");
	/* Cut before the counters of carrier it says too little. */
	ck_assert_int_eq(parse(recorded_state, 200, &link), LINK_NEWS_NONE);
}
END_TEST

START_TEST(a_message_with_any_byte_changed_is_read_within_its_bounds)
{
	static const uint8_t values[] = { 0x00, 0x01, 0x03, 0x7f, 0x80, 0xff };
	uint8_t changed[sizeof(recorded_bridge_port)];
	struct link link;

	for (size_t i = sizeof(struct nlmsghdr); i < sizeof(changed); i++)
		for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
			memcpy(changed, recorded_bridge_port, sizeof(changed));
			changed[i] = values[v];
			if (PARSE(changed, &link) == LINK_NEWS_STATE)
				ck_assert_uint_lt(strlen(link.name), sizeof(link.name));
		}
}
END_TEST

/* What 'changed' told, as "+1 a0" (new), "1 a0" (changed), "-1 a0" (vanished), each with ';'. */
struct told {
	struct link_table *table;
	char text[1024];
};

static void tell(void *userdata, const struct link *link, const struct link *before)
{
	struct told *told = userdata;
	const struct link *about = link ? link : before;
	const struct link *found = link_table_by_index(told->table, about->ifindex);
	size_t used = strlen(told->text);

	/* The table already is as it is told. */
	ck_assert_ptr_eq(found, link);
	if (link)
		ck_assert_ptr_eq(link_table_by_name(told->table, link->name), link);
	(void)snprintf(told->text + used, sizeof(told->text) - used, "%s%d %s%s;",
		       link ? before ? "" : "+" : "-", about->ifindex, about->name,
		       link && link->carrier ? " up" : "");
}

static void start(struct told *told)
{
	*told = (struct told){};
	ck_assert_int_eq(link_table_new(tell, told, &told->table), 0);
}

static struct link device(int ifindex, const char *name, bool carrier)
{
	struct link link = { .ifindex = ifindex, .carrier = carrier, .ethernet = true };

	(void)snprintf(link.name, sizeof(link.name), "%s", name);
	return link;
}

static void apply(struct told *told, int ifindex, const char *name, bool carrier)
{
	struct link link = device(ifindex, name, carrier);

	ck_assert_int_eq(link_table_apply(told->table, LINK_NEWS_STATE, &link), 0);
}

static void apply_gone(struct told *told, int ifindex)
{
	struct link link = { .ifindex = ifindex };

	ck_assert_int_eq(link_table_apply(told->table, LINK_NEWS_GONE, &link), 0);
}

static void expect(struct told *told, const char *expected)
{
	ck_assert_str_eq(told->text, expected);
	told->text[0] = '\0';
}

static void list_add(struct link_list *list, int ifindex, const char *name, bool carrier)
{
	struct link link = device(ifindex, name, carrier);

	ck_assert_int_eq(link_list_add(list, &link), 0);
}

static void end_resync(struct told *told, struct link_list *list, bool complete)
{
	list->complete = complete;
	ck_assert_int_eq(link_table_resync_end(told->table, list), 0);
	link_list_fini(list);
}

START_TEST(each_difference_is_told_and_nothing_else)
{
	struct told told;

	start(&told);
	apply(&told, 1, "a0", false);
	apply(&told, 1, "a0", false);
	apply(&told, 1, "a0", true);
	apply_gone(&told, 1);
	apply_gone(&told, 1);
	apply_gone(&told, 2);
	expect(&told, "+1 a0;1 a0 up;-1 a0;");
	ck_assert_ptr_null(link_table_by_name(told.table, "a0"));
	link_table_free(told.table);
}
END_TEST

START_TEST(swapped_names_are_found_behind_each_step)
{
	struct told told;

	start(&told);
	apply(&told, 1, "a0", true);
	apply(&told, 2, "b0", false);
	told.text[0] = '\0';
	apply(&told, 1, "x0", true);
	apply(&told, 2, "a0", false);
	apply(&told, 1, "b0", true);
	expect(&told, "1 x0 up;2 a0;1 b0 up;");
	ck_assert_int_eq(link_table_by_name(told.table, "a0")->ifindex, 2);
	ck_assert_int_eq(link_table_by_name(told.table, "b0")->ifindex, 1);
	ck_assert_ptr_null(link_table_by_name(told.table, "x0"));
	link_table_free(told.table);
}
END_TEST

START_TEST(a_device_made_anew_under_its_name_is_another_one)
{
	struct told told;

	start(&told);
	apply(&told, 1, "a0", true);
	/* The message that it is gone was lost. */
	apply(&told, 7, "a0", false);
	ck_assert_int_eq(link_table_by_name(told.table, "a0")->ifindex, 7);
	apply_gone(&told, 1);
	ck_assert_int_eq(link_table_by_name(told.table, "a0")->ifindex, 7);
	expect(&told, "+1 a0 up;+7 a0;-1 a0;");
	link_table_free(told.table);
}
END_TEST

START_TEST(a_resync_tells_what_was_missed_the_vanished_first)
{
	struct link_list list = {};
	struct told told;

	start(&told);
	apply(&told, 1, "a0", true);
	apply(&told, 2, "b0", true);
	apply(&told, 3, "c0", true);
	told.text[0] = '\0';
	link_table_resync_begin(told.table);
	list_add(&list, 1, "a0", true);
	list_add(&list, 2, "b0", false);
	list_add(&list, 9, "c0", true);
	end_resync(&told, &list, true);
	expect(&told, "-3 c0;2 b0;+9 c0 up;");
	link_table_free(told.table);
}
END_TEST

START_TEST(what_was_told_during_the_reading_is_newer_than_the_list)
{
	struct link_list list = {};
	struct told told;

	start(&told);
	apply(&told, 1, "a0", true);
	apply(&told, 2, "b0", true);
	link_table_resync_begin(told.table);
	apply(&told, 1, "a0", false);
	apply_gone(&told, 2);
	apply(&told, 3, "c0", true);
	apply_gone(&told, 4);
	apply(&told, 5, "e0", false);
	apply_gone(&told, 5);
	told.text[0] = '\0';
	/* As it was before all that, and with a device that we had never heard of. */
	list_add(&list, 1, "a0", true);
	list_add(&list, 2, "b0", true);
	list_add(&list, 4, "d0", true);
	list_add(&list, 5, "e0", false);
	end_resync(&told, &list, true);
	expect(&told, "");
	ck_assert(!link_table_by_index(told.table, 1)->carrier);
	ck_assert_ptr_null(link_table_by_index(told.table, 2));
	ck_assert_ptr_nonnull(link_table_by_index(told.table, 3));
	ck_assert_ptr_null(link_table_by_index(told.table, 4));
	/* The marks of the vanished are gone as well. */
	apply(&told, 2, "b0", false);
	expect(&told, "+2 b0;");
	link_table_free(told.table);
}
END_TEST

START_TEST(an_ifindex_used_again_during_the_reading_is_the_new_device)
{
	struct link_list list = {};
	struct told told;

	start(&told);
	apply(&told, 1, "a0", true);
	link_table_resync_begin(told.table);
	apply_gone(&told, 1);
	apply(&told, 1, "n0", false);
	list_add(&list, 1, "a0", true);
	end_resync(&told, &list, true);
	expect(&told, "+1 a0 up;-1 a0;+1 n0;");
	ck_assert_ptr_null(link_table_by_name(told.table, "a0"));
	link_table_free(told.table);
}
END_TEST

START_TEST(a_list_with_gaps_makes_nothing_vanish)
{
	struct link_list list = {};
	struct told told;

	start(&told);
	apply(&told, 1, "a0", true);
	apply(&told, 2, "b0", true);
	told.text[0] = '\0';
	link_table_resync_begin(told.table);
	list_add(&list, 2, "b0", false);
	end_resync(&told, &list, false);
	expect(&told, "2 b0;");
	ck_assert_ptr_nonnull(link_table_by_index(told.table, 1));
	link_table_free(told.table);
}
END_TEST

static void apply_count(struct told *told, bool carrier, uint32_t up_count)
{
	struct link link = device(1, "a0", carrier);

	link.carrier_up_count = up_count;
	ck_assert_int_eq(link_table_apply(told->table, LINK_NEWS_STATE, &link), 0);
}

START_TEST(settings_hold_until_the_carrier_comes_anew)
{
	const struct link_answer answer = {
		.ifindex = 1,
		.carrier_up_count = 3,
		.settings = { .speed_mbps = 10000, .full_duplex = true },
	};
	const struct link *link;
	struct told told;

	start(&told);
	apply_count(&told, true, 3);
	link = link_table_by_index(told.table, 1);
	link_table_answer(told.table, &answer);
	ck_assert(link->settings_known && link->speed_mbps == 10000 && link->full_duplex);
	apply_count(&told, true, 3);
	ck_assert(link->settings_known);
	/* Down and up again without the down being told. */
	apply_count(&told, true, 4);
	ck_assert(!link->settings_known);
	/* An answer from before. */
	link_table_answer(told.table, &answer);
	ck_assert(!link->settings_known);
	expect(&told, "+1 a0 up;1 a0 up;1 a0 up;");
	apply_count(&told, false, 4);
	link_table_answer(told.table, &answer);
	ck_assert(!link->settings_known);
	apply_gone(&told, 1);
	link_table_answer(told.table, &answer);
	expect(&told, "1 a0;-1 a0;");
	link_table_free(told.table);
}
END_TEST

START_TEST(thousands_of_devices_are_kept_apart)
{
	struct told told;
	char name[IFNAMSIZ];

	start(&told);
	for (int i = 1; i <= 5000; i++) {
		(void)snprintf(name, sizeof(name), "tap%d", i);
		apply(&told, i, name, i % 2);
		told.text[0] = '\0';
	}
	for (int i = 1; i <= 5000; i++) {
		(void)snprintf(name, sizeof(name), "tap%d", i);
		ck_assert_int_eq(link_table_by_name(told.table, name)->ifindex, i);
		ck_assert_int_eq(link_table_by_index(told.table, i)->carrier, i % 2);
	}
	link_table_free(told.table);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link-table");
	TCase *tcase = tcase_create("link-table");

	tcase_add_test(tcase, a_recorded_message_is_read_in_full);
	tcase_add_test(tcase, leaving_a_bridge_is_not_vanishing);
	tcase_add_test(tcase, a_message_cut_anywhere_is_refused_or_read_within_its_bounds);
	tcase_add_test(tcase, a_message_with_any_byte_changed_is_read_within_its_bounds);
	tcase_add_test(tcase, each_difference_is_told_and_nothing_else);
	tcase_add_test(tcase, swapped_names_are_found_behind_each_step);
	tcase_add_test(tcase, a_device_made_anew_under_its_name_is_another_one);
	tcase_add_test(tcase, a_resync_tells_what_was_missed_the_vanished_first);
	tcase_add_test(tcase, what_was_told_during_the_reading_is_newer_than_the_list);
	tcase_add_test(tcase, an_ifindex_used_again_during_the_reading_is_the_new_device);
	tcase_add_test(tcase, a_list_with_gaps_makes_nothing_vanish);
	tcase_add_test(tcase, settings_hold_until_the_carrier_comes_anew);
	tcase_add_test(tcase, thousands_of_devices_are_kept_apart);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
