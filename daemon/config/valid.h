/* Questions of single values. */
#pragma once

#include "lib/wire/ether.h"

#include <stdbool.h>

struct config_address;

/* What the kernel would take, but only ASCII, for names also travel in JSON and in logs, and not
 * "all" and "default", which mean other things below /proc/sys/net. */
bool valid_interface_name(const char *name);

/* "yk" and a number: so the hidden peers of teams are named. */
bool valid_is_peer_name(const char *name);

/* An individual address that is not all zero; false leaves *mac as it was. */
bool valid_unicast_mac(const char *text, struct mac *mac);

/* An IP address that one host can have and answer for: not multicast, broadcast, unspecified or
 * loopback, and nothing that is never on a wire. False leaves *address as it was. */
bool valid_host_address(const char *text, struct config_address *address);
