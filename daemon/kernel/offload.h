/* Switching a device's offloads by the kernel's names for them, "rx-lro", "rx-vlan-filter", …
 * For the worker. */
#pragma once

#include "lib/base/err.h"

#include <stdbool.h>

/* A device that has no such offload is no error: it is off. */
int offload_get(const char *device, const char *offload, bool *ret, struct err *e);

/* What the device cannot change stays as it is. */
int offload_set(const char *device, const char *offload, bool on, struct err *e);
