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
#include <string.h>
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

struct slow_socket {
	int fd;
	struct slow_filter_bpf *filter;
	struct received received[BATCH];
	struct mmsghdr messages[BATCH];
};

void slow_socket_close(struct slow_socket *sock)
{
	if (!sock)
		return;
	closep(&sock->fd);
	slow_filter_bpf__destroy(sock->filter);
	free(sock);
}

DEFINE_CLEANUP(struct slow_socket, slow_socket_close)

static int set_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int load_filter(struct slow_socket *sock, struct err *e)
{
	/* The library would tell its trouble on standard error. */
	libbpf_print_fn_t before = libbpf_set_print(NULL);
	int fd, r = 0;

	sock->filter = slow_filter_bpf__open_and_load();
	if (!sock->filter)
		r = -errno;
	(void)libbpf_set_print(before);
	if (!sock->filter)
		return err_errno(e, r, "cannot load the filter for slow-protocol frames");
	fd = bpf_program__fd(sock->filter->progs.slow_filter);
	r = set_option(sock->fd, SOL_SOCKET, SO_ATTACH_BPF, fd);
	if (r < 0)
		return err_errno(e, r, "cannot attach the filter for slow-protocol frames");
	return 0;
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

int slow_socket_open(struct slow_socket **ret, struct err *e)
{
	const struct sockaddr_ll all_devices = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETHERTYPE_SLOW_PROTOCOLS),
	};
	cleanup(slow_socket_closep) struct slow_socket *sock = calloc(1, sizeof(*sock));
	int r;

	if (!sock)
		return err_errno(e, -ENOMEM, "cannot receive slow-protocol frames");
	prepare_messages(sock);
	/* Without a protocol it receives nothing yet: no frame comes in past the filter. */
	sock->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock->fd < 0)
		return err_errno(e, -errno, "cannot open a packet socket");
	r = set_options(sock->fd, e);
	if (r < 0)
		return r;
	r = load_filter(sock, e);
	if (r < 0)
		return r;
	if (bind(sock->fd, (const struct sockaddr *)&all_devices, sizeof(all_devices)) < 0)
		return err_errno(e, -errno, "cannot receive slow-protocol frames");
	*ret = steal_ptr(sock);
	return 0;
}

int slow_socket_fd(const struct slow_socket *sock)
{
	return sock->fd;
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

static int receive_batch(struct slow_socket *sock)
{
	/* The kernel writes what it used over what there was. */
	for (unsigned i = 0; i < BATCH; i++)
		sock->messages[i].msg_hdr.msg_namelen = sizeof(struct sockaddr_ll);
	return recvmmsg(sock->fd, sock->messages, BATCH, MSG_DONTWAIT, NULL);
}

void slow_socket_receive(struct slow_socket *sock, slow_received *received, void *userdata)
{
	for (unsigned batch = 0; batch < BATCHES; batch++) {
		int n = receive_batch(sock);

		/* Errors such as ENETDOWN are a device's, and are gone when they are read. */
		for (int i = 0; i < n; i++)
			hand_over(sock, (unsigned)i, received, userdata);
		if (n < BATCH)
			return;
	}
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

static int change_membership(struct slow_socket *sock, int ifindex, int option)
{
	struct packet_mreq request = {
		.mr_ifindex = ifindex,
		.mr_type = PACKET_MR_MULTICAST,
		.mr_alen = MAC_SIZE,
	};

	memcpy(request.mr_address, mac_slow_protocols.bytes, MAC_SIZE);
	return setsockopt(sock->fd, SOL_PACKET, option, &request, sizeof(request)) < 0 ? -errno : 0;
}

static int members_map(const struct slow_socket *sock)
{
	return bpf_map__fd(sock->filter->maps.members);
}

int slow_socket_join(struct slow_socket *sock, int ifindex, struct err *e)
{
	const struct slow_filter_member fresh = {};
	uint32_t key = (uint32_t)ifindex;
	int r;

	/* One that has joined already stays as it is. */
	r = bpf_map_update_elem(members_map(sock), &key, &fresh, BPF_NOEXIST);
	if (r == -EEXIST)
		return 0;
	if (r == -E2BIG)
		return err_set(e, r, "slow-protocol frames are received from at most %d devices",
			       SLOW_FILTER_MEMBERS);
	if (r < 0)
		return err_errno(e, r, "cannot receive slow-protocol frames from device %d",
				 ifindex);
	r = change_membership(sock, ifindex, PACKET_ADD_MEMBERSHIP);
	if (r < 0) {
		(void)bpf_map_delete_elem(members_map(sock), &key);
		return err_errno(e, r, "cannot join the slow-protocol group on device %d", ifindex);
	}
	return 0;
}

void slow_socket_leave(struct slow_socket *sock, int ifindex)
{
	uint32_t key = (uint32_t)ifindex;

	/* Both fail where the device is gone, and the membership with it. */
	if (bpf_map_delete_elem(members_map(sock), &key) == 0)
		(void)change_membership(sock, ifindex, PACKET_DROP_MEMBERSHIP);
}

uint64_t slow_socket_limited(const struct slow_socket *sock, int ifindex)
{
	struct slow_filter_member member;
	uint32_t key = (uint32_t)ifindex;

	if (bpf_map_lookup_elem(members_map(sock), &key, &member) < 0)
		return 0;
	return member.limited;
}
