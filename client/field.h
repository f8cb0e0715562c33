/* Reading the daemon's JSON without trusting it, and writing single lines of it. */
#pragma once

#include "client/show.h"
#include "lib/ctl/table.h"

/* The field of that name, or "", 0, false where it is missing or of another type. */
const char *field_text(const json_t *object, const char *name);
uint64_t field_number(const json_t *object, const char *name);
bool field_is(const json_t *object, const char *name);

/* Writes 'text' made harmless. */
void write_safe(const struct output *output, enum ctl_style style, const char *text);

/* Writes a line "  name   value…", the value wrapped at 80 columns and made harmless. */
[[gnu::format(printf, 3, 4)]] void write_field(const struct output *output, const char *name,
					       const char *format, ...);

/* The same without a name, indented by two. */
[[gnu::format(printf, 2, 3)]] void write_sentence(const struct output *output, const char *format,
						  ...);

/* How a team's or a member's state is painted. */
enum ctl_style state_style(const char *state);

/* "11-24 08:34:58.123", local time, and returns 'text'. */
#define TIME_SIZE 32
const char *write_time(uint64_t realtime_us, char text[static TIME_SIZE]);
