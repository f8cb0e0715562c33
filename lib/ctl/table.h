/* Tables of text, aligned, with colour where the reader wants it. Colour never says anything that
 * the words do not. */
#pragma once

#include "lib/base/cleanup.h"

#include <stdbool.h>
#include <stdio.h>

enum ctl_style {
	CTL_STYLE_PLAIN,
	CTL_STYLE_HEAD,
	CTL_STYLE_GOOD,
	CTL_STYLE_WARNING,
	CTL_STYLE_BAD,
	CTL_STYLE_DIM,
};

/* Whether a terminal that wants colour is behind 'out': NO_COLOR and TERM=dumb are respected. */
bool ctl_wants_colour(FILE *out);

/* Writes 'text' in 'style'. */
void ctl_write_styled(FILE *out, bool colour, enum ctl_style style, const char *text);

/* Writes the words of 'text' in lines of at most 'width' columns where words allow it. The first
 * line begins at column 'indent', where the cursor is; the others are indented by that much. */
void ctl_write_wrapped(FILE *out, const char *text, size_t indent, size_t width);

struct ctl_table;

/* 'heads' are the columns' names, separated by '|'; one that begins with '>' is aligned to the
 * right. Without a name in any column no line of names is written. Without memory the program
 * ends: tables are for people. */
struct ctl_table *ctl_table_new(const char *heads);
void ctl_table_free(struct ctl_table *table);

/* Fills the next cell, row by row from left to right; made harmless by ctl_text_safe(). */
[[gnu::format(printf, 3, 4)]] void ctl_table_add(struct ctl_table *table, enum ctl_style style,
						 const char *format, ...);

/* Writes the rows, each indented. */
void ctl_table_write(const struct ctl_table *table, FILE *out, size_t indent, bool colour);

DEFINE_CLEANUP(struct ctl_table, ctl_table_free)
