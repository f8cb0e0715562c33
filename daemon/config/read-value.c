#include "daemon/config/read-value.h"

#include "daemon/config/config.h"
#include "daemon/config/valid.h"

#include <stdio.h>
#include <string.h>

/* NULL where the value is no string. */
static const char *string_of(const config_setting_t *setting)
{
	return config_setting_type(setting) == CONFIG_TYPE_STRING
		       ? config_setting_get_string(setting)
		       : NULL;
}

bool value_bool(const config_setting_t *setting, const struct schema_key *key, void *base)
{
	if (config_setting_type(setting) != CONFIG_TYPE_BOOL)
		return false;
	schema_set(key, base, config_setting_get_bool(setting));
	return true;
}

bool value_number(const config_setting_t *setting, const struct schema_key *key, void *base)
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

bool value_word(const config_setting_t *setting, const struct schema_key *key, void *base)
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

bool value_name(const config_setting_t *setting, const struct schema_key *key, void *base)
{
	const char *string = string_of(setting);

	if (!string || !valid_interface_name(string))
		return false;
	(void)snprintf((char *)base + key->offset, key->size, "%s", string);
	return true;
}

bool value_mac(const config_setting_t *setting, const struct schema_key *key, void *base)
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

bool value_address(const config_setting_t *setting, struct config_address *address)
{
	const char *string = string_of(setting);

	return string && valid_host_address(string, address);
}

int64_t value_chosen(const config_setting_t *group, const struct schema_key *key)
{
	const config_setting_t *setting = config_setting_get_member(group, key->name);
	const char *string = setting ? string_of(setting) : NULL;
	const struct schema_word *word = string ? schema_find_word(key->words, string) : NULL;

	if (!setting && !key->required)
		return key->fallback;
	return word ? word->value : SCHEMA_UNKNOWN;
}
