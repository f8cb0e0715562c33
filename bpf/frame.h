/* What the full programs know of a frame: its addresses, its VLAN, and where its packet begins. */
#pragma once

#include "bpf/abi.h"
#include "bpf/parse.h"

#include <linux/bpf.h>

#define FRAME_VLAN_ID 0x0fff

struct frame {
	struct ethhdr ethernet;
	__be16 protocol; /* Behind all tags. */
	__u16 vlan;      /* 0: untagged */
	int offset;      /* Of what is behind the tags. */
};

/* The number as it is, of which the verifier then knows nothing more: as a function of the object's
 * own it is looked at by itself. So that ways to it that differ in nothing else become one. */
__attribute__((noinline)) __u64 frame_number(__u64 number)
{
	__asm__ volatile("" : "+r"(number));
	return number;
}

/* The outermost tag is beside the frame or in it, as the frame came. */
static __always_inline __u16 frame_vlan(struct __sk_buff *skb, __be16 protocol)
{
	__be16 tag;

	if (skb->vlan_present)
		return skb->vlan_tci & FRAME_VLAN_ID;
	if (!parse_is_vlan(protocol) ||
	    bpf_skb_load_bytes(skb, sizeof(struct ethhdr), &tag, sizeof(tag)) < 0)
		return 0;
	return bpf_ntohs(tag) & FRAME_VLAN_ID;
}

static __always_inline bool frame_read(struct __sk_buff *skb, struct frame *frame)
{
	int offset = sizeof(frame->ethernet);

	if (bpf_skb_load_bytes(skb, 0, &frame->ethernet, sizeof(frame->ethernet)) < 0)
		return false;
	frame->vlan = frame_vlan(skb, frame->ethernet.h_proto);
	frame->protocol = parse_untag(skb, frame->ethernet.h_proto, &offset);
	frame->offset = (int)frame_number((__u64)offset);
	return true;
}
