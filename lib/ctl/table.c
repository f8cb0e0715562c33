#include "lib/ctl/table.h"

#include "lib/ctl/text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COLUMNS_MAX 16
#define GAP 2

struct cell {
	char *text;
	enum ctl_style style;
};

struct column {
	char *head;
	bool right;
};

struct ctl_table {
	size_t n_columns;
	struct column columns[COLUMNS_MAX];
	bool has_heads;
	size_t n_cells;
	struct cell *cells;
};

bool ctl_wants_colour(FILE *out)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (no_color && *no_color)
		return false;
	return term && strcmp(term, "dumb") != 0 && isatty(fileno(out));
}

static const char *style_sequence(enum ctl_style style)
{
	switch (style) {
	case CTL_STYLE_PLAIN:
		return "";
	case CTL_STYLE_HEAD:
		return "\033[1m";
	case CTL_STYLE_GOOD:
		return "\033[32m";
	case CTL_STYLE_WARNING:
		return "\033[33m";
	case CTL_STYLE_BAD:
		return "\033[31m";
	case CTL_STYLE_DIM:
		return "\033[2m";
	}
	return "";
}

void ctl_write_styled(FILE *out, bool colour, enum ctl_style style, const char *text)
{
	bool styled = colour && style != CTL_STYLE_PLAIN;

	(void)fprintf(out, "%s%s%s", styled ? style_sequence(style) : "", text,
		      styled ? "\033[0m" : "");
}

void ctl_write_wrapped(FILE *out, const char *text, size_t indent, size_t width)
{
	size_t column = indent;

	for (bool first = true; *text; first = false) {
		size_t size = strcspn(text, " ");
		char *word = strndup(text, size);
		size_t columns = word ? ctl_text_columns(word) : size;

		free(word);
		if (!first && column + 1 + columns > width) {
			(void)fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (!first) {
			(void)fputc(' ', out);
			column++;
		}
		(void)fprintf(out, "%.*s", (int)size, text);
		column += columns;
		text += size;
		text += strspn(text, " ");
	}
	(void)fputc('\n', out);
}

static void *must_have(void *memory)
{
	if (!memory) {
		(void)fputs("out of memory\n", stderr);
		abort();
	}
	return memory;
}

struct ctl_table *ctl_table_new(const char *heads)
{
	struct ctl_table *table = must_have(calloc(1, sizeof(*table)));

	for (bool more = true; more && table->n_columns < COLUMNS_MAX;) {
		struct column *column = &table->columns[table->n_columns++];
		size_t size;

		column->right = *heads == '>';
		heads += column->right;
		size = strcspn(heads, "|");
		column->head = must_have(strndup(heads, size));
		table->has_heads |= size > 0;
		more = heads[size] == '|';
		heads += size + more;
	}
	return table;
}

void ctl_table_free(struct ctl_table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->n_columns; i++)
		free(table->columns[i].head);
	for (size_t i = 0; i < table->n_cells; i++)
		free(table->cells[i].text);
	free(table->cells);
	free(table);
}

void ctl_table_add(struct ctl_table *table, enum ctl_style style, const char *format, ...)
{
	cleanup(freep) char *text = NULL;
	struct cell *cells;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = must_have(NULL);
	va_end(args);
	cells = must_have(reallocarray(table->cells, table->n_cells + 1, sizeof(*cells)));
	table->cells = cells;
	cells[table->n_cells].style = style;
	cells[table->n_cells].text = must_have(ctl_text_safe(text));
	table->n_cells++;
}

static size_t column_width(const struct ctl_table *table, size_t column)
{
	size_t width = ctl_text_columns(table->columns[column].head);

	for (size_t i = column; i < table->n_cells; i += table->n_columns) {
		size_t columns = ctl_text_columns(table->cells[i].text);

		if (columns > width)
			width = columns;
	}
	return width;
}

struct layout {
	FILE *out;
	size_t indent;
	bool colour;
	size_t widths[COLUMNS_MAX];
};

/* The last cell of a row that says something is not padded: no blanks at a line's end. */
static void write_row(const struct ctl_table *table, const struct layout *layout,
		      const struct cell *cells, size_t n)
{
	while (n && !*cells[n - 1].text)
		n--;
	if (n)
		(void)fprintf(layout->out, "%*s", (int)layout->indent, "");
	for (size_t i = 0; i < n; i++) {
		size_t pad = layout->widths[i] - ctl_text_columns(cells[i].text);
		bool right = table->columns[i].right;

		if (i)
			(void)fprintf(layout->out, "%*s", GAP, "");
		(void)fprintf(layout->out, "%*s", right ? (int)pad : 0, "");
		ctl_write_styled(layout->out, layout->colour, cells[i].style, cells[i].text);
		if (!right && i + 1 < n)
			(void)fprintf(layout->out, "%*s", (int)pad, "");
	}
	(void)fputc('\n', layout->out);
}

void ctl_table_write(const struct ctl_table *table, FILE *out, size_t indent, bool colour)
{
	struct layout layout = { .out = out, .indent = indent, .colour = colour };
	struct cell heads[COLUMNS_MAX];

	for (size_t i = 0; i < table->n_columns; i++) {
		layout.widths[i] = column_width(table, i);
		heads[i] = (struct cell){ table->columns[i].head, CTL_STYLE_HEAD };
	}
	if (table->has_heads)
		write_row(table, &layout, heads, table->n_columns);
	for (size_t i = 0; i < table->n_cells; i += table->n_columns) {
		size_t left = table->n_cells - i;

		write_row(table, &layout, &table->cells[i],
			  left < table->n_columns ? left : table->n_columns);
	}
}
