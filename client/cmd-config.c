/* yokectl config …: needs no daemon and no privilege. */
#include "client/call.h"
#include "daemon/config/config.h"
#include "lib/base/array.h"
#include "lib/ctl/table.h"
#include "lib/ctl/text.h"

#include <errno.h>
#include <string.h>

#define DEFAULT_CONFIG "/etc/yoke/yoke.conf"

static json_t *problem_json(const struct config_problem *problem)
{
	return json_pack("{s:s, s:o, s:i, s:o}", "severity", problem->warning ? "warning" : "error",
			 "file", ctl_text_json(problem->file), "line", (int)problem->line, "text",
			 ctl_text_json(problem->text));
}

static json_t *team_names(const struct config *config)
{
	json_t *names = json_array();

	for (unsigned i = 0; config && i < config->n_teams; i++)
		(void)json_array_append_new(names, ctl_text_json(config->teams[i].name));
	return names;
}

static json_t *result_json(const struct config *config, const struct config_problems *problems)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < problems->n; i++)
		(void)json_array_append_new(list, problem_json(&problems->problems[i]));
	return json_pack("{s:i, s:i, s:o, s:o}", "errors", (int)problems->n_errors, "warnings",
			 (int)problems->n_warnings, "teams", team_names(config), "problems", list);
}

/* What people get on standard output; the problems are on standard error. */
static void show_fine(const struct output *output, const json_t *result)
{
	size_t n = json_array_size(json_object_get(result, "teams"));

	if (json_integer_value(json_object_get(result, "errors")) == 0)
		(void)fprintf(output->file, "the configuration is fine: %zu team%s\n", n,
			      n == 1 ? "" : "s");
}

static int load(const char *const paths[], const char *datapath, struct config **config,
		struct config_problems *problems)
{
	struct config_question question = {
		.paths = paths,
		.main_path = DEFAULT_CONFIG,
		.datapath = datapath,
	};

	while (paths[question.n_paths])
		question.n_paths++;
	return config_check(&question, config, problems);
}

/* What the check came to, in one sentence if it is bad news. */
static int judge(int r, const struct config_problems *problems, struct err *e)
{
	if (problems->n_errors)
		return err_set(e, -EBADMSG,
			       "the configuration has %u error%s: nothing of it would be applied",
			       problems->n_errors, problems->n_errors == 1 ? "" : "s");
	return r < 0 ? err_errno(e, r, "the configuration cannot be checked") : 0;
}

static int report(struct context *context, const struct config *config,
		  const struct config_problems *problems, struct err *e)
{
	const struct output errors = { stderr, ctl_wants_colour(stderr) };
	json_t *result = result_json(config, problems);

	if (!result)
		return err_set(e, -ENOMEM, "out of memory");
	if (!(context->options->given & OPTION_JSON))
		show_problems(&errors, result);
	return print(context, result, show_fine, e);
}

static int check(struct context *context, const char *const arguments[], struct err *e)
{
	cleanup(freep) struct config_problems *problems = calloc(1, sizeof(*problems));
	const char *datapath = context->options->datapath;
	struct config *config = NULL;
	struct err ignored;
	int r, written;

	if (!problems)
		return err_set(e, -ENOMEM, "out of memory");
	if (datapath && strcmp(datapath, "bpf") != 0 && strcmp(datapath, "team") != 0)
		return err_set(e, -EINVAL, "--datapath is bpf or team, not %s", datapath);
	r = judge(load(arguments, datapath, &config, problems), problems, e);
	written = r < 0 && !problems->n_errors
			  ? 0
			  : report(context, config, problems, r < 0 ? &ignored : e);
	config_free(config);
	return r < 0 ? r : written;
}

static const struct verb verbs[] = {
	{
		.name = "check",
		.arguments = "[FILE|FOLDER]...",
		.summary = "Check a configuration, without yoked",
		.help = "Without arguments " DEFAULT_CONFIG " and the folder conf.d beside it,\n"
			"else each FILE, and each *.conf of each FOLDER. Needs neither yoked nor\n"
			"privileges. Exit status 1 if anything is wrong; warnings are not.\n"
			"With --datapath, what that one cannot do is wrong for every team.\n",
		.options = OPTION_DATAPATH,
		.n_max = ARGUMENTS_ANY,
		.run = check,
	},
};

const struct object object_config = {
	.name = "config",
	.summary = "Looks after configurations",
	.verbs = verbs,
	.n_verbs = ARRAY_SIZE(verbs),
};
