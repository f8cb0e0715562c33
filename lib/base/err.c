#include "lib/base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int err_vset(struct err *e, int code, const char *format, va_list args)
{
	if (!e)
		return code;
	e->code = code;
	(void)vsnprintf(e->text, sizeof(e->text), format, args);
	return code;
}

int err_set(struct err *e, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	err_vset(e, code, format, args);
	va_end(args);
	return code;
}

int err_prefix(struct err *e, const char *format, ...)
{
	char rest[sizeof(e->text)];
	va_list args;
	int n;

	if (!e)
		return -EINVAL;
	memcpy(rest, e->text, sizeof(rest));
	va_start(args, format);
	n = vsnprintf(e->text, sizeof(e->text), format, args);
	va_end(args);
	if (n >= 0 && (size_t)n < sizeof(e->text))
		(void)snprintf(e->text + n, sizeof(e->text) - (size_t)n, ": %s", rest);
	return e->code;
}

int err_errno(struct err *e, int code, const char *format, ...)
{
	va_list args;
	size_t used;

	if (!e)
		return code;
	va_start(args, format);
	err_vset(e, code, format, args);
	va_end(args);
	used = strlen(e->text);
	(void)snprintf(e->text + used, sizeof(e->text) - used, ": %s", strerror(-code));
	return code;
}
