/* The words and options of a command line. Options may stand anywhere; "--" ends them. */
#pragma once

#include "lib/base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum option {
	OPTION_SOCKET = 0x01,
	OPTION_JSON = 0x02,
	OPTION_FORCE = 0x04,
	OPTION_FOLLOW = 0x08,
	OPTION_HELP = 0x10,
	OPTION_VERSION = 0x20,
	OPTION_DATAPATH = 0x40,
	OPTION_MODE = 0x80,
	OPTION_MEMBER = 0x100,
};

/* What every command takes. */
#define OPTIONS_COMMON (OPTION_SOCKET | OPTION_JSON | OPTION_HELP | OPTION_VERSION)

struct option_row {
	enum option option;
	const char *name;     /* With its dashes. */
	const char *argument; /* NULL: it has none. */
	const char *summary;
};

/* A setting of a team that is created, given as an option: --mode static, --up-delay-ms=100. */
struct option_setting {
	const char *name; /* Behind the dashes, … */
	size_t name_size; /* … so many characters. */
	const char *value;
};

#define N_OPTIONS 9
extern const struct option_row option_rows[N_OPTIONS];

struct options {
	unsigned given; /* Bits of enum option. */
	const char *socket;
	const char *datapath; /* NULL: not given. */
	const char **words;   /* Borrowed from the command line; NULL behind the last. */
	size_t n_words;
	struct option_setting *settings;
	size_t n_settings;
};

/* -EINVAL with a sentence for a wrong option. To be released in any case. */
int options_parse(struct options *options, int argc, char *argv[], struct err *e);
void options_release(struct options *options);
