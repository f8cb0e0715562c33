/* TCP: each byte's value follows from its place in the stream, so that the receiver knows what
 * should have come. */
#include "tests/lab/traffic.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define CHUNK 65536 /* Of the stream, multiple of 8. */

struct tcp_run {
	const struct traffic_options *options;
	int listener;
	uint64_t received;
	uint64_t retransmitted;
	int64_t first_wrong; /* Place of the first byte that is not as sent, -1: none. */
	char failure[128];   /* Of the receiver; "" if all went well. */
	char send_failure[128];
};

/* splitmix64, a well-known mixer: words of the stream repeat nowhere near each other. */
static uint64_t word_at(uint64_t place)
{
	uint64_t z = (place + 1) * 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static void fill(uint8_t *buffer, uint64_t offset)
{
	for (unsigned i = 0; i < CHUNK; i += 8) {
		uint64_t word = word_at((offset + i) / 8);

		memcpy(buffer + i, &word, 8);
	}
}

static void set_timeouts(int fd, double seconds)
{
	struct timeval time = { .tv_sec = (time_t)seconds,
				.tv_usec =
					(suseconds_t)((seconds - (double)(time_t)seconds) * 1e6) };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time));
}

static bool send_stream(int fd, uint64_t bytes)
{
	static _Thread_local uint8_t buffer[CHUNK];

	for (uint64_t offset = 0; offset < bytes && !traffic_stop; offset += CHUNK) {
		size_t size = bytes - offset < CHUNK ? (size_t)(bytes - offset) : CHUNK;

		fill(buffer, offset);
		for (size_t done = 0; done < size;) {
			ssize_t r = send(fd, buffer + done, size - done, MSG_NOSIGNAL);

			if (r < 0)
				return false;
			done += (size_t)r;
		}
	}
	return true;
}

static void send_one(struct tcp_run *run)
{
	const struct traffic_options *options = run->options;
	int fd = traffic_socket(options, SOCK_STREAM);
	struct tcp_info info = {};
	socklen_t size = sizeof(info);
	uint8_t end;

	set_timeouts(fd, options->seconds);
	if (connect(fd, (const struct sockaddr *)&options->address, options->address_size) < 0 ||
	    !send_stream(fd, options->bytes))
		snprintf(run->send_failure, sizeof(run->send_failure), "sender: %s",
			 strerror(errno));
	shutdown(fd, SHUT_WR);
	(void)recv(fd, &end, 1, 0); /* Until the receiver has all: then the figures are final. */
	getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size);
	run->retransmitted += info.tcpi_total_retrans;
	close(fd);
}

static void *sender(void *userdata)
{
	struct tcp_run *run = userdata;

	traffic_enter(run->options->from);
	for (unsigned i = 0; i < run->options->flows && !run->send_failure[0]; i++)
		send_one(run);
	return NULL;
}

static void compare(struct tcp_run *run, uint64_t offset, const uint8_t *got, size_t size)
{
	for (size_t i = 0; i < size && run->first_wrong < 0; i++) {
		uint64_t place = offset + i;
		uint64_t word = word_at(place / 8);

		if (got[i] != ((const uint8_t *)&word)[place % 8])
			run->first_wrong = (int64_t)place;
	}
}

static void receive_one(struct tcp_run *run, int fd)
{
	static uint8_t buffer[CHUNK];
	uint64_t offset = 0;

	while (true) {
		ssize_t r = recv(fd, buffer, sizeof(buffer), 0);

		if (r < 0)
			snprintf(run->failure, sizeof(run->failure), "receiver: %s",
				 strerror(errno));
		if (r <= 0)
			break;
		compare(run, offset, buffer, (size_t)r);
		offset += (uint64_t)r;
	}
	run->received += offset;
}

static void receive_all(struct tcp_run *run)
{
	for (unsigned i = 0; i < run->options->flows && !run->failure[0]; i++) {
		int fd = accept(run->listener, NULL, NULL);

		if (fd < 0) {
			snprintf(run->failure, sizeof(run->failure), "nobody came: %s",
				 strerror(errno));
			return;
		}
		set_timeouts(fd, run->options->seconds);
		receive_one(run, fd);
		close(fd);
	}
}

static void listen_in_namespace(struct tcp_run *run)
{
	const struct sockaddr *address = (const struct sockaddr *)&run->options->address;
	int yes = 1;

	traffic_enter(run->options->to);
	run->listener = traffic_socket(run->options, SOCK_STREAM);
	setsockopt(run->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	set_timeouts(run->listener, run->options->seconds);
	if (bind(run->listener, address, run->options->address_size) < 0 ||
	    listen(run->listener, 8) < 0)
		err(2, "cannot listen on %s", run->options->address_text);
}

static bool tell(const struct tcp_run *run, double seconds)
{
	uint64_t expected = run->options->bytes * run->options->flows;
	bool intact = run->received == expected && run->first_wrong < 0;
	const char *failure = run->failure[0] ? run->failure : run->send_failure;

	printf("{\"kind\": \"tcp\", \"bytes\": %" PRIu64 ", \"expected\": %" PRIu64
	       ", \"intact\": %s, \"first_wrong\": %" PRId64 ", \"retransmitted\": %" PRIu64
	       ", \"seconds\": %.3f, \"mbit_s\": %.1f, \"failure\": \"%s\"}\n",
	       run->received, expected, intact ? "true" : "false", run->first_wrong,
	       run->retransmitted, seconds, (double)run->received * 8 / 1e6 / seconds, failure);
	return intact && !failure[0];
}

int traffic_tcp(const struct traffic_options *options)
{
	struct tcp_run run = { .options = options, .first_wrong = -1 };
	uint64_t start = traffic_now();
	pthread_t thread;

	listen_in_namespace(&run);
	if (pthread_create(&thread, NULL, sender, &run) != 0)
		errx(2, "cannot start a thread");
	receive_all(&run);
	pthread_join(thread, NULL);
	return tell(&run, (double)(traffic_now() - start) / 1e9) ? 0 : 1;
}
