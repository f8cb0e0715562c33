#include "daemon/config/read.h"

#include "daemon/config/config.h"
#include "daemon/config/read-value.h"
#include "daemon/config/suggest.h"

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

	/* The guard has said it already, of a number that libconfig reads as another. */
	if (config_setting_is_number(setting) &&
	    report_has_error(reader->report, config_setting_source_line(setting)))
		return;
	report_error(reader->report, config_setting_source_line(setting), "%s%s is %s: expected %s",
		     reader->prefix, key->name, read_found(setting, found),
		     schema_expected(key, expected));
}

/* The keys of an inner section, with what stands before them in messages. What is chosen there
 * counts there only. */
static void read_inner(struct reader *reader, const config_setting_t *group,
		       const struct schema_section *section, void *base, const char *prefix)
{
	struct reader inner = *reader;

	(void)snprintf(inner.prefix, sizeof(inner.prefix), "%s", prefix);
	read_section(&inner, group, section, base);
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

/* A list that is being read. */
struct list {
	const struct schema_key *key;
	void *base;
	unsigned n;        /* In the array so far. */
	unsigned resident; /* Which element that is, from 1; 0: there was none. */
	unsigned resident_line;
};

/* Where the element belongs; NULL, with an error, where there is no place for it. */
static void *element_place(const struct reader *reader, struct list *list,
			   const config_setting_t *element, int64_t variant)
{
	const struct schema_key *key = list->key;
	const struct schema_key *by = schema_variant(key);
	unsigned line = config_setting_source_line(element);

	if (key->resident && variant == 0) {
		if (list->resident) {
			report_error(reader->report, line,
				     "%s %u: %s is \"%s\", which is %s %u already (line %u)",
				     key->name, reader->element, by->name,
				     schema_word(by->words, variant), key->name, list->resident,
				     list->resident_line);
			return NULL;
		}
		list->resident = reader->element;
		list->resident_line = line;
		return list->base;
	}
	if (list->n == key->max - key->resident) {
		report_error(reader->report, line,
			     "%s %u: expected at most %u beside that of %s \"%s\"", key->name,
			     reader->element, list->n, by->name, schema_word(by->words, 0));
		return NULL;
	}
	return (char *)list->base + key->offset + list->n++ * key->size;
}

static void read_element(struct reader *reader, struct list *list, const config_setting_t *element)
{
	const struct schema_key *key = list->key;
	const struct schema_key *by = schema_variant(key);
	int64_t variant = SCHEMA_UNKNOWN;
	char prefix[sizeof(reader->prefix)];
	char found[FOUND_SIZE];
	void *base;
	/* "members" are many of "member". */
	int singular = (int)strlen(key->name) - (key->name[strlen(key->name) - 1] == 's');

	(void)snprintf(prefix, sizeof(prefix), "%.*s %u", singular, key->name, reader->element);
	if (config_setting_type(element) != CONFIG_TYPE_GROUP) {
		report_error(reader->report, config_setting_source_line(element),
			     "%s is %s: expected a group: { %s = …; }", prefix,
			     read_found(element, found), key->section->keys[0].name);
		return;
	}
	if (by)
		variant = value_chosen(element, by);
	base = element_place(reader, list, element, variant);
	if (!base)
		return;
	strcat(prefix, ": ");
	if (!by || variant != SCHEMA_UNKNOWN)
		schema_element_defaults(key, base, variant);
	read_inner(reader, element, key->section, base, prefix);
}

/* Whether the list has as many entries as it may have; else that is said. */
static bool check_length(const struct reader *reader, const config_setting_t *setting,
			 const struct schema_key *key)
{
	int n = config_setting_length(setting);
	char expected[SCHEMA_TEXT_SIZE];

	if (n >= key->min && n <= key->max)
		return true;
	report_error(reader->report, config_setting_source_line(setting),
		     "%s%s has %d entries: expected %s", reader->prefix, key->name, n,
		     schema_expected(key, expected));
	return false;
}

static bool read_list(struct reader *reader, const config_setting_t *setting,
		      const struct schema_key *key, void *base)
{
	struct list list = { .key = key, .base = base };
	unsigned n = (unsigned)config_setting_length(setting);

	if (config_setting_type(setting) != CONFIG_TYPE_LIST)
		return false;
	if (!check_length(reader, setting, key))
		return true;
	for (unsigned i = 0; i < n; i++) {
		reader->element = i + 1;
		read_element(reader, &list, config_setting_get_elem(setting, i));
	}
	reader->element = 0;
	memcpy((char *)base + key->other, &list.n, sizeof(list.n));
	return true;
}

static bool read_addresses(struct reader *reader, const config_setting_t *setting,
			   const struct schema_key *key, void *base)
{
	struct config_address *addresses = (void *)((char *)base + key->offset);
	unsigned n = (unsigned)config_setting_length(setting);
	int type = config_setting_type(setting);
	char found[FOUND_SIZE];

	if (type != CONFIG_TYPE_LIST && type != CONFIG_TYPE_ARRAY)
		return false;
	if (!check_length(reader, setting, key))
		return true;
	for (unsigned i = 0; i < n; i++) {
		const config_setting_t *element = config_setting_get_elem(setting, i);

		if (!value_address(element, &addresses[i]))
			report_error(reader->report, config_setting_source_line(element),
				     "%s%s has %s: expected the IP address of a host, such as "
				     "\"192.0.2.1\"",
				     reader->prefix, key->name, read_found(element, found));
	}
	memcpy((char *)base + key->other, &n, sizeof(n));
	return true;
}

/* The list has looked at it already. That of a resident is in no field. */
static bool keep_variant(const struct reader *reader, const struct schema_key *key, void *base)
{
	if (reader->context.chosen[key->chooses] > 0)
		schema_set(key, base, reader->context.chosen[key->chooses]);
	return true;
}

static bool read_value(struct reader *reader, const config_setting_t *setting,
		       const struct schema_key *key, void *base)
{
	switch (key->type) {
	case SCHEMA_BOOL:
		return value_bool(setting, key, base);
	case SCHEMA_NUMBER:
		return value_number(setting, key, base);
	case SCHEMA_WORD:
	case SCHEMA_WORD_TEXT:
		return value_word(setting, key, base);
	case SCHEMA_VARIANT:
		return keep_variant(reader, key, base);
	case SCHEMA_NAME:
		return value_name(setting, key, base);
	case SCHEMA_MAC:
		return value_mac(setting, key, base);
	case SCHEMA_ADDRESSES:
		return read_addresses(reader, setting, key, base);
	case SCHEMA_GROUP:
		return read_group(reader, setting, key, base);
	case SCHEMA_LIST:
		return read_list(reader, setting, key, base);
	}
	return false;
}

/* What is kept in no field of its own cannot be found by it. */
static bool has_field(const struct reader *reader, const struct schema_key *key)
{
	if (key->type == SCHEMA_VARIANT)
		return reader->context.chosen[key->chooses] > 0;
	return key->size || key->type == SCHEMA_GROUP;
}

static void remember(const struct reader *reader, const config_setting_t *setting,
		     const struct schema_key *key, const void *base)
{
	struct places *places = reader->places;
	/* A list is known by its count, for it begins where its first element does. */
	const char *field =
		(const char *)base + (key->type == SCHEMA_LIST ? key->other : key->offset);

	if (!reader->team || places->n == PLACES_MAX || !has_field(reader, key))
		return;
	places->places[places->n++] = (struct place){
		.key = key,
		.offset = (uint32_t)(field - (const char *)reader->team),
		.line = config_setting_source_line(setting),
		.element = reader->element,
	};
}

static void read_key(struct reader *reader, const config_setting_t *setting,
		     const struct schema_section *section, void *base)
{
	const struct schema_key *key = schema_find(section, config_setting_name(setting));
	char why[SCHEMA_TEXT_SIZE];

	if (!key) {
		read_unknown(reader->report, reader->prefix, setting, section);
		return;
	}
	if (!schema_allows(key, &reader->context)) {
		report_error(reader->report, config_setting_source_line(setting), "%s%s %s",
			     reader->prefix, key->name,
			     schema_misplaced(key, &reader->context, why));
		return;
	}
	remember(reader, setting, key, base);
	if (!read_value(reader, setting, key, base))
		refuse(reader, setting, key);
}

static void report_missing(const struct reader *reader, const config_setting_t *group,
			   const struct schema_key *key)
{
	char expected[SCHEMA_TEXT_SIZE];

	report_error(reader->report, config_setting_source_line(group),
		     "%s%s is missing: expected %s", reader->prefix, key->name,
		     schema_expected(key, expected));
}

static void check_required(const struct reader *reader, const config_setting_t *group,
			   const struct schema_section *section)
{
	for (unsigned i = 0; i < section->n_keys; i++) {
		const struct schema_key *key = &section->keys[i];

		if (key->required && schema_allows(key, &reader->context) &&
		    !config_setting_get_member(group, key->name))
			report_missing(reader, group, key);
	}
}

/* Whether it is known what belongs into the group. Where its kind is not, its keys are in no known
 * place. */
static bool choose(struct reader *reader, const config_setting_t *group,
		   const struct schema_section *section)
{
	for (unsigned i = 0; i < section->n_keys; i++) {
		const struct schema_key *key = &section->keys[i];
		const config_setting_t *setting;
		int64_t chosen;

		if (!key->chooses)
			continue;
		chosen = value_chosen(group, key);
		reader->context.chosen[key->chooses] = chosen;
		if (key->type != SCHEMA_VARIANT || chosen != SCHEMA_UNKNOWN)
			continue;
		setting = config_setting_get_member(group, key->name);
		if (setting)
			refuse(reader, setting, key);
		else
			report_missing(reader, group, key);
		return false;
	}
	return true;
}

void read_section(struct reader *reader, const config_setting_t *group,
		  const struct schema_section *section, void *base)
{
	unsigned n = (unsigned)config_setting_length(group);

	if (!choose(reader, group, section))
		return;
	for (unsigned i = 0; i < n; i++)
		read_key(reader, config_setting_get_elem(group, i), section, base);
	check_required(reader, group, section);
}
