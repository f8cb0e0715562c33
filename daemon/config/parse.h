/* From the text of one file to the structs of the configuration. */
#pragma once

#include "daemon/config/config.h"
#include "daemon/config/problems.h"
#include "daemon/config/schema.h"
#include "lib/base/span.h"

/* In which lines the values of a team were found, for checks across keys. */
#define PLACES_MAX 512
struct places {
	unsigned n;
	struct place {
		const struct schema_key *key;
		uint32_t offset; /* Of the field in struct config_team; of a group itself. */
		unsigned line;
		unsigned element; /* Of the list around it, from 1; 0: there is none. */
	} places[PLACES_MAX];
};

/* Where 'field', which lies in 'team', got its value; NULL where its default stands. */
const struct place *places_at(const struct places *places, const struct config_team *team,
			      const void *field);

/* The line of that; 0 where its default stands. */
unsigned places_find(const struct places *places, const struct config_team *team,
		     const void *field);

/* A configuration in the making. */
struct batch {
	struct config *config;
	struct places *places; /* As many as config->teams. */
	bool thorough;         /* Warn of what depends on the datapath. */
	const char *datapath;  /* What all teams get, whatever they say; NULL: what they say. */
};

int batch_init(struct batch *batch);
void batch_fini(struct batch *batch);

/* Adds the settings or the teams of the file; what is wrong goes to the report. 0 or -ENOMEM. */
int parse_text(struct batch *batch, const struct report *report, struct span text,
	       enum config_kind kind);
