/* What can be done with a key knowing nothing but its row of the table. */
#include "daemon/config/schema.h"

#include "daemon/config/words.h"
#include "lib/wire/ether.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const struct schema_key *schema_find(const struct schema_section *section, const char *name)
{
	for (unsigned i = 0; i < section->n_keys; i++)
		if (!strcmp(section->keys[i].name, name))
			return &section->keys[i];
	return NULL;
}

const struct schema_section *schema_owner(const char *name)
{
	for (unsigned i = 0; schema_sections[i]; i++)
		if (schema_find(schema_sections[i], name))
			return schema_sections[i];
	return NULL;
}

const char *schema_word(const struct schema_word *words, int64_t value)
{
	for (; words->word; words++)
		if (words->value == value)
			return words->word;
	return NULL;
}

const struct schema_word *schema_find_word(const struct schema_word *words, const char *word)
{
	for (; words->word; words++)
		if (!strcmp(words->word, word))
			return words;
	return NULL;
}

int64_t schema_get(const struct schema_key *key, const void *base)
{
	const char *field = (const char *)base + key->offset;
	uint32_t four;
	uint16_t two;

	switch (key->size) {
	case sizeof(four):
		memcpy(&four, field, sizeof(four));
		return four;
	case sizeof(two):
		memcpy(&two, field, sizeof(two));
		return two;
	case 1:
		return *(const uint8_t *)field;
	}
	assert(key->size == 0); /* Checked when it is read, but not kept: it has one value. */
	return key->fallback;
}

void schema_set(const struct schema_key *key, void *base, int64_t value)
{
	char *field = (char *)base + key->offset;
	uint32_t four = (uint32_t)value;
	uint16_t two = (uint16_t)value;
	uint8_t one = (uint8_t)value;

	switch (key->size) {
	case sizeof(four):
		memcpy(field, &four, sizeof(four));
		return;
	case sizeof(two):
		memcpy(field, &two, sizeof(two));
		return;
	case 1:
		memcpy(field, &one, sizeof(one));
		return;
	}
	assert(key->size == 0);
}

const void *schema_inner(const struct schema_key *key, const void *base, unsigned index)
{
	return (const char *)base + key->offset + index * key->size;
}

unsigned schema_count(const struct schema_key *key, const void *base)
{
	unsigned n;

	if (key->single)
		return 1;
	memcpy(&n, (const char *)base + key->other, sizeof(n));
	return n;
}

static void key_default(const struct schema_key *key, void *base)
{
	char *field = (char *)base + key->offset;
	const unsigned none = 0;
	const bool automatic = true;

	switch (key->type) {
	case SCHEMA_BOOL:
	case SCHEMA_NUMBER:
	case SCHEMA_WORD:
		schema_set(key, base, key->fallback);
		return;
	case SCHEMA_WORD_TEXT:
		strncpy(field, schema_word(key->words, key->fallback), key->size);
		return;
	case SCHEMA_NAME:
		memset(field, 0, key->size);
		return;
	case SCHEMA_MAC:
		memcpy(field, &automatic, sizeof(automatic));
		memset((char *)base + key->other, 0, sizeof(struct mac));
		return;
	case SCHEMA_GROUP:
		schema_defaults(key->section, field);
		return;
	case SCHEMA_LIST:
		if (key->single)
			schema_defaults(key->section, base);
		else
			memcpy((char *)base + key->other, &none, sizeof(none));
		return;
	}
}

void schema_defaults(const struct schema_section *section, void *base)
{
	for (unsigned i = 0; i < section->n_keys; i++)
		key_default(&section->keys[i], base);
}

static void expected_words(const struct schema_key *key, char *text)
{
	const struct schema_word *word = key->words;
	size_t at = 0;

	if (!word[1].word) {
		(void)snprintf(text, SCHEMA_TEXT_SIZE, "\"%s\", the only %s of this version",
			       word->word, key->name);
		return;
	}
	for (; word->word; word++) {
		const char *joint = word == key->words ? "" : word[1].word ? ", " : " or ";

		at += (size_t)snprintf(text + at, SCHEMA_TEXT_SIZE - at, "%s\"%s\"", joint,
				       word->word);
		assert(at < SCHEMA_TEXT_SIZE);
	}
}

bool schema_in_mode(const struct schema_key *key, unsigned mode)
{
	return !key->modes || key->modes & SCHEMA_MODE(mode);
}

const char *schema_modes_text(const struct schema_key *key, char text[static SCHEMA_TEXT_SIZE])
{
	const char *joint = "";
	size_t at;

	strcpy(text, "mode ");
	at = strlen(text);
	for (const struct schema_word *word = config_mode_words; word->word; word++) {
		if (!schema_in_mode(key, (unsigned)word->value))
			continue;
		at += (size_t)snprintf(text + at, SCHEMA_TEXT_SIZE - at, "%s\"%s\"", joint,
				       word->word);
		assert(at < SCHEMA_TEXT_SIZE);
		joint = " or ";
	}
	return text;
}

const char *schema_expected(const struct schema_key *key, char text[static SCHEMA_TEXT_SIZE])
{
	switch (key->type) {
	case SCHEMA_BOOL:
		strcpy(text, "true or false");
		break;
	case SCHEMA_NUMBER:
		(void)snprintf(text, SCHEMA_TEXT_SIZE, "%s%" PRId64 " to %" PRId64,
			       key->or_zero ? "0 or " : "", key->min, key->max);
		break;
	case SCHEMA_WORD:
	case SCHEMA_WORD_TEXT:
		expected_words(key, text);
		break;
	case SCHEMA_NAME:
		strcpy(text, "the name of an interface: 1 to 15 characters of ASCII without space, "
			     "\"/\", \":\" and \"%\"");
		break;
	case SCHEMA_MAC:
		strcpy(text, "\"auto\" or a unicast address such as \"02:00:00:00:00:01\"");
		break;
	case SCHEMA_GROUP:
		strcpy(text, "a group: { … }");
		break;
	case SCHEMA_LIST:
		if (key->single)
			strcpy(text, "a list of at most one group: ( { … } )");
		else
			(void)snprintf(text, SCHEMA_TEXT_SIZE,
				       "a list of %" PRId64 " to %" PRId64 " groups: ( { … }, … )",
				       key->min, key->max);
		break;
	}
	return text;
}

const char *schema_default_text(const struct schema_key *key, char text[static SCHEMA_TEXT_SIZE])
{
	text[0] = '\0';
	if (key->required)
		return text;
	switch (key->type) {
	case SCHEMA_BOOL:
		strcpy(text, key->fallback ? "true" : "false");
		break;
	case SCHEMA_NUMBER:
		(void)snprintf(text, SCHEMA_TEXT_SIZE, "%" PRId64, key->fallback);
		break;
	case SCHEMA_WORD:
	case SCHEMA_WORD_TEXT:
		(void)snprintf(text, SCHEMA_TEXT_SIZE, "\"%s\"",
			       schema_word(key->words, key->fallback));
		break;
	case SCHEMA_MAC:
		strcpy(text, "\"auto\"");
		break;
	case SCHEMA_NAME:
	case SCHEMA_GROUP:
	case SCHEMA_LIST:
		break;
	}
	return text;
}
