/* From one of libconfig's settings to the field of a key. Each returns false, and leaves the field
 * as it was, where the setting is not what the key expects. */
#pragma once

#include "daemon/config/schema.h"

#include <libconfig.h>

struct config_address;

bool value_bool(const config_setting_t *setting, const struct schema_key *key, void *base);
bool value_number(const config_setting_t *setting, const struct schema_key *key, void *base);
bool value_word(const config_setting_t *setting, const struct schema_key *key, void *base);
bool value_name(const config_setting_t *setting, const struct schema_key *key, void *base);
bool value_mac(const config_setting_t *setting, const struct schema_key *key, void *base);
bool value_address(const config_setting_t *setting, struct config_address *address);

/* The word of the group's key, also where the key is missing and has a default; else
 * SCHEMA_UNKNOWN. */
int64_t value_chosen(const config_setting_t *group, const struct schema_key *key);
