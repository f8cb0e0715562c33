/* One number for what a team's configuration says: FNV-1a over the keys that do not have their
 * default, each with its path and value. */
#include "daemon/config/config.h"
#include "daemon/config/schema.h"

#include <string.h>

#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static void add_bytes(uint64_t *hash, const void *bytes, size_t size)
{
	for (const uint8_t *at = bytes; size > 0; at++, size--)
		*hash = (*hash ^ *at) * FNV_PRIME;
}

/* With its NUL, so that the border between two texts counts. */
static void add_text(uint64_t *hash, const char *text)
{
	add_bytes(hash, text, strlen(text) + 1);
}

/* Byte by byte from the lowest, whatever the order of the machine. */
static void add_number(uint64_t *hash, int64_t number)
{
	uint64_t bits = (uint64_t)number;

	for (unsigned i = 0; i < sizeof(bits); i++) {
		uint8_t byte = (uint8_t)(bits >> (8 * i));

		add_bytes(hash, &byte, 1);
	}
}

static void add_section(uint64_t *hash, const struct schema_section *section, const void *base);

static void add_inner(uint64_t *hash, const struct schema_key *key, const void *base)
{
	unsigned n = key->type == SCHEMA_LIST ? schema_count(key, base) : 1;

	add_text(hash, key->name);
	for (unsigned i = 0; i < n; i++) {
		add_number(hash, i);
		add_section(hash, key->section, schema_inner(key, base, i));
	}
}

static void add_named_text(uint64_t *hash, const char *name, const char *text)
{
	add_text(hash, name);
	add_text(hash, text);
}

static void add_key(uint64_t *hash, const struct schema_key *key, const void *base)
{
	const char *field = (const char *)base + key->offset;

	switch (key->type) {
	case SCHEMA_BOOL:
	case SCHEMA_NUMBER:
	case SCHEMA_WORD:
		if (schema_get(key, base) == key->fallback)
			return;
		add_text(hash, key->name);
		add_number(hash, schema_get(key, base));
		return;
	case SCHEMA_WORD_TEXT:
		if (strcmp(field, schema_word(key->words, key->fallback)) != 0)
			add_named_text(hash, key->name, field);
		return;
	case SCHEMA_NAME:
		add_named_text(hash, key->name, field);
		return;
	case SCHEMA_MAC:
		if (schema_get(key, base))
			return;
		add_text(hash, key->name);
		add_bytes(hash, (const char *)base + key->other, sizeof(struct mac));
		return;
	case SCHEMA_GROUP:
	case SCHEMA_LIST:
		add_inner(hash, key, base);
		return;
	}
}

static void add_section(uint64_t *hash, const struct schema_section *section, const void *base)
{
	for (unsigned i = 0; i < section->n_keys; i++)
		add_key(hash, &section->keys[i], base);
}

uint64_t config_team_fingerprint(const struct config_team *team)
{
	uint64_t hash = FNV_OFFSET;

	add_section(&hash, &schema_team, team);
	return hash;
}
