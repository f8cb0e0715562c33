/* The real control server on the fake host, for tests of the real yokectl:
 *
 *     fake-yoked SOCKET TEAMS MEMBERS
 *
 * Says "ready" on standard output and serves until its standard input ends. Deletions are done at
 * once. */
#include "daemon/control/server.h"
#include "tests/unit/control/fake-host.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

static int on_input(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

/* Once in each turn of the loop, behind everything else. */
static int on_turn(sd_event_source *source, void *userdata)
{
	(void)fake_host_finish_deletions(userdata, 0, NULL);
	return 0;
}

static const struct lacp_trace_entry transitions[] = {
	{ 1, 0, LACP_MACHINE_RECEIVE, LACP_RECEIVE_PORT_DISABLED, LACP_RECEIVE_EXPIRED,
	  "the link came up" },
	{ 2, 0, LACP_MACHINE_MUX, LACP_MUX_DETACHED, LACP_MUX_WAITING,
	  "selected for aggregator 1" },
};

static int serve(struct host *host, const char *path)
{
	const struct control_server_settings settings = {
		.path = path,
		.readers = "games",
		.writers = "audio",
		.clock = &fake_clock,
	};
	struct control_server *server = NULL;
	sd_event *event = NULL;
	sd_event_source *turn = NULL;
	struct err e = {};
	int r = sd_event_new(&event);

	if (r >= 0)
		r = sd_event_add_io(event, NULL, STDIN_FILENO, EPOLLIN | EPOLLHUP, on_input, NULL);
	if (r >= 0)
		r = sd_event_add_post(event, &turn, on_turn, host);
	if (r >= 0)
		r = control_server_new(event, host, &settings, &server, &e);
	if (r >= 0) {
		(void)puts("ready");
		(void)fflush(stdout);
		r = sd_event_loop(event);
	} else {
		(void)fprintf(stderr, "%s\n", e.text);
	}
	control_server_free(server);
	(void)sd_event_source_unref(turn);
	(void)sd_event_unref(event);
	return r;
}

int main(int argc, char *argv[])
{
	struct host *host;
	int r;

	if (argc != 4)
		return EXIT_FAILURE;
	host = fake_host_new();
	fake_host_resize(host, (unsigned)strtoul(argv[2], NULL, 10),
			 (unsigned)strtoul(argv[3], NULL, 10));
	for (size_t i = 0; i < sizeof(transitions) / sizeof(transitions[0]); i++)
		fake_host_add_transition(host, &transitions[i]);
	r = serve(host, argv[1]);
	fake_host_free(host);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
