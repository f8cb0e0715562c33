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

const struct schema_section *schema_section(const char *name)
{
	for (unsigned i = 0; schema_sections[i]; i++)
		if (!strcmp(schema_sections[i]->name, name))
			return schema_sections[i];
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

const void *schema_group(const struct schema_key *key, const void *base)
{
	return (const char *)base + key->offset;
}

static unsigned count_kept(const struct schema_key *key, const void *base)
{
	unsigned n;

	memcpy(&n, (const char *)base + key->other, sizeof(n));
	return n;
}

unsigned schema_count(const struct schema_key *key, const void *base)
{
	return key->resident + count_kept(key, base);
}

const void *schema_element(const struct schema_key *key, const void *base, unsigned index)
{
	if (key->resident && index == 0)
		return base;
	return (const char *)base + key->offset + (index - key->resident) * key->size;
}

const struct schema_key *schema_variant(const struct schema_key *key)
{
	for (unsigned i = 0; i < key->section->n_keys; i++)
		if (key->section->keys[i].type == SCHEMA_VARIANT)
			return &key->section->keys[i];
	return NULL;
}

struct schema_context schema_nowhere(void)
{
	struct schema_context context;

	for (unsigned i = 0; i < SCHEMA_CHOICES; i++)
		context.chosen[i] = SCHEMA_UNKNOWN;
	return context;
}

struct schema_context schema_enter(const struct schema_section *section, const void *base,
				   struct schema_context context)
{
	for (unsigned i = 0; i < section->n_keys; i++) {
		const struct schema_key *key = &section->keys[i];

		if (key->chooses)
			context.chosen[key->chooses] = schema_get(key, base);
	}
	return context;
}

struct schema_context schema_enter_element(const struct schema_key *key, const void *base,
					   unsigned index, struct schema_context context)
{
	if (!key->resident || index > 0)
		return schema_enter(key->section, schema_element(key, base, index), context);
	context.chosen[schema_variant(key)->chooses] = 0;
	return context;
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
	case SCHEMA_VARIANT: /* Its list knows. */
		return;
	case SCHEMA_NAME:
		memset(field, 0, key->size);
		return;
	case SCHEMA_MAC:
		memcpy(field, &automatic, sizeof(automatic));
		memset((char *)base + key->other, 0, sizeof(struct mac));
		return;
	case SCHEMA_ADDRESSES:
		memcpy((char *)base + key->other, &none, sizeof(none));
		return;
	case SCHEMA_GROUP:
		schema_defaults(key->section, field);
		return;
	case SCHEMA_LIST:
		memcpy((char *)base + key->other, &none, sizeof(none));
		if (key->resident)
			schema_element_defaults(key, base, 0);
		return;
	}
}

void schema_defaults(const struct schema_section *section, void *base)
{
	for (unsigned i = 0; i < section->n_keys; i++)
		key_default(&section->keys[i], base);
}

void schema_element_defaults(const struct schema_key *key, void *base, int64_t variant)
{
	const struct schema_key *by = schema_variant(key);
	struct schema_context context = schema_nowhere();

	if (by)
		context.chosen[by->chooses] = variant;
	for (unsigned i = 0; i < key->section->n_keys; i++)
		if (schema_allows(&key->section->keys[i], &context))
			key_default(&key->section->keys[i], base);
}

static void expected_words(const struct schema_key *key, char *text)
{
	const struct schema_word *word = key->words;
	size_t at = 0;

	for (; word->word; word++) {
		const char *joint = word == key->words ? "" : word[1].word ? ", " : " or ";

		at += (size_t)snprintf(text + at, SCHEMA_TEXT_SIZE - at, "%s\"%s\"", joint,
				       word->word);
		assert(at < SCHEMA_TEXT_SIZE);
	}
}

/* The key that makes the choice. */
static const struct schema_key *chooser(enum schema_choice choice)
{
	for (unsigned i = 0; schema_sections[i]; i++)
		for (unsigned j = 0; j < schema_sections[i]->n_keys; j++)
			if (schema_sections[i]->keys[j].chooses == choice)
				return &schema_sections[i]->keys[j];
	return NULL;
}

/* The first choice that forbids the key. */
static enum schema_choice forbidden_by(const struct schema_key *key,
				       const struct schema_context *context)
{
	for (unsigned i = 1; i < SCHEMA_CHOICES; i++)
		if (key->only[i] && context->chosen[i] != SCHEMA_UNKNOWN &&
		    !(key->only[i] & SCHEMA_BIT(context->chosen[i])))
			return i;
	return SCHEMA_CHOICE_NONE;
}

bool schema_allows(const struct schema_key *key, const struct schema_context *context)
{
	return forbidden_by(key, context) == SCHEMA_CHOICE_NONE;
}

/* "arp", "nd" or "errors". Returns how long that is. */
static size_t write_words(const struct schema_word *words, unsigned only, char *text, size_t size)
{
	const char *joint = "";
	size_t at = 0;

	for (; words->word; words++) {
		if (!(only & SCHEMA_BIT(words->value)))
			continue;
		only &= ~SCHEMA_BIT(words->value);
		at += (size_t)snprintf(text + at, size - at, "%s\"%s\"", joint, words->word);
		assert(at < size);
		joint = only & (only - 1) ? ", " : " or ";
	}
	return at;
}

const char *schema_misplaced(const struct schema_key *key, const struct schema_context *context,
			     char text[static SCHEMA_TEXT_SIZE])
{
	enum schema_choice choice = forbidden_by(key, context);
	const struct schema_key *by = chooser(choice);
	size_t at = (size_t)sprintf(text, "goes with %s ", by->name);

	at += write_words(by->words, key->only[choice], text + at, SCHEMA_TEXT_SIZE - at);
	(void)snprintf(text + at, SCHEMA_TEXT_SIZE - at, ", and %s is \"%s\"%s%s", by->name,
		       schema_word(by->words, context->chosen[choice]), key->why_not ? ": " : "",
		       key->why_not ? key->why_not : "");
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
	case SCHEMA_VARIANT:
		expected_words(key, text);
		break;
	case SCHEMA_NAME:
		strcpy(text, "the name of an interface: 1 to 15 characters of ASCII without space, "
			     "\"/\", \":\" and \"%\"");
		break;
	case SCHEMA_MAC:
		strcpy(text, "\"auto\" or a unicast address such as \"02:00:00:00:00:01\"");
		break;
	case SCHEMA_ADDRESSES:
		(void)snprintf(text, SCHEMA_TEXT_SIZE,
			       "a list of %" PRId64 " to %" PRId64
			       " IP addresses of hosts: ( \"192.0.2.1\", … )",
			       key->min, key->max);
		break;
	case SCHEMA_GROUP:
		strcpy(text, "a group: { … }");
		break;
	case SCHEMA_LIST:
		(void)snprintf(text, SCHEMA_TEXT_SIZE,
			       "a list of %" PRId64 " to %" PRId64 " groups: ( { … }, … )",
			       key->min, key->max);
		break;
	}
	return text;
}

const char *schema_value_text(const struct schema_key *key, int64_t value,
			      char text[static SCHEMA_TEXT_SIZE])
{
	if (key->type == SCHEMA_BOOL)
		strcpy(text, value ? "true" : "false");
	else if (key->type == SCHEMA_NUMBER)
		(void)snprintf(text, SCHEMA_TEXT_SIZE, "%" PRId64, value);
	else
		(void)snprintf(text, SCHEMA_TEXT_SIZE, "\"%s\"", schema_word(key->words, value));
	return text;
}

const char *schema_default_text(const struct schema_key *key, char text[static SCHEMA_TEXT_SIZE])
{
	text[0] = '\0';
	if (key->required)
		return text;
	switch (key->type) {
	case SCHEMA_BOOL:
	case SCHEMA_NUMBER:
	case SCHEMA_WORD:
	case SCHEMA_WORD_TEXT:
		return schema_value_text(key, key->fallback, text);
	case SCHEMA_MAC:
		strcpy(text, "\"auto\"");
		break;
	case SCHEMA_VARIANT:
	case SCHEMA_NAME:
	case SCHEMA_ADDRESSES:
	case SCHEMA_GROUP:
	case SCHEMA_LIST:
		break;
	}
	return text;
}
