/* Into tunnels: from a frame that carries another one by VXLAN or GRE to that one, so that its flow
 * is placed and not the tunnel's. One step only; whatever cannot be read stays as it is. */
#pragma once

#include "bpf/frame.h"

#include <linux/udp.h>

#define INNER_VXLAN_PORT 4789
#define INNER_VXLAN_HAS_ID 0x08
#define INNER_ETHERNET 0x6558 /* Transparent Ethernet Bridging, NVGRE's too. */

#define INNER_GRE_CHECKSUM 0x8000
#define INNER_GRE_ROUTING 0x4000
#define INNER_GRE_KEY 0x2000
#define INNER_GRE_SEQUENCE 0x1000
#define INNER_GRE_VERSION 0x0007

#define INNER_NONE (-1)

struct inner_vxlan {
	struct udphdr udp;
	__u8 flags;
	__u8 rest[7];
};

struct inner_gre {
	__be16 flags;
	__be16 protocol;
};

/* Where the outer packet's payload is. Fragments have none to look into. */
static __always_inline int inner_outer(struct __sk_buff *skb, const struct frame *frame,
				       __u8 *transport)
{
	struct iphdr ip;

	if (frame->protocol == bpf_htons(ETH_P_IPV6)) {
		__u32 next = (__u32)frame->offset + offsetof(struct ipv6hdr, nexthdr);

		return bpf_skb_load_bytes(skb, next, transport, 1) < 0
			       ? INNER_NONE
			       : frame->offset + (int)sizeof(struct ipv6hdr);
	}
	if (frame->protocol != bpf_htons(ETH_P_IP) ||
	    bpf_skb_load_bytes(skb, (__u32)frame->offset, &ip, sizeof(ip)) < 0 || ip.ihl < 5 ||
	    (ip.frag_off & bpf_htons(PARSE_IP_FRAGMENT)))
		return INNER_NONE;
	*transport = ip.protocol;
	return frame->offset + ip.ihl * 4;
}

/* What is behind the tunnel's header, and of which protocol it is; 0: nothing is known of it. */
static __always_inline __be16 inner_vxlan(struct __sk_buff *skb, int *at)
{
	struct inner_vxlan header;

	if (bpf_skb_load_bytes(skb, (__u32)*at, &header, sizeof(header)) < 0 ||
	    header.udp.dest != bpf_htons(INNER_VXLAN_PORT) || !(header.flags & INNER_VXLAN_HAS_ID))
		return 0;
	*at += (int)sizeof(header);
	return bpf_htons(INNER_ETHERNET);
}

static __always_inline __be16 inner_gre(struct __sk_buff *skb, int *at)
{
	struct inner_gre header;
	__u32 flags;

	if (bpf_skb_load_bytes(skb, (__u32)*at, &header, sizeof(header)) < 0)
		return 0;
	flags = bpf_ntohs(header.flags);
	if (flags & (INNER_GRE_ROUTING | INNER_GRE_VERSION))
		return 0;
	*at += (int)sizeof(header);
	*at += flags & INNER_GRE_CHECKSUM ? 4 : 0;
	*at += flags & INNER_GRE_KEY ? 4 : 0;
	*at += flags & INNER_GRE_SEQUENCE ? 4 : 0;
	return header.protocol;
}

static __always_inline void inner_enter(struct __sk_buff *skb, struct frame *frame)
{
	struct ethhdr ethernet;
	__be16 protocol = 0;
	__u8 transport = 0;
	int at = inner_outer(skb, frame, &transport);

	if (at == INNER_NONE)
		return;
	if (transport == IPPROTO_UDP)
		protocol = inner_vxlan(skb, &at);
	else if (transport == IPPROTO_GRE)
		protocol = inner_gre(skb, &at);
	if (protocol == bpf_htons(INNER_ETHERNET)) {
		if (bpf_skb_load_bytes(skb, (__u32)at, &ethernet, sizeof(ethernet)) < 0)
			return;
		at += (int)sizeof(ethernet);
		frame->ethernet = ethernet;
		protocol = parse_untag(skb, ethernet.h_proto, &at);
	} else if (protocol != bpf_htons(ETH_P_IP) && protocol != bpf_htons(ETH_P_IPV6)) {
		return;
	}
	frame->protocol = protocol;
	frame->offset = (int)frame_number((__u64)at);
}
