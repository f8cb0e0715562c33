/* Clients that mean ill, or are broken: each is bounded, and nobody else notices. */
#include "tests/unit/control/rig.h"

#include "tests/unit/run.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct rig rig;
static int client;

static void setup(void)
{
	rig_open(&rig);
	client = rig_add(&rig, ACCESS_CHANGE);
}

/* An honest client is served to the end, whatever a test has done. */
static void teardown(void)
{
	json_t *answer = rig_call(&rig, client, "{\"method\":\"org.varlink.service.GetInfo\"}");

	ck_assert_str_eq(rig_text(answer, "parameters.product"), "yoked");
	json_decref(answer);
	(void)close(client);
	rig_close(&rig);
}

#define LIST "{\"method\":\"org.yoke.Team.List\"}"
#define MONITOR "{\"method\":\"org.yoke.Host.Monitor\",\"more\":true}"
#define DELETE "{\"method\":\"org.yoke.Team.Delete\",\"parameters\":{\"name\":\"team0\"}}"

static void send_fill(int fd, char with, size_t size)
{
	char *bytes = malloc(size);

	memset(bytes, with, size);
	rig_send(&rig, fd, bytes, size);
	free(bytes);
}

START_TEST(a_message_without_end_is_refused_at_the_limit)
{
	int fd = rig_add(&rig, ACCESS_CHANGE);
	json_t *answer;

	send_fill(fd, ' ', MESSAGE_MAX);
	ck_assert_uint_eq(rig.server->n_sessions, 2);
	send_fill(fd, ' ', 1);
	answer = rig_hear(&rig, fd);
	ck_assert_str_eq(rig_text(answer, "error"), ERROR_BAD_MESSAGE);
	ck_assert_str_eq(rig_text(answer, "parameters.text"),
			 "a message is longer than 65536 bytes");
	ck_assert(rig_hung_up(&rig, fd));
	json_decref(answer);
	(void)close(fd);
}
END_TEST

START_TEST(nesting_without_end_is_no_call)
{
	int fd = rig_add(&rig, ACCESS_CHANGE);
	json_t *answer;

	send_fill(fd, '[', MESSAGE_MAX);
	rig_say(&rig, fd, "");
	answer = rig_hear(&rig, fd);
	ck_assert_str_eq(rig_text(answer, "error"), ERROR_BAD_MESSAGE);
	ck_assert(rig_hung_up(&rig, fd));
	json_decref(answer);
	(void)close(fd);
}
END_TEST

START_TEST(deep_parameters_are_refused_by_name)
{
	static const char head[] = "{\"method\":\"org.yoke.Team.List\",\"parameters\":{\"x\":";
	int fd = rig_add(&rig, ACCESS_CHANGE);
	json_t *answer;

	rig_send(&rig, fd, head, strlen(head));
	send_fill(fd, '[', 2000);
	send_fill(fd, ']', 2000);
	rig_say(&rig, fd, "}}");
	answer = rig_hear(&rig, fd);
	ck_assert_str_eq(rig_text(answer, "error"), "org.varlink.service.InvalidParameter");
	ck_assert_str_eq(rig_text(answer, "parameters.parameter"), "x");
	json_decref(answer);
	(void)close(fd);
}
END_TEST

START_TEST(half_a_message_harms_nobody)
{
	int fds[8];

	for (size_t i = 0; i < 8; i++) {
		fds[i] = rig_add(&rig, ACCESS_READ);
		rig_send(&rig, fds[i], LIST, i * 3);
	}
	rig_settle(&rig);
	ck_assert_uint_eq(rig.server->n_sessions, 9);
	for (size_t i = 0; i < 8; i++)
		(void)close(fds[i]);
	rig_settle(&rig);
	ck_assert_uint_eq(rig.server->n_sessions, 1);
}
END_TEST

START_TEST(a_client_that_asks_and_never_reads_is_not_asked_for_more)
{
	int fd = rig_add(&rig, ACCESS_READ);
	struct session *session = TAILQ_LAST(&rig.server->sessions, session_list);

	fake_host_resize(rig.host, 8, 32);
	for (unsigned i = 0; i < 2000; i++)
		rig_say(&rig, fd, LIST);
	rig_settle(&rig);
	/* One answer waits; the rest of the calls does in the kernel. */
	ck_assert_uint_gt(session->output_size, 0);
	ck_assert_uint_lt(session->output_size, OUTPUT_MAX);
	ck_assert_uint_eq(rig.server->n_sessions, 2);
	(void)close(fd);
	rig_settle(&rig);
	ck_assert_uint_eq(rig.server->n_sessions, 1);
}
END_TEST

START_TEST(an_answer_larger_than_the_queue_comes_whole)
{
	int fd = rig_add(&rig, ACCESS_READ);
	json_t *answer;

	fake_host_resize(rig.host, CONFIG_TEAMS_MAX, CONFIG_MEMBERS_MAX);
	answer = rig_call(&rig, fd, LIST);
	ck_assert_uint_eq(
		json_array_size(json_object_get(json_object_get(answer, "parameters"), "teams")),
		CONFIG_TEAMS_MAX);
	json_decref(answer);
	(void)close(fd);
}
END_TEST

static void emit(unsigned serial)
{
	static char text[1024];
	const struct host_event event = { .serial = serial, .team = "team0", .text = text };

	memset(text, 'x', sizeof(text) - 1);
	fake_host_emit(rig.host, &event);
}

START_TEST(a_listener_that_does_not_read_is_dropped_and_the_others_are_not)
{
	int deaf = rig_add(&rig, ACCESS_READ), good = rig_add(&rig, ACCESS_READ);
	unsigned serial = 0;

	rig_say(&rig, deaf, MONITOR);
	rig_say(&rig, good, MONITOR);
	rig_settle(&rig);
	while (rig.server->n_sessions == 3) {
		json_t *heard;

		ck_assert_uint_lt(serial, 4096);
		emit(++serial);
		heard = rig_hear(&rig, good);
		ck_assert_ptr_nonnull(heard);
		json_decref(heard);
		rig_settle(&rig);
	}
	ck_assert_uint_gt(serial, OUTPUT_MAX / 1200);
	ck_assert_uint_eq(rig.server->n_dropped, 1);
	ck_assert(rig_hung_up(&rig, deaf));
	emit(++serial);
	json_decref(rig_hear(&rig, good));
	ck_assert_uint_eq(rig.server->n_sessions, 2);
	(void)close(deaf);
	(void)close(good);
}
END_TEST

/* The stall's time is real time, so it is cut to a moment and waited for. */
START_TEST(a_client_that_takes_nothing_for_too_long_is_dropped)
{
	int fd;

	rig.server->stall_us = 1000;
	fd = rig_add(&rig, ACCESS_READ);
	fake_host_resize(rig.host, 16, 32);
	rig_say(&rig, fd, LIST);
	for (unsigned i = 0; rig.server->n_sessions == 2; i++) {
		ck_assert_uint_lt(i, 1000);
		ck_assert_int_ge(sd_event_run(rig.event, 100000), 0);
	}
	ck_assert_uint_eq(rig.server->n_dropped, 1);
	(void)close(fd);
}
END_TEST

START_TEST(a_hang_up_in_the_middle_of_a_call_is_forgotten)
{
	int fd = rig_add(&rig, ACCESS_CHANGE);

	rig_say(&rig, fd, DELETE);
	rig_settle(&rig);
	(void)close(fd);
	rig_settle(&rig);
	ck_assert_uint_eq(rig.server->n_sessions, 1);
	ck_assert_uint_eq(fake_host_finish_deletions(rig.host, 0, NULL), 1);
}
END_TEST

START_TEST(a_server_that_goes_leaves_a_deletion_to_its_end)
{
	const struct control_server_settings settings = { rig.path, "games", "audio", NULL, 0 };
	int fd = rig_add(&rig, ACCESS_CHANGE);
	struct err e = {};

	rig_say(&rig, fd, DELETE);
	rig_settle(&rig);
	control_server_free(rig.server);
	ck_assert_uint_eq(fake_host_finish_deletions(rig.host, 0, NULL), 1);
	(void)close(fd);
	(void)close(client);
	ck_assert_int_eq(control_server_new(rig.event, rig.host, &settings, &rig.server, &e), 0);
	client = rig_add(&rig, ACCESS_READ);
}
END_TEST

START_TEST(a_listener_that_hangs_up_is_told_nothing_more)
{
	int fd = rig_add(&rig, ACCESS_READ);

	rig_say(&rig, fd, MONITOR);
	rig_settle(&rig);
	ck_assert_uint_eq(fake_host_n_listeners(rig.host), 1);
	(void)close(fd);
	emit(1);
	rig_settle(&rig);
	ck_assert_uint_eq(fake_host_n_listeners(rig.host), 0);
	ck_assert_uint_eq(rig.server->n_sessions, 1);
}
END_TEST

START_TEST(a_hundred_clients_are_too_many_and_the_administrator_still_comes_in)
{
	int fds[100];
	unsigned n_refused = 0;
	json_t *answer;

	for (size_t i = 0; i < 100; i++)
		fds[i] = rig_add(&rig, ACCESS_READ);
	ck_assert_uint_eq(rig.server->n_sessions, CLIENTS_MAX - CLIENTS_RESERVED);
	for (size_t i = 0; i < 100; i++) {
		answer = rig_call(&rig, fds[i], LIST);
		ck_assert_ptr_nonnull(answer);
		n_refused += strcmp(rig_text(answer, "error"), ERROR_BUSY) == 0;
		json_decref(answer);
	}
	ck_assert_uint_eq(n_refused, 100 - (CLIENTS_MAX - CLIENTS_RESERVED - 1));
	ck_assert_uint_eq(rig.server->n_refused, n_refused);
	for (size_t i = 0; i < CLIENTS_RESERVED; i++) {
		int fd = rig_add(&rig, ACCESS_CHANGE);

		answer = rig_call(&rig, fd, LIST);
		ck_assert_str_eq(rig_text(answer, "error"), "");
		json_decref(answer);
	}
	answer = rig_call(&rig, rig_add(&rig, ACCESS_CHANGE), LIST);
	ck_assert_str_eq(rig_text(answer, "error"), ERROR_BUSY);
	json_decref(answer);
	for (size_t i = 0; i < 100; i++)
		(void)close(fds[i]);
	rig_settle(&rig);
	ck_assert_uint_eq(rig.server->n_sessions, 1 + CLIENTS_RESERVED);
}
END_TEST

START_TEST(those_without_permission_take_few_places)
{
	unsigned n_refused = 0;

	for (size_t i = 0; i < 20; i++) {
		json_t *answer = rig_call(&rig, rig_add(&rig, ACCESS_NONE), LIST);

		n_refused += strcmp(rig_text(answer, "error"), ERROR_BUSY) == 0;
		json_decref(answer);
	}
	ck_assert_uint_eq(n_refused, 20 - STRANGERS_MAX);
	ck_assert_uint_eq(rig.server->n_strangers, STRANGERS_MAX);
}
END_TEST

START_TEST(without_descriptors_connections_wait_and_the_loop_rests)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct rlimit before, few;
	unsigned turns = 0;
	json_t *answer;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	/* 'fd' is the highest descriptor, so that accepting needs one beyond the limit. */
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", rig.path);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = (rlim_t)fd + 1;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	while (sd_event_run(rig.event, 0) > 0)
		ck_assert_uint_lt(++turns, 100);
	ck_assert_uint_eq(rig.server->n_sessions, 1);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	/* It looks again by itself. */
	for (turns = 0; rig.server->n_sessions == 1; turns++) {
		ck_assert_uint_lt(turns, 1000);
		ck_assert_int_ge(sd_event_run(rig.event, 100000), 0);
	}
	answer = rig_call(&rig, fd, LIST);
	ck_assert_ptr_nonnull(answer);
	json_decref(answer);
	(void)close(fd);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("control/hostile");
	TCase *tcase = tcase_create("clients");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_message_without_end_is_refused_at_the_limit);
	tcase_add_test(tcase, nesting_without_end_is_no_call);
	tcase_add_test(tcase, deep_parameters_are_refused_by_name);
	tcase_add_test(tcase, half_a_message_harms_nobody);
	tcase_add_test(tcase, a_client_that_asks_and_never_reads_is_not_asked_for_more);
	tcase_add_test(tcase, an_answer_larger_than_the_queue_comes_whole);
	tcase_add_test(tcase, a_listener_that_does_not_read_is_dropped_and_the_others_are_not);
	tcase_add_test(tcase, a_client_that_takes_nothing_for_too_long_is_dropped);
	tcase_add_test(tcase, a_hang_up_in_the_middle_of_a_call_is_forgotten);
	tcase_add_test(tcase, a_server_that_goes_leaves_a_deletion_to_its_end);
	tcase_add_test(tcase, a_listener_that_hangs_up_is_told_nothing_more);
	tcase_add_test(tcase, a_hundred_clients_are_too_many_and_the_administrator_still_comes_in);
	tcase_add_test(tcase, those_without_permission_take_few_places);
	tcase_add_test(tcase, without_descriptors_connections_wait_and_the_loop_rests);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return run_suite(make_suite());
}
