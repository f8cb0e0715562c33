/* What goes with which mode, balance and datapath: the keys of switch-independent teams and of the
 * ways to share out. */
#include "tests/unit/config/config-test.h"

#include "lib/base/cleanup.h"

#define MEMBERS "members = ( { name = \"eno1\"; }, { name = \"eno2\"; } );\n"
#define IN(mode, keys) "team: { name = \"team0\"; mode = \"" mode "\"; " MEMBERS keys "\n};\n"
#define LACP(keys) IN("lacp", keys)
#define STATIC(keys) IN("static", keys)
#define INDEPENDENT(keys) IN("switch-independent", keys)
#define OF(mode, members, keys)                                                                    \
	"team: { name = \"team0\"; mode = \"" mode "\";\nmembers = ( " members " );\n" keys "\n};" \
	"\n"

static const struct mistake mistakes[] = {
	/* Where keys may stand. */
	{ "min_active in LACP", LACP("min_active = 1;"), 2,
	  "min_active goes with mode \"static\" or \"switch-independent\", and mode is \"lacp\": "
	  "lacp.min_links does that" },
	{ "LACP in a switch-independent team", INDEPENDENT("lacp: { rate = \"fast\"; };"), 2,
	  "lacp goes with mode \"lacp\", and mode is \"switch-independent\"" },
	{ "fail_back in LACP", LACP("fail_back = \"never\";"), 2,
	  "fail_back goes with mode \"switch-independent\", and mode is \"lacp\"" },
	{ "fail_back in a static team", STATIC("fail_back = \"never\";"), 2,
	  "fail_back goes with mode \"switch-independent\", and mode is \"static\"" },
	{ "a delay of it", STATIC("fail_back_delay_ms = 1;"), 2,
	  "fail_back_delay_ms goes with mode \"switch-independent\"" },
	{ "announcements in LACP", LACP("announce: { count = 3; };"), 2,
	  "announce goes with mode \"switch-independent\", and mode is \"lacp\": a switch" },
	{ "a preferred member in LACP", OF("lacp", "{ name = \"a\"; preferred = true; }", ""), 2,
	  "member 1: preferred goes with mode \"switch-independent\", and mode is \"lacp\"" },
	{ "a gap without flowlets", INDEPENDENT("flowlet_gap_us = 500;"), 2,
	  "flowlet_gap_us goes with balance \"dynamic\", and balance is \"address-hash\": "
	  "nothing" },
	{ "a gap with VM ports", LACP("flowlet_gap_us = 500;\nbalance = \"vm-port\";"), 2,
	  "flowlet_gap_us goes with balance \"dynamic\", and balance is \"vm-port\"" },
	{ "a hash with VM ports", STATIC("balance = \"vm-port\";\nhash = \"ip-addresses\";"), 3,
	  "hash goes with balance \"address-hash\" or \"dynamic\", and balance is \"vm-port\": "
	  "each" },
	{ "an inner hash with VM ports", STATIC("balance = \"vm-port\";\nhash_inner = false;"), 3,
	  "hash_inner goes with balance \"address-hash\" or \"dynamic\"" },

	/* Types, words and ranges. */
	{ "a number for an inner hash", LACP("hash_inner = 1;"), 2,
	  "hash_inner is 1: expected true or false" },
	{ "a way to transmit that there is not", LACP("transmit = \"fast\";"), 2,
	  "transmit is \"fast\": expected \"counted\" or \"direct\"" },
	{ "a bool for it", LACP("transmit = true;"), 2, "transmit is true: expected \"counted\"" },
	{ "a way to fail back that there is not", INDEPENDENT("fail_back = \"later\";"), 2,
	  "fail_back is \"later\": expected \"at-once\" or \"never\"" },
	{ "a policy that there is not", LACP("monitor_policy = \"most\";"), 2,
	  "monitor_policy is \"most\": expected \"all\" or \"any\"" },
	{ "a gap in milliseconds", LACP("balance = \"dynamic\"; flowlet_gap_us = \"2ms\";"), 2,
	  "flowlet_gap_us is \"2ms\": expected 50 to 1000000" },
	{ "a list for announcements", INDEPENDENT("announce = ( );"), 2,
	  "announce is a list: expected a group" },
	{ "an unknown key of announcements", INDEPENDENT("announce: { times = 3; };"), 2,
	  "unknown key \"announce.times\": expected count or interval_ms" },
	{ "a large number of announcements",
	  INDEPENDENT("announce: { interval_ms = 4294967297; };"), 2,
	  "interval_ms is 4294967297: expected 10 to 10000" },
	{ "the same name elsewhere",
	  LACP("monitor = ( { type = \"arp\"; targets = ( \"10.0.0.1\" ); interval_ms = "
	       "4294967297; } );"),
	  2, "interval_ms is 4294967297: expected 10 to 60000" },
	{ "a number for damping", LACP("flap_damping = 5;"), 2,
	  "flap_damping is 5: expected a group" },
	{ "an unknown key of damping", LACP("flap_damping: { x = 1; };"), 2,
	  "expected flaps, period_ms, hold_down_ms or hold_down_max_ms" },
	{ "a negative weight", OF("static", "{ name = \"a\"; weight = -1; }", ""), 2,
	  "member 1: weight is -1: expected 0 to 1000000" },
	{ "a weight of too much", OF("lacp", "{ name = \"a\"; weight = 1000001; }", ""), 2,
	  "member 1: weight is 1000001: expected 0 to 1000000" },
	{ "a weight that is no whole number", OF("lacp", "{ name = \"a\"; weight = 1.5; }", ""), 2,
	  "member 1: weight is 1.5: expected 0 to 1000000" },
	{ "a priority beyond 16 bits",
	  OF("switch-independent", "{ name = \"a\"; priority = 65536; }", ""), 2,
	  "member 1: priority is 65536: expected 0 to 65535" },
	{ "a word for preferred",
	  OF("switch-independent", "{ name = \"a\"; preferred = \"yes\"; }", ""), 2,
	  "member 1: preferred is \"yes\": expected true or false" },

	/* Keys against each other. */
	{ "only standby members",
	  OF("switch-independent", "{ name = \"a\"; standby = true; }", "min_active = 0;"), 2,
	  "every member is standby: expected at least one that is not" },
	{ "two preferred members",
	  OF("switch-independent",
	     "{ name = \"a\"; preferred = true; },\n{ name = \"b\"; preferred = true; }", ""),
	  3, "member 2: preferred is true, and so it is of member 1 already (line 2)" },
	{ "more active than members", INDEPENDENT("min_active = 3;"), 2,
	  "min_active is 3: expected at most 2, the number of members" },
	{ "more active than members in a static team", STATIC("min_active = 3;"), 2,
	  "min_active is 3: expected at most 2" },
	{ "more active than members that are not standby",
	  OF("switch-independent", "{ name = \"a\"; }, { name = \"b\"; standby = true; }",
	     "min_active = 2;"),
	  3, "min_active is 2: expected at most 1, the number of members that are not standby" },
	{ "more active than may be", INDEPENDENT("min_active = 33;"), 2,
	  "min_active is 33: expected 0 to 32" },
	{ "a hold-down beyond its end",
	  LACP("flap_damping: { hold_down_ms = 1000;\nhold_down_max_ms = 999; };"), 3,
	  "flap_damping.hold_down_max_ms is 999: expected at least 1000" },
	{ "a hold-down beyond the default's end",
	  LACP("flap_damping: {\nhold_down_ms = 300001; };"), 3,
	  "flap_damping.hold_down_max_ms is 300000: expected at least 300001" },

	/* What the kernel's driver cannot do, where it is asked for. */
	{ "direct on the driver", LACP("datapath = \"team\";\ntransmit = \"direct\";"), 3,
	  "transmit is \"direct\", which datapath \"team\" cannot do: the kernel's driver" },
};

START_TEST(a_mistake_is_told_with_its_line)
{
	expect_mistake(&mistakes[_i], CONFIG_KIND_TEAMS);
}
END_TEST

START_TEST(one_mistake_is_told_once)
{
	static const char *const texts[] = {
		STATIC("lacp: { rate = \"quick\"; key = -1; };"),
		LACP("min_active = 99;"),
		OF("switch-independent", "{ name = \"a\"; standby = true; }", "min_active = 9;"),
		LACP("announce: { count = 99; };"),
		"team: { name = \"t\"; mode = \"both\"; " MEMBERS "min_active = 1; lacp: { }; };",
		LACP("balance = \"all\"; hash = \"ip-addresses\"; flowlet_gap_us = 500;"),
	};

	for (unsigned i = 0; i < ARRAY_SIZE(texts); i++) {
		struct config *config = NULL;
		struct config_problems problems;

		ck_assert_int_eq(parse_as(texts[i], CONFIG_KIND_TEAMS, &config, &problems),
				 -EINVAL);
		ck_assert_msg(problems.n_errors == 1, "%s%s", texts[i], tell(&problems));
	}
}
END_TEST

static const struct mistake doubts[] = {
	{ "a delay for what is never done",
	  INDEPENDENT("fail_back = \"never\";\nfail_back_delay_ms = 5;"), 3,
	  "fail_back_delay_ms is 5, and fail_back is \"never\": nothing is taken back" },
	{ "a standby that is preferred",
	  OF("switch-independent",
	     "{ name = \"a\"; preferred = true; standby = true; }, { name = \"b\"; }", ""),
	  2, "member 1: it is preferred, so that standby says nothing" },
	{ "a weight beside speeds",
	  OF("static", "{ name = \"a\"; },\n{ name = \"b\"; weight = 2; }", ""), 3,
	  "member 2: weight is 2, but \"a\" has none and weighs its speed in Mb/s" },
};

START_TEST(what_is_doubtful_is_a_warning)
{
	struct config *config = NULL;
	struct config_problems problems;

	ck_assert_msg(parse_as(doubts[_i].text, CONFIG_KIND_TEAMS, &config, &problems) == 0,
		      "%s:%s", doubts[_i].what, tell(&problems));
	ck_assert_uint_eq(problems.n_warnings, 1);
	ck_assert_msg(has_problem(&problems, true, doubts[_i].line, doubts[_i].words), "%s:%s",
		      doubts[_i].what, tell(&problems));
	config_free(config);
}
END_TEST

START_TEST(a_switch_independent_team_has_its_keys)
{
	struct config *config = parse_good(
		OF("switch-independent",
		   "{ name = \"a\"; priority = 9; weight = 1000000; }, { name = \"b\"; preferred = "
		   "true; weight = 1; }, { name = \"c\"; standby = true; }",
		   "balance = \"vm-port\"; min_active = 2; fail_back = \"never\"; transmit = "
		   "\"direct\"; announce: { count = 10; interval_ms = 10; }; flap_damping: { flaps "
		   "= 0; period_ms = 1000; hold_down_ms = 100; hold_down_max_ms = 100; };"));
	const struct config_team *team = &config->teams[0];

	ck_assert_int_eq(team->mode, CONFIG_MODE_INDEPENDENT);
	ck_assert_int_eq(team->balance, CONFIG_BALANCE_VM_PORT);
	ck_assert_uint_eq(team->min_active, 2);
	ck_assert_int_eq(team->fail_back, CONFIG_FAIL_BACK_NEVER);
	ck_assert(team->transmit_direct);
	ck_assert_uint_eq(team->announce_count, 10);
	ck_assert_uint_eq(team->announce_interval_ms, 10);
	ck_assert_uint_eq(team->damping.flaps, 0);
	ck_assert_uint_eq(team->damping.period_ms, 1000);
	ck_assert_uint_eq(team->damping.hold_down_ms, 100);
	ck_assert_uint_eq(team->damping.hold_down_max_ms, 100);
	ck_assert_uint_eq(team->members[0].priority, 9);
	ck_assert_uint_eq(team->members[0].weight, 1000000);
	ck_assert(team->members[1].preferred);
	ck_assert_uint_eq(team->members[1].priority, 255);
	ck_assert(team->members[2].standby);
	ck_assert_uint_eq(team->members[2].priority, 65535);
	config_free(config);
}
END_TEST

START_TEST(what_is_left_out_has_its_default)
{
	struct config *config = parse_good(INDEPENDENT("balance = \"dynamic\";"));
	const struct config_team *team = &config->teams[0];

	ck_assert_int_eq(team->balance, CONFIG_BALANCE_DYNAMIC);
	ck_assert_uint_eq(team->flowlet_gap_us, 2000);
	ck_assert(!team->hash_inner);
	ck_assert(!team->transmit_direct);
	ck_assert_uint_eq(team->min_active, 1);
	ck_assert_int_eq(team->fail_back, CONFIG_FAIL_BACK_AT_ONCE);
	ck_assert_uint_eq(team->fail_back_delay_ms, 0);
	ck_assert_uint_eq(team->announce_count, 3);
	ck_assert_uint_eq(team->announce_interval_ms, 200);
	ck_assert_uint_eq(team->damping.flaps, 5);
	ck_assert_uint_eq(team->damping.period_ms, 60000);
	ck_assert_uint_eq(team->damping.hold_down_ms, 10000);
	ck_assert_uint_eq(team->damping.hold_down_max_ms, 300000);
	ck_assert_int_eq(team->monitor_policy, CONFIG_MONITOR_ALL);
	ck_assert_uint_eq(team->n_monitors, 0);
	ck_assert_uint_eq(team->members[0].weight, 0);
	ck_assert(!team->members[0].preferred);
	config_free(config);
}
END_TEST

/* Each mode with each balance, and teams of one member. */
START_TEST(every_balance_goes_with_every_mode)
{
	static const char *const modes[] = { "lacp", "static", "switch-independent" };
	static const char *const balances[] = { "address-hash", "vm-port", "dynamic" };
	char text[256];
	struct config *config;

	(void)snprintf(
		text, sizeof(text),
		"team: { name = \"t\"; mode = \"%s\"; balance = \"%s\"; members = ( { name = "
		"\"a\"; } ); };",
		modes[_i / 3], balances[_i % 3]);
	config = parse_good(text);
	ck_assert_str_eq(config_mode_name(config->teams[0].mode), modes[_i / 3]);
	ck_assert_str_eq(config_balance_name(config->teams[0].balance), balances[_i % 3]);
	config_free(config);
}
END_TEST

static const struct {
	const char *keys;
	const char *refusal; /* Of the datapath "team"; NULL: it can do it. */
} wishes[] = {
	{ "mode = \"lacp\";", NULL },
	{ "mode = \"static\"; hash = \"mac-addresses\"; min_active = 2;", NULL },
	{ "mode = \"lacp\"; balance = \"dynamic\";", NULL },
	{ "mode = \"lacp\"; transmit = \"counted\"; hash_inner = false;", NULL },
	{ "mode = \"switch-independent\"; balance = \"vm-port\";", NULL },
	{ "mode = \"static\"; balance = \"dynamic\"; flowlet_gap_us = 500; hash_inner = true;",
	  NULL },
	{ "mode = \"lacp\"; transmit = \"direct\";",
	  "transmit is \"direct\", which datapath \"team\" cannot do: the kernel's driver has no" },
	{ "mode = \"switch-independent\"; transmit = \"direct\";",
	  "transmit is \"direct\", which datapath \"team\" cannot do: the kernel's driver has no" },
};

START_TEST(what_a_datapath_cannot_do_is_told_with_the_reason)
{
	char text[512], why[CONFIG_REFUSAL_SIZE];
	struct config *config;

	(void)snprintf(text, sizeof(text), "team: { name = \"t\"; " MEMBERS "%s };",
		       wishes[_i].keys);
	config = parse_good(text);
	ck_assert(!config_datapath_refuses(&config->teams[0], "bpf", why));
	ck_assert_int_eq(config_datapath_refuses(&config->teams[0], "team", why),
			 wishes[_i].refusal != NULL);
	if (wishes[_i].refusal)
		ck_assert_msg(strstr(why, wishes[_i].refusal) != NULL, "%s", why);
	ck_assert_msg(!wishes[_i].refusal || strlen(why) < sizeof(why) - 1, "cut: %s", why);
	config_free(config);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config/modes");
	TCase *tcase = tcase_create("modes");

	tcase_add_loop_test(tcase, a_mistake_is_told_with_its_line, 0, ARRAY_SIZE(mistakes));
	tcase_add_test(tcase, one_mistake_is_told_once);
	tcase_add_loop_test(tcase, what_is_doubtful_is_a_warning, 0, ARRAY_SIZE(doubts));
	tcase_add_test(tcase, a_switch_independent_team_has_its_keys);
	tcase_add_test(tcase, what_is_left_out_has_its_default);
	tcase_add_loop_test(tcase, every_balance_goes_with_every_mode, 0, 9);
	tcase_add_loop_test(tcase, what_a_datapath_cannot_do_is_told_with_the_reason, 0,
			    ARRAY_SIZE(wishes));
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
