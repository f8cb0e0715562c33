/* Which devices never are members, and which not beside another: on a made-up sysfs. */
#include "daemon/datapath/claim-facts.h"
#include "daemon/datapath/claim.h"

#include "lib/base/array.h"
#include "tests/unit/run.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[32];

static void folder(const char *path)
{
	char full[256];

	(void)snprintf(full, sizeof(full), "%s/%s", root, path);
	ck_assert_int_eq(mkdir(full, 0755), 0);
}

static void link_to(const char *path, const char *target)
{
	char full[256], end[256];

	(void)snprintf(full, sizeof(full), "%s/%s", root, path);
	(void)snprintf(end, sizeof(end), "%s/%s", root, target);
	ck_assert_int_eq(symlink(end, full), 0);
}

static void device(const char *name, int ifindex)
{
	char path[256];
	FILE *file;

	folder(name);
	(void)snprintf(path, sizeof(path), "%s/%s/ifindex", root, name);
	file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	(void)fprintf(file, "%d\n", ifindex);
	(void)fclose(file);
}

/* A physical function with a virtual one, one beside them, a radio of each make, and a veth. */
static void setup(void)
{
	(void)snprintf(root, sizeof(root), "/tmp/yoke-claim-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	folder("pf-hardware");
	folder("vf-hardware");
	folder("other-hardware");
	link_to("vf-hardware/physfn", "pf-hardware");
	device("pf", 2);
	link_to("pf/device", "pf-hardware");
	device("vf", 3);
	link_to("vf/device", "vf-hardware");
	device("other", 4);
	link_to("other/device", "other-hardware");
	device("wlan0", 5);
	folder("wlan0/wireless");
	device("wlan1", 6);
	folder("wlan1/phy80211");
	device("veth0", 7);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	return remove(path);
}

static void teardown(void)
{
	(void)nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

START_TEST(a_radio_is_known_by_either_mark)
{
	static const struct {
		const char *name;
		int ifindex;
		bool wireless;
	} rows[] = {
		{ "wlan0", 5, true },
		{ "wlan1", 6, true },
		{ "pf", 2, false },
		{ "veth0", 7, false },
		{ "gone", 8, false },
		/* The one of that name in another namespace. */
		{ "wlan0", 9, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct claim_facts facts;

		claim_facts_read(root, rows[i].name, rows[i].ifindex, &facts);
		ck_assert_msg(facts.wireless == rows[i].wireless, "%s", rows[i].name);
	}
}
END_TEST

START_TEST(a_virtual_function_and_its_physical_one_are_not_both_members)
{
	static const struct {
		const char *name;
		int ifindex;
		const char *member;
		int member_ifindex;
		const char *sentence; /* NULL: it can be. */
	} rows[] = {
		{ "vf", 3, "pf", 2, "it is a virtual function of pf" },
		{ "pf", 2, "vf", 3, "vf is a virtual function of it" },
		{ "pf", 2, "other", 4, NULL },
		{ "vf", 3, "other", 4, NULL },
		{ "other", 4, "vf", 3, NULL },
		{ "veth0", 7, "vf", 3, NULL },
		{ "vf", 3, "veth0", 7, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct claim_facts facts, member;
		struct err e = {};
		int r;

		claim_facts_read(root, rows[i].name, rows[i].ifindex, &facts);
		claim_facts_read(root, rows[i].member, rows[i].member_ifindex, &member);
		r = claim_check_parts(&facts, &member, rows[i].member, &e);
		ck_assert_int_eq(r, rows[i].sentence ? -EBUSY : 0);
		ck_assert(!rows[i].sentence || strstr(e.text, rows[i].sentence));
		ck_assert(claim_has_parts(&facts) == (strcmp(rows[i].name, "veth0") != 0));
	}
}
END_TEST

static const struct {
	struct rtnl_device device;
	int r;
	const char *sentence;
} kinds[] = {
	{ { .ethernet = true }, 0, "" },
	{ { .ethernet = true, .kind = "veth" }, 0, "" },
	{ { .loopback = true }, -EINVAL, "loopback" },
	{ { .kind = "gre" }, -EINVAL, "no Ethernet device" },
	{ { .ethernet = true, .kind = "veth", .alias = "yoke:team1" }, -EBUSY, "a team's own" },
	{ { .ethernet = true, .kind = "team" }, -EINVAL, "a team itself (a team device)" },
	{ { .ethernet = true, .kind = "bond" }, -EINVAL, "a team itself (a bond device)" },
};

START_TEST(what_never_is_a_member_is_refused_in_words)
{
	struct err e = {};

	ck_assert_int_eq(claim_check_kind(&kinds[_i].device, &e), kinds[_i].r);
	ck_assert_ptr_nonnull(strstr(e.text, kinds[_i].sentence));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("claim");
	TCase *tcase = tcase_create("claim");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_radio_is_known_by_either_mark);
	tcase_add_test(tcase, a_virtual_function_and_its_physical_one_are_not_both_members);
	tcase_add_loop_test(tcase, what_never_is_a_member_is_refused_in_words, 0,
			    ARRAY_SIZE(kinds));
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
