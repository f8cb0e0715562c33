/* Runs the cases of the scenario files that it is given, and tells the results as TAP. */
#include "tests/sim/script.h"

#include <stdlib.h>

static unsigned run_file(const char *path, unsigned *n_cases)
{
	struct script script;
	unsigned failed = 0;
	char words[300];

	if (!script_load(&script, path) || script.n_cases == 0) {
		printf("not ok %u - %s can be read\n", ++*n_cases, path);
		failed++;
	}
	for (unsigned i = 0; i < script.n_cases; i++) {
		const struct script_case *script_case = &script.cases[i];
		bool passed = script_run(script_case, words, sizeof(words));

		printf("%sok %u - %s: %s\n", passed ? "" : "not ", ++*n_cases, script_case->clause,
		       script_case->sentence);
		if (!passed)
			printf("# %s: %s\n", path, words);
		failed += !passed;
	}
	script_free(&script);
	return failed;
}

int main(int argc, char **argv)
{
	unsigned failed = 0, n_cases = 0;

	for (int i = 1; i < argc; i++)
		failed += run_file(argv[i], &n_cases);
	printf("1..%u\n", n_cases);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
