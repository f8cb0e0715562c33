/* From a team to the text of its file. */
#include "daemon/config/config.h"
#include "daemon/config/schema.h"
#include "lib/base/cleanup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct dump {
	FILE *out;
	unsigned mode; /* Keys of other modes have no place in the file. */
};

static void dump_section(const struct dump *dump, const struct schema_section *section,
			 const void *base, const char *indent);

static void dump_string(FILE *out, const char *text)
{
	(void)fputc('"', out);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < ' ' || c > '~')
			(void)fprintf(out, "\\x%02x", c);
		else
			(void)fprintf(out, "%s%c", c == '"' || c == '\\' ? "\\" : "", c);
	}
	(void)fputc('"', out);
}

static void dump_mac(FILE *out, const struct schema_key *key, const void *base)
{
	const struct mac *mac = (const void *)((const char *)base + key->other);
	char text[MAC_TEXT_SIZE];

	dump_string(out, schema_get(key, base) ? "auto" : mac_to_text(mac, text));
}

static void dump_list(const struct dump *dump, const struct schema_key *key, const void *base)
{
	unsigned n = schema_count(key, base);

	(void)fputs("(\n", dump->out);
	for (unsigned i = 0; i < n; i++) {
		(void)fputs("\t\t{", dump->out);
		dump_section(dump, key->section, schema_inner(key, base, i), NULL);
		(void)fprintf(dump->out, " }%s\n", i + 1 < n ? "," : "");
	}
	(void)fputs("\t)", dump->out);
}

static void dump_value(const struct dump *dump, const struct schema_key *key, const void *base)
{
	switch (key->type) {
	case SCHEMA_BOOL:
		(void)fputs(schema_get(key, base) ? "true" : "false", dump->out);
		return;
	case SCHEMA_NUMBER:
		(void)fprintf(dump->out, "%" PRId64, schema_get(key, base));
		return;
	case SCHEMA_WORD:
		dump_string(dump->out, schema_word(key->words, schema_get(key, base)));
		return;
	case SCHEMA_WORD_TEXT:
	case SCHEMA_NAME:
		dump_string(dump->out, (const char *)base + key->offset);
		return;
	case SCHEMA_MAC:
		dump_mac(dump->out, key, base);
		return;
	case SCHEMA_GROUP:
		(void)fputs("{\n", dump->out);
		dump_section(dump, key->section, schema_inner(key, base, 0), "\t\t");
		(void)fputs("\t}", dump->out);
		return;
	case SCHEMA_LIST:
		dump_list(dump, key, base);
		return;
	}
}

/* Each key on a line of its own, or, with 'indent' NULL, all on one. */
static void dump_section(const struct dump *dump, const struct schema_section *section,
			 const void *base, const char *indent)
{
	for (unsigned i = 0; i < section->n_keys; i++) {
		if (!schema_in_mode(&section->keys[i], dump->mode))
			continue;
		(void)fprintf(dump->out, "%s%s = ", indent ? indent : " ", section->keys[i].name);
		dump_value(dump, &section->keys[i], base);
		(void)fputs(indent ? ";\n" : ";", dump->out);
	}
}

char *config_dump_team(const struct config_team *team)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	bool failed;

	if (!out)
		return NULL;
	(void)fputs("team: {\n", out);
	dump_section(&(struct dump){ out, team->mode }, &schema_team, team, "\t");
	(void)fputs("};\n", out);
	failed = ferror(out);
	if (fclose(out) != 0 || failed) {
		free(text);
		return NULL;
	}
	return text;
}
