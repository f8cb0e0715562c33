/* The programs that move a team's frames. yoke_tx sits at the ingress of a team's hidden peer,
 * where all that was sent on the team device arrives, and picks the member; yoke_rx sits at the
 * ingress of each member and hands its frames to the hidden peer, out of which they come in on the
 * team device. One loaded object serves all teams of a network namespace. */
#include <stdbool.h>

#include "bpf/abi.h"
#include "bpf/flowlets.h"
#include "bpf/frame.h"
#include "bpf/independent.h"
#include "bpf/inner.h"
#include "bpf/maps.h"
#include "bpf/orders.h"
#include "bpf/parse.h"
#include "bpf/stations.h"

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#define ETHERTYPE_SLOW_PROTOCOLS 0x8809
#define ETHERTYPE_LLDP 0x88cc
#define ETHERTYPE_8021X 0x888e
#define VLAN_ID 0x0fff

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct abi_version);
} abi SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ABI_TEAMS * 2); /* Each once more for direct transmission. */
	__type(key, __u32);
	__type(value, struct abi_team);
} teams SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ABI_TEAMS * 2);
	__type(key, __u32);
	__type(value, struct abi_plan);
} plans SEC(".maps");

/* 213 KiB for each possible processor. A hash would take them only for teams that exist, but cost
 * every frame 20 ns more. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, ABI_TEAMS);
	__type(key, __u32);
	__type(value, struct abi_counters);
} counters SEC(".maps");

/* With its memory from the start, some 600 KiB: otherwise an entry could be refused when the
 * kernel's store is empty for a moment, and the daemon's main thread would have to wait. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ABI_STATIONS);
	__type(key, struct abi_station_key);
	__type(value, struct abi_station);
} stations SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, ABI_STATION_NEWS_SIZE);
} station_news SEC(".maps");

struct flowlets_of_team {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ABI_FLOWLETS);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct abi_flowlet));
};

/* The daemon makes the inner ones, for teams that need them: 128 KiB each. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, ABI_TEAMS);
	__type(key, __u32);
	__array(values, struct flowlets_of_team);
} flowlets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ABI_TEAMS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct abi_loads);
} loads SEC(".maps");

/* How many frames it will be on the wire. Where a virtual machine made the large frame, the kernel
 * has not counted them yet. */
static __always_inline __u64 frames(const struct __sk_buff *skb)
{
	__u32 size = skb->gso_size;

	if (!size)
		return 1;
	if (skb->gso_segs)
		return skb->gso_segs;
	return (skb->len + size - 1) / size;
}

SEC("tc")
int yoke_tx(struct __sk_buff *skb)
{
	__u32 peer = skb->ifindex;
	const struct abi_team *team = bpf_map_lookup_elem(&teams, &peer);
	struct abi_counters *counted;
	const struct abi_words *word;
	const struct abi_plan *plan;
	__u32 index, plan_index, bucket, slot, ifindex;
	__u64 n;

	if (!team)
		return TC_ACT_SHOT;
	index = team->index;
	counted = bpf_map_lookup_elem(&counters, &index);
	word = bpf_map_lookup_elem(&words, &index);
	if (!counted || !word)
		return TC_ACT_SHOT;
	plan_index = index * 2 + (__u32)(*(const volatile __u64 *)&word->plan & 1);
	plan = bpf_map_lookup_elem(&plans, &plan_index);
	if (!plan)
		return TC_ACT_SHOT;

	n = frames(skb);
	bucket = parse_bucket(skb, team->hash);
	__asm__ volatile("" : "+r"(bucket));
	bucket &= ABI_BUCKETS - 1;
	slot = order_carrier(plan->order[bucket], plan->hold[bucket],
			     *(const volatile __u64 *)&word->carrier &
				     *(const volatile __u64 *)&word->may_send);
	ifindex = slot < ABI_MEMBERS ? *(const volatile __u32 *)&word->ifindex[in_bounds(slot)] : 0;
	if (slot >= ABI_MEMBERS || !ifindex) {
		counted->tx_no_member += n;
		return TC_ACT_SHOT;
	}
	counted->bucket_tx_packets[bucket] += n;
	counted->members[in_bounds(slot)].tx_packets += n;
	counted->members[in_bounds(slot)].tx_bytes += skb->len;
	return (int)bpf_redirect(ifindex, 0);
}

/* What is between the device and its neighbour, and so never the team's. In a VLAN only slow
 * protocols are: there they are an error that LACP counts. */
static __always_inline bool is_for_member(const struct __sk_buff *skb)
{
	if (skb->protocol == bpf_htons(ETHERTYPE_SLOW_PROTOCOLS))
		return true;
	if (skb->protocol != bpf_htons(ETHERTYPE_LLDP) &&
	    skb->protocol != bpf_htons(ETHERTYPE_8021X))
		return false;
	return !skb->vlan_present || !(skb->vlan_tci & VLAN_ID);
}

SEC("tc")
int yoke_rx(struct __sk_buff *skb)
{
	__u32 ifindex = skb->ifindex;
	const struct abi_member *member = bpf_map_lookup_elem(&members, &ifindex);
	const struct abi_words *word;
	struct abi_counters *counted;
	__u32 index, slot;
	__u64 n;

	if (!member || is_for_member(skb))
		return TC_ACT_OK;
	index = member->team;
	slot = member->slot;
	counted = bpf_map_lookup_elem(&counters, &index);
	word = bpf_map_lookup_elem(&words, &index);
	if (!counted || !word || slot >= ABI_MEMBERS)
		return TC_ACT_SHOT;

	n = frames(skb);
	if (!has(*(const volatile __u64 *)&word->may_receive, slot)) {
		counted->members[slot].rx_not_collecting += n;
		return TC_ACT_SHOT;
	}
	counted->members[slot].rx_packets += n;
	counted->members[slot].rx_bytes += skb->len;
	return (int)bpf_redirect(member->peer, 0);
}

#include "bpf/full.h"

char datapath_license[] SEC("license") = "GPL";
