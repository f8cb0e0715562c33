/* Every kind of mistake: for each a file, the line that must be named and the words that must be
 * said, and nothing else. */
#include "tests/unit/config/config-test.h"

#include <errno.h>

#define M "name = \"team0\"; mode = \"lacp\"; "
#define S "name = \"team0\"; mode = \"static\"; "
#define STATIC_TEAM(keys) "team: { " S MEMBERS keys "\n};\n"
#define MEMBERS "members = ( { name = \"eno1\"; }, { name = \"eno2\"; } );\n"
#define TEAM(keys) "team: { " M MEMBERS keys "\n};\n"

static const struct mistake mistakes[] = {
	/* Syntax, where libconfig would only say "syntax error". */
	{ "a missing equals sign", TEAM("mtu 9000;"), 2, "found \"9000\": expected \"=\" after" },
	{ "a missing value", TEAM("mtu = ;"), 2, "found \";\": expected a value" },
	{ "two values", TEAM("mtu = 9000 1500;"), 2, "found \"1500\": expected \";\" after" },
	{ "two strings", TEAM("hash = \"ip-\" \"addresses\";"), 2, "expected \";\" after" },
	{ "a value without a key", TEAM("\"fast\";"), 2, "found \"\"fast\"\": expected a key or" },
	{ "a semicolon too many", TEAM("mtu = 1500;;"), 2, "found \";\": expected a key or \"}\"" },
	{ "a word without quotes", TEAM("hash = ip;"), 2, "found \"ip\": expected a value" },
	{ "a quote that is missing", TEAM("hash = \"ip-addresses;"), 2,
	  "closing quote is missing" },
	{ "a string over two lines", TEAM("hash = \"ip\n-addresses\";"), 2, "closing quote" },
	{ "a backslash at the end of a line", TEAM("hash = \"ip\\\n\";"), 2, "closing quote" },
	{ "a comment that is not closed", TEAM("") "/* not\nclosed", 4, "never closed" },
	{ "a group that is not closed", "\nteam: { " M MEMBERS, 2,
	  "\"{\" of this line is not closed" },
	{ "a list that is not closed", "team: {\n members = ( { name = \"eno1\"; }", 2,
	  "\"(\" of this line is not closed: expected \")\"" },
	{ "an array that is not closed", "x = [\n1", 1, "expected \"]\"" },
	{ "the wrong bracket", "team: { " M "members = ( { name = \"eno1\"; } };", 1,
	  "found \"}\": expected \",\" or \")\"" },
	{ "a bracket too many", TEAM("") "}", 4, "found \"}\": expected a key" },
	{ "a comma too many", "team: { " M "members = ( { name = \"eno1\"; }, );\n};", 1,
	  "found \")\": expected a value" },
	{ "a comma that is missing",
	  "team: { " M "members = ( { name = \"a\"; }\n{ name = \"b\"; } ); };", 2,
	  "found \"{\": expected \",\" or \")\"" },
	{ "the end after a key", "team", 1, "the file ends here: expected \"=\"" },
	{ "the end after an equals sign", "team =\n\n", 1, "the file ends here: expected a value" },
	{ "an at sign", TEAM("@ = 1;"), 2, "@include, which is not supported" },
	{ "an include", "@include \"other.conf\"\n" TEAM(""), 1,
	  "@include, which is not supported" },
	{ "an include further down", "\n  @include \"other.conf\"\n", 2, "@include" },
	{ "typographic quotes", TEAM("hash = “ip-addresses”;"), 2, "characters beyond ASCII" },
	{ "a byte order mark", "\xef\xbb\xbf" TEAM(""), 1,
	  "found \"\\xef\\xbb\\xbf\": characters" },
	{ "a dollar sign", TEAM("$mtu = 1;"), 2, "found \"$\": a character that has no meaning" },
	{ "a control character", TEAM("\033[1m"), 2, "found \"\\x1b\"" },
	{ "a unit behind a number", TEAM("mtu = 9k;"), 2,
	  "found \"9k\": a number that does not end" },
	{ "a number with two points", TEAM("mtu = 1.5.2;"), 2, "found \"1.5.2\": a number that" },
	{ "a sign without a number", TEAM("mtu = -;"), 2, "a sign without a number" },
	{ "a number written with a NUL in a string", TEAM("hash = \"ip\\x00x\";"), 2, "NUL" },
	{ "a list nested too deep", "x = ((((((((((((((((((((1))))))))))))))))))));", 1,
	  "nested more than 16 deep" },
	{ "a key that comes twice", TEAM("mtu = 1500;\nmtu = 9000;"), 3, "duplicate setting name" },
	{ "an array of mixed types", "x = [ 1,\n\"a\" ];", 2, "mismatched element type" },

	/* Numbers that libconfig reads as another. */
	{ "a number beyond 32 bits", TEAM("mtu = 4294967297;"), 2,
	  "mtu is 4294967297: expected 0 or 68 to 65535" },
	{ "a number beyond 32 bits in a group", TEAM("lacp: { min_links = 4294967297; };"), 2,
	  "min_links is 4294967297: expected 1 to 32" },
	{ "a hexadecimal number beyond 32 bits", TEAM("mtu = 0x100000100;"), 2,
	  "mtu is 0x100000100: expected 0 or" },
	{ "a hexadecimal number with the sign bit", TEAM("mtu = 0xFFFFFFFF;"), 2, "0xFFFFFFFF" },
	{ "a number beyond 64 bits", TEAM("mtu = 18446744073709553116;"), 2,
	  "18446744073709553116" },
	{ "a number of a hundred digits",
	  TEAM("mtu = 1111111111222222222233333333334444444444"
	       "5555555555666666666677777777778888888888;"),
	  2, "mtu is 11111111112222222222333333333344444444445555…: expected" },
	{ "a long number beyond 32 bits", TEAM("mtu = 4294968796L;"), 2, "mtu is 4294968796L" },
	{ "a long number beyond the range", TEAM("mtu = 70000LL;"), 2, "mtu is 70000: expected" },
	{ "a number that could be octal", TEAM("mtu = 01500;"), 2, "without a leading zero" },
	{ "a negative number that could be octal", TEAM("mtu = -010;"), 2, "without a leading" },
	{ "a large number of an unknown key", TEAM("mtv = 4294967297;"), 2, "-2147483648 to" },

	/* Keys. */
	{ "an unknown key near to one", TEAM("mtv = 1;"), 2,
	  "unknown key \"mtv\": did you mean \"mtu\"?" },
	{ "a key with hyphens", TEAM("lacp: { min-links = 1; };"), 2,
	  "did you mean \"min_links\"?" },
	{ "a key in capitals", TEAM("MTU = 1500;"), 2, "did you mean \"mtu\"?" },
	{ "two letters swapped", TEAM("lacp: { kye = 1; };"), 2,
	  "unknown key \"lacp.kye\": did you mean \"key\"?" },
	{ "a key of another group", TEAM("rate = \"fast\";"), 2,
	  "it belongs in lacp: { … } of a team" },
	{ "a key of a later version", TEAM("interfaces = ( );"), 2,
	  "unknown key \"interfaces\": expected a key of team: { … } in a file of the folder "
	  "conf.d, see yoke.conf(5)" },
	{ "a key of two groups", TEAM("interval_ms = 5;"), 2,
	  "it belongs in announce: { … } of a team or in monitor = ( { … } ) of a team" },
	{ "an unknown key of lacp", TEAM("lacp: { x = 1; };"), 2,
	  "expected rate, active, system_priority, system, key, min_links, max_links, select, "
	  "control, fallback or fallback_delay_ms" },
	{ "an unknown key of a member",
	  "team: { " M "members = ( { name = \"eno1\"; speed = 2; } ); };", 1,
	  "member 1: unknown key \"speed\": expected name, standby, priority, preferred, weight, "
	  "disabled or drain" },
	{ "an unknown key of the file", "bond: { };", 1,
	  "unknown key \"bond\": expected team or teams" },
	{ "a team's key in the file", "mtu = 1500;", 1, "it belongs in team: { … }" },
	{ "a host-wide key in conf.d", "log_level = \"info\";", 1, "it belongs in yoke.conf" },
	{ "a very long key", TEAM("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa = 1;"),
	  2, "unknown key \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…\"" },
	{ "a team without a name", "\nteam: { mode = \"lacp\"; " MEMBERS "};", 2,
	  "name is missing: expected the name of an interface" },
	{ "a team without a mode", "team: { name = \"t\"; " MEMBERS "};", 1,
	  "mode is missing: expected \"lacp\", \"static\" or \"switch-independent\"" },
	{ "a team without members", "team: { " M "};", 1, "members is missing: expected a list" },
	{ "a member without a name", "team: { " M "members = ( { name = \"eno1\"; },\n{ } ); };", 2,
	  "member 2: name is missing" },
	{ "a monitor without a type", TEAM("monitor = ( { up_delay_ms = 1; } );"), 2,
	  "monitor 1: type is missing" },
	{ "both team and teams", TEAM("") "teams = ( );", 4,
	  "found both \"team\" and \"teams\" (line 1): expected one" },

	/* Types. */
	{ "a team that is a number", "team = 1;", 1, "team is 1: expected a group" },
	{ "a team that is a list", "team = ( );", 1, "team is a list: expected a group" },
	{ "teams that are a group", "teams: { };", 1, "teams is a group: expected a list" },
	{ "a team in the list that is a string", "teams = (\n\"team0\" );", 2,
	  "team 1 is \"team0\": expected a group: { name = …; }" },
	{ "a string for a number", TEAM("mtu = \"9000\";"), 2,
	  "mtu is \"9000\": expected 0 or 68" },
	{ "a floating point number", TEAM("mtu = 1500.0;"), 2, "mtu is 1500: expected 0 or" },
	{ "a number with an exponent", TEAM("mtu = 9e3;"), 2, "mtu is 9000: expected 0 or" },
	{ "a bool for a number", TEAM("mtu = true;"), 2, "mtu is true: expected" },
	{ "a number for a bool", TEAM("lacp: { active = 1; };"), 2,
	  "lacp.active is 1: expected true or false" },
	{ "a word for a bool", TEAM("lacp: { active = \"yes\"; };"), 2, "expected true or false" },
	{ "a number for a word", TEAM("lacp: { rate = 1; };"), 2,
	  "lacp.rate is 1: expected \"fast\"" },
	{ "a group for a word", TEAM("lacp: { rate: { }; };"), 2,
	  "lacp.rate is a group: expected" },
	{ "an array for the members", "team: { " M "members = [ \"eno1\" ]; };", 1,
	  "members is an array: expected a list of 1 to 32 groups" },
	{ "members that are strings", "team: { " M "members = (\n\"eno1\", \"eno2\" ); };", 2,
	  "member 2 is \"eno2\": expected a group: { name = …; }" },
	{ "a string for the members", "team: { " M "members = \"eno1\"; };", 1,
	  "members is \"eno1\"" },
	{ "a list for a group", TEAM("lacp = ( );"), 2, "lacp is a list: expected a group" },
	{ "a group for a list", TEAM("monitor: { type = \"carrier\"; };"), 2,
	  "monitor is a group" },
	{ "a monitor that is a number", TEAM("monitor = ( 1 );"), 2,
	  "monitor 1 is 1: expected a group" },

	/* Words and ranges. */
	{ "a word that is not", TEAM("lacp: { rate = \"quick\"; };"), 2,
	  "lacp.rate is \"quick\": expected \"fast\" or \"slow\"" },
	{ "a word in capitals", TEAM("lacp: { rate = \"Fast\"; };"), 2, "lacp.rate is \"Fast\"" },
	{ "an empty word", TEAM("hash = \"\";"), 2,
	  "hash is \"\": expected \"transport-ports\", " },
	{ "a word that goes on", TEAM("hash = \"ip-addresses \";"), 2,
	  "hash is \"ip-addresses \"" },
	{ "a word with control characters", TEAM("hash = \"\\x1b[2J\";"), 2,
	  "hash is \"\\x1b[2J\"" },
	{ "a mode that there is not", "team: { name = \"t\"; mode = \"roundrobin\";\n" MEMBERS "};",
	  1, "mode is \"roundrobin\": expected \"lacp\", \"static\" or \"switch-independent\"" },
	{ "the settings of LACP in another mode", STATIC_TEAM("mtu = 1500;\nlacp: { };"), 3,
	  "lacp goes with mode \"lacp\", and mode is \"static\"" },
	{ "a key of LACP in another mode", STATIC_TEAM("lacp: { rate = \"fast\"; };"), 2,
	  "lacp goes with mode \"lacp\", and mode is \"static\"" },
	{ "a key of LACP outside of its group", STATIC_TEAM("min_links = 1;"), 2,
	  "unknown key \"min_links\"" },
	{ "a standby member in a static team",
	  "team: { " S
	  "members = ( { name = \"eno1\"; },\n{ name = \"eno2\"; standby = true; } ); };",
	  2,
	  "member 2: standby goes with mode \"lacp\" or \"switch-independent\", and mode is "
	  "\"static\": the switch sends on "
	  "every link of a static aggregation that is up" },
	{ "a priority in a static team",
	  "team: { " S "members = ( { name = \"eno1\";\npriority = 1; } ); };", 2,
	  "member 1: priority goes with mode \"lacp\" or \"switch-independent\", and mode is "
	  "\"static\"" },
	{ "a balance that there is not", TEAM("balance = \"round-robin\";"), 2,
	  "balance is \"round-robin\": expected \"address-hash\", \"vm-port\" or \"dynamic\"" },
	{ "a datapath that there is not", TEAM("datapath = \"xdp\";"), 2,
	  "expected \"auto\", \"bpf\" or \"team\"" },
	{ "an MTU that is too small", TEAM("mtu = 67;"), 2,
	  "mtu is 67: expected 0 or 68 to 65535" },
	{ "an MTU that is too large", TEAM("mtu = 65536;"), 2, "mtu is 65536" },
	{ "a negative MTU", TEAM("mtu = -1;"), 2, "mtu is -1" },
	{ "a port priority that is too large",
	  "team: { " M "members = ( { name = \"eno1\"; priority = 65536; } ); };", 1,
	  "member 1: priority is 65536: expected 0 to 65535" },
	{ "no links", TEAM("lacp: { min_links = 0; };"), 2,
	  "lacp.min_links is 0: expected 1 to 32" },
	{ "too many links", TEAM("lacp: { max_links = 33; };"), 2, "lacp.max_links is 33" },
	{ "a delay that is too long", TEAM("lacp: { fallback_delay_ms = 3600001; };"), 2,
	  "0 to 3600000" },
	{ "an up delay that is too long",
	  TEAM("monitor = ( { type = \"carrier\"; up_delay_ms = 60001; } );"), 2,
	  "monitor 1: up_delay_ms is 60001: expected 0 to 60000" },
	{ "a negative down delay",
	  TEAM("monitor = ( { type = \"carrier\"; down_delay_ms = -1; } );"), 2,
	  "down_delay_ms is -1" },
	{ "a key that is too large", TEAM("lacp: { key = 65536; };"), 2, "lacp.key is 65536" },

	/* Names and addresses. */
	{ "an empty name", "team: { name = \"\"; mode = \"lacp\"; " MEMBERS "};", 1,
	  "name is \"\": expected the name of an interface: 1 to 15 characters" },
	{ "a name of 16 characters",
	  "team: { name = \"team567890123456\"; mode = \"lacp\"; " MEMBERS "};", 1,
	  "name is \"team567890123456\": expected" },
	{ "a name with a slash", "team: { name = \"a/b\"; mode = \"lacp\"; " MEMBERS "};", 1,
	  "\"a/b\"" },
	{ "a name with a space", "team: { name = \"a b\"; mode = \"lacp\"; " MEMBERS "};", 1,
	  "\"a b\"" },
	{ "a name with a colon", "team: { name = \"a:b\"; mode = \"lacp\"; " MEMBERS "};", 1,
	  "\"a:b\"" },
	{ "a name that is a pattern", "team: { name = \"t%d\"; mode = \"lacp\"; " MEMBERS "};", 1,
	  "\"t%d\"" },
	{ "a name that is a point", "team: { name = \".\"; mode = \"lacp\"; " MEMBERS "};", 1,
	  "\".\"" },
	{ "a name that is two points", "team: { name = \"..\"; mode = \"lacp\"; " MEMBERS "};", 1,
	  "\"..\"" },
	{ "the name all", "team: { name = \"all\"; mode = \"lacp\"; " MEMBERS "};", 1, "\"all\"" },
	{ "the name default", "team: { name = \"default\"; mode = \"lacp\"; " MEMBERS "};", 1,
	  "default" },
	{ "a name beyond ASCII", "team: { name = \"größe\"; mode = \"lacp\"; " MEMBERS "};", 1,
	  "name is \"gr\\xc3\\xb6\\xc3\\x9fe\": expected" },
	{ "the name of a hidden peer", "team: { name = \"yk12\"; mode = \"lacp\"; " MEMBERS "};", 1,
	  "name is \"yk12\": \"yk\" and a number is kept" },
	{ "a member with a bad name", "team: { " M "members = ( { name = \"eno 1\"; } ); };", 1,
	  "member 1: name is \"eno 1\"" },
	{ "an address of five octets", TEAM("mac = \"02:00:00:00:00\";"), 2,
	  "mac is \"02:00:00:00:00\": expected \"auto\" or a unicast address" },
	{ "a multicast address", TEAM("mac = \"01:00:5e:00:00:01\";"), 2,
	  "expected \"auto\" or a unicast" },
	{ "the broadcast address", TEAM("lacp: { system = \"ff:ff:ff:ff:ff:ff\"; };"), 2,
	  "lacp.system is" },
	{ "the zero address", TEAM("lacp: { system = \"00:00:00:00:00:00\"; };"), 2,
	  "lacp.system is" },
	{ "an address with hyphens", TEAM("mac = \"02-00-00-00-00-01\";"), 2, "mac is \"02-00" },
	{ "an address that is a number", TEAM("mac = 2;"), 2, "mac is 2: expected \"auto\" or" },

	/* Across keys and teams. */
	{ "no members at all", "team: { " M "members = ( ); };", 1,
	  "members has 0 entries: expected a list of 1 to 32 groups" },
	{ "a member that comes twice",
	  "team: { " M "members = ( { name = \"eno1\"; },\n{ name = \"eno1\"; } ); };", 2,
	  "member 2: name is \"eno1\", which is member 1 already (line 1)" },
	{ "a team in itself",
	  "team: { " M "members = ( { name = \"eno1\"; },\n{ name = \"team0\"; } ); };", 2,
	  "member 2: name is \"team0\", which is the team itself" },
	{ "only standby members",
	  "team: { " M "\nmembers = ( { name = \"eno1\"; standby = true; } ); };", 2,
	  "every member is standby: expected at least one that is not" },
	{ "more min_links than members", TEAM("lacp: { min_links = 3; };"), 2,
	  "lacp.min_links is 3: expected at most 2, the number of members" },
	{ "more min_links than members that are not standby",
	  "team: { " M "members = ( { name = \"a\"; }, { name = \"b\"; standby = true; } );\n"
	  "lacp: { min_links = 2; }; };",
	  2,
	  "lacp.min_links is 2: expected at most 1, the number of members that are not standby" },
	{ "fewer max_links than min_links", TEAM("lacp: { min_links = 2;\nmax_links = 1; };"), 3,
	  "lacp.max_links is 1: expected at least 2, as lacp.min_links has it" },
	{ "two teams of one name",
	  "teams = ( { " M MEMBERS "},\n{ " M "members = ( { name = \"c\"; } ); } );", 3,
	  "name is \"team0\", which is a team already (test.conf:1)" },
	{ "a member of two teams",
	  "teams = ( { " M "\n" MEMBERS "},\n{ name = \"t1\"; mode = \"lacp\"; " MEMBERS "} );", 4,
	  "member 1: name is \"eno1\", which is a member of \"team0\" (test.conf:2)" },
	{ "a team that is a member of one before it",
	  "teams = ( { " M MEMBERS
	  "},\n{ name = \"eno2\"; mode = \"lacp\"; members = ( { name = \"c\"; } ); } );",
	  3, "name is \"eno2\", which is a member of \"team0\" (test.conf:1)" },
	{ "a member that is a team before it",
	  "teams = ( { " M MEMBERS
	  "},\n{ name = \"t1\"; mode = \"lacp\"; members = ( { name = \"team0\"; } ); } );",
	  3, "member 1: name is \"team0\", which is a team itself (test.conf:1)" },
	{ "two teams of one key",
	  "teams = ( { " M MEMBERS
	  "lacp: { key = 5; }; },\n{ name = \"t1\"; mode = \"lacp\"; members = ( { name = "
	  "\"c\"; } );\nlacp: { key = 5; }; } );",
	  4, "lacp.key is 5, which is that of \"team0\" (test.conf:2): expected another, or 0" },
};

START_TEST(a_mistake_is_told_with_its_line)
{
	expect_mistake(&mistakes[_i], CONFIG_KIND_TEAMS);
}
END_TEST

static const struct mistake host_mistakes[] = {
	{ "a team in the main file", TEAM(""), 1,
	  "unknown key \"team\": it belongs in a file of the" },
	{ "an unknown key", "\npoll = 1;", 2,
	  "unknown key \"poll\": expected carrier_poll_ms or log_level" },
	{ "a slip", "carrier_pol_ms = 1;", 1, "did you mean \"carrier_poll_ms\"?" },
	{ "polling without a pause", "carrier_poll_ms = 0;", 1,
	  "carrier_poll_ms is 0: expected 1 to 1000" },
	{ "polling too seldom", "carrier_poll_ms = 1001;", 1, "carrier_poll_ms is 1001" },
	{ "a level that is not", "log_level = \"trace\";", 1,
	  "log_level is \"trace\": expected \"error\", \"warning\", \"notice\", \"info\" or "
	  "\"debug\"" },
};

START_TEST(a_mistake_in_the_main_file_is_told_too)
{
	expect_mistake(&host_mistakes[_i], CONFIG_KIND_HOST);
}
END_TEST

/* A row whose mistake is one must not drag others along. */
START_TEST(one_mistake_is_told_once)
{
	struct config *config = NULL;
	struct config_problems problems;
	static const char *const texts[] = {
		TEAM("mtu = 4294967297;"),        TEAM("mtu = 0x100000001;"), TEAM("mtu = 010;"),
		TEAM("lacp: { rate = \"x\"; };"), TEAM("mtv = 1;"),           TEAM("mtu ="),
	};

	ck_assert_int_eq(parse_as(texts[_i], CONFIG_KIND_TEAMS, &config, &problems), -EINVAL);
	ck_assert_msg(problems.n_errors == 1, "%s%s", texts[_i], tell(&problems));
}
END_TEST

START_TEST(all_mistakes_are_told_in_the_order_of_the_lines)
{
	struct config *config = NULL;
	struct config_problems problems;
	const char *text = "team: {\n name = \"a b\";\n mode = \"round\";\n mtu = 9;\n"
			   " members = ( { name = \"eno1\"; speed = 1; },\n  { name = \"\"; } );\n"
			   " lacp: { rate = 1;\n  key = 99999999999; };\n};\nrubbish = 1;\n";

	ck_assert_int_eq(parse_as(text, CONFIG_KIND_TEAMS, &config, &problems), -EINVAL);
	ck_assert_msg(problems.n_errors == 8, "%u:%s", problems.n_errors, tell(&problems));
	for (unsigned i = 1; i < problems.n; i++)
		ck_assert_uint_ge(problems.problems[i].line, problems.problems[i - 1].line);
	ck_assert_uint_eq(problems.problems[0].line, 2);
	ck_assert_uint_eq(problems.problems[7].line, 10);
	ck_assert_str_eq(problems.problems[0].file, "test.conf");
}
END_TEST

struct doubt {
	const char *what;
	const char *text;
	unsigned line;
	const char *words;
};

static const struct doubt doubts[] = {
	{ "an empty file", "", 0, "the file describes no team" },
	{ "a file of comments", "# nothing\n/* here */ // at all", 0,
	  "the file describes no team" },
	{ "an empty list of teams", "teams = ( );", 0, "the file describes no team" },
	{ "fallback all", TEAM("lacp: { fallback = \"all\"; };"), 2,
	  "lacp.fallback is \"all\": while" },
	{ "a standby that LACP prefers",
	  "team: { " M
	  "members = ( { name = \"a\"; },\n{ name = \"b\"; standby = true; priority = 255; } ); };",
	  2,
	  "member 2: priority is 255, so that LACP may prefer the standby \"b\" to \"a\" (255)" },
	{ "more max_links than may be",
	  "team: { " M "members = ( { name = \"a\"; }, { name = \"b\"; standby = true; } );\n"
	  "lacp: { max_links = 2; }; };",
	  2, "lacp.max_links is 2, but only 1 members are not standby" },
	{ "only disabled members",
	  "team: { " M "\nmembers = ( { name = \"a\"; disabled = true; } ); };", 2,
	  "every member is disabled" },
};

START_TEST(what_is_doubtful_is_a_warning)
{
	const struct doubt *doubt = &doubts[_i];
	struct config *config = NULL;
	struct config_problems problems;

	ck_assert_msg(parse_as(doubt->text, CONFIG_KIND_TEAMS, &config, &problems) == 0, "%s:%s",
		      doubt->what, tell(&problems));
	ck_assert_uint_eq(problems.n_warnings, 1);
	ck_assert_msg(has_problem(&problems, true, doubt->line, doubt->words), "%s:%s", doubt->what,
		      tell(&problems));
	config_free(config);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config/bad");
	TCase *tcase = tcase_create("bad");

	tcase_add_loop_test(tcase, a_mistake_is_told_with_its_line, 0, ARRAY_SIZE(mistakes));
	tcase_add_loop_test(tcase, a_mistake_in_the_main_file_is_told_too, 0,
			    ARRAY_SIZE(host_mistakes));
	tcase_add_loop_test(tcase, one_mistake_is_told_once, 0, 6);
	tcase_add_test(tcase, all_mistakes_are_told_in_the_order_of_the_lines);
	tcase_add_loop_test(tcase, what_is_doubtful_is_a_warning, 0, ARRAY_SIZE(doubts));
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
