/* Locals that release themselves, and those that were handed on and do not. */
#include "lib/base/cleanup.h"

#include "tests/unit/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>

struct thing {
	int *released;
};

static void thing_free(struct thing *thing)
{
	if (thing)
		(*thing->released)++;
}

DEFINE_CLEANUP(struct thing, thing_free)

static int leave_scope(struct thing *thing)
{
	cleanup(thing_freep) struct thing *local = thing;

	return local ? 1 : 0;
}

static struct thing *hand_on(struct thing *thing)
{
	cleanup(thing_freep) struct thing *local = thing;

	return steal_ptr(local);
}

START_TEST(a_local_is_released_at_the_end_of_its_scope)
{
	int released = 0;
	struct thing thing = { &released };

	ck_assert_int_eq(leave_scope(&thing), 1);
	ck_assert_int_eq(released, 1);
}
END_TEST

START_TEST(a_local_that_is_null_releases_nothing)
{
	ck_assert_int_eq(leave_scope(NULL), 0);
}
END_TEST

START_TEST(what_was_handed_on_is_not_released)
{
	int released = 0;
	struct thing thing = { &released };

	ck_assert_ptr_eq(hand_on(&thing), &thing);
	ck_assert_int_eq(released, 0);
}
END_TEST

START_TEST(a_stolen_pointer_leaves_null)
{
	char word[] = "word";
	char *pointer = word;

	ck_assert_ptr_eq(steal_ptr(pointer), word);
	ck_assert_ptr_null(pointer);
}
END_TEST

static int open_null(void)
{
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static int open_and_leave(int *number)
{
	cleanup(closep) int fd = open_null();

	*number = fd;
	return fd < 0 ? -errno : 0;
}

static int open_and_hand_on(void)
{
	cleanup(closep) int fd = open_null();

	return steal_fd(&fd);
}

START_TEST(a_descriptor_is_closed_at_the_end_of_its_scope)
{
	int number = -1;

	ck_assert_int_eq(open_and_leave(&number), 0);
	ck_assert_int_ge(number, 0);
	ck_assert(!is_open(number));
}
END_TEST

START_TEST(a_stolen_descriptor_stays_open)
{
	int fd = open_and_hand_on();

	ck_assert_int_ge(fd, 0);
	ck_assert(is_open(fd));
	ck_assert_int_eq(close(fd), 0);
}
END_TEST

START_TEST(a_stolen_descriptor_leaves_minus_one)
{
	int fd = 7;

	ck_assert_int_eq(steal_fd(&fd), 7);
	ck_assert_int_eq(fd, -1);
}
END_TEST

static int write_and_leave(const char *path)
{
	cleanup(fclosep) FILE *file = fopen(path, "we");

	return file ? fputs("kept", file) : -errno;
}

START_TEST(a_file_is_written_out_and_closed)
{
	char path[] = "/tmp/yoke-cleanup-XXXXXX";
	char text[8] = "";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_ge(write_and_leave(path), 0);
	ck_assert_int_eq((int)read(fd, text, sizeof(text) - 1), 4);
	ck_assert_str_eq(text, "kept");
	ck_assert_int_eq(unlink(path), 0);
	(void)close(fd);
}
END_TEST

START_TEST(memory_and_what_was_never_opened_may_go)
{
	cleanup(freep) char *text = malloc(16);
	cleanup(freep) char *nothing = NULL;
	cleanup(closep) int fd = -1;
	cleanup(fclosep) FILE *file = NULL;

	/* That the memory is given back is for the leak checker to say. */
	ck_assert_ptr_nonnull(text);
	ck_assert(!nothing && fd < 0 && !file);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cleanup");
	TCase *tcase = tcase_create("cleanup");

	tcase_add_test(tcase, a_local_is_released_at_the_end_of_its_scope);
	tcase_add_test(tcase, a_local_that_is_null_releases_nothing);
	tcase_add_test(tcase, what_was_handed_on_is_not_released);
	tcase_add_test(tcase, a_stolen_pointer_leaves_null);
	tcase_add_test(tcase, a_descriptor_is_closed_at_the_end_of_its_scope);
	tcase_add_test(tcase, a_stolen_descriptor_stays_open);
	tcase_add_test(tcase, a_stolen_descriptor_leaves_minus_one);
	tcase_add_test(tcase, a_file_is_written_out_and_closed);
	tcase_add_test(tcase, memory_and_what_was_never_opened_may_go);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
