#include "daemon/kernel/frame-socket.h"

#include "answer-filter.skel.h"
#include "bpf/answer-filter.h"
#include "lib/base/cleanup.h"

#include <arpa/inet.h>
#include <assert.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>

static_assert(ANSWER_FILTER_BURST + ANSWER_FILTER_RATE == FRAME_SOCKET_LIMIT,
	      "the header's promise");

/* In one turn of the main loop. */
#define SOCKETS 64
#define FRAMES 64

/* Announcements of a thousand addresses at once; the kernel takes memory only for what waits. */
#define SEND_BUFFER (8 << 20)

/* All answers of a second of eight targets, by the size that the kernel counts a frame with. */
#define RECEIVE_BUFFER (1 << 20)

#define TAG_SIZE 4

struct joined {
	int fd;
	int ifindex;
	size_t n_targets;
	struct probe_address targets[PROBE_TARGETS_MAX];
	LIST_ENTRY(joined) entry;
};

LIST_HEAD(joined_list, joined);

struct frame_socket {
	int fd;    /* Sends only: it has no protocol. */
	int epoll; /* Of those that receive. */
	struct joined_list joined;
	struct answer_filter_bpf *filter; /* NULL until the first device joins. */
};

static int take_out(struct frame_socket *sock, struct joined *joined);

void frame_socket_close(struct frame_socket *sock)
{
	struct joined *joined;

	if (!sock)
		return;
	while ((joined = LIST_FIRST(&sock->joined)))
		(void)close(take_out(sock, joined));
	closep(&sock->fd);
	closep(&sock->epoll);
	answer_filter_bpf__destroy(sock->filter);
	free(sock);
}

DEFINE_CLEANUP(struct frame_socket, frame_socket_close)

static int set_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* Without a protocol it receives nothing yet: no frame comes in past the filter. */
static int open_packet_socket(int *ret, struct err *e)
{
	*ret = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return *ret < 0 ? err_errno(e, -errno, "cannot open a packet socket") : 0;
}

int frame_socket_open(struct frame_socket **ret, struct err *e)
{
	cleanup(frame_socket_closep) struct frame_socket *sock = calloc(1, sizeof(*sock));
	int r;

	if (!sock)
		return err_errno(e, -ENOMEM, "cannot send frames");
	sock->fd = -1;
	LIST_INIT(&sock->joined);
	sock->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (sock->epoll < 0)
		return err_errno(e, -errno, "cannot wait for answers to probes");
	r = open_packet_socket(&sock->fd, e);
	if (r < 0)
		return r;
	/* A smaller buffer is no reason to give up. */
	if (set_option(sock->fd, SOL_SOCKET, SO_SNDBUFFORCE, SEND_BUFFER) < 0)
		(void)set_option(sock->fd, SOL_SOCKET, SO_SNDBUF, SEND_BUFFER);
	*ret = steal_ptr(sock);
	return 0;
}

int frame_socket_fd(const struct frame_socket *sock)
{
	return sock->epoll;
}

int frame_socket_send(struct frame_socket *sock, int ifindex, struct span frame)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = ifindex };

	if (frame.size < ETHER_HDR_LEN)
		return -EINVAL;
	memcpy(&to.sll_protocol, frame.bytes + 2 * MAC_SIZE, sizeof(to.sll_protocol));
	return sendto(sock->fd, frame.bytes, frame.size, MSG_DONTWAIT | MSG_NOSIGNAL,
		      (const struct sockaddr *)&to, sizeof(to)) < 0
		       ? -errno
		       : 0;
}

static int load_filter(struct frame_socket *sock, struct err *e)
{
	/* The library would tell its trouble on standard error. */
	libbpf_print_fn_t before;
	int r = 0;

	if (sock->filter)
		return 0;
	before = libbpf_set_print(NULL);
	sock->filter = answer_filter_bpf__open_and_load();
	if (!sock->filter)
		r = -errno;
	(void)libbpf_set_print(before);
	return r < 0 ? err_errno(e, r, "cannot load the filter for answers to probes") : 0;
}

static int targets_map(const struct frame_socket *sock)
{
	return bpf_map__fd(sock->filter->maps.targets);
}

static struct answer_filter_key key_of(int ifindex, const struct probe_address *target)
{
	struct answer_filter_key key = { .ifindex = (uint32_t)ifindex };

	if (target->v6) {
		memcpy(key.address, target->bytes, sizeof(key.address));
		return key;
	}
	key.address[10] = key.address[11] = 0xff;
	memcpy(key.address + 12, target->bytes, 4);
	return key;
}

static void forget_targets(struct frame_socket *sock, struct joined *joined)
{
	for (size_t i = 0; i < joined->n_targets; i++) {
		struct answer_filter_key key = key_of(joined->ifindex, &joined->targets[i]);

		(void)bpf_map_delete_elem(targets_map(sock), &key);
	}
	joined->n_targets = 0;
}

static int note_targets(struct frame_socket *sock, struct joined *joined,
			const struct probe_address *targets, size_t n, struct err *e)
{
	for (size_t i = 0; i < n && i < PROBE_TARGETS_MAX; i++) {
		struct answer_filter_key key = key_of(joined->ifindex, &targets[i]);
		const struct answer_filter_target fresh = {};
		int r = bpf_map_update_elem(targets_map(sock), &key, &fresh, BPF_NOEXIST);

		if (r == -EEXIST)
			continue;
		if (r == -E2BIG)
			return err_set(e, r, "at most %d targets are probed on all devices",
				       ANSWER_FILTER_TARGETS);
		if (r < 0)
			return err_errno(e, r, "cannot receive answers from device %d",
					 joined->ifindex);
		joined->targets[joined->n_targets++] = targets[i];
	}
	return 0;
}

static int set_options(struct frame_socket *sock, int fd, struct err *e)
{
	int r = set_option(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);

	if (r == 0)
		r = set_option(fd, SOL_PACKET, PACKET_AUXDATA, 1);
	if (r == 0)
		r = set_option(fd, SOL_SOCKET, SO_ATTACH_BPF,
			       bpf_program__fd(sock->filter->progs.answer_filter));
	if (set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER) < 0)
		(void)set_option(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
	return r < 0 ? err_errno(e, r, "cannot filter answers to probes") : 0;
}

static int start_receiving(struct frame_socket *sock, struct joined *joined, struct err *e)
{
	const struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = joined->ifindex,
	};
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = joined };

	if (bind(joined->fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    epoll_ctl(sock->epoll, EPOLL_CTL_ADD, joined->fd, &event) < 0)
		return err_errno(e, -errno, "cannot receive answers from device %d",
				 joined->ifindex);
	return 0;
}

static int open_joined(struct frame_socket *sock, struct joined *joined, struct err *e)
{
	int r = open_packet_socket(&joined->fd, e);

	if (r == 0)
		r = set_options(sock, joined->fd, e);
	return r < 0 ? r : start_receiving(sock, joined, e);
}

static struct joined *find_joined(const struct frame_socket *sock, int ifindex)
{
	struct joined *joined;

	LIST_FOREACH (joined, &sock->joined, entry)
		if (joined->ifindex == ifindex)
			return joined;
	return NULL;
}

/* Its descriptor is left. */
static int take_out(struct frame_socket *sock, struct joined *joined)
{
	int fd = joined->fd;

	forget_targets(sock, joined);
	if (fd >= 0)
		(void)epoll_ctl(sock->epoll, EPOLL_CTL_DEL, fd, NULL);
	LIST_REMOVE(joined, entry);
	free(joined);
	return fd;
}

int frame_socket_join(struct frame_socket *sock, int ifindex, const struct probe_address *targets,
		      size_t n, struct err *e)
{
	struct joined *joined = find_joined(sock, ifindex);
	int r = load_filter(sock, e);

	if (r < 0)
		return r;
	if (joined) {
		forget_targets(sock, joined);
		return note_targets(sock, joined, targets, n, e);
	}
	joined = calloc(1, sizeof(*joined));
	if (!joined)
		return err_errno(e, -ENOMEM, "cannot receive answers from device %d", ifindex);
	joined->fd = -1;
	joined->ifindex = ifindex;
	LIST_INSERT_HEAD(&sock->joined, joined, entry);
	r = note_targets(sock, joined, targets, n, e);
	if (r == 0)
		r = open_joined(sock, joined, e);
	if (r < 0) {
		int fd = take_out(sock, joined);

		closep(&fd);
	}
	return r;
}

int frame_socket_leave(struct frame_socket *sock, int ifindex)
{
	struct joined *joined = find_joined(sock, ifindex);

	return joined ? take_out(sock, joined) : -1;
}

struct received {
	uint8_t frame[ANSWER_FILTER_BYTES + TAG_SIZE];
	size_t size;
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
};

/* The kernel takes the tag off and tells it beside the frame. */
static void put_tag_back(struct received *received, struct msghdr *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		struct tpacket_auxdata data;
		uint16_t tag[2];

		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA ||
		    c->cmsg_len < CMSG_LEN(sizeof(data)))
			continue;
		memcpy(&data, CMSG_DATA(c), sizeof(data));
		if (!(data.tp_status & TP_STATUS_VLAN_VALID) || received->size < 2 * MAC_SIZE)
			continue;
		tag[0] = htons(data.tp_status & TP_STATUS_VLAN_TPID_VALID ? data.tp_vlan_tpid
									  : ETHERTYPE_VLAN);
		tag[1] = htons(data.tp_vlan_tci);
		memmove(received->frame + 2 * MAC_SIZE + TAG_SIZE, received->frame + 2 * MAC_SIZE,
			received->size - 2 * MAC_SIZE);
		memcpy(received->frame + 2 * MAC_SIZE, tag, TAG_SIZE);
		received->size += TAG_SIZE;
		return;
	}
}

/* False: there is nothing more. */
static bool receive_one(int fd, struct received *received)
{
	struct iovec iov = { received->frame, ANSWER_FILTER_BYTES };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = received->control,
		.msg_controllen = sizeof(received->control),
	};
	ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT);

	/* Errors such as ENETDOWN are the device's, and are gone when they are read. */
	received->size = n < 0 ? 0 : (size_t)n;
	if (n < 0)
		return errno != EAGAIN;
	put_tag_back(received, &message);
	return true;
}

/* What is received may make somebody join or leave. */
static bool is_there(const struct frame_socket *sock, const struct joined *wanted)
{
	const struct joined *joined;

	LIST_FOREACH (joined, &sock->joined, entry)
		if (joined == wanted)
			return true;
	return false;
}

void frame_socket_receive(struct frame_socket *sock, frame_received *received, void *userdata)
{
	struct epoll_event events[SOCKETS];
	int n = epoll_wait(sock->epoll, events, SOCKETS, 0);

	for (int i = 0; i < n; i++) {
		const struct joined *joined = events[i].data.ptr;
		struct received one;

		for (unsigned j = 0;
		     j < FRAMES && is_there(sock, joined) && receive_one(joined->fd, &one); j++)
			if (one.size)
				received(userdata, joined->ifindex,
					 (struct span){ one.frame, one.size });
	}
}

uint64_t frame_socket_limited(const struct frame_socket *sock, int ifindex)
{
	const struct joined *joined = find_joined(sock, ifindex);
	uint64_t limited = 0;

	for (size_t i = 0; joined && i < joined->n_targets; i++) {
		struct answer_filter_key key = key_of(ifindex, &joined->targets[i]);
		struct answer_filter_target target;

		if (bpf_map_lookup_elem(targets_map(sock), &key, &target) == 0)
			limited += target.limited;
	}
	return limited;
}
