/* What the files share that hold the rows of the table. */
#pragma once

#include "daemon/config/config.h"
#include "daemon/config/schema.h"
#include "daemon/config/words.h"
#include "lib/base/array.h"

#define FIELD(type, field) .offset = offsetof(type, field), .size = sizeof(((type *)NULL)->field)
#define KEYS(array) .keys = (array), .n_keys = ARRAY_SIZE(array)

/* In which modes, with which balances and in which monitors a key may stand. */
#define ONLY_MODES(bits) .only[SCHEMA_CHOICE_MODE] = (bits)
#define ONLY_BALANCES(bits) .only[SCHEMA_CHOICE_BALANCE] = (bits)
#define ONLY_TYPES(bits) .only[SCHEMA_CHOICE_TYPE] = (bits)

#define LACP SCHEMA_BIT(CONFIG_MODE_LACP)
#define STATIC SCHEMA_BIT(CONFIG_MODE_STATIC)
#define INDEPENDENT SCHEMA_BIT(CONFIG_MODE_INDEPENDENT)

#define ADDRESS_HASH SCHEMA_BIT(CONFIG_BALANCE_ADDRESS_HASH)
#define DYNAMIC SCHEMA_BIT(CONFIG_BALANCE_DYNAMIC)

extern const struct schema_section schema_lacp;     /* In a struct config_lacp. */
extern const struct schema_section schema_announce; /* In a struct config_team. */
extern const struct schema_section schema_damping;  /* In a struct config_damping. */
