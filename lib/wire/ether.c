#include "lib/wire/ether.h"

#include <stdio.h>
#include <string.h>

const struct mac mac_slow_protocols = { { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x02 } };

bool mac_equal(const struct mac *a, const struct mac *b)
{
	return memcmp(a->bytes, b->bytes, MAC_SIZE) == 0;
}

bool mac_is_zero(const struct mac *mac)
{
	static const struct mac zero;

	return mac_equal(mac, &zero);
}

bool mac_is_multicast(const struct mac *mac)
{
	return mac->bytes[0] & 1;
}

const char *mac_to_text(const struct mac *mac, char text[static MAC_TEXT_SIZE])
{
	const uint8_t *b = mac->bytes;

	(void)snprintf(text, MAC_TEXT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3],
		       b[4], b[5]);
	return text;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool mac_from_text(const char *text, struct mac *mac)
{
	struct mac parsed;

	if (strlen(text) != MAC_TEXT_SIZE - 1)
		return false;
	for (int i = 0; i < MAC_SIZE; i++) {
		int high = digit(text[3 * i]), low = digit(text[3 * i + 1]);

		if (high < 0 || low < 0 || (i < MAC_SIZE - 1 && text[3 * i + 2] != ':'))
			return false;
		parsed.bytes[i] = (uint8_t)(high << 4 | low);
	}
	*mac = parsed;
	return true;
}
