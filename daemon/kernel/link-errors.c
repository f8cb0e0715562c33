#include "daemon/kernel/link-errors.h"

#include "daemon/kernel/nl-socket.h"
#include "lib/base/cleanup.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdbool.h>
#include <string.h>

struct answer {
	bool known;
	uint64_t errors;
};

static int take_stats(struct nl_msg *message, void *userdata)
{
	struct nlattr *parts[IFLA_STATS_MAX + 1];
	struct rtnl_link_stats64 stats = {};
	struct answer *answer = userdata;
	int size;

	if (nlmsg_parse(nlmsg_hdr(message), sizeof(struct if_stats_msg), parts, IFLA_STATS_MAX,
			NULL) < 0 ||
	    !parts[IFLA_STATS_LINK_64])
		return NL_OK;
	/* Kernels differ in how much they tell, in the same order. */
	size = nla_len(parts[IFLA_STATS_LINK_64]);
	memcpy(&stats, nla_data(parts[IFLA_STATS_LINK_64]),
	       (size_t)size < sizeof(stats) ? (size_t)size : sizeof(stats));
	*answer = (struct answer){ true, stats.rx_errors };
	return NL_OK;
}

int link_errors(int ifindex, uint64_t *ret)
{
	cleanup(nl_socket_freep) struct nl_sock *socket = nl_socket_alloc();
	struct if_stats_msg request = {
		.ifindex = (uint32_t)ifindex,
		.filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64),
	};
	struct answer answer = {};
	int r;

	if (!socket)
		return -ENOMEM;
	r = nl_connect(socket, NETLINK_ROUTE);
	if (r < 0)
		return nl_errno(r);
	(void)nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, take_stats, &answer);
	nl_socket_disable_auto_ack(socket);
	r = nl_send_simple(socket, RTM_GETSTATS, 0, &request, sizeof(request));
	if (r >= 0)
		r = nl_recvmsgs_default(socket);
	if (r < 0)
		return nl_errno(r);
	if (!answer.known)
		return -ENODEV;
	*ret = answer.errors;
	return 0;
}
