/* UDP: a loss meter. Datagram n belongs to flow n % flows and leaves at start + n / rate, by the
 * clock and not after the one before it: a sender that was held up catches up. Before the numbers
 * begin, each flow is opened with datagrams that do not count, so that neighbour discovery and the
 * switch's learning are not measured. */
#include "tests/lab/traffic.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define MAGIC 0x796f6b65u
#define OPENING UINT32_MAX /* The number of a datagram that does not count. */
#define OPENING_TIMEOUT (5 * TRAFFIC_NSEC)
#define LINGER (TRAFFIC_NSEC / 2) /* How long what was sent last may be under way. */
#define HOLES_TOLD 64

struct datagram {
	uint32_t magic;
	uint32_t run;
	uint32_t number;
	uint32_t flow;
};

struct udp_run {
	const struct traffic_options *options;
	uint32_t identity; /* What an earlier run left in a queue is not ours. */
	uint32_t n_max;
	int receiver;
	int senders[TRAFFIC_FLOWS_MAX];

	/* The sender's. */
	uint64_t start;
	uint64_t latest; /* How late a datagram left. */
	uint64_t *sent_at;
	atomic_uint n_sent;
	uint64_t refused;
	atomic_bool failed; /* Not every flow could be opened. */
	atomic_bool sender_done;

	/* The receiver's. */
	atomic_uint n_open;
	bool open[TRAFFIC_FLOWS_MAX];
	uint8_t *seen;
	int64_t newest[TRAFFIC_FLOWS_MAX];
	uint64_t received;
	uint64_t duplicated;
	uint64_t reordered;
	uint64_t corrupted;
	uint64_t last_arrival;
	uint64_t longest_gap;
	uint64_t longest_gap_at;
	uint64_t slowest; /* Longest time under way. */
};

static uint8_t filling(uint32_t number, size_t place)
{
	return (uint8_t)(number * 31 + place * 7 + place / 256);
}

static void write_datagram(const struct udp_run *run, uint8_t *buffer, uint32_t number,
			   uint32_t flow)
{
	struct datagram head = {
		.magic = MAGIC, .run = run->identity, .number = number, .flow = flow
	};

	memcpy(buffer, &head, sizeof(head));
	for (size_t i = sizeof(head); i < run->options->size; i++)
		buffer[i] = filling(number, i);
}

static void open_senders(struct udp_run *run)
{
	const struct traffic_options *options = run->options;

	for (unsigned flow = 0; flow < options->flows; flow++) {
		struct sockaddr_storage from =
			traffic_any_address(options, options->first_port + flow);
		int yes = 1;
		int fd = traffic_socket(options, SOCK_DGRAM);
		int segment = (int)options->size;

		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
		if (options->segments > 1 &&
		    setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)) < 0)
			err(2, "cannot send segments");
		if (bind(fd, (struct sockaddr *)&from, options->address_size) < 0 ||
		    connect(fd, (const struct sockaddr *)&options->address, options->address_size) <
			    0)
			err(2, "cannot send to %s", options->address_text);
		run->senders[flow] = fd;
	}
}

/* True when the receiver has heard every flow. */
static bool open_flows(struct udp_run *run)
{
	static uint8_t buffer[65536];
	uint64_t start = traffic_now();
	uint64_t now = start;

	while (now - start < OPENING_TIMEOUT && !traffic_stop) {
		for (unsigned flow = 0; flow < run->options->flows; flow++) {
			write_datagram(run, buffer, OPENING, flow);
			(void)send(run->senders[flow], buffer, run->options->size, 0);
		}
		now = traffic_now() + 20000000;
		traffic_sleep_until(now);
		if (run->n_open == run->options->flows)
			return true;
	}
	return false;
}

static void send_numbered(struct udp_run *run, uint32_t number)
{
	static uint8_t buffer[65536];
	const struct traffic_options *options = run->options;
	uint32_t flow = number / options->segments % options->flows;
	uint64_t now = traffic_now();

	for (unsigned i = 0; i < options->segments; i++) {
		write_datagram(run, buffer + (size_t)i * options->size, number + i, flow);
		run->sent_at[number + i] = now;
	}
	if (send(run->senders[flow], buffer, (size_t)options->size * options->segments, 0) < 0)
		run->refused += options->segments;
	run->n_sent = number + options->segments;
}

static void *sender(void *userdata)
{
	struct udp_run *run = userdata;
	const struct traffic_options *options = run->options;

	traffic_enter(options->from);
	open_senders(run);
	if (!open_flows(run)) {
		run->failed = true;
		run->sender_done = true;
		return NULL;
	}
	fputs("flowing\n", stderr);
	run->start = traffic_now();
	for (uint32_t number = 0; number < run->n_max && !traffic_stop;
	     number += options->segments) {
		uint64_t due = run->start + number * TRAFFIC_NSEC / options->rate;
		uint64_t now;

		traffic_sleep_until(due);
		now = traffic_now();
		if (now - due > run->latest && now > due)
			run->latest = now - due;
		send_numbered(run, number);
	}
	run->sender_done = true;
	return NULL;
}

static bool is_intact(const struct udp_run *run, const uint8_t *buffer, size_t size,
		      uint32_t number)
{
	if (size != run->options->size)
		return false;
	for (size_t i = sizeof(struct datagram); i < size; i++)
		if (buffer[i] != filling(number, i))
			return false;
	return true;
}

static void note_arrival(struct udp_run *run, uint32_t number, uint64_t now)
{
	if (run->last_arrival && now - run->last_arrival > run->longest_gap) {
		run->longest_gap = now - run->last_arrival;
		run->longest_gap_at = run->last_arrival;
	}
	run->last_arrival = now;
	if (now - run->sent_at[number] > run->slowest)
		run->slowest = now - run->sent_at[number];
}

static void take_numbered(struct udp_run *run, const struct datagram *head, uint64_t now)
{
	note_arrival(run, head->number, now);
	if (run->seen[head->number]) {
		run->duplicated++;
		return;
	}
	run->seen[head->number] = 1;
	run->received++;
	if (head->number < run->newest[head->flow])
		run->reordered++;
	else
		run->newest[head->flow] = head->number;
}

static void take(struct udp_run *run, const uint8_t *buffer, size_t size)
{
	struct datagram head;

	if (size < sizeof(head))
		return;
	memcpy(&head, buffer, sizeof(head));
	if (head.magic != MAGIC || head.run != run->identity || head.flow >= run->options->flows)
		return;
	if (!is_intact(run, buffer, size, head.number)) {
		run->corrupted++;
	} else if (head.number == OPENING) {
		run->n_open += !run->open[head.flow];
		run->open[head.flow] = true;
	} else if (head.number < run->n_sent + run->options->segments && head.number < run->n_max) {
		take_numbered(run, &head, traffic_now());
	}
}

static void receive(struct udp_run *run)
{
	static uint8_t buffer[65536];
	uint64_t quiet_since = 0;

	while (true) {
		ssize_t size = recv(run->receiver, buffer, sizeof(buffer), 0);
		uint64_t now = traffic_now();

		if (size >= 0) {
			take(run, buffer, (size_t)size);
			quiet_since = now;
		}
		if (run->sender_done &&
		    (run->failed || run->received == run->n_sent || now - quiet_since > LINGER))
			return;
	}
}

static void open_receiver(struct udp_run *run)
{
	struct timeval time = { .tv_usec = 20000 };
	int buffer = 16 << 20;

	traffic_enter(run->options->to);
	run->receiver = traffic_socket(run->options, SOCK_DGRAM);
	setsockopt(run->receiver, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer));
	setsockopt(run->receiver, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
	if (bind(run->receiver, (const struct sockaddr *)&run->options->address,
		 run->options->address_size) < 0)
		err(2, "cannot receive on %s", run->options->address_text);
}

static double milliseconds(uint64_t ns)
{
	return (double)ns / 1e6;
}

static void tell_hole(const struct udp_run *run, uint32_t flow, const uint32_t ends[2],
		      unsigned lost, unsigned *n_holes)
{
	if ((*n_holes)++ >= HOLES_TOLD)
		return;
	printf("%s{\"flow\": %u, \"lost\": %u, \"first_ms\": %.2f, \"last_ms\": %.2f}",
	       *n_holes > 1 ? ", " : "", flow, lost,
	       milliseconds(run->sent_at[ends[0]] - run->start),
	       milliseconds(run->sent_at[ends[1]] - run->start));
}

/* The runs of datagrams of one flow that did not arrive. Returns how many did not. */
static uint32_t tell_holes_of_flow(const struct udp_run *run, uint32_t flow, unsigned *n_holes)
{
	const struct traffic_options *options = run->options;
	uint32_t ends[2] = { 0, 0 };
	uint32_t total = 0;
	unsigned lost = 0;

	for (uint32_t number = 0; number < run->n_sent; number++) {
		if (number / options->segments % options->flows != flow)
			continue;
		if (!run->seen[number]) {
			ends[lost ? 1 : 0] = ends[1] = number;
			lost++;
			total++;
		} else if (lost) {
			tell_hole(run, flow, ends, lost, n_holes);
			lost = 0;
		}
	}
	if (lost)
		tell_hole(run, flow, ends, lost, n_holes);
	return total;
}

static void tell_flows(const struct udp_run *run)
{
	uint32_t lost[TRAFFIC_FLOWS_MAX];
	unsigned n_holes = 0;

	printf(", \"holes\": [");
	for (uint32_t flow = 0; flow < run->options->flows; flow++)
		lost[flow] = tell_holes_of_flow(run, flow, &n_holes);
	printf("], \"n_holes\": %u, \"flow_lost\": [", n_holes);
	for (uint32_t flow = 0; flow < run->options->flows; flow++)
		printf("%s%u", flow ? ", " : "", lost[flow]);
	printf("]");
}

static void tell(const struct udp_run *run)
{
	uint64_t gap_at = run->longest_gap_at > run->start ? run->longest_gap_at - run->start : 0;
	uint64_t sent = run->n_sent;

	printf("{\"kind\": \"udp\", \"sent\": %" PRIu64 ", \"received\": %" PRIu64
	       ", \"lost\": %" PRIu64 ", \"refused\": %" PRIu64 ", \"duplicated\": %" PRIu64
	       ", \"reordered\": %" PRIu64 ", \"corrupted\": %" PRIu64,
	       sent, run->received, sent - run->received, run->refused, run->duplicated,
	       run->reordered, run->corrupted);
	printf(", \"flows\": %u, \"rate\": %u, \"start_ns\": %" PRIu64
	       ", \"longest_gap_ms\": %.2f, \"longest_gap_at_ms\": %.2f, \"slowest_ms\": %.2f"
	       ", \"sender_latest_ms\": %.2f",
	       run->options->flows, run->options->rate, run->start, milliseconds(run->longest_gap),
	       milliseconds(gap_at), milliseconds(run->slowest), milliseconds(run->latest));
	tell_flows(run);
	printf(", \"failure\": \"%s\"}\n", run->failed ? "not every flow arrived within 5 s" : "");
}

int traffic_udp(const struct traffic_options *options)
{
	static struct udp_run run;
	pthread_t thread;

	run.options = options;
	run.identity = (uint32_t)(traffic_now() ^ ((uint64_t)getpid() << 16));
	run.n_max = (uint32_t)(options->rate * options->seconds);
	run.n_max -= run.n_max % options->segments;
	run.sent_at = calloc(run.n_max + 1, sizeof(*run.sent_at));
	run.seen = calloc(run.n_max + 1, 1);
	if (!run.sent_at || !run.seen)
		errx(2, "no memory");
	for (unsigned flow = 0; flow < options->flows; flow++)
		run.newest[flow] = -1;
	open_receiver(&run);
	if (pthread_create(&thread, NULL, sender, &run) != 0)
		errx(2, "cannot start a thread");
	receive(&run);
	pthread_join(thread, NULL);
	tell(&run);
	return run.failed ? 1 : 0;
}
