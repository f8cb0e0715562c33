#include "client/options.h"

#include "client/nearest.h"
#include "lib/base/array.h"
#include "lib/ctl/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct option_row option_rows[N_OPTIONS] = {
	{ OPTION_SOCKET, "--socket", "PATH", "yoked's socket (default " CTL_DEFAULT_SOCKET ")" },
	{ OPTION_JSON, "--json", NULL, "print JSON: one document, or one a line while following" },
	{ OPTION_FORCE, "--force", NULL, "even if nothing carries then, or a device is missing" },
	{ OPTION_MODE, "--mode", "MODE", "of a new team: how it and its switch agree" },
	{ OPTION_MEMBER, "--member", "NIC", "of a new team; may be given several times" },
	{ OPTION_FOLLOW, "--follow", NULL, "go on with what happens, until interrupted" },
	{ OPTION_DATAPATH, "--datapath", "NAME", "judge for this one: bpf or team" },
	{ OPTION_HELP, "--help", NULL, "show this help, or that of an object or verb" },
	{ OPTION_VERSION, "--version", NULL, "show the version" },
};

static const struct option_row *find_option(const char *name, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(option_rows); i++) {
		if (strlen(option_rows[i].name) == size &&
		    memcmp(option_rows[i].name, name, size) == 0)
			return &option_rows[i];
	}
	return NULL;
}

static int unknown_option(const char *word, struct err *e)
{
	const char *names[ARRAY_SIZE(option_rows)];
	const char *near;

	for (size_t i = 0; i < ARRAY_SIZE(option_rows); i++)
		names[i] = option_rows[i].name;
	near = nearest_word(word, names, ARRAY_SIZE(names));
	if (near)
		return err_set(e, -EINVAL, "unknown option %s: did you mean %s?", word, near);
	return err_set(e, -EINVAL, "unknown option %s: see yokectl --help", word);
}

static bool is_word(const char *word, const char *wanted)
{
	return word && strcmp(word, wanted) == 0;
}

/* Whether options may be settings: only what is created has them all to be said. */
static bool is_creation(const struct options *options)
{
	/* NULL is after the last word. */
	return is_word(options->words[0], "team") && is_word(options->words[1], "create");
}

static void add_setting(struct options *options, const char *word, size_t size, const char *value)
{
	options->settings[options->n_settings++] =
		(struct option_setting){ word + 2, size - 2, value };
}

/* An option without a row of its own. */
static int take_setting(struct options *options, char *argv[], int *i, struct err *e)
{
	const char *word = argv[*i];
	const char *equals = strchr(word, '=');
	size_t size = equals ? (size_t)(equals - word) : strlen(word);
	const char *value = equals ? equals + 1 : argv[*i + 1];

	if (!is_creation(options) || strncmp(word, "--", 2) != 0 || size == 2)
		return unknown_option(word, e);
	if (!value)
		return err_set(e, -EINVAL, "setting %s needs a value", word);
	*i += !equals;
	add_setting(options, word, size, value);
	return 0;
}

/* Takes the option at argv[*i], and moves *i on if its argument is the next word. */
static int take_option(struct options *options, char *argv[], int *i, struct err *e)
{
	const char *word = argv[*i];
	const char *equals = strchr(word, '=');
	size_t size = equals ? (size_t)(equals - word) : strlen(word);
	const struct option_row *row = find_option(word, size);
	const char *argument = equals ? equals + 1 : NULL;

	if (!row)
		return take_setting(options, argv, i, e);
	if (!row->argument && argument)
		return err_set(e, -EINVAL, "option %s takes no argument", row->name);
	if (row->argument && !argument && argv[*i + 1])
		argument = argv[++*i];
	if (row->argument && (!argument || !*argument))
		return err_set(e, -EINVAL, "option %s needs an argument: %s %s", row->name,
			       row->name, row->argument);
	options->given |= row->option;
	if (row->option == OPTION_SOCKET)
		options->socket = argument;
	if (row->option == OPTION_DATAPATH)
		options->datapath = argument;
	if (row->option == OPTION_MODE || row->option == OPTION_MEMBER)
		add_setting(options, word, size, argument);
	return 0;
}

int options_parse(struct options *options, int argc, char *argv[], struct err *e)
{
	bool may_be_option = true;

	*options = (struct options){ .socket = CTL_DEFAULT_SOCKET };
	options->words = calloc((size_t)argc + 1, sizeof(*options->words));
	options->settings = calloc((size_t)argc + 1, sizeof(*options->settings));
	if (!options->words || !options->settings)
		return err_set(e, -ENOMEM, "out of memory");
	for (int i = 1; i < argc; i++) {
		int r;

		if (!may_be_option || argv[i][0] != '-' || !argv[i][1]) {
			options->words[options->n_words++] = argv[i];
			continue;
		}
		if (strcmp(argv[i], "--") == 0) {
			may_be_option = false;
			continue;
		}
		r = take_option(options, argv, &i, e);
		if (r < 0)
			return r;
	}
	return 0;
}

void options_release(struct options *options)
{
	free(options->words);
	free(options->settings);
	options->words = NULL;
	options->settings = NULL;
}
