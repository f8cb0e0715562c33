/* What a datapath cannot do: one row for each value of a key. */
#include "daemon/config/refusal.h"

#include "daemon/config/config.h"
#include "daemon/config/schema.h"
#include "lib/base/array.h"

#include <stdio.h>
#include <string.h>

struct config_refusal {
	const char *datapath;
	const char *key; /* Of a team. */
	int64_t value;
	const char *why;
};

static const struct config_refusal refusals[] = {
	{ .datapath = "team",
	  .key = "transmit",
	  .value = true,
	  .why = "the kernel's driver has no longer way that could be left out" },
};

static bool applies(const struct config_refusal *refusal, const struct config_team *team,
		    const char *datapath)
{
	const struct schema_key *key = schema_find(&schema_team, refusal->key);
	const struct schema_context context = schema_enter(&schema_team, team, schema_nowhere());

	return strcmp(refusal->datapath, datapath) == 0 && schema_allows(key, &context) &&
	       schema_get(key, team) == refusal->value;
}

const struct config_refusal *refusal_next(const struct config_team *team, const char *datapath,
					  const struct config_refusal *before)
{
	const struct config_refusal *refusal = before ? before + 1 : refusals;

	for (; refusal < refusals + ARRAY_SIZE(refusals); refusal++)
		if (applies(refusal, team, datapath))
			return refusal;
	return NULL;
}

const void *refusal_field(const struct config_refusal *refusal, const struct config_team *team)
{
	return (const char *)team + schema_find(&schema_team, refusal->key)->offset;
}

const char *refusal_text(const struct config_refusal *refusal, const struct config_team *team,
			 char text[static CONFIG_REFUSAL_SIZE])
{
	const struct schema_key *key = schema_find(&schema_team, refusal->key);
	char value[SCHEMA_TEXT_SIZE];

	(void)snprintf(text, CONFIG_REFUSAL_SIZE, "%s is %s, which datapath \"%s\" cannot do: %s",
		       key->name, schema_value_text(key, schema_get(key, team), value),
		       refusal->datapath, refusal->why);
	return text;
}

bool config_datapath_refuses(const struct config_team *team, const char *datapath,
			     char why[static CONFIG_REFUSAL_SIZE])
{
	const struct config_refusal *refusal = refusal_next(team, datapath, NULL);

	if (refusal)
		(void)refusal_text(refusal, team, why);
	return refusal;
}
