#include "tests/net/kernel/lab.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <net/if.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/link/vlan.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TIMEOUT_S 60

static int open_namespace(void)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

struct nl_sock *lab_connect(void)
{
	struct nl_sock *socket = nl_socket_alloc();

	ck_assert_ptr_nonnull(socket);
	ck_assert_int_eq(nl_connect(socket, NETLINK_ROUTE), 0);
	return socket;
}

void lab_start(struct lab *lab)
{
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	lab->partner_fd = open_namespace();
	lab->partner = lab_connect();
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	lab->host_fd = open_namespace();
	lab->host = lab_connect();
}

void lab_stop(struct lab *lab)
{
	nl_socket_free(lab->host);
	nl_socket_free(lab->partner);
	(void)close(lab->host_fd);
	(void)close(lab->partner_fd);
}

void lab_move(int namespace_fd)
{
	ck_assert_int_eq(setns(namespace_fd, CLONE_NEWNET), 0);
}

static void check(int r, const char *what)
{
	ck_assert_msg(r >= 0, "cannot %s: %s", what, nl_geterror(r));
}

void lab_add_cable(struct lab *lab, const char *name, int ifindex)
{
	struct rtnl_link *link = rtnl_link_veth_alloc();
	struct rtnl_link *peer = rtnl_link_veth_get_peer(link);

	rtnl_link_set_name(link, name);
	rtnl_link_set_ifindex(link, ifindex);
	rtnl_link_set_name(peer, name);
	rtnl_link_set_ifindex(peer, ifindex);
	rtnl_link_set_ns_fd(peer, lab->partner_fd);
	check(rtnl_link_add(lab->host, link, NLM_F_CREATE | NLM_F_EXCL), "make a cable");
	rtnl_link_put(peer);
	rtnl_link_put(link);
}

int lab_add_bridge(struct nl_sock *socket, const char *name)
{
	struct rtnl_link *link = rtnl_link_alloc();
	int ifindex;

	rtnl_link_set_name(link, name);
	ck_assert_int_eq(rtnl_link_set_type(link, "bridge"), 0);
	check(rtnl_link_add(socket, link, NLM_F_CREATE | NLM_F_EXCL), "make a bridge");
	rtnl_link_put(link);
	ifindex = (int)if_nametoindex(name);
	ck_assert_int_gt(ifindex, 0);
	return ifindex;
}

void lab_delete(struct nl_sock *socket, int ifindex)
{
	struct rtnl_link *link = rtnl_link_alloc();

	rtnl_link_set_ifindex(link, ifindex);
	check(rtnl_link_delete(socket, link), "delete a device");
	rtnl_link_put(link);
}

static void change(struct nl_sock *socket, int ifindex, struct rtnl_link *changes)
{
	struct rtnl_link *link = rtnl_link_alloc();

	rtnl_link_set_ifindex(link, ifindex);
	check(rtnl_link_change(socket, link, changes, 0), "change a device");
	rtnl_link_put(link);
	rtnl_link_put(changes);
}

void lab_set_up(struct nl_sock *socket, int ifindex, bool up)
{
	struct rtnl_link *changes = rtnl_link_alloc();

	if (up)
		rtnl_link_set_flags(changes, IFF_UP);
	else
		rtnl_link_unset_flags(changes, IFF_UP);
	change(socket, ifindex, changes);
}

struct mac lab_mac(const char *name)
{
	struct ifreq request = {};
	struct mac mac;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	ck_assert_int_eq(ioctl(fd, SIOCGIFHWADDR, &request), 0);
	(void)close(fd);
	memcpy(&mac, request.ifr_hwaddr.sa_data, sizeof(mac));
	return mac;
}

void lab_set_master(struct nl_sock *socket, int ifindex, int master)
{
	struct rtnl_link *changes = rtnl_link_alloc();

	rtnl_link_set_master(changes, master);
	change(socket, ifindex, changes);
}

int lab_add_vlan(struct nl_sock *socket, const char *name, int lower, uint16_t vlan)
{
	struct rtnl_link *link = rtnl_link_vlan_alloc();
	int ifindex, r;

	rtnl_link_set_name(link, name);
	rtnl_link_set_link(link, lower);
	rtnl_link_vlan_set_id(link, vlan);
	r = rtnl_link_add(socket, link, NLM_F_CREATE | NLM_F_EXCL);
	rtnl_link_put(link);
	if (r == -NLE_OPNOTSUPP)
		return 0;
	check(r, "make a VLAN device");
	ifindex = (int)if_nametoindex(name);
	ck_assert_int_gt(ifindex, 0);
	return ifindex;
}

static struct rtnl_addr *make_address(int ifindex, const char *text)
{
	struct rtnl_addr *address = rtnl_addr_alloc();
	struct nl_addr *local;

	check(nl_addr_parse(text, AF_UNSPEC, &local), "read an address");
	rtnl_addr_set_ifindex(address, ifindex);
	rtnl_addr_set_local(address, local);
	rtnl_addr_set_flags(address, IFA_F_NODAD);
	nl_addr_put(local);
	return address;
}

void lab_add_address(struct nl_sock *socket, int ifindex, const char *text)
{
	struct rtnl_addr *address = make_address(ifindex, text);

	check(rtnl_addr_add(socket, address, NLM_F_CREATE | NLM_F_EXCL), "add an address");
	rtnl_addr_put(address);
}

void lab_delete_address(struct nl_sock *socket, int ifindex, const char *text)
{
	struct rtnl_addr *address = make_address(ifindex, text);

	check(rtnl_addr_delete(socket, address, 0), "delete an address");
	rtnl_addr_put(address);
}

void lab_set_mtu(struct nl_sock *socket, int ifindex, unsigned mtu)
{
	struct rtnl_link *changes = rtnl_link_alloc();

	rtnl_link_set_mtu(changes, mtu);
	change(socket, ifindex, changes);
}

void lab_set_name(struct nl_sock *socket, int ifindex, const char *name)
{
	struct rtnl_link *changes = rtnl_link_alloc();

	rtnl_link_set_name(changes, name);
	change(socket, ifindex, changes);
}

/* A device has its carrier some time before its queue, which drops all until then. */
static void await_running(struct nl_sock *socket, int ifindex)
{
	bool running = false;

	while (!running) {
		struct rtnl_link *link;

		check(rtnl_link_get_kernel(socket, ifindex, NULL, &link), "look at a device");
		running = rtnl_link_get_flags(link) & IFF_RUNNING;
		rtnl_link_put(link);
		if (!running)
			(void)poll(NULL, 0, 1);
	}
}

void lab_plug_in(struct lab *lab, int ifindex)
{
	lab_set_up(lab->partner, ifindex, true);
	lab_set_up(lab->host, ifindex, true);
	await_running(lab->host, ifindex);
	await_running(lab->partner, ifindex);
}

nsec_t lab_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (nsec_t)now.tv_sec * NSEC_PER_SEC + (nsec_t)now.tv_nsec;
}

/* In a process of its own: this one stays where it is. */
static bool can_unshare(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(unshare(CLONE_NEWNET) == 0 ? 0 : 1);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

int lab_run_suite(Suite *suite)
{
	if (geteuid() != 0 || !can_unshare()) {
		printf("1..0 # SKIP network namespaces take root's rights\n");
		return EXIT_SUCCESS;
	}
	/* What tests print as comments goes between the results. */
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	return run_suite(suite);
}

TCase *lab_tcase(Suite *suite)
{
	TCase *tcase = tcase_create("lab");

	tcase_set_timeout(tcase, TIMEOUT_S);
	suite_add_tcase(suite, tcase);
	return tcase;
}
