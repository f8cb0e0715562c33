/* What the tests of the configuration share: texts in, teams and problems out. */
#pragma once

#include "daemon/config/config.h"
#include "lib/base/array.h"
#include "tests/unit/run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A team that is right, around what a test puts into it. */
#define TEAM_WITH(keys)                                                                         \
	"team: { name = \"team0\"; mode = \"lacp\"; members = ( { name = \"eno1\"; } );\n" keys \
	"\n};"

static inline int parse_as(const char *text, enum config_kind kind, struct config **config,
			   struct config_problems *problems)
{
	return config_parse("test.conf", (struct span){ (const uint8_t *)text, strlen(text) }, kind,
			    config, problems);
}

/* Fails the test, telling the first problem, if there is one. */
static inline struct config *parse_good(const char *text)
{
	struct config *config = NULL;
	struct config_problems problems;
	int r = parse_as(text, CONFIG_KIND_TEAMS, &config, &problems);

	ck_assert_msg(r == 0, "line %u: %s\n%s", problems.problems[0].line,
		      problems.problems[0].text, text);
	return config;
}

/* Whether some problem has that line and contains these words. */
static inline bool has_problem(const struct config_problems *problems, bool warning, unsigned line,
			       const char *words)
{
	for (unsigned i = 0; i < problems->n; i++) {
		const struct config_problem *problem = &problems->problems[i];

		if (problem->warning == warning && problem->line == line &&
		    strstr(problem->text, words))
			return true;
	}
	return false;
}

/* For messages of failed tests. The text is overwritten by the next call. */
static inline const char *tell(const struct config_problems *problems)
{
	static char text[4096];
	size_t at = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < problems->n && at < sizeof(text) - 1; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "\n  %s:%u: %s%s",
				       problems->problems[i].file, problems->problems[i].line,
				       problems->problems[i].warning ? "warning: " : "",
				       problems->problems[i].text);
	return text;
}

/* A file that is wrong in one thing. */
struct mistake {
	const char *what;
	const char *text;
	unsigned line;
	const char *words;
};

static inline void expect_mistake(const struct mistake *mistake, enum config_kind kind)
{
	struct config untouched;
	struct config *config = &untouched;
	struct config_problems problems;
	int r = parse_as(mistake->text, kind, &config, &problems);

	ck_assert_msg(r == -EINVAL, "%s: %d instead of an error", mistake->what, r);
	ck_assert_ptr_eq(config, &untouched);
	ck_assert_msg(has_problem(&problems, false, mistake->line, mistake->words),
		      "%s: expected line %u, \"%s\", got%s", mistake->what, mistake->line,
		      mistake->words, tell(&problems));
	for (unsigned i = 0; i < problems.n; i++)
		ck_assert_msg(strlen(problems.problems[i].text) <
				      sizeof(problems.problems[i].text) - 1,
			      "%s: cut: %s", mistake->what, problems.problems[i].text);
}
