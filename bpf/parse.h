/* From a frame to its bucket. The frame is read by bpf_skb_load_bytes() only: reading through
 * packet pointers would be 20 ns faster, but the verifier then wants CAP_PERFMON.
 *
 * Whatever cannot be read falls back to the coarser hash: ports, IP addresses, MAC addresses. */
#pragma once

#include "bpf/abi.h"
#include "bpf/mix.h"

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define PARSE_VLAN_TAGS 3
#define PARSE_IPV6_EXTENSIONS 8

#define PARSE_IP_FRAGMENT 0x3fff /* More fragments, or not the first. */
#define PARSE_PROTOCOL_SCTP 132
#define PARSE_PROTOCOL_UDPLITE 136
#define PARSE_PROTOCOL_HIP 139
#define PARSE_PROTOCOL_SHIM6 140
#define PARSE_NO_PORTS (-1)

struct parse_ports {
	__be16 source;
	__be16 destination;
};

struct parse_vlan {
	__be16 tci;
	__be16 protocol;
};

struct parse_extension {
	__u8 next;
	__u8 size; /* In units of 8 octets, the first of which is not counted. */
};

static __always_inline bool parse_is_vlan(__be16 protocol)
{
	return protocol == bpf_htons(ETH_P_8021Q) || protocol == bpf_htons(ETH_P_8021AD);
}

static __always_inline bool parse_has_ports(__u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_DCCP ||
	       protocol == PARSE_PROTOCOL_SCTP || protocol == PARSE_PROTOCOL_UDPLITE;
}

/* An end of a flow. Without ports 'port' is 0. */
static __always_inline __u32 parse_end4(__be32 address, __be16 port)
{
	return bpf_ntohl(address) + (__u32)bpf_ntohs(port) * MIX_PORT;
}

static __always_inline __u32 parse_end6(const struct in6_addr *address, __be16 port)
{
	return bpf_ntohl(address->s6_addr32[0]) * MIX_WORD_0 +
	       bpf_ntohl(address->s6_addr32[1]) * MIX_WORD_1 +
	       bpf_ntohl(address->s6_addr32[2]) * MIX_WORD_2 + bpf_ntohl(address->s6_addr32[3]) +
	       (__u32)bpf_ntohs(port) * MIX_PORT;
}

/* What is at 'offset', if there are ports at all; else none. Returns what keeps apart flows of
 * different protocols between the same ports. */
static __always_inline __u32 parse_read_ports(struct __sk_buff *skb, int offset, __u8 protocol,
					      struct parse_ports *ports)
{
	if (offset != PARSE_NO_PORTS &&
	    bpf_skb_load_bytes(skb, (__u32)offset, ports, sizeof(*ports)) == 0)
		return protocol;
	ports->source = 0;
	ports->destination = 0;
	return 0;
}

/* The hash of an IPv4 packet at 'offset', or -1. */
static __always_inline __s64 parse_ip4(struct __sk_buff *skb, int offset, __u32 fields)
{
	struct parse_ports ports;
	struct iphdr ip;
	int at = PARSE_NO_PORTS;
	__u32 kind;

	if (bpf_skb_load_bytes(skb, (__u32)offset, &ip, sizeof(ip)) < 0 || ip.version != 4 ||
	    ip.ihl < 5)
		return -1;
	/* The first fragment has ports, the others have not: all go by their addresses. */
	if (fields == ABI_HASH_TRANSPORT_PORTS && !(ip.frag_off & bpf_htons(PARSE_IP_FRAGMENT)) &&
	    parse_has_ports(ip.protocol))
		at = offset + ip.ihl * 4;
	kind = parse_read_ports(skb, at, ip.protocol, &ports);
	return mix_flow(parse_end4(ip.saddr, ports.source), parse_end4(ip.daddr, ports.destination),
			kind);
}

static __always_inline bool parse_is_extension(__u8 next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS ||
	       next == IPPROTO_MH || next == PARSE_PROTOCOL_HIP || next == PARSE_PROTOCOL_SHIM6;
}

/* Where the ports are, behind the extension headers; *next becomes their protocol. Fragments and
 * IPsec end the search. */
static __always_inline int parse_ip6_ports(struct __sk_buff *skb, int offset, __u8 *next)
{
	for (int i = 0; i < PARSE_IPV6_EXTENSIONS && parse_is_extension(*next); i++) {
		struct parse_extension extension;

		if (bpf_skb_load_bytes(skb, (__u32)offset, &extension, sizeof(extension)) < 0)
			return PARSE_NO_PORTS;
		*next = extension.next;
		offset += (extension.size + 1) * 8;
	}
	return parse_has_ports(*next) ? offset : PARSE_NO_PORTS;
}

static __always_inline __s64 parse_ip6(struct __sk_buff *skb, int offset, __u32 fields)
{
	struct parse_ports ports;
	struct ipv6hdr ip;
	int at = PARSE_NO_PORTS;
	__u32 kind;

	if (bpf_skb_load_bytes(skb, (__u32)offset, &ip, sizeof(ip)) < 0 || ip.version != 6)
		return -1;
	if (fields == ABI_HASH_TRANSPORT_PORTS)
		at = parse_ip6_ports(skb, offset + (int)sizeof(ip), &ip.nexthdr);
	kind = parse_read_ports(skb, at, ip.nexthdr, &ports);
	return mix_flow(parse_end6(&ip.saddr, ports.source),
			parse_end6(&ip.daddr, ports.destination), kind);
}

/* The outermost tag is beside the frame already, those within it are in the frame. */
static __always_inline __be16 parse_untag(struct __sk_buff *skb, __be16 protocol, int *offset)
{
	for (int i = 0; i < PARSE_VLAN_TAGS && parse_is_vlan(protocol); i++) {
		struct parse_vlan vlan;

		if (bpf_skb_load_bytes(skb, (__u32)*offset, &vlan, sizeof(vlan)) < 0)
			break;
		protocol = vlan.protocol;
		*offset += (int)sizeof(vlan);
	}
	return protocol;
}

/* The hash of a frame with those MAC addresses, of which a packet of 'protocol' is at 'offset'. */
static __always_inline __u32 parse_hash(struct __sk_buff *skb, const struct ethhdr *ethernet,
					__be16 protocol, int offset, __u32 fields)
{
	__s64 hash = -1;

	if (fields == ABI_HASH_MAC_ADDRESSES)
		hash = -1;
	else if (protocol == bpf_htons(ETH_P_IP))
		hash = parse_ip4(skb, offset, fields);
	else if (protocol == bpf_htons(ETH_P_IPV6))
		hash = parse_ip6(skb, offset, fields);
	if (hash >= 0)
		return (__u32)hash;
	return mix_flow(mix_mac(ethernet->h_source), mix_mac(ethernet->h_dest), 0);
}

static __always_inline __u32 parse_bucket(struct __sk_buff *skb, __u32 fields)
{
	struct ethhdr ethernet;
	int offset = sizeof(ethernet);
	__be16 protocol;

	/* There is no such frame; and without CAP_PERFMON the verifier refuses a number that is a
	 * constant on one path. */
	if (bpf_skb_load_bytes(skb, 0, &ethernet, sizeof(ethernet)) < 0)
		return skb->len & (ABI_BUCKETS - 1);
	protocol = parse_untag(skb, ethernet.h_proto, &offset);
	return parse_hash(skb, &ethernet, protocol, offset, fields) >> 24;
}
