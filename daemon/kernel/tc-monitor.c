#include "daemon/kernel/tc-monitor.h"

#include "daemon/kernel/nl-socket.h"
#include "lib/base/array.h"
#include "lib/base/cleanup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/socket.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#define MESSAGE_SIZE 8192

/* In one turn of the main loop, so that others get theirs. */
#define MESSAGES 256

#define PARENT_OFFSET (NLMSG_HDRLEN + offsetof(struct tcmsg, tcm_parent))

struct tc_monitor {
	struct nl_sock *socket;
};

/* The filter reads the host's numbers as if they came from the network. */
static int set_filter(int fd)
{
	struct sock_filter instructions[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELQDISC), 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWTFILTER), 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELTFILTER), 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELCHAIN), 0, 6),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, PARENT_OFFSET),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(TC_H_CLSACT), 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(TC_H_MAKE(TC_H_CLSACT, 0)), 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)),
			 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)),
			 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog program = { ARRAY_SIZE(instructions), instructions };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -errno
											   : 0;
}

void tc_monitor_close(struct tc_monitor *monitor)
{
	if (!monitor)
		return;
	nl_socket_free(monitor->socket);
	free(monitor);
}

DEFINE_CLEANUP(struct tc_monitor, tc_monitor_close)

static int subscribe(struct tc_monitor *monitor)
{
	int r;

	monitor->socket = nl_socket_alloc();
	if (!monitor->socket)
		return -ENOMEM;
	r = nl_connect(monitor->socket, NETLINK_ROUTE);
	if (r >= 0)
		r = nl_socket_set_nonblocking(monitor->socket);
	if (r < 0)
		return nl_errno(r);
	r = set_filter(nl_socket_get_fd(monitor->socket));
	if (r < 0)
		return r;
	return nl_errno(nl_socket_add_membership(monitor->socket, RTNLGRP_TC));
}

int tc_monitor_open(struct tc_monitor **ret, struct err *e)
{
	cleanup(tc_monitor_closep) struct tc_monitor *monitor = calloc(1, sizeof(*monitor));
	int r = monitor ? subscribe(monitor) : -ENOMEM;

	if (r < 0)
		return err_errno(e, r, "cannot listen to changes of traffic filters");
	*ret = steal_ptr(monitor);
	return 0;
}

int tc_monitor_fd(const struct tc_monitor *monitor)
{
	return nl_socket_get_fd(monitor->socket);
}

union buffer {
	struct nlmsghdr message;
	uint8_t bytes[MESSAGE_SIZE];
};

/* The head of the first message says it all; what comes after it may be cut off. */
void tc_monitor_dispatch(struct tc_monitor *monitor, tc_monitor_changed *changed, void *userdata)
{
	for (unsigned i = 0; i < MESSAGES; i++) {
		union buffer buffer;
		struct sockaddr_nl from = {};
		socklen_t size = sizeof(from);
		ssize_t n = recvfrom(nl_socket_get_fd(monitor->socket), &buffer, sizeof(buffer),
				     MSG_DONTWAIT, (struct sockaddr *)&from, &size);

		if (n < 0 && errno == ENOBUFS)
			changed(userdata, 0);
		else if (n < 0 && errno != EINTR)
			return;
		/* Processes may send to the group too; only the kernel is believed. */
		else if (n >= (ssize_t)nlmsg_size(sizeof(struct tcmsg)) && from.nl_pid == 0)
			changed(userdata,
				((const struct tcmsg *)nlmsg_data(&buffer.message))->tcm_ifindex);
	}
}
