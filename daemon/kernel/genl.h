/* Generic netlink sockets, and the numbers of families. */
#pragma once

#include <netlink/netlink.h>

/* A blocking socket that is connected to generic netlink. 0 or a negative errno. */
int genl_open(struct nl_sock **ret);

/* The number of family 'name', or -ENOENT, or another negative errno. Unlike the question for one
 * family by its name it never makes the kernel load a module. */

int genl_family(struct nl_sock *socket, const char *name);

/* A negative errno for what libnl returned. */
int nl_errno(int code);

static inline void nl_socket_freep(struct nl_sock **socket)
{
	nl_socket_free(*socket);
}
