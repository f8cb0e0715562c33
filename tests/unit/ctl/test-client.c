/* The waiting client, against a daemon that says what a test makes it say. */
#include "lib/ctl/client.h"

#include "lib/base/array.h"
#include "tests/unit/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[32];
static char path[64];
static int listening;

static void setup(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)snprintf(folder, sizeof(folder), "/tmp/yoke-client-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/c", folder);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listening, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(listening, 8), 0);
}

static void teardown(void)
{
	(void)close(listening);
	(void)unlink(path);
	ck_assert_int_eq(rmdir(folder), 0);
}

/* A connected client whose daemon has already said 'bytes'; its end is in *daemon. */
static struct ctl_client *connect_to(const char *bytes, size_t size, int *daemon)
{
	struct ctl_client *client = NULL;
	struct err e = {};

	ck_assert_msg(ctl_client_connect(path, &client, &e) == 0, "%s", e.text);
	*daemon = accept(listening, NULL, NULL);
	ck_assert_int_ge(*daemon, 0);
	ck_assert_int_eq(send(*daemon, bytes, size, 0), (ssize_t)size);
	return client;
}

#define ERROR(name, parameters) "{\"error\":\"" name "\",\"parameters\":" parameters "}"

/* What the daemon answers, and what comes of it. */
static const struct {
	const char *answer;
	int r;
	const char *text; /* Of the error. */
	const char *name; /* Of a Varlink error. */
} answers[] = {
	{ "{\"parameters\":{\"a\":1}}", 0, "", NULL },
	{ "{}", 0, "", NULL },
	{ "{\"parameters\":null}", -EBADMSG, "what listens on the socket does not speak Varlink",
	  NULL },
	{ "{\"parameters\":[]}", -EBADMSG, "what listens on the socket does not speak Varlink",
	  NULL },
	{ "{\"error\":7}", -EBADMSG, "what listens on the socket does not speak Varlink", NULL },
	{ "HTTP/1.1 400 Bad Request", -EBADMSG,
	  "what listens on the socket does not speak Varlink: what came is no JSON object: '[' or "
	  "'{' expected near 'HTTP'",
	  NULL },
	{ ERROR("org.yoke.Busy", "{\"text\":\"eno1 is the last\"}"), -EREMOTEIO, "eno1 is the last",
	  "org.yoke.Busy" },
	{ ERROR("org.varlink.service.InvalidParameter", "{\"parameter\":\"x\"}"), -EREMOTEIO,
	  "yoked refuses the parameter \"x\"", "org.varlink.service.InvalidParameter" },
	{ ERROR("org.varlink.service.MethodNotFound", "{\"method\":\"org.yoke.Team.New\"}"),
	  -EREMOTEIO, "this yoked has no method \"org.yoke.Team.New\"",
	  "org.varlink.service.MethodNotFound" },
	{ ERROR("org.varlink.service.InterfaceNotFound", "{\"interface\":\"org.yoke.Qos\"}"),
	  -EREMOTEIO, "this yoked has no interface \"org.yoke.Qos\"",
	  "org.varlink.service.InterfaceNotFound" },
	{ ERROR("org.example.Strange", "{}"), -EREMOTEIO,
	  "yoked refuses the call: org.example.Strange", "org.example.Strange" },
};

START_TEST(each_answer_is_a_result_or_a_sentence)
{
	json_t *result = NULL;
	struct err e = {};
	char *name = NULL;
	int daemon, r;
	struct ctl_client *client =
		connect_to(answers[_i].answer, strlen(answers[_i].answer) + 1, &daemon);

	r = ctl_client_call(client, "org.yoke.Team.List", NULL, 1000, &result, &name, &e);
	ck_assert_int_eq(r, answers[_i].r);
	ck_assert_str_eq(e.text, answers[_i].text);
	ck_assert_int_eq(result != NULL, r == 0);
	if (answers[_i].name)
		ck_assert_str_eq(name, answers[_i].name);
	else
		ck_assert_ptr_null(name);
	json_decref(result);
	free(name);
	ctl_client_close(client);
	(void)close(daemon);
}
END_TEST

START_TEST(a_call_is_written_as_varlink_has_it)
{
	json_t *parameters = json_pack("{s:s}", "name", "team0");
	char bytes[256] = "";
	json_t *result = NULL;
	struct err e = {};
	int daemon;
	struct ctl_client *client = connect_to("{}", 3, &daemon);

	ck_assert_int_eq(
		ctl_client_call(client, "org.yoke.Team.Show", parameters, 1000, &result, NULL, &e),
		0);
	ck_assert_int_gt(recv(daemon, bytes, sizeof(bytes), 0), 0);
	ck_assert_str_eq(bytes, "{\"method\":\"org.yoke.Team.Show\",\"parameters\":"
				"{\"name\":\"team0\"}}");
	json_decref(parameters);
	json_decref(result);
	ctl_client_close(client);
	(void)close(daemon);
}
END_TEST

START_TEST(a_stream_goes_on_until_it_says_so)
{
	static const char bytes[] = "{\"parameters\":{\"n\":1},\"continues\":true}\0"
				    "{\"parameters\":{\"n\":2},\"continues\":true}\0"
				    "{\"parameters\":{\"n\":3}}";
	struct err e = {};
	bool more = true;
	int daemon, n = 0;
	struct ctl_client *client = connect_to(bytes, sizeof(bytes), &daemon);

	ck_assert_int_eq(ctl_client_call_more(client, "org.yoke.Host.Monitor", NULL, &e), 0);
	while (more) {
		json_t *result = NULL;

		ck_assert_int_eq(ctl_client_next(client, 1000, &result, &more, &e), 0);
		ck_assert_int_eq(json_integer_value(json_object_get(result, "n")), ++n);
		json_decref(result);
	}
	ck_assert_int_eq(n, 3);
	ctl_client_close(client);
	(void)close(daemon);
}
END_TEST

START_TEST(a_daemon_that_hangs_is_not_waited_for_for_ever)
{
	json_t *result = NULL;
	struct err e = {};
	int daemon;
	struct ctl_client *client = connect_to("{\"param", 7, &daemon);

	ck_assert_int_eq(ctl_client_call(client, "org.yoke.Team.List", NULL, 20, &result, NULL, &e),
			 -ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(e.text, "yoked has not answered in time"));
	ctl_client_close(client);
	(void)close(daemon);
}
END_TEST

START_TEST(a_daemon_that_hangs_up_is_told_of)
{
	json_t *result = NULL;
	struct err e = {};
	int daemon;
	struct ctl_client *client = connect_to("{\"param", 7, &daemon);

	(void)close(daemon);
	ck_assert_int_eq(
		ctl_client_call(client, "org.yoke.Team.List", NULL, 1000, &result, NULL, &e),
		-ECONNRESET);
	ck_assert_ptr_nonnull(strstr(e.text, "yoked closed the connection"));
	ctl_client_close(client);
}
END_TEST

START_TEST(what_a_daemon_said_before_it_hung_up_is_read)
{
	static const char busy[] = ERROR("org.yoke.Busy", "{\"text\":\"too many\"}");
	json_t *result = NULL;
	struct err e = {};
	int daemon;
	struct ctl_client *client = connect_to(busy, sizeof(busy), &daemon);

	(void)close(daemon);
	ck_assert_int_eq(
		ctl_client_call(client, "org.yoke.Team.List", NULL, 1000, &result, NULL, &e),
		-EREMOTEIO);
	ck_assert_str_eq(e.text, "too many");
	ctl_client_close(client);
}
END_TEST

START_TEST(a_path_that_is_no_daemon_is_told_with_what_to_do)
{
	struct ctl_client *client = NULL;
	struct err e = {};
	char other[80];

	(void)snprintf(other, sizeof(other), "%s/none", folder);
	ck_assert_int_eq(ctl_client_connect(other, &client, &e), -ENOENT);
	ck_assert_ptr_nonnull(strstr(e.text, "yoked does not run"));
	ck_assert_ptr_nonnull(strstr(e.text, other));
	(void)close(listening);
	ck_assert_int_eq(ctl_client_connect(path, &client, &e), -ECONNREFUSED);
	ck_assert_ptr_nonnull(strstr(e.text, "start it"));
	ck_assert_int_eq(ctl_client_connect("", &client, &e), -ENAMETOOLONG);
}
END_TEST

START_TEST(a_folder_without_permission_is_told_with_who_may)
{
	int status = 0;
	pid_t pid;

	ck_assert_int_eq(chmod(folder, 0700), 0);
	pid = fork();
	if (pid == 0) {
		struct ctl_client *client = NULL;
		struct err e = {};
		int r = setuid(65534) < 0 ? 0 : ctl_client_connect(path, &client, &e);

		_exit(r == -EACCES && strstr(e.text, "yoke-admin") ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("ctl/client");
	TCase *tcase = tcase_create("calls");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, each_answer_is_a_result_or_a_sentence, 0, ARRAY_SIZE(answers));
	tcase_add_test(tcase, a_call_is_written_as_varlink_has_it);
	tcase_add_test(tcase, a_stream_goes_on_until_it_says_so);
	tcase_add_test(tcase, a_daemon_that_hangs_is_not_waited_for_for_ever);
	tcase_add_test(tcase, a_daemon_that_hangs_up_is_told_of);
	tcase_add_test(tcase, what_a_daemon_said_before_it_hung_up_is_read);
	tcase_add_test(tcase, a_path_that_is_no_daemon_is_told_with_what_to_do);
	if (geteuid() == 0)
		tcase_add_test(tcase, a_folder_without_permission_is_told_with_who_may);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return run_suite(make_suite());
}
