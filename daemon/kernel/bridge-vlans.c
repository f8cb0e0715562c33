#include "daemon/kernel/bridge-vlans.h"

#include "lib/base/array.h"

#include <linux/filter.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

/* Of a host with a thousand machines: many ports are none of ours. */
#define PORTS_MAX 4096

/* The bridge tells of its ports in its own address family, by the group of all links. */
static struct sock_filter instructions[] = {
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, NLMSG_HDRLEN + offsetof(struct ifinfomsg, ifi_family)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_BRIDGE, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	BPF_STMT(BPF_RET | BPF_K, 0),
};

static const struct sock_fprog filter = { ARRAY_SIZE(instructions), instructions };

static const struct {
	struct ifinfomsg head;
	struct nlattr attribute;
	uint32_t mask;
} request = {
	.head.ifi_family = AF_BRIDGE,
	.attribute = { .nla_len = sizeof(struct nlattr) + sizeof(uint32_t),
		       .nla_type = IFLA_EXT_MASK },
	.mask = RTEXT_FILTER_BRVLAN,
};

static bool is_wanted(const struct nl_mirror_scope *ports, int port)
{
	for (unsigned i = 0; i < ports->n; i++)
		if (ports->ifindexes[i] == port)
			return true;
	return false;
}

/* Of a range the first one has flags as all of them. */
static void take_vlans(struct nlattr *parent, struct bridge_vlans_entry *entry)
{
	struct nlattr *attribute;
	int left;

	nla_for_each_nested(attribute, parent, left)
	{
		struct bridge_vlan_info info;

		if (nla_type(attribute) != IFLA_BRIDGE_VLAN_INFO ||
		    nla_len(attribute) != (int)sizeof(info))
			continue;
		memcpy(&info, nla_data(attribute), sizeof(info));
		if (!(info.flags & BRIDGE_VLAN_INFO_UNTAGGED))
			continue;
		if (!entry->untagged || info.flags & BRIDGE_VLAN_INFO_PVID)
			entry->untagged = info.vid;
	}
}

enum nl_mirror_news bridge_vlans_parse(struct nlmsghdr *message,
				       const struct nl_mirror_scope *ports, void *ret)
{
	const struct ifinfomsg *head = nlmsg_data(message);
	struct nlattr *parts[IFLA_MAX + 1];
	struct bridge_vlans_entry *entry = ret;

	if ((message->nlmsg_type != RTM_NEWLINK && message->nlmsg_type != RTM_DELLINK) ||
	    !nlmsg_valid_hdr(message, sizeof(*head)) || head->ifi_family != AF_BRIDGE ||
	    !is_wanted(ports, head->ifi_index) ||
	    nlmsg_parse(message, sizeof(*head), parts, IFLA_MAX, NULL) < 0)
		return NL_MIRROR_NONE;
	entry->port = head->ifi_index;
	if (message->nlmsg_type == RTM_DELLINK)
		return NL_MIRROR_GONE;
	if (parts[IFLA_AF_SPEC])
		take_vlans(parts[IFLA_AF_SPEC], entry);
	return NL_MIRROR_IS;
}

const struct nl_mirror_kind bridge_vlans_kind = {
	.what = "the VLANs of bridges' ports",
	.table = { sizeof(struct bridge_vlans_entry), offsetof(struct bridge_vlans_entry, untagged),
		   PORTS_MAX },
	.dump_type = RTM_GETLINK,
	.request = &request,
	.request_size = sizeof(request),
	.groups = { RTNLGRP_LINK },
	.filter = &filter,
	.parse = bridge_vlans_parse,
};
