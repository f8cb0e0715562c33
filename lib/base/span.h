/* Borrowed bytes with their length. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct span {
	const uint8_t *bytes;
	size_t size;
};
