/* How problems are collected while one file is read. */
#pragma once

#include "daemon/config/config.h"

/* The problems, and the file that is being read. */
struct report {
	struct config_problems *problems;
	const char *file;
	unsigned first; /* Its problems begin here. */
};

/* Begins a file; 'file' must live as long as the report. */
struct report report_begin(struct config_problems *problems, const char *file);

/* Puts the file's problems in the order of their lines. */
void report_end(const struct report *report);

[[gnu::format(printf, 3, 4)]] void report_error(const struct report *report, unsigned line,
						const char *format, ...);
[[gnu::format(printf, 3, 4)]] void report_warning(const struct report *report, unsigned line,
						  const char *format, ...);

/* Whether the file has an error in that line already. */
bool report_has_error(const struct report *report, unsigned line);

/* As long as the paths of the public structs. */
#define PATH_SHOWN_SIZE sizeof(((struct config_problem *)NULL)->file)

/* Copies the path; of one that is too long the end, after "…". */
void copy_path(char copy[static PATH_SHOWN_SIZE], const char *path);

#define QUOTE_SIZE 64

/* The text as it can be shown: in quotes, cut where it is long, and with nothing in it that could
 * disturb a terminal or a log. Returns 'quoted'. */
const char *quote(const char *text, size_t size, char quoted[static QUOTE_SIZE]);
