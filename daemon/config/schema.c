/* The keys of the whole host and of the files, and the list of all sections. */
#include "daemon/config/schema.h"

#include "daemon/config/schema-rows.h"
#include "lib/base/log.h"

static const struct schema_word log_level_words[] = {
	{ "error", LOG_LEVEL_ERROR },   { "warning", LOG_LEVEL_WARNING },
	{ "notice", LOG_LEVEL_NOTICE }, { "info", LOG_LEVEL_INFO },
	{ "debug", LOG_LEVEL_DEBUG },   {},
};

static const struct schema_key host_keys[] = {
	{ .name = "carrier_poll_ms",
	  .type = SCHEMA_NUMBER,
	  FIELD(struct config, carrier_poll_ms),
	  .min = 1,
	  .max = 1000,
	  .fallback = 10,
	  .help = "How often, in milliseconds, members that carry traffic are asked for their "
		  "carrier." },
	{ .name = "log_level",
	  .type = SCHEMA_WORD,
	  FIELD(struct config, log_level),
	  .words = log_level_words,
	  .fallback = LOG_LEVEL_INFO,
	  .help = "The least important messages that are still logged." },
};

static const struct schema_key root_keys[] = {
	{ .name = "team",
	  .type = SCHEMA_GROUP,
	  .section = &schema_team,
	  .help = "The only team of the file." },
	{ .name = "teams",
	  .type = SCHEMA_LIST,
	  .max = CONFIG_TEAMS_MAX,
	  .section = &schema_team,
	  .help = "The teams of the file, where it has several." },
};

const struct schema_section schema_root = {
	.name = "conf.d",
	.place = "a file of the folder conf.d",
	KEYS(root_keys),
};

const struct schema_section schema_host = {
	.name = "yoke.conf",
	.place = "yoke.conf",
	KEYS(host_keys),
};

const struct schema_section *const schema_sections[] = {
	&schema_host,     &schema_root,    &schema_team,    &schema_member, &schema_lacp,
	&schema_announce, &schema_damping, &schema_monitor, NULL,
};
