#include "tests/net/datapath/lab.h"

#include "daemon/kernel/bpf-tcx.h"
#include "daemon/kernel/rtnl-message.h"

#include <arpa/inet.h>
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/pkt_sched.h>
#include <linux/veth.h>
#include <netlink/attr.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>

/* IFF_LOWER_UP: <linux/if.h> and <net/if.h> exclude each other. */
#define LOWER_UP (1u << 16)
#define PATIENCE_MS 5000
#define IF_OPER_UP 6 /* Of <linux/if.h> likewise. */

static void must(int r, const struct err *e, const char *what)
{
	ck_assert_msg(r >= 0, "%s: %s", what, e->text);
}

int lab_namespace(void)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static void lo_up(struct rtnl *rtnl)
{
	struct err e;

	must(rtnl_set_up(rtnl, 1, true, &e), &e, "lo");
}

/* IPv6 would send frames of its own, which tests would count. */
static void silence_ipv6(void)
{
	cleanup(fclosep) FILE *file = fopen("/proc/sys/net/ipv6/conf/default/disable_ipv6", "we");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs("1", file), 0);
}

void lab_enter(int namespace)
{
	ck_assert_int_eq(setns(namespace, CLONE_NEWNET), 0);
}

void lab_start(struct lab *lab)
{
	struct err e;

	ck_assert_int_eq(unshare(CLONE_NEWNET | CLONE_NEWNS), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	ck_assert_int_eq(mount("bpf", LAB_BPFFS, "bpf", 0, NULL), 0);
	lab->partner = lab_namespace();
	silence_ipv6();
	must(rtnl_open(&lab->partner_rtnl, &e), &e, "rtnl_open");
	lo_up(lab->partner_rtnl);
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	lab->host = lab_namespace();
	silence_ipv6();
	must(rtnl_open(&lab->rtnl, &e), &e, "rtnl_open");
	lo_up(lab->rtnl);
}

void lab_stop(struct lab *lab)
{
	rtnl_close(lab->rtnl);
	rtnl_close(lab->partner_rtnl);
	(void)close(lab->host);
	(void)close(lab->partner);
}

static void request(struct rtnl *rtnl, struct nl_msg *message)
{
	struct err e;

	must(rtnl_request(rtnl, message, NULL, &e), &e, "request");
}

static struct nl_msg *new_link(int ifindex)
{
	const struct ifinfomsg head = { .ifi_index = ifindex };
	struct nl_msg *message = rtnl_link_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &head);

	ck_assert_ptr_nonnull(message);
	return message;
}

/* 'peer_name' and 'namespace' (or -1) are of a veth's other end. */
static void put_peer(struct nl_msg *message, int ifindex, const char *peer_name, int namespace)
{
	struct ifinfomsg head = { .ifi_index = ifindex };
	struct nlattr *data = nla_nest_start(message, IFLA_INFO_DATA);
	struct nlattr *peer = nla_nest_start(message, VETH_INFO_PEER);

	nlmsg_append(message, &head, sizeof(head), NLMSG_ALIGNTO);
	nla_put_string(message, IFLA_IFNAME, peer_name);
	if (namespace >= 0)
		nla_put_u32(message, IFLA_NET_NS_FD, (uint32_t) namespace);
	nla_nest_end(message, peer);
	nla_nest_end(message, data);
}

int lab_cable(struct lab *lab, const char *name, int ifindex)
{
	cleanup(nlmsg_freep) struct nl_msg *message = new_link(ifindex);
	struct nlattr *info;
	char peer_name[IFNAMSIZ];
	struct err e;

	(void)snprintf(peer_name, sizeof(peer_name), "p%s", name);
	nla_put_string(message, IFLA_IFNAME, name);
	info = nla_nest_start(message, IFLA_LINKINFO);
	nla_put_string(message, IFLA_INFO_KIND, "veth");
	put_peer(message, ifindex, peer_name, lab->partner);
	nla_nest_end(message, info);
	request(lab->rtnl, message);
	must(rtnl_set_mtu(lab->partner_rtnl, ifindex, 9000, &e), &e, "MTU");
	must(rtnl_set_up(lab->partner_rtnl, ifindex, true, &e), &e, "up");
	return ifindex;
}

static void put_mode(struct nl_msg *message, const struct lab_device *device)
{
	struct nlattr *data;

	if (!device->lower)
		return;
	data = nla_nest_start(message, IFLA_INFO_DATA);
	nla_put_u32(message, IFLA_MACVLAN_MODE, MACVLAN_MODE_BRIDGE);
	nla_nest_end(message, data);
}

int lab_add_device(struct lab *lab, const struct lab_device *device)
{
	cleanup(nlmsg_freep) struct nl_msg *message = new_link(0);
	struct nlattr *info;
	struct err e;
	int ifindex;

	nla_put_string(message, IFLA_IFNAME, device->name);
	if (device->lower)
		nla_put_u32(message, IFLA_LINK, (uint32_t)device->lower);
	info = nla_nest_start(message, IFLA_LINKINFO);
	nla_put_string(message, IFLA_INFO_KIND, device->kind);
	put_mode(message, device);
	if (device->peer_name)
		put_peer(message, 0, device->peer_name, -1);
	nla_nest_end(message, info);
	request(lab->rtnl, message);
	ifindex = lab_device(lab->rtnl, device->name).ifindex;
	must(rtnl_set_up(lab->rtnl, ifindex, true, &e), &e, "up");
	return ifindex;
}

void lab_set_master(struct lab *lab, int ifindex, int master)
{
	const struct ifinfomsg head = { .ifi_index = ifindex };
	cleanup(nlmsg_freep) struct nl_msg *message = rtnl_link_message(RTM_NEWLINK, 0, &head);

	nla_put_u32(message, IFLA_MASTER, (uint32_t)master);
	request(lab->rtnl, message);
}

void lab_move(struct rtnl *rtnl, int ifindex, int namespace)
{
	const struct ifinfomsg head = { .ifi_index = ifindex };
	cleanup(nlmsg_freep) struct nl_msg *message = rtnl_link_message(RTM_NEWLINK, 0, &head);

	nla_put_u32(message, IFLA_NET_NS_FD, (uint32_t) namespace);
	request(rtnl, message);
}

struct rtnl_device lab_device(struct rtnl *rtnl, const char *name)
{
	struct rtnl_device device;
	struct err e;

	must(rtnl_device_by_name(rtnl, name, &device, &e), &e, name);
	return device;
}

struct operation {
	bool carrier;
	uint8_t state;
};

static void see_operation(void *userdata, struct nlmsghdr *message)
{
	const struct ifinfomsg *head = nlmsg_data(message);
	struct nlattr *state = nlmsg_find_attr(message, sizeof(*head), IFLA_OPERSTATE);
	struct operation *operation = userdata;

	operation->carrier = head->ifi_flags & LOWER_UP;
	operation->state = state ? nla_get_u8(state) : 0;
}

static struct operation operation_of(struct rtnl *rtnl, const char *name)
{
	const struct ifinfomsg head = { .ifi_index = lab_device(rtnl, name).ifindex };
	cleanup(nlmsg_freep) struct nl_msg *message = rtnl_link_message(RTM_GETLINK, 0, &head);
	struct operation operation = {};
	const struct rtnl_receiver receiver = { .seen = see_operation, .userdata = &operation };
	struct err e;

	must(rtnl_request(rtnl, message, &receiver, &e), &e, name);
	return operation;
}

bool lab_carrier(struct lab *lab, const char *name)
{
	return operation_of(lab->rtnl, name).carrier;
}

void lab_await_running(struct rtnl *rtnl, const char *name)
{
	const struct timespec moment = { .tv_nsec = 1000000 };

	for (unsigned i = 0; operation_of(rtnl, name).state != IF_OPER_UP; i++) {
		ck_assert_msg(i < PATIENCE_MS, "%s does not come up", name);
		(void)nanosleep(&moment, NULL);
	}
}

bool lab_has_device(struct lab *lab, const char *name)
{
	struct rtnl_device device;
	struct err e;

	return rtnl_device_by_name(lab->rtnl, name, &device, &e) == 0;
}

void lab_add_address(struct rtnl *rtnl, int ifindex, const char *address)
{
	struct ifaddrmsg head = {
		.ifa_family = AF_INET,
		.ifa_prefixlen = 24,
		.ifa_index = (uint32_t)ifindex,
	};
	cleanup(nlmsg_freep) struct nl_msg *message =
		nlmsg_alloc_simple(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
	struct in_addr in;

	ck_assert_int_eq(inet_pton(AF_INET, address, &in), 1);
	nlmsg_append(message, &head, sizeof(head), NLMSG_ALIGNTO);
	nla_put(message, IFA_LOCAL, sizeof(in), &in);
	nla_put(message, IFA_ADDRESS, sizeof(in), &in);
	request(rtnl, message);
}

struct qdisc_search {
	int ifindex;
	bool found;
};

static void begin_search(void *userdata)
{
	struct qdisc_search *search = userdata;

	search->found = false;
}

static void see_qdisc(void *userdata, struct nlmsghdr *message)
{
	struct qdisc_search *search = userdata;
	const struct tcmsg *head = nlmsg_data(message);

	if (message->nlmsg_type == RTM_NEWQDISC && head->tcm_ifindex == search->ifindex &&
	    head->tcm_parent == TC_H_CLSACT)
		search->found = true;
}

bool lab_has_clsact(struct lab *lab, int ifindex)
{
	struct qdisc_search search = { .ifindex = ifindex };
	const struct rtnl_receiver receiver = { begin_search, see_qdisc, &search };
	struct tcmsg head = { .tcm_family = AF_UNSPEC, .tcm_ifindex = ifindex };
	cleanup(nlmsg_freep) struct nl_msg *message = nlmsg_alloc_simple(RTM_GETQDISC, 0);
	struct err e;

	nlmsg_append(message, &head, sizeof(head), NLMSG_ALIGNTO);
	must(rtnl_dump(lab->rtnl, message, &receiver, &e), &e, "qdiscs");
	return search.found;
}

unsigned lab_n_tcx(int ifindex)
{
	struct tcx_chain chain;

	return tcx_query(ifindex, BPF_PLACE_INGRESS, &chain) == 0 ? chain.n : 0;
}

struct lab_counters lab_counters(const char *name)
{
	cleanup(fclosep) FILE *file = fopen("/proc/thread-self/net/dev", "re");
	struct lab_counters counters = {};
	char line[512], device[IFNAMSIZ];

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, " %15[^:]: %*u %lu %*u %*u %*u %*u %*u %*u %*u %lu", device,
			   &counters.rx_packets, &counters.tx_packets) == 3 &&
		    strcmp(device, name) == 0)
			return counters;
	ck_abort_msg("no device %s", name);
}

unsigned lab_n_pins(void)
{
	unsigned n = 0;
	DIR *folder = opendir(LAB_PINS);
	struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		char path[512];
		DIR *inner;
		struct dirent *file;

		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), LAB_PINS "/%s", entry->d_name);
		inner = opendir(path);
		while (inner && (file = readdir(inner)))
			n += file->d_name[0] != '.';
		if (inner)
			(void)closedir(inner);
	}
	if (folder)
		(void)closedir(folder);
	return n;
}
