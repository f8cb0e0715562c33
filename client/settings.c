#include "client/settings.h"

#include "lib/base/cleanup.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Of all that yoked knows none is longer. */
#define KEY_MAX 64

static json_t *value_of(const char *text)
{
	static const char digits[] = "0123456789";
	const char *number = *text == '-' ? text + 1 : text;
	bool is_number = *number && strspn(number, digits) == strlen(number);

	if (!*text)
		return json_null();
	if (is_number || strcmp(text, "true") == 0 || strcmp(text, "false") == 0 || *text == '[' ||
	    *text == '{')
		return json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
	return json_string(text);
}

/* The object that 'name' stands for, made if there is none. */
static json_t *inner(json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);

	if (json_is_object(value))
		return value;
	value = json_object();
	return json_object_set_new(object, name, value) < 0 ? NULL : value;
}

static int add(json_t *settings, char *key, json_t *value, struct err *e)
{
	char *dot;

	for (; (dot = strchr(key, '.')); key = dot + 1) {
		*dot = '\0';
		settings = inner(settings, key);
		if (!settings)
			break;
	}
	if (!settings || json_object_set_new(settings, key, value) < 0)
		return err_set(e, -EINVAL, "the name of a key is UTF-8");
	return 0;
}

int settings_add(json_t *settings, const char *text, struct err *e)
{
	const char *equals = strchr(text, '=');
	char key[KEY_MAX];
	json_t *value;
	size_t size;

	if (!equals || equals == text)
		return err_set(e, -EINVAL, "'%s' is no setting: expected KEY=VALUE", text);
	size = (size_t)(equals - text);
	if (size >= sizeof(key))
		return err_set(e, -EINVAL, "unknown key '%.*s…'", KEY_MAX, text);
	memcpy(key, text, size);
	key[size] = '\0';
	value = value_of(equals + 1);
	if (!value)
		return err_set(e, -EINVAL, "the value of %s is no JSON, or no UTF-8: %s", key,
			       equals + 1);
	return add(settings, key, value, e);
}

json_t *settings_parse_words(const char *const words[], struct err *e)
{
	json_t *settings = json_object();
	int r = settings ? 0 : err_set(e, -ENOMEM, "out of memory");

	for (size_t i = 0; r == 0 && words[i]; i++)
		r = settings_add(settings, words[i], e);
	if (r == 0)
		return settings;
	json_decref(settings);
	return NULL;
}
