#include "daemon/kernel/fdb-monitor.h"

#include "daemon/kernel/bridge-vlans.h"
#include "lib/base/array.h"
#include "lib/base/cleanup.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

static_assert(offsetof(struct fdb_entry, port) == sizeof(int) + sizeof(uint16_t) + MAC_SIZE,
	      "nothing between the fields of the key");

struct fdb_monitor {
	struct worker *worker;
	fdb_changed *changed;
	void *userdata;
	int epoll;                /* Stays the same while the mirror comes and goes. */
	struct nl_mirror *mirror; /* NULL: nobody wants anything. */
	struct nl_mirror *vlans;  /* As long as 'mirror'. */
	struct nl_mirror_scope bridges;
	struct nl_mirror_scope ports;
};

/* The kernel tells of the neighbours of IP by the same group, which change all the time. The filter
 * reads the host's numbers as if they came from the network. */
static struct sock_filter instructions[] = {
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, NLMSG_HDRLEN + offsetof(struct ndmsg, ndm_family)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_BRIDGE, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	BPF_STMT(BPF_RET | BPF_K, 0),
};

static const struct sock_fprog filter = { ARRAY_SIZE(instructions), instructions };

static const struct ndmsg request = { .ndm_family = AF_BRIDGE };

static const struct nla_policy policy[NDA_MAX + 1] = {
	[NDA_LLADDR] = { .type = NLA_UNSPEC, .minlen = MAC_SIZE, .maxlen = MAC_SIZE },
	[NDA_VLAN] = { .type = NLA_U16 },
	[NDA_MASTER] = { .type = NLA_U32 },
};

static bool is_wanted(const struct nl_mirror_scope *bridges, int bridge)
{
	for (unsigned i = 0; i < bridges->n; i++)
		if (bridges->ifindexes[i] == bridge)
			return true;
	return false;
}

enum nl_mirror_news fdb_parse(struct nlmsghdr *message, const struct nl_mirror_scope *bridges,
			      void *ret)
{
	const struct ndmsg *head = nlmsg_data(message);
	struct nlattr *parts[NDA_MAX + 1];
	struct fdb_entry *entry = ret;

	if ((message->nlmsg_type != RTM_NEWNEIGH && message->nlmsg_type != RTM_DELNEIGH) ||
	    !nlmsg_valid_hdr(message, sizeof(*head)) || head->ndm_family != AF_BRIDGE ||
	    nlmsg_parse(message, sizeof(*head), parts, NDA_MAX, policy) < 0)
		return NL_MIRROR_NONE;
	/* Without a bridge it is the address list of a NIC, or a tunnel's table. */
	if (!parts[NDA_MASTER] || !parts[NDA_LLADDR])
		return NL_MIRROR_NONE;
	entry->bridge = (int)nla_get_u32(parts[NDA_MASTER]);
	if (!is_wanted(bridges, entry->bridge))
		return NL_MIRROR_NONE;
	memcpy(&entry->mac, nla_data(parts[NDA_LLADDR]), MAC_SIZE);
	if (parts[NDA_VLAN])
		entry->vlan = nla_get_u16(parts[NDA_VLAN]);
	entry->port = head->ndm_ifindex;
	entry->permanent = (head->ndm_state & (NUD_PERMANENT | NUD_NOARP)) != 0;
	return message->nlmsg_type == RTM_NEWNEIGH ? NL_MIRROR_IS : NL_MIRROR_GONE;
}

static const struct nl_mirror_kind kind = {
	.what = "the forwarding databases of bridges",
	.table = { sizeof(struct fdb_entry), offsetof(struct fdb_entry, port), FDB_MONITOR_MAX },
	.dump_type = RTM_GETNEIGH,
	.request = &request,
	.request_size = sizeof(request),
	.groups = { RTNLGRP_NEIGH },
	.filter = &filter,
	.parse = fdb_parse,
};

static void on_changed(void *userdata, const void *entry, bool gone)
{
	struct fdb_monitor *monitor = userdata;

	monitor->changed(monitor->userdata, entry, gone);
}

static void on_vlans_changed(void *userdata, const void *entry, bool gone)
{
	struct fdb_monitor *monitor = userdata;

	monitor->changed(monitor->userdata, NULL, gone);
}

void fdb_monitor_free(struct fdb_monitor *monitor)
{
	if (!monitor)
		return;
	nl_mirror_free(monitor->mirror);
	nl_mirror_free(monitor->vlans);
	closep(&monitor->epoll);
	free(monitor);
}

int fdb_monitor_new(struct worker *worker, fdb_changed *changed, void *userdata,
		    struct fdb_monitor **ret, struct err *e)
{
	struct fdb_monitor *monitor = calloc(1, sizeof(*monitor));

	if (!monitor)
		return err_errno(e, -ENOMEM, "cannot listen to changes of %s", kind.what);
	monitor->worker = worker;
	monitor->changed = changed;
	monitor->userdata = userdata;
	monitor->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (monitor->epoll < 0) {
		int r = err_errno(e, -errno, "cannot listen to changes of %s", kind.what);

		free(monitor);
		return r;
	}
	*ret = monitor;
	return 0;
}

int fdb_monitor_fd(const struct fdb_monitor *monitor)
{
	return monitor->epoll;
}

void fdb_monitor_dispatch(struct fdb_monitor *monitor)
{
	if (monitor->vlans)
		nl_mirror_dispatch(monitor->vlans);
	if (monitor->mirror)
		nl_mirror_dispatch(monitor->mirror);
}

/* Who listens is told of the end of what it knew, as with any other change. */
static void stop(struct fdb_monitor *monitor)
{
	if (monitor->mirror)
		nl_mirror_forget(monitor->mirror);
	nl_mirror_free(steal_ptr(monitor->mirror));
	nl_mirror_free(steal_ptr(monitor->vlans));
	monitor->bridges = (struct nl_mirror_scope){};
	monitor->ports = (struct nl_mirror_scope){};
}

static int wait_for(struct fdb_monitor *monitor, const struct nl_mirror *mirror)
{
	struct epoll_event event = { .events = EPOLLIN };

	return epoll_ctl(monitor->epoll, EPOLL_CTL_ADD, nl_mirror_fd(mirror), &event) < 0 ? -errno
											  : 0;
}

static int start(struct fdb_monitor *monitor, struct err *e)
{
	int r = nl_mirror_new(&bridge_vlans_kind, monitor->worker, on_vlans_changed, monitor,
			      &monitor->vlans, e);

	if (r == 0)
		r = nl_mirror_new(&kind, monitor->worker, on_changed, monitor, &monitor->mirror, e);
	if (r < 0)
		return r;
	r = wait_for(monitor, monitor->vlans);
	if (r == 0)
		r = wait_for(monitor, monitor->mirror);
	return r < 0 ? err_errno(e, r, "cannot listen to changes of %s", kind.what) : 0;
}

static bool same_scope(const struct nl_mirror_scope *a, const struct nl_mirror_scope *b)
{
	return a->n == b->n &&
	       memcmp(a->ifindexes, b->ifindexes, a->n * sizeof(a->ifindexes[0])) == 0;
}

int fdb_monitor_watch(struct fdb_monitor *monitor, const struct nl_mirror_scope *bridges,
		      const struct nl_mirror_scope *ports, struct err *e)
{
	int r = 0;

	if (!bridges->n) {
		stop(monitor);
		return 0;
	}
	if (!monitor->mirror)
		r = start(monitor, e);
	if (r < 0) {
		stop(monitor);
		return r;
	}
	if (!same_scope(&monitor->ports, ports)) {
		monitor->ports = *ports;
		nl_mirror_set_scope(monitor->vlans, ports);
	}
	if (!same_scope(&monitor->bridges, bridges)) {
		monitor->bridges = *bridges;
		nl_mirror_set_scope(monitor->mirror, bridges);
	}
	return 0;
}

uint16_t fdb_monitor_untagged(const struct fdb_monitor *monitor, int port)
{
	const struct bridge_vlans_entry *entry =
		monitor->vlans ? mirror_table_find(nl_mirror_table(monitor->vlans), &port) : NULL;

	return entry ? (uint16_t)entry->untagged : 0;
}

void fdb_monitor_each(const struct fdb_monitor *monitor,
		      bool (*each)(void *userdata, const void *entry), void *userdata)
{
	if (monitor->mirror)
		mirror_table_each(nl_mirror_table(monitor->mirror), each, userdata);
}

bool fdb_monitor_is_full(const struct fdb_monitor *monitor)
{
	return monitor->mirror && nl_mirror_is_full(monitor->mirror);
}
