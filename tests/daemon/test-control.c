/* The real control socket in front of the real host, on a fake datapath, clock and switch. */
#include "daemon/control/server.h"
#include "lib/ctl/client.h"
#include "tests/fake/fake-world.h"
#include "tests/unit/run.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TWO                                                                                      \
	"team: { name = \"team0\"; mode = \"lacp\"; members = ( { name = \"eno1\"; }, { name = " \
	"\"eno2\"; } ); };"

static struct fake_kernel kernel;
static struct fake_world world;
static sd_event *event;
static struct control_server *server;
static char path[64];
static int eno1;

static void serve(void)
{
	struct control_server_settings settings = {
		.path = path,
		.readers = "root",
		.writers = "root",
	};
	struct err e = {};

	ck_assert_msg(control_server_new(event, world.host, &settings, &server, &e) == 0, "%s",
		      e.text);
}

static void setup(void)
{
	fake_world_init(&world, &kernel);
	eno1 = fake_world_add_link(&world, "eno1", 10000);
	fake_world_add_link(&world, "eno2", 10000);
	fake_world_start(&world, TWO);
	fake_world_run(&world, 5 * NSEC_PER_SEC);
	(void)snprintf(path, sizeof(path), "%s/control.sock", world.folder);
	ck_assert_int_ge(sd_event_new(&event), 0);
	serve();
}

static void teardown(void)
{
	control_server_free(server);
	(void)unlink(path);
	sd_event_unref(event);
	fake_world_fini(&world);
}

/* A client in a thread of its own; the test's thread is the daemon's main thread. */
struct client {
	const char *method;
	json_t *parameters;
	unsigned answers_wanted; /* 0: one call. */
	json_t *answer;
	json_t *answers[8];
	char *error;
	int r;
	struct err e;
	bool done;
};

static void call_more(struct client *client, struct ctl_client *connection)
{
	bool more = true;

	client->r =
		ctl_client_call_more(connection, client->method, client->parameters, &client->e);
	for (unsigned i = 0; client->r == 0 && more && i < client->answers_wanted; i++)
		client->r =
			ctl_client_next(connection, 10000, &client->answers[i], &more, &client->e);
}

static void *run_client(void *userdata)
{
	struct client *client = userdata;
	struct ctl_client *connection = NULL;

	client->r = ctl_client_connect(path, &connection, &client->e);
	if (client->r == 0 && client->answers_wanted)
		call_more(client, connection);
	else if (client->r == 0)
		client->r = ctl_client_call(connection, client->method, client->parameters, 10000,
					    &client->answer, &client->error, &client->e);
	if (connection)
		ctl_client_close(connection);
	__atomic_store_n(&client->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static void wait_for(struct client *client, pthread_t thread)
{
	while (!__atomic_load_n(&client->done, __ATOMIC_ACQUIRE)) {
		ck_assert_int_ge(sd_event_run(event, 10000), 0);
		fake_world_run(&world, 0);
	}
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

static json_t *call(const char *method, json_t *parameters)
{
	struct client client = { .method = method, .parameters = parameters };
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, run_client, &client), 0);
	wait_for(&client, thread);
	ck_assert_msg(client.r == 0, "%s", client.e.text);
	json_decref(parameters);
	return client.answer;
}

static void expect_error(const char *method, json_t *parameters, const char *name)
{
	struct client client = { .method = method, .parameters = parameters };
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, run_client, &client), 0);
	wait_for(&client, thread);
	ck_assert_int_lt(client.r, 0);
	ck_assert_ptr_nonnull(client.error);
	ck_assert_str_eq(client.error, name);
	ck_assert_uint_gt(strlen(client.e.text), 5);
	free(client.error);
	json_decref(parameters);
}

static json_t *show_team(void)
{
	json_t *answer = call("org.yoke.Team.Show", json_pack("{s:s}", "name", "team0"));
	json_t *team = json_incref(json_object_get(answer, "team"));

	ck_assert_ptr_nonnull(team);
	json_decref(answer);
	return team;
}

static void expect_keys(const json_t *object, const char *const *keys)
{
	for (; *keys; keys++)
		ck_assert_msg(json_object_get(object, *keys) != NULL, "%s is missing", *keys);
}

START_TEST(a_team_has_the_shape_that_is_documented)
{
	static const char *const team_keys[] = { "name",    "mode",       "balance", "datapath",
						 "state",   "mac",        "mtu",     "speed_mbps",
						 "members", "interfaces", NULL };
	static const char *const member_keys[] = { "name",        "state",      "reason",
						   "explanation", "carrier",    "speed_mbps",
						   "buckets",     "rx_bytes",   "tx_bytes",
						   "rx_packets",  "tx_packets", "lacp",
						   NULL };
	static const char *const lacp_keys[] = { "receive",    "mux",   "periodic", "selected",
						 "aggregator", "actor", "partner",  "churn",
						 "counters",   NULL };
	static const char *const info_keys[] = {
		"system_priority", "system", "key", "port_priority", "port", "state", NULL
	};
	json_t *team = show_team();
	const json_t *member = json_array_get(json_object_get(team, "members"), 0);
	const json_t *lacp = json_object_get(member, "lacp");

	expect_keys(team, team_keys);
	expect_keys(member, member_keys);
	expect_keys(lacp, lacp_keys);
	expect_keys(json_object_get(lacp, "actor"), info_keys);
	expect_keys(json_object_get(lacp, "partner"), info_keys);
	ck_assert_str_eq(json_string_value(json_object_get(lacp, "mux")),
			 "collecting-distributing");
	ck_assert_str_eq(json_string_value(json_object_get(team, "state")), "up");
	json_decref(team);
}
END_TEST

START_TEST(a_drain_by_the_socket_is_carried_out)
{
	json_decref(call("org.yoke.Team.Drain", json_pack("{s:s, s:s, s:b}", "name", "team0",
							  "member", "eno1", "drain", 1)));
	ck_assert_int_eq(__builtin_popcount(kernel.devices[0].may_send), 1);
}
END_TEST

START_TEST(a_delete_is_answered_when_the_team_is_gone)
{
	json_decref(call("org.yoke.Team.Delete", json_pack("{s:s}", "name", "team0")));
	ck_assert(!kernel.devices[0].exists);
	ck_assert_uint_eq(host_n_teams(world.host), 0);
}
END_TEST

START_TEST(an_unknown_team_is_named)
{
	expect_error("org.yoke.Team.Show", json_pack("{s:s}", "name", "team9"),
		     "org.yoke.NoSuchTeam");
}
END_TEST

START_TEST(an_unknown_method_is_named)
{
	expect_error("org.yoke.Team.Explode", json_object(), "org.varlink.service.MethodNotFound");
}
END_TEST

START_TEST(a_monitor_is_told_of_a_pulled_cable)
{
	struct client client = { .method = "org.yoke.Host.Monitor", .answers_wanted = 1 };
	pthread_t thread;
	bool pulled = false;
	const json_t *told;

	ck_assert_int_eq(pthread_create(&thread, NULL, run_client, &client), 0);
	while (!__atomic_load_n(&client.done, __ATOMIC_ACQUIRE)) {
		ck_assert_int_ge(sd_event_run(event, 10000), 0);
		/* The listener is there as soon as the call was taken; pulling once is enough then.
		 */
		fake_world_cable(&world, eno1, pulled, true);
		pulled = !pulled;
	}
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_msg(client.r == 0, "%s", client.e.text);
	told = json_object_get(client.answers[0], "event");
	ck_assert_ptr_nonnull(json_object_get(told, "text"));
	json_decref(client.answers[0]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("control");
	TCase *tcase = tcase_create("control");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, a_team_has_the_shape_that_is_documented);
	tcase_add_test(tcase, a_drain_by_the_socket_is_carried_out);
	tcase_add_test(tcase, a_delete_is_answered_when_the_team_is_gone);
	tcase_add_test(tcase, an_unknown_team_is_named);
	tcase_add_test(tcase, an_unknown_method_is_named);
	tcase_add_test(tcase, a_monitor_is_told_of_a_pulled_cable);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
