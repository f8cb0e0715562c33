/* From enums to the words of the configuration. */
#include "daemon/config/config.h"
#include "daemon/config/schema.h"
#include "daemon/config/words.h"

const struct schema_word config_mode_words[] = {
	{ "lacp", CONFIG_MODE_LACP },
	{ "static", CONFIG_MODE_STATIC },
	{},
};

const struct schema_word config_balance_words[] = {
	{ "address-hash", CONFIG_BALANCE_ADDRESS_HASH },
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
