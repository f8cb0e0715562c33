/* Which files are read, in which order, and what stands in their place. */
#include "tests/unit/config/config-test.h"

#include "lib/base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define TEAM(name, member)                                                             \
	"team: { name = \"" name "\"; mode = \"lacp\"; members = ( { name = \"" member \
	"\"; } ); };\n"

/* Each test runs in a folder of its own, as the current one. */
static char folder[] = "/tmp/yoke-config-XXXXXX";

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	ck_assert_int_eq(mkdir("conf.d", 0755), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void tear_down(void)
{
	(void)chdir("/");
	(void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static void load_fails(struct config_problems *problems)
{
	struct config *config = NULL;

	ck_assert_int_eq(config_load("yoke.conf", &config, problems), -EINVAL);
	ck_assert_ptr_null(config);
	ck_assert_uint_ge(problems->n_errors, 1);
}

static void expect_problem(const struct config_problems *problems, const char *file, unsigned line,
			   const char *words)
{
	for (unsigned i = 0; i < problems->n; i++)
		if (!strcmp(problems->problems[i].file, file) &&
		    problems->problems[i].line == line && strstr(problems->problems[i].text, words))
			return;
	ck_abort_msg("expected %s:%u: %s, got%s", file, line, words, tell(problems));
}

START_TEST(files_are_read_in_the_order_of_their_names)
{
	struct config *config = NULL;
	struct config_problems problems;

	write_file("yoke.conf", "carrier_poll_ms = 50;");
	write_file("conf.d/b.conf", TEAM("b", "x"));
	write_file("conf.d/a.conf", TEAM("a", "y"));
	write_file("conf.d/B.conf", TEAM("B", "z"));
	ck_assert_int_eq(config_load("yoke.conf", &config, &problems), 0);
	ck_assert_uint_eq(problems.n, 0);
	ck_assert_uint_eq(config->carrier_poll_ms, 50);
	ck_assert_uint_eq(config->n_teams, 3);
	ck_assert_str_eq(config->teams[0].name, "B");
	ck_assert_str_eq(config->teams[1].name, "a");
	ck_assert_str_eq(config->teams[2].name, "b");
	ck_assert_str_eq(config->teams[2].file, "conf.d/b.conf");
	config_free(config);
}
END_TEST

START_TEST(only_what_ends_in_conf_and_is_not_hidden_is_read)
{
	struct config *config = NULL;
	struct config_problems problems;

	write_file("conf.d/a.conf.example", "rubbish");
	write_file("conf.d/.a.conf", "rubbish");
	write_file("conf.d/a.conf~", "rubbish");
	write_file("conf.d/aconf", "rubbish");
	write_file("conf.d/a.conf", TEAM("a", "x"));
	ck_assert_int_eq(config_load("yoke.conf", &config, &problems), 0);
	ck_assert_uint_eq(config->n_teams, 1);
	ck_assert_uint_eq(config->carrier_poll_ms, 10);
	config_free(config);
}
END_TEST

START_TEST(without_any_file_there_is_a_warning)
{
	struct config *config = NULL;
	struct config_problems problems;

	ck_assert_int_eq(config_load("nowhere/yoke.conf", &config, &problems), 0);
	ck_assert_uint_eq(config->n_teams, 0);
	ck_assert_uint_eq(problems.n_warnings, 1);
	expect_problem(&problems, "nowhere/yoke.conf", 0, "neither this file nor a folder conf.d");
	config_free(config);
}
END_TEST

START_TEST(an_empty_folder_is_fine)
{
	struct config *config = NULL;
	struct config_problems problems;

	ck_assert_int_eq(config_load("yoke.conf", &config, &problems), 0);
	ck_assert_uint_eq(config->n_teams, 0);
	ck_assert_uint_eq(problems.n, 0);
	config_free(config);
}
END_TEST

START_TEST(one_bad_file_spoils_the_configuration_but_not_the_other_files_report)
{
	struct config_problems problems;

	write_file("yoke.conf", "log_level = 1;");
	write_file("conf.d/a.conf", TEAM("a", "x"));
	write_file("conf.d/b.conf", "\nrubbish");
	write_file("conf.d/c.conf", "team: { };");
	load_fails(&problems);
	ck_assert_str_eq(problems.problems[0].file, "yoke.conf");
	expect_problem(&problems, "yoke.conf", 1, "log_level is 1");
	expect_problem(&problems, "conf.d/b.conf", 2, "the file ends here");
	expect_problem(&problems, "conf.d/c.conf", 1, "name is missing");
}
END_TEST

START_TEST(a_team_in_two_files_is_told_with_both)
{
	struct config_problems problems;

	write_file("conf.d/a.conf", "\n" TEAM("a", "x"));
	write_file("conf.d/b.conf", "\n\n" TEAM("a", "y"));
	load_fails(&problems);
	ck_assert_uint_eq(problems.n_errors, 1);
	expect_problem(&problems, "conf.d/b.conf", 3, "which is a team already (conf.d/a.conf:2)");
}
END_TEST

START_TEST(a_member_in_two_files_is_told_with_both)
{
	struct config_problems problems;

	write_file("conf.d/a.conf", "\n" TEAM("a", "x"));
	write_file("conf.d/b.conf", TEAM("b", "x"));
	load_fails(&problems);
	expect_problem(&problems, "conf.d/b.conf", 1, "a member of \"a\" (conf.d/a.conf:2)");
}
END_TEST

static void make_folder(const char *path)
{
	ck_assert_int_eq(mkdir(path, 0755), 0);
}

static void make_pipe(const char *path)
{
	ck_assert_int_eq(mkfifo(path, 0644), 0);
}

static void make_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, path);
	ck_assert_int_eq(bind(fd, (const void *)&address, sizeof(address)), 0);
	(void)close(fd);
}

static void make_dangling_link(const char *path)
{
	ck_assert_int_eq(symlink("nowhere", path), 0);
}

static void make_circle(const char *path)
{
	ck_assert_int_eq(symlink(strrchr(path, '/') ? strrchr(path, '/') + 1 : path, path), 0);
}

static void make_device_link(const char *path)
{
	ck_assert_int_eq(symlink("/dev/zero", path), 0);
}

/* Sparse, so it takes no room. */
static void make_huge(const char *path)
{
	write_file(path, "");
	ck_assert_int_eq(truncate(path, 100l * 1024 * 1024), 0);
}

static const struct {
	const char *what;
	void (*make)(const char *path);
	const char *words;
} obstacles[] = {
	{ "a folder", make_folder, "found a folder: expected a file" },
	{ "a named pipe", make_pipe, "found a named pipe: expected a file" },
	{ "a socket", make_socket, "found a socket: expected a file" },
	{ "a link to nothing", make_dangling_link, "found a link to nothing: expected a file" },
	{ "a link to itself", make_circle, "Too many levels of symbolic links" },
	{ "a device", make_device_link, "found a device: expected a file" },
	{ "a file of 100 MB", make_huge, "the file has 104857600 bytes: expected at most 1048576" },
};

START_TEST(what_is_no_file_of_configuration_is_an_error)
{
	struct config_problems problems;

	obstacles[_i].make("conf.d/a.conf");
	load_fails(&problems);
	ck_assert_uint_eq(problems.n_errors, 1);
	expect_problem(&problems, "conf.d/a.conf", 0, obstacles[_i].words);
}
END_TEST

START_TEST(so_it_is_in_place_of_the_main_file)
{
	struct config_problems problems;

	obstacles[_i].make("yoke.conf");
	load_fails(&problems);
	ck_assert_uint_eq(problems.n_errors, 1);
	expect_problem(&problems, "yoke.conf", 0, obstacles[_i].words);
}
END_TEST

START_TEST(a_file_in_place_of_the_folder_is_an_error)
{
	struct config_problems problems;

	ck_assert_int_eq(rmdir("conf.d"), 0);
	write_file("conf.d", "");
	load_fails(&problems);
	expect_problem(&problems, "conf.d", 0, "found a file: expected a folder");
}
END_TEST

START_TEST(a_link_to_a_file_is_followed)
{
	struct config *config = NULL;
	struct config_problems problems;

	write_file("real", TEAM("a", "x"));
	ck_assert_int_eq(symlink("../real", "conf.d/a.conf"), 0);
	ck_assert_int_eq(config_load("yoke.conf", &config, &problems), 0);
	ck_assert_uint_eq(config->n_teams, 1);
	config_free(config);
}
END_TEST

/* As somebody whom permissions hold back, for root reads everything. */
static void become_nobody(void)
{
	if (geteuid() == 0)
		ck_assert_int_eq(seteuid(65534), 0);
}

static void become_who_we_were(void)
{
	if (getuid() == 0)
		ck_assert_int_eq(seteuid(0), 0);
}

START_TEST(a_file_without_permission_is_an_error)
{
	struct config_problems problems;

	write_file("conf.d/a.conf", TEAM("a", "x"));
	ck_assert_int_eq(chmod("conf.d/a.conf", 0), 0);
	ck_assert_int_eq(chmod(".", 0755), 0);
	become_nobody();
	load_fails(&problems);
	become_who_we_were();
	expect_problem(&problems, "conf.d/a.conf", 0, "cannot read it: Permission denied");
}
END_TEST

START_TEST(a_folder_without_permission_is_an_error)
{
	struct config_problems problems;

	ck_assert_int_eq(chmod("conf.d", 0), 0);
	ck_assert_int_eq(chmod(".", 0755), 0);
	become_nobody();
	load_fails(&problems);
	become_who_we_were();
	ck_assert_int_eq(chmod("conf.d", 0755), 0);
	expect_problem(&problems, "conf.d", 0, "cannot read it: Permission denied");
}
END_TEST

START_TEST(a_folder_that_may_not_be_entered_does_not_count_as_empty)
{
	struct config_problems problems;

	ck_assert_int_eq(mkdir("closed", 0700), 0);
	ck_assert_int_eq(chmod(".", 0755), 0);
	ck_assert_int_eq(chmod("closed", 0), 0);
	become_nobody();
	ck_assert_int_eq(config_load("closed/yoke.conf", NULL, &problems), -EINVAL);
	become_who_we_were();
	expect_problem(&problems, "closed/yoke.conf", 0, "cannot read it: Permission denied");
}
END_TEST

START_TEST(single_files_are_checked_by_their_names)
{
	static const char *const paths[] = { "sub/yoke.conf", "team.txt" };
	struct config *config = NULL;
	struct config_problems problems;

	make_folder("sub");
	write_file("sub/yoke.conf", "log_level = \"error\";");
	write_file("team.txt", TEAM("a", "x"));
	ck_assert_int_eq(config_load_paths(paths, 2, &config, &problems), 0);
	ck_assert_int_eq(config->log_level, 3);
	ck_assert_uint_eq(config->n_teams, 1);
	config_free(config);
}
END_TEST

START_TEST(a_folder_is_checked_whole_or_as_a_conf_d)
{
	static const char *const whole[] = { "." };
	static const char *const inner[] = { "conf.d/" };
	struct config *config = NULL;
	struct config_problems problems;

	write_file("yoke.conf", "log_level = \"error\";");
	write_file("conf.d/a.conf", TEAM("a", "x"));
	ck_assert_int_eq(config_load_paths(whole, 1, &config, &problems), 0);
	ck_assert_int_eq(config->log_level, 3);
	ck_assert_uint_eq(config->n_teams, 1);
	config_free(config);
	ck_assert_int_eq(config_load_paths(inner, 1, &config, &problems), 0);
	ck_assert_int_eq(config->log_level, 6);
	ck_assert_uint_eq(config->n_teams, 1);
	ck_assert_str_eq(config->teams[0].file, "conf.d/a.conf");
	config_free(config);
}
END_TEST

#define DIRECT(name, datapath)                                                 \
	"team: { name = \"" name "\"; mode = \"lacp\"; datapath = \"" datapath \
	"\";\nmembers = ( { name = \"m-" name "\"; } );\ntransmit = \"direct\"; };\n"
#define REFUSED "transmit is \"direct\", which datapath \"team\" cannot do: the kernel's driver has"

/* What 'config check' says of a team that wants what one datapath cannot do. */
static const struct {
	const char *what;
	const char *configured;
	const char *given; /* By --datapath. */
	unsigned n_errors, n_warnings;
} judged[] = {
	{ "it is left to the kernel", DIRECT("t", "auto"), NULL, 0, 1 },
	{ "it is the one that can", DIRECT("t", "bpf"), NULL, 0, 0 },
	{ "it is the other one", DIRECT("t", "team"), NULL, 1, 0 },
	{ "it is left to the kernel, which has the driver", DIRECT("t", "auto"), "team", 1, 0 },
	{ "it is left to the kernel, which has not", DIRECT("t", "auto"), "bpf", 0, 0 },
	{ "the command line has the last word", DIRECT("t", "team"), "bpf", 0, 0 },
	{ "the command line has the last word, and is wrong", DIRECT("t", "bpf"), "team", 1, 0 },
	{ "nothing of the kind is wanted", TEAM("t", "x"), "team", 0, 0 },
};

START_TEST(a_check_judges_by_the_datapath)
{
	static const char *const paths[] = { "conf.d" };
	const struct config_question question = {
		.paths = paths,
		.n_paths = 1,
		.datapath = judged[_i].given,
	};
	struct config *config = NULL;
	struct config_problems problems;
	int r;

	write_file("conf.d/a.conf", judged[_i].configured);
	r = config_check(&question, &config, &problems);
	ck_assert_msg(r == (judged[_i].n_errors ? -EINVAL : 0), "%s:%s", judged[_i].what,
		      tell(&problems));
	ck_assert_msg(problems.n_errors == judged[_i].n_errors &&
			      problems.n_warnings == judged[_i].n_warnings,
		      "%s:%s", judged[_i].what, tell(&problems));
	if (problems.n)
		expect_problem(&problems, "conf.d/a.conf", 3, REFUSED);
	if (problems.n_warnings)
		expect_problem(&problems, "conf.d/a.conf", 3, "; \"auto\" takes \"bpf\"");
	config_free(config);
}
END_TEST

/* The daemon finds out which one it is, and has nothing to warn of. */
START_TEST(a_daemon_is_not_warned_of_what_the_other_datapath_cannot_do)
{
	struct config *config = NULL;
	struct config_problems problems;

	write_file("conf.d/a.conf", DIRECT("t", "auto"));
	ck_assert_int_eq(config_load("yoke.conf", &config, &problems), 0);
	ck_assert_uint_eq(problems.n, 0);
	config_free(config);
}
END_TEST

START_TEST(a_check_of_nothing_named_is_one_of_the_main_file)
{
	const struct config_question question = { .main_path = "yoke.conf" };
	struct config *config = NULL;
	struct config_problems problems;

	write_file("yoke.conf", "log_level = \"error\";");
	write_file("conf.d/a.conf", DIRECT("t", "auto"));
	ck_assert_int_eq(config_check(&question, &config, &problems), 0);
	ck_assert_int_eq(config->log_level, 3);
	ck_assert_uint_eq(config->n_teams, 1);
	ck_assert_uint_eq(problems.n_warnings, 1);
	config_free(config);
}
END_TEST

START_TEST(a_path_that_does_not_exist_is_an_error)
{
	static const char *const paths[] = { "nowhere.conf", "" };
	struct config_problems problems;

	ck_assert_int_eq(config_load_paths(paths, 2, NULL, &problems), -EINVAL);
	ck_assert_uint_eq(problems.n_errors, 2);
	expect_problem(&problems, "nowhere.conf", 0, "cannot read it: No such file or directory");
	expect_problem(&problems, "", 0, "cannot read it: No such file or directory");
}
END_TEST

START_TEST(there_are_at_most_64_teams)
{
	char path[32];
	char text[128];
	struct config_problems problems;

	for (unsigned i = 0; i < 65; i++) {
		(void)snprintf(path, sizeof(path), "conf.d/%03u.conf", i);
		(void)snprintf(text, sizeof(text),
			       "team: { name = \"t%u\"; mode = \"lacp\"; members = ( { name = "
			       "\"m%u\"; } ); };",
			       i, i);
		write_file(path, text);
	}
	load_fails(&problems);
	ck_assert_uint_eq(problems.n_errors, 1);
	expect_problem(&problems, "conf.d/064.conf", 1, "more than 64 teams");
}
END_TEST

START_TEST(a_long_path_keeps_its_end)
{
	char path[600] = "conf.d/";
	struct config_problems problems;

	memset(path + 7, 'x', 240);
	make_folder(path);
	strcat(path, "/");
	memset(path + strlen(path), 'y', 100);
	strcat(path, ".conf");
	write_file(path, "team: { };");
	ck_assert_int_eq(config_load_paths((const char *const[]){ path }, 1, NULL, &problems),
			 -EINVAL);
	ck_assert_uint_eq(strlen(problems.problems[0].file), 255);
	ck_assert_ptr_nonnull(strstr(problems.problems[0].file, "yyy.conf"));
	ck_assert(!strncmp(problems.problems[0].file, "…", strlen("…")));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config/load");
	TCase *tcase = tcase_create("load");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, files_are_read_in_the_order_of_their_names);
	tcase_add_test(tcase, only_what_ends_in_conf_and_is_not_hidden_is_read);
	tcase_add_test(tcase, without_any_file_there_is_a_warning);
	tcase_add_test(tcase, an_empty_folder_is_fine);
	tcase_add_test(tcase, one_bad_file_spoils_the_configuration_but_not_the_other_files_report);
	tcase_add_test(tcase, a_team_in_two_files_is_told_with_both);
	tcase_add_test(tcase, a_member_in_two_files_is_told_with_both);
	tcase_add_loop_test(tcase, what_is_no_file_of_configuration_is_an_error, 0,
			    ARRAY_SIZE(obstacles));
	tcase_add_loop_test(tcase, so_it_is_in_place_of_the_main_file, 0, ARRAY_SIZE(obstacles));
	tcase_add_test(tcase, a_file_in_place_of_the_folder_is_an_error);
	tcase_add_test(tcase, a_link_to_a_file_is_followed);
	tcase_add_test(tcase, a_file_without_permission_is_an_error);
	tcase_add_test(tcase, a_folder_without_permission_is_an_error);
	tcase_add_test(tcase, a_folder_that_may_not_be_entered_does_not_count_as_empty);
	tcase_add_test(tcase, single_files_are_checked_by_their_names);
	tcase_add_test(tcase, a_folder_is_checked_whole_or_as_a_conf_d);
	tcase_add_loop_test(tcase, a_check_judges_by_the_datapath, 0, ARRAY_SIZE(judged));
	tcase_add_test(tcase, a_daemon_is_not_warned_of_what_the_other_datapath_cannot_do);
	tcase_add_test(tcase, a_check_of_nothing_named_is_one_of_the_main_file);
	tcase_add_test(tcase, a_path_that_does_not_exist_is_an_error);
	tcase_add_test(tcase, there_are_at_most_64_teams);
	tcase_add_test(tcase, a_long_path_keeps_its_end);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
