/* Which header fields place a frame in its bucket. */
#pragma once

enum hash_fields {
	HASH_TRANSPORT_PORTS, /* Falls back to IP addresses, then to MAC addresses. */
	HASH_IP_ADDRESSES,
	HASH_MAC_ADDRESSES,
};

/* As in the configuration: "transport-ports", … */
const char *hash_fields_name(enum hash_fields fields);
