#include "tests/net/datapath/traffic.h"

#include "lib/base/nsec.h"
#include "tests/net/datapath/lab.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define MAGIC 0x796f6b65
#define PATIENCE_MS 2000
#define LARGEST 65536
#define RECEIVE_BUFFER (64 << 20)

/* Behind the Ethernet header, or behind UDP's. */
struct [[gnu::packed]] mark {
	uint32_t magic;
	uint32_t number;
	uint16_t flow;
};

int traffic_socket(int namespace, const char *device, uint16_t ethertype)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET };
	int before, fd, size = RECEIVE_BUFFER, on = 1;

	before = lab_namespace();
	lab_enter(namespace);
	address.sll_ifindex = (int)if_nametoindex(device);
	address.sll_protocol = htons(ethertype ? ethertype : ETH_P_ALL);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	ck_assert_int_eq(setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)), 0);
	lab_enter(before);
	(void)close(before);
	return fd;
}

static size_t put_headers(uint8_t *bytes, const struct traffic_frame *frame)
{
	const struct mac source = { { 2, 0, 0, 0, 1, 1 } };
	size_t n = 2 * MAC_SIZE;

	memset(bytes, 0xff, MAC_SIZE);
	if (!mac_is_zero(&frame->destination))
		memcpy(bytes, frame->destination.bytes, MAC_SIZE);
	memcpy(bytes + MAC_SIZE, mac_is_zero(&frame->source) ? source.bytes : frame->source.bytes,
	       MAC_SIZE);
	if (frame->vlan) {
		bytes[n] = 0x81;
		bytes[n + 1] = 0x00;
		bytes[n + 2] = (uint8_t)(frame->vlan >> 8);
		bytes[n + 3] = (uint8_t)frame->vlan;
		n += 4;
	}
	bytes[n] = frame->ethertype ? (uint8_t)(frame->ethertype >> 8) : 0x08;
	bytes[n + 1] = frame->ethertype ? (uint8_t)frame->ethertype : 0x00;
	return n + 2;
}

/* A bridge may look at it. */
static uint16_t ip_checksum(const struct iphdr *ip)
{
	uint16_t words[sizeof(*ip) / 2];
	uint32_t sum = 0;

	memcpy(words, ip, sizeof(words));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

static size_t put_udp(uint8_t *bytes, const struct traffic_frame *frame, size_t size)
{
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.ttl = 64,
		.protocol = IPPROTO_UDP,
		.tot_len = htons((uint16_t)size),
		.saddr = htonl(0x0a000001),
		.daddr = htonl(0x0a000002),
	};
	struct udphdr udp = {
		.source = htons((uint16_t)(1024 + frame->flow)),
		.dest = htons(9),
		.len = htons((uint16_t)(size - sizeof(ip))),
	};

	ip.check = ip_checksum(&ip);
	memcpy(bytes, &ip, sizeof(ip));
	memcpy(bytes + sizeof(ip), &udp, sizeof(udp));
	return sizeof(ip) + sizeof(udp);
}

void traffic_send(int socket, const struct traffic_frame *frame)
{
	const struct mark mark = { MAGIC, frame->number, frame->flow };
	static const size_t smallest = 64;
	size_t size = frame->size ? frame->size : smallest;
	uint8_t *bytes = calloc(1, size + smallest);
	size_t n;
	ssize_t r;

	ck_assert_ptr_nonnull(bytes);
	n = put_headers(bytes, frame);
	if (!frame->ethertype)
		n += put_udp(bytes + n, frame, size - n);
	memcpy(bytes + n, &mark, sizeof(mark));
	do
		r = send(socket, bytes, size, 0);
	while (r < 0 && (errno == EAGAIN || (errno == ENOBUFS && !frame->lossy)));
	ck_assert_msg(r == (ssize_t)size || (r < 0 && errno == ENOBUFS), "send: %m");
	free(bytes);
}

static bool find_mark(const uint8_t *bytes, size_t size, struct mark *mark)
{
	const uint32_t magic = MAGIC;
	const uint8_t *at = memmem(bytes, size, &magic, sizeof(magic));

	if (!at || size - (size_t)(at - bytes) < sizeof(*mark))
		return false;
	memcpy(mark, at, sizeof(*mark));
	return true;
}

static uint16_t tag_of(struct msghdr *header)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		struct tpacket_auxdata aux;

		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		return aux.tp_status & TP_STATUS_VLAN_VALID ? aux.tp_vlan_tci : 0;
	}
	return 0;
}

/* false when there is nothing. */
static bool take_one(int socket, struct traffic_seen *seen)
{
	static _Thread_local uint8_t bytes[LARGEST + 64];
	uint8_t control[256];
	struct sockaddr_ll from = {};
	struct iovec iov = { bytes, sizeof(bytes) };
	struct msghdr header = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t size = recvmsg(socket, &header, 0);
	struct mark mark;

	if (size < 0)
		return false;
	if (!find_mark(bytes, (size_t)size, &mark))
		return true;
	seen->n++;
	seen->n_out += from.sll_pkttype == PACKET_OUTGOING;
	seen->number = mark.number;
	seen->vlan = tag_of(&header);
	if ((uint32_t)size > seen->size)
		seen->size = (uint32_t)size;
	if (mark.flow < TRAFFIC_MAX_FRAMES / 256)
		seen->flows[mark.flow]++;
	return true;
}

void traffic_take(int socket, struct traffic_seen *seen)
{
	while (take_one(socket, seen))
		;
}

void traffic_await(int socket, unsigned n, struct traffic_seen *seen)
{
	struct pollfd fd = { .fd = socket, .events = POLLIN };

	traffic_take(socket, seen);
	while (seen->n < n && poll(&fd, 1, PATIENCE_MS) == 1)
		traffic_take(socket, seen);
}

static void *run_sender(void *userdata)
{
	struct traffic_stream *stream = userdata;
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	for (uint32_t i = 0; i < stream->n_frames; i++) {
		const struct traffic_frame frame = {
			.flow = (uint16_t)(i % stream->n_flows),
			.number = i,
		};

		traffic_send(stream->from, &frame);
		__atomic_store_n(&stream->n_sent, i + 1, __ATOMIC_RELEASE);
		next.tv_nsec += stream->interval_us * 1000;
		if (next.tv_nsec >= 1000000000) {
			next.tv_nsec -= 1000000000;
			next.tv_sec++;
		}
		(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
	}
	__atomic_store_n(&stream->sender_done, true, __ATOMIC_RELEASE);
	return NULL;
}

static void drain(struct traffic_stream *stream, int socket)
{
	struct traffic_seen seen = {};

	while (take_one(socket, &seen))
		if (seen.n && seen.number < stream->n_frames) {
			stream->seen[seen.number]++;
			seen.n = 0;
		}
}

static void *run_receiver(void *userdata)
{
	struct traffic_stream *stream = userdata;
	struct pollfd fds[TRAFFIC_MAX_SOCKETS];
	bool done = false;
	int n = 1;

	for (unsigned i = 0; i < stream->n_to; i++)
		fds[i] = (struct pollfd){ .fd = stream->to[i], .events = POLLIN };
	/* A tenth of a second of silence after the last frame. */
	while (!done || n > 0) {
		done = __atomic_load_n(&stream->sender_done, __ATOMIC_ACQUIRE);
		n = poll(fds, stream->n_to, 100);
		for (unsigned i = 0; i < stream->n_to; i++)
			drain(stream, stream->to[i]);
	}
	return NULL;
}

void traffic_stream_start(struct traffic_stream *stream)
{
	ck_assert_uint_le(stream->n_frames, TRAFFIC_MAX_FRAMES);
	ck_assert_int_eq(pthread_create(&stream->receiver, NULL, run_receiver, stream), 0);
	ck_assert_int_eq(pthread_create(&stream->sender, NULL, run_sender, stream), 0);
}

void traffic_stream_await(struct traffic_stream *stream, uint32_t n)
{
	const struct timespec moment = { .tv_nsec = 200000 };

	while (__atomic_load_n(&stream->n_sent, __ATOMIC_ACQUIRE) < n)
		(void)nanosleep(&moment, NULL);
}

void traffic_stream_finish(struct traffic_stream *stream)
{
	(void)pthread_join(stream->sender, NULL);
	(void)pthread_join(stream->receiver, NULL);
	for (uint32_t i = 0; i < stream->n_frames; i++) {
		stream->n_lost += stream->seen[i] == 0;
		stream->n_doubled += stream->seen[i] > 1;
	}
}
