/* Carrier sense inside the kernel: where a device loses its link, the member's bit is cleared at
 * once, whether the daemon lives or not. An object of its own, because not every kernel lets
 * tracing programs in, and they take CAP_PERFMON. 'members' and 'words' are the datapath's maps. */
#include <stdbool.h>

#include "bpf/abi.h"
#include "bpf/carrier.h"
#include "bpf/maps.h"

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, ABI_LOSSES_SIZE);
} losses SEC(".maps");

/* The network namespace whose members these are. */
const volatile __u64 netns_cookie = 0;

/* Of the kernel's structures what is read here; where it lies is found out when this is loaded. */
struct net {
	__u64 net_cookie;
} __attribute__((preserve_access_index));

typedef struct {
	struct net *net;
} __attribute__((preserve_access_index)) possible_net_t;

struct net_device {
	int ifindex;
	possible_net_t nd_net;
} __attribute__((preserve_access_index));

static __always_inline struct abi_member *member_of(struct net_device *device)
{
	__u32 ifindex = (__u32)device->ifindex;

	/* Other namespaces have devices of the same number. */
	if (device->nd_net.net->net_cookie != netns_cookie)
		return NULL;
	return bpf_map_lookup_elem(&members, &ifindex);
}

static __always_inline struct abi_words *words_of(const struct abi_member *member)
{
	__u32 team = member->team;

	return member->slot < ABI_MEMBERS ? bpf_map_lookup_elem(&words, &team) : NULL;
}

SEC("fentry/netif_carrier_off")
int yoke_lost(const __u64 *arguments)
{
	struct net_device *device = (struct net_device *)arguments[0];
	const struct abi_member *member = member_of(device);
	struct abi_words *team = member ? words_of(member) : NULL;
	struct abi_loss loss = {};

	if (!team)
		return 0;
	loss.when = bpf_ktime_get_boot_ns();
	loss.ifindex = (__u32)device->ifindex;
	loss.team = (__u16)member->team;
	loss.slot = (__u16)member->slot;
	/* If there is no room the daemon hears of it a little later, by its other ways. */
	if (carrier_lost(team, member->slot, loss.when))
		(void)bpf_ringbuf_output(&losses, &loss, sizeof(loss), 0);
	return 0;
}

SEC("fentry/netif_carrier_on")
int yoke_back(const __u64 *arguments)
{
	struct net_device *device = (struct net_device *)arguments[0];
	const struct abi_member *member = member_of(device);
	struct abi_words *team = member ? words_of(member) : NULL;

	if (team)
		carrier_back(team, member->slot, bpf_ktime_get_boot_ns());
	return 0;
}

/* What the kernel itself answers when a device is asked for its link, if the driver has nothing of
 * its own to say: then it is needless to ask often. */
SEC("fentry/ethtool_op_get_link")
int yoke_asked(const __u64 *arguments)
{
	struct net_device *device = (struct net_device *)arguments[0];
	const struct abi_member *member = member_of(device);
	struct abi_words *team = member ? words_of(member) : NULL;

	if (team && !(team->kernel_knows >> member->slot & 1))
		__sync_fetch_and_or(&team->kernel_knows, 1ull << member->slot);
	return 0;
}

char _license[] SEC("license") = "GPL";
