/* The socket: making it, taking it over, and who is let in by the kernel's word. */
#include "tests/unit/control/rig.h"

#include "lib/base/array.h"
#include "tests/unit/run.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[32];
static char path[64];

static void setup(void)
{
	(void)snprintf(folder, sizeof(folder), "/tmp/yoke-listen-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/c", folder);
}

static void teardown(void)
{
	char lock[80];

	(void)snprintf(lock, sizeof(lock), "%s.lock", path);
	(void)unlink(lock);
	(void)unlink(path);
	ck_assert_int_eq(rmdir(folder), 0);
}

/* A socket that listens on the path, as another daemon's. */
static int make_socket(bool listening)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	if (listening)
		ck_assert_int_eq(listen(fd, 0), 0);
	return fd;
}

START_TEST(the_socket_is_open_to_all_and_goes_with_the_listener)
{
	struct listener listener;
	struct err e = {};
	struct stat st;

	ck_assert_int_eq(listener_open(&listener, path, &e), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0666);
	listener_close(&listener);
	ck_assert_int_eq(stat(path, &st), -1);
}
END_TEST

START_TEST(a_socket_file_of_a_killed_daemon_is_replaced)
{
	struct listener listener;
	struct err e = {};

	(void)close(make_socket(true));
	ck_assert_int_eq(listener_open(&listener, path, &e), 0);
	listener_close(&listener);
}
END_TEST

START_TEST(a_socket_on_which_somebody_listens_stays)
{
	int other = make_socket(true);
	struct listener listener;
	struct err e = {};
	struct stat st;

	/* Also when that one's queue is full. */
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(listener_open(&listener, path, &e), -EADDRINUSE);
		ck_assert_ptr_nonnull(strstr(e.text, path));
	}
	ck_assert_int_eq(stat(path, &st), 0);
	(void)close(other);
}
END_TEST

START_TEST(two_daemons_cannot_have_one_path)
{
	struct listener first, second;
	struct err e = {};

	ck_assert_int_eq(listener_open(&first, path, &e), 0);
	ck_assert_int_eq(listener_open(&second, path, &e), -EADDRINUSE);
	listener_close(&first);
	ck_assert_int_eq(listener_open(&second, path, &e), 0);
	listener_close(&second);
}
END_TEST

START_TEST(what_is_no_socket_is_not_touched)
{
	struct listener listener;
	struct err e = {};
	int fd = open(path, O_CREAT | O_WRONLY, 0600);

	ck_assert_int_eq(write(fd, "x", 1), 1);
	(void)close(fd);
	ck_assert_int_eq(listener_open(&listener, path, &e), -EEXIST);
	ck_assert_ptr_nonnull(strstr(e.text, "no socket"));
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(a_socket_that_another_put_there_meanwhile_is_left)
{
	struct listener listener;
	struct err e = {};
	int other;

	ck_assert_int_eq(listener_open(&listener, path, &e), 0);
	ck_assert_int_eq(unlink(path), 0);
	other = make_socket(true);
	listener_close(&listener);
	ck_assert_int_eq(access(path, F_OK), 0);
	(void)close(other);
}
END_TEST

#define FORTY "0123456789012345678901234567890123456789"

static const char *const bad_paths[] = {
	"",
	("/tmp/" FORTY FORTY FORTY),
	"/nonexistent/yoke/control.sock",
};

START_TEST(a_path_that_cannot_be_is_a_clear_error)
{
	struct listener listener;
	struct err e = {};

	ck_assert_int_lt(listener_open(&listener, bad_paths[_i], &e), 0);
	ck_assert_str_ne(e.text, "");
}
END_TEST

START_TEST(the_folder_of_the_socket_is_made)
{
	struct listener listener;
	struct err e = {};
	char below[80], lock[96];

	(void)snprintf(below, sizeof(below), "%s/run", folder);
	(void)snprintf(path, sizeof(path), "%s/run/c", folder);
	ck_assert_int_eq(listener_open(&listener, path, &e), 0);
	listener_close(&listener);
	(void)snprintf(lock, sizeof(lock), "%s.lock", path);
	ck_assert_int_eq(unlink(lock), 0);
	ck_assert_int_eq(rmdir(below), 0);
}
END_TEST

/* systemd's protocol: the sockets are descriptors 3 and up, of the process LISTEN_PID. */
START_TEST(a_socket_that_systemd_passed_is_taken_over_and_stays)
{
	int passed = make_socket(true);
	struct listener listener;
	struct err e = {};
	char pid[16];

	ck_assert_int_eq(dup2(passed, 3), 3);
	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	(void)setenv("LISTEN_PID", pid, 1);
	(void)setenv("LISTEN_FDS", "1", 1);
	ck_assert_msg(listener_open(&listener, path, &e) == 0, "%s", e.text);
	ck_assert(listener.activated);
	ck_assert_int_eq(listener.fd, 3);
	listener_close(&listener);
	ck_assert_int_eq(access(path, F_OK), 0);
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
}
END_TEST

/* Who may do what: a member of both has the greater right; root needs no group. */
static const struct {
	const char *who;
	uid_t uid;
	gid_t gids[3];
	bool no_groups; /* Neither exists. */
	enum access access;
} peers[] = {
	{ "root", 0, { 0 }, false, ACCESS_CHANGE },
	{ "root without the groups", 0, { 0 }, true, ACCESS_CHANGE },
	{ "nobody", 65534, { 65534 }, false, ACCESS_NONE },
	{ "a reader", 1000, { 7, 500 }, false, ACCESS_READ },
	{ "a writer", 1000, { 7, 501 }, false, ACCESS_CHANGE },
	{ "both", 1000, { 7, 500, 501 }, false, ACCESS_CHANGE },
	{ "by the primary group", 1000, { 500 }, false, ACCESS_READ },
	{ "of group 0, while no group exists", 1000, { 0, 500, 501 }, true, ACCESS_NONE },
};

START_TEST(access_is_by_user_and_groups)
{
	const struct access_groups none = {};
	const struct access_groups some = { true, true, 500, 501 };
	const struct access_groups *groups = peers[_i].no_groups ? &none : &some;

	ck_assert_int_eq(access_of(groups, peers[_i].uid, peers[_i].gids, 3), peers[_i].access);
}
END_TEST

START_TEST(groups_that_do_not_exist_leave_root_alone)
{
	struct access_groups groups;
	struct err e = {};

	ck_assert_int_eq(access_groups_look_up(&groups, "no-such-group-1", "no-such-group-2", &e),
			 0);
	ck_assert(!groups.has_readers);
	ck_assert(!groups.has_writers);
}
END_TEST

/* Through the real socket, as other users. */

static gid_t group_id(const char *name)
{
	const struct group *group = getgrnam(name);

	ck_assert_ptr_nonnull(group);
	return group->gr_gid;
}

static const struct {
	const char *supplementary; /* NULL: none. */
	const char *primary;
	enum access access;
} users[] = {
	{ NULL, "nogroup", ACCESS_NONE },
	{ RIG_READERS, "nogroup", ACCESS_READ },
	{ RIG_WRITERS, "nogroup", ACCESS_CHANGE },
	{ NULL, RIG_READERS, ACCESS_READ },
	{ RIG_READERS, RIG_WRITERS, ACCESS_CHANGE },
};

/* In the child: becomes the user, asks for a change and tells by the exit status what he may. */
static void ask_as_user(const struct rig *rig, size_t i)
{
	static const char calls[] = "{\"method\":\"org.yoke.Team.List\"}\0"
				    "{\"method\":\"org.yoke.Team.Drain\",\"parameters\":"
				    "{\"name\":\"team0\",\"member\":\"eno1\",\"drain\":false}}";
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	gid_t supplementary = users[i].supplementary ? group_id(users[i].supplementary) : 0;
	gid_t primary = getgrnam(users[i].primary) ? group_id(users[i].primary) : 65534;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char bytes[65536];
	size_t size = 0, n_refused = 0, n = 0;

	if (setgroups(users[i].supplementary != NULL, &supplementary) < 0 || setgid(primary) < 0 ||
	    setuid(65534) < 0)
		_exit(99);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", rig->path);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    send(fd, calls, sizeof(calls), 0) < 0)
		_exit(98);
	while (n < 2 && size < sizeof(bytes)) {
		ssize_t got = recv(fd, bytes + size, 1, 0);

		if (got <= 0)
			_exit(97);
		n += bytes[size++] == 0;
	}
	for (const char *at = bytes; at < bytes + size; at += strlen(at) + 1)
		n_refused += strstr(at, ERROR_PERMISSION_DENIED) != NULL;
	_exit((int)(2 - n_refused));
}

START_TEST(the_kernel_says_who_a_client_is)
{
	struct rig rig;
	int status = 0;
	pid_t pid;

	rig_open(&rig);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		ask_as_user(&rig, (size_t)_i);
	for (unsigned turns = 0; waitpid(pid, &status, WNOHANG) == 0; turns++) {
		ck_assert_uint_lt(turns, 10000);
		ck_assert_int_ge(sd_event_run(rig.event, 1000), 0);
	}
	rig_settle(&rig);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), (int)users[_i].access);
	rig_close(&rig);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("control/listen");
	TCase *tcase = tcase_create("socket");
	TCase *kernel = tcase_create("users");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, the_socket_is_open_to_all_and_goes_with_the_listener);
	tcase_add_test(tcase, a_socket_file_of_a_killed_daemon_is_replaced);
	tcase_add_test(tcase, a_socket_on_which_somebody_listens_stays);
	tcase_add_test(tcase, two_daemons_cannot_have_one_path);
	tcase_add_test(tcase, what_is_no_socket_is_not_touched);
	tcase_add_test(tcase, a_socket_that_another_put_there_meanwhile_is_left);
	tcase_add_loop_test(tcase, a_path_that_cannot_be_is_a_clear_error, 0,
			    ARRAY_SIZE(bad_paths));
	tcase_add_test(tcase, the_folder_of_the_socket_is_made);
	tcase_add_test(tcase, a_socket_that_systemd_passed_is_taken_over_and_stays);
	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(kernel, access_is_by_user_and_groups, 0, ARRAY_SIZE(peers));
	tcase_add_test(kernel, groups_that_do_not_exist_leave_root_alone);
	/* Only root can be somebody else. */
	if (geteuid() == 0)
		tcase_add_loop_test(kernel, the_kernel_says_who_a_client_is, 0, ARRAY_SIZE(users));
	suite_add_tcase(suite, kernel);
	return suite;
}

int main(void)
{
	return run_suite(make_suite());
}
