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
	if (bpf_skb_load_bytes(skb, 0, &frame->ethernet, sizeof(frame->ethernet)) < 0)
		return false;
	frame->offset = sizeof(frame->ethernet);
	frame->vlan = frame_vlan(skb, frame->ethernet.h_proto);
	frame->protocol = parse_untag(skb, frame->ethernet.h_proto, &frame->offset);
	return true;
}
