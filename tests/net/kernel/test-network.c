/* The forwarding databases of bridges, IP addresses and what stands on a device, against the
 * kernel: all that is told must be so, also after lost messages. */
#include "daemon/kernel/address-monitor.h"
#include "daemon/kernel/fdb-monitor.h"
#include "daemon/kernel/forwarding.h"
#include "daemon/kernel/link-above.h"
#include "daemon/kernel/link-errors.h"
#include "lib/base/array.h"
#include "tests/net/kernel/lab.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define CABLE 101
#define MORE_THAN_FITS 120000

struct world {
	struct lab lab;
	struct worker *worker;
	struct link_monitor *links;
	struct fdb_monitor *fdb;
	struct address_monitor *addresses;
	int bridge;
	unsigned n_changes;
};

static void on_link(void *userdata, const struct link *link, const struct link *before)
{
}

static void on_entry(void *userdata, const struct fdb_entry *entry, bool gone)
{
	struct world *world = userdata;

	ck_assert(!entry || entry->bridge == world->bridge);
	world->n_changes++;
}

static void start(struct world *world)
{
	struct err e;

	*world = (struct world){};
	lab_start(&world->lab);
	lab_add_cable(&world->lab, "m0", CABLE);
	lab_plug_in(&world->lab, CABLE);
	world->bridge = lab_add_bridge(world->lab.host, "br0");
	lab_set_master(world->lab.host, CABLE, world->bridge);
	lab_set_up(world->lab.host, world->bridge, true);
	ck_assert_int_eq(worker_new("test", &world->worker), 0);
	ck_assert_int_eq(link_monitor_new(world->worker, on_link, world, &world->links, &e), 0);
	ck_assert_int_eq(fdb_monitor_new(world->worker, on_entry, world, &world->fdb, &e), 0);
	ck_assert_int_eq(address_monitor_new(world->worker, &world->addresses, &e), 0);
}

static void stop(struct world *world)
{
	worker_free(world->worker);
	fdb_monitor_free(world->fdb);
	address_monitor_free(world->addresses);
	link_monitor_free(world->links);
	lab_stop(&world->lab);
}

/* Until nothing is to be expected any more. */
static void settle(struct world *world)
{
	struct pollfd fds[] = {
		{ .fd = link_monitor_fd(world->links), .events = POLLIN },
		{ .fd = fdb_monitor_fd(world->fdb), .events = POLLIN },
		{ .fd = address_monitor_fd(world->addresses), .events = POLLIN },
		{ .fd = worker_fd(world->worker), .events = POLLIN },
	};

	while (poll(fds, ARRAY_SIZE(fds), worker_pending(world->worker) ? 5000 : 20) > 0) {
		if (fds[0].revents)
			link_monitor_dispatch(world->links);
		if (fds[1].revents)
			fdb_monitor_dispatch(world->fdb);
		if (fds[2].revents)
			address_monitor_dispatch(world->addresses);
		if (fds[3].revents)
			worker_dispatch(world->worker);
	}
}

static void want(struct world *world, bool wanted)
{
	const struct nl_mirror_scope bridges = { .n = wanted, .ifindexes = { world->bridge } };
	const struct nl_mirror_scope ports = { .n = wanted, .ifindexes = { CABLE } };
	struct err e;

	ck_assert_msg(fdb_monitor_watch(world->fdb, &bridges, &ports, &e) == 0, "%s", e.text);
}

static struct mac mac_number(unsigned i)
{
	return (struct mac){ { 2, 9, 0, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i } };
}

/* Many of them in one message. */
static void change_entries(struct world *world, int type, unsigned first, unsigned n)
{
	const struct ndmsg head = {
		.ndm_family = AF_BRIDGE,
		.ndm_ifindex = CABLE,
		.ndm_state = NUD_REACHABLE,
		.ndm_flags = NTF_MASTER,
	};

	for (unsigned i = first; i < first + n; i++) {
		struct nl_msg *message = nlmsg_alloc_simple(type, NLM_F_CREATE);
		struct mac mac = mac_number(i);

		(void)nlmsg_append(message, (void *)(uintptr_t)&head, sizeof(head), NLMSG_ALIGNTO);
		(void)nla_put(message, NDA_LLADDR, MAC_SIZE, &mac);
		ck_assert_int_ge(nl_send_auto(world->lab.host, message), 0);
		ck_assert_int_eq(nl_wait_for_ack(world->lab.host), 0);
		nlmsg_free(message);
	}
}

struct search {
	struct mac mac;
	struct fdb_entry found;
	unsigned n;
};

/* One that is entered without a VLAN is in all of the port's as well. */
static bool look(void *userdata, const void *bytes)
{
	const struct fdb_entry *entry = bytes;
	struct search *search = userdata;

	if (mac_equal(&entry->mac, &search->mac) && (!entry->vlan || !search->n)) {
		search->found = *entry;
		search->n = 1;
	}
	return true;
}

static unsigned find(struct world *world, const struct mac *mac, struct fdb_entry *ret)
{
	struct search search = { .mac = *mac };

	fdb_monitor_each(world->fdb, look, &search);
	*ret = search.found;
	return search.n;
}

static bool count(void *userdata, const void *entry)
{
	++*(unsigned *)userdata;
	return true;
}

static unsigned count_entries(struct world *world)
{
	unsigned n = 0;

	fdb_monitor_each(world->fdb, count, &n);
	return n;
}

START_TEST(addresses_behind_a_bridge_come_and_go)
{
	struct mac mac = mac_number(1);
	struct fdb_entry entry;
	struct world world;

	start(&world);
	change_entries(&world, RTM_NEWNEIGH, 1, 1);
	settle(&world);
	ck_assert_uint_eq(count_entries(&world), 0);
	want(&world, true);
	settle(&world);
	ck_assert_uint_eq(find(&world, &mac, &entry), 1);
	ck_assert_int_eq(entry.port, CABLE);
	ck_assert_uint_eq(entry.vlan, 0);
	ck_assert(!entry.permanent);
	change_entries(&world, RTM_NEWNEIGH, 2, 1);
	change_entries(&world, RTM_DELNEIGH, 1, 1);
	settle(&world);
	ck_assert_uint_eq(find(&world, &mac, &entry), 0);
	mac = mac_number(2);
	ck_assert_uint_eq(find(&world, &mac, &entry), 1);
	want(&world, false);
	ck_assert_uint_eq(count_entries(&world), 0);
	want(&world, true);
	settle(&world);
	ck_assert_uint_eq(find(&world, &mac, &entry), 1);
	stop(&world);
}
END_TEST

START_TEST(own_addresses_are_permanent)
{
	const struct link *link;
	struct fdb_entry entry;
	struct world world;
	struct mac mac;

	start(&world);
	want(&world, true);
	settle(&world);
	link = link_monitor_by_index(world.links, CABLE);
	mac = link->mac;
	ck_assert_uint_eq(find(&world, &mac, &entry), 1);
	ck_assert(entry.permanent);
	stop(&world);
}
END_TEST

START_TEST(other_bridges_are_not_told_of)
{
	struct world world;
	int other;

	start(&world);
	want(&world, true);
	settle(&world);
	other = lab_add_bridge(world.lab.host, "br1");
	lab_add_cable(&world.lab, "m1", CABLE + 1);
	lab_set_master(world.lab.host, CABLE + 1, other);
	settle(&world); /* on_entry() looks. */
	stop(&world);
}
END_TEST

START_TEST(a_bridge_that_goes_takes_its_addresses_along)
{
	struct world world;

	start(&world);
	change_entries(&world, RTM_NEWNEIGH, 1, 10);
	want(&world, true);
	settle(&world);
	ck_assert_uint_ge(count_entries(&world), 10);
	lab_delete(world.lab.host, world.bridge);
	settle(&world);
	ck_assert_uint_eq(count_entries(&world), 0);
	stop(&world);
}
END_TEST

/* While nobody reads, more is told than the socket holds. */
START_TEST(after_lost_messages_all_is_as_it_is)
{
	struct mac last = mac_number(20000);
	unsigned expected, one, rounds = 0;
	struct fdb_entry entry;
	struct world world;

	start(&world);
	want(&world, true);
	settle(&world);
	one = count_entries(&world);
	change_entries(&world, RTM_NEWNEIGH, 1, 1);
	settle(&world);
	one = count_entries(&world) - one;
	expected = count_entries(&world) + 19999 * one;
	while (rounds++ < 3) {
		change_entries(&world, RTM_NEWNEIGH, rounds == 1 ? 2 : 1,
			       rounds == 1 ? 19999 : 20000);
		if (rounds < 3)
			change_entries(&world, RTM_DELNEIGH, 1, 20000);
	}
	settle(&world);
	ck_assert_uint_eq(count_entries(&world), expected);
	ck_assert_uint_eq(find(&world, &last, &entry), 1);
	stop(&world);
}
END_TEST

/* False: the kernel's bridge knows no VLANs. */
static bool set_vlan(struct world *world, int port, uint16_t vlan, uint16_t flags)
{
	const struct ifinfomsg head = { .ifi_family = AF_BRIDGE, .ifi_index = port };
	const struct bridge_vlan_info info = { .vid = vlan, .flags = flags };
	struct nl_msg *message = nlmsg_alloc_simple(RTM_SETLINK, 0);
	struct nlattr *nest;
	int r;

	(void)nlmsg_append(message, (void *)(uintptr_t)&head, sizeof(head), NLMSG_ALIGNTO);
	nest = nla_nest_start(message, IFLA_AF_SPEC);
	(void)nla_put(message, IFLA_BRIDGE_VLAN_INFO, sizeof(info), &info);
	nla_nest_end(message, nest);
	ck_assert_int_ge(nl_send_auto(world->lab.host, message), 0);
	r = nl_wait_for_ack(world->lab.host);
	nlmsg_free(message);
	ck_assert(r == 0 || r == -NLE_OPNOTSUPP);
	return r == 0;
}

START_TEST(the_vlan_without_a_tag_is_known)
{
	struct world world;
	unsigned before;

	start(&world);
	ck_assert_uint_eq(fdb_monitor_untagged(world.fdb, CABLE), 0);
	want(&world, true);
	settle(&world);
	before = world.n_changes;
	if (!set_vlan(&world, CABLE, 20, BRIDGE_VLAN_INFO_UNTAGGED | BRIDGE_VLAN_INFO_PVID)) {
		printf("# this kernel's bridge knows no VLANs\n");
		stop(&world);
		return;
	}
	settle(&world);
	ck_assert_uint_eq(fdb_monitor_untagged(world.fdb, CABLE), 20);
	ck_assert_uint_gt(world.n_changes, before);
	ck_assert(set_vlan(&world, CABLE, 30, 0));
	settle(&world);
	ck_assert_uint_eq(fdb_monitor_untagged(world.fdb, CABLE), 20);
	want(&world, false);
	ck_assert_uint_eq(fdb_monitor_untagged(world.fdb, CABLE), 0);
	stop(&world);
}
END_TEST

static bool has(struct world *world, int ifindex, const char *text, uint16_t vlan)
{
	struct address_above found[32];
	size_t n = address_monitor_above(world->addresses, world->links, ifindex, found, 32);

	for (size_t i = 0; i < n; i++) {
		char have[INET6_ADDRSTRLEN];

		(void)inet_ntop(found[i].address.family, found[i].address.bytes, have,
				sizeof(have));
		if (strcmp(have, text) == 0 && found[i].vlan == vlan)
			return true;
	}
	return false;
}

START_TEST(addresses_of_all_that_stands_on_a_device_are_found)
{
	struct world world;
	int vlan, above;

	start(&world);
	above = lab_add_bridge(world.lab.host, "br7");
	vlan = lab_add_vlan(world.lab.host, "br0.7", world.bridge, 7);
	if (vlan)
		lab_set_master(world.lab.host, vlan, above);
	lab_add_address(world.lab.host, world.bridge, "10.1.0.1/24");
	lab_add_address(world.lab.host, world.bridge, "fd01::1/64");
	lab_add_address(world.lab.host, above, "10.7.0.1/24");
	lab_add_address(world.lab.host, 1, "10.99.0.1/24");
	settle(&world);
	ck_assert(has(&world, CABLE, "10.1.0.1", 0));
	ck_assert(has(&world, CABLE, "fd01::1", 0));
	ck_assert_int_eq(has(&world, CABLE, "10.7.0.1", 7), vlan != 0);
	ck_assert(!has(&world, CABLE, "10.99.0.1", 0));
	ck_assert(!has(&world, vlan, "10.1.0.1", 0));
	lab_delete_address(world.lab.host, above, "10.7.0.1/24");
	settle(&world);
	ck_assert(!has(&world, CABLE, "10.7.0.1", 7));
	lab_set_master(world.lab.host, CABLE, 0);
	settle(&world);
	ck_assert(!has(&world, CABLE, "10.1.0.1", 0));
	stop(&world);
}
END_TEST

START_TEST(a_link_local_address_counts_once_it_may_be_used)
{
	struct address_above found[8];
	struct world world;
	size_t n = 0;

	start(&world);
	for (unsigned i = 0; i < 50 && n == 0; i++) {
		settle(&world);
		(void)poll(NULL, 0, 100);
		n = address_monitor_above(world.addresses, world.links, world.bridge, found, 8);
	}
	ck_assert_uint_ge(n, 1);
	ck_assert_uint_eq(found[0].address.bytes[0], 0xfe);
	stop(&world);
}
END_TEST

START_TEST(errors_of_a_device_can_be_asked)
{
	struct world world;
	uint64_t errors = 1;

	start(&world);
	ck_assert_int_eq(link_errors(CABLE, &errors), 0);
	ck_assert_uint_eq(errors, 0);
	ck_assert_int_eq(link_errors(77, &errors), -ENODEV);
	stop(&world);
}
END_TEST

static void write_forwarding(const char *device, const char *value)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/forwarding", device);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(value, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

START_TEST(who_forwards_is_a_router)
{
	struct world world;

	start(&world);
	ck_assert(!forwarding_is_on("lo"));
	write_forwarding("lo", "1");
	ck_assert(forwarding_is_on("lo"));
	write_forwarding("lo", "0");
	ck_assert(!forwarding_is_on("lo"));
	ck_assert(!forwarding_is_on("nosuchdevice"));
	stop(&world);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("network");
	TCase *tcase = lab_tcase(suite);

	tcase_add_test(tcase, addresses_behind_a_bridge_come_and_go);
	tcase_add_test(tcase, own_addresses_are_permanent);
	tcase_add_test(tcase, other_bridges_are_not_told_of);
	tcase_add_test(tcase, a_bridge_that_goes_takes_its_addresses_along);
	tcase_add_test(tcase, the_vlan_without_a_tag_is_known);
	tcase_add_test(tcase, after_lost_messages_all_is_as_it_is);
	tcase_add_test(tcase, addresses_of_all_that_stands_on_a_device_are_found);
	tcase_add_test(tcase, a_link_local_address_counts_once_it_may_be_used);
	tcase_add_test(tcase, errors_of_a_device_can_be_asked);
	tcase_add_test(tcase, who_forwards_is_a_router);
	return lab_run_suite(suite);
}
