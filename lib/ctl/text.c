#include "lib/ctl/text.h"

#include "lib/base/array.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* The size of the UTF-8 character at 'text', which is not at its end, and the character; 0 if it is
 * none: cut off, overlong, a surrogate or beyond U+10FFFF. */
static size_t decode(const char *text, uint32_t *character)
{
	static const uint32_t lowest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint8_t first = (uint8_t)*text;
	size_t size;

	if (first < 0x80) {
		*character = first;
		return 1;
	}
	if (first < 0xc2 || first > 0xf4)
		return 0;
	size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	*character = first & (0x7fu >> size);
	for (size_t i = 1; i < size; i++) {
		uint8_t next = (uint8_t)text[i];

		if ((next & 0xc0) != 0x80)
			return 0;
		*character = *character << 6 | (next & 0x3fu);
	}
	if (*character < lowest[size] || *character > 0x10ffff)
		return 0;
	return *character >= 0xd800 && *character <= 0xdfff ? 0 : size;
}

static bool is_harmful(uint32_t character)
{
	static const struct {
		uint32_t first;
		uint32_t last;
	} ranges[] = {
		{ 0x00, 0x1f },     { 0x7f, 0x9f },     /* C0, DEL, C1. */
		{ 0x61c, 0x61c },   { 0x200b, 0x200f }, /* Marks of direction, no width. */
		{ 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0xfeff, 0xfeff },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		if (character >= ranges[i].first && character <= ranges[i].last)
			return true;
	}
	return false;
}

/* Appends 'size' bytes at 'from' as \xNN. */
static char *escape(char *to, const char *from, size_t size)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++) {
		uint8_t byte = (uint8_t)from[i];

		*to++ = '\\';
		*to++ = 'x';
		*to++ = digits[byte >> 4];
		*to++ = digits[byte & 0xf];
	}
	return to;
}

char *ctl_text_safe(const char *text)
{
	char *safe = reallocarray(NULL, strlen(text) + 1, 4);
	char *to = safe;

	if (!safe)
		return NULL;
	while (*text) {
		uint32_t character = 0;
		size_t size = decode(text, &character);

		if (size == 0 || is_harmful(character)) {
			size = size ? size : 1;
			to = escape(to, text, size);
		} else {
			memcpy(to, text, size);
			to += size;
		}
		text += size;
	}
	*to = 0;
	return safe;
}

/* 'text' with U+FFFD for each byte that is no UTF-8, to be freed. */
static char *as_utf8(const char *text)
{
	static const size_t replacement_size = sizeof(REPLACEMENT) - 1;
	char *valid = reallocarray(NULL, strlen(text) + 1, replacement_size);
	char *to = valid;

	if (!valid)
		return NULL;
	while (*text) {
		uint32_t character;
		size_t size = decode(text, &character);

		memcpy(to, size ? text : REPLACEMENT, size ? size : replacement_size);
		to += size ? size : replacement_size;
		text += size ? size : 1;
	}
	*to = 0;
	return valid;
}

json_t *ctl_text_json(const char *text)
{
	json_t *string = json_string(text);
	char *valid;

	if (string)
		return string;
	valid = as_utf8(text);
	if (valid)
		string = json_string(valid);
	free(valid);
	return string;
}

size_t ctl_text_columns(const char *text)
{
	size_t columns = 0;

	for (; *text; text++)
		columns += ((uint8_t)*text & 0xc0) != 0x80;
	return columns;
}

const char *ctl_text_bytes(uint64_t bytes, char text[static CTL_TEXT_SIZE])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		(void)snprintf(text, CTL_TEXT_SIZE, "%u B", (unsigned)bytes);
		return text;
	}
	for (; value >= 1023.95 && unit < ARRAY_SIZE(units) - 1; unit++)
		value /= 1024;
	(void)snprintf(text, CTL_TEXT_SIZE, "%.1f %s", value, units[unit]);
	return text;
}

const char *ctl_text_speed(uint64_t mbps, char text[static CTL_TEXT_SIZE])
{
	if (!mbps)
		(void)snprintf(text, CTL_TEXT_SIZE, "unknown");
	else if (mbps < 1000)
		(void)snprintf(text, CTL_TEXT_SIZE, "%u Mbit/s", (unsigned)mbps);
	else
		(void)snprintf(text, CTL_TEXT_SIZE, "%.10g Gbit/s", (double)mbps / 1000);
	return text;
}

const char *ctl_text_duration(uint64_t us, char text[static CTL_TEXT_SIZE])
{
	uint64_t seconds = us / 1000000;

	if (us < 1000)
		(void)snprintf(text, CTL_TEXT_SIZE, "%u us", (unsigned)us);
	else if (us < 99950)
		(void)snprintf(text, CTL_TEXT_SIZE, "%.1f ms", (double)us / 1e3);
	else if (us < 999500)
		(void)snprintf(text, CTL_TEXT_SIZE, "%.0f ms", (double)us / 1e3);
	else if (us < 59950000)
		(void)snprintf(text, CTL_TEXT_SIZE, "%.1f s", (double)us / 1e6);
	else if (seconds < 3600)
		(void)snprintf(text, CTL_TEXT_SIZE, "%u min %u s", (unsigned)(seconds / 60),
			       (unsigned)(seconds % 60));
	else if (seconds < 86400)
		(void)snprintf(text, CTL_TEXT_SIZE, "%u h %u min", (unsigned)(seconds / 3600),
			       (unsigned)(seconds % 3600 / 60));
	else
		(void)snprintf(text, CTL_TEXT_SIZE, "%llu d %u h",
			       (unsigned long long)(seconds / 86400),
			       (unsigned)(seconds % 86400 / 3600));
	return text;
}
