/* Settings in JSON become a configuration, or a sentence; and the calls that take them. */
#include "daemon/control/settings.h"
#include "tests/unit/control/rig.h"

#include "lib/base/array.h"
#include "tests/unit/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LACP                                                                                   \
	"{'mode':'lacp','mtu':9000,'lacp':{'rate':'slow','key':7},'members':[{'name':'eno1'}," \
	"{'name':'eno2','standby':true}]}"
#define STATIC "{'mode':'static','members':[{'name':'eno1'},{'name':'eno2','drain':true}]}"

/* JSON is easier to read here with ' for ". */
static json_t *json(const char *text)
{
	char copy[1024];
	json_t *object;

	ck_assert_uint_lt(strlen(text), sizeof(copy));
	(void)snprintf(copy, sizeof(copy), "%s", text);
	for (char *at = copy; (at = strchr(at, '\''));)
		*at = '"';
	object = json_loads(copy, JSON_DECODE_ANY, NULL);
	ck_assert_msg(object != NULL, "%s", copy);
	return object;
}

static struct config_team team_of(const char *text)
{
	struct config_team team;
	struct err e = {};
	json_t *settings = json(text);

	ck_assert_msg(settings_new("team0", settings, &team, &e) == 0, "%s", e.text);
	json_decref(settings);
	return team;
}

/* What becomes of a team, as settings_of() tells it: of the first the second by the changes. */
static const struct {
	const char *before;
	const char *changes;
	const char *after;
} changes[] = {
	{ STATIC, "{}",
	  "{'name':'team0','mode':'static','members':[{'name':'eno1'},{'name':'eno2','drain':true}]"
	  "}" },
	{ STATIC, "{'mtu':9000}",
	  "{'name':'team0','mode':'static','mtu':9000,'members':[{'name':'eno1'},"
	  "{'name':'eno2','drain':true}]}" },
	{ LACP, "{'mtu':null}",
	  "{'name':'team0','mode':'lacp','members':[{'name':'eno1'},{'name':'eno2','standby':true}]"
	  ","
	  "'lacp':{'rate':'slow','key':7}}" },
	/* A group is put over what is there, not in its place. */
	{ LACP, "{'lacp':{'rate':null,'min_links':1,'max_links':1}}",
	  "{'name':'team0','mode':'lacp','mtu':9000,'members':[{'name':'eno1'},"
	  "{'name':'eno2','standby':true}],'lacp':{'key':7,'max_links':1}}" },
	{ LACP, "{'lacp':null}",
	  "{'name':'team0','mode':'lacp','mtu':9000,'members':[{'name':'eno1'},"
	  "{'name':'eno2','standby':true}]}" },
	/* A list is given as a whole. */
	{ LACP, "{'members':[{'name':'eno3'}]}",
	  "{'name':'team0','mode':'lacp','mtu':9000,'members':[{'name':'eno3'}],"
	  "'lacp':{'rate':'slow','key':7}}" },
	/* With the mode go the settings that only it has. */
	{ LACP, "{'mode':'static','members':[{'name':'eno1'}]}",
	  "{'name':'team0','mode':'static','mtu':9000,'members':[{'name':'eno1'}]}" },
	{ STATIC, "{'name':'team0','mode':'lacp','lacp':{'rate':'slow'}}",
	  "{'name':'team0','mode':'lacp','members':[{'name':'eno1'},{'name':'eno2','drain':true}],"
	  "'lacp':{'rate':'slow'}}" },
};

START_TEST(what_is_named_changes_and_nothing_else)
{
	struct config_team before = team_of(changes[_i].before), after;
	json_t *wanted = json(changes[_i].after), *settings = json(changes[_i].changes), *told;
	struct err e = {};

	ck_assert_msg(settings_change(&before, settings, &after, &e) == 0, "%s", e.text);
	told = settings_of(&after, false);
	ck_assert_msg(json_equal(told, wanted), "%s", json_dumps(told, 0));
	json_decref(told);
	json_decref(settings);
	json_decref(wanted);
}
END_TEST

/* The second is refused with the third, of the first. */
static const struct {
	const char *before;
	const char *changes;
	const char *sentence;
} wrong[] = {
	{ STATIC, "{'mtu':20}", "mtu is 20: expected 0 or 68 to 65535" },
	{ STATIC, "{'mtu':5000000000}", "5000000000" },
	{ STATIC, "{'mtu':1.5}", "mtu is 1.5: expected" },
	{ STATIC, "{'mtu':'big'}", "mtu is \"big\": expected" },
	{ STATIC, "{'mtu':[1,2]}", "mtu is an array: expected" },
	{ STATIC, "{'mtu':{'a':1}}", "mtu is a group: expected" },
	{ STATIC, "{'mtuu':9000}", "unknown key \"mtuu\"" },
	{ STATIC, "{'mtuu':null}", "unknown key \"mtuu\"" },
	{ STATIC, "{'x; y':1}", "unknown key \"x; y\"" },
	{ STATIC, "{'':1}", "unknown key \"\"" },
	{ STATIC, "{'mode':'lcap'}", "mode is \"lcap\": expected" },
	{ STATIC, "{'mode':'sta\\\"; mtu = 9000; #'}", "mode is \"sta\"; mtu = 9000; #\"" },
	{ STATIC, "{'hash':'\\u001b[2J'}", "hash is \"\\x1b[2J\"" },
	{ STATIC, "{'name':'team1'}", "the name of a team cannot change" },
	{ STATIC, "{'lacp':{'rate':'slow'}}", "lacp goes with mode \"lacp\"" },
	{ LACP, "{'lacp':{'rate':'often'}}", "lacp.rate is \"often\": expected" },
	{ LACP, "{'lacp':{'min_links':3}}", "lacp.min_links is 3: expected at most 2" },
	/* It would carry. */
	{ LACP, "{'mode':'static'}", "member eno2: standby goes with mode" },
	{ STATIC, "{'members':[]}", "members has 0 entries" },
	{ STATIC, "{'members':[{'name':'eno1'},{'name':'eno1'}]}",
	  "member eno1: name is \"eno1\", which is member 1 already" },
	{ LACP, "{'members':[{'name':'eno1','priority':70000}]}",
	  "member eno1: priority is 70000" },
	{ STATIC, "{'members':[{'name':'a/b'}]}", "name is \"a/b\": expected the name of an" },
	{ STATIC, "{'members':[1]}", "members" },
	{ STATIC, "{'members':[{'mtu':1}]}", "name is missing" },
	{ STATIC, "{'hash':[[[[[[[[[[1]]]]]]]]]]}", "nested too deeply" },
};

START_TEST(what_is_wrong_is_said_as_of_a_file_without_its_lines)
{
	struct config_team before = team_of(wrong[_i].before), after;
	json_t *settings = json(wrong[_i].changes);
	struct err e = {};

	ck_assert_int_eq(settings_change(&before, settings, &after, &e), -EINVAL);
	ck_assert_msg(strstr(e.text, wrong[_i].sentence), "%s", e.text);
	ck_assert_msg(!strstr(e.text, "line"), "%s", e.text);
	json_decref(settings);
}
END_TEST

START_TEST(a_33rd_member_is_refused_in_words)
{
	json_t *settings = json("{'mode':'static','members':[{'name':'eno1'}]}");
	struct config_team team;
	struct err e = {};
	char name[8];

	ck_assert_int_eq(settings_new("team0", settings, &team, &e), 0);
	json_decref(settings);
	for (unsigned i = 2; i <= 33; i++) {
		const struct settings_member member = { .name = name };
		struct config_team more;
		int r;

		(void)snprintf(name, sizeof(name), "eno%u", i);
		r = settings_change_member(&team, &member, &more, &e);
		ck_assert_int_eq(r, i == 33 ? -EINVAL : 0);
		if (r == 0)
			team = more;
	}
	ck_assert_msg(strstr(e.text, "members has 33 entries: expected a list of 1 to 32"), "%s",
		      e.text);
}
END_TEST

START_TEST(a_member_is_changed_by_its_name_and_a_priority_goes_with_standby)
{
	struct config_team before = team_of(LACP), after;
	json_t *off = json("{'standby':false}");
	struct settings_member member = { .name = "eno2", .settings = off };
	struct err e = {};

	ck_assert_uint_eq(before.members[1].priority, CONFIG_PRIORITY_STANDBY);
	ck_assert_int_eq(settings_change_member(&before, &member, &after, &e), 0);
	ck_assert(!after.members[1].standby);
	ck_assert_uint_eq(after.members[1].priority, CONFIG_PRIORITY_DEFAULT);
	ck_assert_int_eq(settings_remove_member(&after, "eno1", &before, &e), 0);
	ck_assert_uint_eq(before.n_members, 1);
	ck_assert_str_eq(before.members[0].name, "eno2");
	json_decref(off);
}
END_TEST

START_TEST(everything_that_runs_can_be_told)
{
	struct config_team team = team_of(STATIC), again;
	json_t *all = settings_of(&team, true);
	struct err e = {};

	ck_assert_str_eq(json_string_value(json_object_get(all, "hash")), "transport-ports");
	ck_assert_ptr_null(json_object_get(all, "lacp"));
	ck_assert_msg(settings_new("team0", all, &again, &e) == 0, "%s", e.text);
	ck_assert_uint_eq(config_team_fingerprint(&again), config_team_fingerprint(&team));
	json_decref(all);
}
END_TEST

static struct rig rig;
static int client;

static void setup(void)
{
	rig_open(&rig);
	client = rig_add(&rig, ACCESS_CHANGE);
}

static void teardown(void)
{
	(void)close(client);
	rig_close(&rig);
}

static json_t *say(const char *method, const char *parameters)
{
	json_t *call = json_pack("{s:s, s:o}", "method", method, "parameters", json(parameters));
	char *text = json_dumps(call, 0);
	json_t *answer = rig_call(&rig, client, text);

	ck_assert_ptr_nonnull(answer);
	free(text);
	json_decref(call);
	return answer;
}

static const struct {
	const char *method;
	const char *parameters;
	const char *error; /* "" */
	const char *text;
} calls[] = {
	{ "org.yoke.Team.Set", "{'name':'team9','settings':{}}", ERROR_NO_SUCH_TEAM, "team9" },
	{ "org.yoke.Team.Set", "{'name':'team0','settings':{'mtu':1}}", ERROR_INVALID_SETTINGS,
	  "mtu is 1" },
	{ "org.yoke.Team.Set", "{'name':'team0','settings':{'mtu':9000}}", "", "" },
	{ "org.yoke.Team.Set", "{'name':'team0','settings':{'members':[{'name':'enp9'}]}}",
	  ERROR_FAILED, "there is no network device \"enp9\"; use --force" },
	{ "org.yoke.Team.Set",
	  "{'name':'team0','settings':{'members':[{'name':'enp9'}]},'force':true}", "", "" },
	{ "org.yoke.Team.AddMember", "{'name':'team0','member':'eno1'}", ERROR_FAILED,
	  "eno1 is a member of team0 already" },
	{ "org.yoke.Team.AddMember", "{'name':'team0','member':'eno3','settings':{'drain':true}}",
	  "", "" },
	{ "org.yoke.Team.AddMember", "{'name':'team0','member':'team0','force':true}",
	  ERROR_INVALID_SETTINGS, "which is the team itself" },
	{ "org.yoke.Team.SetMember", "{'name':'team0','member':'eno9','settings':{}}",
	  ERROR_NO_SUCH_MEMBER, "has no member \"eno9\"" },
	{ "org.yoke.Team.SetMember", "{'name':'team0','member':'eno1','settings':{'name':'x'}}",
	  ERROR_INVALID_SETTINGS, "the name of a member cannot change" },
	{ "org.yoke.Team.SetMember", "{'name':'team0','member':'eno1','settings':{'standby':true}}",
	  "", "" },
	{ "org.yoke.Team.RemoveMember", "{'name':'team0','member':'eno2'}", "", "" },
	{ "org.yoke.Team.Create", "{'name':'team0','settings':" STATIC "}", "", "" },
	{ "org.yoke.Team.Create", "{'name':'a/b','settings':" STATIC "}", ERROR_INVALID_SETTINGS,
	  "name is \"a/b\"" },
	{ "org.yoke.Team.Create", "{'name':'team1','settings':{'mode':'static'}}",
	  ERROR_INVALID_SETTINGS, "members is missing" },
};

START_TEST(calls_are_answered_once_with_what_became_of_them)
{
	json_t *answer = say(calls[_i].method, calls[_i].parameters);

	ck_assert_str_eq(rig_text(answer, "error"), calls[_i].error);
	ck_assert_ptr_nonnull(strstr(rig_text(answer, "parameters.text"), calls[_i].text));
	json_decref(answer);
}
END_TEST

START_TEST(what_the_host_refuses_is_told_and_force_is_handed_on)
{
	json_t *answer;

	fake_host_refuse(rig.host, "eno2 is the last member");
	answer =
		say("org.yoke.Team.RemoveMember", "{'name':'team0','member':'eno2','force':false}");
	ck_assert_str_eq(rig_text(answer, "error"), ERROR_BUSY);
	ck_assert_str_eq(rig_text(answer, "parameters.text"), "eno2 is the last member");
	ck_assert(!fake_host_was_forced(rig.host));
	json_decref(answer);
	json_decref(
		say("org.yoke.Team.RemoveMember", "{'name':'team0','member':'eno2','force':true}"));
	ck_assert(fake_host_was_forced(rig.host));
	/* One is left, and cannot go. */
	answer = say("org.yoke.Team.RemoveMember", "{'name':'team0','member':'eno1','force':true}");
	ck_assert_str_eq(rig_text(answer, "error"), ERROR_FAILED);
	ck_assert_ptr_nonnull(strstr(rig_text(answer, "parameters.text"), "delete the team"));
	json_decref(answer);
}
END_TEST

START_TEST(who_may_only_look_changes_nothing)
{
	int reader = rig_add(&rig, ACCESS_READ);
	json_t *answer = rig_call(&rig, reader,
				  "{\"method\":\"org.yoke.Team.Set\",\"parameters\":{\"name\":"
				  "\"team0\",\"settings\":{\"mtu\":9000}}}");

	ck_assert_str_eq(rig_text(answer, "error"), ERROR_PERMISSION_DENIED);
	json_decref(answer);
	(void)close(reader);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("control/settings");
	TCase *tcase = tcase_create("settings");

	tcase_add_loop_test(tcase, what_is_named_changes_and_nothing_else, 0, ARRAY_SIZE(changes));
	tcase_add_loop_test(tcase, what_is_wrong_is_said_as_of_a_file_without_its_lines, 0,
			    ARRAY_SIZE(wrong));
	tcase_add_test(tcase, a_33rd_member_is_refused_in_words);
	tcase_add_test(tcase, a_member_is_changed_by_its_name_and_a_priority_goes_with_standby);
	tcase_add_test(tcase, everything_that_runs_can_be_told);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("calls");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, calls_are_answered_once_with_what_became_of_them, 0,
			    ARRAY_SIZE(calls));
	tcase_add_test(tcase, what_the_host_refuses_is_told_and_force_is_handed_on);
	tcase_add_test(tcase, who_may_only_look_changes_nothing);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
