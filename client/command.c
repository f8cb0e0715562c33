#include "client/command.h"

#include "client/nearest.h"
#include "lib/base/array.h"

#include <errno.h>
#include <string.h>

#define VERBS_MAX 16

const struct object *const objects[N_OBJECTS] = {
	&object_status, &object_team, &object_member, &object_lacp, &object_config, &object_monitor,
};

/* "list, show and delete" */
static void write_words(const char *const words[], size_t n, char *text, size_t size)
{
	size_t used = 0;

	*text = 0;
	for (size_t i = 0; i < n && used < size; i++) {
		const char *gap = i == 0 ? "" : i + 1 == n ? " and " : ", ";
		int r = snprintf(text + used, size - used, "%s%s", gap, words[i]);

		used += r > 0 ? (size_t)r : 0;
	}
}

/* 'kind' is "object", or "verb of team". */
static int unknown_word(const char *kind, const char *word, const char *const words[], size_t n,
			struct err *e)
{
	const char *near = nearest_word(word, words, n);
	char all[160];

	write_words(words, n, all, sizeof(all));
	if (near)
		return err_set(e, -EINVAL, "unknown %s '%s', did you mean '%s'? There %s %s", kind,
			       word, near, n == 1 ? "is" : "are", all);
	return err_set(e, -EINVAL, "unknown %s '%s': there %s %s", kind, word,
		       n == 1 ? "is" : "are", all);
}

static int find_object(const char *word, const struct object **object, struct err *e)
{
	const char *names[N_OBJECTS];

	for (size_t i = 0; i < N_OBJECTS; i++) {
		if (strcmp(objects[i]->name, word) == 0) {
			*object = objects[i];
			return 0;
		}
		names[i] = objects[i]->name;
	}
	return unknown_word("object", word, names, N_OBJECTS, e);
}

static int find_verb(const struct object *object, const char *word, const struct verb **verb,
		     struct err *e)
{
	const char *names[VERBS_MAX];
	char kind[64], all[160];

	for (size_t i = 0; i < object->n_verbs; i++) {
		names[i] = object->verbs[i].name;
		if (word && strcmp(names[i], word) == 0) {
			*verb = &object->verbs[i];
			return 0;
		}
	}
	if (!word) {
		write_words(names, object->n_verbs, all, sizeof(all));
		return err_set(e, -EINVAL, "%s needs a verb: there %s %s", object->name,
			       object->n_verbs == 1 ? "is" : "are", all);
	}
	(void)snprintf(kind, sizeof(kind), "verb of %s", object->name);
	return unknown_word(kind, word, names, object->n_verbs, e);
}

int command_find(const struct options *options, const struct object **object,
		 const struct verb **verb, size_t *n_used, struct err *e)
{
	bool help = options->given & OPTION_HELP;
	int r;

	*object = NULL;
	*verb = NULL;
	*n_used = 0;
	if (!options->n_words)
		return help ? 0 : err_set(e, -EINVAL, "what is to be done? See yokectl --help");
	r = find_object(options->words[0], object, e);
	if (r < 0)
		return r;
	*n_used = 1;
	if (!(*object)->verbs[0].name) {
		*verb = &(*object)->verbs[0];
		return 0;
	}
	if (help && options->n_words == 1)
		return 0;
	r = find_verb(*object, options->words[1], verb, e);
	if (r == 0)
		*n_used = 2;
	return r;
}

static void write_usage(char *text, size_t size, const struct object *object,
			const struct verb *verb)
{
	(void)snprintf(text, size, "%s%s%s%s%s", object->name, verb->name ? " " : "",
		       verb->name ? verb->name : "", *verb->arguments ? " " : "", verb->arguments);
}

int command_check(const struct object *object, const struct verb *verb,
		  const struct options *options, size_t n_arguments, struct err *e)
{
	unsigned foreign = options->given & ~(OPTIONS_COMMON | verb->options);
	char usage[128];

	write_usage(usage, sizeof(usage), object, verb);
	for (size_t i = 0; i < ARRAY_SIZE(option_rows); i++) {
		if (foreign & option_rows[i].option)
			return err_set(e, -EINVAL, "%s is no option of 'yokectl %s'",
				       option_rows[i].name, usage);
	}
	if (n_arguments < verb->n_min)
		return err_set(e, -EINVAL, "an argument is missing: yokectl %s", usage);
	if (n_arguments > verb->n_max)
		return err_set(e, -EINVAL, "there are too many arguments: yokectl %s", usage);
	return 0;
}

static void write_options(FILE *out, unsigned which)
{
	(void)fputs("\nOptions:\n", out);
	for (size_t i = 0; i < ARRAY_SIZE(option_rows); i++) {
		const struct option_row *row = &option_rows[i];
		char name[32];

		if (!(which & row->option))
			continue;
		(void)snprintf(name, sizeof(name), "%s%s%s", row->name, row->argument ? " " : "",
			       row->argument ? row->argument : "");
		(void)fprintf(out, "  %-16s %s\n", name, row->summary);
	}
}

static void write_verbs(FILE *out, const struct object *object)
{
	for (size_t i = 0; i < object->n_verbs; i++) {
		char usage[128];

		write_usage(usage, sizeof(usage), object, &object->verbs[i]);
		(void)fprintf(out, "  %-31s %s\n", usage, object->verbs[i].summary);
	}
}

static void help_verb(FILE *out, const struct object *object, const struct verb *verb)
{
	char usage[128];

	write_usage(usage, sizeof(usage), object, verb);
	(void)fprintf(out, "Usage: yokectl [OPTION]... %s\n\n%s.\n", usage, verb->summary);
	if (verb->help)
		(void)fprintf(out, "%s", verb->help);
	write_options(out, OPTIONS_COMMON | verb->options);
}

void command_help(FILE *out, const struct object *object, const struct verb *verb)
{
	unsigned options = OPTIONS_COMMON;

	if (verb) {
		help_verb(out, object, verb);
		return;
	}
	(void)fprintf(out, "Usage: yokectl [OPTION]... %s VERB [ARGUMENT]...\n\n%s.\n\n",
		      object ? object->name : "OBJECT",
		      object ? object->summary : "Looks after the teams of this host");
	for (size_t i = 0; i < N_OBJECTS; i++) {
		if (object && objects[i] != object)
			continue;
		write_verbs(out, objects[i]);
		for (size_t j = 0; j < objects[i]->n_verbs; j++)
			options |= objects[i]->verbs[j].options;
	}
	write_options(out, options);
	(void)fputs("\nExit status: 0 done, 1 refused or failed, 2 wrong usage.\n"
		    "'yokectl OBJECT VERB --help' tells more of a verb; see also yokectl(1).\n",
		    out);
}
