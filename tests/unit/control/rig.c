#include "tests/unit/control/rig.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

void rig_open(struct rig *rig)
{
	struct control_server_settings settings = {
		.path = rig->path,
		.readers = RIG_READERS,
		.writers = RIG_WRITERS,
		.clock = &fake_clock,
	};
	struct err e = {};

	*rig = (struct rig){ .folder = "/tmp/yoke-control-XXXXXX" };
	ck_assert_ptr_nonnull(mkdtemp(rig->folder));
	ck_assert_int_eq(chmod(rig->folder, 0755), 0);
	(void)snprintf(rig->path, sizeof(rig->path), "%s/control.sock", rig->folder);
	ck_assert_int_ge(sd_event_new(&rig->event), 0);
	rig->host = fake_host_new();
	ck_assert_msg(control_server_new(rig->event, rig->host, &settings, &rig->server, &e) == 0,
		      "%s", e.text);
}

void rig_close(struct rig *rig)
{
	char lock[80];

	control_server_free(rig->server);
	fake_host_free(rig->host);
	(void)sd_event_unref(rig->event);
	(void)snprintf(lock, sizeof(lock), "%s.lock", rig->path);
	(void)unlink(lock);
	ck_assert_int_eq(rmdir(rig->folder), 0);
}

/* Whether something happened. */
static bool turn(struct rig *rig)
{
	int r = sd_event_run(rig->event, 0);

	ck_assert_int_ge(r, 0);
	return r > 0;
}

void rig_settle(struct rig *rig)
{
	unsigned turns = 0;

	while (turn(rig))
		ck_assert_uint_lt(++turns, 1000000);
}

int rig_connect(struct rig *rig)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", rig->path);
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	rig_settle(rig);
	return fd;
}

int rig_add(struct rig *rig, enum access access)
{
	const struct peer peer = { .pid = 1, .uid = 1000, .access = access };
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds),
			 0);
	(void)server_add_client(rig->server, fds[1], &peer);
	return fds[0];
}

void rig_send(struct rig *rig, int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);

		if (sent < 0 && errno != EAGAIN)
			return;
		if (sent > 0) {
			bytes += sent;
			size -= (size_t)sent;
		} else if (!turn(rig)) {
			return;
		}
	}
}

void rig_say(struct rig *rig, int fd, const char *text)
{
	rig_send(rig, fd, text, strlen(text) + 1);
}

/* How many bytes the next message has with its NUL, seen without taking them. */
static size_t next_size(struct rig *rig, int fd, char *bytes, size_t size)
{
	for (;;) {
		ssize_t got = recv(fd, bytes, size, MSG_PEEK);
		const char *nul = got > 0 ? memchr(bytes, 0, (size_t)got) : NULL;

		if (nul)
			return (size_t)(nul - bytes) + 1;
		if (got == 0 || !turn(rig))
			return 0;
	}
}

json_t *rig_hear(struct rig *rig, int fd)
{
	static char bytes[8 * 1024 * 1024];
	size_t held = 0;
	json_t *message;

	for (;;) {
		/* A long message fills the socket's buffer more than once. */
		size_t size = next_size(rig, fd, bytes + held, sizeof(bytes) - held);
		ssize_t got;

		if (size) {
			got = recv(fd, bytes + held, size, 0);
			ck_assert_int_eq(got, (ssize_t)size);
			break;
		}
		got = recv(fd, bytes + held, sizeof(bytes) - held, 0);
		if (got <= 0)
			return NULL;
		held += (size_t)got;
	}
	message = json_loads(bytes, 0, NULL);
	ck_assert_msg(message != NULL, "the server said what is no JSON: %s", bytes);
	return message;
}

json_t *rig_call(struct rig *rig, int fd, const char *text)
{
	rig_say(rig, fd, text);
	return rig_hear(rig, fd);
}

bool rig_hung_up(struct rig *rig, int fd)
{
	char bytes[65536];

	for (;;) {
		ssize_t got = recv(fd, bytes, sizeof(bytes), 0);

		if (got == 0 || (got < 0 && errno == ECONNRESET))
			return true;
		if (got < 0 && !turn(rig))
			return false;
	}
}

const char *rig_text(const json_t *json, const char *path)
{
	char name[64];

	while (json && *path) {
		size_t size = strcspn(path, ".");

		(void)snprintf(name, sizeof(name), "%.*s", (int)size, path);
		json = json_object_get(json, name);
		path += size + (path[size] == '.');
	}
	return json_is_string(json) ? json_string_value(json) : "";
}
