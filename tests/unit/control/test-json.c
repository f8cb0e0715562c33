/* The shape of what the server tells, against the design and against its own description. */
#include "tests/unit/control/rig.h"

#include "daemon/control/method.h"
#include "lib/base/array.h"
#include "tests/unit/run.h"

#include <ctype.h>
#include <string.h>

static struct rig rig;
static int client;

static void setup(void)
{
	rig_open(&rig);
	client = rig_add(&rig, ACCESS_READ);
}

static void teardown(void)
{
	(void)close(client);
	rig_close(&rig);
}

/* The team of design and protocol: every name and type in it must be there; values are given where
 * the fake host has them. */
static const char design_team[] =
	"{\"name\":\"team0\",\"mode\":\"lacp\",\"balance\":\"address-hash\",\"datapath\":\"bpf\","
	"\"state\":\"up\",\"mac\":\"02:00:00:00:00:01\",\"mtu\":1500,\"speed_mbps\":20000,"
	"\"members\":[{\"name\":\"eno1\",\"state\":\"active\",\"reason\":\"ok\","
	"\"explanation\":\"\",\"carrier\":true,\"speed_mbps\":10000,\"buckets\":128,"
	"\"rx_bytes\":1000,\"tx_bytes\":2000,\"rx_packets\":10,\"tx_packets\":20,"
	"\"lacp\":{\"receive\":\"current\",\"mux\":\"collecting-distributing\","
	"\"periodic\":\"fast\",\"selected\":\"selected\",\"aggregator\":1,"
	"\"actor\":{\"system_priority\":32768,\"system\":\"02:00:00:00:00:01\",\"key\":1,"
	"\"port_priority\":255,\"port\":1,\"state\":[\"activity\",\"timeout\",\"aggregation\","
	"\"synchronization\",\"collecting\",\"distributing\"]},"
	"\"partner\":{\"system_priority\":32768,\"system\":\"02:00:00:00:00:fe\",\"key\":11,"
	"\"port_priority\":128,\"port\":21,\"state\":[\"activity\",\"aggregation\","
	"\"synchronization\",\"collecting\",\"distributing\"]},"
	"\"churn\":{\"actor\":\"no-churn\",\"partner\":\"no-churn\"},"
	"\"counters\":{\"lacpdu_rx\":100,\"lacpdu_tx\":101,\"marker_rx\":0,"
	"\"marker_response_tx\":0,\"unknown_rx\":0,\"illegal_rx\":0}}}],"
	"\"interfaces\":[{\"name\":\"team0\"}]}";

/* Whether everything in 'wanted' is in 'got'; the first elements of arrays are compared. */
static void assert_has(const json_t *wanted, const json_t *got, const char *path)
{
	json_t *mutable = (json_t *)(uintptr_t)wanted;
	char below[256];
	const char *name;
	json_t *value;
	size_t i;

	ck_assert_msg(got != NULL, "%s is missing", path);
	ck_assert_msg(json_typeof(wanted) == json_typeof(got), "%s has another type", path);
	if (!json_is_object(wanted) && !json_is_array(wanted))
		ck_assert_msg(json_equal(mutable, (json_t *)(uintptr_t)got), "%s differs", path);
	json_object_foreach (mutable, name, value) {
		(void)snprintf(below, sizeof(below), "%s.%s", path, name);
		assert_has(value, json_object_get(got, name), below);
	}
	json_array_foreach (mutable, i, value) {
		(void)snprintf(below, sizeof(below), "%s[%zu]", path, i);
		assert_has(value, json_array_get(got, i), below);
	}
}

static json_t *parameters_of(const char *call)
{
	json_t *answer = rig_call(&rig, client, call);
	json_t *parameters;

	ck_assert_ptr_nonnull(answer);
	ck_assert_str_eq(rig_text(answer, "error"), "");
	parameters = json_incref(json_object_get(answer, "parameters"));
	json_decref(answer);
	return parameters;
}

#define SHOW "{\"method\":\"org.yoke.Team.Show\",\"parameters\":{\"name\":\"team0\"}}"

START_TEST(a_team_has_the_shape_of_the_design)
{
	json_t *wanted = json_loads(design_team, 0, NULL);
	json_t *shown = parameters_of(SHOW);
	json_t *status = parameters_of("{\"method\":\"org.yoke.Host.Status\"}");
	json_t *list = parameters_of("{\"method\":\"org.yoke.Team.List\"}");

	assert_has(wanted, json_object_get(shown, "team"), "team");
	ck_assert_uint_eq(
		json_array_size(json_object_get(json_object_get(shown, "team"), "members")), 2);
	/* The same objects everywhere. */
	ck_assert(json_equal(json_object_get(list, "teams"), json_object_get(status, "teams")));
	ck_assert(json_equal(json_array_get(json_object_get(list, "teams"), 0),
			     json_object_get(shown, "team")));
	json_decref(wanted);
	json_decref(shown);
	json_decref(status);
	json_decref(list);
}
END_TEST

static const char *const flag_names[] = { "activity",        "timeout",    "aggregation",
					  "synchronization", "collecting", "distributing",
					  "defaulted",       "expired" };

/* The words that a state octet becomes, in one string. */
static void flags_of(uint8_t state, char text[static 128])
{
	size_t i, size = 0;
	json_t *shown, *member, *flag;

	fake_member_view(rig.host, 0, 0)->lacp.actor.state = state;
	shown = parameters_of(SHOW);
	member = json_array_get(json_object_get(json_object_get(shown, "team"), "members"), 0);
	*text = 0;
	json_array_foreach (
		json_object_get(json_object_get(json_object_get(member, "lacp"), "actor"), "state"),
		i, flag) {
		size += (size_t)snprintf(text + size, 128 - size, "%s%s", i ? " " : "",
					 json_string_value(flag));
	}
	json_decref(shown);
}

START_TEST(each_bit_of_the_octet_has_its_word)
{
	char text[128];

	flags_of((uint8_t)(1u << _i), text);
	ck_assert_str_eq(text, flag_names[_i]);
}
END_TEST

START_TEST(the_flags_come_in_the_order_of_the_octet)
{
	char text[128];

	flags_of(0xff, text);
	ck_assert_str_eq(text, "activity timeout aggregation synchronization collecting "
			       "distributing defaulted expired");
	flags_of(0, text);
	ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(a_member_without_lacp_has_none_and_a_team_without_partner_neither)
{
	json_t *shown, *team;

	fake_member_view(rig.host, 0, 0)->has_lacp = false;
	fake_team_view(rig.host, 0)->partner = (struct lacp_info){};
	shown = parameters_of(SHOW);
	team = json_object_get(shown, "team");
	ck_assert_ptr_null(json_object_get(team, "partner"));
	ck_assert_ptr_null(
		json_object_get(json_array_get(json_object_get(team, "members"), 0), "lacp"));
	json_decref(shown);
}
END_TEST

#define CALL(method) "{\"method\":\"org.yoke.Lacp." method "\",\"parameters\":{\"team\":\"team0\""

START_TEST(a_static_team_has_no_settings_of_lacp_and_nothing_to_trace)
{
	struct config_team config = *fake_team_view(rig.host, 0)->config;
	json_t *shown, *team, *trace;

	config.mode = CONFIG_MODE_STATIC;
	fake_team_view(rig.host, 0)->config = &config;
	fake_member_view(rig.host, 0, 0)->has_lacp = false;
	shown = parameters_of(SHOW);
	team = json_object_get(shown, "team");
	ck_assert_str_eq(rig_text(team, "mode"), "static");
	ck_assert_ptr_null(json_object_get(team, "lacp"));
	json_decref(shown);
	shown = parameters_of(CALL("Show") "}}");
	team = json_array_get(json_object_get(shown, "teams"), 0);
	ck_assert_str_eq(rig_text(team, "mode"), "static");
	ck_assert_ptr_null(json_object_get(team, "settings"));
	json_decref(shown);
	trace = rig_call(&rig, client, CALL("Trace") ",\"member\":\"eno1\"}}");
	ck_assert_str_eq(rig_text(trace, "error"), "org.yoke.Failed");
	ck_assert_str_eq(rig_text(trace, "parameters.text"),
			 "team0 has no LACP to trace: its mode is \"static\"");
	json_decref(trace);
}
END_TEST

START_TEST(counters_beyond_json_stand_still_and_names_that_are_no_utf8_are_told)
{
	struct team_member_view *view = fake_member_view(rig.host, 0, 0);
	json_t *shown, *member;

	view->counters.rx_bytes = UINT64_MAX;
	(void)snprintf(view->explanation, sizeof(view->explanation), "the device \xff is gone");
	shown = parameters_of(SHOW);
	member = json_array_get(json_object_get(json_object_get(shown, "team"), "members"), 0);
	ck_assert(json_integer_value(json_object_get(member, "rx_bytes")) == INT64_MAX);
	ck_assert_str_eq(rig_text(member, "explanation"), "the device \xef\xbf\xbd is gone");
	json_decref(shown);
}
END_TEST

START_TEST(a_trace_has_times_and_words_and_goes_on_after_a_serial)
{
	struct lacp_trace_entry entry = {
		.serial = 1,
		.when = 400 * NSEC_PER_MS,
		.machine = LACP_MACHINE_MUX,
		.from = LACP_MUX_WAITING,
		.to = LACP_MUX_ATTACHED,
		.cause = "all who wait are ready",
	};
	json_t *trace, *transition;

	fake_host_add_transition(rig.host, &entry);
	entry.serial = 2;
	fake_host_add_transition(rig.host, &entry);
	trace = parameters_of("{\"method\":\"org.yoke.Lacp.Trace\",\"parameters\":{\"team\":"
			      "\"team0\",\"member\":\"eno1\",\"after\":1}}");
	ck_assert_uint_eq(json_array_size(json_object_get(trace, "transitions")), 1);
	transition = json_array_get(json_object_get(trace, "transitions"), 0);
	ck_assert_int_eq(json_integer_value(json_object_get(transition, "serial")), 2);
	/* The fake clocks stand at 1 s since boot and 61 s since 1970. */
	ck_assert_int_eq(json_integer_value(json_object_get(transition, "age_us")), 600000);
	ck_assert_int_eq(json_integer_value(json_object_get(transition, "realtime_us")), 60400000);
	ck_assert_str_eq(rig_text(transition, "machine"), "mux");
	ck_assert_str_eq(rig_text(transition, "from"), "waiting");
	ck_assert_str_eq(rig_text(transition, "to"), "attached");
	ck_assert_str_eq(rig_text(transition, "cause"), "all who wait are ready");
	json_decref(trace);
}
END_TEST

START_TEST(ages_are_milliseconds_or_null)
{
	json_t *shown = parameters_of("{\"method\":\"org.yoke.Lacp.Show\",\"parameters\":"
				      "{\"team\":\"team0\",\"member\":\"eno2\"}}");
	json_t *team = json_array_get(json_object_get(shown, "teams"), 0);
	json_t *members = json_object_get(team, "members");
	json_t *lacp = json_object_get(json_array_get(members, 0), "lacp");

	ck_assert_uint_eq(json_array_size(members), 1);
	ck_assert_str_eq(rig_text(json_array_get(members, 0), "name"), "eno2");
	ck_assert_int_eq(json_integer_value(json_object_get(lacp, "last_rx_ms")), 500);
	ck_assert(json_is_null(json_object_get(lacp, "last_tx_ms")));
	ck_assert_str_eq(rig_text(team, "settings.rate"), "fast");
	json_decref(shown);
}
END_TEST

/* The interface descriptions, as far as the tests read them: "type Name ( field: type, … )". */

/* Where 'kind name' is declared, behind the name; NULL if it is not. */
static const char *declaration(const char *text, const char *kind, const char *name)
{
	char head[80];
	const char *at = text;

	(void)snprintf(head, sizeof(head), "\n%s %s", kind, name);
	while ((at = strstr(at, head))) {
		at += strlen(head);
		if (!isalnum((unsigned char)*at))
			return at;
	}
	return NULL;
}

/* The type of 'field' in the list that begins at 'at', or NULL. */
static const char *field_type(const char *at, const char *field)
{
	static char type[64];
	char head[80];
	const char *end = strchr(at, ')'), *found = at;

	(void)snprintf(head, sizeof(head), "%s:", field);
	while ((found = strstr(found, head)) && found < end) {
		if (!isalnum((unsigned char)found[-1]) && found[-1] != '_') {
			size_t size = strcspn(found + strlen(head), ",)\n");

			(void)snprintf(type, sizeof(type), "%.*s", (int)size, found + strlen(head));
			return type;
		}
		found += strlen(head);
	}
	return NULL;
}

static void assert_described(const char *text, const char *list, const json_t *object);

/* 'type' is like " ?[]Member". */
static void assert_type(const char *text, const char *type, const json_t *value)
{
	char name[64];
	const char *below;
	size_t i;
	json_t *element;

	while (*type == ' ')
		type++;
	if (*type == '?') {
		if (json_is_null(value))
			return;
		type++;
	}
	(void)snprintf(name, sizeof(name), "%s", type);
	if (strncmp(name, "[]", 2) == 0) {
		ck_assert(json_is_array(value));
		json_array_foreach ((json_t *)(uintptr_t)value, i, element) {
			assert_type(text, name + 2, element);
		}
	} else if (strcmp(name, "string") == 0) {
		ck_assert(json_is_string(value));
	} else if (strcmp(name, "int") == 0) {
		ck_assert(json_is_integer(value));
	} else if (strcmp(name, "bool") == 0) {
		ck_assert(json_is_boolean(value));
	} else if (strcmp(name, "object") == 0 || strcmp(name, "[string]int") == 0) {
		ck_assert(json_is_object(value));
	} else {
		below = declaration(text, "type", name);
		ck_assert_msg(below != NULL, "type %s is not declared", name);
		assert_described(text, below, value);
	}
}

/* Every field is declared in the list at 'list' with its type, and those declared are there. */
static void assert_described(const char *text, const char *list, const json_t *object)
{
	json_t *mutable = (json_t *)(uintptr_t)object;
	const char *name;
	json_t *value;

	ck_assert(json_is_object(object));
	json_object_foreach (mutable, name, value) {
		const char *type = field_type(list, name);

		ck_assert_msg(type != NULL, "field %s is not described", name);
		assert_type(text, type, value);
	}
	for (const char *at = list; at < strchr(list, ')'); at++) {
		char field[64];

		if (sscanf(at, "\n %63[a-z_]: %*c", field) == 1 && field_type(list, field) &&
		    !strchr(field_type(list, field), '?'))
			ck_assert_msg(json_object_get(object, field) != NULL,
				      "field %s is described and not there", field);
	}
}

static const struct {
	const char *interface;
	const char *method;
	const char *parameters;
} methods_with_answers[] = {
	{ "org.varlink.service", "GetInfo", "{}" },
	{ "org.varlink.service", "GetInterfaceDescription", "{\"interface\":\"org.yoke\"}" },
	{ "org.yoke.Host", "Status", "{}" },
	{ "org.yoke.Team", "List", "{}" },
	{ "org.yoke.Team", "Show", "{\"name\":\"team0\"}" },
	{ "org.yoke.Team", "Stations", "{\"name\":\"team0\"}" },
	{ "org.yoke.Lacp", "Show", "{}" },
	{ "org.yoke.Lacp", "Trace", "{\"team\":\"team0\",\"member\":\"eno1\"}" },
};

/* The description with its comments blanked out. */
static const char *bare(const struct interface *interface)
{
	static char text[16384];

	ck_assert_uint_lt(strlen(interface->description), sizeof(text));
	(void)snprintf(text, sizeof(text), "%s", interface->description);
	for (char *at = text; (at = strchr(at, '#'));)
		memset(at, ' ', strcspn(at, "\n"));
	return text;
}

static const char *description_of(const char *name)
{
	for (size_t i = 0; interfaces[i]; i++) {
		if (strcmp(interfaces[i]->name, name) == 0)
			return bare(interfaces[i]);
	}
	ck_abort_msg("no interface %s", name);
}

START_TEST(answers_are_as_their_description_says)
{
	static const struct lacp_trace_entry entry = { .serial = 1 };
	const char *text = description_of(methods_with_answers[_i].interface);
	const char *list = declaration(text, "method", methods_with_answers[_i].method);
	char call[256];
	json_t *answer;

	ck_assert_ptr_nonnull(list);
	fake_host_add_transition(rig.host, &entry);
	(void)snprintf(call, sizeof(call), "{\"method\":\"%s.%s\",\"parameters\":%s}",
		       methods_with_answers[_i].interface, methods_with_answers[_i].method,
		       methods_with_answers[_i].parameters);
	answer = parameters_of(call);
	assert_described(text, strstr(list, "->"), answer);
	json_decref(answer);
}
END_TEST

START_TEST(stations_are_told_by_the_names_of_their_members_and_ports)
{
	json_t *answer = parameters_of("{\"method\":\"org.yoke.Team.Stations\",\"parameters\":"
				       "{\"name\":\"team0\"}}");
	json_t *wanted = json_loads(
		"{\"stations\":[{\"mac\":\"52:54:00:00:00:01\",\"member\":\"eno2\",\"home\":"
		"\"eno1\",\"port\":\"vnet0\",\"vlans\":[0,20],\"age_ms\":1500},"
		"{\"mac\":\"52:54:00:00:00:02\",\"member\":null,\"home\":null,\"port\":null,"
		"\"vlans\":[],\"age_ms\":0}],\"refused\":7}",
		0, NULL);

	ck_assert(json_equal(answer, wanted));
	json_decref(wanted);
	json_decref(answer);
}
END_TEST

static const char *type_word(enum parameter_type type)
{
	switch (type) {
	case PARAMETER_STRING:
		return "string";
	case PARAMETER_BOOL:
		return "bool";
	case PARAMETER_NUMBER:
		return "int";
	case PARAMETER_OBJECT:
		return "object";
	}
	return "";
}

static void assert_method_described(const char *text, const struct method *method)
{
	const char *list = declaration(text, "method", method->name);
	size_t n = 0;

	ck_assert_msg(list != NULL, "method %s is not described", method->name);
	for (; n < METHOD_PARAMETERS_MAX && method->parameters[n].name; n++) {
		const struct method_parameter *parameter = &method->parameters[n];
		char wanted[64];

		(void)snprintf(wanted, sizeof(wanted), " %s%s", parameter->optional ? "?" : "",
			       type_word(parameter->type));
		ck_assert_ptr_nonnull(field_type(list, parameter->name));
		ck_assert_str_eq(field_type(list, parameter->name), wanted);
	}
	for (const char *at = list; at < strchr(list, ')'); at++)
		n -= *at == ':';
	ck_assert_msg(n == 0, "method %s is described with other parameters", method->name);
}

START_TEST(the_table_of_methods_is_as_described)
{
	for (size_t i = 0; interfaces[i]; i++) {
		const char *text = bare(interfaces[i]);
		char head[64];
		size_t n = interfaces[i]->n_methods;

		(void)snprintf(head, sizeof(head), "\ninterface %s\n", interfaces[i]->name);
		ck_assert_ptr_nonnull(strstr(text, head));
		for (size_t j = 0; j < interfaces[i]->n_methods; j++)
			assert_method_described(text, &interfaces[i]->methods[j]);
		for (const char *at = text; (at = strstr(at, "\nmethod ")); at++)
			n--;
		ck_assert_msg(n == 0, "%s describes methods that are not there",
			      interfaces[i]->name);
	}
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("control/json");
	TCase *tcase = tcase_create("shape");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_team_has_the_shape_of_the_design);
	tcase_add_loop_test(tcase, each_bit_of_the_octet_has_its_word, 0, ARRAY_SIZE(flag_names));
	tcase_add_test(tcase, the_flags_come_in_the_order_of_the_octet);
	tcase_add_test(tcase, a_member_without_lacp_has_none_and_a_team_without_partner_neither);
	tcase_add_test(tcase, a_static_team_has_no_settings_of_lacp_and_nothing_to_trace);
	tcase_add_test(tcase, counters_beyond_json_stand_still_and_names_that_are_no_utf8_are_told);
	tcase_add_test(tcase, a_trace_has_times_and_words_and_goes_on_after_a_serial);
	tcase_add_test(tcase, ages_are_milliseconds_or_null);
	tcase_add_loop_test(tcase, answers_are_as_their_description_says, 0,
			    ARRAY_SIZE(methods_with_answers));
	tcase_add_test(tcase, the_table_of_methods_is_as_described);
	tcase_add_test(tcase, stations_are_told_by_the_names_of_their_members_and_ports);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return run_suite(make_suite());
}
