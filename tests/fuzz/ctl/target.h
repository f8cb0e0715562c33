/* What a client may send, thrown at the whole control server: reader, dispatcher, every method and
 * its answer. Each input is one client's stream, cut in two at a place that its first byte tells.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
