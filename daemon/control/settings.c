#include "daemon/control/settings.h"

#include "daemon/config/schema.h"
#include "daemon/control/settings-text.h"
#include "lib/base/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How a configuration is told. */
struct telling {
	struct schema_context context;
	bool all; /* Also what has its default. */
};

static json_t *tell_section(const struct telling *telling, const struct schema_section *section,
			    const void *base);

static bool has_default(const struct schema_key *key, const void *base)
{
	switch (key->type) {
	case SCHEMA_BOOL:
	case SCHEMA_NUMBER:
	case SCHEMA_WORD:
		return schema_get(key, base) == key->fallback;
	case SCHEMA_WORD_TEXT:
		return strcmp((const char *)base + key->offset,
			      schema_word(key->words, key->fallback)) == 0;
	case SCHEMA_MAC:
		return schema_get(key, base);
	case SCHEMA_ADDRESSES:
		return schema_count(key, base) == 0;
	case SCHEMA_VARIANT:
	case SCHEMA_NAME:
	case SCHEMA_GROUP:
	case SCHEMA_LIST:
		return false;
	}
	return false;
}

static json_t *tell_mac(const struct schema_key *key, const void *base)
{
	const struct mac *mac = (const void *)((const char *)base + key->other);
	char text[MAC_TEXT_SIZE];

	return json_string(schema_get(key, base) ? "auto" : mac_to_text(mac, text));
}

static json_t *tell_addresses(const struct schema_key *key, const void *base)
{
	const struct config_address *addresses = schema_group(key, base);
	char text[CONFIG_ADDRESS_TEXT_SIZE];
	json_t *array = json_array();

	for (unsigned i = 0; i < schema_count(key, base); i++) {
		const char *address = config_address_text(&addresses[i], text);

		if (json_array_append_new(array, json_string(address)) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *tell_list(const struct telling *telling, const struct schema_key *key,
			 const void *base)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < schema_count(key, base); i++) {
		const struct telling inner = {
			schema_enter_element(key, base, i, telling->context),
			telling->all,
		};
		json_t *element = tell_section(&inner, key->section, schema_element(key, base, i));

		if (json_array_append_new(array, element) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *tell_value(const struct telling *telling, const struct schema_key *key,
			  const void *base)
{
	switch (key->type) {
	case SCHEMA_BOOL:
		return json_boolean(schema_get(key, base));
	case SCHEMA_NUMBER:
		return json_integer(schema_get(key, base));
	case SCHEMA_WORD:
		return json_string(schema_word(key->words, schema_get(key, base)));
	case SCHEMA_VARIANT:
		return json_string(schema_word(key->words, telling->context.chosen[key->chooses]));
	case SCHEMA_ADDRESSES:
		return tell_addresses(key, base);
	case SCHEMA_WORD_TEXT:
	case SCHEMA_NAME:
		return json_string((const char *)base + key->offset);
	case SCHEMA_MAC:
		return tell_mac(key, base);
	case SCHEMA_GROUP:
		return tell_section(telling, key->section, schema_group(key, base));
	case SCHEMA_LIST:
		return tell_list(telling, key, base);
	}
	return NULL;
}

/* A standby member of a mode that has none would carry: that is for the check to refuse. And a
 * priority that a member has for being standby is none of its own. */
static bool is_told(const struct telling *telling, const struct schema_section *section,
		    const struct schema_key *key, const void *base)
{
	const struct config_member *member = section == &schema_member ? base : NULL;

	if (!schema_allows(key, &telling->context))
		return !telling->all && member && strcmp(key->name, "standby") == 0 &&
		       member->standby;
	if (telling->all || key->required)
		return true;
	if (member && strcmp(key->name, "priority") == 0 && member->standby &&
	    member->priority == CONFIG_PRIORITY_STANDBY)
		return false;
	return !has_default(key, base);
}

/* Whether anything is said in the list's only element but what it must say. */
static bool is_plain(const json_t *value)
{
	return json_is_array(value) ? json_array_size(value) == 1 &&
					      json_object_size(json_array_get(value, 0)) == 1
				    : json_is_object(value) && json_object_size(value) == 0;
}

static json_t *tell_section(const struct telling *telling, const struct schema_section *section,
			    const void *base)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < section->n_keys; i++) {
		const struct schema_key *key = &section->keys[i];
		json_t *value;

		if (!is_told(telling, section, key, base))
			continue;
		value = tell_value(telling, key, base);
		if (!telling->all && !key->required && is_plain(value)) {
			json_decref(value);
			continue;
		}
		if (json_object_set_new(object, key->name, value) < 0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

json_t *settings_of(const struct config_team *team, bool all)
{
	const struct telling telling = {
		schema_enter(&schema_team, team, schema_nowhere()),
		all,
	};

	return tell_section(&telling, &schema_team, team);
}

/* Puts 'changes' over 'object', whose keys are those of 'section'. What is wrong in them is left to
 * the parser. */
static int merge(json_t *object, const json_t *changes, const struct schema_section *section)
{
	json_t *mutable = (json_t *)(uintptr_t)changes; /* Iteration changes nothing. */
	const char *name;
	json_t *value;
	int r = 0;

	json_object_foreach (mutable, name, value) {
		const struct schema_key *key = schema_find(section, name);
		json_t *inner = json_object_get(object, name);

		if (key && json_is_null(value))
			(void)json_object_del(object, name);
		else if (key && key->type == SCHEMA_GROUP && inner && json_is_object(value))
			r = merge(inner, value, key->section);
		else
			r = json_object_set(object, name, value);
		if (r < 0)
			return -ENOMEM;
	}
	return 0;
}

/* A group that is told anew may say "null" where there is nothing yet. */
static void drop_nulls(json_t *object)
{
	const char *name;
	json_t *value;
	void *next;

	json_object_foreach_safe(object, next, name, value)
	{
		if (json_is_object(value))
			drop_nulls(value);
		else if (json_is_null(value))
			(void)json_object_del(object, name);
	}
}

static int check_name(const json_t *settings, const char *name, const char *whose, struct err *e)
{
	const json_t *given = json_object_get(settings, "name");

	if (given && !(json_is_string(given) && strcmp(json_string_value(given), name) == 0))
		return err_set(e, -EINVAL, "the name of a %s cannot change", whose);
	return 0;
}

/* Takes over 'object'. Its file is that of 'like', if there is one. */
static int parse(json_t *object, const struct config_team *like, struct config_team *ret,
		 struct err *e)
{
	int r = object ? settings_parse(object, ret, e) : err_set(e, -ENOMEM, "out of memory");

	json_decref(object);
	if (r < 0)
		return r;
	ret->file[0] = '\0';
	ret->line = 0;
	if (like) {
		memcpy(ret->file, like->file, sizeof(ret->file));
		ret->line = like->line;
	}
	return 0;
}

int settings_new(const char *name, const json_t *settings, struct config_team *ret, struct err *e)
{
	json_t *object = json_deep_copy(settings);
	int r = check_name(settings, name, "team", e);

	if (r < 0 || !object || json_object_set_new(object, "name", json_string(name)) < 0) {
		json_decref(object);
		return r < 0 ? r : err_set(e, -ENOMEM, "out of memory");
	}
	drop_nulls(object);
	return parse(object, NULL, ret, e);
}

/* What is chosen when the settings hold; a word that is none is the parser's to refuse. */
static struct schema_context choices_with(const struct config_team *team, const json_t *settings)
{
	struct schema_context context = schema_enter(&schema_team, team, schema_nowhere());

	for (unsigned i = 0; i < schema_team.n_keys; i++) {
		const struct schema_key *key = &schema_team.keys[i];
		const char *word = json_string_value(json_object_get(settings, key->name));
		const struct schema_word *found =
			word && key->chooses ? schema_find_word(key->words, word) : NULL;

		if (found)
			context.chosen[key->chooses] = found->value;
		else if (key->chooses && json_is_null(json_object_get(settings, key->name)))
			context.chosen[key->chooses] = key->fallback;
	}
	return context;
}

int settings_change(const struct config_team *team, const json_t *settings, struct config_team *ret,
		    struct err *e)
{
	const struct telling telling = { choices_with(team, settings), false };
	int r = check_name(settings, team->name, "team", e);
	json_t *object;

	if (r < 0)
		return r;
	object = tell_section(&telling, &schema_team, team);
	if (!object || merge(object, settings, &schema_team) < 0) {
		json_decref(object);
		return err_set(e, -ENOMEM, "out of memory");
	}
	return parse(object, team, ret, e);
}

static json_t *find_member(const json_t *members, const char *name, size_t *index)
{
	size_t i;
	json_t *member;

	json_array_foreach (members, i, member) {
		const char *own = json_string_value(json_object_get(member, "name"));

		*index = i;
		if (own && strcmp(own, name) == 0)
			return member;
	}
	return NULL;
}

static void prefer(const json_t *members, json_t *preferred)
{
	size_t i;
	json_t *member;

	json_array_foreach (members, i, member) {
		(void)json_object_del(member, "preferred");
	}
	(void)json_object_set_new(preferred, "preferred", json_true());
}

int settings_change_member(const struct config_team *team, const struct settings_member *member,
			   struct config_team *ret, struct err *e)
{
	int r = check_name(member->settings, member->name, "member", e);
	json_t *object, *members, *own;
	size_t index;

	if (r < 0)
		return r;
	object = settings_of(team, false);
	members = json_object_get(object, "members");
	own = find_member(members, member->name, &index);
	if (!own) {
		own = json_pack("{s:s}", "name", member->name);
		if (json_array_append_new(members, own) < 0)
			own = NULL;
	}
	if (own && json_is_true(member->prefer))
		prefer(members, own);
	else if (own && json_is_false(member->prefer))
		(void)json_object_del(own, "preferred");
	if (!own || (member->settings && merge(own, member->settings, &schema_member) < 0)) {
		json_decref(object);
		return err_set(e, -ENOMEM, "out of memory");
	}
	return parse(object, team, ret, e);
}

int settings_remove_member(const struct config_team *team, const char *member,
			   struct config_team *ret, struct err *e)
{
	json_t *object = settings_of(team, false);
	json_t *members = json_object_get(object, "members");
	size_t index;

	if (find_member(members, member, &index))
		(void)json_array_remove(members, index);
	return parse(object, team, ret, e);
}
