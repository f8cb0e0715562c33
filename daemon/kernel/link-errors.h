/* How many frames a device received with an error. */
#pragma once

#include <stdint.h>

/* Waits for the kernel. 0 or a negative errno: -ENODEV if there is no such device. */
int link_errors(int ifindex, uint64_t *ret);
