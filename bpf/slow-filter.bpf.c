/* Sits at the daemon's packet sockets for slow-protocol frames, the one for all devices and those
 * that are bound to one, and decides which of them they get: those of devices that are in the map,
 * of each no more than a token bucket has tokens for. Keeps no pointer into the packet and reads
 * none of it, so that CAP_BPF alone can load it. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/slow-filter.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SLOW_FILTER_MEMBERS);
	__type(key, __u32); /* ifindex */
	__type(value, struct slow_filter_member);
} members SEC(".maps");

/* The bucket as one number, the instant at which it will be full again (the "virtual scheduling"
 * of a token bucket): a socket's program may hold no lock, but it can exchange one number. */
static int take_token(struct slow_filter_member *member)
{
	for (int i = 0; i < 4; i++) {
		__u64 now = bpf_ktime_get_ns();
		__u64 before = *(volatile __u64 *)&member->full_at;
		__u64 full_at = before > now ? before : now;

		if (full_at - now > (SLOW_FILTER_BURST - 1) * SLOW_FILTER_TOKEN_NS)
			return 0;
		if (__sync_val_compare_and_swap(&member->full_at, before,
						full_at + SLOW_FILTER_TOKEN_NS) == before)
			return 1;
	}
	/* Other processors were faster four times: frames come too fast. */
	return 0;
}

/* Returns how many bytes of the frame the socket gets. */
static __always_inline int filter(struct __sk_buff *skb, __u64 bound)
{
	__u32 ifindex = skb->ifindex;
	struct slow_filter_member *member = bpf_map_lookup_elem(&members, &ifindex);

	/* Some frames of a device with a socket of its own come to both. */
	if (!member || member->bound != bound)
		return 0;
	if (!take_token(member)) {
		__sync_fetch_and_add(&member->limited, 1);
		return 0;
	}
	return SLOW_FILTER_BYTES;
}

SEC("socket")
int slow_filter(struct __sk_buff *skb)
{
	return filter(skb, 0);
}

SEC("socket")
int slow_filter_bound(struct __sk_buff *skb)
{
	return filter(skb, 1);
}

char _license[] SEC("license") = "GPL";
