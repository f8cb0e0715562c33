/* What a netlink message says of a network device. */
#include "daemon/kernel/link-table.h"

#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <string.h>

static const struct nla_policy policy[IFLA_MAX + 1] = {
	[IFLA_IFNAME] = { .type = NLA_STRING, .minlen = 2, .maxlen = IFNAMSIZ },
	[IFLA_IFALIAS] = { .type = NLA_STRING, .minlen = 1, .maxlen = 256 },
	[IFLA_MTU] = { .type = NLA_U32 },
	[IFLA_MASTER] = { .type = NLA_U32 },
	[IFLA_CARRIER_UP_COUNT] = { .type = NLA_U32 },
	[IFLA_CARRIER_DOWN_COUNT] = { .type = NLA_U32 },
	[IFLA_LINKINFO] = { .type = NLA_NESTED },
	[IFLA_LINK] = { .type = NLA_U32 },
};

static const struct nla_policy info_policy[IFLA_INFO_MAX + 1] = {
	[IFLA_INFO_KIND] = { .type = NLA_STRING, .minlen = 1 },
	[IFLA_INFO_DATA] = { .type = NLA_NESTED },
};

static const struct nla_policy vlan_policy[IFLA_VLAN_MAX + 1] = {
	[IFLA_VLAN_ID] = { .type = NLA_U16 },
	[IFLA_VLAN_PROTOCOL] = { .type = NLA_U16 },
};

static uint32_t number(struct nlattr *attribute)
{
	return attribute ? nla_get_u32(attribute) : 0;
}

static struct mac address(struct nlattr *attribute)
{
	struct mac mac = {};

	if (attribute && nla_len(attribute) == MAC_SIZE)
		memcpy(&mac, nla_data(attribute), MAC_SIZE);
	return mac;
}

/* Old kernels tell no protocol: then it is that of 802.1Q. */
static uint16_t parse_vlan(struct nlattr *data)
{
	struct nlattr *parts[IFLA_VLAN_MAX + 1];

	if (!data || nla_parse_nested(parts, IFLA_VLAN_MAX, data, vlan_policy) < 0 ||
	    !parts[IFLA_VLAN_ID])
		return 0;
	if (parts[IFLA_VLAN_PROTOCOL] &&
	    nla_get_u16(parts[IFLA_VLAN_PROTOCOL]) != htons(ETH_P_8021Q))
		return 0;
	return nla_get_u16(parts[IFLA_VLAN_ID]);
}

static bool parse_kind(struct nlattr *linkinfo, struct link *link)
{
	struct nlattr *info[IFLA_INFO_MAX + 1];

	if (!linkinfo)
		return true;
	if (nla_parse_nested(info, IFLA_INFO_MAX, linkinfo, info_policy) < 0)
		return false;
	if (info[IFLA_INFO_KIND])
		(void)snprintf(link->kind, sizeof(link->kind), "%s",
			       nla_get_string(info[IFLA_INFO_KIND]));
	if (strcmp(link->kind, "vlan") == 0)
		link->vlan = parse_vlan(info[IFLA_INFO_DATA]);
	return true;
}

/* Events of wireless extensions carry only their own attribute; all that tells of a device has an
 * MTU and the carrier counters. */
static bool is_whole(struct nlattr **attributes)
{
	return attributes[IFLA_IFNAME] && attributes[IFLA_MTU] &&
	       attributes[IFLA_CARRIER_UP_COUNT] && attributes[IFLA_CARRIER_DOWN_COUNT] &&
	       !attributes[IFLA_WIRELESS];
}

static bool parse_attributes(struct nlmsghdr *message, struct link *link)
{
	struct nlattr *attributes[IFLA_MAX + 1];

	if (nlmsg_parse(message, sizeof(struct ifinfomsg), attributes, IFLA_MAX, policy) < 0 ||
	    !is_whole(attributes) || !parse_kind(attributes[IFLA_LINKINFO], link))
		return false;
	(void)snprintf(link->name, sizeof(link->name), "%s",
		       nla_get_string(attributes[IFLA_IFNAME]));
	if (attributes[IFLA_IFALIAS])
		(void)snprintf(link->alias, sizeof(link->alias), "%s",
			       nla_get_string(attributes[IFLA_IFALIAS]));
	link->mac = address(attributes[IFLA_ADDRESS]);
	link->permanent_mac = address(attributes[IFLA_PERM_ADDRESS]);
	link->carrier_up_count = number(attributes[IFLA_CARRIER_UP_COUNT]);
	link->carrier_down_count = number(attributes[IFLA_CARRIER_DOWN_COUNT]);
	link->mtu = number(attributes[IFLA_MTU]);
	link->master = (int)number(attributes[IFLA_MASTER]);
	/* With a namespace's number it is an ifindex of there. */
	if (!attributes[IFLA_LINK_NETNSID])
		link->lower = (int)number(attributes[IFLA_LINK]);
	return true;
}

enum link_news link_parse(struct nlmsghdr *message, struct link *ret)
{
	const struct ifinfomsg *info = nlmsg_data(message);

	if ((message->nlmsg_type != RTM_NEWLINK && message->nlmsg_type != RTM_DELLINK) ||
	    !nlmsg_valid_hdr(message, sizeof(*info)))
		return LINK_NEWS_NONE;
	/* The bridge tells of its ports by the same messages, in its own address family: there
	 * "deleted" means that the device has left the bridge. */
	if (info->ifi_family != AF_UNSPEC || info->ifi_index <= 0)
		return LINK_NEWS_NONE;
	*ret = (struct link){ .ifindex = info->ifi_index, .full_duplex = true };
	if (message->nlmsg_type == RTM_DELLINK)
		return LINK_NEWS_GONE;
	ret->ethernet = info->ifi_type == ARPHRD_ETHER && !(info->ifi_flags & IFF_LOOPBACK);
	ret->up = info->ifi_flags & IFF_UP;
	ret->carrier = info->ifi_flags & IFF_LOWER_UP;
	return parse_attributes(message, ret) ? LINK_NEWS_STATE : LINK_NEWS_NONE;
}
