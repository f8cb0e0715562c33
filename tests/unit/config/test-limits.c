/* Sizes, numbers and bytes at their bounds, files that are cut, and the fuzzer's corpus. */
#include "tests/unit/config/config-test.h"

#include "lib/base/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

static int parse_bytes(const char *text, size_t size, struct config_problems *problems)
{
	struct config *config = NULL;
	int r = config_parse("test.conf", (struct span){ (const uint8_t *)text, size },
			     CONFIG_KIND_TEAMS, &config, problems);

	ck_assert_int_eq(config != NULL, r == 0);
	ck_assert_int_eq(problems->n_errors != 0, r != 0);
	config_free(config);
	return r;
}

/* 'unit' repeated between 'head' and 'tail', up to 'size' bytes. */
static char *repeat(const char *head, const char *unit, const char *tail, size_t size)
{
	char *text = malloc(size + 1);
	size_t at = strlen(head);

	ck_assert_ptr_nonnull(text);
	memcpy(text, head, at);
	for (; at + strlen(unit) + strlen(tail) <= size; at += strlen(unit))
		memcpy(text + at, unit, strlen(unit));
	strcpy(text + at, tail);
	return text;
}

#define MIB ((size_t)1024 * 1024)

START_TEST(a_file_of_a_mebibyte_is_read_and_one_byte_more_is_refused)
{
	struct config_problems problems;
	cleanup(freep) char *text = repeat(TEAM_WITH("") "\n", "#", "", MIB + 1);

	ck_assert_uint_eq(strlen(text), MIB + 1);
	ck_assert_int_eq(parse_bytes(text, MIB, &problems), 0);
	ck_assert_int_eq(parse_bytes(text, MIB + 1, &problems), -EINVAL);
	ck_assert_msg(
		has_problem(&problems, false, 0, "the file has 1048577 bytes: expected at most"),
		"%s", tell(&problems));
}
END_TEST

START_TEST(a_nul_byte_is_told_with_its_line)
{
	static const char text[] = "# one\n# two\n# th\0ree\n";
	struct config_problems problems;

	ck_assert_int_eq(parse_bytes(text, sizeof(text) - 1, &problems), -EINVAL);
	ck_assert_uint_eq(problems.n_errors, 1);
	ck_assert(has_problem(&problems, false, 3, "found a NUL byte: expected text"));
}
END_TEST

START_TEST(a_nul_in_a_string_does_not_cut_it)
{
	static const char text[] = "team: { name = \"team0\0x\"; };";
	struct config_problems problems;

	ck_assert_int_eq(parse_bytes(text, sizeof(text) - 1, &problems), -EINVAL);
	ck_assert(has_problem(&problems, false, 1, "NUL"));
}
END_TEST

/* What would take libconfig long, or its stack. */
static const struct {
	const char *what;
	const char *head, *unit, *tail;
	const char *words;
} heaps[] = {
	{ "opening brackets", "x = ", "(", "", "nested more than 16 deep" },
	{ "opening braces", "x = ", "{x=", "", "nested more than 16 deep" },
	{ "keys of one group", "", "a=1;", "", "more than 128 keys in one group" },
	{ "empty groups in a list", "teams = ( {}", ",{}", ");", "more than 1024 entries in one" },
	{ "numbers in a list", "x = ( 1", ",1", ");", "more than 1024 entries in one" },
	{ "numbers in an array", "x = [ 1", ",1", "];", "more than 1024 entries in one" },
	{ "numbers in the list of members", "team: { name = \"t\"; mode = \"lacp\"; members = ( 1",
	  ",1", "); };", "more than 1024 entries in one list" },
	{ "letters in a string", "x = \"", "a", "\";", "a string of more than 1024 bytes" },
	{ "backslashes in a string", "x = \"", "\\\\", "\";", "a string of more than 1024" },
	{ "letters in a key", "", "a", " = 1;", "unknown key \"aaaa" },
	{ "digits", "team: { mtu = 9", "0", "; };", "mtu is 9000000000" },
	{ "numbers that are misread", "x = ( 1", ",4294967297", ");", "x is 4294967297" },
	{ "lines", "x", "\n", "= 1;", "unknown key \"x\"" },
	{ "comments", "", "/**/", "x", "the file ends here" },
	{ "quotes", "", "\"", "", "found \"\"\"\": expected a key" },
};

START_TEST(a_heap_of_one_thing_is_an_error_soon)
{
	cleanup(freep) char *text = repeat(heaps[_i].head, heaps[_i].unit, heaps[_i].tail, MIB);
	struct config_problems problems;

	ck_assert_int_eq(parse_bytes(text, strlen(text), &problems), -EINVAL);
	ck_assert_msg(strstr(problems.problems[0].text, heaps[_i].words) != NULL, "%s:%s",
		      heaps[_i].what, tell(&problems));
}
END_TEST

START_TEST(a_group_has_up_to_128_keys)
{
	char text[2048] = "";
	struct config_problems problems;

	for (unsigned i = 0; i < 128; i++)
		(void)sprintf(text + strlen(text), "k%u = 1;\n", i);
	ck_assert_int_eq(parse_bytes(text, strlen(text), &problems), -EINVAL);
	ck_assert_uint_eq(problems.n_errors, 128);
	strcat(text, "more = 1;");
	ck_assert_int_eq(parse_bytes(text, strlen(text), &problems), -EINVAL);
	ck_assert_uint_eq(problems.n_errors, 1);
	ck_assert(has_problem(&problems, false, 129, "more than 128 keys in one group"));
}
END_TEST

/* The bounds of a list and of a string: what is unknown is told as that up to there. */
static const struct {
	const char *head, *unit, *tail;
	size_t size;
	const char *words;
} bounds[] = {
	{ "x = ( 1", ",1", " );", 7 + 2 * 1023 + 3, "unknown key \"x\"" },
	{ "x = ( 1", ",1", " );", 7 + 2 * 1024 + 3, "more than 1024 entries in one list" },
	{ "x = \"", "a", "\";", 5 + 1024 + 2, "unknown key \"x\"" },
	{ "x = \"", "a", "\";", 5 + 1025 + 2, "a string of more than 1024 bytes" },
};

START_TEST(a_list_and_a_string_have_their_bounds)
{
	cleanup(freep) char *text =
		repeat(bounds[_i].head, bounds[_i].unit, bounds[_i].tail, bounds[_i].size);
	struct config_problems problems;

	ck_assert_uint_eq(strlen(text), bounds[_i].size);
	ck_assert_int_eq(parse_bytes(text, strlen(text), &problems), -EINVAL);
	ck_assert_uint_eq(problems.n_errors, 1);
	ck_assert(has_problem(&problems, false, 1, bounds[_i].words));
}
END_TEST

START_TEST(no_more_problems_are_kept_than_there_is_room_for_but_all_are_counted)
{
	cleanup(freep) char *text = repeat("teams = ( 1", ",1", ");", 1000);
	struct config_problems problems;

	ck_assert_int_eq(parse_bytes(text, strlen(text), &problems), -EINVAL);
	ck_assert_uint_eq(problems.n, CONFIG_PROBLEMS_MAX);
	ck_assert_uint_eq(problems.n_errors, 494);
}
END_TEST

static void append_team(char *text, unsigned i, const char *lacp)
{
	(void)sprintf(text + strlen(text),
		      "{ name = \"t%u\"; mode = \"lacp\"; members = ( { name = \"m%u\"; } );\n"
		      "lacp: { %s }; },\n",
		      i, i, lacp);
}

START_TEST(an_error_finds_room_among_warnings)
{
	char text[16384] = "teams = (\n";
	struct config_problems problems;

	for (unsigned i = 0; i < CONFIG_TEAMS_MAX; i++)
		append_team(text, i, "fallback = \"all\";");
	append_team(text, 99, "rate = \"x\";");
	strcpy(strrchr(text, ','), " );");
	ck_assert_int_eq(parse_bytes(text, strlen(text), &problems), -EINVAL);
	ck_assert_uint_eq(problems.n_warnings, 64);
	ck_assert_uint_eq(problems.n_errors, 1);
	ck_assert_uint_eq(problems.n, CONFIG_PROBLEMS_MAX);
	ck_assert_msg(has_problem(&problems, false, 131, "lacp.rate is \"x\""), "%s",
		      tell(&problems));
}
END_TEST

static char *members(unsigned n)
{
	char *text = calloc(1, 4096);
	size_t at;

	ck_assert_ptr_nonnull(text);
	at = (size_t)sprintf(text, "team: { name = \"t\"; mode = \"lacp\"; members = ( ");
	for (unsigned i = 0; i < n; i++)
		at += (size_t)sprintf(text + at, "%s{ name = \"m%u\"; standby = %s; }",
				      i ? ", " : "", i, i ? "true" : "false");
	strcpy(text + at, " ); };");
	return text;
}

START_TEST(a_team_has_up_to_32_members)
{
	cleanup(freep) char *enough = members(32);
	cleanup(freep) char *too_many = members(33);
	struct config_problems problems;

	ck_assert_int_eq(parse_bytes(enough, strlen(enough), &problems), 0);
	ck_assert_int_eq(parse_bytes(too_many, strlen(too_many), &problems), -EINVAL);
	ck_assert(has_problem(&problems, false, 1,
			      "members has 33 entries: expected a list of 1 to 32"));
}
END_TEST

#define LACP "mode = \"lacp\"; "
#define INDEPENDENT "mode = \"switch-independent\"; "

/* The range of each number, from inside and from outside. */
static const struct {
	const char *format;
	long low, high;
} ranges[] = {
	{ LACP "mtu = %ld;", 68, 65535 },
	{ LACP "lacp: { system_priority = %ld; };", 0, 65535 },
	{ LACP "lacp: { key = %ld; };", 0, 65535 },
	{ LACP "lacp: { max_links = %ld; };", 1, 32 },
	{ LACP "lacp: { fallback_delay_ms = %ld; };", 0, 3600000 },
	{ LACP "monitor = ( { type = \"carrier\"; up_delay_ms = %ld; } );", 0, 60000 },
	{ LACP "monitor = ( { type = \"carrier\"; down_delay_ms = %ld; } );", 0, 60000 },
	{ LACP "monitor = ( { type = \"arp\"; targets = ( \"10.0.0.1\" ); interval_ms = %ld; } );",
	  10, 60000 },
	{ LACP "monitor = ( { type = \"nd\"; targets = ( \"fe80::1\" ); missed_max = %ld; } );", 1,
	  100 },
	{ LACP "monitor = ( { type = \"nd\"; targets = ( \"fe80::1\" ); vlan = %ld; } );", 0,
	  4094 },
	{ LACP "monitor = ( { type = \"speed\"; full_duplex = true; min_speed_mbps = %ld; } );", 0,
	  10000000 },
	{ LACP "monitor = ( { type = \"errors\"; errors_max = %ld; } );", 0, 1000000000 },
	{ LACP "balance = \"dynamic\"; flowlet_gap_us = %ld;", 50, 1000000 },
	{ LACP "flap_damping: { flaps = %ld; };", 0, 1000 },
	{ LACP "flap_damping: { period_ms = %ld; };", 1000, 3600000 },
	{ LACP "flap_damping: { hold_down_max_ms = 3600000; hold_down_ms = %ld; };", 100, 3600000 },
	{ LACP "flap_damping: { hold_down_ms = 100; hold_down_max_ms = %ld; };", 100, 86400000 },
	{ INDEPENDENT "fail_back_delay_ms = %ld;", 0, 3600000 },
	{ INDEPENDENT "announce: { count = %ld; };", 0, 10 },
	{ INDEPENDENT "announce: { interval_ms = %ld; };", 10, 10000 },
};

static int parse_number(unsigned i, long value)
{
	char keys[160];
	char text[512];
	struct config_problems problems;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)snprintf(keys, sizeof(keys), ranges[i].format, value);
#pragma GCC diagnostic pop
	(void)snprintf(text, sizeof(text),
		       "team: { name = \"team0\"; members = ( { name = \"eno1\"; } ); %s };", keys);
	return parse_bytes(text, strlen(text), &problems);
}

START_TEST(a_range_ends_where_it_should)
{
	unsigned i = (unsigned)_i;

	ck_assert_int_eq(parse_number(i, ranges[i].low), 0);
	ck_assert_int_eq(parse_number(i, ranges[i].high), 0);
	ck_assert_int_eq(parse_number(i, ranges[i].low - 1), -EINVAL);
	ck_assert_int_eq(parse_number(i, ranges[i].high + 1), -EINVAL);
	ck_assert_int_eq(parse_number(i, ranges[i].low + 4294967296), -EINVAL);
	ck_assert_int_eq(parse_number(i, -2147483648), -EINVAL);
}
END_TEST

static char *read_file(const char *folder, const char *name, size_t *size)
{
	char path[4096];
	char *text = malloc(2 * MIB);
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "r");
	ck_assert_msg(file && text, "cannot open %s", path);
	*size = fread(text, 1, 2 * MIB, file);
	(void)fclose(file);
	return text;
}

static const char *const whole_files[] = {
	"every-key.conf",
	"two-teams.conf",
	"lacp-four-nics.conf",
	"static-four-nics.conf",
	"active-standby.conf",
	"dynamic.conf",
	"switch-independent-two-switches.conf",
};

/* Right is what holds nothing but comments, and what ends behind the last bracket. */
START_TEST(a_file_cut_at_any_byte_is_right_or_an_error)
{
	char folder[4096];
	size_t size;
	cleanup(freep) char *text = NULL;
	const char *begin, *end;
	struct config_problems problems;

	(void)snprintf(folder, sizeof(folder), "%s/conf/examples", getenv("SOURCE_ROOT"));
	text = read_file(folder, whole_files[_i], &size);
	begin = (const char *)memmem(text, size, "\nteam", 5) + 1;
	end = (const char *)memrchr(text, ';', size);
	for (size_t cut = 0; cut <= size; cut++) {
		/* A copy of just that size, so that reading on would be noticed. */
		cleanup(freep) char *part = malloc(cut + 1);
		int r;

		memcpy(part, text, cut);
		r = parse_bytes(part, cut, &problems);
		ck_assert_msg((r == 0) == (text + cut <= begin || text + cut >= end),
			      "cut at %zu: %d%s", cut, r, tell(&problems));
	}
}
END_TEST

START_TEST(each_byte_of_a_file_may_be_any_other)
{
	static const char base[] =
		TEAM_WITH("mtu = 0x2328; lacp: { rate = \"slow\"; } /* x */ # y\n");
	struct config_problems problems;
	char text[sizeof(base)];

	for (size_t at = 0; at < sizeof(base) - 1; at++) {
		memcpy(text, base, sizeof(base));
		for (unsigned byte = 0; byte < 256; byte++) {
			text[at] = (char)byte;
			(void)parse_bytes(text, sizeof(text) - 1, &problems);
		}
	}
}
END_TEST

START_TEST(what_a_fuzzer_found_is_right_or_an_error)
{
	char folder[4096];
	struct config_problems problems;
	unsigned n = 0;
	DIR *dir;

	(void)snprintf(folder, sizeof(folder), "%s/tests/fuzz/config/corpus",
		       getenv("SOURCE_ROOT"));
	dir = opendir(folder);
	ck_assert_ptr_nonnull(dir);
	for (struct dirent *entry; (entry = readdir(dir)) != NULL; n++) {
		cleanup(freep) char *text = NULL;
		size_t size;

		if (entry->d_name[0] == '.')
			continue;
		text = read_file(folder, entry->d_name, &size);
		(void)parse_bytes(text, size, &problems);
	}
	(void)closedir(dir);
	ck_assert_uint_gt(n, 20);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config/limits");
	TCase *tcase = tcase_create("limits");

	/* Sanitizers and valgrind are slow. */
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, a_file_of_a_mebibyte_is_read_and_one_byte_more_is_refused);
	tcase_add_test(tcase, a_nul_byte_is_told_with_its_line);
	tcase_add_test(tcase, a_nul_in_a_string_does_not_cut_it);
	tcase_add_loop_test(tcase, a_heap_of_one_thing_is_an_error_soon, 0, ARRAY_SIZE(heaps));
	tcase_add_test(tcase, a_group_has_up_to_128_keys);
	tcase_add_loop_test(tcase, a_list_and_a_string_have_their_bounds, 0, ARRAY_SIZE(bounds));
	tcase_add_test(tcase, no_more_problems_are_kept_than_there_is_room_for_but_all_are_counted);
	tcase_add_test(tcase, an_error_finds_room_among_warnings);
	tcase_add_test(tcase, a_team_has_up_to_32_members);
	tcase_add_loop_test(tcase, a_range_ends_where_it_should, 0, ARRAY_SIZE(ranges));
	tcase_add_loop_test(tcase, a_file_cut_at_any_byte_is_right_or_an_error, 0,
			    ARRAY_SIZE(whole_files));
	tcase_add_test(tcase, each_byte_of_a_file_may_be_any_other);
	tcase_add_test(tcase, what_a_fuzzer_found_is_right_or_an_error);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
