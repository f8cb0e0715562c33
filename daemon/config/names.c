/* From enums to the words of the configuration. */
#include "daemon/config/config.h"
#include "daemon/config/schema.h"
#include "daemon/config/words.h"

const struct schema_word config_mode_words[] = {
	{ "lacp", CONFIG_MODE_LACP },
	{ "static", CONFIG_MODE_STATIC },
	{ "switch-independent", CONFIG_MODE_INDEPENDENT },
	{},
};

const struct schema_word config_balance_words[] = {
	{ "address-hash", CONFIG_BALANCE_ADDRESS_HASH },
	{ "vm-port", CONFIG_BALANCE_VM_PORT },
	{ "dynamic", CONFIG_BALANCE_DYNAMIC },
	{},
};

const struct schema_word config_select_words[] = {
	{ "bandwidth", LACP_SELECT_BANDWIDTH },
	{ "count", LACP_SELECT_COUNT },
	{ "stable", LACP_SELECT_STABLE },
	{},
};

const struct schema_word config_fallback_words[] = {
	{ "none", LACP_FALLBACK_NONE },
	{ "one", LACP_FALLBACK_ONE },
	{ "all", LACP_FALLBACK_ALL },
	{},
};

const struct schema_word config_fail_back_words[] = {
	{ "at-once", CONFIG_FAIL_BACK_AT_ONCE },
	{ "never", CONFIG_FAIL_BACK_NEVER },
	{},
};

const struct schema_word config_monitor_type_words[] = {
	{ "carrier", CONFIG_MONITOR_CARRIER }, { "arp", CONFIG_MONITOR_ARP },
	{ "nd", CONFIG_MONITOR_ND },           { "speed", CONFIG_MONITOR_SPEED },
	{ "errors", CONFIG_MONITOR_ERRORS },   {},
};

const struct schema_word config_monitor_policy_words[] = {
	{ "all", CONFIG_MONITOR_ALL },
	{ "any", CONFIG_MONITOR_ANY },
	{},
};

const char *config_mode_name(enum config_mode mode)
{
	return schema_word(config_mode_words, (int64_t)mode);
}

const char *config_balance_name(enum config_balance balance)
{
	return schema_word(config_balance_words, (int64_t)balance);
}

const char *config_select_name(enum lacp_select select)
{
	return schema_word(config_select_words, (int64_t)select);
}

const char *config_fallback_name(enum lacp_fallback fallback)
{
	return schema_word(config_fallback_words, (int64_t)fallback);
}

const char *config_fail_back_name(enum config_fail_back fail_back)
{
	return schema_word(config_fail_back_words, (int64_t)fail_back);
}

const char *config_monitor_type_name(enum config_monitor_type type)
{
	return schema_word(config_monitor_type_words, (int64_t)type);
}

const char *config_monitor_policy_name(enum config_monitor_policy policy)
{
	return schema_word(config_monitor_policy_words, (int64_t)policy);
}
