/* Listening to what happens. */
#include "tests/unit/control/rig.h"

#include "tests/unit/run.h"

#include <string.h>
#include <sys/socket.h>

static struct rig rig;
static int client;

static void setup(void)
{
	rig_open(&rig);
	fake_host_resize(rig.host, 2, 2);
	client = rig_add(&rig, ACCESS_CHANGE);
}

static void teardown(void)
{
	(void)close(client);
	rig_close(&rig);
}

static const struct host_event link_lost = {
	.serial = 41,
	.realtime_us = 60000000,
	.type = HOST_EVENT_MEMBER,
	.team = "team0",
	.member = "eno1",
	.from = "active",
	.to = "down",
	.reason = "no-carrier",
	.text = "the link has no carrier",
};

static const struct host_event resync = {
	.serial = 42,
	.type = HOST_EVENT_HOST,
	.text = "messages of the kernel were lost",
};

static json_t *hear_continued(void)
{
	json_t *message = rig_hear(&rig, client);

	ck_assert_ptr_nonnull(message);
	ck_assert(json_is_true(json_object_get(message, "continues")));
	return message;
}

START_TEST(each_event_comes_as_it_happens)
{
	json_t *message;

	rig_say(&rig, client, "{\"method\":\"org.yoke.Host.Monitor\",\"more\":true}");
	rig_settle(&rig);
	fake_host_emit(rig.host, &link_lost);
	fake_host_emit(rig.host, &resync);
	message = hear_continued();
	ck_assert_str_eq(rig_text(message, "parameters.event.type"), "member");
	ck_assert_str_eq(rig_text(message, "parameters.event.team"), "team0");
	ck_assert_str_eq(rig_text(message, "parameters.event.member"), "eno1");
	ck_assert_str_eq(rig_text(message, "parameters.event.from"), "active");
	ck_assert_str_eq(rig_text(message, "parameters.event.to"), "down");
	ck_assert_str_eq(rig_text(message, "parameters.event.reason"), "no-carrier");
	ck_assert_str_eq(rig_text(message, "parameters.event.text"), "the link has no carrier");
	json_decref(message);
	message = hear_continued();
	ck_assert_str_eq(rig_text(message, "parameters.event.type"), "host");
	ck_assert_uint_eq(
		json_object_size(json_object_get(json_object_get(message, "parameters"), "event")),
		4);
	json_decref(message);
}
END_TEST

START_TEST(a_snapshot_comes_first_and_events_follow)
{
	json_t *message = rig_call(&rig, client,
				   "{\"method\":\"org.yoke.Host.Monitor\",\"more\":true,"
				   "\"parameters\":{\"snapshot\":true}}");

	ck_assert(json_is_true(json_object_get(message, "continues")));
	ck_assert_str_eq(rig_text(message, "parameters.host.datapath"), "bpf");
	ck_assert_uint_eq(
		json_array_size(json_object_get(json_object_get(message, "parameters"), "teams")),
		2);
	json_decref(message);
	fake_host_emit(rig.host, &link_lost);
	message = hear_continued();
	ck_assert_str_eq(rig_text(message, "parameters.event.member"), "eno1");
	json_decref(message);
}
END_TEST

START_TEST(with_a_team_only_its_events_come)
{
	struct host_event other = link_lost;
	json_t *message = rig_call(&rig, client,
				   "{\"method\":\"org.yoke.Host.Monitor\",\"more\":true,"
				   "\"parameters\":{\"snapshot\":true,\"team\":\"team1\"}}");
	json_t *teams = json_object_get(json_object_get(message, "parameters"), "teams");

	ck_assert_uint_eq(json_array_size(teams), 1);
	ck_assert_str_eq(rig_text(json_array_get(teams, 0), "name"), "team1");
	json_decref(message);
	other.team = "team1";
	fake_host_emit(rig.host, &link_lost);
	fake_host_emit(rig.host, &resync);
	fake_host_emit(rig.host, &other);
	message = hear_continued();
	ck_assert_str_eq(rig_text(message, "parameters.event.team"), "team1");
	json_decref(message);
	ck_assert_ptr_null(rig_hear(&rig, client));
}
END_TEST

START_TEST(a_change_by_one_client_is_heard_by_another_before_it_is_answered)
{
	int listener = rig_add(&rig, ACCESS_READ);
	json_t *message;

	rig_say(&rig, listener, "{\"method\":\"org.yoke.Host.Monitor\",\"more\":true}");
	rig_settle(&rig);
	message = rig_call(&rig, client,
			   "{\"method\":\"org.yoke.Team.Drain\",\"parameters\":{\"name\":"
			   "\"team0\",\"member\":\"eno2\",\"drain\":true}}");
	ck_assert_str_eq(rig_text(message, "error"), "");
	json_decref(message);
	message = rig_hear(&rig, listener);
	ck_assert_str_eq(rig_text(message, "parameters.event.reason"), "drained");
	json_decref(message);
	(void)close(listener);
}
END_TEST

START_TEST(the_host_is_listened_to_once_for_all_and_only_while_somebody_does)
{
	int others[3];

	ck_assert_uint_eq(fake_host_n_listeners(rig.host), 0);
	for (size_t i = 0; i < 3; i++) {
		others[i] = rig_add(&rig, ACCESS_READ);
		rig_say(&rig, others[i], "{\"method\":\"org.yoke.Host.Monitor\",\"more\":true}");
	}
	rig_settle(&rig);
	ck_assert_uint_eq(fake_host_n_listeners(rig.host), 1);
	for (size_t i = 0; i < 3; i++) {
		(void)close(others[i]);
		rig_settle(&rig);
		ck_assert_uint_eq(fake_host_n_listeners(rig.host), i < 2);
	}
}
END_TEST

START_TEST(a_listener_that_says_no_more_is_still_told)
{
	json_t *message;

	rig_say(&rig, client, "{\"method\":\"org.yoke.Host.Monitor\",\"more\":true}");
	ck_assert_int_eq(shutdown(client, SHUT_WR), 0);
	rig_settle(&rig);
	fake_host_emit(rig.host, &resync);
	message = hear_continued();
	json_decref(message);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("control/monitor");
	TCase *tcase = tcase_create("events");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, each_event_comes_as_it_happens);
	tcase_add_test(tcase, a_snapshot_comes_first_and_events_follow);
	tcase_add_test(tcase, with_a_team_only_its_events_come);
	tcase_add_test(tcase, a_change_by_one_client_is_heard_by_another_before_it_is_answered);
	tcase_add_test(tcase, the_host_is_listened_to_once_for_all_and_only_while_somebody_does);
	tcase_add_test(tcase, a_listener_that_says_no_more_is_still_told);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return run_suite(make_suite());
}
