/* Both ways of asking devices must say the same. */
#include "daemon/kernel/ethtool.h"
#include "lib/base/array.h"
#include "tests/net/kernel/lab.h"

#include <errno.h>
#include <net/if.h>

#define UP 101
#define DOWN 102
#define GONE 999

static struct ethtool *open_ethtool(void)
{
	struct ethtool *ethtool;
	struct err e;

	ck_assert_msg(ethtool_open(&ethtool, &e) == 0, "%s", e.text);
	return ethtool;
}

static void start(struct lab *lab)
{
	lab_start(lab);
	lab_add_cable(lab, "up", UP);
	lab_add_cable(lab, "down", DOWN);
	lab_plug_in(lab, UP);
	lab_set_up(lab->host, DOWN, true);
}

START_TEST(links_are_up_down_or_gone)
{
	const int ifindexes[] = { GONE, UP, DOWN, UP, 0, -1 };
	const enum ethtool_link expected[] = { ETHTOOL_LINK_GONE, ETHTOOL_LINK_UP,
					       ETHTOOL_LINK_DOWN, ETHTOOL_LINK_UP };
	enum ethtool_link answers[ARRAY_SIZE(ifindexes)];
	struct ethtool *ethtool;
	struct lab lab;

	start(&lab);
	ethtool = open_ethtool();
	for (unsigned round = 0; round < 3; round++) {
		ethtool_ask_links(ethtool, ifindexes, ARRAY_SIZE(ifindexes), answers);
		for (unsigned i = 0; i < ARRAY_SIZE(expected); i++)
			ck_assert_int_eq(answers[i], expected[i]);
		/* No devices have such a number. */
		ck_assert_int_ne(answers[4], ETHTOOL_LINK_UP);
		ck_assert_int_ne(answers[5], ETHTOOL_LINK_UP);
	}
	ethtool_close(ethtool);
	lab_stop(&lab);
}
END_TEST

START_TEST(a_whole_batch_is_answered)
{
	enum ethtool_link answers[ETHTOOL_BATCH];
	int ifindexes[ETHTOOL_BATCH];
	struct ethtool *ethtool;
	struct lab lab;

	start(&lab);
	ethtool = open_ethtool();
	for (int i = 0; i < ETHTOOL_BATCH; i++)
		ifindexes[i] = i % 3 ? UP : DOWN;
	ethtool_ask_links(ethtool, ifindexes, ETHTOOL_BATCH, answers);
	for (int i = 0; i < ETHTOOL_BATCH; i++)
		ck_assert_int_eq(answers[i], i % 3 ? ETHTOOL_LINK_UP : ETHTOOL_LINK_DOWN);
	ethtool_ask_links(ethtool, ifindexes, 0, answers);
	ethtool_close(ethtool);
	lab_stop(&lab);
}
END_TEST

START_TEST(speed_and_duplex_or_that_there_are_none)
{
	struct ethtool_settings settings = {};
	struct ethtool *ethtool;
	struct lab lab;

	start(&lab);
	ethtool = open_ethtool();
	ck_assert_int_eq(ethtool_ask_settings(ethtool, UP, &settings), 0);
	ck_assert_uint_eq(settings.speed_mbps, 10000);
	ck_assert(settings.full_duplex);
	ck_assert_int_lt(ethtool_ask_settings(ethtool, GONE, &settings), 0);
	ck_assert_uint_eq(settings.speed_mbps, 0);
	ck_assert(settings.full_duplex);
	/* The loopback device has no speed. */
	ck_assert_int_lt(ethtool_ask_settings(ethtool, (int)if_nametoindex("lo"), &settings), 0);
	ck_assert_uint_eq(settings.speed_mbps, 0);
	ethtool_close(ethtool);
	lab_stop(&lab);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ethtool");
	TCase *tcase = lab_tcase(suite);

	tcase_add_test(tcase, links_are_up_down_or_gone);
	tcase_add_test(tcase, a_whole_batch_is_answered);
	tcase_add_test(tcase, speed_and_duplex_or_that_there_are_none);
	return lab_run_suite(suite);
}
