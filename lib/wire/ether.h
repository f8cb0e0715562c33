/* Ethernet addresses, and the constants of slow protocols (IEEE 802.3 annex 57A). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define MAC_SIZE 6
#define MAC_TEXT_SIZE 18 /* "02:00:00:00:00:01" and its NUL. */

struct mac {
	uint8_t bytes[MAC_SIZE];
};

#define ETHERTYPE_SLOW_PROTOCOLS 0x8809

/* Where LACPDUs and Marker PDUs go: 01:80:c2:00:00:02, IEEE 802.1AX-2014 6.2.8.1.2. */
extern const struct mac mac_slow_protocols;

bool mac_equal(const struct mac *a, const struct mac *b);
bool mac_is_zero(const struct mac *mac);
bool mac_is_multicast(const struct mac *mac);

/* Writes "02:00:00:00:00:01" into 'text' and returns it. */
const char *mac_to_text(const struct mac *mac, char text[static MAC_TEXT_SIZE]);

/* Six pairs of hexadecimal digits with colons, nothing else; false leaves *mac as it was. */
bool mac_from_text(const char *text, struct mac *mac);
