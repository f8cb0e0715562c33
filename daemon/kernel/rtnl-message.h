/* How rtnl's own files make their messages. */
#pragma once

#include "daemon/kernel/rtnl.h"

#include <linux/rtnetlink.h>
#include <netlink/msg.h>

static inline void nlmsg_freep(struct nl_msg **message)
{
	nlmsg_free(*message);
}

/* NULL without memory. */
static inline struct nl_msg *rtnl_link_message(int type, int flags, const struct ifinfomsg *head)
{
	struct nl_msg *message = nlmsg_alloc_simple(type, flags);

	/* libnl copies the head. */
	if (message &&
	    nlmsg_append(message, (void *)(uintptr_t)head, sizeof(*head), NLMSG_ALIGNTO) < 0) {
		nlmsg_free(message);
		message = NULL;
	}
	return message;
}
