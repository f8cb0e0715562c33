/* LACPDU and Marker PDU (IEEE 802.1AX-2014 6.4.2 and 6.5.3.3), bytes to struct and back. */
#pragma once

#include "daemon/core/lacp/lacp.h"

enum slow_subtype {
	SLOW_SUBTYPE_LACP = 1,
	SLOW_SUBTYPE_MARKER = 2,
};

struct lacpdu {
	uint8_t version;
	struct lacp_info actor;
	struct lacp_info partner;
	uint16_t collector_max_delay; /* Tens of microseconds. */
};

enum marker_type {
	MARKER_INFORMATION = 1,
	MARKER_RESPONSE = 2,
};

/* 6.5.3.2: the TLV's length. Earlier editions had 22, and some, as Linux' bonding driver, still
 * write it. */
#define MARKER_LENGTH 16
#define MARKER_LENGTH_OLD 22

struct marker {
	enum marker_type type;
	uint8_t length; /* Of the TLV, MARKER_LENGTH or MARKER_LENGTH_OLD; a Response repeats it. */
	uint16_t requester_port;
	struct mac requester_system;
	uint32_t transaction;
};

enum pdu_verdict {
	PDU_LACP,
	PDU_MARKER,
	PDU_UNKNOWN, /* The subtype of another slow protocol (3 to 10): not ours to judge. */
	PDU_ILLEGAL, /* A subtype of ours, badly formed; or no protocol's subtype. */
};

/* Reads a payload, from the subtype octet on, into one of both. Liberal, as 6.4.2.3 demands: any
 * version, whatever types the TLVs have, whatever stands in reserved octets and behind the
 * Collector's TLV; frames may be longer than 110 octets. Strict in what it must be sure of: 110
 * octets, the lengths of the three TLVs, an Actor_Port that is not 0. */
enum pdu_verdict pdu_decode(struct span payload, struct lacpdu *lacpdu, struct marker *marker);

/* Writes LACP_PDU_SIZE octets, version 1, every reserved octet 0. */
void lacpdu_encode(const struct lacpdu *pdu, uint8_t payload[static LACP_PDU_SIZE]);
void marker_encode(const struct marker *marker, uint8_t payload[static LACP_PDU_SIZE]);
