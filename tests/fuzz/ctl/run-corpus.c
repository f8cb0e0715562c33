/* The corpus as a plain test: each file of the folder that YOKE_CORPUS names. */
#include "tests/fuzz/ctl/target.h"
#include "tests/unit/run.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#define INPUT_MAX (256 * 1024)

static void run_file(const char *folder, const char *name)
{
	char path[512];
	uint8_t *data = malloc(INPUT_MAX);
	FILE *file;
	size_t size;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "r");
	ck_assert_msg(file != NULL, "%s cannot be read", path);
	size = fread(data, 1, INPUT_MAX, file);
	(void)fclose(file);
	(void)LLVMFuzzerTestOneInput(data, size);
	free(data);
}

START_TEST(the_server_stands_what_the_fuzzer_found)
{
	const char *folder = getenv("YOKE_CORPUS");
	DIR *directory = folder ? opendir(folder) : NULL;
	const struct dirent *entry;
	unsigned n = 0;

	ck_assert_ptr_nonnull(directory);
	while ((entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		run_file(folder, entry->d_name);
		n++;
	}
	(void)closedir(directory);
	ck_assert_uint_gt(n, 20);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("control/corpus");
	TCase *tcase = tcase_create("corpus");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, the_server_stands_what_the_fuzzer_found);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
