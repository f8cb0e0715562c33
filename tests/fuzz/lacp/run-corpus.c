/* Runs a fuzzer's function on the files of a folder, without the fuzzer: one TAP case for each. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *folder, const char *name, unsigned number)
{
	static uint8_t data[1 << 16];
	char path[4096];
	FILE *file;
	size_t size;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "r");
	if (!file) {
		printf("not ok %u - %s\n", number, name);
		return 1;
	}
	size = fread(data, 1, sizeof(data), file);
	(void)fclose(file);
	(void)LLVMFuzzerTestOneInput(data, size);
	printf("ok %u - %s\n", number, name);
	return 0;
}

int main(int argc, char **argv)
{
	struct dirent *entry;
	unsigned number = 0;
	int failed = 0;
	DIR *folder = argc > 1 ? opendir(argv[1]) : NULL;

	while (folder && (entry = readdir(folder)))
		if (entry->d_name[0] != '.')
			failed += run_file(argv[1], entry->d_name, ++number);
	if (folder)
		(void)closedir(folder);
	printf("1..%u\n", number);
	return failed || !number ? EXIT_FAILURE : EXIT_SUCCESS;
}
