#include "daemon/config/valid.h"

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
