#include "daemon/kernel/bpf-pin.h"

#include "lib/base/cleanup.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define FOLDER_MODE 0700

static bool is_bpffs(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == BPF_FS_MAGIC;
}

/* Refuses a path in which there is no room for what is pinned there. */
static int check_path(const char *bpffs, struct err *e)
{
	if (!bpffs || bpffs[0] != '/' || strlen(bpffs) > BPF_PINS_PATH_SIZE / 2)
		return err_set(e, -EINVAL,
			       "the folder for pinned maps has to be an absolute path of at most "
			       "%d characters, not '%s'",
			       BPF_PINS_PATH_SIZE / 2, bpffs ? bpffs : "");
	return 0;
}

static int make_bpffs_folder(const char *bpffs, struct err *e)
{
	char copy[BPF_PINS_PATH_SIZE];
	const char *parent;

	(void)snprintf(copy, sizeof(copy), "%s", bpffs);
	parent = dirname(copy);
	if (!is_bpffs(parent))
		return err_set(e, -ENODEV,
			       "cannot make %s: %s is no bpffs; 'mount -t bpf bpf %s' mounts one",
			       bpffs, parent, parent);
	if (mkdir(bpffs, FOLDER_MODE) < 0 && errno != EEXIST)
		return err_errno(e, -errno, "cannot make %s", bpffs);
	return 0;
}

/* Whoever owns the folder could put others' maps in the place of ours. */
static int check_owner(const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_errno(e, -errno, "cannot look at %s", path);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, -ENOTDIR, "%s is no folder", path);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return err_set(e, -EPERM, "%s belongs to another user (number %u)", path,
			       st.st_uid);
	return 0;
}

static int prepare_bpffs(const char *bpffs, struct err *e)
{
	struct stat st;
	int r = check_path(bpffs, e);

	if (r < 0)
		return r;
	if (stat(bpffs, &st) < 0) {
		if (errno != ENOENT)
			return err_errno(e, -errno, "cannot look at %s", bpffs);
		r = make_bpffs_folder(bpffs, e);
		if (r < 0)
			return r;
	}
	if (!is_bpffs(bpffs))
		return err_set(e, -ENODEV, "%s is no bpffs; 'mount -t bpf bpf %s' mounts one there",
			       bpffs, bpffs);
	return check_owner(bpffs, e);
}

static int namespace_cookie(uint64_t *ret, struct err *e)
{
	cleanup(closep) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(*ret);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, ret, &size) < 0)
		return err_errno(e, -errno,
				 "cannot tell the network namespace's identity (SO_NETNS_COOKIE, "
				 "Linux 5.14 or newer)");
	return 0;
}

static int lock_folder(const char *path, int *ret, struct err *e)
{
	cleanup(closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return err_errno(e, -errno, "cannot open %s", path);
	if (fchmod(fd, FOLDER_MODE) < 0)
		return err_errno(e, -errno, "cannot make %s private", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK
			       ? err_set(e, -EBUSY,
					 "another daemon has the teams of this network namespace "
					 "(it holds %s)",
					 path)
			       : err_errno(e, -errno, "cannot lock %s", path);
	/* A daemon that ended just now may have removed it after we opened it. */
	if (fstat(fd, &st) < 0 || st.st_nlink == 0)
		return err_set(e, -EAGAIN, "another daemon has just removed %s; try again", path);
	*ret = steal_fd(&fd);
	return 0;
}

int bpf_pins_open(const char *bpffs, struct bpf_pins *ret, struct err *e)
{
	struct bpf_pins pins = { .fd = -1 };
	int r = prepare_bpffs(bpffs, e);

	if (r < 0)
		return r;
	r = namespace_cookie(&pins.netns, e);
	if (r < 0)
		return r;
	/* Names in a bpffs may not hold a dot. */
	(void)snprintf(pins.path, sizeof(pins.path), "%s/netns-%" PRIu64, bpffs, pins.netns);
	if (mkdir(pins.path, FOLDER_MODE) < 0 && errno != EEXIST)
		return err_errno(e, -errno, "cannot make %s", pins.path);
	r = check_owner(pins.path, e);
	if (r < 0)
		return r;
	r = lock_folder(pins.path, &pins.fd, e);
	if (r < 0)
		return r;
	*ret = pins;
	return 0;
}

void bpf_pins_close(struct bpf_pins *pins)
{
	if (pins->fd < 0)
		return;
	(void)rmdir(pins->path); /* Refused while anything is pinned. */
	closep(&pins->fd);
	pins->fd = -1;
}

static int pin_path(const struct bpf_pins *pins, const char *name,
		    char path[static BPF_PINS_PATH_SIZE], struct err *e)
{
	int n = snprintf(path, BPF_PINS_PATH_SIZE, "%s/%s", pins->path, name);

	return n >= 0 && n < BPF_PINS_PATH_SIZE
		       ? 0
		       : err_set(e, -ENAMETOOLONG, "%s/%s is too long", pins->path, name);
}

int bpf_pins_get(const struct bpf_pins *pins, const char *name, int *ret_fd, struct err *e)
{
	char path[BPF_PINS_PATH_SIZE];
	int fd, r = pin_path(pins, name, path, e);

	if (r < 0)
		return r;
	fd = bpf_obj_get(path);
	if (fd == -ENOENT)
		return fd;
	if (fd < 0)
		return err_errno(e, fd, "cannot open what is pinned as %s", path);
	*ret_fd = fd;
	return 0;
}

int bpf_pins_add(const struct bpf_pins *pins, const char *name, int fd, struct err *e)
{
	char path[BPF_PINS_PATH_SIZE];
	int r = pin_path(pins, name, path, e);

	if (r < 0)
		return r;
	r = bpf_obj_pin(fd, path);
	return r < 0 ? err_errno(e, r, "cannot pin anything as %s", path) : 0;
}

int bpf_pins_replace(const struct bpf_pins *pins, const char *name, int fd, struct err *e)
{
	char path[BPF_PINS_PATH_SIZE], new_path[BPF_PINS_PATH_SIZE], new_name[64];
	int r = pin_path(pins, name, path, e);

	(void)snprintf(new_name, sizeof(new_name), "%s" BPF_PINS_NEW, name);
	if (r == 0)
		r = pin_path(pins, new_name, new_path, e);
	/* Of a daemon that was killed in between. */
	if (r == 0)
		r = bpf_pins_remove(pins, new_name, e);
	if (r == 0)
		r = bpf_pins_add(pins, new_name, fd, e);
	if (r < 0)
		return r;
	if (rename(new_path, path) == 0)
		return 0;
	r = err_errno(e, -errno, "cannot pin %s", path);
	(void)unlink(new_path);
	return r;
}

void bpf_pins_finish(const struct bpf_pins *pins, const char *name)
{
	char from[BPF_PINS_PATH_SIZE], to[BPF_PINS_PATH_SIZE];

	if (pin_path(pins, name, from, NULL) < 0)
		return;
	(void)strcpy(to, from);
	to[strlen(to) - strlen(BPF_PINS_NEW)] = '\0';
	(void)rename(from, to);
}

static void closedirp(DIR **folder)
{
	if (*folder)
		(void)closedir(*folder);
}

void bpf_pins_each(const struct bpf_pins *pins, bpf_pins_seen *seen, void *userdata)
{
	cleanup(closedirp) DIR *folder = opendir(pins->path);
	const struct dirent *entry;

	while (folder && (entry = readdir(folder)))
		if (entry->d_name[0] != '.')
			seen(userdata, entry->d_name);
}

int bpf_pins_remove(const struct bpf_pins *pins, const char *name, struct err *e)
{
	char path[BPF_PINS_PATH_SIZE];
	int r = pin_path(pins, name, path, e);

	if (r < 0)
		return r;
	if (unlink(path) < 0 && errno != ENOENT)
		return err_errno(e, -errno, "cannot remove %s", path);
	return 0;
}
