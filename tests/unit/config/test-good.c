/* Files that are right: each key reaches its field, and what is left out has its default. */
#include "tests/unit/config/config-test.h"

START_TEST(a_team_of_two_keys_and_a_member_has_the_defaults)
{
	struct config *config = parse_good(TEAM_WITH(""));
	const struct config_team *team = &config->teams[0];

	ck_assert_uint_eq(config->n_teams, 1);
	ck_assert_uint_eq(config->carrier_poll_ms, 10);
	ck_assert_int_eq(config->log_level, 6);
	ck_assert_str_eq(team->name, "team0");
	ck_assert_int_eq(team->mode, CONFIG_MODE_LACP);
	ck_assert_int_eq(team->balance, CONFIG_BALANCE_ADDRESS_HASH);
	ck_assert_int_eq(team->hash, HASH_TRANSPORT_PORTS);
	ck_assert_str_eq(team->datapath, "auto");
	ck_assert_uint_eq(team->mtu, 0);
	ck_assert(team->mac_auto);
	ck_assert_uint_eq(team->up_delay_ms, 0);
	ck_assert_uint_eq(team->down_delay_ms, 0);
	ck_assert_str_eq(team->file, "test.conf");
	ck_assert_uint_eq(team->line, 1);
	config_free(config);
}
END_TEST

START_TEST(lacp_has_its_defaults)
{
	struct config *config = parse_good(TEAM_WITH(""));
	const struct config_lacp *lacp = &config->teams[0].lacp;

	ck_assert(lacp->fast);
	ck_assert(lacp->active);
	ck_assert_uint_eq(lacp->system_priority, 32768);
	ck_assert(lacp->system_auto);
	ck_assert_uint_eq(lacp->key, 0);
	ck_assert_uint_eq(lacp->min_links, 1);
	ck_assert_uint_eq(lacp->max_links, 32);
	ck_assert_int_eq(lacp->select, LACP_SELECT_BANDWIDTH);
	ck_assert(!lacp->independent);
	ck_assert_int_eq(lacp->fallback, LACP_FALLBACK_NONE);
	ck_assert_uint_eq(lacp->fallback_delay_ms, 90000);
	config_free(config);
}
END_TEST

START_TEST(a_member_has_its_defaults)
{
	struct config *config = parse_good(TEAM_WITH(""));
	const struct config_member *member = &config->teams[0].members[0];

	ck_assert_uint_eq(config->teams[0].n_members, 1);
	ck_assert_str_eq(member->name, "eno1");
	ck_assert(!member->standby);
	ck_assert(!member->disabled);
	ck_assert(!member->drain);
	ck_assert_uint_eq(member->priority, 255);
	config_free(config);
}
END_TEST

START_TEST(a_new_team_is_as_one_read_without_keys)
{
	struct config *config = parse_good(TEAM_WITH(""));
	struct config_team *read = &config->teams[0];
	struct config_team team;

	config_team_init(&team, "team0");
	read->n_members = 0;
	memset(read->members, 0, sizeof(read->members));
	memset(read->file, 0, sizeof(read->file));
	read->line = 0;
	ck_assert_mem_eq(read, &team, sizeof(team));
	config_free(config);
}
END_TEST

START_TEST(each_key_of_a_team_reaches_its_field)
{
	struct config *config =
		parse_good("\nteam = { name = \"t\"; mode = \"lacp\"; balance = \"address-hash\";"
			   "hash = \"mac-addresses\"; datapath = \"bpf\"; mtu = 9000; mac = "
			   "\"02:00:00:00:00:05\";"
			   "members = ( { name = \"a\"; priority = 1; drain = true; },"
			   "            { name = \"b\"; disabled = true; standby = false; } );"
			   "monitor = ( { type = \"carrier\"; up_delay_ms = 60000; down_delay_ms = "
			   "20; } ); }");
	const struct config_team *team = &config->teams[0];
	const struct mac mac = { { 2, 0, 0, 0, 0, 5 } };

	ck_assert_str_eq(team->name, "t");
	ck_assert_int_eq(team->hash, HASH_MAC_ADDRESSES);
	ck_assert_str_eq(team->datapath, "bpf");
	ck_assert_uint_eq(team->mtu, 9000);
	ck_assert(!team->mac_auto);
	ck_assert(mac_equal(&team->mac, &mac));
	ck_assert_uint_eq(team->n_members, 2);
	ck_assert_uint_eq(team->members[0].priority, 1);
	ck_assert(team->members[0].drain);
	ck_assert(!team->members[0].disabled);
	ck_assert_str_eq(team->members[1].name, "b");
	ck_assert(team->members[1].disabled);
	ck_assert_uint_eq(team->members[1].priority, 255);
	ck_assert_uint_eq(team->up_delay_ms, 60000);
	ck_assert_uint_eq(team->down_delay_ms, 20);
	ck_assert_uint_eq(team->line, 2);
	config_free(config);
}
END_TEST

START_TEST(each_key_of_lacp_reaches_its_field)
{
	struct config *config = parse_good(
		"team: { name = \"t\"; mode = \"lacp\"; members = ( { name = \"a\"; }, { name = "
		"\"b\"; } );"
		"lacp: { rate = \"slow\"; active = false; system_priority = 0; "
		"system = \"02:00:00:00:00:07\"; key = 65535; min_links = 2; max_links = 2;"
		"select = \"stable\"; control = \"independent\"; fallback = \"one\"; "
		"fallback_delay_ms = 0; }; };");
	const struct config_lacp *lacp = &config->teams[0].lacp;

	ck_assert(!lacp->fast);
	ck_assert(!lacp->active);
	ck_assert_uint_eq(lacp->system_priority, 0);
	ck_assert(!lacp->system_auto);
	ck_assert_uint_eq(lacp->system.bytes[5], 7);
	ck_assert_uint_eq(lacp->key, 65535);
	ck_assert_uint_eq(lacp->min_links, 2);
	ck_assert_uint_eq(lacp->max_links, 2);
	ck_assert_int_eq(lacp->select, LACP_SELECT_STABLE);
	ck_assert(lacp->independent);
	ck_assert_int_eq(lacp->fallback, LACP_FALLBACK_ONE);
	ck_assert_uint_eq(lacp->fallback_delay_ms, 0);
	config_free(config);
}
END_TEST

START_TEST(host_wide_settings_reach_their_fields)
{
	struct config *config = NULL;
	struct config_problems problems;

	ck_assert_int_eq(parse_as("carrier_poll_ms = 1000;\nlog_level = \"debug\"",
				  CONFIG_KIND_HOST, &config, &problems),
			 0);
	ck_assert_uint_eq(config->carrier_poll_ms, 1000);
	ck_assert_int_eq(config->log_level, 7);
	ck_assert_uint_eq(problems.n, 0);
	config_free(config);
}
END_TEST

static const struct {
	const char *what;
	const char *text;
} spellings[] = {
	{ "a comment at the very end", TEAM_WITH("") " # the end" },
	{ "a comment of the other kind", TEAM_WITH("/* mtu = 1; */ // mtu = 2;") },
	{ "a comment with what would be wrong",
	  TEAM_WITH("# “mtu” = 0x100000001 @include \"x\" {(\n") },
	{ "lines of Windows", "team: {\r\n name = \"t\";\r\n mode = \"lacp\";\r\n"
			      "members = ( { name = \"a\"; } );\r\n}; # end\r\n" },
	{ "commas for semicolons",
	  "team: { name = \"t\", mode = \"lacp\", members = ( { name = \"a\" } ), }" },
	{ "no semicolons",
	  "team: { name = \"t\" mode = \"lacp\" members = ( { name = \"a\" } ) }" },
	{ "a hexadecimal number", TEAM_WITH("mtu = 0x2328;") },
	{ "a long number", TEAM_WITH("mtu = 9000L;") },
	{ "a number with a sign", TEAM_WITH("mtu = +9000;") },
	{ "bools in capitals", TEAM_WITH("lacp: { active = TRUE; };") },
	{ "an empty group", TEAM_WITH("lacp: { };") },
	{ "no monitor in the list", TEAM_WITH("monitor = ( );") },
	{ "a list of one team",
	  "teams = ( { name = \"t\"; mode = \"lacp\"; members = ( { name = \"a\"; } ); } );" },
	{ "an address in capitals", TEAM_WITH("mac = \"0A:BB:CC:DD:EE:FF\";") },
	{ "a name of 15 characters", "team: { name = \"team56789012345\"; mode = \"lacp\"; "
				     "members = ( { name = \"a.b-c_d@e#f!g'h\"; } ); };" },
	{ "an escape in a string", TEAM_WITH("hash = \"ip\\x2daddresses\";") },
};

START_TEST(what_libconfig_allows_is_allowed)
{
	struct config *config = NULL;
	struct config_problems problems;

	ck_assert_msg(parse_as(spellings[_i].text, CONFIG_KIND_TEAMS, &config, &problems) == 0,
		      "%s:%s", spellings[_i].what, tell(&problems));
	ck_assert_uint_eq(config->n_teams, 1);
	config_free(config);
}
END_TEST

START_TEST(a_standby_member_has_the_worst_priority_unless_it_is_given_one)
{
	struct config *config =
		parse_good("team: { name = \"t\"; mode = \"lacp\"; members = ( { name = \"a\"; },"
			   "{ name = \"b\"; standby = true; }, { priority = 500; standby = true; "
			   "name = \"c\"; },"
			   "{ name = \"d\"; priority = 255; standby = true } ); };");
	const struct config_member *members = config->teams[0].members;

	ck_assert_uint_eq(members[0].priority, 255);
	ck_assert_uint_eq(members[1].priority, 65535);
	ck_assert_uint_eq(members[2].priority, 500);
	ck_assert_uint_eq(members[3].priority, 255);
	config_free(config);
}
END_TEST

static const struct {
	unsigned max_links, regular, standby, effective;
} links[] = {
	{ 32, 4, 0, 4 }, { 2, 4, 0, 2 }, { 32, 2, 1, 2 }, { 1, 2, 2, 1 },
	{ 2, 1, 1, 1 },  { 4, 4, 4, 4 }, { 32, 0, 0, 1 },
};

START_TEST(standby_members_are_beyond_the_links_that_may_carry)
{
	struct config_team team;

	config_team_init(&team, "t");
	team.lacp.max_links = links[_i].max_links;
	team.n_members = links[_i].regular + links[_i].standby;
	for (unsigned i = links[_i].regular; i < team.n_members; i++)
		team.members[i].standby = true;
	ck_assert_uint_eq(config_lacp_effective_max_links(&team), links[_i].effective);
}
END_TEST

START_TEST(two_teams_of_no_key_are_no_conflict)
{
	struct config *config = parse_good(
		"teams = ( { name = \"t\"; mode = \"lacp\"; members = ( { name = \"a\"; } ); },"
		"{ name = \"u\"; mode = \"lacp\"; members = ( { name = \"b\"; } ); } );");

	ck_assert_uint_eq(config->n_teams, 2);
	ck_assert_str_eq(config->teams[1].name, "u");
	config_free(config);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config/good");
	TCase *tcase = tcase_create("good");

	tcase_add_test(tcase, a_team_of_two_keys_and_a_member_has_the_defaults);
	tcase_add_test(tcase, lacp_has_its_defaults);
	tcase_add_test(tcase, a_member_has_its_defaults);
	tcase_add_test(tcase, a_new_team_is_as_one_read_without_keys);
	tcase_add_test(tcase, each_key_of_a_team_reaches_its_field);
	tcase_add_test(tcase, each_key_of_lacp_reaches_its_field);
	tcase_add_test(tcase, host_wide_settings_reach_their_fields);
	tcase_add_loop_test(tcase, what_libconfig_allows_is_allowed, 0, ARRAY_SIZE(spellings));
	tcase_add_test(tcase, a_standby_member_has_the_worst_priority_unless_it_is_given_one);
	tcase_add_loop_test(tcase, standby_members_are_beyond_the_links_that_may_carry, 0,
			    ARRAY_SIZE(links));
	tcase_add_test(tcase, two_teams_of_no_key_are_no_conflict);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
