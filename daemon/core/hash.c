#include "daemon/core/hash.h"

#include <stddef.h>

const char *hash_fields_name(enum hash_fields fields)
{
	switch (fields) {
	case HASH_TRANSPORT_PORTS:
		return "transport-ports";
	case HASH_IP_ADDRESSES:
		return "ip-addresses";
	case HASH_MAC_ADDRESSES:
		return "mac-addresses";
	}
	return NULL;
}
