/* Calls, their checks and their answers. */
#include "tests/unit/control/rig.h"

#include "lib/base/array.h"
#include "tests/unit/run.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

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

#define INVALID "org.varlink.service.InvalidParameter"

/* What is wrong with a call, and what the client hears of it. */
static const struct {
	const char *call;
	const char *error;
	const char *field; /* A path in the answer, and … */
	const char *value; /* … what is there. */
} wrong_calls[] = {
	{ "{'method':'org.yoke.Nothing.List'}", "org.varlink.service.InterfaceNotFound",
	  "parameters.interface", "org.yoke.Nothing" },
	{ "{'method':'List'}", "org.varlink.service.InterfaceNotFound", "parameters.interface",
	  "List" },
	{ "{'method':''}", "org.varlink.service.InterfaceNotFound", "parameters.interface", "" },
	{ "{'method':'org.yoke.Team.Lisst'}", "org.varlink.service.MethodNotFound",
	  "parameters.method", "org.yoke.Team.Lisst" },
	{ "{'method':'org.yoke.Team'}", "org.varlink.service.MethodNotFound", "parameters.method",
	  "org.yoke.Team" },
	{ "{'method':'org.yoke.Team.'}", "org.varlink.service.MethodNotFound", "parameters.method",
	  "org.yoke.Team." },
	{ "{'method':'org.yoke.Team.Show'}", INVALID, "parameters.parameter", "name" },
	{ "{'method':'org.yoke.Team.Show','parameters':{}}", INVALID, "parameters.parameter",
	  "name" },
	{ "{'method':'org.yoke.Team.Show','parameters':null}", INVALID, "parameters.parameter",
	  "name" },
	{ "{'method':'org.yoke.Team.Show','parameters':{'name':7}}", INVALID,
	  "parameters.parameter", "name" },
	{ "{'method':'org.yoke.Team.Show','parameters':{'name':null}}", INVALID,
	  "parameters.parameter", "name" },
	{ "{'method':'org.yoke.Team.Show','parameters':{'name':'team0','nam':1}}", INVALID,
	  "parameters.parameter", "nam" },
	{ "{'method':'org.yoke.Team.List','parameters':{'name':'team0'}}", INVALID,
	  "parameters.parameter", "name" },
	{ "{'method':'org.yoke.Team.Drain','parameters':{'name':'team0','member':'eno1',"
	  "'drain':'on'}}",
	  INVALID, "parameters.parameter", "drain" },
	{ "{'method':'org.yoke.Team.Drain','parameters':{'name':'team0','member':'eno1',"
	  "'drain':true,'force':1}}",
	  INVALID, "parameters.parameter", "force" },
	{ "{'method':'org.yoke.Lacp.Trace','parameters':{'team':'team0','member':'eno1',"
	  "'after':-1}}",
	  INVALID, "parameters.parameter", "after" },
	{ "{'method':'org.yoke.Lacp.Trace','parameters':{'team':'team0','member':'eno1',"
	  "'after':1.5}}",
	  INVALID, "parameters.parameter", "after" },
	{ "{'method':'org.yoke.Lacp.Show','parameters':{'member':'eno1'}}", INVALID,
	  "parameters.parameter", "team" },
	{ "{'method':'org.yoke.Host.Monitor'}", "org.varlink.service.ExpectedMore", "error",
	  "org.varlink.service.ExpectedMore" },
	{ "{'method':'org.yoke.Team.List','upgrade':true}",
	  "org.varlink.service.MethodNotImplemented", "parameters.method", "org.yoke.Team.List" },
	{ "{'method':'org.varlink.service.GetInterfaceDescription','parameters':"
	  "{'interface':'org.example'}}",
	  "org.varlink.service.InterfaceNotFound", "parameters.interface", "org.example" },
	{ "{'method':'org.yoke.Team.Show','parameters':{'name':'team9'}}", ERROR_NO_SUCH_TEAM,
	  "parameters.text", "there is no team \"team9\"" },
	{ "{'method':'org.yoke.Team.Delete','parameters':{'name':'\\u001b[2J'}}",
	  ERROR_NO_SUCH_TEAM, "parameters.text", "there is no team \"\033[2J\"" },
	{ "{'method':'org.yoke.Lacp.Show','parameters':{'team':'team0','member':'eno9'}}",
	  ERROR_NO_SUCH_MEMBER, "parameters.text", "team \"team0\" has no member \"eno9\"" },
	{ "{'method':'org.yoke.Host.Monitor','more':true,'parameters':{'team':'team9'}}",
	  ERROR_NO_SUCH_TEAM, "parameters.text", "there is no team \"team9\"" },
};

/* JSON is easier to read here with ' for ". */
static const char *quotes(const char *text)
{
	static char json[512];
	size_t size = strlen(text);

	ck_assert_uint_lt(size, sizeof(json));
	for (size_t i = 0; i <= size; i++)
		json[i] = text[i];
	for (char *at = json; (at = strchr(at, '\''));)
		*at = '"';
	return json;
}

static json_t *say(const char *text)
{
	return rig_call(&rig, client, quotes(text));
}

START_TEST(a_wrong_call_is_answered_with_the_error_that_names_it)
{
	json_t *answer = say(wrong_calls[_i].call);

	ck_assert_ptr_nonnull(answer);
	ck_assert_str_eq(rig_text(answer, "error"), wrong_calls[_i].error);
	ck_assert_str_eq(rig_text(answer, wrong_calls[_i].field), wrong_calls[_i].value);
	json_decref(answer);

	/* It has harmed nothing. */
	answer = say("{'method':'org.yoke.Team.List'}");
	ck_assert(json_is_array(json_object_get(json_object_get(answer, "parameters"), "teams")));
	json_decref(answer);
}
END_TEST

/* What is no call: the client hears why and is hung up on. */
static const char *const garbage[] = {
	"garbage",
	"",
	"[]",
	"[{'method':'org.yoke.Team.List'}]",
	"'org.yoke.Team.List'",
	"{}",
	"{'method':7}",
	"{'method':null}",
	"{'method':'org.yoke.Team.List','parameters':[]}",
	"{'method':'org.yoke.Team.List','parameters':'x'}",
	"{'method':'org.yoke.Team.List','more':1}",
	"{'method':'org.yoke.Team.List','oneway':'yes'}",
	"{'method':'org.yoke.Team.List','method':'org.yoke.Team.Show'}",
	"{'method':'org.yoke.Team.List'} x",
	"{'method':'org.yoke.Team.\\u0000List'}",
	"{'method':'org.yoke.Team.\xff'}",
	"GET / HTTP/1.1\r\n\r\n",
};

START_TEST(what_is_no_call_gets_a_reason_and_a_hang_up)
{
	json_t *answer = say(garbage[_i]);

	ck_assert_ptr_nonnull(answer);
	ck_assert_str_eq(rig_text(answer, "error"), ERROR_BAD_MESSAGE);
	ck_assert_str_ne(rig_text(answer, "parameters.text"), "");
	ck_assert(rig_hung_up(&rig, client));
	ck_assert_uint_eq(rig.server->n_sessions, 0);
	json_decref(answer);
}
END_TEST

START_TEST(pipelined_calls_are_answered_in_order)
{
	char calls[8192];
	size_t size = 0;

	for (unsigned i = 0; i < 50; i++) {
		int r = snprintf(calls + size, sizeof(calls) - size,
				 "{\"method\":\"org.yoke.Team.Show\",\"parameters\":"
				 "{\"name\":\"team%u\"}}",
				 i + 100);

		size += (size_t)r + 1;
	}
	rig_send(&rig, client, calls, size);
	for (unsigned i = 0; i < 50; i++) {
		json_t *answer = rig_hear(&rig, client);
		char text[64];

		(void)snprintf(text, sizeof(text), "there is no team \"team%u\"", i + 100);
		ck_assert_str_eq(rig_text(answer, "parameters.text"), text);
		json_decref(answer);
	}
}
END_TEST

START_TEST(a_call_behind_a_slow_one_waits_for_its_answer)
{
	json_t *answer;

	rig_say(&rig, client,
		quotes("{'method':'org.yoke.Team.Delete','parameters':"
		       "{'name':'team0'}}"));
	answer = say("{'method':'org.varlink.service.GetInfo'}");
	ck_assert_ptr_null(answer);
	ck_assert_uint_eq(fake_host_finish_deletions(rig.host, 0, NULL), 1);
	answer = rig_hear(&rig, client);
	ck_assert_ptr_nonnull(answer);
	ck_assert_uint_eq(json_object_size(json_object_get(answer, "parameters")), 0);
	json_decref(answer);
	answer = rig_hear(&rig, client);
	ck_assert_str_eq(rig_text(answer, "parameters.product"), "yoked");
	json_decref(answer);
}
END_TEST

START_TEST(a_deletion_that_fails_tells_why)
{
	json_t *answer;

	rig_say(&rig, client,
		quotes("{'method':'org.yoke.Team.Delete','parameters':"
		       "{'name':'team0'}}"));
	rig_settle(&rig);
	(void)fake_host_finish_deletions(rig.host, -EIO, "the kernel refuses");
	answer = rig_hear(&rig, client);
	ck_assert_str_eq(rig_text(answer, "error"), ERROR_FAILED);
	ck_assert_str_eq(rig_text(answer, "parameters.text"), "the kernel refuses");
	json_decref(answer);
}
END_TEST

START_TEST(a_deletion_without_words_still_has_a_sentence)
{
	json_t *answer;

	rig_say(&rig, client,
		quotes("{'method':'org.yoke.Team.Delete','parameters':"
		       "{'name':'team0'}}"));
	rig_settle(&rig);
	(void)fake_host_finish_deletions(rig.host, -EBUSY, "");
	answer = rig_hear(&rig, client);
	ck_assert_str_eq(rig_text(answer, "error"), ERROR_BUSY);
	ck_assert_str_eq(rig_text(answer, "parameters.text"), "it failed: Device or resource busy");
	json_decref(answer);
}
END_TEST

START_TEST(a_oneway_call_is_done_and_not_answered)
{
	json_t *answer;

	rig_say(&rig, client,
		quotes("{'method':'org.yoke.Team.Drain','oneway':true,'parameters':"
		       "{'name':'team0','member':'eno2','drain':true}}"));
	rig_say(&rig, client, quotes("{'method':'org.yoke.Nothing','oneway':true}"));
	answer = say("{'method':'org.varlink.service.GetInfo'}");
	ck_assert_str_eq(rig_text(answer, "parameters.vendor"), "Yoke");
	ck_assert(fake_member_view(rig.host, 0, 1)->drained);
	json_decref(answer);
}
END_TEST

START_TEST(a_oneway_call_of_somebody_who_hangs_up_at_once_is_done)
{
	rig_say(&rig, client,
		quotes("{'method':'org.yoke.Team.Drain','oneway':true,'parameters':"
		       "{'name':'team0','member':'eno2','drain':true}}"));
	(void)shutdown(client, SHUT_RDWR);
	rig_settle(&rig);
	ck_assert(fake_member_view(rig.host, 0, 1)->drained);
	ck_assert_uint_eq(rig.server->n_sessions, 0);
}
END_TEST

START_TEST(a_client_that_says_no_more_still_gets_its_answers)
{
	json_t *answer;

	rig_say(&rig, client, quotes("{'method':'org.yoke.Team.List'}"));
	rig_say(&rig, client, quotes("{'method':'org.varlink.service.GetInfo'}"));
	ck_assert_int_eq(shutdown(client, SHUT_WR), 0);
	answer = rig_hear(&rig, client);
	ck_assert_ptr_nonnull(answer);
	json_decref(answer);
	answer = rig_hear(&rig, client);
	ck_assert_str_eq(rig_text(answer, "parameters.vendor"), "Yoke");
	json_decref(answer);
	ck_assert(rig_hung_up(&rig, client));
}
END_TEST

START_TEST(the_last_member_that_carries_is_drained_by_force_only)
{
	json_t *answer;

	answer = say("{'method':'org.yoke.Team.Drain','parameters':{'name':'team0',"
		     "'member':'eno1','drain':true}}");
	ck_assert_str_eq(rig_text(answer, "error"), "");
	json_decref(answer);
	answer = say("{'method':'org.yoke.Team.Drain','parameters':{'name':'team0',"
		     "'member':'eno2','drain':true}}");
	ck_assert_str_eq(rig_text(answer, "error"), ERROR_BUSY);
	ck_assert_str_eq(rig_text(answer, "parameters.text"),
			 "eno2 is the last member that carries");
	json_decref(answer);
	answer = say("{'method':'org.yoke.Team.Drain','parameters':{'name':'team0',"
		     "'member':'eno2','drain':true,'force':true}}");
	ck_assert_str_eq(rig_text(answer, "error"), "");
	json_decref(answer);
	answer = say("{'method':'org.yoke.Team.Drain','parameters':{'name':'team0',"
		     "'member':'eno2','drain':false,'force':null}}");
	ck_assert_str_eq(rig_text(answer, "error"), "");
	ck_assert(!fake_member_view(rig.host, 0, 1)->drained);
	json_decref(answer);
}
END_TEST

/* Each method, and the least access with which it is not refused. */
static const struct {
	const char *call;
	enum access needed;
} rights[] = {
	{ "{'method':'org.varlink.service.GetInfo'}", ACCESS_NONE },
	{ "{'method':'org.varlink.service.GetInterfaceDescription','parameters':"
	  "{'interface':'org.yoke.Team'}}",
	  ACCESS_NONE },
	{ "{'method':'org.yoke.Host.Status'}", ACCESS_READ },
	{ "{'method':'org.yoke.Host.Monitor','more':true,'parameters':{'snapshot':true}}",
	  ACCESS_READ },
	{ "{'method':'org.yoke.Team.List'}", ACCESS_READ },
	{ "{'method':'org.yoke.Team.Show','parameters':{'name':'team0'}}", ACCESS_READ },
	{ "{'method':'org.yoke.Lacp.Show'}", ACCESS_READ },
	{ "{'method':'org.yoke.Lacp.Trace','parameters':{'team':'team0','member':'eno1'}}",
	  ACCESS_READ },
	{ "{'method':'org.yoke.Team.Drain','parameters':{'name':'team0','member':'eno1',"
	  "'drain':true}}",
	  ACCESS_CHANGE },
};

START_TEST(each_method_wants_its_access)
{
	for (enum access access = ACCESS_NONE; access <= ACCESS_CHANGE; access++) {
		int fd = rig_add(&rig, access);
		json_t *answer = rig_call(&rig, fd, quotes(rights[_i].call));
		bool refused = strcmp(rig_text(answer, "error"), ERROR_PERMISSION_DENIED) == 0;

		ck_assert_int_eq(refused, access < rights[_i].needed);
		ck_assert_int_eq(refused, *rig_text(answer, "error") != 0);
		json_decref(answer);
		(void)close(fd);
	}
}
END_TEST

START_TEST(a_refusal_changes_nothing_and_says_who_may)
{
	int fd = rig_add(&rig, ACCESS_READ);
	json_t *answer =
		rig_call(&rig, fd,
			 quotes("{'method':'org.yoke.Team.Delete','parameters':{'name':'team0'}}"));

	ck_assert_str_eq(rig_text(answer, "parameters.text"),
			 "changes are for root and members of group \"" RIG_WRITERS "\"");
	ck_assert_uint_eq(fake_host_finish_deletions(rig.host, 0, NULL), 0);
	json_decref(answer);
	(void)close(fd);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("control/dispatch");
	TCase *tcase = tcase_create("calls");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, a_wrong_call_is_answered_with_the_error_that_names_it, 0,
			    ARRAY_SIZE(wrong_calls));
	tcase_add_loop_test(tcase, what_is_no_call_gets_a_reason_and_a_hang_up, 0,
			    ARRAY_SIZE(garbage));
	tcase_add_test(tcase, pipelined_calls_are_answered_in_order);
	tcase_add_test(tcase, a_call_behind_a_slow_one_waits_for_its_answer);
	tcase_add_test(tcase, a_deletion_that_fails_tells_why);
	tcase_add_test(tcase, a_deletion_without_words_still_has_a_sentence);
	tcase_add_test(tcase, a_oneway_call_is_done_and_not_answered);
	tcase_add_test(tcase, a_oneway_call_of_somebody_who_hangs_up_at_once_is_done);
	tcase_add_test(tcase, a_client_that_says_no_more_still_gets_its_answers);
	tcase_add_test(tcase, the_last_member_that_carries_is_drained_by_force_only);
	tcase_add_loop_test(tcase, each_method_wants_its_access, 0, ARRAY_SIZE(rights));
	tcase_add_test(tcase, a_refusal_changes_nothing_and_says_who_may);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return run_suite(make_suite());
}
