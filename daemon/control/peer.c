#include "daemon/control/peer.h"

#include "lib/base/cleanup.h"

#include <errno.h>
#include <grp.h>
#include <sys/socket.h>

#define GROUP_BUFFER_MAX (1u << 20)

/* Retries with a larger buffer as long as the group has too many members for it. */
static int look_up(const char *name, bool *exists, gid_t *gid, struct err *e)
{
	for (size_t size = 4096; size <= GROUP_BUFFER_MAX; size *= 4) {
		cleanup(freep) char *buffer = malloc(size);
		struct group group, *found = NULL;
		int r;

		if (!buffer)
			return err_set(e, -ENOMEM, "out of memory");
		r = getgrnam_r(name, &group, buffer, size, &found);
		if (r == ERANGE)
			continue;
		/* A directory that does not answer must not keep the daemon from starting: root
		 * can still do everything. */
		*exists = r == 0 && found;
		if (*exists)
			*gid = found->gr_gid;
		return 0;
	}
	return err_set(e, -ERANGE, "group %s has too many members", name);
}

int access_groups_look_up(struct access_groups *groups, const char *readers, const char *writers,
			  struct err *e)
{
	int r = look_up(readers, &groups->has_readers, &groups->readers, e);

	return r < 0 ? r : look_up(writers, &groups->has_writers, &groups->writers, e);
}

enum access access_of(const struct access_groups *groups, uid_t uid, const gid_t *gids, size_t n)
{
	enum access access = ACCESS_NONE;

	if (uid == 0)
		return ACCESS_CHANGE;
	for (size_t i = 0; i < n; i++) {
		if (groups->has_writers && gids[i] == groups->writers)
			return ACCESS_CHANGE;
		if (groups->has_readers && gids[i] == groups->readers)
			access = ACCESS_READ;
	}
	return access;
}

/* The supplementary groups and, behind them, 'primary'; to be freed. */
static int peer_groups(int fd, gid_t primary, gid_t **ret, size_t *n)
{
	socklen_t size = 0;
	cleanup(freep) gid_t *gids = NULL;

	/* Asked with no room the kernel tells how much it needs. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) < 0 && errno != ERANGE)
		return -errno;
	gids = malloc(size + sizeof(*gids));
	if (!gids)
		return -ENOMEM;
	if (size && getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, gids, &size) < 0)
		return -errno;
	*n = size / sizeof(*gids);
	gids[(*n)++] = primary;
	*ret = steal_ptr(gids);
	return 0;
}

int peer_identify(int fd, const struct access_groups *groups, struct peer *ret)
{
	struct ucred credentials;
	socklen_t size = sizeof(credentials);
	cleanup(freep) gid_t *gids = NULL;
	size_t n = 0;
	int r;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
		return -errno;
	r = peer_groups(fd, credentials.gid, &gids, &n);
	if (r < 0)
		return r;
	ret->pid = credentials.pid;
	ret->uid = credentials.uid;
	ret->access = access_of(groups, credentials.uid, gids, n);
	return 0;
}
