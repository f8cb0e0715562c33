#include "daemon/control/listen.h"

#include "lib/base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#define BACKLOG 128

/* Whether systemd passed the socket of that path; then -1 or its descriptor in *fd. */
static int find_activated(const char *path, int *fd, struct err *e)
{
	int n = sd_listen_fds(0);

	*fd = -1;
	if (n < 0)
		return err_errno(e, n, "cannot see which sockets systemd passed");
	for (int i = SD_LISTEN_FDS_START; i < SD_LISTEN_FDS_START + n; i++) {
		int r = sd_is_socket_unix(i, SOCK_STREAM, 1, path, 0);

		if (r <= 0)
			continue;
		if (fcntl(i, F_SETFL, O_NONBLOCK | fcntl(i, F_GETFL)) < 0)
			return err_errno(e, -errno, "cannot set up the socket of systemd");
		*fd = i;
		return 0;
	}
	return 0;
}

static int fill_address(struct sockaddr_un *address, const char *path, struct err *e)
{
	size_t size = strlen(path);

	if (!size || size >= sizeof(address->sun_path))
		return err_set(e, -ENAMETOOLONG,
			       "the path of the control socket has 1 to %zu characters, not %zu",
			       sizeof(address->sun_path) - 1, size);
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(address->sun_path, path, size);
	return 0;
}

/* The last folder of the path, where it is missing: /run/yoke on a host without our unit. */
static int make_folder(const char *path, struct err *e)
{
	cleanup(freep) char *folder = strdup(path);
	char *slash = folder ? strrchr(folder, '/') : NULL;

	if (!folder)
		return err_set(e, -ENOMEM, "out of memory");
	if (!slash || slash == folder)
		return 0;
	*slash = 0;
	if (mkdir(folder, 0755) < 0 && errno != EEXIST)
		return err_errno(e, -errno, "cannot make the folder %s of the control socket",
				 folder);
	return 0;
}

static int in_use(const char *path, struct err *e)
{
	return err_set(e, -EADDRINUSE, "another yoked listens on %s already", path);
}

/* Between looking at a socket file and replacing it another daemon could do the same. */
static int lock_path(const char *path, int *ret, struct err *e)
{
	cleanup(freep) char *name = NULL;
	cleanup(closep) int fd = -1;

	if (asprintf(&name, "%s.lock", path) < 0) {
		name = NULL;
		return err_set(e, -ENOMEM, "out of memory");
	}
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_errno(e, -errno, "cannot open %s", name);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? in_use(path, e)
					    : err_errno(e, -errno, "cannot lock %s", name);
	*ret = steal_fd(&fd);
	return 0;
}

/* Makes way for our socket file: takes away one on which nobody listens. */
static int clear_path(const struct sockaddr_un *address, struct err *e)
{
	const char *path = address->sun_path;
	cleanup(closep) int fd = -1;
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_errno(e, -errno, "cannot look at %s", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, -EEXIST, "%s is there and is no socket: take it away", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_errno(e, -errno, "cannot make a socket");
	/* EAGAIN: somebody listens and is too busy. */
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
		return in_use(path, e);
	if (errno != ECONNREFUSED && errno != ENOENT)
		return err_errno(e, -errno, "cannot tell whether somebody listens on %s", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return err_errno(e, -errno, "cannot take away the old socket %s", path);
	return 0;
}

static int bind_and_listen(struct listener *listener, const struct sockaddr_un *address,
			   struct err *e)
{
	const char *path = address->sun_path;
	struct stat st;

	listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener->fd < 0)
		return err_errno(e, -errno, "cannot make the control socket");
	if (bind(listener->fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return err_errno(e, -errno, "cannot make the control socket %s", path);
	if (lstat(path, &st) < 0)
		return err_errno(e, -errno, "cannot look at the control socket %s", path);
	listener->device = st.st_dev;
	listener->inode = st.st_ino;
	(void)snprintf(listener->path, sizeof(listener->path), "%s", path);
	/* Everybody may connect, so that everybody gets an answer; who may do what is decided by
	 * the peer's credentials. */
	if (chmod(path, 0666) < 0)
		return err_errno(e, -errno, "cannot open the control socket %s to all", path);
	if (listen(listener->fd, BACKLOG) < 0)
		return err_errno(e, -errno, "cannot listen on %s", path);
	return 0;
}

static int open_own(struct listener *listener, const char *path, struct err *e)
{
	struct sockaddr_un address;
	int r = fill_address(&address, path, e);

	if (r == 0)
		r = make_folder(path, e);
	if (r == 0)
		r = lock_path(path, &listener->lock_fd, e);
	if (r == 0)
		r = clear_path(&address, e);
	if (r == 0)
		r = bind_and_listen(listener, &address, e);
	return r;
}

int listener_open(struct listener *ret, const char *path, struct err *e)
{
	struct listener listener = { .fd = -1, .lock_fd = -1 };
	int r = find_activated(path, &listener.fd, e);

	if (r < 0)
		return r;
	listener.activated = listener.fd >= 0;
	if (!listener.activated)
		r = open_own(&listener, path, e);
	if (r < 0) {
		listener_close(&listener);
		return r;
	}
	*ret = listener;
	return 0;
}

void listener_close(struct listener *listener)
{
	struct stat st;

	/* What stands there by now may be another's. */
	if (*listener->path && lstat(listener->path, &st) == 0 && st.st_dev == listener->device &&
	    st.st_ino == listener->inode)
		(void)unlink(listener->path);
	closep(&listener->fd);
	closep(&listener->lock_fd);
	listener->fd = listener->lock_fd = -1;
}
