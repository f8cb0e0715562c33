#include "daemon/kernel/address-monitor.h"

#include "daemon/kernel/link-above.h"
#include "lib/base/cleanup.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>
#include <sys/socket.h>

/* More devices than a team has above it; each costs a walk over all devices. */
#define ABOVE_MAX 256

struct address_monitor {
	struct nl_mirror *mirror;
};

static const struct ifaddrmsg request = { .ifa_family = AF_UNSPEC };

static const struct nla_policy policy[IFA_MAX + 1] = {
	[IFA_ADDRESS] = { .type = NLA_UNSPEC, .minlen = 4, .maxlen = 16 },
	[IFA_LOCAL] = { .type = NLA_UNSPEC, .minlen = 4, .maxlen = 16 },
	[IFA_FLAGS] = { .type = NLA_U32 },
};

/* An IPv6 address that is still being checked for being in use elsewhere, or is: it must not be
 * told to others. An optimistic one may be used. */
static bool is_unusable(const struct ifaddrmsg *head, struct nlattr *attribute)
{
	uint32_t flags = attribute ? nla_get_u32(attribute) : head->ifa_flags;

	return flags & IFA_F_DADFAILED || (flags & IFA_F_TENTATIVE && !(flags & IFA_F_OPTIMISTIC));
}

enum nl_mirror_news address_parse(struct nlmsghdr *message, const struct nl_mirror_scope *scope,
				  void *ret)
{
	const struct ifaddrmsg *head = nlmsg_data(message);
	struct nlattr *parts[IFA_MAX + 1], *address;
	struct address_entry *entry = ret;
	int size;

	if ((message->nlmsg_type != RTM_NEWADDR && message->nlmsg_type != RTM_DELADDR) ||
	    !nlmsg_valid_hdr(message, sizeof(*head)) ||
	    (head->ifa_family != AF_INET && head->ifa_family != AF_INET6) ||
	    nlmsg_parse(message, sizeof(*head), parts, IFA_MAX, policy) < 0)
		return NL_MIRROR_NONE;
	/* On a point-to-point link the other one is the partner's. */
	address = parts[IFA_LOCAL] ? parts[IFA_LOCAL] : parts[IFA_ADDRESS];
	size = head->ifa_family == AF_INET ? 4 : 16;
	if (!address || nla_len(address) != size)
		return NL_MIRROR_NONE;
	entry->ifindex = (int)head->ifa_index;
	entry->family = head->ifa_family;
	entry->prefix = head->ifa_prefixlen;
	memcpy(entry->bytes, nla_data(address), (size_t)size);
	if (message->nlmsg_type == RTM_DELADDR || is_unusable(head, parts[IFA_FLAGS]))
		return NL_MIRROR_GONE;
	return NL_MIRROR_IS;
}

static const struct nl_mirror_kind kind = {
	.what = "IP addresses",
	.table = { sizeof(struct address_entry), sizeof(struct address_entry),
		   ADDRESS_MONITOR_MAX },
	.dump_type = RTM_GETADDR,
	.request = &request,
	.request_size = sizeof(request),
	.groups = { RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR },
	.parse = address_parse,
};

/* They are looked at when they are needed. */
static void on_changed(void *userdata, const void *entry, bool gone)
{
}

int address_monitor_new(struct worker *worker, struct address_monitor **ret, struct err *e)
{
	const struct nl_mirror_scope all = {};
	cleanup(freep) struct address_monitor *monitor = calloc(1, sizeof(*monitor));
	int r;

	if (!monitor)
		return err_errno(e, -ENOMEM, "cannot listen to changes of IP addresses");
	r = nl_mirror_new(&kind, worker, on_changed, monitor, &monitor->mirror, e);
	if (r < 0)
		return r;
	nl_mirror_set_scope(monitor->mirror, &all);
	*ret = steal_ptr(monitor);
	return 0;
}

void address_monitor_free(struct address_monitor *monitor)
{
	if (!monitor)
		return;
	nl_mirror_free(monitor->mirror);
	free(monitor);
}

int address_monitor_fd(const struct address_monitor *monitor)
{
	return nl_mirror_fd(monitor->mirror);
}

void address_monitor_dispatch(struct address_monitor *monitor)
{
	nl_mirror_dispatch(monitor->mirror);
}

struct gathering {
	const struct link_above *above;
	size_t n_above;
	struct address_above *ret;
	size_t n, room;
};

static bool is_there(const struct gathering *gathering, const struct address_above *wanted)
{
	for (size_t i = 0; i < gathering->n; i++) {
		const struct address_above *have = &gathering->ret[i];

		if (have->address.family == wanted->address.family && have->vlan == wanted->vlan &&
		    memcmp(have->address.bytes, wanted->address.bytes, 16) == 0)
			return true;
	}
	return false;
}

static bool gather(void *userdata, const void *entry)
{
	const struct address_entry *address = entry;
	struct gathering *gathering = userdata;

	for (size_t i = 0; i < gathering->n_above && gathering->n < gathering->room; i++) {
		const struct link_above *above = &gathering->above[i];
		struct address_above found = { *address, above->link->mac, above->vlan };

		/* With two prefixes it is still one address. */
		if (above->link->ifindex == address->ifindex && !is_there(gathering, &found))
			gathering->ret[gathering->n++] = found;
	}
	return gathering->n < gathering->room;
}

size_t address_monitor_above(const struct address_monitor *monitor,
			     const struct link_monitor *links, int ifindex,
			     struct address_above *ret, size_t n)
{
	struct link_above above[ABOVE_MAX];
	struct gathering gathering = { .above = above, .ret = ret, .room = n };

	gathering.n_above = link_above(link_monitor_table(links), ifindex, above, ABOVE_MAX);
	mirror_table_each(nl_mirror_table(monitor->mirror), gather, &gathering);
	return gathering.n;
}
