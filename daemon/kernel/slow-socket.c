#include "daemon/kernel/slow-socket.h"

#include "bpf/slow-filter.h"
#include "lib/base/array.h"
#include "lib/base/cleanup.h"
#include "slow-filter.skel.h"

#include <arpa/inet.h>
#include <assert.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>

static_assert(SLOW_FILTER_BURST + SLOW_FILTER_RATE == SLOW_SOCKET_LIMIT, "the header's promise");

#define BATCH 32
#define BATCHES 8

/* What all members may send in a second, by the size that the kernel counts a small frame with. */
#define RECEIVE_BUFFER (4 << 20)

/* Network control, the highest of IEEE 802.1Q. */
#define PRIORITY 7

struct received {
	uint8_t frame[SLOW_FILTER_BYTES];
	struct sockaddr_ll from;
	struct iovec iov;
};

/* The socket of one member. */
struct bound {
	int fd;
	int ifindex;
	LIST_ENTRY(bound) entry;
};

LIST_HEAD(bound_list, bound);

/* The main thread receives, the worker opens and closes. */
struct slow_socket {
	int fd; /* Bound to no device; all frames are sent by it. */
	int epoll;
	/* Held by the main thread while it receives, so that no descriptor is closed, and perhaps
	 * opened as something else, that it has just found readable; and never while closing one,
	 * which takes its time. */
	pthread_mutex_t lock;
	struct bound_list bound;
	unsigned n_bound; /* Also read without the lock. */
	struct slow_filter_bpf *filter;
	struct received received[BATCH];
	struct mmsghdr messages[BATCH];
};

static void close_bound(struct bound *bound)
{
	closep(&bound->fd);
	free(bound);
}

void slow_socket_close(struct slow_socket *sock)
{
	struct bound *bound;

	if (!sock)
		return;
	while ((bound = LIST_FIRST(&sock->bound))) {
		LIST_REMOVE(bound, entry);
		close_bound(bound);
	}
	closep(&sock->fd);
	closep(&sock->epoll);
	slow_filter_bpf__destroy(sock->filter);
	pthread_mutex_destroy(&sock->lock);
	free(sock);
}

DEFINE_CLEANUP(struct slow_socket, slow_socket_close)

static int set_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int attach_filter(int fd, const struct bpf_program *program, struct err *e)
{
	int r = set_option(fd, SOL_SOCKET, SO_ATTACH_BPF, bpf_program__fd(program));

	return r < 0 ? err_errno(e, r, "cannot attach the filter for slow-protocol frames") : 0;
}

static int load_filter(struct slow_socket *sock, struct err *e)
{
	/* The library would tell its trouble on standard error. */
	libbpf_print_fn_t before = libbpf_set_print(NULL);
	int r = 0;

	sock->filter = slow_filter_bpf__open_and_load();
	if (!sock->filter)
		r = -errno;
	(void)libbpf_set_print(before);
	if (!sock->filter)
		return err_errno(e, r, "cannot load the filter for slow-protocol frames");
	return attach_filter(sock->fd, sock->filter->progs.slow_filter, e);
}

static int set_options(int fd, struct err *e)
{
	static const struct {
		int level, option, value;
		const char *what;
	} options[] = {
		{ SOL_SOCKET, SO_PRIORITY, PRIORITY, "cannot send slow-protocol frames first" },
		{ SOL_PACKET, PACKET_IGNORE_OUTGOING, 1,
		  "cannot tell received slow-protocol frames from own ones" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		int r = set_option(fd, options[i].level, options[i].option, options[i].value);

		if (r < 0)
			return err_errno(e, r, "%s", options[i].what);
	}
	/* A smaller buffer is no reason to give up. */
	if (set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER) < 0)
		(void)set_option(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
	return 0;
}

static void prepare_messages(struct slow_socket *sock)
{
	for (unsigned i = 0; i < BATCH; i++) {
		struct received *received = &sock->received[i];

		received->iov = (struct iovec){ received->frame, sizeof(received->frame) };
		sock->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &received->from,
			.msg_iov = &received->iov,
			.msg_iovlen = 1,
		};
	}
}

/* Without a protocol it receives nothing yet: no frame comes in past the filter. */
static int open_packet_socket(int *ret, struct err *e)
{
	*ret = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*ret < 0)
		return err_errno(e, -errno, "cannot open a packet socket");
	return set_options(*ret, e);
}

/* All devices: ifindex 0. */
static int start_receiving(struct slow_socket *sock, int fd, int ifindex, struct err *e)
{
	const struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETHERTYPE_SLOW_PROTOCOLS),
		.sll_ifindex = ifindex,
	};
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    epoll_ctl(sock->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		return err_errno(e, -errno, "cannot receive slow-protocol frames");
	return 0;
}

int slow_socket_open(struct slow_socket **ret, struct err *e)
{
	cleanup(slow_socket_closep) struct slow_socket *sock = calloc(1, sizeof(*sock));
	int r;

	if (!sock)
		return err_errno(e, -ENOMEM, "cannot receive slow-protocol frames");
	prepare_messages(sock);
	sock->fd = -1;
	pthread_mutex_init(&sock->lock, NULL);
	LIST_INIT(&sock->bound);
	sock->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (sock->epoll < 0)
		return err_errno(e, -errno, "cannot wait for slow-protocol frames");
	r = open_packet_socket(&sock->fd, e);
	if (r == 0)
		r = load_filter(sock, e);
	if (r == 0)
		r = start_receiving(sock, sock->fd, 0, e);
	if (r < 0)
		return r;
	*ret = steal_ptr(sock);
	return 0;
}

int slow_socket_fd(const struct slow_socket *sock)
{
	return sock->epoll;
}

/* The kernel takes the tag off before it looks who wants the frame, and packet sockets of one
 * protocol are not told of it (PACKET_AUXDATA neither: the tag is gone by then). But a frame of a
 * VLAN for which there is no interface it marks as for somebody else, which a multicast never is.
 */
static bool was_tagged(const struct slow_frame *frame, const struct sockaddr_ll *from)
{
	return from->sll_pkttype == PACKET_OTHERHOST && mac_is_multicast(&frame->destination);
}

static void hand_over(struct slow_socket *sock, unsigned i, slow_received *received, void *userdata)
{
	const struct received *from = &sock->received[i];
	size_t size = sock->messages[i].msg_len;
	struct slow_frame frame = { .ifindex = from->from.sll_ifindex };

	if (size < ETHER_HDR_LEN)
		return;
	memcpy(&frame.destination, from->frame, MAC_SIZE);
	memcpy(&frame.source, from->frame + MAC_SIZE, MAC_SIZE);
	frame.tagged = was_tagged(&frame, &from->from);
	frame.payload = (struct span){ from->frame + ETHER_HDR_LEN, size - ETHER_HDR_LEN };
	received(userdata, &frame);
}

static int receive_batch(struct slow_socket *sock, int fd)
{
	/* The kernel writes what it used over what there was. */
	for (unsigned i = 0; i < BATCH; i++)
		sock->messages[i].msg_hdr.msg_namelen = sizeof(struct sockaddr_ll);
	return recvmmsg(fd, sock->messages, BATCH, MSG_DONTWAIT, NULL);
}

static void receive_from(struct slow_socket *sock, int fd, slow_received *received, void *userdata)
{
	for (unsigned batch = 0; batch < BATCHES; batch++) {
		int n = receive_batch(sock, fd);

		/* Errors such as ENETDOWN are a device's, and are gone when they are read. */
		for (int i = 0; i < n; i++)
			hand_over(sock, (unsigned)i, received, userdata);
		if (n < BATCH)
			return;
	}
}

void slow_socket_receive(struct slow_socket *sock, slow_received *received, void *userdata)
{
	struct epoll_event events[BATCH];
	int n;

	/* Most hosts have one kind of team: then it need not be asked which socket it is. */
	if (!__atomic_load_n(&sock->n_bound, __ATOMIC_ACQUIRE)) {
		receive_from(sock, sock->fd, received, userdata);
		return;
	}
	pthread_mutex_lock(&sock->lock);
	n = epoll_wait(sock->epoll, events, BATCH, 0);
	for (int i = 0; i < n; i++)
		receive_from(sock, events[i].data.fd, received, userdata);
	pthread_mutex_unlock(&sock->lock);
}

int slow_socket_send(struct slow_socket *sock, int ifindex, const struct mac *source,
		     struct span payload)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETHERTYPE_SLOW_PROTOCOLS),
		.sll_ifindex = ifindex,
	};
	struct ether_header header = { .ether_type = htons(ETHERTYPE_SLOW_PROTOCOLS) };
	struct iovec iov[] = {
		{ &header, sizeof(header) },
		{ (void *)(uintptr_t)payload.bytes, payload.size },
	};
	struct msghdr message = {
		.msg_name = &to,
		.msg_namelen = sizeof(to),
		.msg_iov = iov,
		.msg_iovlen = ARRAY_SIZE(iov),
	};

	memcpy(header.ether_dhost, mac_slow_protocols.bytes, MAC_SIZE);
	memcpy(header.ether_shost, source->bytes, MAC_SIZE);
	return sendmsg(sock->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int change_membership(int fd, int ifindex, int option)
{
	struct packet_mreq request = {
		.mr_ifindex = ifindex,
		.mr_type = PACKET_MR_MULTICAST,
		.mr_alen = MAC_SIZE,
	};

	memcpy(request.mr_address, mac_slow_protocols.bytes, MAC_SIZE);
	return setsockopt(fd, SOL_PACKET, option, &request, sizeof(request)) < 0 ? -errno : 0;
}

static int members_map(const struct slow_socket *sock)
{
	return bpf_map__fd(sock->filter->maps.members);
}

/* 1: it has joined already, and stays as it is. */
static int note_member(struct slow_socket *sock, int ifindex, bool bound, struct err *e)
{
	const struct slow_filter_member fresh = { .bound = bound };
	uint32_t key = (uint32_t)ifindex;
	int r = bpf_map_update_elem(members_map(sock), &key, &fresh, BPF_NOEXIST);

	if (r == -EEXIST)
		return 1;
	if (r == -E2BIG)
		return err_set(e, r, "slow-protocol frames are received from at most %d devices",
			       SLOW_FILTER_MEMBERS);
	if (r < 0)
		return err_errno(e, r, "cannot receive slow-protocol frames from device %d",
				 ifindex);
	return 0;
}

static void forget_member(struct slow_socket *sock, int ifindex)
{
	uint32_t key = (uint32_t)ifindex;

	(void)bpf_map_delete_elem(members_map(sock), &key);
}

static int join_group(int fd, int ifindex, struct err *e)
{
	int r = change_membership(fd, ifindex, PACKET_ADD_MEMBERSHIP);

	return r < 0 ? err_errno(e, r, "cannot join the slow-protocol group on device %d", ifindex)
		     : 0;
}

int slow_socket_join(struct slow_socket *sock, int ifindex, struct err *e)
{
	int r = note_member(sock, ifindex, false, e);

	if (r != 0)
		return r < 0 ? r : 0;
	r = join_group(sock->fd, ifindex, e);
	if (r < 0)
		forget_member(sock, ifindex);
	return r;
}

static int open_bound(struct slow_socket *sock, struct bound *bound, struct err *e)
{
	int r = open_packet_socket(&bound->fd, e);

	if (r == 0)
		r = attach_filter(bound->fd, sock->filter->progs.slow_filter_bound, e);
	if (r == 0)
		r = join_group(bound->fd, bound->ifindex, e);
	return r < 0 ? r : start_receiving(sock, bound->fd, bound->ifindex, e);
}

static void keep_bound(struct slow_socket *sock, struct bound *bound)
{
	pthread_mutex_lock(&sock->lock);
	LIST_INSERT_HEAD(&sock->bound, bound, entry);
	pthread_mutex_unlock(&sock->lock);
}

int slow_socket_join_bound(struct slow_socket *sock, int ifindex, struct err *e)
{
	struct bound *bound;
	int r = note_member(sock, ifindex, true, e);

	if (r != 0)
		return r < 0 ? r : 0;
	bound = calloc(1, sizeof(*bound));
	if (!bound) {
		forget_member(sock, ifindex);
		return err_errno(e, -ENOMEM, "cannot receive slow-protocol frames");
	}
	bound->fd = -1;
	bound->ifindex = ifindex;
	/* Before the first frame comes. */
	__atomic_add_fetch(&sock->n_bound, 1, __ATOMIC_RELEASE);
	keep_bound(sock, bound);
	r = open_bound(sock, bound, e);
	if (r < 0)
		slow_socket_leave(sock, ifindex);
	return r;
}

static struct bound *take_bound(struct slow_socket *sock, int ifindex)
{
	struct bound *bound;

	pthread_mutex_lock(&sock->lock);
	LIST_FOREACH (bound, &sock->bound, entry)
		if (bound->ifindex == ifindex)
			break;
	if (bound) {
		LIST_REMOVE(bound, entry);
		(void)epoll_ctl(sock->epoll, EPOLL_CTL_DEL, bound->fd, NULL);
	}
	pthread_mutex_unlock(&sock->lock);
	return bound;
}

void slow_socket_leave(struct slow_socket *sock, int ifindex)
{
	uint32_t key = (uint32_t)ifindex;
	struct bound *bound;

	if (bpf_map_delete_elem(members_map(sock), &key) < 0)
		return;
	bound = take_bound(sock, ifindex);
	if (bound) {
		close_bound(bound);
		__atomic_sub_fetch(&sock->n_bound, 1, __ATOMIC_RELEASE);
		return;
	}
	/* Fails where the device is gone, and the membership with it. */
	(void)change_membership(sock->fd, ifindex, PACKET_DROP_MEMBERSHIP);
}

uint64_t slow_socket_limited(const struct slow_socket *sock, int ifindex)
{
	struct slow_filter_member member;
	uint32_t key = (uint32_t)ifindex;

	if (bpf_map_lookup_elem(members_map(sock), &key, &member) < 0)
		return 0;
	return member.limited;
}
