#include "daemon/core/lacp/pdu.h"

#include <string.h>

/* Offsets from the subtype octet, IEEE 802.1AX-2014 Figure 6-7 and Figure 6-27.
 *
 * What 6.4.2.3 forbids to check is not checked: version, types of TLVs, reserved octets. The
 * lengths of the three TLVs may be checked, and are: a frame in which they are wrong is none that
 * we can read. What follows the Collector's TLV is not looked at, because a later version puts TLVs
 * of its own there. Actor_Port 0 names no port. */
enum {
	OFFSET_VERSION = 1,
	OFFSET_ACTOR = 2,
	OFFSET_PARTNER = 22,
	OFFSET_COLLECTOR = 42,
	OFFSET_MARKER = 2,
	INFORMATION_LENGTH = 20,
	COLLECTOR_LENGTH = 16,
	VERSION = 1,
};

/* Types of the TLVs that we write. */
enum {
	TLV_ACTOR = 1,
	TLV_PARTNER = 2,
	TLV_COLLECTOR = 3,
};

static uint16_t read16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static uint32_t read32(const uint8_t *bytes)
{
	return (uint32_t)read16(bytes) << 16 | read16(bytes + 2);
}

static void write16(uint8_t *bytes, uint16_t value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
}

static void write32(uint8_t *bytes, uint32_t value)
{
	write16(bytes, (uint16_t)(value >> 16));
	write16(bytes + 2, (uint16_t)value);
}

static struct lacp_info read_information(const uint8_t *tlv)
{
	struct lacp_info info = {
		.system_priority = read16(tlv + 2),
		.key = read16(tlv + 10),
		.port_priority = read16(tlv + 12),
		.port = read16(tlv + 14),
		.state = tlv[16],
	};

	memcpy(info.system.bytes, tlv + 4, MAC_SIZE);
	return info;
}

static void write_information(uint8_t *tlv, uint8_t type, const struct lacp_info *info)
{
	tlv[0] = type;
	tlv[1] = INFORMATION_LENGTH;
	write16(tlv + 2, info->system_priority);
	memcpy(tlv + 4, info->system.bytes, MAC_SIZE);
	write16(tlv + 10, info->key);
	write16(tlv + 12, info->port_priority);
	write16(tlv + 14, info->port);
	tlv[16] = info->state;
}

static enum pdu_verdict decode_lacpdu(const uint8_t *bytes, struct lacpdu *pdu)
{
	if (bytes[OFFSET_ACTOR + 1] != INFORMATION_LENGTH ||
	    bytes[OFFSET_PARTNER + 1] != INFORMATION_LENGTH ||
	    bytes[OFFSET_COLLECTOR + 1] != COLLECTOR_LENGTH)
		return PDU_ILLEGAL;
	if (read16(bytes + OFFSET_ACTOR + 14) == 0)
		return PDU_ILLEGAL;
	*pdu = (struct lacpdu){
		.version = bytes[OFFSET_VERSION],
		.actor = read_information(bytes + OFFSET_ACTOR),
		.partner = read_information(bytes + OFFSET_PARTNER),
		.collector_max_delay = read16(bytes + OFFSET_COLLECTOR + 2),
	};
	return PDU_LACP;
}

static enum pdu_verdict decode_marker(const uint8_t *bytes, struct marker *marker)
{
	const uint8_t *tlv = bytes + OFFSET_MARKER;

	if (tlv[0] != MARKER_INFORMATION && tlv[0] != MARKER_RESPONSE)
		return PDU_ILLEGAL;
	if (tlv[1] != MARKER_LENGTH && tlv[1] != MARKER_LENGTH_OLD)
		return PDU_ILLEGAL;
	*marker = (struct marker){
		.type = tlv[0],
		.length = tlv[1],
		.requester_port = read16(tlv + 2),
		.transaction = read32(tlv + 10),
	};
	memcpy(marker->requester_system.bytes, tlv + 4, MAC_SIZE);
	return PDU_MARKER;
}

enum pdu_verdict pdu_decode(struct span payload, struct lacpdu *lacpdu, struct marker *marker)
{
	uint8_t subtype = payload.size > 0 ? payload.bytes[0] : 0;

	/* 802.3 57A.3: subtypes 0 and 11 to 255 are illegal, 3 to 10 belong to others. */
	if (subtype == 0 || subtype > 10)
		return PDU_ILLEGAL;
	if (subtype != SLOW_SUBTYPE_LACP && subtype != SLOW_SUBTYPE_MARKER)
		return PDU_UNKNOWN;
	if (payload.size < LACP_PDU_SIZE)
		return PDU_ILLEGAL;
	return subtype == SLOW_SUBTYPE_LACP ? decode_lacpdu(payload.bytes, lacpdu)
					    : decode_marker(payload.bytes, marker);
}

void lacpdu_encode(const struct lacpdu *pdu, uint8_t payload[static LACP_PDU_SIZE])
{
	memset(payload, 0, LACP_PDU_SIZE);
	payload[0] = SLOW_SUBTYPE_LACP;
	payload[OFFSET_VERSION] = VERSION;
	write_information(payload + OFFSET_ACTOR, TLV_ACTOR, &pdu->actor);
	write_information(payload + OFFSET_PARTNER, TLV_PARTNER, &pdu->partner);
	payload[OFFSET_COLLECTOR] = TLV_COLLECTOR;
	payload[OFFSET_COLLECTOR + 1] = COLLECTOR_LENGTH;
	write16(payload + OFFSET_COLLECTOR + 2, pdu->collector_max_delay);
}

void marker_encode(const struct marker *marker, uint8_t payload[static LACP_PDU_SIZE])
{
	uint8_t *tlv = payload + OFFSET_MARKER;

	memset(payload, 0, LACP_PDU_SIZE);
	payload[0] = SLOW_SUBTYPE_MARKER;
	payload[OFFSET_VERSION] = VERSION;
	tlv[0] = (uint8_t)marker->type;
	tlv[1] = marker->length;
	write16(tlv + 2, marker->requester_port);
	memcpy(tlv + 4, marker->requester_system.bytes, MAC_SIZE);
	write32(tlv + 10, marker->transaction);
}
