/* Making and changing devices. */
#include "daemon/kernel/rtnl-message.h"
#include "daemon/kernel/rtnl.h"

#include "lib/base/span.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <netlink/attr.h>
#include <string.h>

/* Of newer <linux/if_link.h>s: netkit's attributes and their values. */
#define NETKIT_PEER_INFO 1
#define NETKIT_POLICY 3
#define NETKIT_PEER_POLICY 4
#define NETKIT_MODE 5
#define NETKIT_FORWARD 0
#define NETKIT_BLACKHOLE 2
#define NETKIT_L2 0

static int no_memory(struct err *e)
{
	return err_errno(e, -ENOMEM, "cannot make a request to rtnetlink");
}

static bool put_peer(struct nl_msg *message, int attribute, const struct rtnl_pair *pair)
{
	struct nlattr *peer = nla_nest_start(message, attribute);
	struct ifinfomsg head = {};

	if (!peer || nlmsg_append(message, &head, sizeof(head), NLMSG_ALIGNTO) < 0 ||
	    nla_put_string(message, IFLA_IFNAME, pair->peer_name) < 0 ||
	    nla_put_u32(message, IFLA_MTU, pair->mtu) < 0)
		return false;
	nla_nest_end(message, peer);
	return true;
}

static bool put_veth(struct nl_msg *message, const struct rtnl_pair *pair)
{
	return put_peer(message, VETH_INFO_PEER, pair);
}

static bool put_netkit(struct nl_msg *message, const struct rtnl_pair *pair)
{
	return nla_put_u32(message, NETKIT_MODE, NETKIT_L2) >= 0 &&
	       nla_put_u32(message, NETKIT_POLICY, NETKIT_BLACKHOLE) >= 0 &&
	       nla_put_u32(message, NETKIT_PEER_POLICY, NETKIT_FORWARD) >= 0 &&
	       put_peer(message, NETKIT_PEER_INFO, pair);
}

struct pair_kind {
	const char *name;
	bool (*put)(struct nl_msg *message, const struct rtnl_pair *pair);
};

static bool put_info(struct nl_msg *message, const struct pair_kind *kind,
		     const struct rtnl_pair *pair)
{
	struct nlattr *info = nla_nest_start(message, IFLA_LINKINFO);
	struct nlattr *data;

	if (!info || nla_put_string(message, IFLA_INFO_KIND, kind->name) < 0)
		return false;
	data = nla_nest_start(message, IFLA_INFO_DATA);
	if (!data || !kind->put(message, pair))
		return false;
	nla_nest_end(message, data);
	nla_nest_end(message, info);
	return true;
}

static int add_pair(struct rtnl *rtnl, const struct pair_kind *kind, const struct rtnl_pair *pair,
		    struct err *e)
{
	const struct ifinfomsg head = {};
	cleanup(nlmsg_freep) struct nl_msg *message =
		rtnl_link_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &head);

	if (!message || nla_put_string(message, IFLA_IFNAME, pair->name) < 0 ||
	    nla_put(message, IFLA_ADDRESS, MAC_SIZE, pair->mac.bytes) < 0 ||
	    nla_put_u32(message, IFLA_MTU, pair->mtu) < 0 || !put_info(message, kind, pair))
		return no_memory(e);
	return rtnl_request(rtnl, message, NULL, e);
}

int rtnl_add_veth(struct rtnl *rtnl, const struct rtnl_pair *pair, struct err *e)
{
	return add_pair(rtnl, &(const struct pair_kind){ "veth", put_veth }, pair, e);
}

int rtnl_add_netkit(struct rtnl *rtnl, const struct rtnl_pair *pair, struct err *e)
{
	return add_pair(rtnl, &(const struct pair_kind){ "netkit", put_netkit }, pair, e);
}

static bool put_kind(struct nl_msg *message, const char *kind)
{
	struct nlattr *info = nla_nest_start(message, IFLA_LINKINFO);

	if (!info || nla_put_string(message, IFLA_INFO_KIND, kind) < 0)
		return false;
	nla_nest_end(message, info);
	return true;
}

int rtnl_add_team(struct rtnl *rtnl, const struct rtnl_team *team, struct err *e)
{
	const struct ifinfomsg head = {};
	cleanup(nlmsg_freep) struct nl_msg *message =
		rtnl_link_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &head);

	if (!message || nla_put_string(message, IFLA_IFNAME, team->name) < 0 ||
	    nla_put(message, IFLA_ADDRESS, MAC_SIZE, team->mac.bytes) < 0 ||
	    nla_put_u32(message, IFLA_MTU, team->mtu) < 0 ||
	    nla_put_u32(message, IFLA_NUM_TX_QUEUES, team->n_tx_queues) < 0 ||
	    !put_kind(message, "team"))
		return no_memory(e);
	return rtnl_request(rtnl, message, NULL, e);
}

int rtnl_delete_device(struct rtnl *rtnl, int ifindex, struct err *e)
{
	const struct ifinfomsg head = { .ifi_index = ifindex };
	cleanup(nlmsg_freep) struct nl_msg *message = rtnl_link_message(RTM_DELLINK, 0, &head);

	return message ? rtnl_request(rtnl, message, NULL, e) : no_memory(e);
}

static int change(struct rtnl *rtnl, const struct ifinfomsg *head, int attribute, struct span value,
		  struct err *e)
{
	cleanup(nlmsg_freep) struct nl_msg *message = rtnl_link_message(RTM_NEWLINK, 0, head);

	if (!message || nla_put(message, attribute, (int)value.size, value.bytes) < 0)
		return no_memory(e);
	return rtnl_request(rtnl, message, NULL, e);
}

static int change_text(struct rtnl *rtnl, int ifindex, int attribute, const char *text,
		       struct err *e)
{
	const struct ifinfomsg head = { .ifi_index = ifindex };
	/* Of an alias the kernel would keep a NUL as a part. */
	size_t size = strlen(text) + (attribute == IFLA_IFNAME);

	return change(rtnl, &head, attribute, (struct span){ (const uint8_t *)text, size }, e);
}

int rtnl_set_name(struct rtnl *rtnl, int ifindex, const char *name, struct err *e)
{
	return change_text(rtnl, ifindex, IFLA_IFNAME, name, e);
}

int rtnl_set_alias(struct rtnl *rtnl, int ifindex, const char *alias, struct err *e)
{
	return change_text(rtnl, ifindex, IFLA_IFALIAS, alias, e);
}

int rtnl_set_mac(struct rtnl *rtnl, int ifindex, const struct mac *mac, struct err *e)
{
	const struct ifinfomsg head = { .ifi_index = ifindex };

	return change(rtnl, &head, IFLA_ADDRESS, (struct span){ mac->bytes, MAC_SIZE }, e);
}

int rtnl_set_mtu(struct rtnl *rtnl, int ifindex, uint32_t mtu, struct err *e)
{
	const struct ifinfomsg head = { .ifi_index = ifindex };

	return change(rtnl, &head, IFLA_MTU, (struct span){ (const uint8_t *)&mtu, sizeof(mtu) },
		      e);
}

int rtnl_set_master(struct rtnl *rtnl, int ifindex, int master, struct err *e)
{
	const struct ifinfomsg head = { .ifi_index = ifindex };
	const uint32_t value = (uint32_t)master;

	return change(rtnl, &head, IFLA_MASTER,
		      (struct span){ (const uint8_t *)&value, sizeof(value) }, e);
}

static int change_flag(struct rtnl *rtnl, int ifindex, unsigned flag, bool on, struct err *e)
{
	const struct ifinfomsg head = {
		.ifi_index = ifindex,
		.ifi_flags = on ? flag : 0,
		.ifi_change = flag,
	};
	cleanup(nlmsg_freep) struct nl_msg *message = rtnl_link_message(RTM_NEWLINK, 0, &head);

	return message ? rtnl_request(rtnl, message, NULL, e) : no_memory(e);
}

int rtnl_set_up(struct rtnl *rtnl, int ifindex, bool up, struct err *e)
{
	return change_flag(rtnl, ifindex, IFF_UP, up, e);
}

int rtnl_set_promiscuous(struct rtnl *rtnl, int ifindex, bool on, struct err *e)
{
	return change_flag(rtnl, ifindex, IFF_PROMISC, on, e);
}

static bool put_addr_gen_mode(struct nl_msg *message, uint8_t mode)
{
	struct nlattr *families = nla_nest_start(message, IFLA_AF_SPEC);
	struct nlattr *family = families ? nla_nest_start(message, AF_INET6) : NULL;

	if (!family || nla_put_u8(message, IFLA_INET6_ADDR_GEN_MODE, mode) < 0)
		return false;
	nla_nest_end(message, family);
	nla_nest_end(message, families);
	return true;
}

int rtnl_set_addr_gen_mode(struct rtnl *rtnl, int ifindex, uint8_t mode, struct err *e)
{
	const struct ifinfomsg head = { .ifi_index = ifindex };
	cleanup(nlmsg_freep) struct nl_msg *message = rtnl_link_message(RTM_NEWLINK, 0, &head);

	if (!message || !put_addr_gen_mode(message, mode))
		return no_memory(e);
	return rtnl_request(rtnl, message, NULL, e);
}
