/* Sits at the daemon's sockets for answers to probes, each bound to one device and to all
 * protocols, and lets pass ARP replies and solicited neighbour advertisements to the device's own
 * address, of targets that are in the map, of each no more than a token bucket has tokens for.
 * Copies what it looks at, so that CAP_BPF alone can load it. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/in6.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/answer-filter.h"

/* ARP of Ethernet and IPv4 (RFC 826), a reply: what its first eight bytes are. */
#define ARP_REPLY 0x0001080006040002ull
#define ARP_SENDER (ETH_HLEN + 14)

/* An IPv6 header without extensions (RFC 4861 wants a hop limit of 255, RFC 6980 forbids
 * fragments) and a neighbour advertisement. */
#define IP6_NEXT (ETH_HLEN + 6)
#define IP6_NEXT_IS_ICMP6 0x3aff
#define ICMP6 (ETH_HLEN + 40)
#define ICMP6_ADVERTISEMENT 136
#define NA_SOLICITED 0x40
#define NA_TARGET (ICMP6 + 8)

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ANSWER_FILTER_TARGETS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct answer_filter_key);
	__type(value, struct answer_filter_target);
} targets SEC(".maps");

/* As in slow-filter.bpf.c. */
static int take_token(struct answer_filter_target *target)
{
	for (int i = 0; i < 4; i++) {
		__u64 now = bpf_ktime_get_ns();
		__u64 before = *(volatile __u64 *)&target->full_at;
		__u64 full_at = before > now ? before : now;

		if (full_at - now > (ANSWER_FILTER_BURST - 1) * ANSWER_FILTER_TOKEN_NS)
			return 0;
		if (__sync_val_compare_and_swap(&target->full_at, before,
						full_at + ANSWER_FILTER_TOKEN_NS) == before)
			return 1;
	}
	return 0;
}

static __always_inline int arp_sender(struct __sk_buff *skb, struct answer_filter_key *key)
{
	__u64 head;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &head, sizeof(head)) < 0 ||
	    head != bpf_cpu_to_be64(ARP_REPLY))
		return 0;
	key->address[10] = key->address[11] = 0xff;
	return bpf_skb_load_bytes(skb, ARP_SENDER, key->address + 12, 4) == 0;
}

static __always_inline int advertised(struct __sk_buff *skb, struct answer_filter_key *key)
{
	__u8 icmp[5];
	__u16 next;

	if (bpf_skb_load_bytes(skb, IP6_NEXT, &next, sizeof(next)) < 0 ||
	    next != bpf_htons(IP6_NEXT_IS_ICMP6) ||
	    bpf_skb_load_bytes(skb, ICMP6, icmp, sizeof(icmp)) < 0 ||
	    icmp[0] != ICMP6_ADVERTISEMENT || icmp[1] != 0 || !(icmp[4] & NA_SOLICITED))
		return 0;
	return bpf_skb_load_bytes(skb, NA_TARGET, key->address, 16) == 0;
}

/* Returns how many bytes of the frame the socket gets. */
SEC("socket")
int answer_filter(struct __sk_buff *skb)
{
	struct answer_filter_key key = { .ifindex = skb->ifindex };
	struct answer_filter_target *target;

	/* Answers come to the device's own address. What is for all or for others, as an answer to
	 * another member that a switch floods, must not use up the tokens. */
	if (skb->pkt_type != PACKET_HOST)
		return 0;
	if (skb->protocol == bpf_htons(ETH_P_ARP)) {
		if (!arp_sender(skb, &key))
			return 0;
	} else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		if (!advertised(skb, &key))
			return 0;
	} else {
		return 0;
	}
	target = bpf_map_lookup_elem(&targets, &key);
	if (!target)
		return 0;
	if (!take_token(target)) {
		__sync_fetch_and_add(&target->limited, 1);
		return 0;
	}
	return ANSWER_FILTER_BYTES;
}

char _license[] SEC("license") = "GPL";
