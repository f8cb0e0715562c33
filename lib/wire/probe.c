#include "lib/wire/probe.h"

#include <net/ethernet.h>
#include <string.h>

#define VLAN_MASK 0x0fff

/* An ARP packet of Ethernet and IPv4. */
#define ARP_SIZE 28
#define ARP_OPERATION 6
#define ARP_SENDER_MAC 8
#define ARP_SENDER 14
#define ARP_TARGET 24
#define ARP_REQUEST 1
#define ARP_REPLY 2

static const uint8_t arp_head[] = { 0, 1, 8, 0, 6, 4, 0 };

#define IP6_SIZE 40
#define IP6_PAYLOAD 4
#define IP6_NEXT 6
#define IP6_HOP_LIMIT 7
#define IP6_SOURCE 8
#define IP6_DESTINATION 24
#define NEXT_ICMP6 58

/* A neighbour solicitation or advertisement: the target, then options. */
#define ND_SIZE 24
#define ND_CHECKSUM 2
#define ND_FLAGS 4
#define ND_TARGET 8
#define ND_SOLICITATION 135
#define ND_ADVERTISEMENT 136
#define ND_SOLICITED 0x40
#define OPTION_SIZE 8
#define OPTION_SOURCE 1
#define OPTION_TARGET 2

static const uint8_t solicited_node[] = { 0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff };

static const struct mac everybody = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static unsigned get16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static size_t put_header(const struct probe_request *request, const struct mac *destination,
			 uint8_t *frame)
{
	size_t size = 2 * MAC_SIZE;

	memcpy(frame, destination, MAC_SIZE);
	memcpy(frame + MAC_SIZE, &request->source, MAC_SIZE);
	if (request->vlan) {
		put16(frame + size, ETHERTYPE_VLAN);
		put16(frame + size + 2, request->vlan & VLAN_MASK);
		size += 4;
	}
	put16(frame + size, request->target.v6 ? ETHERTYPE_IPV6 : ETHERTYPE_ARP);
	return size + 2;
}

static size_t build_arp(const struct probe_request *request, uint8_t *frame)
{
	bool known = !mac_is_zero(&request->destination);
	size_t at = put_header(request, known ? &request->destination : &everybody, frame);
	uint8_t *arp = frame + at;

	memcpy(arp, arp_head, sizeof(arp_head));
	arp[ARP_OPERATION + 1] = ARP_REQUEST;
	memcpy(arp + ARP_SENDER_MAC, &request->source, MAC_SIZE);
	memcpy(arp + ARP_SENDER, request->sender.bytes, 4);
	memcpy(arp + ARP_TARGET, request->target.bytes, 4);
	/* Some switches drop what is smaller than Ethernet's smallest frame. */
	return at + ARP_SIZE < ETHER_MIN_LEN - ETHER_CRC_LEN ? ETHER_MIN_LEN - ETHER_CRC_LEN
							     : at + ARP_SIZE;
}

/* RFC 4443 2.3 */
static unsigned checksum(const uint8_t *packet, size_t icmp_size)
{
	uint32_t sum = (uint32_t)icmp_size + NEXT_ICMP6;

	for (size_t i = IP6_SOURCE; i < IP6_SIZE + icmp_size; i += 2)
		sum += get16(packet + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

static size_t build_nd(const struct probe_request *request, uint8_t *frame)
{
	const uint8_t *target = request->target.bytes;
	struct mac group = { { 0x33, 0x33, 0xff, target[13], target[14], target[15] } };
	bool known = !mac_is_zero(&request->destination);
	size_t at = put_header(request, known ? &request->destination : &group, frame);
	uint8_t *packet = frame + at, *icmp = packet + IP6_SIZE;
	struct probe_address sender = request->sender;

	if (probe_address_is_zero(&sender))
		sender = probe_link_local(&request->source);
	packet[0] = 0x60;
	put16(packet + IP6_PAYLOAD, ND_SIZE + OPTION_SIZE);
	packet[IP6_NEXT] = NEXT_ICMP6;
	packet[IP6_HOP_LIMIT] = 255;
	memcpy(packet + IP6_SOURCE, sender.bytes, 16);
	memcpy(packet + IP6_DESTINATION, target, 16);
	if (!known)
		memcpy(packet + IP6_DESTINATION, solicited_node, sizeof(solicited_node));
	icmp[0] = ND_SOLICITATION;
	memcpy(icmp + ND_TARGET, target, 16);
	icmp[ND_SIZE] = OPTION_SOURCE;
	icmp[ND_SIZE + 1] = OPTION_SIZE / 8;
	memcpy(icmp + ND_SIZE + 2, &request->source, MAC_SIZE);
	put16(icmp + ND_CHECKSUM, checksum(packet, ND_SIZE + OPTION_SIZE));
	return at + IP6_SIZE + ND_SIZE + OPTION_SIZE;
}

size_t probe_build(const struct probe_request *request, uint8_t frame[static PROBE_FRAME_MAX])
{
	memset(frame, 0, PROBE_FRAME_MAX);
	return request->target.v6 ? build_nd(request, frame) : build_arp(request, frame);
}

static bool parse_arp(struct span arp, struct probe_answer *answer)
{
	if (arp.size < ARP_SIZE || memcmp(arp.bytes, arp_head, sizeof(arp_head)) != 0 ||
	    arp.bytes[ARP_OPERATION + 1] != ARP_REPLY)
		return false;
	answer->target.v6 = false;
	memcpy(answer->target.bytes, arp.bytes + ARP_SENDER, 4);
	memcpy(&answer->mac, arp.bytes + ARP_SENDER_MAC, MAC_SIZE);
	return !probe_address_is_zero(&answer->target) && !mac_is_multicast(&answer->mac);
}

/* Where the advertisement gives no address of its own, that of the frame holds. */
static void parse_options(struct span options, struct probe_answer *answer)
{
	while (options.size >= OPTION_SIZE) {
		size_t size = (size_t)options.bytes[1] * 8;

		if (size == 0 || size > options.size)
			return;
		if (options.bytes[0] == OPTION_TARGET)
			memcpy(&answer->mac, options.bytes + 2, MAC_SIZE);
		options = (struct span){ options.bytes + size, options.size - size };
	}
}

static bool parse_nd(struct span packet, struct probe_answer *answer)
{
	const uint8_t *icmp = packet.bytes + IP6_SIZE;
	size_t size;

	if (packet.size < IP6_SIZE + ND_SIZE || packet.bytes[0] >> 4 != 6 ||
	    packet.bytes[IP6_NEXT] != NEXT_ICMP6 || packet.bytes[IP6_HOP_LIMIT] != 255)
		return false;
	size = get16(packet.bytes + IP6_PAYLOAD);
	if (size < ND_SIZE || size > packet.size - IP6_SIZE || size % 2 != 0 ||
	    checksum(packet.bytes, size) != 0)
		return false;
	if (icmp[0] != ND_ADVERTISEMENT || icmp[1] != 0 || !(icmp[ND_FLAGS] & ND_SOLICITED) ||
	    icmp[ND_TARGET] == 0xff)
		return false;
	answer->target.v6 = true;
	memcpy(answer->target.bytes, icmp + ND_TARGET, 16);
	parse_options((struct span){ icmp + ND_SIZE, size - ND_SIZE }, answer);
	return !probe_address_is_zero(&answer->target) && !mac_is_multicast(&answer->mac);
}

bool probe_parse(struct span frame, struct probe_answer *ret)
{
	struct probe_answer answer = {};
	size_t at = 2 * MAC_SIZE;
	struct span rest;
	unsigned type;
	bool good;

	if (frame.size < at + 6)
		return false;
	memcpy(&answer.destination, frame.bytes, MAC_SIZE);
	memcpy(&answer.mac, frame.bytes + MAC_SIZE, MAC_SIZE);
	type = get16(frame.bytes + at);
	if (type == ETHERTYPE_VLAN) {
		answer.vlan = get16(frame.bytes + at + 2) & VLAN_MASK;
		at += 4;
		type = get16(frame.bytes + at);
	}
	rest = (struct span){ frame.bytes + at + 2, frame.size - at - 2 };
	good = (type == ETHERTYPE_ARP && parse_arp(rest, &answer)) ||
	       (type == ETHERTYPE_IPV6 && parse_nd(rest, &answer));
	if (good)
		*ret = answer;
	return good;
}

bool probe_address_equal(const struct probe_address *a, const struct probe_address *b)
{
	return a->v6 == b->v6 && memcmp(a->bytes, b->bytes, a->v6 ? 16 : 4) == 0;
}

bool probe_address_is_zero(const struct probe_address *address)
{
	static const uint8_t zero[16];

	return memcmp(address->bytes, zero, address->v6 ? 16 : 4) == 0;
}

struct probe_address probe_link_local(const struct mac *mac)
{
	const uint8_t *m = mac->bytes;

	return (struct probe_address){
		.v6 = true,
		.bytes = { 0xfe, 0x80, 0, 0, 0, 0, 0, 0, m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3],
			   m[4], m[5] },
	};
}
