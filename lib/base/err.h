/* What went wrong, in words for the person who asked. */
#pragma once

#include <stdarg.h>

struct err {
	int code;       /* Negative errno, 0 while nothing failed. */
	char text[512]; /* One sentence, no newline, no full stop, no program name. */
};

/* Fills in 'e' (which may be NULL) and returns 'code', a negative errno. */
[[gnu::format(printf, 3, 4)]] int err_set(struct err *e, int code, const char *format, ...);
[[gnu::format(printf, 3, 0)]] int err_vset(struct err *e, int code, const char *format,
					   va_list args);

/* Puts "format: " before what 'e' says already, and returns e->code: the caller of the place that
 * failed tells what it was about to do. 'e' may be NULL; then the return value is -EINVAL. */
[[gnu::format(printf, 2, 3)]] int err_prefix(struct err *e, const char *format, ...);

/* err_set() with ": " and the words of errno -code at the end. */
[[gnu::format(printf, 3, 4)]] int err_errno(struct err *e, int code, const char *format, ...);
