#include "daemon/control/server.h"

#include "daemon/control/internal.h"
#include "lib/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define ACCEPTS_PER_TURN 16
#define STALL_US (30 * UINT64_C(1000000))
#define RESUME_US UINT64_C(1000000)
#define COMPLAIN_US UINT64_C(1000000)

/* Clients come behind everything that the teams live on. */
#define PRIORITY (SD_EVENT_PRIORITY_NORMAL + 20)

static nsec_t system_boottime(void *unused)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (nsec_t)now.tv_sec * NSEC_PER_SEC + (nsec_t)now.tv_nsec;
}

static uint64_t system_realtime_us(void *unused)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static const struct control_clock system_clock = {
	.boottime = system_boottime,
	.realtime_us = system_realtime_us,
};

nsec_t server_boottime(const struct control_server *server)
{
	return server->clock.boottime(server->clock.userdata);
}

uint64_t server_realtime_us(const struct control_server *server)
{
	return server->clock.realtime_us(server->clock.userdata);
}

void server_complain(struct control_server *server, const struct peer *peer, const char *what)
{
	uint64_t now = 0;

	(void)sd_event_now(server->event, CLOCK_MONOTONIC, &now);
	if (server->complained_us && now - server->complained_us < COMPLAIN_US) {
		server->n_uncomplained++;
		return;
	}
	if (server->n_uncomplained)
		log_warning("%" PRIu64 " more control clients were hung up on since the last such "
			    "line",
			    server->n_uncomplained);
	log_warning("hung up on a control client (process %d of user %u): %s", (int)peer->pid,
		    (unsigned)peer->uid, what);
	server->complained_us = now;
	server->n_uncomplained = 0;
}

/* Why no such client can be had now, or NULL. */
static const char *too_many(const struct control_server *server, const struct peer *peer)
{
	if (server->n_sessions >= CLIENTS_MAX)
		return "there are too many control clients";
	if (peer->access == ACCESS_CHANGE)
		return NULL;
	if (server->n_sessions >= CLIENTS_MAX - CLIENTS_RESERVED)
		return "there are too many control clients but for administrators";
	if (peer->access == ACCESS_NONE && server->n_strangers >= STRANGERS_MAX)
		return "there are too many control clients without permission";
	return NULL;
}

/* The answer to whatever the client was about to ask, as far as the socket takes it. */
static void refuse(struct control_server *server, int fd, const struct peer *peer, const char *why)
{
	json_t *message =
		json_pack("{s:s, s:{s:s}}", "error", ERROR_BUSY, "parameters", "text", why);
	size_t size = 0;
	char *bytes = message ? ctl_frame_write(message, &size) : NULL;

	if (bytes)
		(void)send(fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
	free(bytes);
	json_decref(message);
	(void)close(fd);
	server->n_refused++;
	server_complain(server, peer, why);
}

int server_add_client(struct control_server *server, int fd, const struct peer *peer)
{
	const char *why = too_many(server, peer);

	if (why) {
		refuse(server, fd, peer, why);
		return -EBUSY;
	}
	server->n_accepted++;
	return session_new(server, fd, peer, NULL);
}

/* Without descriptors or memory the connection stays in the queue, and would wake the loop for
 * ever: look again in a while. */
static void pause_accepting(struct control_server *server)
{
	static const struct peer nobody = {};

	server_complain(server, &nobody, "the daemon is out of descriptors or memory");
	(void)sd_event_source_set_enabled(server->accept, SD_EVENT_OFF);
	(void)sd_event_source_set_time_relative(server->resume, RESUME_US);
	(void)sd_event_source_set_enabled(server->resume, SD_EVENT_ONESHOT);
}

static int on_resume(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct control_server *server = userdata;

	return sd_event_source_set_enabled(server->accept, SD_EVENT_ON);
}

static int on_accept(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct control_server *server = userdata;

	for (unsigned i = 0; i < ACCEPTS_PER_TURN; i++) {
		int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		struct peer peer;

		if (client < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			    errno == ENOMEM)
				pause_accepting(server);
			break;
		}
		if (peer_identify(client, &server->groups, &peer) < 0)
			(void)close(client);
		else
			(void)server_add_client(server, client, &peer);
	}
	return 0;
}

static int add_sources(struct control_server *server)
{
	int r = sd_event_add_io(server->event, &server->accept, server->listener.fd, EPOLLIN,
				on_accept, server);

	if (r >= 0)
		r = sd_event_source_set_priority(server->accept, PRIORITY);
	if (r >= 0)
		r = sd_event_add_time(server->event, &server->resume, CLOCK_MONOTONIC, UINT64_MAX,
				      1, on_resume, server);
	if (r >= 0)
		r = sd_event_source_set_enabled(server->resume, SD_EVENT_OFF);
	return r < 0 ? r : 0;
}

static void tell_groups(const struct control_server *server)
{
	if (!server->groups.has_readers)
		log_info("group \"%s\" does not exist: only root%s may look through the control "
			 "socket",
			 server->readers, server->groups.has_writers ? " and administrators" : "");
	if (!server->groups.has_writers)
		log_info("group \"%s\" does not exist: only root may change anything through the "
			 "control socket",
			 server->writers);
}

static int open_server(struct control_server *server,
		       const struct control_server_settings *settings, struct err *e)
{
	int r;

	server->clock = settings->clock ? *settings->clock : system_clock;
	server->stall_us = settings->stall_ms ? settings->stall_ms * UINT64_C(1000) : STALL_US;
	server->readers = strdup(settings->readers);
	server->writers = strdup(settings->writers);
	if (!server->readers || !server->writers)
		return err_set(e, -ENOMEM, "out of memory");
	r = access_groups_look_up(&server->groups, server->readers, server->writers, e);
	if (r == 0)
		r = listener_open(&server->listener, settings->path, e);
	if (r < 0)
		return r;
	r = add_sources(server);
	if (r < 0)
		return err_errno(e, r, "cannot watch the control socket");
	tell_groups(server);
	return 0;
}

int control_server_new(sd_event *event, struct host *host,
		       const struct control_server_settings *settings, struct control_server **ret,
		       struct err *e)
{
	struct control_server *server = calloc(1, sizeof(*server));
	int r;

	if (!server)
		return err_set(e, -ENOMEM, "out of memory");
	server->event = sd_event_ref(event);
	server->host = host;
	server->listener = (struct listener){ .fd = -1, .lock_fd = -1 };
	TAILQ_INIT(&server->sessions);
	TAILQ_INIT(&server->monitors);
	r = open_server(server, settings, e);
	if (r < 0) {
		control_server_free(server);
		return r;
	}
	*ret = server;
	return 0;
}

void control_server_free(struct control_server *server)
{
	struct session *session;

	if (!server)
		return;
	while ((session = TAILQ_FIRST(&server->sessions)))
		session_free(session);
	(void)sd_event_source_disable_unref(server->accept);
	(void)sd_event_source_disable_unref(server->resume);
	listener_close(&server->listener);
	free(server->readers);
	free(server->writers);
	(void)sd_event_unref(server->event);
	free(server);
}
