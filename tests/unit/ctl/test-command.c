/* Command lines: what is taken, and what is told of a wrong one. */
#include "client/command.h"
#include "client/nearest.h"
#include "client/settings.h"

#include "lib/base/array.h"
#include "tests/unit/run.h"

#include <errno.h>
#include <string.h>

#define WORDS_MAX 16

/* A wrong line and the sentence. */
static const struct {
	const char *line;
	const char *sentence;
} wrong_lines[] = {
	{ "", "what is to be done? See yokectl --help" },
	{ "teem list", "unknown object 'teem', did you mean 'team'? There are status, team, "
		       "member, lacp, config and monitor" },
	{ "xyz", "unknown object 'xyz': there are status, team, member, lacp, config and monitor" },
	{ "team", "team needs a verb: there are list, show, create, set and delete" },
	{ "team sho", "unknown verb of team 'sho', did you mean 'show'? There are list, show, "
		      "create, set and delete" },
	{ "team rename x",
	  "unknown verb of team 'rename': there are list, show, create, set and delete" },
	{ "team set team0", "an argument is missing: yokectl team set NAME KEY=VALUE..." },
	{ "team set team0 --mtu 9000", "unknown option --mtu: see yokectl --help" },
	{ "team set team0 mtu=9000 --mode static",
	  "--mode is no option of 'yokectl team set NAME KEY=VALUE...'" },
	{ "team create x --mtu", "setting --mtu needs a value" },
	{ "team create x -m 9000", "unknown option -m: see yokectl --help" },
	{ "member set team0 eno1",
	  "an argument is missing: yokectl member set TEAM NIC SETTING..." },
	{ "config chekc", "unknown verb of config 'chekc', did you mean 'check'? There is check" },
	{ "team delete", "an argument is missing: yokectl team delete NAME" },
	{ "team show a b", "there are too many arguments: yokectl team show [NAME]" },
	{ "status now", "there are too many arguments: yokectl status" },
	{ "member drain team0", "an argument is missing: yokectl member drain TEAM NIC [on|off]" },
	{ "team list --force", "--force is no option of 'yokectl team list'" },
	{ "team list --follow", "--follow is no option of 'yokectl team list'" },
	{ "team list --jsn", "unknown option --jsn: did you mean --json?" },
	{ "team list -x", "unknown option -x: see yokectl --help" },
	{ "--json=yes status", "option --json takes no argument" },
	{ "status --socket", "option --socket needs an argument: --socket PATH" },
	{ "status --socket=", "option --socket needs an argument: --socket PATH" },
	{ "teem --help", "unknown object 'teem', did you mean 'team'? There are status, team, "
			 "member, lacp, config and monitor" },
};

struct line {
	char text[128];
	char *words[WORDS_MAX + 2];
	int n;
};

static void cut(struct line *line, const char *text)
{
	char *save = NULL;

	(void)snprintf(line->text, sizeof(line->text), "yokectl %s", text);
	line->n = 0;
	for (char *word = strtok_r(line->text, " ", &save); word; word = strtok_r(NULL, " ", &save))
		line->words[line->n++] = word;
	line->words[line->n] = NULL;
}

static int judge(struct line *line, struct options *options, const struct verb **verb,
		 struct err *e)
{
	const struct object *object;
	size_t n_used;
	int r = options_parse(options, line->n, line->words, e);

	if (r == 0)
		r = command_find(options, &object, verb, &n_used, e);
	if (r == 0 && *verb)
		r = command_check(object, *verb, options, options->n_words - n_used, e);
	return r;
}

START_TEST(a_wrong_line_is_told_what_would_be_right)
{
	const struct verb *verb = NULL;
	struct options options;
	struct line line;
	struct err e = {};

	cut(&line, wrong_lines[_i].line);
	ck_assert_int_lt(judge(&line, &options, &verb, &e), 0);
	ck_assert_str_eq(e.text, wrong_lines[_i].sentence);
	options_release(&options);
}
END_TEST

/* A right line, its verb (NULL: the object alone), and the options in it. */
static const struct {
	const char *line;
	const char *verb;
	unsigned given;
} right_lines[] = {
	{ "status", NULL, 0 },
	{ "monitor team0 --json", NULL, OPTION_JSON },
	{ "--json team show", "show", OPTION_JSON },
	{ "team --socket /x show --json team0", "show", OPTION_JSON | OPTION_SOCKET },
	{ "team show -- --json", "show", 0 },
	{ "member drain team0 eno1 --force off", "drain", OPTION_FORCE },
	{ "lacp trace team0 eno1 --follow", "trace", OPTION_FOLLOW },
	{ "team create team0 --mode static --member eno1 --mtu 9000 --lacp.rate=slow", "create",
	  OPTION_MODE | OPTION_MEMBER },
	{ "member set team0 eno1 active", "set", 0 },
	{ "config check a b c d", "check", 0 },
	{ "config check --datapath team a", "check", OPTION_DATAPATH },
};

START_TEST(options_may_stand_anywhere)
{
	const struct verb *verb = NULL;
	struct options options;
	struct line line;
	struct err e = {};

	cut(&line, right_lines[_i].line);
	ck_assert_msg(judge(&line, &options, &verb, &e) == 0, "%s", e.text);
	ck_assert_ptr_nonnull(verb);
	if (right_lines[_i].verb)
		ck_assert_str_eq(verb->name, right_lines[_i].verb);
	else
		ck_assert_ptr_null(verb->name);
	ck_assert_uint_eq(options.given, right_lines[_i].given);
	options_release(&options);
}
END_TEST

/* A setting, and its JSON or the sentence against it. */
static const struct {
	const char *text;
	const char *json;
	const char *sentence;
} settings[] = {
	{ "mtu=9000", "{\"mtu\": 9000}", NULL },
	{ "a=-1", "{\"a\": -1}", NULL },
	{ "drain=true", "{\"drain\": true}", NULL },
	{ "hash=ip-addresses", "{\"hash\": \"ip-addresses\"}", NULL },
	{ "mac=02:00:00:00:00:01", "{\"mac\": \"02:00:00:00:00:01\"}", NULL },
	{ "mtu=", "{\"mtu\": null}", NULL },
	{ "lacp.rate=slow", "{\"lacp\": {\"rate\": \"slow\"}}", NULL },
	{ "x=a=b", "{\"x\": \"a=b\"}", NULL },
	{ "monitor=[{\"type\":\"carrier\"}]", "{\"monitor\": [{\"type\": \"carrier\"}]}", NULL },
	{ "mtu", NULL, "'mtu' is no setting: expected KEY=VALUE" },
	{ "=9000", NULL, "'=9000' is no setting: expected KEY=VALUE" },
	{ "monitor=[{", NULL, "the value of monitor is no JSON, or no UTF-8: [{" },
	{ "mtu=99999999999999999999", NULL,
	  "the value of mtu is no JSON, or no UTF-8: 99999999999999999999" },
	{ "x=\xff", NULL, "the value of x is no JSON, or no UTF-8: \xff" },
	{ "\xff=x", NULL, "the name of a key is UTF-8" },
};

START_TEST(a_setting_is_json_or_told_why_not)
{
	const char *const words[] = { settings[_i].text, NULL };
	struct err e = {};
	json_t *json = settings_parse_words(words, &e);

	if (settings[_i].sentence) {
		ck_assert_ptr_null(json);
		ck_assert_int_eq(e.code, -EINVAL);
		ck_assert_str_eq(e.text, settings[_i].sentence);
	} else {
		json_t *wanted = json_loads(settings[_i].json, 0, NULL);

		ck_assert(json_equal(json, wanted));
		json_decref(wanted);
		json_decref(json);
	}
}
END_TEST

static const struct {
	const char *word;
	const char *nearest;
} slips[] = {
	{ "lits", "list" },
	{ "show", "show" },
	{ "shwo", "show" },
	{ "delet", "delete" },
	{ "dleete", "delete" },
	{ "s", NULL },
	{ "", NULL },
	{ "create", NULL },
	{ "0123456789012345678901234567890123456789", NULL },
};

START_TEST(the_nearest_word_is_what_a_slip_of_the_finger_meant)
{
	static const char *const words[] = { "list", "show", "delete" };
	const char *nearest = nearest_word(slips[_i].word, words, ARRAY_SIZE(words));

	if (slips[_i].nearest)
		ck_assert_pstr_eq(nearest, slips[_i].nearest);
	else
		ck_assert_ptr_null(nearest);
}
END_TEST

static char *help_of(const struct object *object, const struct verb *verb)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	command_help(file, object, verb);
	(void)fclose(file);
	return text;
}

START_TEST(help_names_every_verb_and_fits_a_terminal)
{
	char *all = help_of(NULL, NULL);

	for (size_t i = 0; i < N_OBJECTS; i++) {
		char *object = help_of(objects[i], NULL);

		for (size_t j = 0; j < objects[i]->n_verbs; j++) {
			const struct verb *verb = &objects[i]->verbs[j];
			char *own = help_of(objects[i], verb);

			ck_assert_ptr_nonnull(strstr(all, verb->summary));
			ck_assert_ptr_nonnull(strstr(object, verb->summary));
			ck_assert_ptr_nonnull(strstr(own, verb->arguments));
			free(own);
		}
		free(object);
	}
	for (const char *at = all; *at; at += strcspn(at, "\n") + 1)
		ck_assert_uint_le(strcspn(at, "\n"), 80);
	free(all);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("ctl/command");
	TCase *tcase = tcase_create("lines");

	tcase_add_loop_test(tcase, a_wrong_line_is_told_what_would_be_right, 0,
			    ARRAY_SIZE(wrong_lines));
	tcase_add_loop_test(tcase, options_may_stand_anywhere, 0, ARRAY_SIZE(right_lines));
	tcase_add_loop_test(tcase, the_nearest_word_is_what_a_slip_of_the_finger_meant, 0,
			    ARRAY_SIZE(slips));
	tcase_add_loop_test(tcase, a_setting_is_json_or_told_why_not, 0, ARRAY_SIZE(settings));
	tcase_add_test(tcase, help_names_every_verb_and_fits_a_terminal);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return run_suite(make_suite());
}
