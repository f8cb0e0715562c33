/* What netlink says of bridges' addresses, of their ports' VLANs and of IP addresses; and what
 * stands on a device. */
#include "daemon/kernel/address-monitor.h"
#include "daemon/kernel/bridge-vlans.h"
#include "daemon/kernel/fdb-monitor.h"
#include "daemon/kernel/link-above.h"
#include "lib/base/array.h"
#include "tests/unit/run.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <string.h>
#include <sys/socket.h>

#define BRIDGE 10
#define PORT 11

typedef enum nl_mirror_news parser(struct nlmsghdr *message, const struct nl_mirror_scope *scope,
				   void *entry);

static const struct nl_mirror_scope bridges = { .n = 2, .ifindexes = { 3, BRIDGE } };
static const struct nl_mirror_scope ports = { .n = 1, .ifindexes = { PORT } };

/* By a copy that ends where the message ends, so that a sanitizer sees each byte read beyond. */
static enum nl_mirror_news parse_bytes(parser *parse, const void *bytes, size_t size,
				       const struct nl_mirror_scope *scope, void *entry)
{
	struct nlmsghdr *message = malloc(size);
	enum nl_mirror_news news;

	memcpy(message, bytes, size);
	message->nlmsg_len = (uint32_t)size;
	news = parse(message, scope, entry);
	free(message);
	return news;
}

static enum nl_mirror_news parse_message(parser *parse, struct nl_msg *message,
					 const struct nl_mirror_scope *scope, void *entry)
{
	const struct nlmsghdr *header = nlmsg_hdr(message);
	enum nl_mirror_news news = parse_bytes(parse, header, header->nlmsg_len, scope, entry);

	nlmsg_free(message);
	return news;
}

static struct nl_msg *begin(int type, const void *head, size_t size)
{
	struct nl_msg *message = nlmsg_alloc_simple(type, 0);

	ck_assert_int_eq(nlmsg_append(message, (void *)(uintptr_t)head, size, NLMSG_ALIGNTO), 0);
	return message;
}

struct fdb_row {
	const char *what;
	int type;
	uint8_t family;
	uint32_t bridge; /* 0: none is named. */
	int mac_size;
	uint16_t state;
	uint16_t vlan;
	enum nl_mirror_news news;
};

static const struct fdb_row fdb_rows[] = {
	{ "learned", RTM_NEWNEIGH, AF_BRIDGE, BRIDGE, 6, NUD_REACHABLE, 0, NL_MIRROR_IS },
	{ "in a VLAN", RTM_NEWNEIGH, AF_BRIDGE, BRIDGE, 6, NUD_STALE, 7, NL_MIRROR_IS },
	{ "a port's own", RTM_NEWNEIGH, AF_BRIDGE, BRIDGE, 6, NUD_PERMANENT, 0, NL_MIRROR_IS },
	{ "entered by hand", RTM_NEWNEIGH, AF_BRIDGE, BRIDGE, 6, NUD_NOARP, 0, NL_MIRROR_IS },
	{ "gone", RTM_DELNEIGH, AF_BRIDGE, BRIDGE, 6, NUD_STALE, 0, NL_MIRROR_GONE },
	{ "of another bridge", RTM_NEWNEIGH, AF_BRIDGE, 99, 6, 0, 0, NL_MIRROR_NONE },
	{ "of a tunnel", RTM_NEWNEIGH, AF_BRIDGE, 0, 6, 0, 0, NL_MIRROR_NONE },
	{ "of IP", RTM_NEWNEIGH, AF_INET, BRIDGE, 6, 0, 0, NL_MIRROR_NONE },
	{ "too short an address", RTM_NEWNEIGH, AF_BRIDGE, BRIDGE, 4, 0, 0, NL_MIRROR_NONE },
	{ "too long an address", RTM_NEWNEIGH, AF_BRIDGE, BRIDGE, 20, 0, 0, NL_MIRROR_NONE },
	{ "a link", RTM_NEWLINK, AF_BRIDGE, BRIDGE, 6, 0, 0, NL_MIRROR_NONE },
};

static struct nl_msg *fdb_message(const struct fdb_row *row)
{
	const struct ndmsg head = { .ndm_family = row->family,
				    .ndm_ifindex = PORT,
				    .ndm_state = row->state };
	struct nl_msg *message = begin(row->type, &head, sizeof(head));
	static const uint8_t mac[20] = { 2, 1, 2, 3, 4, 5 };

	(void)nla_put(message, NDA_LLADDR, row->mac_size, mac);
	if (row->bridge)
		(void)nla_put_u32(message, NDA_MASTER, row->bridge);
	if (row->vlan)
		(void)nla_put_u16(message, NDA_VLAN, row->vlan);
	return message;
}

START_TEST(an_entry_of_a_bridges_table_is_read)
{
	const struct fdb_row *row = &fdb_rows[_i];
	struct fdb_entry entry = {};

	ck_assert_msg(parse_message(fdb_parse, fdb_message(row), &bridges, &entry) == row->news,
		      "%s", row->what);
	if (row->news == NL_MIRROR_NONE)
		return;
	ck_assert_int_eq(entry.bridge, BRIDGE);
	ck_assert_int_eq(entry.port, PORT);
	ck_assert_uint_eq(entry.vlan, row->vlan);
	ck_assert_uint_eq(entry.mac.bytes[5], 5);
	ck_assert_uint_eq(entry.permanent, (row->state & (NUD_PERMANENT | NUD_NOARP)) != 0);
}
END_TEST

struct address_row {
	const char *what;
	int type;
	uint8_t family;
	int local_size, address_size; /* 0: none. */
	uint32_t flags;
	enum nl_mirror_news news;
	uint8_t first; /* Of the address that counts. */
};

static const struct address_row address_rows[] = {
	{ "IPv4", RTM_NEWADDR, AF_INET, 4, 4, IFA_F_PERMANENT, NL_MIRROR_IS, 10 },
	{ "IPv6", RTM_NEWADDR, AF_INET6, 0, 16, IFA_F_PERMANENT, NL_MIRROR_IS, 0xfd },
	{ "IPv6 point to point", RTM_NEWADDR, AF_INET6, 16, 16, 0, NL_MIRROR_IS, 10 },
	{ "gone", RTM_DELADDR, AF_INET, 4, 4, 0, NL_MIRROR_GONE, 10 },
	{ "being checked", RTM_NEWADDR, AF_INET6, 0, 16, IFA_F_TENTATIVE, NL_MIRROR_GONE, 0xfd },
	{ "in use elsewhere", RTM_NEWADDR, AF_INET6, 0, 16, IFA_F_DADFAILED, NL_MIRROR_GONE, 0xfd },
	{ "optimistic", RTM_NEWADDR, AF_INET6, 0, 16, IFA_F_TENTATIVE | IFA_F_OPTIMISTIC,
	  NL_MIRROR_IS, 0xfd },
	{ "none at all", RTM_NEWADDR, AF_INET, 0, 0, 0, NL_MIRROR_NONE, 0 },
	{ "too long for IPv4", RTM_NEWADDR, AF_INET, 16, 16, 0, NL_MIRROR_NONE, 0 },
	{ "too short for IPv6", RTM_NEWADDR, AF_INET6, 0, 4, 0, NL_MIRROR_NONE, 0 },
	{ "another family", RTM_NEWADDR, AF_PHONET, 4, 4, 0, NL_MIRROR_NONE, 0 },
};

static struct nl_msg *address_message(const struct address_row *row)
{
	const struct ifaddrmsg head = { .ifa_family = row->family,
					.ifa_prefixlen = 24,
					.ifa_index = PORT };
	static const uint8_t local[16] = { 10, 0, 0, 1 }, address[16] = { 0xfd, 0, 0, 1 };
	struct nl_msg *message = begin(row->type, &head, sizeof(head));

	if (row->local_size)
		(void)nla_put(message, IFA_LOCAL, row->local_size, local);
	if (row->address_size)
		(void)nla_put(message, IFA_ADDRESS, row->address_size, address);
	(void)nla_put_u32(message, IFA_FLAGS, row->flags);
	return message;
}

START_TEST(an_ip_address_is_read)
{
	const struct address_row *row = &address_rows[_i];
	struct address_entry entry = {};

	ck_assert_msg(parse_message(address_parse, address_message(row), NULL, &entry) == row->news,
		      "%s", row->what);
	if (row->news == NL_MIRROR_NONE)
		return;
	ck_assert_int_eq(entry.ifindex, PORT);
	ck_assert_uint_eq(entry.family, row->family);
	ck_assert_uint_eq(entry.prefix, 24);
	ck_assert_uint_eq(entry.bytes[0], row->first);
}
END_TEST

#define PVID BRIDGE_VLAN_INFO_PVID
#define UNTAGGED BRIDGE_VLAN_INFO_UNTAGGED

static const struct {
	const char *what;
	struct bridge_vlan_info vlans[3];
	uint32_t untagged;
} vlan_rows[] = {
	{ "none", {}, 0 },
	{ "as a bridge makes it", { { PVID | UNTAGGED, 1 } }, 1 },
	{ "all tagged", { { 0, 1 }, { PVID, 2 } }, 0 },
	{ "one of three", { { 0, 1 }, { UNTAGGED, 2 }, { 0, 3 } }, 2 },
	{ "the PVID of several", { { UNTAGGED, 1 }, { UNTAGGED | PVID, 2 }, { UNTAGGED, 3 } }, 2 },
};

static struct nl_msg *vlan_message(int port, size_t row)
{
	const struct ifinfomsg head = { .ifi_family = AF_BRIDGE, .ifi_index = port };
	struct nl_msg *message = begin(RTM_NEWLINK, &head, sizeof(head));
	struct nlattr *nest = nla_nest_start(message, IFLA_AF_SPEC);

	(void)nla_put_u16(message, IFLA_BRIDGE_FLAGS, 0);
	for (size_t i = 0; i < 3; i++)
		if (vlan_rows[row].vlans[i].vid)
			(void)nla_put(message, IFLA_BRIDGE_VLAN_INFO,
				      sizeof(struct bridge_vlan_info), &vlan_rows[row].vlans[i]);
	nla_nest_end(message, nest);
	return message;
}

START_TEST(the_vlan_without_a_tag_is_read)
{
	struct bridge_vlans_entry entry = {};

	ck_assert_int_eq(
		parse_message(bridge_vlans_parse, vlan_message(PORT, (size_t)_i), &ports, &entry),
		NL_MIRROR_IS);
	ck_assert_msg(entry.untagged == vlan_rows[_i].untagged, "%s: %u", vlan_rows[_i].what,
		      entry.untagged);
	ck_assert_int_eq(
		parse_message(bridge_vlans_parse, vlan_message(12, (size_t)_i), &ports, &entry),
		NL_MIRROR_NONE);
}
END_TEST

static void cut_everywhere(parser *parse, struct nl_msg *message,
			   const struct nl_mirror_scope *scope)
{
	const struct nlmsghdr *header = nlmsg_hdr(message);

	for (size_t size = sizeof(*header); size < header->nlmsg_len; size++) {
		uint64_t entry[8] = {};

		(void)parse_bytes(parse, header, size, scope, entry);
	}
	nlmsg_free(message);
}

START_TEST(messages_cut_anywhere_are_read_within_their_bounds)
{
	cut_everywhere(fdb_parse, fdb_message(&fdb_rows[1]), &bridges);
	cut_everywhere(address_parse, address_message(&address_rows[1]), NULL);
	cut_everywhere(bridge_vlans_parse, vlan_message(PORT, 4), &ports);
}
END_TEST

static void on_changed(void *userdata, const struct link *link, const struct link *before)
{
}

/* eno1 and eno2 below team0; br0 on it, with VLAN 7 on that and br7 on this; VLAN 8 on the team
 * with VLAN 9 inside; a macvlan; a tap in br0. */
static const struct link devices[] = {
	{ .ifindex = 1, .name = "eno1", .master = 3 },
	{ .ifindex = 3, .name = "team0", .kind = "netkit", .lower = 4, .master = 5 },
	{ .ifindex = 4, .name = "yk3", .kind = "netkit", .lower = 3 },
	{ .ifindex = 5, .name = "br0", .kind = "bridge" },
	{ .ifindex = 6, .name = "br0.7", .kind = "vlan", .lower = 5, .vlan = 7, .master = 8 },
	{ .ifindex = 7, .name = "tap0", .kind = "tun", .master = 5 },
	{ .ifindex = 8, .name = "br7", .kind = "bridge" },
	{ .ifindex = 9, .name = "team0.8", .kind = "vlan", .lower = 3, .vlan = 8 },
	{ .ifindex = 10, .name = "team0.8.9", .kind = "vlan", .lower = 9, .vlan = 9 },
	{ .ifindex = 11, .name = "mac0", .kind = "macvlan", .lower = 9 },
	{ .ifindex = 12, .name = "vrf0", .kind = "vrf" },
	{ .ifindex = 13, .name = "other", .kind = "bridge", .master = 12 },
};

static const struct {
	int ifindex;
	uint16_t vlan;
} above_team[] = {
	{ 3, 0 }, { 5, 0 }, { 6, 7 }, { 8, 7 }, { 9, 8 }, { 11, 8 },
};

START_TEST(all_that_stands_on_a_device_is_found_with_its_tag)
{
	struct link_above above[32];
	struct link_table *table;
	size_t n;

	ck_assert_int_eq(link_table_new(on_changed, NULL, &table), 0);
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		ck_assert_int_eq(link_table_apply(table, LINK_NEWS_STATE, &devices[i]), 0);
	n = link_above(table, 3, above, ARRAY_SIZE(above));
	ck_assert_uint_eq(n, ARRAY_SIZE(above_team));
	ck_assert_int_eq(above[0].link->ifindex, 3);
	for (size_t i = 0; i < ARRAY_SIZE(above_team); i++) {
		bool found = false;

		for (size_t j = 0; j < n; j++)
			found |= above[j].link->ifindex == above_team[i].ifindex &&
				 above[j].vlan == above_team[i].vlan;
		ck_assert_msg(found, "%d is missing", above_team[i].ifindex);
	}
	/* No more than there is room for; none of what is not there. */
	ck_assert_uint_eq(link_above(table, 3, above, 2), 2);
	ck_assert_uint_eq(link_above(table, 99, above, ARRAY_SIZE(above)), 0);
	ck_assert_uint_eq(link_above(table, 13, above, ARRAY_SIZE(above)), 1);
	link_table_free(table);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("network");
	TCase *tcase = tcase_create("network");

	tcase_add_loop_test(tcase, an_entry_of_a_bridges_table_is_read, 0, ARRAY_SIZE(fdb_rows));
	tcase_add_loop_test(tcase, an_ip_address_is_read, 0, ARRAY_SIZE(address_rows));
	tcase_add_loop_test(tcase, the_vlan_without_a_tag_is_read, 0, ARRAY_SIZE(vlan_rows));
	tcase_add_test(tcase, messages_cut_anywhere_are_read_within_their_bounds);
	tcase_add_test(tcase, all_that_stands_on_a_device_is_found_with_its_tag);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
