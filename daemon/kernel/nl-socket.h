/* libnl's sockets, and its errors as ours. */
#pragma once

#include <netlink/netlink.h>

/* A negative errno for what libnl returned. */
int nl_errno(int code);

static inline void nl_socket_freep(struct nl_sock **socket)
{
	nl_socket_free(*socket);
}
