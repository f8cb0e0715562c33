/* What yokectl prints of the daemon's JSON, held against files beside this one: golden/NAME.json
 * gives golden/NAME.txt. YOKE_GOLDEN_WRITE=1 writes the texts anew, to be read before they are
 * committed. */
#include "client/show.h"

#include "lib/base/array.h"
#include "tests/unit/run.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static void show_trace_all(const struct output *output, const json_t *json)
{
	uint64_t last_us = 0;

	show_trace_heads(output);
	show_trace(output, json_object_get(json, "transitions"), &last_us);
}

static void show_events(const struct output *output, const json_t *json)
{
	size_t i;
	json_t *event;

	json_array_foreach (json_object_get(json, "events"), i, event) {
		show_event(output, event);
	}
}

static void show_list(const struct output *output, const json_t *json)
{
	show_teams(output, json_object_get(json, "teams"));
}

static void show_member_list(const struct output *output, const json_t *json)
{
	show_members(output, json_object_get(json, "teams"));
}

static void show_first_team(const struct output *output, const json_t *json)
{
	show_team(output, json_array_get(json_object_get(json, "teams"), 0));
}

static void show_as_json(const struct output *output, const json_t *json)
{
	show_json(output, json, false);
	show_json(output, json, true);
}

static const struct {
	const char *json;
	const char *text;
	void (*show)(const struct output *output, const json_t *json);
	bool colour;
} pages[] = {
	{ "status", "status", show_status, false },
	{ "status", "status-colour", show_status, true },
	{ "status", "team-list", show_list, false },
	{ "status", "team-show", show_first_team, false },
	{ "status", "member-list", show_member_list, false },
	{ "empty", "status-empty", show_status, false },
	{ "hostile", "status-hostile", show_status, false },
	{ "hostile", "lacp-hostile", show_lacp, false },
	{ "lacp", "lacp-show", show_lacp, false },
	{ "static", "lacp-static", show_lacp, false },
	{ "independent", "team-show-independent", show_first_team, false },
	{ "trace", "lacp-trace", show_trace_all, false },
	{ "events", "monitor", show_events, false },
	{ "problems", "config-check", show_problems, false },
	{ "problems", "json", show_as_json, false },
};

static void name_file(char name[static 256], const char *what, const char *suffix)
{
	const char *folder = getenv("YOKE_GOLDEN");

	ck_assert_msg(folder != NULL, "YOKE_GOLDEN names the folder with the texts");
	(void)snprintf(name, 256, "%s/%s.%s", folder, what, suffix);
}

static char *read_file(const char *name)
{
	FILE *file = fopen(name, "r");
	char *text = calloc(1, 65536);

	ck_assert_msg(file != NULL, "%s is missing", name);
	ck_assert_uint_lt(fread(text, 1, 65535, file), 65535);
	(void)fclose(file);
	return text;
}

static void hold_against(const char *name, const char *text)
{
	char *wanted;

	if (getenv("YOKE_GOLDEN_WRITE")) {
		FILE *file = fopen(name, "w");

		(void)fputs(text, file);
		(void)fclose(file);
		return;
	}
	wanted = read_file(name);
	ck_assert_msg(strcmp(text, wanted) == 0, "%s is no longer:\n%s", name, text);
	free(wanted);
}

START_TEST(a_page_is_as_it_was)
{
	char json_name[256], text_name[256];
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	const struct output output = { file, pages[_i].colour };
	json_error_t error;
	json_t *json;

	(void)setenv("TZ", "UTC", 1);
	tzset();
	name_file(json_name, pages[_i].json, "json");
	name_file(text_name, pages[_i].text, "txt");
	json = json_load_file(json_name, 0, &error);
	ck_assert_msg(json != NULL, "%s:%d: %s", json_name, error.line, error.text);
	pages[_i].show(&output, json);
	(void)fclose(file);
	hold_against(text_name, text);
	json_decref(json);
	free(text);
}
END_TEST

/* Whatever the daemon leaves out or makes of another type: no page falls over it. */
static const char *const strange[] = {
	"{}",
	"{\"teams\":7,\"host\":[],\"transitions\":{},\"events\":1,\"problems\":\"x\"}",
	"{\"teams\":[7,null,[]],\"host\":{\"poller\":1,\"loop\":[]},\"transitions\":[1],"
	"\"events\":[null],\"problems\":[[]]}",
	"{\"teams\":[{\"name\":7,\"members\":[1,{\"lacp\":{\"actor\":7,\"partner\":[]}}],"
	"\"interfaces\":{},\"settings\":1}],\"transitions\":[{\"realtime_us\":-1}],"
	"\"events\":[{\"realtime_us\":9223372036854775807}]}",
};

START_TEST(no_page_trusts_the_daemon)
{
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		char *text = NULL;
		size_t size;
		FILE *file = open_memstream(&text, &size);
		const struct output output = { file, false };
		json_t *json = json_loads(strange[_i], 0, NULL);

		ck_assert_ptr_nonnull(json);
		pages[i].show(&output, json);
		(void)fclose(file);
		free(text);
		json_decref(json);
	}
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("ctl/show");
	TCase *tcase = tcase_create("pages");

	tcase_add_loop_test(tcase, a_page_is_as_it_was, 0, ARRAY_SIZE(pages));
	tcase_add_loop_test(tcase, no_page_trusts_the_daemon, 0, ARRAY_SIZE(strange));
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return run_suite(make_suite());
}
