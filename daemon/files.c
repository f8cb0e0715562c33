#include "daemon/files.h"

#include "lib/base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <systemd/sd-id128.h>

/* More than any file of ours is long. */
#define SIZE_MAX_READ (16 << 20)

int files_make_folder(const char *path, mode_t mode, struct err *e)
{
	if (mkdir(path, mode) < 0 && errno != EEXIST)
		return err_errno(e, -errno, "cannot make the folder %s", path);
	return 0;
}

int files_read(const char *path, char **ret, struct err *e)
{
	cleanup(fclosep) FILE *file = fopen(path, "re");
	cleanup(freep) char *text = NULL;
	size_t size = 0;
	ssize_t n;

	if (!file && errno == ENOENT) {
		*ret = NULL;
		return 0;
	}
	if (!file)
		return err_errno(e, -errno, "cannot open %s", path);
	n = getdelim(&text, &size, '\0', file);
	if (n < 0 && ferror(file))
		return err_errno(e, -errno, "cannot read %s", path);
	if (n < 0 || n > SIZE_MAX_READ)
		return err_set(e, -EBADMSG, "%s is %s", path, n < 0 ? "empty" : "too large");
	*ret = steal_ptr(text);
	return 0;
}

static int write_all(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left) {
		ssize_t n = write(fd, text, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		left -= (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* The new name is only safe when the folder is. */
static void sync_folder_of(const char *path)
{
	cleanup(freep) char *folder = strdup(path);
	char *slash = folder ? strrchr(folder, '/') : NULL;
	cleanup(closep) int fd = -1;

	if (!slash)
		return;
	*slash = '\0';
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		(void)fsync(fd);
}

int files_write(const char *path, const char *text, struct err *e)
{
	cleanup(freep) char *temporary = NULL;
	cleanup(closep) int fd = -1;
	int r;

	if (asprintf(&temporary, "%s.new", path) < 0) {
		temporary = NULL;
		return err_set(e, -ENOMEM, "out of memory");
	}
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_errno(e, -errno, "cannot make %s", temporary);
	r = write_all(fd, text);
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlink(temporary);
		return err_errno(e, r, "cannot write %s", path);
	}
	sync_folder_of(path);
	return 0;
}

int files_boot_id(char id[static 40], struct err *e)
{
	cleanup(freep) char *text = NULL;
	int r = files_read("/proc/sys/kernel/random/boot_id", &text, e);

	if (r < 0)
		return r;
	if (!text || strlen(text) < 36)
		return err_set(e, -ENODATA, "the kernel does not tell the identity of this boot");
	(void)snprintf(id, 40, "%.36s", text);
	return 0;
}

void files_machine_seed(const char *path, uint8_t seed[static 16])
{
	/* Made once, at random, for this purpose: nobody else derives the same from the machine's.
	 */
	static const sd_id128_t application =
		SD_ID128_MAKE(5b, 0f, 0e, 7f, 7a, 2b, 4a, 1c, 9c, 53, d6, 0e, 51, 6f, 88, 4a);
	uint64_t hash = 0xcbf29ce484222325;
	sd_id128_t id;

	if (sd_id128_get_machine_app_specific(application, &id) < 0) {
		(void)!getrandom(seed, 16, 0);
		return;
	}
	memcpy(seed, id.bytes, 16);
	for (const char *c = path; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 0x100000001b3;
	for (int i = 0; i < 8; i++)
		seed[i] ^= (uint8_t)(hash >> 8 * i);
}
