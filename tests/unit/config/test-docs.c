/* The documents say what the table of keys says, and the examples are right. */
#include "tests/unit/config/config-test.h"

#include "daemon/config/schema.h"
#include "lib/base/cleanup.h"

#include <stdlib.h>

static char *read_source(const char *path)
{
	char full[4096];
	char *text;
	FILE *file;
	size_t n;

	ck_assert_ptr_nonnull(getenv("SOURCE_ROOT"));
	(void)snprintf(full, sizeof(full), "%s/%s", getenv("SOURCE_ROOT"), path);
	file = fopen(full, "r");
	ck_assert_msg(file != NULL, "cannot open %s", full);
	text = calloc(1, 65536);
	n = fread(text, 1, 65535, file);
	ck_assert_uint_gt(n, 0);
	ck_assert_uint_lt(n, 65535);
	(void)fclose(file);
	return text;
}

static void append(char *text, const char *words, size_t n)
{
	ck_assert_uint_lt(strlen(text) + n + 2, 1024);
	if (*text)
		strcat(text, " ");
	strncat(text, words, n);
}

/* The lines from 'at' to the next macro as one. Returns where that is. */
static const char *join_lines(const char *at, char text[static 1024])
{
	text[0] = '\0';
	while (*at && *at != '.') {
		size_t n = strcspn(at, "\n");

		append(text, at, n);
		at += n + (at[n] == '\n');
	}
	return at;
}

/* What the manual page must say of a key at least. */
static void describe(const struct schema_key *key, char text[static 1024])
{
	char expected[SCHEMA_TEXT_SIZE];
	char value[SCHEMA_TEXT_SIZE];
	char *dots;

	(void)schema_expected(key, expected);
	(void)schema_default_text(key, value);
	while ((dots = strstr(expected, "…")) != NULL)
		memcpy(dots, "...", 3);
	(void)snprintf(text, 1024, "%s%s%s. %s", expected,
		       key->required ? "; required"
		       : *value      ? "; default "
				     : "",
		       value, key->help);
}

/* Checks the item at 'at', and returns what follows it. */
static const char *check_item(const char *at, const struct schema_key *key)
{
	char item[64];
	char expected[1024];
	char text[1024];

	(void)snprintf(item, sizeof(item), ".It Ic %s\n", key->name);
	at = strstr(at, ".It ");
	ck_assert_msg(at && !strncmp(at, item, strlen(item)), "expected %sfound %.30s", item, at);
	at = join_lines(at + strlen(item), text);
	describe(key, expected);
	ck_assert_msg(!strncmp(text, expected, strlen(expected)),
		      "of %s:\nexpected %s\nfound    %s", key->name, expected, text);
	return at;
}

START_TEST(the_manual_page_has_each_key_with_its_range_default_and_help)
{
	const struct schema_section *section = schema_sections[_i];
	cleanup(freep) char *page = read_source("docs/man/yoke.conf.5");
	char mark[64];
	const char *at, *end, *next;

	(void)snprintf(mark, sizeof(mark), "\n.\\\" keys: %s\n", section->name);
	at = strstr(page, mark);
	ck_assert_msg(at != NULL, "no list of the keys of %s", section->name);
	end = strstr(at, "\n.El\n");
	ck_assert_ptr_nonnull(end);
	for (unsigned i = 0; i < section->n_keys; i++)
		at = check_item(at, &section->keys[i]);
	next = strstr(at, ".It ");
	ck_assert_msg(!next || next > end, "too many keys of %s", section->name);
}
END_TEST

/* Between the lines of the page's own example. */
START_TEST(the_example_of_the_manual_page_is_right)
{
	cleanup(freep) char *page = read_source("docs/man/yoke.conf.5");
	char *begin = strstr(page, ".Sh EXAMPLES");
	char *end;
	struct config *config;

	ck_assert_ptr_nonnull(begin);
	begin = strstr(begin, ".Bd");
	begin = strchr(begin, '\n');
	end = strstr(begin, ".Ed");
	*end = '\0';
	config = parse_good(begin);
	ck_assert_uint_eq(config->teams[0].n_members, 3);
	config_free(config);
}
END_TEST

START_TEST(the_shipped_settings_show_each_key_with_its_default)
{
	cleanup(freep) char *text = read_source("conf/yoke.conf");
	char line[512];
	char value[SCHEMA_TEXT_SIZE];

	for (unsigned i = 0; i < schema_host.n_keys; i++) {
		const struct schema_key *key = &schema_host.keys[i];

		(void)snprintf(line, sizeof(line), "\n#%s = %s;\n", key->name,
			       schema_default_text(key, value));
		ck_assert_msg(strstr(text, line) != NULL, "missing: %s", line);
	}
}
END_TEST

START_TEST(the_shipped_settings_are_right_also_without_the_comment_signs)
{
	cleanup(freep) char *text = read_source("conf/yoke.conf");
	struct config *config = NULL;
	struct config_problems problems;

	for (char *at = text; (at = strchr(at, '\n')) != NULL; at++)
		if (at[1] == '#' && at[2] != ' ')
			at[1] = ' ';
	ck_assert_msg(parse_as(text, CONFIG_KIND_HOST, &config, &problems) == 0, "%s",
		      tell(&problems));
	ck_assert_uint_eq(problems.n, 0);
	ck_assert_uint_eq(config->carrier_poll_ms, 10);
	ck_assert_int_eq(config->log_level, 6);
	config_free(config);
}
END_TEST

static const struct {
	const char *path;
	unsigned n_teams;
	unsigned n_members; /* Of the last team. */
} examples[] = {
	{ "conf/examples/active-standby.conf", 1, 3 },
	{ "conf/examples/dynamic.conf", 1, 4 },
	{ "conf/examples/every-key.conf", 2, 3 },
	{ "conf/examples/lacp-four-nics.conf", 1, 4 },
	{ "conf/examples/static-four-nics.conf", 1, 4 },
	{ "conf/examples/switch-independent-two-switches.conf", 1, 4 },
	{ "conf/examples/two-teams.conf", 2, 3 },
};

START_TEST(an_example_is_right)
{
	cleanup(freep) char *text = read_source(examples[_i].path);
	struct config *config = NULL;
	struct config_problems problems;

	ck_assert_msg(parse_as(text, CONFIG_KIND_TEAMS, &config, &problems) == 0, "%s",
		      tell(&problems));
	ck_assert_msg(problems.n == 0, "%s", tell(&problems));
	ck_assert_uint_eq(config->n_teams, examples[_i].n_teams);
	ck_assert_uint_eq(config->teams[config->n_teams - 1].n_members, examples[_i].n_members);
	config_free(config);
}
END_TEST

/* "	name = " somewhere in the text, outside of a comment. */
static bool is_set(const char *text, const char *name)
{
	char wanted[64];
	char other[64];

	(void)snprintf(wanted, sizeof(wanted), " %s = ", name);
	(void)snprintf(other, sizeof(other), " %s: ", name);
	for (const char *at = text; *at; at += strcspn(at, "\n") + 1) {
		size_t n = strcspn(at, "#\n");
		const char *hit = memmem(at, n, wanted, strlen(wanted));

		if (hit || memmem(at, n, other, strlen(other)))
			return true;
	}
	return false;
}

static void add_member(struct config_team *team, const char *name)
{
	struct config_member *member = &team->members[team->n_members++];

	schema_defaults(&schema_member, member);
	strcpy(member->name, name);
}

/* The first team of the example, from nothing but its name and members. */
static struct config_team plain_team(void)
{
	struct config_team team;

	config_team_init(&team, "team0");
	add_member(&team, "eno1");
	add_member(&team, "eno2");
	return team;
}

/* The second, from nothing but what has no default or cannot stand there with it. */
static struct config_team other_team(void)
{
	struct config *config = parse_good(
		"team: { name = \"team1\"; mode = \"switch-independent\"; balance = \"dynamic\"; "
		"members = ( { name = \"ens1f0\"; preferred = true; }, { name = \"ens1f1\"; }, { "
		"name = \"ens2f0\"; standby = true; } ); monitor = ( { type = \"arp\"; targets = ( "
		"\"192.0.2.1\", \"192.0.2.2\" ); }, { type = \"speed\"; full_duplex = true; }, { "
		"type "
		"= \"errors\"; errors_max = 100; } ); };");
	struct config_team team = config->teams[0];

	config_free(config);
	return team;
}

START_TEST(the_example_with_every_key_has_every_key_with_its_default)
{
	cleanup(freep) char *text = read_source("conf/examples/every-key.conf");
	struct config *config = parse_good(text);
	const struct config_team plain = plain_team(), other = other_team();

	for (unsigned i = 2; schema_sections[i]; i++)
		for (unsigned j = 0; j < schema_sections[i]->n_keys; j++)
			ck_assert_msg(is_set(text, schema_sections[i]->keys[j].name),
				      "%s is missing", schema_sections[i]->keys[j].name);
	ck_assert_uint_eq(config_team_fingerprint(&plain),
			  config_team_fingerprint(&config->teams[0]));
	ck_assert_uint_eq(config_team_fingerprint(&other),
			  config_team_fingerprint(&config->teams[1]));
	config_free(config);
}
END_TEST

/* The guard finds a number's range by its name, and by the section's if two have it. */
START_TEST(two_numbers_of_one_name_are_told_apart_by_their_section)
{
	for (unsigned i = 0; schema_sections[i]; i++)
		for (unsigned j = 0; j < schema_sections[i]->n_keys; j++) {
			const struct schema_section *section = schema_sections[i];
			const struct schema_key *key = &section->keys[j];

			ck_assert_uint_gt(strlen(key->help), 10);
			ck_assert(key->type != SCHEMA_NUMBER ||
				  schema_owner(key->name) == section ||
				  schema_find(&schema_team, section->name));
		}
}
END_TEST

/* Or the guard would not find it. */
START_TEST(a_section_is_named_as_its_key)
{
	for (unsigned i = 0; i < schema_team.n_keys; i++)
		if (schema_team.keys[i].section)
			ck_assert_str_eq(schema_team.keys[i].section->name,
					 schema_team.keys[i].name);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config/docs");
	TCase *tcase = tcase_create("docs");

	tcase_add_loop_test(tcase, the_manual_page_has_each_key_with_its_range_default_and_help, 0,
			    8);
	tcase_add_test(tcase, the_example_of_the_manual_page_is_right);
	tcase_add_test(tcase, the_shipped_settings_show_each_key_with_its_default);
	tcase_add_test(tcase, the_shipped_settings_are_right_also_without_the_comment_signs);
	tcase_add_loop_test(tcase, an_example_is_right, 0, ARRAY_SIZE(examples));
	tcase_add_test(tcase, the_example_with_every_key_has_every_key_with_its_default);
	tcase_add_test(tcase, two_numbers_of_one_name_are_told_apart_by_their_section);
	tcase_add_test(tcase, a_section_is_named_as_its_key);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
