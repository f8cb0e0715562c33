/* The words of enums that are shown as well as read. */
#pragma once

#include "daemon/config/schema.h"

extern const struct schema_word config_mode_words[];
extern const struct schema_word config_balance_words[];
extern const struct schema_word config_select_words[];
extern const struct schema_word config_fallback_words[];
extern const struct schema_word config_fail_back_words[];
extern const struct schema_word config_monitor_type_words[];
extern const struct schema_word config_monitor_policy_words[];
