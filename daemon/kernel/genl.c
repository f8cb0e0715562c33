#include "daemon/kernel/genl.h"

#include "lib/base/cleanup.h"

#include <errno.h>
#include <netlink/cache.h>
#include <netlink/errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/family.h>
#include <netlink/genl/genl.h>

int nl_errno(int code)
{
	switch (code < 0 ? -code : code) {
	case NLE_SUCCESS:
		return 0;
	case NLE_INTR:
		return -EINTR;
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_AGAIN:
		return -EAGAIN;
	case NLE_EXIST:
		return -EEXIST;
	case NLE_NOADDR:
		return -EADDRNOTAVAIL;
	case NLE_OBJ_NOTFOUND:
		return -ENOENT;
	case NLE_OPNOTSUPP:
		return -EOPNOTSUPP;
	case NLE_AF_NOSUPPORT:
		return -EAFNOSUPPORT;
	case NLE_BUSY:
		return -EBUSY;
	case NLE_RANGE:
		return -ERANGE;
	case NLE_NODEV:
		return -ENODEV;
	case NLE_PERM:
	case NLE_NOACCESS:
		return -EPERM;
	case NLE_DUMP_INTR:
		return -EINTR;
	}
	return -EIO;
}

int genl_open(struct nl_sock **ret)
{
	cleanup(nl_socket_freep) struct nl_sock *socket = nl_socket_alloc();
	int r;

	if (!socket)
		return -ENOMEM;
	r = genl_connect(socket);
	if (r < 0)
		return nl_errno(r);
	*ret = steal_ptr(socket);
	return 0;
}

int genl_family(struct nl_sock *socket, const char *name)
{
	struct nl_cache *families;
	struct genl_family *family;
	int r;

	r = genl_ctrl_alloc_cache(socket, &families);
	if (r < 0)
		return nl_errno(r);
	family = genl_ctrl_search_by_name(families, name);
	r = family ? (int)genl_family_get_id(family) : -ENOENT;
	if (family)
		genl_family_put(family);
	nl_cache_free(families);
	return r;
}
