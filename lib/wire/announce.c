#include "lib/wire/announce.h"

#include <string.h>

#define MINIMUM 60 /* Without the frame check sequence; a tag comes on top of it. */

const struct mac mac_broadcast = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };

/* Where the next octet goes. */
struct writer {
	uint8_t *at;
};

static void put(struct writer *writer, const void *bytes, size_t size)
{
	memcpy(writer->at, bytes, size);
	writer->at += size;
}

static void put_8(struct writer *writer, unsigned value)
{
	*writer->at++ = (uint8_t)value;
}

static void put_16(struct writer *writer, unsigned value)
{
	put_8(writer, value >> 8);
	put_8(writer, value & 0xff);
}

static struct writer begin(uint8_t frame[static ANNOUNCE_FRAME_SIZE], const struct mac *to,
			   const struct mac *from, uint16_t vlan)
{
	struct writer writer = { frame };

	memset(frame, 0, ANNOUNCE_FRAME_SIZE);
	put(&writer, to->bytes, MAC_SIZE);
	put(&writer, from->bytes, MAC_SIZE);
	if (vlan) {
		put_16(&writer, ETHERTYPE_VLAN);
		put_16(&writer, vlan & 0x0fff);
	}
	return writer;
}

static size_t end(const struct writer *writer, const uint8_t *frame, uint16_t vlan)
{
	size_t size = (size_t)(writer->at - frame), least = MINIMUM + (vlan ? 4 : 0);

	return size < least ? least : size;
}

/* What ARP and RARP share, up to the operation. */
static void put_arp_head(struct writer *writer, unsigned ethertype, unsigned operation)
{
	put_16(writer, ethertype);
	put_16(writer, 1); /* Ethernet */
	put_16(writer, 0x0800);
	put_8(writer, MAC_SIZE);
	put_8(writer, 4);
	put_16(writer, operation);
}

size_t announce_frame_rarp(uint8_t frame[static ANNOUNCE_FRAME_SIZE], const struct mac *mac,
			   uint16_t vlan)
{
	static const uint8_t unknown[4];
	struct writer writer = begin(frame, &mac_broadcast, mac, vlan);

	put_arp_head(&writer, ETHERTYPE_RARP, 3); /* request reverse */
	put(&writer, mac->bytes, MAC_SIZE);
	put(&writer, unknown, sizeof(unknown));
	put(&writer, mac->bytes, MAC_SIZE);
	put(&writer, unknown, sizeof(unknown));
	return end(&writer, frame, vlan);
}

size_t announce_frame_arp(uint8_t frame[static ANNOUNCE_FRAME_SIZE], const struct mac *mac,
			  uint16_t vlan, const uint8_t ip[static 4])
{
	static const struct mac unknown;
	struct writer writer = begin(frame, &mac_broadcast, mac, vlan);

	put_arp_head(&writer, ETHERTYPE_ARP, 1); /* request */
	put(&writer, mac->bytes, MAC_SIZE);
	put(&writer, ip, 4);
	put(&writer, unknown.bytes, MAC_SIZE);
	put(&writer, ip, 4);
	return end(&writer, frame, vlan);
}

#define NA_SIZE 32 /* With one option. */

/* RFC 4443 section 2.3: over the addresses, the length, the next header and the message. */
static unsigned icmpv6_checksum(const uint8_t *addresses, const uint8_t *message, size_t size)
{
	uint32_t sum = (uint32_t)size + 58;

	for (size_t i = 0; i < 32; i += 2)
		sum += (uint32_t)(addresses[i] << 8 | addresses[i + 1]);
	for (size_t i = 0; i < size; i += 2)
		sum += (uint32_t)(message[i] << 8 | message[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

size_t announce_frame_na(uint8_t frame[static ANNOUNCE_FRAME_SIZE], const struct mac *mac,
			 uint16_t vlan, const uint8_t ip[static 16], bool router)
{
	static const struct mac all_nodes_mac = { { 0x33, 0x33, 0, 0, 0, 1 } };
	static const uint8_t all_nodes[16] = { 0xff, 0x02, [15] = 1 };
	struct writer writer = begin(frame, &all_nodes_mac, mac, vlan), checksum;
	uint8_t *addresses, *message;

	put_16(&writer, ETHERTYPE_IPV6);
	put_16(&writer, 0x6000);
	put_16(&writer, 0);
	put_16(&writer, NA_SIZE);
	put_8(&writer, 58);  /* ICMPv6 */
	put_8(&writer, 255); /* Or it is not believed. */
	addresses = writer.at;
	put(&writer, ip, 16);
	put(&writer, all_nodes, sizeof(all_nodes));
	message = writer.at;
	put_8(&writer, 136); /* Neighbor Advertisement */
	put_8(&writer, 0);
	checksum = writer;
	put_16(&writer, 0);
	put_16(&writer, router ? 0xa000 : 0x2000); /* Override */
	put_16(&writer, 0);
	put(&writer, ip, 16);
	put_8(&writer, 2); /* Target link-layer address, */
	put_8(&writer, 1); /* eight octets. */
	put(&writer, mac->bytes, MAC_SIZE);
	put_16(&checksum, icmpv6_checksum(addresses, message, NA_SIZE));
	return end(&writer, frame, vlan);
}
