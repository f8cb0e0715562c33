/* Bulk and round trips by TCP; each end of a connection is a thread. */
#include "tests/bench/pump.h"

#include <err.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK (1u << 17)
#define PATIENCE 30 /* How long a transfer may stand still, in seconds. */

struct end {
	const struct pump *pump;
	int fd;
	uint64_t count;
};

struct transfer {
	struct end senders[PUMP_FLOWS_MAX];
	struct end receivers[PUMP_FLOWS_MAX];
};

static int make_socket(const char *netns)
{
	const struct timeval patience = { .tv_sec = PATIENCE };
	int on = 1, fd;

	pump_enter(netns);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		err(2, "cannot make a socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static void connect_all(struct transfer *transfer, const struct pump *pump)
{
	const struct sockaddr *address = (const struct sockaddr *)&pump->address;
	int listener = make_socket(pump->to);

	if (bind(listener, address, sizeof(pump->address)) < 0 ||
	    listen(listener, PUMP_FLOWS_MAX) < 0)
		err(2, "cannot listen");
	for (unsigned i = 0; i < pump->flows; i++) {
		struct end *sender = &transfer->senders[i], *receiver = &transfer->receivers[i];

		*sender = (struct end){ pump, make_socket(pump->from), pump->count / pump->flows };
		if (connect(sender->fd, address, sizeof(pump->address)) < 0)
			err(2, "cannot connect");
		*receiver = (struct end){ pump, accept(listener, NULL, NULL), sender->count };
		if (receiver->fd < 0)
			err(2, "cannot accept");
	}
	(void)close(listener);
}

static void *send_bulk(void *userdata)
{
	static const uint8_t octets[CHUNK];
	const struct end *end = userdata;
	uint64_t sent = 0;

	while (sent < end->count) {
		uint64_t left = end->count - sent;
		ssize_t n = send(end->fd, octets, left < CHUNK ? (size_t)left : CHUNK, 0);

		if (n <= 0)
			err(2, "cannot send");
		sent += (uint64_t)n;
	}
	return NULL;
}

static void *receive_bulk(void *userdata)
{
	static _Thread_local uint8_t octets[CHUNK];
	const struct end *end = userdata;
	uint64_t received = 0;

	while (received < end->count) {
		ssize_t n = recv(end->fd, octets, sizeof(octets), 0);

		if (n <= 0)
			err(2, "cannot receive");
		received += (uint64_t)n;
	}
	return NULL;
}

static void start(pthread_t *thread, void *(*function)(void *), struct end *end)
{
	if (pthread_create(thread, NULL, function, end) != 0)
		errx(2, "cannot start a thread");
}

uint64_t pump_tcp(const struct pump *pump)
{
	static struct transfer transfer;
	pthread_t senders[PUMP_FLOWS_MAX], receivers[PUMP_FLOWS_MAX];
	uint64_t begin;

	connect_all(&transfer, pump);
	begin = pump_now();
	for (unsigned i = 0; i < pump->flows; i++) {
		start(&receivers[i], receive_bulk, &transfer.receivers[i]);
		start(&senders[i], send_bulk, &transfer.senders[i]);
	}
	for (unsigned i = 0; i < pump->flows; i++) {
		(void)pthread_join(senders[i], NULL);
		(void)pthread_join(receivers[i], NULL);
	}
	return pump_now() - begin;
}

static void *answer(void *userdata)
{
	const struct end *end = userdata;
	uint8_t octet;

	for (uint64_t i = 0; i < end->count; i++)
		if (recv(end->fd, &octet, 1, 0) != 1 || send(end->fd, &octet, 1, 0) != 1)
			err(2, "cannot answer");
	return NULL;
}

uint64_t pump_round_trips(const struct pump *pump)
{
	static struct transfer transfer;
	struct pump one = *pump;
	pthread_t thread;
	uint64_t begin;
	uint8_t octet = 0;

	one.flows = 1;
	connect_all(&transfer, &one);
	start(&thread, answer, &transfer.receivers[0]);
	begin = pump_now();
	for (uint64_t i = 0; i < pump->count; i++)
		if (send(transfer.senders[0].fd, &octet, 1, 0) != 1 ||
		    recv(transfer.senders[0].fd, &octet, 1, 0) != 1)
			err(2, "cannot ask");
	(void)pthread_join(thread, NULL);
	return pump_now() - begin;
}
