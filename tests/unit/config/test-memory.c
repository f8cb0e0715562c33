/* Each allocation of ours fails once: no crash, no leak, no half a configuration. The linker puts
 * the functions below in the place of those of the C library, but not in libconfig. */
#include "tests/unit/config/config-test.h"

#include "lib/base/cleanup.h"

#include <errno.h>
#include <stdlib.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_reallocarray(void *pointer, size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_reallocarray(void *pointer, size_t n, size_t size);

/* How many allocations still succeed; one fails, those after it succeed again. */
static long left = -1;

static bool fails(void)
{
	if (left < 0)
		return false;
	return left-- == 0;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_reallocarray(void *pointer, size_t n, size_t size)
{
	return fails() ? NULL : __real_reallocarray(pointer, n, size);
}

/* Calls with one more allocation each time, until none fails; tells how many there were. */
static unsigned fail_each(int (*load)(struct config **config, struct config_problems *problems))
{
	unsigned n = 0;
	int r;

	do {
		struct config *config = NULL;
		struct config_problems problems;

		left = n;
		r = load(&config, &problems);
		if (left >= 0) {
			left = -1;
			ck_assert_msg(r == 0, "%s", tell(&problems));
			config_free(config);
			return n;
		}
		ck_assert_int_eq(r, -ENOMEM);
		ck_assert_ptr_null(config);
		n++;
	} while (n < 1000);
	ck_abort_msg("it never ends");
}

static int load_text(struct config **config, struct config_problems *problems)
{
	return parse_as(
		"teams = ( { name = \"t\"; mode = \"lacp\"; members = ( { name = \"a\"; } ); },"
		"{ name = \"u\"; mode = \"lacp\"; members = ( { name = \"b\"; } ); } );",
		CONFIG_KIND_TEAMS, config, problems);
}

static int load_folder(struct config **config, struct config_problems *problems)
{
	char folder[4096];
	const char *paths[] = { folder };

	(void)snprintf(folder, sizeof(folder), "%s/tests/unit/config/good", getenv("SOURCE_ROOT"));
	return config_load_paths(paths, 1, config, problems);
}

START_TEST(a_text_needs_memory)
{
	/* The configuration, the copy, and for each team itself and its places. */
	ck_assert_uint_eq(fail_each(load_text), 6);
}
END_TEST

START_TEST(files_need_memory)
{
	ck_assert_uint_ge(fail_each(load_folder), 8);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config/memory");
	TCase *tcase = tcase_create("memory");

	tcase_add_test(tcase, a_text_needs_memory);
	tcase_add_test(tcase, files_need_memory);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
