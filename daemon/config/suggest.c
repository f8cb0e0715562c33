#include "daemon/config/suggest.h"

#include <stdio.h>
#include <string.h>

#define NAME_MAX_COMPARED 31
#define NEAR 2
#define KEYS_TEXT_MAX 170

static unsigned smallest(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* '-' for '_' and capitals are the slips of those who come from other programs. */
static char plain(char c)
{
	if (c == '-')
		return '_';
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* How many letters must be put in, left out, replaced or swapped with the next. */
static unsigned distance(const char *a, const char *b)
{
	unsigned rows[3][NAME_MAX_COMPARED + 1];
	unsigned n = (unsigned)strlen(b);

	for (unsigned j = 0; j <= n; j++)
		rows[0][j] = j;
	for (unsigned i = 1; a[i - 1]; i++) {
		unsigned *row = rows[i % 3];
		const unsigned *above = rows[(i + 2) % 3];

		row[0] = i;
		for (unsigned j = 1; j <= n; j++) {
			bool same = plain(a[i - 1]) == plain(b[j - 1]);

			row[j] = smallest(above[j] + 1, row[j - 1] + 1, above[j - 1] + !same);
			if (i > 1 && j > 1 && plain(a[i - 1]) == plain(b[j - 2]) &&
			    plain(a[i - 2]) == plain(b[j - 1]))
				row[j] = smallest(row[j], row[j], rows[(i + 1) % 3][j - 2] + 1);
		}
	}
	return rows[strlen(a) % 3][n];
}

static const char *nearest(const struct schema_section *section, const char *name)
{
	const char *best = NULL;
	unsigned best_distance = NEAR + 1;

	if (strlen(name) > NAME_MAX_COMPARED)
		return NULL;
	for (unsigned i = 0; i < section->n_keys; i++) {
		const char *key = section->keys[i].name;
		unsigned d = distance(name, key);

		/* Half of a short name changed is another name. */
		if (d >= best_distance || 2 * d >= strlen(key))
			continue;
		best = key;
		best_distance = d;
	}
	return best;
}

/* All of them, or where they are told if they are too many for a message. */
static void list_keys(const struct schema_section *section, char *text)
{
	size_t at = (size_t)snprintf(text, SCHEMA_TEXT_SIZE, "expected ");

	for (unsigned i = 0; i < section->n_keys && at < KEYS_TEXT_MAX; i++)
		at += (size_t)snprintf(text + at, SCHEMA_TEXT_SIZE - at, "%s%s",
				       i == 0                    ? ""
				       : i + 1 < section->n_keys ? ", "
								 : " or ",
				       section->keys[i].name);
	if (at >= KEYS_TEXT_MAX)
		(void)snprintf(text, SCHEMA_TEXT_SIZE, "expected a key of %s, see yoke.conf(5)",
			       section->place);
}

/* All the places that have it. */
static void list_owners(const char *name, char *text)
{
	size_t at = (size_t)snprintf(text, SCHEMA_TEXT_SIZE, "it belongs in ");
	const char *joint = "";

	for (unsigned i = 0; schema_sections[i] && at < SCHEMA_TEXT_SIZE; i++) {
		if (!schema_find(schema_sections[i], name))
			continue;
		at += (size_t)snprintf(text + at, SCHEMA_TEXT_SIZE - at, "%s%s", joint,
				       schema_sections[i]->place);
		joint = " or in ";
	}
}

const char *suggest_key(const struct schema_section *section, const char *name,
			char text[static SCHEMA_TEXT_SIZE])
{
	const char *near = nearest(section, name);

	if (near)
		(void)snprintf(text, SCHEMA_TEXT_SIZE, "did you mean \"%s\"?", near);
	else if (schema_owner(name))
		list_owners(name, text);
	else
		list_keys(section, text);
	return text;
}
