#include "daemon/kernel/link-dump.h"

#include "daemon/kernel/nl-socket.h"
#include "lib/base/cleanup.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

/* Something always changes on a host that starts machines, but not for ever. */
#define TRIES 3

struct reading {
	struct link_list *list;
	int r;
};

static int take_link(struct nl_msg *message, void *userdata)
{
	struct reading *reading = userdata;
	struct link link;

	if (link_parse(nlmsg_hdr(message), &link) == LINK_NEWS_STATE && reading->r == 0)
		reading->r = link_list_add(reading->list, &link);
	return NL_OK;
}

static int send_request(struct nl_sock *socket)
{
	struct {
		struct ifinfomsg info;
		struct nlattr attribute;
		uint32_t filter;
	} request = {
		.info.ifi_family = AF_UNSPEC,
		.attribute = { .nla_len = sizeof(struct nlattr) + sizeof(uint32_t),
			       .nla_type = IFLA_EXT_MASK },
		.filter = RTEXT_FILTER_SKIP_STATS,
	};

	return nl_send_simple(socket, RTM_GETLINK, NLM_F_DUMP, &request, sizeof(request));
}

static int dump_once(struct link_list *list)
{
	cleanup(nl_socket_freep) struct nl_sock *socket = nl_socket_alloc();
	struct reading reading = { .list = list };
	int r;

	list->n = 0;
	if (!socket)
		return -ENOMEM;
	r = nl_connect(socket, NETLINK_ROUTE);
	if (r < 0)
		return nl_errno(r);
	(void)nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, take_link, &reading);
	r = send_request(socket);
	if (r >= 0)
		r = nl_recvmsgs_default(socket);
	return r < 0 ? nl_errno(r) : reading.r;
}

int link_dump(struct link_list *list)
{
	int r = -EINTR;

	/* -EINTR: devices were added or removed meanwhile, so that one may be missing. */
	for (int i = 0; i < TRIES && r == -EINTR; i++)
		r = dump_once(list);
	list->complete = r == 0;
	return r == -EINTR ? 0 : r;
}
