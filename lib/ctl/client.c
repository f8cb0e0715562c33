#include "lib/ctl/client.h"

#include "lib/ctl/frame.h"
#include "lib/ctl/text.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>

/* The longest answer: far above what 64 teams with 32 members each fill. */
#define ANSWER_LIMIT (32u * 1024 * 1024)

struct ctl_client {
	int fd;
	struct ctl_frame_reader *reader;
};

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t deadline_in(int timeout_ms)
{
	return timeout_ms < 0 ? INT64_MAX : now_ms() + timeout_ms;
}

static int explain_connect(int code, const char *path, struct err *e)
{
	switch (code) {
	case ENOENT:
	case ECONNREFUSED:
		return err_set(e, -code,
			       "yoked does not run: nobody listens on %s; start it (systemctl "
			       "start yoked), or name another socket with --socket",
			       path);
	case EACCES:
	case EPERM:
		return err_set(e, -EACCES,
			       "no permission to talk to yoked on %s: be root, or a member of "
			       "group \"yoke\" (to look) or \"yoke-admin\" (to change)",
			       path);
	case EAGAIN:
	case ETIMEDOUT:
		return err_set(e, -ETIMEDOUT,
			       "yoked on %s has not accepted the connection within %d s: it hangs, "
			       "see its log (journalctl -u yoked)",
			       path, CTL_TIMEOUT_MS / 1000);
	default:
		return err_errno(e, -code, "cannot connect to %s", path);
	}
}

static int connect_socket(const char *path, int *ret, struct err *e)
{
	static const struct timeval timeout = { .tv_sec = CTL_TIMEOUT_MS / 1000 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	cleanup(closep) int fd = -1;

	if (!*path || strlen(path) >= sizeof(address.sun_path))
		return err_set(e, -ENAMETOOLONG,
			       "the path of a socket has 1 to %zu characters, not %zu",
			       sizeof(address.sun_path) - 1, strlen(path));
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_errno(e, -errno, "cannot make a socket");
	/* This also bounds connect() to a daemon whose queue of connections is full. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0)
		return err_errno(e, -errno, "cannot set up a socket");
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return explain_connect(errno, path, e);
	*ret = steal_fd(&fd);
	return 0;
}

int ctl_client_connect(const char *path, struct ctl_client **ret, struct err *e)
{
	cleanup(ctl_client_closep) struct ctl_client *client = calloc(1, sizeof(*client));
	int r;

	if (!client)
		return err_set(e, -ENOMEM, "out of memory");
	client->fd = -1;
	client->reader = ctl_frame_reader_new(ANSWER_LIMIT);
	if (!client->reader)
		return err_set(e, -ENOMEM, "out of memory");
	r = connect_socket(path, &client->fd, e);
	if (r < 0)
		return r;
	*ret = steal_ptr(client);
	return 0;
}

void ctl_client_close(struct ctl_client *client)
{
	if (!client)
		return;
	closep(&client->fd);
	ctl_frame_reader_free(client->reader);
	free(client);
}

int ctl_client_fd(const struct ctl_client *client)
{
	return client->fd;
}

static int gone(struct err *e)
{
	return err_set(e, -ECONNRESET,
		       "yoked closed the connection: it was stopped, or refused to listen any "
		       "longer; see its log (journalctl -u yoked)");
}

static int wait_for(const struct ctl_client *client, short events, int64_t deadline, struct err *e)
{
	for (;;) {
		struct pollfd pollfd = { .fd = client->fd, .events = events };
		int64_t left = deadline == INT64_MAX ? -1 : deadline - now_ms();
		int r;

		if (deadline != INT64_MAX && left < 0)
			left = 0;
		r = poll(&pollfd, 1, left > INT32_MAX ? INT32_MAX : (int)left);
		if (r > 0)
			return 0;
		if (r < 0 && errno != EINTR)
			return err_errno(e, -errno, "cannot wait for yoked");
		if (r == 0 && now_ms() >= deadline)
			return err_set(e, -ETIMEDOUT,
				       "yoked has not answered in time and may still do what was "
				       "asked: it hangs, see its log (journalctl -u yoked)");
	}
}

static int send_all(struct ctl_client *client, const char *bytes, size_t size, int64_t deadline,
		    struct err *e)
{
	while (size) {
		ssize_t sent = send(client->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
		int r;

		if (sent > 0) {
			bytes += sent;
			size -= (size_t)sent;
			continue;
		}
		if (errno == EAGAIN) {
			r = wait_for(client, POLLOUT, deadline, e);
			if (r < 0)
				return r;
		} else if (errno == EPIPE || errno == ECONNRESET) {
			/* What it said before it hung up is there to be read. */
			return 0;
		} else if (errno != EINTR) {
			return err_errno(e, -errno, "cannot send to yoked");
		}
	}
	return 0;
}

static int send_call(struct ctl_client *client, const char *method, json_t *parameters, bool more,
		     struct err *e)
{
	cleanup(freep) char *bytes = NULL;
	size_t size = 0;
	json_t *call = json_pack("{s:s, s:O*}", "method", method, "parameters", parameters);

	if (call && more)
		(void)json_object_set_new(call, "more", json_true());
	if (call)
		bytes = ctl_frame_write(call, &size);
	json_decref(call);
	if (!bytes)
		return err_set(e, -ENOMEM, "the call cannot be written as JSON");
	return send_all(client, bytes, size, deadline_in(CTL_TIMEOUT_MS), e);
}

static int receive_some(struct ctl_client *client, struct err *e)
{
	char bytes[16384];
	ssize_t size = recv(client->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	int r;

	if (size == 0 || (size < 0 && errno == ECONNRESET))
		return gone(e);
	if (size < 0)
		return errno == EAGAIN || errno == EINTR
			       ? 0
			       : err_errno(e, -errno, "cannot read from yoked");
	r = ctl_frame_reader_feed(client->reader, bytes, (size_t)size);
	if (r < 0)
		return err_errno(e, r, "yoked's answer is too long");
	return 0;
}

static int receive_message(struct ctl_client *client, int64_t deadline, json_t **ret, struct err *e)
{
	for (;;) {
		struct err bad;
		json_t *message = ctl_frame_reader_next(client->reader, &bad);
		int r;

		if (message) {
			*ret = message;
			return 0;
		}
		if (bad.code)
			return err_set(e, bad.code,
				       "what listens on the socket does not speak Varlink: %s",
				       bad.text);
		r = wait_for(client, POLLIN, deadline, e);
		if (r == 0)
			r = receive_some(client, e);
		if (r < 0)
			return r;
	}
}

/* Errors of org.varlink.service carry no sentence, but the name of what was wrong. */
static const struct {
	const char *name;
	const char *field;
	const char *sentence;
} standard_errors[] = {
	{ "org.varlink.service.InterfaceNotFound", "interface", "this yoked has no interface" },
	{ "org.varlink.service.MethodNotFound", "method", "this yoked has no method" },
	{ "org.varlink.service.MethodNotImplemented", "method", "this yoked does not implement" },
	{ "org.varlink.service.InvalidParameter", "parameter", "yoked refuses the parameter" },
};

static void explain_error(const char *name, const json_t *parameters, struct err *e)
{
	const char *text = json_string_value(json_object_get(parameters, "text"));

	if (text && *text) {
		(void)err_set(e, -EREMOTEIO, "%s", text);
		return;
	}
	for (size_t i = 0; i < sizeof(standard_errors) / sizeof(standard_errors[0]); i++) {
		const json_t *field = json_object_get(parameters, standard_errors[i].field);

		if (strcmp(name, standard_errors[i].name) != 0 || !json_is_string(field))
			continue;
		(void)err_set(e, -EREMOTEIO, "%s \"%s\"", standard_errors[i].sentence,
			      json_string_value(field));
		return;
	}
	(void)err_set(e, -EREMOTEIO, "yoked refuses the call: %s", name);
}

/* Takes the answer 'message' apart. */
static int judge_answer(const json_t *message, json_t **ret, char **error_name, struct err *e)
{
	const json_t *error = json_object_get(message, "error");
	json_t *parameters = json_object_get(message, "parameters");

	if (json_is_string(error)) {
		explain_error(json_string_value(error), parameters, e);
		if (error_name)
			*error_name = strdup(json_string_value(error));
		return -EREMOTEIO;
	}
	if (error || (parameters && !json_is_object(parameters)))
		return err_set(e, -EBADMSG, "what listens on the socket does not speak Varlink");
	*ret = parameters ? json_incref(parameters) : json_object();
	return *ret ? 0 : err_set(e, -ENOMEM, "out of memory");
}

static int receive_answer(struct ctl_client *client, int timeout_ms, json_t **ret, bool *more,
			  char **error_name, struct err *e)
{
	json_t *message = NULL;
	int r = receive_message(client, deadline_in(timeout_ms), &message, e);

	if (r < 0)
		return r;
	r = judge_answer(message, ret, error_name, e);
	if (r == 0)
		*more = json_is_true(json_object_get(message, "continues"));
	json_decref(message);
	return r;
}

int ctl_client_call(struct ctl_client *client, const char *method, json_t *parameters,
		    int timeout_ms, json_t **ret, char **error_name, struct err *e)
{
	bool more;
	int r = send_call(client, method, parameters, false, e);

	if (r < 0)
		return r;
	return receive_answer(client, timeout_ms, ret, &more, error_name, e);
}

int ctl_client_call_more(struct ctl_client *client, const char *method, json_t *parameters,
			 struct err *e)
{
	return send_call(client, method, parameters, true, e);
}

int ctl_client_next(struct ctl_client *client, int timeout_ms, json_t **ret, bool *more,
		    struct err *e)
{
	return receive_answer(client, timeout_ms, ret, more, NULL, e);
}
