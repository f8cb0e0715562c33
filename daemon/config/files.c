#include "daemon/config/files.h"

#include "daemon/config/guard.h"
#include "lib/base/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum file_kind file_kind(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		if (errno == ENOENT && lstat(path, &st) < 0 && errno == ENOENT)
			return FILE_KIND_ABSENT;
		return FILE_KIND_OTHER;
	}
	if (S_ISREG(st.st_mode))
		return FILE_KIND_REGULAR;
	return S_ISDIR(st.st_mode) ? FILE_KIND_FOLDER : FILE_KIND_OTHER;
}

/* In words, what stands where a file should. */
static const char *kind_words(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "a folder";
	case S_IFIFO:
		return "a named pipe";
	case S_IFSOCK:
		return "a socket";
	case S_IFCHR:
	case S_IFBLK:
		return "a device";
	}
	return "no file";
}

static int refuse(const struct report *report, const char *path, int code)
{
	struct stat st;

	if (code == ENOENT && lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
		report_error(report, 0, "found a link to nothing: expected a file");
	else
		report_error(report, 0, "cannot read it: %s", strerror(code));
	return -EINVAL;
}

/* Before the file is opened, because opening a device can do things, and again afterwards, because
 * meanwhile it may have become another. */
static int check_stat(const struct report *report, const struct stat *st)
{
	if (!S_ISREG(st->st_mode)) {
		report_error(report, 0, "found %s: expected a file", kind_words(st->st_mode));
		return -EINVAL;
	}
	if ((size_t)st->st_size > GUARD_SIZE_MAX) {
		report_error(report, 0, "the file has %lld bytes: expected at most %zu",
			     (long long)st->st_size, GUARD_SIZE_MAX);
		return -EINVAL;
	}
	return 0;
}

/* One byte more than may be there tells that there is too much, also of a file that grows. */
static int read_all(int fd, char *bytes, size_t *size)
{
	size_t n = 0;

	while (n < *size) {
		ssize_t r = read(fd, bytes + n, *size - n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			break;
		n += (size_t)r;
	}
	*size = n;
	return 0;
}

int file_read(const struct report *report, const char *path, char **bytes, size_t *size)
{
	cleanup(closep) int fd = -1;
	cleanup(freep) char *buffer = NULL;
	size_t n = GUARD_SIZE_MAX + 1;
	struct stat st;
	int r;

	if (stat(path, &st) < 0)
		return refuse(report, path, errno);
	r = check_stat(report, &st);
	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return refuse(report, path, errno);
	r = check_stat(report, &st);
	if (r < 0)
		return r;
	buffer = malloc(n);
	if (!buffer)
		return -ENOMEM;
	r = read_all(fd, buffer, &n);
	if (r < 0)
		return refuse(report, path, -r);
	*bytes = steal_ptr(buffer);
	*size = n;
	return 0;
}

static int is_conf(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && dot && !strcmp(dot, ".conf");
}

/* Not by the locale, so that the order is the same for the daemon and for everybody. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void free_entries(struct dirent **entries, int n)
{
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
}

int file_list_folder(const struct report *report, const char *path, struct file_list *list)
{
	struct dirent **entries = NULL;
	int n = scandir(path, &entries, is_conf, by_name);
	int r = 0;

	if (n < 0 && errno == ENOTDIR) {
		report_error(report, 0, "found a file: expected a folder");
		return -EINVAL;
	}
	if (n < 0)
		return errno == ENOMEM ? -ENOMEM : refuse(report, path, errno);
	list->paths = calloc((size_t)n + 1, sizeof(*list->paths));
	if (!list->paths)
		r = -ENOMEM;
	for (int i = 0; i < n && r == 0; i++) {
		list->paths[i] = file_in(path, entries[i]->d_name);
		if (list->paths[i])
			list->n++;
		else
			r = -ENOMEM;
	}
	free_entries(entries, n);
	return r;
}

void file_list_fini(struct file_list *list)
{
	for (unsigned i = 0; i < list->n; i++)
		free(list->paths[i]);
	free(list->paths);
	*list = (struct file_list){};
}

char *file_beside(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');
	char *beside;

	if (asprintf(&beside, "%.*s%s", slash ? (int)(slash + 1 - path) : 0, path, name) < 0)
		return NULL;
	return beside;
}

char *file_in(const char *folder, const char *name)
{
	size_t length = strlen(folder);
	const char *slash = length && folder[length - 1] == '/' ? "" : "/";
	char *in;

	return asprintf(&in, "%s%s%s", folder, slash, name) < 0 ? NULL : in;
}
