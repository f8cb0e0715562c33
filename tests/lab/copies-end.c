/* An end: a packet socket on a device of some network namespace. */
#include "tests/lab/copies.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER (64 << 20)
#define BATCH 64
/* Enough for all that is told of a frame. */
#define HEARD_SIZE 192

/* Hears what comes, for whomever it is, and not what leaves. */
static int open_socket(const char *device)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	struct packet_mreq all = { .mr_type = PACKET_MR_PROMISC };
	int yes = 1;
	int size = BUFFER;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return -errno;
	address.sll_ifindex = all.mr_ifindex = (int)if_nametoindex(device);
	if (!address.sll_ifindex ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof(yes)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &yes, sizeof(yes)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

static int open_there(const char *netns, const char *device)
{
	int own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int there = open(netns, O_RDONLY | O_CLOEXEC);
	int fd = -ENOENT;

	if (own >= 0 && there >= 0 && setns(there, CLONE_NEWNET) == 0) {
		fd = open_socket(device);
		if (setns(own, CLONE_NEWNET) < 0)
			abort(); /* Every later socket would be in the wrong place. */
	}
	if (there >= 0)
		close(there);
	if (own >= 0)
		close(own);
	return fd;
}

static void ask_mac(struct copies_end *end)
{
	struct sockaddr_ll address = {};
	socklen_t size = sizeof(address);

	if (getsockname(end->fd, (struct sockaddr *)&address, &size) == 0)
		memcpy(end->mac, address.sll_addr, COPIES_MAC);
}

static struct copies_end *find(struct copies *copies, const char *name)
{
	for (unsigned i = 0; i < copies->n_ends; i++) {
		if (strcmp(copies->ends[i].name, name) == 0)
			return &copies->ends[i];
	}
	return NULL;
}

int copies_end_open(struct copies *copies, const char *name, const char *netns, const char *device)
{
	struct copies_end *end = find(copies, name);
	int fd;

	if (!end && copies->n_ends == COPIES_ENDS)
		return -ENOSPC;
	fd = open_there(netns, device);
	if (fd < 0)
		return fd;
	if (end) {
		copies_end_drain(copies, (unsigned)(end - copies->ends));
		copies_end_close(end);
	} else {
		end = &copies->ends[copies->n_ends++];
		strncpy(end->name, name, sizeof(end->name) - 1);
	}
	end->fd = fd;
	ask_mac(end);
	return 0;
}

void copies_end_close(struct copies_end *end)
{
	if (end->fd >= 0)
		close(end->fd);
	end->fd = -1;
}

static void count_talker(struct copies_end *end, const struct copies_frame *frame)
{
	struct copies_talker found = { .frames = 1 };
	unsigned i = 0;

	if (!copies_talker_of(frame, &found))
		return;
	for (; i < end->n_talkers; i++) {
		struct copies_talker *talker = &end->talkers[i];

		if (talker->vlan == found.vlan && talker->kind == found.kind &&
		    memcmp(talker->source, found.source, COPIES_MAC) == 0) {
			talker->frames++;
			return;
		}
	}
	if (i < COPIES_TALKERS)
		end->talkers[end->n_talkers++] = found;
	else
		end->overrun++;
}

static struct copies_stream *stream_of(struct copies *copies, const struct copies_head *head)
{
	for (unsigned i = 0; i < COPIES_STREAMS && head->run == copies->run; i++) {
		struct copies_stream *stream = &copies->streams[i];

		if (*stream->name && stream->serial == head->stream && head->number < stream->count)
			return stream;
	}
	return NULL;
}

static void count_copy(struct copies_stream *stream, unsigned which, uint32_t number)
{
	uint32_t flow = number % stream->flows;

	if (!stream->heard[which]) {
		stream->heard[which] = calloc(stream->count, 1);
		stream->newest[which] = calloc(stream->flows, sizeof(uint32_t));
	}
	if (!stream->heard[which] || !stream->newest[which])
		abort();
	if (stream->heard[which][number] < UINT8_MAX)
		stream->heard[which][number]++;
	if (number + 1 > stream->newest[which][flow])
		stream->newest[which][flow] = number + 1;
	else if (stream->heard[which][number] == 1)
		stream->late[which]++;
}

static int vlan_of(struct msghdr *message)
{
	struct cmsghdr *extra = CMSG_FIRSTHDR(message);
	struct tpacket_auxdata aux;

	if (!extra || extra->cmsg_level != SOL_PACKET || extra->cmsg_type != PACKET_AUXDATA)
		return -1;
	memcpy(&aux, CMSG_DATA(extra), sizeof(aux));
	return aux.tp_status & TP_STATUS_VLAN_VALID ? aux.tp_vlan_tci & 0xfff : -1;
}

static void hear(struct copies *copies, unsigned which, const struct copies_frame *frame)
{
	struct copies_head head;
	struct copies_stream *stream;

	count_talker(&copies->ends[which], frame);
	if (!copies_read(frame, &head))
		return;
	stream = stream_of(copies, &head);
	if (stream)
		count_copy(stream, which, head.number);
}

static void ask_overrun(struct copies_end *end)
{
	struct tpacket_stats stats = {};
	socklen_t size = sizeof(stats);

	if (getsockopt(end->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0)
		end->overrun += stats.tp_drops;
}

void copies_end_drain(struct copies *copies, unsigned which)
{
	static uint8_t buffers[BATCH][HEARD_SIZE];
	static uint8_t extras[BATCH][CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	int n = BATCH;

	while (n == BATCH) {
		memset(messages, 0, sizeof(messages));
		for (unsigned i = 0; i < BATCH; i++) {
			parts[i] = (struct iovec){ buffers[i], HEARD_SIZE };
			messages[i].msg_hdr = (struct msghdr){
				.msg_iov = &parts[i],
				.msg_iovlen = 1,
				.msg_control = extras[i],
				.msg_controllen = sizeof(extras[i]),
			};
		}
		n = recvmmsg(copies->ends[which].fd, messages, BATCH, MSG_DONTWAIT, NULL);
		for (int i = 0; i < n; i++)
			hear(copies, which,
			     &(struct copies_frame){ buffers[i], messages[i].msg_len,
						     vlan_of(&messages[i].msg_hdr) });
	}
	ask_overrun(&copies->ends[which]);
}
