/* From libconfig's settings to the fields that the table names. */
#pragma once

#include "daemon/config/parse.h"
#include "daemon/config/schema.h"

#include <libconfig.h>

#define FOUND_SIZE (QUOTE_SIZE + 16)

struct reader {
	const struct report *report;
	const struct config_team *team; /* NULL while host-wide settings are read. */
	struct places *places;
	struct schema_context context;
	unsigned element; /* Of a list that is being read, from 1; else 0. */
	char prefix[24];  /* What stands before a key in messages: "lacp.", "member 2: ". */
};

/* Reads a group into the struct at 'base', whose defaults are set. */
void read_section(struct reader *reader, const config_setting_t *group,
		  const struct schema_section *section, void *base);

/* "unknown key …" */
void read_unknown(const struct report *report, const char *prefix, const config_setting_t *setting,
		  const struct schema_section *section);

/* What a setting is, for messages: its value, or "a group". Returns 'text'. */
const char *read_found(const config_setting_t *setting, char text[static FOUND_SIZE]);
