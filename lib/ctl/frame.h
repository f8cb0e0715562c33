/* Varlink's framing: JSON objects, each ended by a NUL byte. No I/O. */
#pragma once

#include "lib/base/cleanup.h"
#include "lib/base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct ctl_frame_reader;

/* 'limit': the longest object that is accepted, in bytes without its NUL. NULL without memory. */
struct ctl_frame_reader *ctl_frame_reader_new(size_t limit);
void ctl_frame_reader_free(struct ctl_frame_reader *reader);

/* Takes bytes as they came. 0; -EMSGSIZE if an object grows beyond the limit, now and from then on:
 * hang up; -ENOMEM. Bytes of a call that failed are not taken. */
int ctl_frame_reader_feed(struct ctl_frame_reader *reader, const char *bytes, size_t size);

/* The next whole object, the caller's; NULL with 0 in e->code when there is none yet, with -EBADMSG
 * when what came was no JSON object: hang up. Names that come twice and depths of more than 2048
 * are no JSON object either. */
json_t *ctl_frame_reader_next(struct ctl_frame_reader *reader, struct err *e);

/* The bytes of 'message' with the NUL, to be freed; NULL without memory. */
char *ctl_frame_write(const json_t *message, size_t *size);

DEFINE_CLEANUP(struct ctl_frame_reader, ctl_frame_reader_free)
