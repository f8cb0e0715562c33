/* Files and folders of the configuration. Nothing here can hang: only regular files are opened. */
#pragma once

#include "daemon/config/problems.h"

#include <stdbool.h>

enum file_kind {
	FILE_KIND_ABSENT,
	FILE_KIND_REGULAR,
	FILE_KIND_FOLDER,
	FILE_KIND_OTHER, /* Or it cannot be said what it is; then reading it says why. */
};

/* A link that leads nowhere is not absent. */
enum file_kind file_kind(const char *path);

/* Reads the file. 0, and *bytes is the caller's, to free(); -EINVAL when the report says why not;
 * -ENOMEM. */
int file_read(const struct report *report, const char *path, char **bytes, size_t *size);

/* The paths of a folder's *.conf, hidden ones apart, in order of name. */
struct file_list {
	unsigned n;
	char **paths;
};

/* Lists the folder. Errors as file_read(). The list must be all zero before, and goes to
 * file_list_fini() in any case. */
int file_list_folder(const struct report *report, const char *path, struct file_list *list);
void file_list_fini(struct file_list *list);

/* The name in the same folder as 'path', and the name in 'folder'; the caller's, NULL without
 * memory. */
char *file_beside(const char *path, const char *name);
char *file_in(const char *folder, const char *name);
