#include "daemon/config/read.h"

#include "daemon/config/suggest.h"
#include "daemon/config/valid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *read_found(const config_setting_t *setting, char text[static FOUND_SIZE])
{
	const char *string;

	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_INT:
		(void)snprintf(text, FOUND_SIZE, "%d", config_setting_get_int(setting));
		return text;
	case CONFIG_TYPE_INT64:
		(void)snprintf(text, FOUND_SIZE, "%lld", config_setting_get_int64(setting));
		return text;
	case CONFIG_TYPE_FLOAT:
		(void)snprintf(text, FOUND_SIZE, "%.9g", config_setting_get_float(setting));
		return text;
	case CONFIG_TYPE_STRING:
		string = config_setting_get_string(setting);
		return quote(string, strlen(string), text);
	case CONFIG_TYPE_BOOL:
		return config_setting_get_bool(setting) ? "true" : "false";
	case CONFIG_TYPE_ARRAY:
		return "an array";
	case CONFIG_TYPE_LIST:
		return "a list";
	case CONFIG_TYPE_GROUP:
		return "a group";
	}
	return "nothing";
}

void read_unknown(const struct report *report, const char *prefix, const config_setting_t *setting,
		  const struct schema_section *section)
{
	const char *name = config_setting_name(setting);
	bool dotted = *prefix && prefix[strlen(prefix) - 1] == '.';
	char path[64];
	char quoted[QUOTE_SIZE];
	char hint[SCHEMA_TEXT_SIZE];

	(void)snprintf(path, sizeof(path), "%s%s", dotted ? prefix : "", name);
	report_error(report, config_setting_source_line(setting), "%sunknown key %s: %s",
		     dotted ? "" : prefix, quote(path, strlen(path), quoted),
		     suggest_key(section, name, hint));
}

static void refuse(const struct reader *reader, const config_setting_t *setting,
		   const struct schema_key *key)
{
	char found[FOUND_SIZE];
	char expected[SCHEMA_TEXT_SIZE];

	report_error(reader->report, config_setting_source_line(setting), "%s%s is %s: expected %s",
		     reader->prefix, key->name, read_found(setting, found),
		     schema_expected(key, expected));
}

/* NULL where the value is no string. */
static const char *string_of(const config_setting_t *setting)
{
	return config_setting_type(setting) == CONFIG_TYPE_STRING
		       ? config_setting_get_string(setting)
		       : NULL;
}

static bool read_bool(const config_setting_t *setting, const struct schema_key *key, void *base)
{
	if (config_setting_type(setting) != CONFIG_TYPE_BOOL)
		return false;
	schema_set(key, base, config_setting_get_bool(setting));
	return true;
}

static bool read_number(const config_setting_t *setting, const struct schema_key *key, void *base)
{
	int64_t value;

	if (config_setting_type(setting) == CONFIG_TYPE_INT)
		value = config_setting_get_int(setting);
	else if (config_setting_type(setting) == CONFIG_TYPE_INT64)
		value = config_setting_get_int64(setting);
	else
		return false;
	if ((value < key->min || value > key->max) && !(key->or_zero && value == 0))
		return false;
	schema_set(key, base, value);
	return true;
}

static bool read_word(const config_setting_t *setting, const struct schema_key *key, void *base)
{
	const char *string = string_of(setting);
	const struct schema_word *word = string ? schema_find_word(key->words, string) : NULL;

	if (!word)
		return false;
	if (key->type == SCHEMA_WORD)
		schema_set(key, base, word->value);
	else
		(void)snprintf((char *)base + key->offset, key->size, "%s", word->word);
	return true;
}

static bool read_name(const config_setting_t *setting, const struct schema_key *key, void *base)
{
	const char *string = string_of(setting);

	if (!string || !valid_interface_name(string))
		return false;
	(void)snprintf((char *)base + key->offset, key->size, "%s", string);
	return true;
}

static bool read_mac(const config_setting_t *setting, const struct schema_key *key, void *base)
{
	const char *string = string_of(setting);
	bool automatic = string && !strcmp(string, "auto");
	struct mac mac = {};

	if (!string || (!automatic && !valid_unicast_mac(string, &mac)))
		return false;
	memcpy((char *)base + key->offset, &automatic, sizeof(automatic));
	memcpy((char *)base + key->other, &mac, sizeof(mac));
	return true;
}

/* The keys of an inner section, with what stands before them in messages. */
static void read_inner(struct reader *reader, const config_setting_t *group,
		       const struct schema_section *section, void *base, const char *prefix)
{
	char before[sizeof(reader->prefix)];

	memcpy(before, reader->prefix, sizeof(before));
	(void)snprintf(reader->prefix, sizeof(reader->prefix), "%s", prefix);
	read_section(reader, group, section, base);
	memcpy(reader->prefix, before, sizeof(before));
}

static bool read_group(struct reader *reader, const config_setting_t *setting,
		       const struct schema_key *key, void *base)
{
	char prefix[sizeof(reader->prefix)];

	if (config_setting_type(setting) != CONFIG_TYPE_GROUP)
		return false;
	(void)snprintf(prefix, sizeof(prefix), "%s.", key->name);
	read_inner(reader, setting, key->section, (char *)base + key->offset, prefix);
	return true;
}

static void read_element(struct reader *reader, const config_setting_t *element,
			 const struct schema_key *key, void *base, unsigned index)
{
	char prefix[sizeof(reader->prefix)];
	char found[FOUND_SIZE];
	/* "members" are many of "member". */
	int singular = (int)strlen(key->name) - (key->single ? 0 : 1);

	(void)snprintf(prefix, sizeof(prefix), "%.*s %u", singular, key->name, index + 1);
	if (config_setting_type(element) != CONFIG_TYPE_GROUP) {
		report_error(reader->report, config_setting_source_line(element),
			     "%s is %s: expected a group: { %s = …; }", prefix,
			     read_found(element, found), key->section->keys[0].name);
		return;
	}
	strcat(prefix, ": ");
	schema_defaults(key->section, base);
	read_inner(reader, element, key->section, base, prefix);
}

static bool read_list(struct reader *reader, const config_setting_t *setting,
		      const struct schema_key *key, void *base)
{
	unsigned n = (unsigned)config_setting_length(setting);
	char expected[SCHEMA_TEXT_SIZE];

	if (config_setting_type(setting) != CONFIG_TYPE_LIST)
		return false;
	if (n < key->min || n > key->max) {
		report_error(reader->report, config_setting_source_line(setting),
			     "%s has %u entries: expected %s", key->name, n,
			     schema_expected(key, expected));
		return true;
	}
	for (unsigned i = 0; i < n; i++) {
		void *inner = (char *)base + key->offset + i * key->size;

		read_element(reader, config_setting_get_elem(setting, i), key, inner, i);
	}
	if (!key->single)
		memcpy((char *)base + key->other, &n, sizeof(n));
	return true;
}

static bool read_value(struct reader *reader, const config_setting_t *setting,
		       const struct schema_key *key, void *base)
{
	switch (key->type) {
	case SCHEMA_BOOL:
		return read_bool(setting, key, base);
	case SCHEMA_NUMBER:
		return read_number(setting, key, base);
	case SCHEMA_WORD:
	case SCHEMA_WORD_TEXT:
		return read_word(setting, key, base);
	case SCHEMA_NAME:
		return read_name(setting, key, base);
	case SCHEMA_MAC:
		return read_mac(setting, key, base);
	case SCHEMA_GROUP:
		return read_group(reader, setting, key, base);
	case SCHEMA_LIST:
		return read_list(reader, setting, key, base);
	}
	return false;
}

static void remember(const struct reader *reader, const config_setting_t *setting,
		     const struct schema_key *key, const void *base)
{
	struct places *places = reader->places;
	const char *field =
		(const char *)base + (key->type == SCHEMA_LIST ? key->other : key->offset);

	/* A list is known by its count, for it begins where its first element does. What else has
	 * no size has no field of its own. */
	if (!reader->team || places->n == PLACES_MAX || (!key->size && key->type != SCHEMA_GROUP))
		return;
	places->places[places->n++] = (struct place){
		.key = key,
		.offset = (uint32_t)(field - (const char *)reader->team),
		.line = config_setting_source_line(setting),
	};
}

static void read_key(struct reader *reader, const config_setting_t *setting,
		     const struct schema_section *section, void *base)
{
	const struct schema_key *key = schema_find(section, config_setting_name(setting));

	if (!key) {
		read_unknown(reader->report, reader->prefix, setting, section);
		return;
	}
	remember(reader, setting, key, base);
	if (read_value(reader, setting, key, base))
		return;
	/* The guard has said it already, of a number that libconfig reads as another. */
	if (config_setting_is_number(setting) &&
	    report_has_error(reader->report, config_setting_source_line(setting)))
		return;
	refuse(reader, setting, key);
}

static void check_required(const struct reader *reader, const config_setting_t *group,
			   const struct schema_section *section)
{
	char expected[SCHEMA_TEXT_SIZE];

	for (unsigned i = 0; i < section->n_keys; i++) {
		const struct schema_key *key = &section->keys[i];

		if (!key->required || config_setting_get_member(group, key->name))
			continue;
		report_error(reader->report, config_setting_source_line(group),
			     "%s%s is missing: expected %s", reader->prefix, key->name,
			     schema_expected(key, expected));
	}
}

void read_section(struct reader *reader, const config_setting_t *group,
		  const struct schema_section *section, void *base)
{
	unsigned n = (unsigned)config_setting_length(group);

	for (unsigned i = 0; i < n; i++)
		read_key(reader, config_setting_get_elem(group, i), section, base);
	check_required(reader, group, section);
}
