/* The list of monitors, whose keys depend on what each of them watches. */
#include "tests/unit/config/config-test.h"

#include "lib/base/cleanup.h"

#include <arpa/inet.h>

/* A team that is right, around a list. */
#define WITH(monitors)                                                                             \
	"team: { name = \"team0\"; mode = \"switch-independent\"; members = ( { name = \"eno1\"; " \
	"} );\nmonitor = ( " monitors " ); };\n"
#define ARP(keys) "{ type = \"arp\"; targets = ( \"10.0.0.1\" ); " keys " }"
#define ND(keys) "{ type = \"nd\"; targets = ( \"fe80::1\" ); " keys " }"
#define VLAN(number) ARP("vlan = " #number ";") ", "
#define SPEED "{ type = \"speed\"; full_duplex = true; }"
#define TO(target) WITH("{ type = \"arp\"; targets = ( " target " ); }")
#define TO6(target) WITH("{ type = \"nd\"; targets = ( " target " ); }")
#define HOST "expected the IP address of a host"

static const struct mistake mistakes[] = {
	/* The list. */
	{ "a group for the list",
	  "team: { name = \"t\"; mode = \"lacp\"; members = ( { name = \"a\"; } );\n"
	  "monitor: { type = \"carrier\"; }; };",
	  2, "monitor is a group: expected a list of 0 to 9 groups" },
	{ "a monitor that is a word", WITH("\"arp\""), 2,
	  "monitor 1 is \"arp\": expected a group: { type = …; }" },
	{ "no type", WITH("{ interval_ms = 5; }"), 2,
	  "monitor 1: type is missing: expected \"carrier\", \"arp\", \"nd\", \"speed\" or "
	  "\"errors\"" },
	{ "a type that there is not", WITH("{ type = \"icmp\"; targets = 1; }"), 2,
	  "monitor 1: type is \"icmp\": expected \"carrier\", " },
	{ "a type that is a number", WITH("{ type = 1; }"), 2, "monitor 1: type is 1: expected" },
	{ "the carrier twice", WITH("{ type = \"carrier\"; },\n" SPEED ", { type = \"carrier\"; }"),
	  3, "monitor 3: type is \"carrier\", which is monitor 1 already (line 2)" },
	{ "ten monitors",
	  WITH(SPEED ", " SPEED ", " SPEED ", " SPEED ", " SPEED ", " SPEED ", " SPEED ", " SPEED
		     ", " SPEED ", " SPEED),
	  2, "monitor has 10 entries: expected a list of 0 to 9 groups" },
	{ "nine without the carrier",
	  WITH(SPEED ", " SPEED ", " SPEED ", " SPEED ", " SPEED ", " SPEED ", " SPEED ", " SPEED
		     ", " SPEED),
	  2, "monitor 9: expected at most 8 beside that of type \"carrier\"" },

	/* Which key goes with which type. */
	{ "a delay of a probe", WITH(ARP("up_delay_ms = 5;")), 2,
	  "monitor 1: up_delay_ms goes with type \"carrier\", and type is \"arp\"" },
	{ "targets of the carrier", WITH("{ type = \"carrier\"; targets = ( \"10.0.0.1\" ); }"), 2,
	  "monitor 1: targets goes with type \"arp\" or \"nd\", and type is \"carrier\"" },
	{ "targets before the type", WITH("{ targets = ( \"10.0.0.1\" ); type = \"speed\"; }"), 2,
	  "monitor 1: targets goes with type \"arp\" or \"nd\", and type is \"speed\"" },
	{ "an interval of the carrier", WITH("{ type = \"carrier\"; interval_ms = 5; }"), 2,
	  "interval_ms goes with type \"arp\", \"nd\" or \"errors\", and type is \"carrier\"" },
	{ "missed answers of errors",
	  WITH("{ type = \"errors\"; errors_max = 1; missed_max = 2; }"), 2,
	  "missed_max goes with type \"arp\" or \"nd\", and type is \"errors\"" },
	{ "a VLAN of the speed", WITH("{ type = \"speed\"; vlan = 2; full_duplex = true; }"), 2,
	  "vlan goes with type \"arp\" or \"nd\", and type is \"speed\"" },
	{ "a speed of a probe", WITH(ND("min_speed_mbps = 1;")), 2,
	  "min_speed_mbps goes with type \"speed\", and type is \"nd\"" },
	{ "duplex of errors", WITH("{ type = \"errors\"; errors_max = 1; full_duplex = true; }"), 2,
	  "full_duplex goes with type \"speed\", and type is \"errors\"" },
	{ "errors of the speed", WITH("{ type = \"speed\"; errors_max = 1; full_duplex = true; }"),
	  2, "errors_max goes with type \"errors\", and type is \"speed\"" },
	{ "an unknown key", WITH(ARP("target = 1;")), 2, "did you mean \"targets\"?" },

	/* What must be there. */
	{ "ARP without a target", WITH("{ type = \"arp\"; }"), 2,
	  "monitor 1: targets is missing: expected a list of 1 to 8 IP addresses of hosts" },
	{ "ND without a target", WITH("{ type = \"nd\"; }"), 2, "targets is missing" },
	{ "errors without a number", WITH("{ type = \"errors\"; }"), 2,
	  "monitor 1: errors_max is missing: expected 0 to 1000000000" },
	{ "a speed that is none", WITH("{ type = \"speed\"; }"), 2,
	  "monitor 1: a monitor of type \"speed\" watches nothing: expected min_speed_mbps, " },

	/* Targets. */
	{ "no target in the list", TO(""), 2,
	  "monitor 1: targets has 0 entries: expected a list of 1 to 8" },
	{ "nine targets",
	  TO("\"10.0.0.1\", \"10.0.0.2\", \"10.0.0.3\", \"10.0.0.4\", \"10.0.0.5\", \"10.0.0.6\", "
	     "\"10.0.0.7\", \"10.0.0.8\", \"10.0.0.9\""),
	  2, "monitor 1: targets has 9 entries: expected a list of 1 to 8" },
	{ "a target that is no list", WITH("{ type = \"arp\"; targets = \"10.0.0.1\"; }"), 2,
	  "targets is \"10.0.0.1\": expected a list of 1 to 8 IP addresses" },
	{ "a target that is a number", TO("1"), 2, "monitor 1: targets has 1: " HOST },
	{ "a target that is a group", TO("{ }"), 2, "targets has a group: " HOST },
	{ "a name for a target", TO("\"\",\n\"gateway\""), 3, "targets has \"gateway\": " HOST },
	{ "an empty target", TO("\"\""), 2, "targets has \"\": " HOST },
	{ "three octets", TO("\"10.0.1\""), 2, "targets has \"10.0.1\": " HOST },
	{ "an octet of 256", TO("\"10.0.0.256\""), 2, "targets has \"10.0.0.256\"" },
	{ "a leading zero", TO("\"10.0.0.01\""), 2, "targets has \"10.0.0.01\"" },
	{ "a network", TO("\"10.0.0.0/24\""), 2, "targets has \"10.0.0.0/24\"" },
	{ "a port", TO("\"10.0.0.1:80\""), 2, "targets has \"10.0.0.1:80\"" },
	{ "a space", TO("\"10.0.0.1 \""), 2, "targets has \"10.0.0.1 \"" },
	{ "no address", TO("\"0.0.0.0\""), 2, "targets has \"0.0.0.0\": " HOST },
	{ "this network", TO("\"0.1.2.3\""), 2, "targets has \"0.1.2.3\": " HOST },
	{ "this host", TO("\"127.0.0.1\""), 2, "targets has \"127.0.0.1\": " HOST },
	{ "a group of hosts", TO("\"224.0.0.1\""), 2, "targets has \"224.0.0.1\": " HOST },
	{ "all hosts", TO("\"255.255.255.255\""), 2, "targets has \"255.255.255.255\": " HOST },
	{ "no address of IPv6", TO6("\"::\""), 2, "targets has \"::\": " HOST },
	{ "this host by IPv6", TO6("\"::1\""), 2, "targets has \"::1\": " HOST },
	{ "a group of hosts by IPv6", TO6("\"ff02::1\""), 2, "targets has \"ff02::1\": " HOST },
	{ "IPv4 in IPv6", TO6("\"::ffff:10.0.0.1\""), 2, "targets has \"::ffff:10.0.0.1\": " HOST },
	{ "an address with its interface", TO6("\"fe80::1%eno1\""), 2, "\"fe80::1%eno1\": " HOST },
	{ "IPv6 by ARP", WITH(ND("") ",\n{ type = \"arp\"; targets = ( \"2001:db8::1\" ); }"), 3,
	  "monitor 2: targets has \"2001:db8::1\": expected addresses of IPv4 with type \"arp\"" },
	{ "IPv4 by ND", TO6("\"10.0.0.1\""), 2,
	  "monitor 1: targets has \"10.0.0.1\": expected addresses of IPv6 with type \"nd\"" },
	{ "a target twice", TO("\"10.0.0.1\", \"10.0.0.2\", \"10.0.0.1\""), 2,
	  "monitor 1: targets has \"10.0.0.1\" twice" },
	{ "a target twice in other words", TO6("\"fe80::1\", \"FE80:0::1\""), 2,
	  "monitor 1: targets has \"fe80::1\" twice" },

	/* Ranges. */
	{ "an interval of nothing", WITH(ARP("interval_ms = 0;")), 2,
	  "monitor 1: interval_ms is 0: expected 10 to 60000" },
	{ "a negative interval", WITH(ARP("interval_ms = -1;")), 2, "interval_ms is -1" },
	{ "a VLAN beyond the last", WITH(ARP("vlan = 4095;")), 2,
	  "monitor 1: vlan is 4095: expected 0 to 4094" },
	{ "a VLAN in words", WITH(ARP("vlan = \"storage\";")), 2, "vlan is \"storage\"" },
	{ "no answer that may be missed", WITH(ARP("missed_max = 0;")), 2,
	  "monitor 1: missed_max is 0: expected 1 to 100" },
	{ "too many that may", WITH(ND("missed_max = 101;")), 2, "missed_max is 101" },
	{ "a negative speed", WITH("{ type = \"speed\"; min_speed_mbps = -1; }"), 2,
	  "monitor 1: min_speed_mbps is -1: expected 0 to 10000000" },
	{ "a word for duplex", WITH("{ type = \"speed\"; full_duplex = \"yes\"; }"), 2,
	  "full_duplex is \"yes\": expected true or false" },
	{ "negative errors", WITH("{ type = \"errors\"; errors_max = -1; }"), 2,
	  "monitor 1: errors_max is -1: expected 0 to 1000000000" },

	/* Monitors against each other. */
	{ "the speed twice", WITH("{ type = \"carrier\"; }, " SPEED ",\n" SPEED), 3,
	  "monitor 3: type is \"speed\", which is monitor 2 already (line 2)" },
	{ "errors twice",
	  WITH("{ type = \"errors\"; errors_max = 1; }, { type = \"errors\"; errors_max = 2; }"), 2,
	  "monitor 2: type is \"errors\" with the same interval_ms, which is monitor 1 already" },
	{ "a target of two monitors", WITH(ARP("interval_ms = 100;") ",\n" ARP("")), 3,
	  "monitor 2: targets has \"10.0.0.1\", which monitor 1 asks already (line 2)" },
};

START_TEST(a_mistake_is_told_with_its_line)
{
	expect_mistake(&mistakes[_i], CONFIG_KIND_TEAMS);
}
END_TEST

static const struct {
	const char *what;
	const char *text;
	const char *words; /* NULL: it is no warning. */
} doubts[] = {
	{ "a policy that has nothing to choose from",
	  "team: { name = \"t\"; mode = \"lacp\"; members = ( { name = \"a\"; } ); monitor_policy "
	  "= "
	  "\"any\"; };",
	  "monitor_policy needs two monitors beside the carrier" },
	{ "a probe through an aggregation",
	  "team: { name = \"t\"; mode = \"static\"; members = ( { name = \"a\"; }, { name = \"b\"; "
	  "} "
	  "); monitor = ( " ARP("") " ); };",
	  "monitor 1: type is \"arp\" and mode is \"static\": the switch may send the answer" },
	{ "a probe through an aggregation of one",
	  "team: { name = \"t\"; mode = \"lacp\"; members = ( { name = \"a\"; } ); monitor = ( " ND(
		  "") " ); };",
	  NULL },
	{ "one target in two VLANs", WITH(ARP("vlan = 5;") ", " ARP("vlan = 6;")), NULL },
	{ "errors in two intervals",
	  WITH("{ type = \"errors\"; errors_max = 1; }, { type = \"errors\"; errors_max = 20; "
	       "interval_ms = 60000; }"),
	  NULL },
	{ "an array for a list", WITH("{ type = \"arp\"; targets = [ \"10.0.0.1\" ]; }"), NULL },
	{ "eight beside the carrier",
	  WITH(VLAN(1) VLAN(2) VLAN(3) VLAN(4) "{ type = \"carrier\"; }, " VLAN(5) VLAN(6) VLAN(7)
		       ARP("vlan = 8;")),
	  NULL },
};

START_TEST(what_is_doubtful_is_a_warning_and_the_rest_is_none)
{
	struct config *config = NULL;
	struct config_problems problems;

	ck_assert_msg(parse_as(doubts[_i].text, CONFIG_KIND_TEAMS, &config, &problems) == 0,
		      "%s:%s", doubts[_i].what, tell(&problems));
	ck_assert_msg(problems.n == (doubts[_i].words != NULL), "%s:%s", doubts[_i].what,
		      tell(&problems));
	if (doubts[_i].words)
		ck_assert_msg(has_problem(&problems, true, 1, doubts[_i].words), "%s:%s",
			      doubts[_i].what, tell(&problems));
	config_free(config);
}
END_TEST

static void expect_target(const struct config_monitor *monitor, unsigned index, const char *text)
{
	uint8_t bytes[16] = {};
	char back[CONFIG_ADDRESS_TEXT_SIZE];

	ck_assert_int_eq(inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, bytes), 1);
	ck_assert_int_eq(monitor->targets[index].v6, strchr(text, ':') != NULL);
	ck_assert_mem_eq(monitor->targets[index].bytes, bytes, sizeof(bytes));
	ck_assert_str_eq(config_address_text(&monitor->targets[index], back), text);
}

START_TEST(each_key_of_a_monitor_reaches_its_field)
{
	struct config *config = parse_good(WITH(
		"{ type = \"arp\"; targets = ( \"10.0.0.1\", \"192.168.1.254\" ); interval_ms = "
		"10; missed_max = 100; vlan = 4094; },"
		"{ type = \"carrier\"; up_delay_ms = 7; down_delay_ms = 8; },"
		"{ targets = ( \"2001:db8::1\" ); type = \"nd\"; },"
		"{ type = \"speed\"; min_speed_mbps = 10000; full_duplex = true; },"
		"{ type = \"errors\"; errors_max = 9; interval_ms = 60000; }"));
	const struct config_team *team = &config->teams[0];
	const struct config_monitor *monitors = team->monitors;

	ck_assert_uint_eq(team->n_monitors, 4);
	ck_assert_uint_eq(team->up_delay_ms, 7);
	ck_assert_uint_eq(team->down_delay_ms, 8);
	ck_assert_int_eq(monitors[0].type, CONFIG_MONITOR_ARP);
	ck_assert_uint_eq(monitors[0].n_targets, 2);
	expect_target(&monitors[0], 0, "10.0.0.1");
	expect_target(&monitors[0], 1, "192.168.1.254");
	ck_assert_uint_eq(monitors[0].interval_ms, 10);
	ck_assert_uint_eq(monitors[0].missed_max, 100);
	ck_assert_uint_eq(monitors[0].vlan, 4094);
	ck_assert_int_eq(monitors[1].type, CONFIG_MONITOR_ND);
	expect_target(&monitors[1], 0, "2001:db8::1");
	ck_assert_uint_eq(monitors[1].interval_ms, 1000);
	ck_assert_uint_eq(monitors[1].missed_max, 3);
	ck_assert_uint_eq(monitors[1].vlan, 0);
	ck_assert_int_eq(monitors[2].type, CONFIG_MONITOR_SPEED);
	ck_assert_uint_eq(monitors[2].min_speed_mbps, 10000);
	ck_assert(monitors[2].full_duplex);
	ck_assert_int_eq(monitors[3].type, CONFIG_MONITOR_ERRORS);
	ck_assert_uint_eq(monitors[3].errors_max, 9);
	ck_assert_uint_eq(monitors[3].interval_ms, 60000);
	config_free(config);
}
END_TEST

static uint64_t fingerprint_of(const char *text)
{
	struct config *config = parse_good(text);
	uint64_t fingerprint = config_team_fingerprint(&config->teams[0]);

	config_free(config);
	return fingerprint;
}

/* The carrier is watched whether it is written down or not, and wherever in the list. */
START_TEST(the_carrier_is_always_there_and_first)
{
	uint64_t plain = fingerprint_of(WITH(ARP("") ", " SPEED));

	ck_assert_uint_eq(fingerprint_of(WITH("{ type = \"carrier\"; }, " ARP("") ", " SPEED)),
			  plain);
	ck_assert_uint_eq(fingerprint_of(WITH(ARP("") ", " SPEED ", { type = \"carrier\"; }")),
			  plain);
	ck_assert_uint_ne(fingerprint_of(WITH(SPEED ", " ARP(""))), plain);
	ck_assert_uint_eq(fingerprint_of(WITH("")),
			  fingerprint_of(WITH("{ type = \"carrier\"; }")));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config/monitors");
	TCase *tcase = tcase_create("monitors");

	tcase_add_loop_test(tcase, a_mistake_is_told_with_its_line, 0, ARRAY_SIZE(mistakes));
	tcase_add_loop_test(tcase, what_is_doubtful_is_a_warning_and_the_rest_is_none, 0,
			    ARRAY_SIZE(doubts));
	tcase_add_test(tcase, each_key_of_a_monitor_reaches_its_field);
	tcase_add_test(tcase, the_carrier_is_always_there_and_first);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
