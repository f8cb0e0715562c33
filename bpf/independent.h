/* For teams of which the switch knows nothing: frames that must leave where their address is at
 * home, those that tell where an address is, and source addresses that are replaced. */
#pragma once

#include "bpf/frame.h"

#define INDEPENDENT_RARP 0x8035
#define INDEPENDENT_ARP_REPLY 2
#define INDEPENDENT_IGMP 2
#define INDEPENDENT_MLD_FIRST 130
#define INDEPENDENT_ND_LAST 137 /* Router and neighbour discovery follow the MLD of version 1. */
#define INDEPENDENT_ADVERTISEMENT 136
#define INDEPENDENT_MLD2_REPORT 143
#define INDEPENDENT_SOLICITED 0x40

enum independent_kind {
	INDEPENDENT_ORDINARY,
	INDEPENDENT_BY_HOME,
	INDEPENDENT_ANNOUNCEMENT, /* By home as well. */
};

/* Of IPv4 over Ethernet. */
struct independent_arp {
	__be16 hardware;
	__be16 protocol;
	__u8 hardware_size;
	__u8 protocol_size;
	__be16 operation;
	__u8 sender_mac[ETH_ALEN];
	__u8 sender_ip[4];
	__u8 target_mac[ETH_ALEN];
	__u8 target_ip[4];
} __attribute__((packed));

struct independent_icmp6 {
	__u8 type;
	__u8 code;
	__be16 checksum;
	__u8 flags;
	__u8 rest[3];
};

static __always_inline bool independent_is_group(const __u8 mac[ETH_ALEN])
{
	return mac[0] & 1;
}

static __always_inline bool independent_arp_announces(struct __sk_buff *skb,
						      const struct frame *frame)
{
	struct independent_arp arp;

	if (bpf_skb_load_bytes(skb, (__u32)frame->offset, &arp, sizeof(arp)) < 0 ||
	    arp.protocol != bpf_htons(ETH_P_IP) || arp.protocol_size != sizeof(arp.sender_ip))
		return false;
	if (arp.operation == bpf_htons(INDEPENDENT_ARP_REPLY) &&
	    independent_is_group(frame->ethernet.h_dest))
		return true;
	return __builtin_memcmp(arp.sender_ip, arp.target_ip, sizeof(arp.sender_ip)) == 0;
}

static __always_inline enum independent_kind independent_icmp6(struct __sk_buff *skb, int offset)
{
	struct independent_icmp6 icmp;

	/* A message of MLD may be shorter than this only where it is broken. */
	if (bpf_skb_load_bytes(skb, (__u32)offset, &icmp, sizeof(icmp)) < 0)
		return INDEPENDENT_ORDINARY;
	if (icmp.type == INDEPENDENT_ADVERTISEMENT && !(icmp.flags & INDEPENDENT_SOLICITED))
		return INDEPENDENT_ANNOUNCEMENT;
	if ((icmp.type >= INDEPENDENT_MLD_FIRST && icmp.type <= INDEPENDENT_ND_LAST) ||
	    icmp.type == INDEPENDENT_MLD2_REPORT)
		return INDEPENDENT_BY_HOME;
	return INDEPENDENT_ORDINARY;
}

static __always_inline enum independent_kind independent_ip6(struct __sk_buff *skb, int offset)
{
	struct parse_extension extension;
	__u8 next;

	if (bpf_skb_load_bytes(skb, (__u32)offset + offsetof(struct ipv6hdr, nexthdr), &next, 1) <
	    0)
		return INDEPENDENT_BY_HOME;
	offset += (int)sizeof(struct ipv6hdr);
	/* MLD has a router alert before it. */
	if (next == IPPROTO_HOPOPTS) {
		if (bpf_skb_load_bytes(skb, (__u32)offset, &extension, sizeof(extension)) < 0)
			return INDEPENDENT_BY_HOME;
		next = extension.next;
		offset += (extension.size + 1) * 8;
	}
	return next == IPPROTO_ICMPV6 ? independent_icmp6(skb, offset) : INDEPENDENT_ORDINARY;
}

static __always_inline enum independent_kind independent_kind(struct __sk_buff *skb,
							      const struct frame *frame)
{
	__u8 protocol;

	if (frame->protocol == bpf_htons(ETH_P_IP)) {
		__u32 at = (__u32)frame->offset + offsetof(struct iphdr, protocol);

		if (bpf_skb_load_bytes(skb, at, &protocol, sizeof(protocol)) < 0 ||
		    protocol == INDEPENDENT_IGMP)
			return INDEPENDENT_BY_HOME;
		return INDEPENDENT_ORDINARY;
	}
	if (frame->protocol == bpf_htons(ETH_P_IPV6))
		return independent_ip6(skb, frame->offset);
	if (frame->protocol == bpf_htons(INDEPENDENT_RARP) ||
	    (frame->protocol == bpf_htons(ETH_P_ARP) && independent_arp_announces(skb, frame)))
		return INDEPENDENT_ANNOUNCEMENT;
	return INDEPENDENT_BY_HOME;
}

/* Has the frame leave under the own address of the member in 'slot' (< ABI_MEMBERS), so that the
 * switch does not take the real one to be there. No checksum covers it. false: that member has no
 * address of its own. */
static __always_inline bool independent_disguise(struct __sk_buff *skb, const struct abi_team *team,
						 __u32 slot)
{
	__u64 mac = *(const __u64 *)(const void *)team->member_macs[slot];

	return mac &&
	       bpf_skb_store_bytes(skb, offsetof(struct ethhdr, h_source), &mac, ETH_ALEN, 0) == 0;
}
