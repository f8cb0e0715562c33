/* One client: bytes to messages, messages to calls in turn, answers to bytes. A session handles one
 * call at a time, and reads no further while an answer is on its way: so what a client can make the
 * daemon keep is bounded, and a loop's turn does at most one call for each client. */
#include "daemon/control/internal.h"
#include "daemon/control/method.h"
#include "lib/ctl/text.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define RECEIVE_SIZE 16384

/* LACP and everything else of the loop comes first. */
#define PRIORITY (SD_EVENT_PRIORITY_NORMAL + 10)

static size_t output_waiting(const struct session *session)
{
	return session->output_size - session->output_sent;
}

static bool is_busy(const struct session *session)
{
	return session->call || output_waiting(session) || session->closing;
}

static bool is_finished(const struct session *session)
{
	if (session->dead)
		return true;
	if (output_waiting(session) || session->call)
		return false;
	return session->closing || (session->eof && session->drained);
}

/* Tells the loop what the session waits for. */
static void watch(struct session *session)
{
	uint32_t events = 0;
	bool go_on = is_finished(session) || (!is_busy(session) && !session->drained);

	if (output_waiting(session))
		events |= EPOLLOUT;
	if (!is_busy(session) && !session->eof && session->drained)
		events |= EPOLLIN;
	if (sd_event_source_set_io_events(session->io, events) < 0)
		session->dead = go_on = true;
	(void)sd_event_source_set_enabled(session->work, go_on ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static void set_stall(struct session *session, bool wanted)
{
	if (wanted)
		(void)sd_event_source_set_time_relative(session->stall, session->server->stall_us);
	(void)sd_event_source_set_enabled(session->stall, wanted ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static void release_output(struct session *session)
{
	free(session->output);
	session->output = NULL;
	session->output_size = session->output_sent = 0;
	set_stall(session, false);
}

static void flush(struct session *session)
{
	bool progress = false;

	while (output_waiting(session)) {
		ssize_t sent = send(session->fd, session->output + session->output_sent,
				    output_waiting(session), MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent > 0) {
			session->output_sent += (size_t)sent;
			progress = true;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN) {
			session->dead = true;
			return;
		}
		if (progress || session->output_sent == 0)
			set_stall(session, true);
		return;
	}
	release_output(session);
}

static void drop(struct session *session)
{
	if (!session->dead) {
		session->server->n_dropped++;
		server_complain(session->server, &session->peer, "it does not read its answers");
	}
	session->dead = true;
}

static int append(struct session *session, const char *bytes, size_t size)
{
	size_t waiting = output_waiting(session);
	char *output;

	if (session->output_sent) {
		memmove(session->output, session->output + session->output_sent, waiting);
		session->output_size = waiting;
		session->output_sent = 0;
	}
	output = realloc(session->output, waiting + size);
	if (!output)
		return -ENOMEM;
	memcpy(output + waiting, bytes, size);
	session->output = output;
	session->output_size = waiting + size;
	return 0;
}

void session_send_bytes(struct session *session, const char *bytes, size_t size)
{
	size_t waiting = output_waiting(session);

	if (session->dead)
		return;
	/* One answer alone may be larger: it is as large as the host's teams make it, and the next
	 * call is not looked at before it is out. */
	if (waiting && waiting + size > OUTPUT_MAX)
		drop(session);
	else if (append(session, bytes, size) < 0)
		session->dead = true;
	else if (!waiting)
		flush(session);
	watch(session);
}

void session_send(struct session *session, const json_t *message)
{
	size_t size = 0;
	char *bytes = ctl_frame_write(message, &size);

	if (bytes) {
		session_send_bytes(session, bytes, size);
	} else {
		session->dead = true;
		watch(session);
	}
	free(bytes);
}

void session_call_ended(struct session *session)
{
	session->call = NULL;
	watch(session);
}

static void hang_up(struct session *session, const char *why)
{
	json_t *message = json_pack("{s:s, s:{s:o}}", "error", ERROR_BAD_MESSAGE, "parameters",
				    "text", ctl_text_json(why));

	session->closing = true;
	session_send(session, message);
	json_decref(message);
}

static void take_next(struct session *session)
{
	struct err e;
	json_t *message = ctl_frame_reader_next(session->reader, &e);

	if (message) {
		if (!dispatch(session, message))
			hang_up(session, "what came is no Varlink call: it needs a \"method\", "
					 "and \"parameters\" that are an object");
		json_decref(message);
	} else if (e.code) {
		hang_up(session, e.text);
	} else {
		session->drained = true;
	}
}

/* Goes on as far as one turn of the loop goes; the session may be gone afterwards. */
static void run(struct session *session)
{
	if (!session->dead && !is_busy(session) && !session->drained)
		take_next(session);
	if (is_finished(session))
		session_free(session);
	else
		watch(session);
}

static void receive(struct session *session)
{
	char bytes[RECEIVE_SIZE];
	ssize_t size = recv(session->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	int r;

	if (size == 0) {
		session->eof = true;
		return;
	}
	if (size < 0) {
		session->dead = errno != EAGAIN && errno != EINTR;
		return;
	}
	session->drained = false;
	r = ctl_frame_reader_feed(session->reader, bytes, (size_t)size);
	if (r == -EMSGSIZE)
		hang_up(session, "a message is longer than 65536 bytes");
	else if (r < 0)
		session->dead = true;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct session *session = userdata;

	/* Nobody is left to read the answer. Without one under way there may still be calls to
	 * read, which were sent before the hang-up. */
	if ((events & (EPOLLHUP | EPOLLERR)) && is_busy(session))
		session->dead = true;
	if ((events & EPOLLOUT) && !session->dead)
		flush(session);
	if ((events & EPOLLIN) && !session->dead)
		receive(session);
	run(session);
	return 0;
}

static int on_work(sd_event_source *source, void *userdata)
{
	run(userdata);
	return 0;
}

static int on_stall(sd_event_source *source, uint64_t usec, void *userdata)
{
	drop(userdata);
	run(userdata);
	return 0;
}

static int add_sources(struct session *session)
{
	sd_event *event = session->server->event;
	int r = sd_event_add_io(event, &session->io, session->fd, EPOLLIN, on_io, session);

	if (r >= 0)
		r = sd_event_add_defer(event, &session->work, on_work, session);
	if (r >= 0)
		r = sd_event_source_set_enabled(session->work, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_time(event, &session->stall, CLOCK_MONOTONIC, UINT64_MAX, 1,
				      on_stall, session);
	if (r >= 0)
		r = sd_event_source_set_enabled(session->stall, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_source_set_priority(session->io, PRIORITY);
	if (r >= 0)
		r = sd_event_source_set_priority(session->work, PRIORITY);
	return r;
}

int session_new(struct control_server *server, int fd, const struct peer *peer,
		struct session **ret)
{
	struct session *session = calloc(1, sizeof(*session));
	int r;

	if (!session) {
		(void)close(fd);
		return -ENOMEM;
	}
	session->server = server;
	session->peer = *peer;
	session->fd = fd;
	session->drained = true;
	session->reader = ctl_frame_reader_new(MESSAGE_MAX);
	TAILQ_INSERT_TAIL(&server->sessions, session, link);
	server->n_sessions++;
	server->n_strangers += peer->access == ACCESS_NONE;
	r = session->reader ? add_sources(session) : -ENOMEM;
	if (r < 0) {
		session_free(session);
		return r;
	}
	if (ret)
		*ret = session;
	return 0;
}

void session_free(struct session *session)
{
	struct control_server *server = session->server;
	struct call *call = session->call;

	if (call) {
		call->session = NULL;
		call->server = NULL;
		if (call->gone)
			call->gone(call);
	}
	TAILQ_REMOVE(&server->sessions, session, link);
	server->n_sessions--;
	server->n_strangers -= session->peer.access == ACCESS_NONE;
	(void)sd_event_source_disable_unref(session->io);
	(void)sd_event_source_disable_unref(session->work);
	(void)sd_event_source_disable_unref(session->stall);
	(void)close(session->fd);
	ctl_frame_reader_free(session->reader);
	free(session->output);
	free(session);
}
