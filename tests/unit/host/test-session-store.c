/* What outlives a kill, and what must not. */
#include "daemon/host/session-store.h"
#include "tests/unit/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[] = "/tmp/yoke-sessions-XXXXXX";
static struct session_store *store;

static void open_store(const char *boot, uint64_t netns)
{
	struct err e;

	ck_assert_int_eq(session_store_open(path, boot, netns, &store, &e), 0);
}

static void setup(void)
{
	ck_assert_int_ge(mkstemp(path), 0);
	open_store("boot", 1);
}

static void teardown(void)
{
	session_store_close(store);
	(void)unlink(path);
}

static struct session_data some_data(int ifindex)
{
	struct session_data data = {
		.team = "team0", .member = "eno1", .ifindex = ifindex, .saved = true
	};

	return data;
}

START_TEST(what_was_saved_is_there_when_opened_again)
{
	struct session_data data = some_data(5);

	session_save(session_store_find(store, "team0", "eno1"), &data);
	session_store_close(store);
	open_store("boot", 1);
	memset(&data, 0, sizeof(data));
	ck_assert(session_load(session_store_find(store, "team0", "eno1"), &data));
	ck_assert_int_eq(data.ifindex, 5);
	ck_assert(data.saved);
}
END_TEST

START_TEST(another_boot_knows_nothing_of_it)
{
	struct session_data data = some_data(5);

	session_save(session_store_find(store, "team0", "eno1"), &data);
	session_store_close(store);
	open_store("another-boot", 1);
	ck_assert(session_load(session_store_find(store, "team0", "eno1"), &data));
	ck_assert(!data.saved);
}
END_TEST

START_TEST(another_network_namespace_knows_nothing_of_it)
{
	struct session_data data = some_data(5);

	session_save(session_store_find(store, "team0", "eno1"), &data);
	session_store_close(store);
	open_store("boot", 2);
	ck_assert(session_load(session_store_find(store, "team0", "eno1"), &data));
	ck_assert(!data.saved);
}
END_TEST

/* A kill in the middle of a copy leaves the copy before it. Each byte of the record in turn is
 * wrong. */
START_TEST(a_copy_that_was_torn_costs_only_itself)
{
	struct session *session = session_store_find(store, "team0", "eno1");
	struct session_data data = some_data(1);
	uint8_t *bytes = (uint8_t *)session;
	struct {
		uint8_t bytes[4096];
	} keep;
	size_t copy = 8 + sizeof(struct session_data);

	session_save(session, &data);
	data.ifindex = 2;
	session_save(session, &data);
	ck_assert_uint_lt(2 * copy + 64, sizeof(keep));
	memcpy(&keep, session, 2 * copy);
	for (size_t at = 0; at < 2 * copy; at++) {
		bytes[at] ^= 0xff;
		ck_assert(session_load(session, &data));
		ck_assert(data.ifindex == 1 || data.ifindex == 2);
		memcpy(session, &keep, 2 * copy);
	}
}
END_TEST

START_TEST(a_record_that_was_forgotten_is_used_again)
{
	struct session *session = session_store_find(store, "team0", "eno1");
	struct session_data data;

	session_forget(session);
	ck_assert(!session_load(session, &data));
	ck_assert_ptr_eq(session_store_find(store, "team0", "eno2"), session);
}
END_TEST

START_TEST(a_full_file_says_so)
{
	char name[IFNAMSIZ];
	unsigned n = 0;

	do {
		(void)snprintf(name, sizeof(name), "m%u", n++);
	} while (session_store_find(store, "team0", name) && n < 5000);
	ck_assert_uint_lt(n, 5000);
	ck_assert_ptr_nonnull(session_store_find(store, "team0", "m0"));
}
END_TEST

START_TEST(a_file_of_rubbish_starts_anew)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	struct session_data data;

	session_store_close(store);
	for (int i = 0; i < 4096; i++)
		ck_assert_int_eq((int)write(fd, "rubbish!", 8), 8);
	close(fd);
	open_store("boot", 1);
	ck_assert(session_load(session_store_find(store, "team0", "eno1"), &data));
	ck_assert(!data.saved);
}
END_TEST

START_TEST(a_link_in_its_place_is_refused)
{
	struct session_store *other;
	char link[64];
	struct err e;

	(void)snprintf(link, sizeof(link), "%s.link", path);
	ck_assert_int_eq(symlink(path, link), 0);
	ck_assert_int_eq(session_store_open(link, "boot", 1, &other, &e), -ELOOP);
	(void)unlink(link);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("session-store");
	TCase *tcase = tcase_create("session-store");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, what_was_saved_is_there_when_opened_again);
	tcase_add_test(tcase, another_boot_knows_nothing_of_it);
	tcase_add_test(tcase, another_network_namespace_knows_nothing_of_it);
	tcase_add_test(tcase, a_copy_that_was_torn_costs_only_itself);
	tcase_add_test(tcase, a_record_that_was_forgotten_is_used_again);
	tcase_add_test(tcase, a_full_file_says_so);
	tcase_add_test(tcase, a_file_of_rubbish_starts_anew);
	tcase_add_test(tcase, a_link_in_its_place_is_refused);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
