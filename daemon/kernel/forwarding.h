/* Whether the host forwards IPv6 that comes in on a device. */
#pragma once

#include <stdbool.h>

/* False also where the device, or IPv6, is not there. Reads a file of /proc that waits for no lock
 * and no disk, in the network namespace of the caller. */
bool forwarding_is_on(const char *device);
