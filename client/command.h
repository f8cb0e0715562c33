/* The table of commands: objects with their verbs. One row gives a verb its usage, help and checks.
 */
#pragma once

#include "client/options.h"
#include "client/show.h"
#include "lib/base/err.h"
#include "lib/ctl/client.h"

#include <jansson.h>

#define ARGUMENTS_ANY 1000000

struct context {
	const struct options *options;
	struct output output;
	struct ctl_client *client; /* NULL until the first call. */
};

struct verb {
	const char *name;      /* NULL: the object alone is the command. */
	const char *arguments; /* As in the usage: "TEAM NIC [on|off]". */
	const char *summary;   /* One line, begins with a capital. */
	const char *help;      /* More of it, lines ended by newlines. */
	size_t n_min;          /* Arguments. */
	size_t n_max;
	unsigned options; /* Bits of enum option beside OPTIONS_COMMON. */

	/* 'arguments' ends with NULL. 0, or a negative errno with the sentence for the person;
	 * -EINVAL for wrong usage. */
	int (*run)(struct context *context, const char *const arguments[], struct err *e);
};

struct object {
	const char *name;
	const char *summary;
	const struct verb *verbs;
	size_t n_verbs;
};

extern const struct object object_config;
extern const struct object object_lacp;
extern const struct object object_member;
extern const struct object object_monitor;
extern const struct object object_status;
extern const struct object object_team;

#define N_OBJECTS 6
extern const struct object *const objects[N_OBJECTS];

/* The row that the first words name, and how many of them did so. -EINVAL with a sentence that
 * tells what there is. With OPTION_HELP *verb may be NULL (an object alone), and *object too. */
int command_find(const struct options *options, const struct object **object,
		 const struct verb **verb, size_t *n_used, struct err *e);

/* Whether the verb takes these options and that many arguments. */
int command_check(const struct object *object, const struct verb *verb,
		  const struct options *options, size_t n_arguments, struct err *e);

/* Help for everything, an object, or a verb. */
void command_help(FILE *out, const struct object *object, const struct verb *verb);
