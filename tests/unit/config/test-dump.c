/* From teams to text and back, and the number that tells two configurations apart. */
#include "tests/unit/config/config-test.h"

#include "lib/base/cleanup.h"

static unsigned any(unsigned *seed, unsigned below)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 8) % below;
}

static struct mac any_mac(unsigned *seed)
{
	struct mac mac = { { 2 } };

	for (unsigned i = 1; i < MAC_SIZE; i++)
		mac.bytes[i] = (uint8_t)any(seed, 256);
	return mac;
}

static void any_members(struct config_team *team, unsigned *seed)
{
	team->n_members = 1 + any(seed, CONFIG_MEMBERS_MAX);
	for (unsigned i = 0; i < team->n_members; i++) {
		struct config_member *member = &team->members[i];

		(void)snprintf(member->name, sizeof(member->name), "\"\\n%u\\", i);
		member->standby = i > 0 && any(seed, 3) == 0;
		member->priority = (uint16_t)any(seed, 65536);
		member->weight = any(seed, 1000001);
		member->disabled = any(seed, 2);
		member->drain = any(seed, 2);
	}
}

static void any_lacp(struct config_lacp *lacp, unsigned *seed)
{
	lacp->fast = any(seed, 2);
	lacp->active = any(seed, 2);
	lacp->system_priority = (uint16_t)any(seed, 65536);
	lacp->system_auto = any(seed, 2);
	if (!lacp->system_auto)
		lacp->system = any_mac(seed);
	lacp->key = (uint16_t)any(seed, 65536);
	lacp->max_links = 1 + any(seed, 32);
	lacp->select = any(seed, 3);
	lacp->independent = any(seed, 2);
	lacp->fallback = any(seed, 3);
	lacp->fallback_delay_ms = any(seed, 3600001);
}

static struct config_address any_target(bool v6, unsigned number, unsigned *seed)
{
	struct config_address address = { .v6 = v6, .bytes = { 10 } };

	address.bytes[0] = v6 ? 0xfd : 10;
	address.bytes[v6 ? 15 : 3] = (uint8_t)(1 + number);
	address.bytes[1] = (uint8_t)any(seed, 256);
	return address;
}

static void any_probe(struct config_monitor *monitor, unsigned *seed)
{
	monitor->n_targets = 1 + any(seed, CONFIG_TARGETS_MAX);
	for (unsigned i = 0; i < monitor->n_targets; i++)
		monitor->targets[i] = any_target(monitor->type == CONFIG_MONITOR_ND, i, seed);
	monitor->interval_ms = 10 + any(seed, 59991);
	monitor->missed_max = 1 + any(seed, 100);
}

/* Number 'i' of them, each other than those before it. */
static void any_monitor(struct config_monitor *monitor, unsigned i, unsigned *seed)
{
	static const enum config_monitor_type types[] = {
		CONFIG_MONITOR_SPEED,  CONFIG_MONITOR_ARP, CONFIG_MONITOR_ND,
		CONFIG_MONITOR_ERRORS, CONFIG_MONITOR_ARP, CONFIG_MONITOR_ND,
		CONFIG_MONITOR_ERRORS, CONFIG_MONITOR_ARP,
	};

	monitor->type = types[i];
	switch (monitor->type) {
	case CONFIG_MONITOR_CARRIER:
		return;
	case CONFIG_MONITOR_ARP:
	case CONFIG_MONITOR_ND:
		any_probe(monitor, seed);
		monitor->vlan = (uint16_t)(i * 512 + any(seed, 500));
		return;
	case CONFIG_MONITOR_SPEED:
		monitor->min_speed_mbps = 1 + any(seed, 10000000);
		monitor->full_duplex = any(seed, 2);
		return;
	case CONFIG_MONITOR_ERRORS:
		monitor->errors_max = any(seed, 1000000001);
		monitor->interval_ms = 10 + i;
		return;
	}
}

static void any_monitors(struct config_team *team, unsigned *seed)
{
	team->up_delay_ms = any(seed, 60001);
	team->down_delay_ms = any(seed, 60001);
	team->monitor_policy = any(seed, 2);
	team->n_monitors = any(seed, CONFIG_MONITORS_MAX + 1);
	for (unsigned i = 0; i < team->n_monitors; i++)
		any_monitor(&team->monitors[i], i, seed);
}

static void any_balance(struct config_team *team, unsigned *seed)
{
	team->balance = any(seed, 3);
	if (team->balance == CONFIG_BALANCE_DYNAMIC)
		team->flowlet_gap_us = 50 + any(seed, 999951);
	if (team->balance == CONFIG_BALANCE_VM_PORT)
		return;
	team->hash = any(seed, 3);
	team->hash_inner = any(seed, 2);
}

static void any_damping(struct config_damping *damping, unsigned *seed)
{
	damping->flaps = any(seed, 1001);
	damping->period_ms = 1000 + any(seed, 3599001);
	damping->hold_down_ms = 100 + any(seed, 3599901);
	damping->hold_down_max_ms = damping->hold_down_ms + any(seed, 1000000);
}

/* Takes away what such a team does not have. */
static void make_static(struct config_team *team, unsigned *seed)
{
	team->mode = CONFIG_MODE_STATIC;
	team->min_active = any(seed, team->n_members + 1);
	for (unsigned i = 0; i < team->n_members; i++) {
		team->members[i].standby = false;
		team->members[i].priority = CONFIG_PRIORITY_DEFAULT;
	}
}

static void make_independent(struct config_team *team, unsigned *seed)
{
	team->mode = CONFIG_MODE_INDEPENDENT;
	team->min_active = any(seed, 2);
	team->fail_back = any(seed, 2);
	team->fail_back_delay_ms = any(seed, 3600001);
	team->announce_count = any(seed, 11);
	team->announce_interval_ms = 10 + any(seed, 9991);
	team->members[any(seed, team->n_members)].preferred = true;
}

/* A team that is right, whatever else it is. */
static struct config_team any_team(unsigned seed)
{
	struct config_team team;

	config_team_init(&team, "t\"\\x41\\");
	if (any(&seed, 2))
		strcpy(team.datapath, "bpf");
	team.transmit_direct = any(&seed, 2);
	team.mtu = any(&seed, 2) ? 0 : 68 + any(&seed, 65468);
	team.mac_auto = any(&seed, 2);
	if (!team.mac_auto)
		team.mac = any_mac(&seed);
	any_balance(&team, &seed);
	any_damping(&team.damping, &seed);
	any_monitors(&team, &seed);
	any_members(&team, &seed);
	switch (any(&seed, 3)) {
	case 0:
		make_static(&team, &seed);
		break;
	case 1:
		make_independent(&team, &seed);
		break;
	default:
		any_lacp(&team.lacp, &seed);
	}
	return team;
}

START_TEST(what_is_dumped_parses_back_to_the_same)
{
	struct config_team team = any_team((unsigned)_i);
	cleanup(freep) char *text = config_dump_team(&team);
	struct config *config = parse_good(text);
	struct config_team *parsed = &config->teams[0];

	ck_assert_uint_eq(config_team_fingerprint(parsed), config_team_fingerprint(&team));
	memset(parsed->file, 0, sizeof(parsed->file));
	parsed->line = 0;
	ck_assert_msg(memcmp(parsed, &team, sizeof(team)) == 0, "another team:\n%s", text);
	config_free(config);
}
END_TEST

START_TEST(a_dump_is_readable)
{
	static const char expected[] =
		"team: {\n"
		"\tname = \"team0\";\n"
		"\tmode = \"lacp\";\n"
		"\tbalance = \"address-hash\";\n"
		"\thash = \"transport-ports\";\n"
		"\thash_inner = false;\n"
		"\tdatapath = \"auto\";\n"
		"\ttransmit = \"counted\";\n"
		"\tmtu = 0;\n"
		"\tmac = \"auto\";\n"
		"\tmembers = (\n"
		"\t\t{ name = \"eno1\"; standby = false; priority = 255; weight = 0; disabled = "
		"false; "
		"drain = false; },\n"
		"\t\t{ name = \"eno2\"; standby = true; priority = 65535; weight = 0; disabled = "
		"false; "
		"drain = false; }\n"
		"\t);\n"
		"\tlacp = {\n"
		"\t\trate = \"fast\";\n"
		"\t\tactive = true;\n"
		"\t\tsystem_priority = 32768;\n"
		"\t\tsystem = \"02:00:00:00:00:09\";\n"
		"\t\tkey = 0;\n"
		"\t\tmin_links = 1;\n"
		"\t\tmax_links = 32;\n"
		"\t\tselect = \"bandwidth\";\n"
		"\t\tcontrol = \"coupled\";\n"
		"\t\tfallback = \"none\";\n"
		"\t\tfallback_delay_ms = 90000;\n"
		"\t};\n"
		"\tflap_damping = {\n"
		"\t\tflaps = 5;\n"
		"\t\tperiod_ms = 60000;\n"
		"\t\thold_down_ms = 10000;\n"
		"\t\thold_down_max_ms = 300000;\n"
		"\t};\n"
		"\tmonitor_policy = \"all\";\n"
		"\tmonitor = (\n"
		"\t\t{ type = \"carrier\"; up_delay_ms = 0; down_delay_ms = 0; }\n"
		"\t);\n"
		"};\n";
	struct config *config = parse_good(
		"team: { name = \"team0\"; mode = \"lacp\"; members = ( { name = \"eno1\"; }, "
		"{ name = \"eno2\"; standby = true; } ); lacp: { system = \"02:00:00:00:00:09\"; } "
		"};");
	cleanup(freep) char *text = config_dump_team(&config->teams[0]);

	ck_assert_str_eq(text, expected);
	config_free(config);
}
END_TEST

START_TEST(a_dump_has_what_the_team_can_have_and_no_more)
{
	static const char *const there[] = {
		"\tmode = \"switch-independent\";\n\tbalance = \"vm-port\";\n\tdatapath",
		"\tmin_active = 1;\n\tfail_back = \"at-once\";\n\tfail_back_delay_ms = 0;\n",
		"\tannounce = {\n\t\tcount = 3;\n\t\tinterval_ms = 200;\n\t};\n",
		"priority = 255; preferred = false; weight = 0;",
		"\tmonitor = (\n"
		"\t\t{ type = \"carrier\"; up_delay_ms = 0; down_delay_ms = 0; },\n"
		"\t\t{ type = \"nd\"; targets = ( \"fe80::1\", \"2001:db8::2\" ); interval_ms = "
		"1000; missed_max = 3; vlan = 0; },\n"
		"\t\t{ type = \"speed\"; min_speed_mbps = 0; full_duplex = true; },\n"
		"\t\t{ type = \"errors\"; interval_ms = 1000; errors_max = 2; }\n"
		"\t);\n",
	};
	struct config *config = parse_good(
		"team: { name = \"t\"; mode = \"switch-independent\"; balance = \"vm-port\"; "
		"members = ( { name = \"a\"; } ); monitor = ( { type = \"nd\"; targets = ( "
		"\"fe80::1\", \"2001:DB8::0:2\" ); }, { type = \"speed\"; full_duplex = true; }, { "
		"type = \"errors\"; errors_max = 2; } ); };");
	cleanup(freep) char *text = config_dump_team(&config->teams[0]);

	for (unsigned i = 0; i < ARRAY_SIZE(there); i++)
		ck_assert_msg(strstr(text, there[i]) != NULL, "expected %s\nin %s", there[i], text);
	ck_assert_ptr_null(strstr(text, "hash"));
	ck_assert_ptr_null(strstr(text, "lacp"));
	ck_assert_ptr_null(strstr(text, "flowlet"));
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

START_TEST(a_fingerprint_does_not_depend_on_where_and_how_it_is_written)
{
	uint64_t plain = fingerprint_of(TEAM_WITH(""));

	ck_assert_uint_eq(fingerprint_of("\n\n# a comment\n" TEAM_WITH("\n\n")), plain);
	ck_assert_uint_eq(fingerprint_of(TEAM_WITH("mtu = 0; lacp: { rate = \"fast\"; };")), plain);
	ck_assert_uint_eq(fingerprint_of(TEAM_WITH("monitor = ( { type = \"carrier\"; } );")),
			  plain);
	ck_assert_uint_eq(
		fingerprint_of("teams = ( { mode = \"lacp\"; members = ( { priority = 255; "
			       "name = \"eno1\"; } ); name = \"team0\"; } );"),
		plain);
}
END_TEST

/* The session of a former run hangs on it: another value for the same team is a defect. */
START_TEST(a_fingerprint_is_the_same_in_every_version)
{
	ck_assert_uint_eq(fingerprint_of(TEAM_WITH("")), UINT64_C(16628579012323595838));
	ck_assert_uint_eq(fingerprint_of(TEAM_WITH("mtu = 9000; mac = \"02:00:00:00:00:01\"; "
						   "datapath = \"bpf\"; lacp: { key = 5; };")),
			  UINT64_C(6592114964100605036));
}
END_TEST

static const char *const changes[] = {
	"",
	"hash = \"ip-addresses\";",
	"hash = \"mac-addresses\";",
	"datapath = \"bpf\";",
	"mtu = 1500;",
	"mac = \"02:00:00:00:00:01\";",
	"lacp: { system = \"02:00:00:00:00:01\"; };",
	"lacp: { rate = \"slow\"; };",
	"lacp: { active = false; };",
	"lacp: { system_priority = 1; };",
	"lacp: { key = 1; };",
	"lacp: { max_links = 1; };",
	"lacp: { select = \"count\"; };",
	"lacp: { control = \"independent\"; };",
	"lacp: { fallback = \"one\"; };",
	"lacp: { fallback_delay_ms = 1; };",
	"monitor = ( { type = \"carrier\"; up_delay_ms = 1; } );",
	"monitor = ( { type = \"carrier\"; down_delay_ms = 1; } );",
	"monitor = ( { type = \"arp\"; targets = ( \"10.0.0.1\" ); } );",
	"monitor = ( { type = \"arp\"; targets = ( \"10.0.0.2\" ); } );",
	"monitor = ( { type = \"arp\"; targets = ( \"10.0.0.1\", \"10.0.0.2\" ); } );",
	"monitor = ( { type = \"arp\"; targets = ( \"10.0.0.2\", \"10.0.0.1\" ); } );",
	"monitor = ( { type = \"arp\"; targets = ( \"10.0.0.1\" ); }, { type = \"arp\"; targets = "
	"( "
	"\"10.0.0.2\" ); } );",
	"monitor = ( { type = \"arp\"; targets = ( \"10.0.0.1\" ); vlan = 1; } );",
	"monitor = ( { type = \"arp\"; targets = ( \"10.0.0.1\" ); interval_ms = 1001; } );",
	"monitor = ( { type = \"arp\"; targets = ( \"10.0.0.1\" ); missed_max = 1; } );",
	"monitor = ( { type = \"nd\"; targets = ( \"fe80::1\" ); } );",
	"monitor = ( { type = \"speed\"; full_duplex = true; } );",
	"monitor = ( { type = \"speed\"; min_speed_mbps = 1; } );",
	"monitor = ( { type = \"errors\"; errors_max = 0; } );",
	"monitor = ( { type = \"errors\"; errors_max = 1; } );",
	"monitor_policy = \"any\";",
	"balance = \"vm-port\";",
	"balance = \"dynamic\";",
	"balance = \"dynamic\"; flowlet_gap_us = 51;",
	"hash_inner = true;",
	"transmit = \"direct\";",
	"flap_damping: { flaps = 1; };",
	"flap_damping: { period_ms = 1001; };",
	"flap_damping: { hold_down_ms = 1001; };",
	"flap_damping: { hold_down_max_ms = 10001; };",
};

/* New keys that say nothing new do not change it. */
START_TEST(a_fingerprint_knows_nothing_of_defaults_that_are_written_out)
{
	uint64_t plain = fingerprint_of(TEAM_WITH(""));

	ck_assert_uint_eq(fingerprint_of(TEAM_WITH("hash_inner = false; transmit = \"counted\"; "
						   "monitor_policy = \"all\"; monitor = ( ); "
						   "flap_damping: { flaps = 5; };")),
			  plain);
	ck_assert_uint_eq(fingerprint_of(TEAM_WITH("flap_damping: { };")), plain);
}
END_TEST

START_TEST(each_change_changes_the_fingerprint)
{
	char text[512];
	uint64_t fingerprints[ARRAY_SIZE(changes)];

	for (unsigned i = 0; i < ARRAY_SIZE(changes); i++) {
		(void)snprintf(text, sizeof(text), TEAM_WITH("%s"), changes[i]);
		fingerprints[i] = fingerprint_of(text);
		for (unsigned j = 0; j < i; j++)
			ck_assert_msg(fingerprints[i] != fingerprints[j], "%s\n%s", changes[i],
				      changes[j]);
	}
}
END_TEST

static const char *const members[] = {
	"{ name = \"a\"; }",
	"{ name = \"b\"; }",
	"{ name = \"a\"; drain = true; }",
	"{ name = \"a\"; disabled = true; }",
	"{ name = \"a\"; priority = 254; }",
	"{ name = \"a\"; }, { name = \"b\"; }",
	"{ name = \"b\"; }, { name = \"a\"; }",
	"{ name = \"a\"; }, { name = \"b\"; standby = true; }",
	"{ name = \"a\"; }, { name = \"b\"; priority = 65535; }",
	"{ name = \"ab\"; }",
	"{ name = \"a\"; weight = 1; }",
};

START_TEST(each_change_of_the_members_changes_the_fingerprint)
{
	char text[512];
	uint64_t fingerprints[ARRAY_SIZE(members)];

	for (unsigned i = 0; i < ARRAY_SIZE(members); i++) {
		(void)snprintf(text, sizeof(text),
			       "team: { name = \"t\"; mode = \"lacp\"; members = ( %s ); };",
			       members[i]);
		fingerprints[i] = fingerprint_of(text);
		for (unsigned j = 0; j < i; j++)
			ck_assert_msg(fingerprints[i] != fingerprints[j], "%s\n%s", members[i],
				      members[j]);
	}
}
END_TEST

/* What only a switch-independent team can have. */
static const char *const independent[] = {
	"",
	"min_active = 0;",
	"fail_back = \"never\";",
	"fail_back_delay_ms = 1;",
	"announce: { count = 2; };",
	"announce: { interval_ms = 2000; };",
	"announce: { count = 0; };",
};

START_TEST(each_change_of_a_switch_independent_team_changes_the_fingerprint)
{
	char text[512];
	uint64_t fingerprints[ARRAY_SIZE(independent)];

	for (unsigned i = 0; i < ARRAY_SIZE(independent); i++) {
		(void)snprintf(text, sizeof(text),
			       "team: { name = \"t\"; mode = \"switch-independent\"; members = ( { "
			       "name = \"a\"; } ); %s };",
			       independent[i]);
		fingerprints[i] = fingerprint_of(text);
		for (unsigned j = 0; j < i; j++)
			ck_assert_msg(fingerprints[i] != fingerprints[j], "%s\n%s", independent[i],
				      independent[j]);
	}
}
END_TEST

START_TEST(enums_have_the_words_of_the_configuration)
{
	ck_assert_str_eq(config_mode_name(CONFIG_MODE_LACP), "lacp");
	ck_assert_str_eq(config_mode_name(CONFIG_MODE_STATIC), "static");
	ck_assert_str_eq(config_mode_name(CONFIG_MODE_INDEPENDENT), "switch-independent");
	ck_assert_str_eq(config_balance_name(CONFIG_BALANCE_ADDRESS_HASH), "address-hash");
	ck_assert_str_eq(config_balance_name(CONFIG_BALANCE_VM_PORT), "vm-port");
	ck_assert_str_eq(config_balance_name(CONFIG_BALANCE_DYNAMIC), "dynamic");
	ck_assert_str_eq(config_fail_back_name(CONFIG_FAIL_BACK_NEVER), "never");
	ck_assert_str_eq(config_monitor_type_name(CONFIG_MONITOR_CARRIER), "carrier");
	ck_assert_str_eq(config_monitor_type_name(CONFIG_MONITOR_ERRORS), "errors");
	ck_assert_str_eq(config_monitor_policy_name(CONFIG_MONITOR_ANY), "any");
	ck_assert_str_eq(config_select_name(LACP_SELECT_BANDWIDTH), "bandwidth");
	ck_assert_str_eq(config_select_name(LACP_SELECT_COUNT), "count");
	ck_assert_str_eq(config_select_name(LACP_SELECT_STABLE), "stable");
	ck_assert_str_eq(config_fallback_name(LACP_FALLBACK_NONE), "none");
	ck_assert_str_eq(config_fallback_name(LACP_FALLBACK_ONE), "one");
	ck_assert_str_eq(config_fallback_name(LACP_FALLBACK_ALL), "all");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config/dump");
	TCase *tcase = tcase_create("dump");

	tcase_add_loop_test(tcase, what_is_dumped_parses_back_to_the_same, 0, 200);
	tcase_add_test(tcase, a_dump_is_readable);
	tcase_add_test(tcase, a_dump_has_what_the_team_can_have_and_no_more);
	tcase_add_test(tcase, a_fingerprint_does_not_depend_on_where_and_how_it_is_written);
	tcase_add_test(tcase, a_fingerprint_is_the_same_in_every_version);
	tcase_add_test(tcase, a_fingerprint_knows_nothing_of_defaults_that_are_written_out);
	tcase_add_test(tcase, each_change_changes_the_fingerprint);
	tcase_add_test(tcase, each_change_of_the_members_changes_the_fingerprint);
	tcase_add_test(tcase, each_change_of_a_switch_independent_team_changes_the_fingerprint);
	tcase_add_test(tcase, enums_have_the_words_of_the_configuration);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
