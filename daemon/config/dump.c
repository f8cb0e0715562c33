/* From a team to the text of its file. */
#include "daemon/config/config.h"
#include "daemon/config/schema.h"
#include "lib/base/cleanup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Keys that may not stand in the context have no place in the file. */
struct dump {
	FILE *out;
	struct schema_context context;
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
		const struct dump inner = {
			.out = dump->out,
			.context = schema_enter_element(key, base, i, dump->context),
		};

		(void)fputs("\t\t{", dump->out);
		dump_section(&inner, key->section, schema_element(key, base, i), NULL);
		(void)fprintf(dump->out, " }%s\n", i + 1 < n ? "," : "");
	}
	(void)fputs("\t)", dump->out);
}

static void dump_addresses(FILE *out, const struct schema_key *key, const void *base)
{
	const struct config_address *addresses = schema_group(key, base);
	unsigned n = schema_count(key, base);
	char text[CONFIG_ADDRESS_TEXT_SIZE];

	(void)fputs("( ", out);
	for (unsigned i = 0; i < n; i++) {
		dump_string(out, config_address_text(&addresses[i], text));
		(void)fputs(i + 1 < n ? ", " : " )", out);
	}
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
	case SCHEMA_VARIANT:
		dump_string(dump->out, schema_word(key->words, dump->context.chosen[key->chooses]));
		return;
	case SCHEMA_WORD_TEXT:
	case SCHEMA_NAME:
		dump_string(dump->out, (const char *)base + key->offset);
		return;
	case SCHEMA_MAC:
		dump_mac(dump->out, key, base);
		return;
	case SCHEMA_ADDRESSES:
		dump_addresses(dump->out, key, base);
		return;
	case SCHEMA_GROUP:
		(void)fputs("{\n", dump->out);
		dump_section(dump, key->section, schema_group(key, base), "\t\t");
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
		if (!schema_allows(&section->keys[i], &dump->context))
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
	const struct dump dump = {
		.out = out,
		.context = schema_enter(&schema_team, team, schema_nowhere()),
	};
	bool failed;

	if (!out)
		return NULL;
	(void)fputs("team: {\n", out);
	dump_section(&dump, &schema_team, team, "\t");
	(void)fputs("};\n", out);
	failed = ferror(out);
	if (fclose(out) != 0 || failed) {
		free(text);
		return NULL;
	}
	return text;
}
