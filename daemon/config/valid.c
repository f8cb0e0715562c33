#include "daemon/config/valid.h"

#include "daemon/config/config.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stddef.h>
#include <string.h>

bool valid_interface_name(const char *name)
{
	static const char *const taken[] = { ".", "..", "all", "default" };
	size_t length = strlen(name);

	if (length == 0 || length >= IFNAMSIZ)
		return false;
	for (size_t i = 0; i < length; i++)
		if (name[i] <= ' ' || name[i] > '~' || strchr("/:%", name[i]))
			return false;
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (!strcmp(name, taken[i]))
			return false;
	return true;
}

bool valid_is_peer_name(const char *name)
{
	const char *number = name + 2;

	return !strncmp(name, "yk", 2) && *number && strspn(number, "0123456789") == strlen(number);
}

bool valid_unicast_mac(const char *text, struct mac *mac)
{
	struct mac parsed;

	if (!mac_from_text(text, &parsed) || mac_is_zero(&parsed) || mac_is_multicast(&parsed))
		return false;
	*mac = parsed;
	return true;
}

/* 0.0.0.0/8, 127.0.0.0/8, and from 224.0.0.0 on what is multicast, reserved or broadcast. */
static bool is_host_v4(const uint8_t *bytes)
{
	return bytes[0] != 0 && bytes[0] != 127 && bytes[0] < 224;
}

/* Neither ff00::/8 nor what begins with 80 zero bits: unspecified, loopback, IPv4 in IPv6. */
static bool is_host_v6(const uint8_t *bytes)
{
	static const uint8_t zero[10];

	return bytes[0] != 0xff && memcmp(bytes, zero, sizeof(zero)) != 0;
}

bool valid_host_address(const char *text, struct config_address *address)
{
	struct config_address parsed = { .v6 = strchr(text, ':') != NULL };

	if (inet_pton(parsed.v6 ? AF_INET6 : AF_INET, text, parsed.bytes) != 1)
		return false;
	if (parsed.v6 ? !is_host_v6(parsed.bytes) : !is_host_v4(parsed.bytes))
		return false;
	*address = parsed;
	return true;
}
