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

/* What is hashed, and the variant of the list's element that is being added. */
struct hash {
	uint64_t value;
	struct schema_context context;
};

static void add_section(struct hash *hash, const struct schema_section *section, const void *base);

/* The first version added each group. Those that came later are there only if they say something,
 * so that the numbers of configurations that are older than they stay what they were. */
static void add_group(struct hash *hash, const struct schema_key *key, const void *base)
{
	uint64_t before = hash->value, empty;

	add_text(&hash->value, key->name);
	add_number(&hash->value, 0);
	empty = hash->value;
	add_section(hash, key->section, schema_group(key, base));
	if (!key->always_hashed && hash->value == empty)
		hash->value = before;
}

static void add_list(struct hash *hash, const struct schema_key *key, const void *base)
{
	const struct schema_context context = hash->context;
	unsigned n = schema_count(key, base);

	add_text(&hash->value, key->name);
	for (unsigned i = 0; i < n; i++) {
		add_number(&hash->value, i);
		hash->context = schema_enter_element(key, base, i, context);
		add_section(hash, key->section, schema_element(key, base, i));
	}
	hash->context = context;
}

static void add_addresses(uint64_t *hash, const struct schema_key *key, const void *base)
{
	const struct config_address *addresses = schema_group(key, base);
	unsigned n = schema_count(key, base);
	char text[CONFIG_ADDRESS_TEXT_SIZE];

	add_text(hash, key->name);
	add_number(hash, n);
	for (unsigned i = 0; i < n; i++)
		add_text(hash, config_address_text(&addresses[i], text));
}

/* A bool, a number or a word. */
static void add_value(uint64_t *hash, const struct schema_key *key, int64_t value)
{
	if (value == key->fallback)
		return;
	add_text(hash, key->name);
	add_number(hash, value);
}

static void add_named_text(uint64_t *hash, const char *name, const char *text)
{
	add_text(hash, name);
	add_text(hash, text);
}

static void add_key(struct hash *hash, const struct schema_key *key, const void *base)
{
	const char *field = (const char *)base + key->offset;

	switch (key->type) {
	case SCHEMA_BOOL:
	case SCHEMA_NUMBER:
	case SCHEMA_WORD:
		add_value(&hash->value, key, schema_get(key, base));
		return;
	case SCHEMA_VARIANT:
		add_value(&hash->value, key, hash->context.chosen[key->chooses]);
		return;
	case SCHEMA_WORD_TEXT:
		if (strcmp(field, schema_word(key->words, key->fallback)) != 0)
			add_named_text(&hash->value, key->name, field);
		return;
	case SCHEMA_NAME:
		add_named_text(&hash->value, key->name, field);
		return;
	case SCHEMA_MAC:
		if (schema_get(key, base))
			return;
		add_text(&hash->value, key->name);
		add_bytes(&hash->value, (const char *)base + key->other, sizeof(struct mac));
		return;
	case SCHEMA_ADDRESSES:
		add_addresses(&hash->value, key, base);
		return;
	case SCHEMA_GROUP:
		add_group(hash, key, base);
		return;
	case SCHEMA_LIST:
		add_list(hash, key, base);
		return;
	}
}

static void add_section(struct hash *hash, const struct schema_section *section, const void *base)
{
	for (unsigned i = 0; i < section->n_keys; i++)
		if (schema_allows(&section->keys[i], &hash->context))
			add_key(hash, &section->keys[i], base);
}

/* Nothing is known of mode and balance here: what they do not have is at its default. */
uint64_t config_team_fingerprint(const struct config_team *team)
{
	struct hash hash = { .value = FNV_OFFSET, .context = schema_nowhere() };

	add_section(&hash, &schema_team, team);
	return hash.value;
}
