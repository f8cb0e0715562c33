/* yokectl: the command line of Yoke. */
#include "client/call.h"
#include "lib/ctl/table.h"
#include "lib/ctl/text.h"

#include <errno.h>
#include <stdlib.h>

enum {
	STATUS_DONE = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
};

/* The one sentence on standard error. It may have been written elsewhere: made harmless. */
static int fail(int status, const struct err *e)
{
	char *safe = ctl_text_safe(e->text);

	(void)fprintf(stderr, "yokectl: %s\n", safe ? safe : "out of memory");
	free(safe);
	return status;
}

static int run(const struct options *options, const struct verb *verb, size_t n_used)
{
	struct context context = {
		.options = options,
		.output = { stdout, ctl_wants_colour(stdout) },
	};
	struct err e = {};
	int r = verb->run(&context, options->words + n_used, &e);

	ctl_client_close(context.client);
	if (r < 0)
		return fail(r == -EINVAL ? STATUS_USAGE : STATUS_FAILED, &e);
	return STATUS_DONE;
}

/* --version and --help, whatever else there is. */
static int inform(const struct options *options, const struct object *object,
		  const struct verb *verb)
{
	const struct output output = { stdout, false };
	struct err e = {};

	if (options->given & OPTION_VERSION)
		(void)fputs("yokectl " YOKE_VERSION "\n", stdout);
	else
		command_help(stdout, object, verb);
	return flush_output(&output, &e) < 0 ? fail(STATUS_FAILED, &e) : STATUS_DONE;
}

static int obey(const struct options *options)
{
	const struct object *object;
	const struct verb *verb;
	struct err e = {};
	size_t n_used;

	if (options->given & OPTION_VERSION)
		return inform(options, NULL, NULL);
	if (command_find(options, &object, &verb, &n_used, &e) < 0)
		return fail(STATUS_USAGE, &e);
	if (options->given & OPTION_HELP)
		return inform(options, object, verb);
	if (command_check(object, verb, options, options->n_words - n_used, &e) < 0)
		return fail(STATUS_USAGE, &e);
	return run(options, verb, n_used);
}

int main(int argc, char *argv[])
{
	struct options options;
	struct err e = {};
	int r = options_parse(&options, argc, argv, &e);
	int status = r < 0 ? fail(STATUS_USAGE, &e) : obey(&options);

	options_release(&options);
	return status;
}
