#include "tests/fuzz/ctl/target.h"

#include "daemon/control/internal.h"
#include "lib/ctl/frame.h"
#include "tests/unit/control/fake-host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ANSWER_LIMIT (16u * 1024 * 1024)

struct world {
	sd_event *event;
	struct host *host;
	struct control_server *server;
	char folder[32];
	char path[64];
};

/* Whatever is not as it must be. */
static void demand(bool right)
{
	if (!right)
		abort();
}

static void open_world(struct world *world)
{
	struct control_server_settings settings = {
		.path = world->path, .readers = "games", .writers = "audio", .clock = &fake_clock
	};
	struct err e;

	(void)snprintf(world->folder, sizeof(world->folder), "/tmp/yoke-fuzz-XXXXXX");
	demand(mkdtemp(world->folder) != NULL);
	(void)snprintf(world->path, sizeof(world->path), "%s/c", world->folder);
	demand(sd_event_new(&world->event) >= 0);
	world->host = fake_host_new();
	demand(control_server_new(world->event, world->host, &settings, &world->server, &e) == 0);
}

static void close_world(struct world *world)
{
	char lock[80];

	control_server_free(world->server);
	fake_host_free(world->host);
	(void)sd_event_unref(world->event);
	(void)snprintf(lock, sizeof(lock), "%s.lock", world->path);
	(void)unlink(lock);
	(void)rmdir(world->folder);
}

static void settle(struct world *world)
{
	while (sd_event_run(world->event, 0) > 0)
		(void)fake_host_finish_deletions(world->host, 0, NULL);
}

/* Every answer is a JSON object with parameters, and an error if it has one is a name. */
static void judge_answers(struct ctl_frame_reader *reader, int fd)
{
	char bytes[65536];
	ssize_t size;

	while ((size = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
		struct err e;
		json_t *answer;

		demand(ctl_frame_reader_feed(reader, bytes, (size_t)size) == 0);
		while ((answer = ctl_frame_reader_next(reader, &e))) {
			const json_t *error = json_object_get(answer, "error");

			demand(json_is_object(json_object_get(answer, "parameters")));
			demand(!error || json_is_string(error));
			json_decref(answer);
		}
		demand(e.code == 0);
	}
}

static void speak(struct world *world, int fd, const uint8_t *data, size_t size)
{
	struct ctl_frame_reader *reader = ctl_frame_reader_new(ANSWER_LIMIT);

	while (size) {
		ssize_t sent = send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0 && errno != EAGAIN)
			break;
		if (sent > 0) {
			data += sent;
			size -= (size_t)sent;
		}
		settle(world);
		judge_answers(reader, fd);
		/* A client that listens for ever is not read from any more. */
		if (sent < 0 && sd_event_run(world->event, 0) == 0)
			break;
	}
	settle(world);
	judge_answers(reader, fd);
	ctl_frame_reader_free(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct host_event event = { .serial = 1, .team = "team0", .text = "x" };
	static const struct peer peer = { .pid = 1, .access = ACCESS_CHANGE };
	struct world world = {};
	size_t cut;
	int fds[2];

	if (!size)
		return 0;
	open_world(&world);
	demand(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
	demand(server_add_client(world.server, fds[1], &peer) == 0);
	cut = data[0] % size;
	speak(&world, fds[0], data + 1, cut ? cut - 1 : 0);
	fake_host_emit(world.host, &event);
	if (cut)
		speak(&world, fds[0], data + cut, size - cut);
	else
		speak(&world, fds[0], data + 1, size - 1);
	(void)close(fds[0]);
	settle(&world);
	demand(world.server->n_sessions == 0);
	demand(fake_host_n_listeners(world.host) == 0);
	close_world(&world);
	return 0;
}
