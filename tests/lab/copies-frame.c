/* Numbered frames: how they are written and known again. Addresses of IP are those that are set
 * aside for measurements (198.18.0.0/15, 2001:2::/48), so that no machine takes one for its own and
 * answers. */
#include "tests/lab/copies.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <string.h>

#define MAGIC 0x636f7079u
#define ETHERTYPE 0x88b5 /* IEEE's, for local experiments. */
#define ETHERTYPE_RARP 0x8035
#define PORT 31087
#define FIRST_PORT 20000
#define VLAN_SIZE 4

static uint32_t sum(uint32_t before, const void *bytes, size_t size)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < size; i++)
		before += i % 2 ? at[i] : (uint32_t)at[i] << 8;
	return before;
}

static uint16_t checksum(uint32_t total)
{
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return htons((uint16_t)~total);
}

static void write_udp(const struct copies_stream *stream, uint32_t number, uint8_t *at, size_t size)
{
	struct udphdr udp = {
		.source = htons((uint16_t)(FIRST_PORT + number % stream->flows)),
		.dest = htons(PORT),
		.len = htons((uint16_t)size),
	};

	memcpy(at, &udp, sizeof(udp));
}

/* The IP address that goes with the frame's destination. */
static uint32_t v4_destination(const struct copies_stream *stream)
{
	if (stream->destination[0] == 0xff)
		return htonl(INADDR_BROADCAST);
	if (stream->destination[0] & 1)
		return htonl(0xef000000u | (uint32_t)(stream->destination[3] & 0x7f) << 16 |
			     (uint32_t)stream->destination[4] << 8 | stream->destination[5]);
	return htonl(0xc6130000u | (uint32_t)stream->destination[4] << 8 | stream->destination[5]);
}

static size_t write_v4(const struct copies_stream *stream, uint32_t number, uint8_t *at)
{
	size_t size = sizeof(struct udphdr) + sizeof(struct copies_head);
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.tot_len = htons((uint16_t)(sizeof(ip) + size)),
		.id = htons((uint16_t)number),
		.ttl = 8,
		.protocol = IPPROTO_UDP,
		.saddr = htonl(0xc6120000u | (uint32_t)stream->source[4] << 8 | stream->source[5]),
		.daddr = v4_destination(stream),
	};

	ip.check = checksum(sum(0, &ip, sizeof(ip)));
	memcpy(at, &ip, sizeof(ip));
	write_udp(stream, number, at + sizeof(ip), size); /* A checksum of 0 is none. */
	return sizeof(ip) + sizeof(struct udphdr);
}

static struct in6_addr v6_destination(const struct copies_stream *stream)
{
	struct in6_addr address = {};

	inet_pton(AF_INET6, stream->destination[0] & 1 ? "ff05::" : "2001:2:0:1::", &address);
	memcpy(&address.s6_addr[12], &stream->destination[2], 4);
	return address;
}

static size_t write_v6(const struct copies_stream *stream, uint32_t number, uint8_t *at)
{
	size_t size = sizeof(struct udphdr) + sizeof(struct copies_head);
	struct ip6_hdr ip = {
		.ip6_flow = htonl(6u << 28),
		.ip6_plen = htons((uint16_t)size),
		.ip6_nxt = IPPROTO_UDP,
		.ip6_hlim = 8,
		.ip6_dst = v6_destination(stream),
	};

	inet_pton(AF_INET6, "2001:2::", &ip.ip6_src);
	memcpy(&ip.ip6_src.s6_addr[12], &stream->source[2], 4);
	memcpy(at, &ip, sizeof(ip));
	write_udp(stream, number, at + sizeof(ip), size);
	return sizeof(ip) + sizeof(struct udphdr);
}

/* UDP over IPv6 has to have a checksum; the data is behind the header. */
static void seal_v6(uint8_t *at)
{
	size_t size = sizeof(struct udphdr) + sizeof(struct copies_head);
	uint8_t *udp = at + sizeof(struct ip6_hdr);
	uint32_t total =
		sum(0, at + offsetof(struct ip6_hdr, ip6_src), 2 * sizeof(struct in6_addr));
	uint16_t value = checksum(sum(total + IPPROTO_UDP + (uint32_t)size, udp, size));

	value = value ? value : 0xffff;
	memcpy(udp + offsetof(struct udphdr, check), &value, sizeof(value));
}

static size_t write_ethernet(const struct copies_stream *stream, uint8_t *frame)
{
	static const uint16_t ethertypes[] = { ETHERTYPE, ETH_P_IP, ETH_P_IPV6 };
	uint16_t words[3] = { htons(ETH_P_8021Q), htons(stream->vlan),
			      htons(ethertypes[stream->form]) };
	unsigned skip = stream->vlan ? 0 : 2;

	memcpy(frame, stream->destination, COPIES_MAC);
	memcpy(frame + COPIES_MAC, stream->source, COPIES_MAC);
	memcpy(frame + 2 * COPIES_MAC, &words[skip], sizeof(words) - skip * sizeof(words[0]));
	return 2 * COPIES_MAC + sizeof(words) - skip * sizeof(words[0]);
}

size_t copies_write(const struct copies *copies, const struct copies_stream *stream,
		    uint32_t number, uint8_t frame[COPIES_FRAME_SIZE])
{
	struct copies_head head = {
		.magic = MAGIC, .run = copies->run, .stream = stream->serial, .number = number
	};
	size_t inner, at;

	memset(frame, 0, COPIES_FRAME_SIZE);
	inner = at = write_ethernet(stream, frame);
	if (stream->form == COPIES_V4)
		at += write_v4(stream, number, frame + at);
	else if (stream->form == COPIES_V6)
		at += write_v6(stream, number, frame + at);
	memcpy(frame + at, &head, sizeof(head));
	if (stream->form == COPIES_V6)
		seal_v6(frame + inner);
	at += sizeof(head);
	return at < ETH_ZLEN ? ETH_ZLEN : at;
}

/* Where the frame's EtherType is, behind a tag that the kernel left there. */
static size_t ethertype_at(const struct copies_frame *frame)
{
	uint16_t type;

	memcpy(&type, frame->bytes + 2 * COPIES_MAC, sizeof(type));
	return 2 * COPIES_MAC + (ntohs(type) == ETH_P_8021Q ? VLAN_SIZE : 0);
}

static uint16_t read_u16(const struct copies_frame *frame, size_t at)
{
	uint16_t value = 0;

	if (at + sizeof(value) <= frame->size)
		memcpy(&value, frame->bytes + at, sizeof(value));
	return ntohs(value);
}

bool copies_read(const struct copies_frame *frame, struct copies_head *ret)
{
	size_t at;

	if (frame->size < ETH_HLEN)
		return false;
	at = ethertype_at(frame);
	switch (read_u16(frame, at)) {
	case ETHERTYPE:
		at += 2;
		break;
	case ETH_P_IP:
		at += 2 + sizeof(struct iphdr) + sizeof(struct udphdr);
		break;
	case ETH_P_IPV6:
		at += 2 + sizeof(struct ip6_hdr) + sizeof(struct udphdr);
		break;
	default:
		return false;
	}
	if (at + sizeof(*ret) > frame->size)
		return false;
	memcpy(ret, frame->bytes + at, sizeof(*ret));
	return ret->magic == MAGIC;
}

static const char *kind_of_v6(const struct copies_frame *frame, size_t at)
{
	uint8_t type = frame->size > at + 40 ? frame->bytes[at + 40] : 0;

	if (frame->size > at + 6 && frame->bytes[at + 6] == IPPROTO_ICMPV6 &&
	    type >= ND_ROUTER_SOLICIT && type <= ND_REDIRECT)
		return "nd";
	return "ip";
}

bool copies_talker_of(const struct copies_frame *frame, struct copies_talker *ret)
{
	struct copies_head head;
	size_t at;

	if (frame->size < ETH_HLEN)
		return false;
	at = ethertype_at(frame);
	memcpy(ret->source, frame->bytes + COPIES_MAC, COPIES_MAC);
	ret->vlan = frame->vlan >= 0 ? (uint16_t)frame->vlan : 0;
	if (at > 2 * COPIES_MAC)
		ret->vlan = read_u16(frame, 2 * COPIES_MAC + 2) & 0xfff;
	switch (read_u16(frame, at)) {
	case ETH_P_ARP:
		ret->kind = "arp";
		break;
	case ETHERTYPE_RARP:
		ret->kind = "rarp";
		break;
	case ETH_P_IP:
		ret->kind = "ip";
		break;
	case ETH_P_IPV6:
		ret->kind = kind_of_v6(frame, at + 2);
		break;
	default:
		ret->kind = "other";
		break;
	}
	if (copies_read(frame, &head) && strcmp(ret->kind, "other") == 0)
		ret->kind = "raw";
	return true;
}
