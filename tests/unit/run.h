/* What every unit test's main() calls: runs the suite, each test in a process of its own, and tells
 * the results on standard output as TAP. */
#pragma once

#include <check.h>
#include <stdlib.h>

/* As ck_assert_msg(), which writes to a file each time that it holds: too slow for what is asked
 * some hundred thousand times. */
#define ensure(condition, ...)                     \
	do {                                       \
		if (!(condition))                  \
			ck_abort_msg(__VA_ARGS__); \
	} while (0)

static inline int run_suite(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
