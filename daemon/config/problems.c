#include "daemon/config/problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUOTED_MAX 44 /* Characters that are shown; a byte takes up to four. */

void copy_path(char copy[static PATH_SHOWN_SIZE], const char *path)
{
	static const char mark[] = "…";
	size_t length = strlen(path);

	if (length < PATH_SHOWN_SIZE)
		memcpy(copy, path, length + 1);
	else
		(void)snprintf(copy, PATH_SHOWN_SIZE, "%s%s", mark,
			       path + length - (PATH_SHOWN_SIZE - sizeof(mark)));
}

/* A free place. Where there is none, an error may have that of the last warning. */
static struct config_problem *place_for(struct config_problems *problems, bool warning)
{
	struct config_problem *all = problems->problems;

	if (problems->n < CONFIG_PROBLEMS_MAX)
		return &all[problems->n++];
	for (unsigned i = problems->n; !warning && i > 0; i--) {
		if (!all[i - 1].warning)
			continue;
		memmove(&all[i - 1], &all[i], (problems->n - i) * sizeof(all[0]));
		return &all[problems->n - 1];
	}
	return NULL;
}

[[gnu::format(printf, 4, 0)]] static void add(const struct report *report, unsigned line,
					      bool warning, const char *format, va_list args)
{
	struct config_problem *problem = place_for(report->problems, warning);

	if (warning)
		report->problems->n_warnings++;
	else
		report->problems->n_errors++;
	if (!problem)
		return;
	copy_path(problem->file, report->file);
	problem->line = line;
	problem->warning = warning;
	(void)vsnprintf(problem->text, sizeof(problem->text), format, args);
}

void report_error(const struct report *report, unsigned line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(report, line, false, format, args);
	va_end(args);
}

void report_warning(const struct report *report, unsigned line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(report, line, true, format, args);
	va_end(args);
}

struct report report_begin(struct config_problems *problems, const char *file)
{
	return (struct report){ .problems = problems, .file = file, .first = problems->n };
}

bool report_has_error(const struct report *report, unsigned line)
{
	const struct config_problems *problems = report->problems;

	for (unsigned i = report->first; i < problems->n; i++)
		if (problems->problems[i].line == line && !problems->problems[i].warning)
			return true;
	return false;
}

/* Insertion, because it leaves problems of one line in the order in which they were found. */
void report_end(const struct report *report)
{
	struct config_problem *all = report->problems->problems;
	struct config_problem moved;

	for (unsigned i = report->first + 1; i < report->problems->n; i++) {
		unsigned at = i;

		while (at > report->first && all[at - 1].line > all[i].line)
			at--;
		if (at == i)
			continue;
		moved = all[i];
		memmove(&all[at + 1], &all[at], (i - at) * sizeof(all[0]));
		all[at] = moved;
	}
}

const char *quote(const char *text, size_t size, char quoted[static QUOTE_SIZE])
{
	char *at = quoted;
	size_t i;

	*at++ = '"';
	for (i = 0; i < size && at - quoted <= QUOTED_MAX; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < ' ' || c > '~')
			at += sprintf(at, "\\x%02x", c);
		else
			*at++ = (char)c;
	}
	strcpy(at, i < size ? "…\"" : "\"");
	return quoted;
}
