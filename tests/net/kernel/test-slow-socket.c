/* The socket of slow-protocol frames: what comes through, what does not, and who is held back. */
#include "bpf/slow-filter.h"
#include "daemon/kernel/slow-socket.h"
#include "tests/net/kernel/lab.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FIRST 101
#define SECOND 102
#define FOREIGN 103

#define FLOOD_S 2
#define FLOOD_BATCH 100

struct world {
	struct lab lab;
	struct slow_socket *slow;
	int sender; /* A raw socket at the partner. */
	unsigned n_received[200];
	struct slow_frame last;
	uint8_t last_payload[2048];
	nsec_t slowest; /* From a time stamp in the payload until it was received. */
};

static void on_received(void *userdata, const struct slow_frame *frame)
{
	struct world *world = userdata;
	nsec_t sent;

	ck_assert(frame->ifindex >= 0 && frame->ifindex < 200);
	world->n_received[frame->ifindex]++;
	world->last = *frame;
	memcpy(world->last_payload, frame->payload.bytes, frame->payload.size);
	if (frame->ifindex == SECOND && frame->payload.size >= 1 + sizeof(sent)) {
		memcpy(&sent, frame->payload.bytes + 1, sizeof(sent));
		if (nsec_since(sent, lab_clock()) > world->slowest)
			world->slowest = nsec_since(sent, lab_clock());
	}
}

static void start(struct world *world)
{
	static const char *const names[] = { "m0", "m1", "f0" };
	struct err e;

	*world = (struct world){};
	lab_start(&world->lab);
	for (int i = 0; i < 3; i++) {
		lab_add_cable(&world->lab, names[i], FIRST + i);
		lab_plug_in(&world->lab, FIRST + i);
	}
	ck_assert_msg(slow_socket_open(&world->slow, &e) == 0, "%s", e.text);
	ck_assert_int_eq(slow_socket_join(world->slow, FIRST, &e), 0);
	ck_assert_int_eq(slow_socket_join(world->slow, SECOND, &e), 0);
	lab_move(world->lab.partner_fd);
	world->sender = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	lab_move(world->lab.host_fd);
	ck_assert_int_ge(world->sender, 0);
}

static void stop(struct world *world)
{
	slow_socket_close(world->slow);
	(void)close(world->sender);
	lab_stop(&world->lab);
}

struct frame {
	struct ether_header header;
	uint8_t payload[110];
};

struct tagged_frame {
	struct ether_header header;
	uint16_t tag[2];
	uint8_t payload[110];
};

static const uint8_t partner_mac[] = { 2, 0, 0, 0, 0, 9 };

static struct frame lacpdu(void)
{
	struct frame frame = { .header.ether_type = htons(ETHERTYPE_SLOW_PROTOCOLS),
			       .payload = { 1, 1 } };

	memcpy(frame.header.ether_dhost, &mac_slow_protocols, ETH_ALEN);
	memcpy(frame.header.ether_shost, partner_mac, ETH_ALEN);
	return frame;
}

static void send_bytes(struct world *world, int ifindex, const void *bytes, size_t size)
{
	const struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = ifindex };

	ck_assert_int_eq(
		sendto(world->sender, bytes, size, 0, (const struct sockaddr *)&to, sizeof(to)),
		(int)size);
}

static void send_lacpdu(struct world *world, int ifindex)
{
	struct frame frame = lacpdu();

	send_bytes(world, ifindex, &frame, sizeof(frame));
}

/* What was sent before is either there now or will not come: a cable has no delay, but the other
 * end's processor may take a moment. */
static void receive(struct world *world)
{
	struct pollfd pollfd = { .fd = slow_socket_fd(world->slow), .events = POLLIN };

	while (poll(&pollfd, 1, 50) == 1)
		slow_socket_receive(world->slow, on_received, world);
}

START_TEST(members_frames_come_with_all_that_is_to_be_known)
{
	struct world world;

	start(&world);
	send_lacpdu(&world, SECOND);
	receive(&world);
	ck_assert_uint_eq(world.n_received[SECOND], 1);
	ck_assert(mac_equal(&world.last.destination, &mac_slow_protocols));
	ck_assert_int_eq(memcmp(&world.last.source, partner_mac, sizeof(partner_mac)), 0);
	ck_assert(!world.last.tagged);
	ck_assert_uint_eq(world.last.payload.size, 110);
	ck_assert_uint_eq(world.last_payload[0], 1);
	stop(&world);
}
END_TEST

START_TEST(foreign_devices_frames_and_other_protocols_are_not_seen)
{
	struct frame other = lacpdu();
	struct world world;

	start(&world);
	other.header.ether_type = htons(ETHERTYPE_IP);
	send_lacpdu(&world, FOREIGN);
	send_bytes(&world, FIRST, &other, sizeof(other));
	receive(&world);
	for (size_t i = 0; i < 200; i++)
		ck_assert_uint_eq(world.n_received[i], 0);
	stop(&world);
}
END_TEST

START_TEST(frames_of_a_vlan_are_marked)
{
	struct frame plain = lacpdu();
	struct tagged_frame frame = {
		.header = plain.header,
		.tag = { htons(7), htons(ETHERTYPE_SLOW_PROTOCOLS) },
		.payload = { 1, 1 },
	};
	struct world world;

	start(&world);
	frame.header.ether_type = htons(ETHERTYPE_VLAN);
	/* VLAN 0 is only a priority. */
	frame.tag[0] = htons(_i ? 0xe007 : 0xe000);
	send_bytes(&world, FIRST, &frame, sizeof(frame));
	receive(&world);
	ck_assert_uint_eq(world.n_received[FIRST], 1);
	ck_assert_int_eq(world.last.tagged, _i);
	ck_assert_uint_eq(world.last_payload[0], 1);
	stop(&world);
}
END_TEST

START_TEST(frames_of_any_size_are_taken)
{
	uint8_t bytes[1514] = {};
	struct frame frame = lacpdu();
	struct world world;

	start(&world);
	memcpy(bytes, &frame, sizeof(frame));
	send_bytes(&world, FIRST, bytes, ETHER_HDR_LEN);
	receive(&world);
	ck_assert_uint_eq(world.n_received[FIRST], 1);
	ck_assert_uint_eq(world.last.payload.size, 0);
	send_bytes(&world, FIRST, bytes, ETHER_HDR_LEN + 1);
	receive(&world);
	ck_assert_uint_eq(world.last.payload.size, 1);
	send_bytes(&world, FIRST, bytes, sizeof(bytes));
	receive(&world);
	ck_assert_uint_eq(world.last.payload.size, 1500);
	stop(&world);
}
END_TEST

/* Which of our descriptors it is, is the socket's business. */
static bool there_is_a_packet_socket_of_priority(int wanted)
{
	for (int fd = 0; fd < 256; fd++) {
		int domain = 0, priority = 0;
		socklen_t size = sizeof(int);

		if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
		    domain == AF_PACKET &&
		    getsockopt(fd, SOL_SOCKET, SO_PRIORITY, &priority, &size) == 0 &&
		    priority == wanted)
			return true;
	}
	return false;
}

START_TEST(own_frames_go_out_right_and_do_not_come_back)
{
	const struct sockaddr_ll all = { .sll_family = AF_PACKET,
					 .sll_protocol = htons(ETHERTYPE_SLOW_PROTOCOLS) };
	const struct mac source = { { 2, 0, 0, 0, 0, 1 } };
	const uint8_t payload[110] = { 1, 1, 42 };
	struct frame frame;
	struct world world;

	start(&world);
	ck_assert_int_eq(bind(world.sender, (const struct sockaddr *)&all, sizeof(all)), 0);
	ck_assert_int_eq(slow_socket_send(world.slow, FIRST, &source,
					  (struct span){ payload, sizeof(payload) }),
			 0);
	ck_assert_int_eq(recv(world.sender, &frame, sizeof(frame), 0), sizeof(frame));
	ck_assert_int_eq(memcmp(frame.header.ether_dhost, &mac_slow_protocols, ETH_ALEN), 0);
	ck_assert_int_eq(memcmp(frame.header.ether_shost, &source, ETH_ALEN), 0);
	ck_assert_uint_eq(ntohs(frame.header.ether_type), ETHERTYPE_SLOW_PROTOCOLS);
	ck_assert_int_eq(memcmp(frame.payload, payload, sizeof(payload)), 0);
	receive(&world);
	ck_assert_uint_eq(world.n_received[FIRST], 0);
	ck_assert(there_is_a_packet_socket_of_priority(7));
	stop(&world);
}
END_TEST

START_TEST(what_cannot_be_sent_or_joined_is_refused)
{
	const struct mac source = { { 2, 0, 0, 0, 0, 1 } };
	const uint8_t payload[110] = {};
	const struct span span = { payload, sizeof(payload) };
	struct world world;
	struct err e;

	start(&world);
	ck_assert_int_lt(slow_socket_send(world.slow, 999, &source, span), 0);
	ck_assert_int_eq(slow_socket_join(world.slow, 999, &e), -ENODEV);
	ck_assert_ptr_nonnull(strstr(e.text, "device 999"));
	/* And is in the filter as little as in the group. */
	ck_assert_int_eq(slow_socket_join(world.slow, 999, &e), -ENODEV);
	lab_set_up(world.lab.host, FIRST, false);
	ck_assert_int_eq(slow_socket_send(world.slow, FIRST, &source, span), -ENETDOWN);
	/* The other members do not mind. */
	ck_assert_int_eq(slow_socket_send(world.slow, SECOND, &source, span), 0);
	send_lacpdu(&world, SECOND);
	receive(&world);
	ck_assert_uint_eq(world.n_received[SECOND], 1);
	stop(&world);
}
END_TEST

START_TEST(members_leave_vanish_and_join_again)
{
	struct world world;
	struct err e;

	start(&world);
	slow_socket_leave(world.slow, FIRST);
	slow_socket_leave(world.slow, FIRST);
	send_lacpdu(&world, FIRST);
	receive(&world);
	ck_assert_uint_eq(world.n_received[FIRST], 0);
	ck_assert_int_eq(slow_socket_join(world.slow, FIRST, &e), 0);
	ck_assert_int_eq(slow_socket_join(world.slow, FIRST, &e), 0);
	send_lacpdu(&world, FIRST);
	receive(&world);
	ck_assert_uint_eq(world.n_received[FIRST], 1);
	lab_delete(world.lab.host, FIRST);
	slow_socket_leave(world.slow, FIRST);
	ck_assert_uint_eq(slow_socket_limited(world.slow, FIRST), 0);
	lab_add_cable(&world.lab, "m0", FIRST);
	lab_plug_in(&world.lab, FIRST);
	ck_assert_int_eq(slow_socket_join(world.slow, FIRST, &e), 0);
	send_lacpdu(&world, FIRST);
	receive(&world);
	ck_assert_uint_eq(world.n_received[FIRST], 2);
	stop(&world);
}
END_TEST

/* Here the kernel shows the frames to both kinds of socket. */
START_TEST(members_with_sockets_of_their_own_are_heard_once)
{
	struct world world;
	struct err e;

	start(&world);
	slow_socket_leave(world.slow, FIRST);
	ck_assert_int_eq(slow_socket_join_bound(world.slow, FIRST, &e), 0);
	ck_assert_int_eq(slow_socket_join_bound(world.slow, FIRST, &e), 0);
	for (unsigned i = 0; i < 20; i++)
		send_lacpdu(&world, FIRST);
	send_lacpdu(&world, SECOND);
	receive(&world);
	ck_assert_uint_eq(world.n_received[FIRST], 20);
	ck_assert_uint_eq(world.n_received[SECOND], 1);
	send_lacpdu(&world, FIRST);
	receive(&world);
	ck_assert_uint_eq(world.n_received[FIRST], 20);
	ck_assert_uint_eq(slow_socket_limited(world.slow, FIRST), 1);
	slow_socket_leave(world.slow, FIRST);
	ck_assert_int_eq(slow_socket_join_bound(world.slow, FIRST, &e), 0);
	lab_delete(world.lab.host, FIRST);
	receive(&world);
	slow_socket_leave(world.slow, FIRST);
	ck_assert_int_lt(slow_socket_join_bound(world.slow, FIRST, &e), 0);
	send_lacpdu(&world, SECOND);
	receive(&world);
	ck_assert_uint_eq(world.n_received[SECOND], 2);
	stop(&world);
}
END_TEST

START_TEST(a_partner_within_the_standard_loses_nothing)
{
	struct world world;

	start(&world);
	/* Ten at the end of its second, ten at the beginning of the next. */
	for (unsigned i = 0; i < 20; i++)
		send_lacpdu(&world, FIRST);
	receive(&world);
	ck_assert_uint_eq(world.n_received[FIRST], 20);
	ck_assert_uint_eq(slow_socket_limited(world.slow, FIRST), 0);
	stop(&world);
}
END_TEST

struct flood {
	struct world *world;
	uint64_t sent;
	bool done;
};

static void send_batch(struct flood *flood, struct mmsghdr *messages)
{
	int n = sendmmsg(flood->world->sender, messages, FLOOD_BATCH, 0);

	flood->sent += n > 0 ? (uint64_t)n : 0;
}

/* 100 frames a millisecond. */
static void *run_flood(void *userdata)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = FIRST };
	struct frame frame = lacpdu();
	struct iovec iov = { &frame, sizeof(frame) };
	struct mmsghdr messages[FLOOD_BATCH];
	struct flood *flood = userdata;
	struct timespec next;

	for (unsigned i = 0; i < FLOOD_BATCH; i++)
		messages[i].msg_hdr = (struct msghdr){
			.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &iov, .msg_iovlen = 1
		};
	clock_gettime(CLOCK_MONOTONIC, &next);
	for (unsigned ms = 0; ms < FLOOD_S * 1000; ms++) {
		send_batch(flood, messages);
		next.tv_nsec += 1000000;
		if (next.tv_nsec >= 1000000000) {
			next.tv_nsec -= 1000000000;
			next.tv_sec++;
		}
		(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
	}
	__atomic_store_n(&flood->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static void send_stamped(struct world *world)
{
	struct frame frame = lacpdu();
	nsec_t now = lab_clock();

	memcpy(frame.payload + 1, &now, sizeof(now));
	send_bytes(world, SECOND, &frame, sizeof(frame));
}

START_TEST(a_flood_on_one_member_does_not_disturb_another)
{
	struct pollfd pollfd = { .events = POLLIN };
	struct world world;
	struct flood flood = { .world = &world };
	unsigned n_sent = 0, n_wakes = 0;
	nsec_t from, took;
	pthread_t thread;

	start(&world);
	pollfd.fd = slow_socket_fd(world.slow);
	from = lab_clock();
	ck_assert_int_eq(pthread_create(&thread, NULL, run_flood, &flood), 0);
	while (!__atomic_load_n(&flood.done, __ATOMIC_ACQUIRE)) {
		/* Ten a second, as a fast partner in a hurry. */
		if (lab_clock() - from > n_sent * 100 * NSEC_PER_MS) {
			send_stamped(&world);
			n_sent++;
		}
		if (poll(&pollfd, 1, 20) == 1) {
			n_wakes++;
			slow_socket_receive(world.slow, on_received, &world);
		}
	}
	pthread_join(thread, NULL);
	took = lab_clock() - from;
	receive(&world);
	printf("# %lu frames in %lu ms; %u came through, %lu dropped, %u wakes; the other member's "
	       "%u of %u, slowest %lu us\n",
	       (unsigned long)flood.sent, (unsigned long)(took / NSEC_PER_MS),
	       world.n_received[FIRST], (unsigned long)slow_socket_limited(world.slow, FIRST),
	       n_wakes, world.n_received[SECOND], n_sent,
	       (unsigned long)(world.slowest / NSEC_PER_US));
	ck_assert_uint_ge(flood.sent, FLOOD_S * 50000);
	ck_assert_uint_eq(world.n_received[SECOND], n_sent);
	ck_assert_uint_eq(slow_socket_limited(world.slow, SECOND), 0);
	ck_assert_uint_ge(world.n_received[FIRST], SLOW_FILTER_BURST);
	ck_assert_uint_le(world.n_received[FIRST],
			  SLOW_FILTER_BURST + SLOW_FILTER_RATE * took / NSEC_PER_SEC + 1);
	ck_assert_uint_le(world.n_received[FIRST] + slow_socket_limited(world.slow, FIRST),
			  flood.sent);
	ck_assert_uint_gt(slow_socket_limited(world.slow, FIRST), flood.sent / 2);
	stop(&world);
}
END_TEST

static void keep_capabilities(uint64_t capabilities)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};

	for (unsigned i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)(capabilities >> 32 * i);
		data[i].permitted = data[i].effective;
	}
	ck_assert_int_eq(syscall(SYS_capset, &header, data), 0);
}

#define CAPABILITY(name) (UINT64_C(1) << CAP_##name)

START_TEST(a_few_capabilities_suffice)
{
	struct world world;
	struct err e;

	start(&world);
	slow_socket_close(world.slow);
	keep_capabilities(CAPABILITY(BPF) | CAPABILITY(NET_RAW) | CAPABILITY(NET_ADMIN));
	ck_assert_msg(slow_socket_open(&world.slow, &e) == 0, "%s", e.text);
	ck_assert_int_eq(slow_socket_join(world.slow, FIRST, &e), 0);
	send_lacpdu(&world, FIRST);
	receive(&world);
	ck_assert_uint_eq(world.n_received[FIRST], 1);
	stop(&world);
}
END_TEST

START_TEST(without_rights_it_says_what_it_could_not_do)
{
	struct slow_socket *slow = NULL;
	struct err e;

	keep_capabilities(_i ? CAPABILITY(NET_RAW) | CAPABILITY(NET_ADMIN) : 0);
	ck_assert_int_eq(slow_socket_open(&slow, &e), -EPERM);
	ck_assert_str_eq(e.text,
			 _i ? "cannot load the filter for slow-protocol frames: Operation not "
			      "permitted"
			    : "cannot open a packet socket: Operation not permitted");
	ck_assert_ptr_null(slow);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("slow-socket");
	TCase *tcase = lab_tcase(suite);

	tcase_add_test(tcase, members_frames_come_with_all_that_is_to_be_known);
	tcase_add_test(tcase, foreign_devices_frames_and_other_protocols_are_not_seen);
	tcase_add_loop_test(tcase, frames_of_a_vlan_are_marked, 0, 2);
	tcase_add_test(tcase, frames_of_any_size_are_taken);
	tcase_add_test(tcase, own_frames_go_out_right_and_do_not_come_back);
	tcase_add_test(tcase, what_cannot_be_sent_or_joined_is_refused);
	tcase_add_test(tcase, members_leave_vanish_and_join_again);
	tcase_add_test(tcase, members_with_sockets_of_their_own_are_heard_once);
	tcase_add_test(tcase, a_partner_within_the_standard_loses_nothing);
	tcase_add_test(tcase, a_flood_on_one_member_does_not_disturb_another);
	tcase_add_test(tcase, a_few_capabilities_suffice);
	tcase_add_loop_test(tcase, without_rights_it_says_what_it_could_not_do, 0, 2);
	return lab_run_suite(suite);
}
