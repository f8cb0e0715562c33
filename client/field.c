#include "client/field.h"

#include "lib/base/array.h"
#include "lib/ctl/text.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>

#define WIDTH 80
#define NAME_WIDTH 15

const char *field_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

uint64_t field_number(const json_t *object, const char *name)
{
	json_int_t value = json_integer_value(json_object_get(object, name));

	return value < 0 ? 0 : (uint64_t)value;
}

bool field_is(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

void write_safe(const struct output *output, enum ctl_style style, const char *text)
{
	cleanup(freep) char *safe = ctl_text_safe(text);

	ctl_write_styled(output->file, output->colour, style, safe ? safe : "?");
}

[[gnu::format(printf, 3, 0)]] static void write_wrapped(const struct output *output, size_t indent,
							const char *format, va_list args)
{
	cleanup(freep) char *text = NULL;
	cleanup(freep) char *safe = NULL;

	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	safe = text ? ctl_text_safe(text) : NULL;
	ctl_write_wrapped(output->file, safe ? safe : "?", indent, WIDTH);
}

void write_field(const struct output *output, const char *name, const char *format, ...)
{
	va_list args;

	(void)fprintf(output->file, "  %-*s", NAME_WIDTH, name);
	va_start(args, format);
	write_wrapped(output, NAME_WIDTH + 2, format, args);
	va_end(args);
}

void write_sentence(const struct output *output, const char *format, ...)
{
	va_list args;

	(void)fputs("  ", output->file);
	va_start(args, format);
	write_wrapped(output, 2, format, args);
	va_end(args);
}

enum ctl_style state_style(const char *state)
{
	static const struct {
		const char *state;
		enum ctl_style style;
	} styles[] = {
		{ "up", CTL_STYLE_GOOD },          { "active", CTL_STYLE_GOOD },
		{ "degraded", CTL_STYLE_WARNING }, { "disabled", CTL_STYLE_WARNING },
		{ "down", CTL_STYLE_BAD },         { "failed", CTL_STYLE_BAD },
		{ "standby", CTL_STYLE_DIM },
	};

	for (size_t i = 0; i < ARRAY_SIZE(styles); i++) {
		if (strcmp(styles[i].state, state) == 0)
			return styles[i].style;
	}
	return CTL_STYLE_PLAIN;
}

const char *write_time(uint64_t realtime_us, char text[static TIME_SIZE])
{
	time_t seconds = (time_t)(realtime_us / 1000000);
	struct tm tm;

	if (!localtime_r(&seconds, &tm)) {
		(void)snprintf(text, TIME_SIZE, "-");
		return text;
	}
	(void)snprintf(text, TIME_SIZE, "%02d-%02d %02d:%02d:%02d.%03u", tm.tm_mon + 1, tm.tm_mday,
		       tm.tm_hour, tm.tm_min, tm.tm_sec, (unsigned)(realtime_us / 1000 % 1000));
	return text;
}
