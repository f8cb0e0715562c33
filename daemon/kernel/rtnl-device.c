/* Reading devices and their addresses. */
#include "daemon/kernel/rtnl-message.h"
#include "daemon/kernel/rtnl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <netlink/attr.h>
#include <string.h>

static void copy_text(char *to, size_t size, struct nlattr *attribute)
{
	to[0] = '\0';
	if (attribute)
		(void)nla_strlcpy(to, attribute, size);
}

static uint32_t number(struct nlattr *attribute)
{
	return attribute && nla_len(attribute) >= 4 ? nla_get_u32(attribute) : 0;
}

static void parse_kind(struct rtnl_device *device, struct nlattr *info)
{
	struct nlattr *parts[IFLA_INFO_MAX + 1] = {};

	if (info && nla_parse_nested(parts, IFLA_INFO_MAX, info, NULL) >= 0)
		copy_text(device->kind, sizeof(device->kind), parts[IFLA_INFO_KIND]);
}

static int parse_addr_gen_mode(struct nlattr *families)
{
	struct nlattr *family =
		families ? nla_find(nla_data(families), nla_len(families), AF_INET6) : NULL;
	struct nlattr *parts[IFLA_INET6_MAX + 1] = {};

	if (!family || nla_parse_nested(parts, IFLA_INET6_MAX, family, NULL) < 0 ||
	    !parts[IFLA_INET6_ADDR_GEN_MODE])
		return RTNL_NO_ADDR_GEN_MODE;
	return nla_get_u8(parts[IFLA_INET6_ADDR_GEN_MODE]);
}

static bool parse_device(struct nlmsghdr *message, struct rtnl_device *device)
{
	struct nlattr *parts[IFLA_MAX + 1] = {};
	const struct ifinfomsg *head = nlmsg_data(message);

	if (message->nlmsg_type != RTM_NEWLINK ||
	    nlmsg_parse(message, sizeof(*head), parts, IFLA_MAX, NULL) < 0)
		return false;
	*device = (struct rtnl_device){
		.ifindex = head->ifi_index,
		.mtu = number(parts[IFLA_MTU]),
		.ethernet = head->ifi_type == ARPHRD_ETHER && !(head->ifi_flags & IFF_LOOPBACK),
		.loopback = head->ifi_flags & IFF_LOOPBACK,
		.up = head->ifi_flags & IFF_UP,
		.promiscuous = head->ifi_flags & IFF_PROMISC,
		.master = (int)number(parts[IFLA_MASTER]),
		/* The number means something in this namespace only. */
		.lower = parts[IFLA_LINK_NETNSID] ? 0 : (int)number(parts[IFLA_LINK]),
		.addr_gen_mode = parse_addr_gen_mode(parts[IFLA_AF_SPEC]),
		.n_tx_queues = number(parts[IFLA_NUM_TX_QUEUES]),
	};
	copy_text(device->name, sizeof(device->name), parts[IFLA_IFNAME]);
	copy_text(device->alias, sizeof(device->alias), parts[IFLA_IFALIAS]);
	parse_kind(device, parts[IFLA_LINKINFO]);
	if (parts[IFLA_ADDRESS] && nla_len(parts[IFLA_ADDRESS]) == MAC_SIZE)
		memcpy(device->mac.bytes, nla_data(parts[IFLA_ADDRESS]), MAC_SIZE);
	return true;
}

struct one_device {
	struct rtnl_device device;
	bool found;
};

static void take_one(void *userdata, struct nlmsghdr *message)
{
	struct one_device *one = userdata;

	one->found = parse_device(message, &one->device) || one->found;
}

static int get_device(struct rtnl *rtnl, struct nl_msg *message, struct rtnl_device *ret,
		      struct err *e)
{
	struct one_device one = {};
	const struct rtnl_receiver receiver = { .seen = take_one, .userdata = &one };
	int r = rtnl_request(rtnl, message, &receiver, e);

	if (r < 0)
		return r;
	if (!one.found)
		return err_set(e, -ENODEV, "the kernel did not say anything about it");
	*ret = one.device;
	return 0;
}

int rtnl_device_by_index(struct rtnl *rtnl, int ifindex, struct rtnl_device *ret, struct err *e)
{
	const struct ifinfomsg head = { .ifi_index = ifindex };
	cleanup(nlmsg_freep) struct nl_msg *message = rtnl_link_message(RTM_GETLINK, 0, &head);

	if (!message)
		return err_errno(e, -ENOMEM, "cannot ask for a device");
	return get_device(rtnl, message, ret, e);
}

int rtnl_device_by_name(struct rtnl *rtnl, const char *name, struct rtnl_device *ret, struct err *e)
{
	const struct ifinfomsg head = {};
	cleanup(nlmsg_freep) struct nl_msg *message = rtnl_link_message(RTM_GETLINK, 0, &head);

	if (!message || nla_put_string(message, IFLA_IFNAME, name) < 0)
		return err_errno(e, -ENOMEM, "cannot ask for %s", name);
	return get_device(rtnl, message, ret, e);
}

struct device_list {
	struct rtnl_device *devices;
	unsigned n;
	bool out_of_memory;
};

static void begin_list(void *userdata)
{
	struct device_list *list = userdata;

	list->n = 0;
}

static void take_device(void *userdata, struct nlmsghdr *message)
{
	struct device_list *list = userdata;

	/* Doubled whenever full. */
	if ((list->n & (list->n - 1)) == 0) {
		size_t n = list->n ? list->n * 2 : 1;
		struct rtnl_device *more = reallocarray(list->devices, n, sizeof(*more));

		list->out_of_memory = list->out_of_memory || !more;
		if (!more)
			return;
		list->devices = more;
	}
	if (!list->out_of_memory && parse_device(message, &list->devices[list->n]))
		list->n++;
}

int rtnl_devices(struct rtnl *rtnl, rtnl_device_seen *seen, void *userdata, struct err *e)
{
	const struct ifinfomsg head = {};
	struct device_list list = {};
	const struct rtnl_receiver receiver = { begin_list, take_device, &list };
	cleanup(nlmsg_freep) struct nl_msg *message = rtnl_link_message(RTM_GETLINK, 0, &head);
	int r = message ? rtnl_dump(rtnl, message, &receiver, e) : -ENOMEM;

	if (r == -ENOMEM || list.out_of_memory)
		r = err_errno(e, -ENOMEM, "cannot list the devices");
	for (unsigned i = 0; r == 0 && i < list.n; i++)
		r = seen(userdata, &list.devices[i]);
	free(list.devices);
	return r;
}

struct address_search {
	int ifindex;
	bool found;
	char *text;
};

static void begin_search(void *userdata)
{
	struct address_search *search = userdata;

	search->found = false;
}

static void take_address(void *userdata, struct nlmsghdr *message)
{
	struct address_search *search = userdata;
	const struct ifaddrmsg *head = nlmsg_data(message);
	struct nlattr *parts[IFA_MAX + 1] = {};
	struct nlattr *address;

	if (message->nlmsg_type != RTM_NEWADDR || (int)head->ifa_index != search->ifindex ||
	    head->ifa_scope == RT_SCOPE_LINK || search->found ||
	    nlmsg_parse(message, sizeof(*head), parts, IFA_MAX, NULL) < 0)
		return;
	address = parts[IFA_LOCAL] ? parts[IFA_LOCAL] : parts[IFA_ADDRESS];
	search->found = address && inet_ntop(head->ifa_family, nla_data(address), search->text,
					     RTNL_ADDRESS_SIZE);
}

int rtnl_address_on(struct rtnl *rtnl, int ifindex, char text[static RTNL_ADDRESS_SIZE],
		    struct err *e)
{
	const struct ifaddrmsg head = {};
	struct address_search search = { .ifindex = ifindex, .text = text };
	const struct rtnl_receiver receiver = { begin_search, take_address, &search };
	cleanup(nlmsg_freep) struct nl_msg *message = nlmsg_alloc_simple(RTM_GETADDR, 0);
	int r;

	if (!message ||
	    nlmsg_append(message, (void *)(uintptr_t)&head, sizeof(head), NLMSG_ALIGNTO) < 0)
		return err_errno(e, -ENOMEM, "cannot list the addresses");
	r = rtnl_dump(rtnl, message, &receiver, e);
	return r < 0 ? r : search.found;
}

struct one_count {
	struct rtnl_counters counters;
	bool found;
};

static void take_counters(void *userdata, struct nlmsghdr *message)
{
	struct nlattr *parts[IFLA_MAX + 1] = {};
	struct rtnl_link_stats64 stats = {};
	struct one_count *one = userdata;

	if (message->nlmsg_type != RTM_NEWLINK ||
	    nlmsg_parse(message, sizeof(struct ifinfomsg), parts, IFLA_MAX, NULL) < 0 ||
	    !parts[IFLA_STATS64])
		return;
	/* Older kernels know fewer of them. */
	(void)nla_memcpy(&stats, parts[IFLA_STATS64], sizeof(stats));
	one->found = true;
	one->counters = (struct rtnl_counters){
		.rx_packets = stats.rx_packets,
		.rx_bytes = stats.rx_bytes,
		.tx_packets = stats.tx_packets,
		.tx_bytes = stats.tx_bytes,
		.rx_nohandler = stats.rx_nohandler,
		.tx_dropped = stats.tx_dropped,
	};
}

int rtnl_device_counters(struct rtnl *rtnl, int ifindex, struct rtnl_counters *ret, struct err *e)
{
	const struct ifinfomsg head = { .ifi_index = ifindex };
	cleanup(nlmsg_freep) struct nl_msg *message = rtnl_link_message(RTM_GETLINK, 0, &head);
	struct one_count one = {};
	const struct rtnl_receiver receiver = { .seen = take_counters, .userdata = &one };
	int r;

	if (!message)
		return err_errno(e, -ENOMEM, "cannot ask for a device's counters");
	r = rtnl_request(rtnl, message, &receiver, e);
	if (r < 0)
		return r;
	if (!one.found)
		return err_set(e, -ENODATA, "the kernel did not say anything about its counters");
	*ret = one.counters;
	return 0;
}
