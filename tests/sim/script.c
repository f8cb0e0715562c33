#include "tests/sim/script.h"

#include "lib/base/array.h"
#include "tests/sim/run.h"

#include <stdlib.h>
#include <string.h>

static const struct verb {
	const char *name;
	void (*run)(struct run *run, const struct word *words, unsigned n);
	unsigned n_min;
} verbs[] = {
	{ "system", do_system, 1 },
	{ "port", do_port, 1 },
	{ "remove", do_remove, 1 },
	{ "up", do_up, 1 },
	{ "down", do_down, 1 },
	{ "duplex", do_duplex, 1 },
	{ "wire", do_wire, 2 },
	{ "deaf", do_deaf, 1 },
	{ "hear", do_hear, 1 },
	{ "peer", do_peer, 1 },
	{ "raw", do_raw, 1 },
	{ "echo", do_echo, 1 },
	{ "marker", do_marker, 1 },
	{ "ask", do_ask, 1 },
	{ "run", do_run, 1 },
	{ "sleep", do_sleep, 1 },
	{ "kill", do_kill, 1 },
	{ "restart", do_restart, 1 },
	{ "weather", do_weather, 1 },
	{ "mark", do_mark, 0 },
	{ "expect", do_expect, 2 },
	{ "carrying", do_carrying, 2 },
	{ "explained", do_explained, 2 },
	{ "traced", do_traced, 2 },
};

static unsigned split(char *text, struct word *words)
{
	char *rest = text, *token;
	unsigned n = 0;

	while (n < WORDS_MAX && (token = strsep(&rest, " \t"))) {
		if (!*token)
			continue;
		words[n].key = token;
		words[n].value = strchr(token, '=');
		if (words[n].value)
			*words[n].value++ = '\0';
		n++;
	}
	return n;
}

static void run_line(struct run *run, const struct script_line *line)
{
	struct word words[WORDS_MAX];
	char text[256];
	unsigned n;

	(void)snprintf(text, sizeof(text), "%s", line->text);
	run->line = line->number;
	n = split(text, words);
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(verbs[i].name, words[0].key) != 0)
			continue;
		if (n - 1 < verbs[i].n_min)
			complain(run, "something is missing", line->text);
		else
			verbs[i].run(run, words + 1, n - 1);
		return;
	}
	complain(run, "no such verb", words[0].key);
}

bool script_run(const struct script_case *script_case, char *words, size_t size)
{
	struct run *run = calloc(1, sizeof(*run));
	bool passed;

	if (!run)
		abort();
	world_init(&run->world, 1);
	for (unsigned i = 0; i < script_case->n_lines && !run->world.failure[0]; i++) {
		run_line(run, &script_case->lines[i]);
		if (run->world.failure[0] && strncmp(run->world.failure, "line", 4) != 0)
			(void)snprintf(words, size, "line %u: %s", run->line, run->world.failure);
		else
			(void)snprintf(words, size, "%s", run->world.failure);
	}
	passed = !run->world.failure[0];
	world_fini(&run->world);
	free(run);
	return passed;
}

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;

	if (!file)
		return NULL;
	if (getdelim(&text, &size, '\0', file) < 0) {
		free(text);
		text = NULL;
	}
	(void)fclose(file);
	return text;
}

static void *grow(void *array, unsigned n, size_t size)
{
	void *grown = reallocarray(array, n + 1, size);

	if (!grown)
		abort();
	return grown;
}

static void add_case(struct script *script, char *text)
{
	char *rest = text;

	script->cases = grow(script->cases, script->n_cases, sizeof(*script->cases));
	script->cases[script->n_cases++] = (struct script_case){
		.clause = strsep(&rest, " "),
		.sentence = rest ? rest : text,
	};
}

static void add_line(struct script *script, unsigned number, char *text)
{
	struct script_case *script_case;

	if (strncmp(text, "case ", 5) == 0) {
		add_case(script, text + 5);
		return;
	}
	if (!script->n_cases || !*text || *text == '#')
		return;
	script_case = &script->cases[script->n_cases - 1];
	script_case->lines =
		grow(script_case->lines, script_case->n_lines, sizeof(*script_case->lines));
	script_case->lines[script_case->n_lines++] = (struct script_line){ number, text };
}

bool script_load(struct script *script, const char *path)
{
	char *rest, *line;

	*script = (struct script){ .text = read_file(path) };
	rest = script->text;
	for (unsigned number = 1; (line = strsep(&rest, "\n")); number++)
		add_line(script, number, line);
	return script->text;
}

void script_free(struct script *script)
{
	for (unsigned i = 0; i < script->n_cases; i++)
		free(script->cases[i].lines);
	free(script->cases);
	free(script->text);
}
