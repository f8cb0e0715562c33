/* Words for people: what came from elsewhere made harmless for a terminal, and numbers in units
 * that can be read. */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* A copy of 'text', to be freed, in which whatever could command a terminal or turn the direction
 * of writing (control characters, bytes that are no UTF-8, marks of direction) stands as \xNN. NULL
 * without memory. */
char *ctl_text_safe(const char *text);

/* A JSON string; bytes that are no UTF-8 (names of devices may have them) become U+FFFD. NULL
 * without memory. */
json_t *ctl_text_json(const char *text);

/* The columns that UTF-8 takes on a terminal, one for each character. */
size_t ctl_text_columns(const char *text);

/* Each writes into 'text' and returns it. */
#define CTL_TEXT_SIZE 32
const char *ctl_text_bytes(uint64_t bytes, char text[static CTL_TEXT_SIZE]); /* "1.2 GiB" */
const char *ctl_text_speed(uint64_t mbps, char text[static CTL_TEXT_SIZE]);  /* "2.5 Gbit/s" */
const char *ctl_text_duration(uint64_t us, char text[static CTL_TEXT_SIZE]); /* "1.2 ms" */
