/* Frames out of any device, and answers to probes: what comes through, what does not, and that a
 * flood crowds nothing out. */
#include "bpf/answer-filter.h"
#include "daemon/kernel/frame-socket.h"
#include "lib/base/array.h"
#include "tests/net/kernel/lab.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST 101
#define SECOND 102

#define FLOOD 20000

struct world {
	struct lab lab;
	struct frame_socket *frames;
	int far; /* A raw socket at the partner. */
	unsigned n_received[200];
	struct probe_answer last;
	bool leaves; /* The device leaves as soon as it has received. */
};

static const struct probe_address target4 = { .bytes = { 10, 9, 0, 1 } };
static const struct probe_address target6 = { .v6 = true, .bytes = { 0xfd, 0, [15] = 1 } };
static struct mac own; /* Of the device that joined. */
static const struct mac source = { { 2, 0, 0, 0, 0, 7 } };
static const struct mac stranger = { { 2, 0, 0, 0, 0, 9 } };

static void on_received(void *userdata, int ifindex, struct span frame)
{
	struct world *world = userdata;

	ck_assert(ifindex >= 0 && ifindex < 200);
	ck_assert(probe_parse(frame, &world->last));
	world->n_received[ifindex]++;
	if (world->leaves)
		(void)close(frame_socket_leave(world->frames, ifindex));
}

static void start(struct world *world)
{
	const struct probe_address targets[] = { target4, target6 };
	static const char *const names[] = { "m0", "m1" };
	struct err e;

	*world = (struct world){};
	lab_start(&world->lab);
	for (int i = 0; i < 2; i++) {
		lab_add_cable(&world->lab, names[i], FIRST + i);
		lab_plug_in(&world->lab, FIRST + i);
	}
	own = lab_mac("m0");
	ck_assert_msg(frame_socket_open(&world->frames, &e) == 0, "%s", e.text);
	ck_assert_msg(frame_socket_join(world->frames, FIRST, targets, 2, &e) == 0, "%s", e.text);
	lab_move(world->lab.partner_fd);
	world->far = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	lab_move(world->lab.host_fd);
	ck_assert_int_ge(world->far, 0);
}

static void stop(struct world *world)
{
	frame_socket_close(world->frames);
	(void)close(world->far);
	lab_stop(&world->lab);
}

/* All that came, and half a second later comes no more. */
static void receive(struct world *world)
{
	struct pollfd pollfd = { .fd = frame_socket_fd(world->frames), .events = POLLIN };

	while (poll(&pollfd, 1, 50) == 1)
		frame_socket_receive(world->frames, on_received, world);
}

static void send_from_far(struct world *world, int ifindex, const uint8_t *frame, size_t size)
{
	const struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = ifindex };

	ck_assert_int_eq(
		sendto(world->far, frame, size, 0, (const struct sockaddr *)&to, sizeof(to)),
		(int)size);
}

/* What 'who' would answer: a request with the two ends exchanged is almost one. */
static size_t make_answer(const struct probe_address *who, uint16_t vlan,
			  uint8_t frame[static PROBE_FRAME_MAX])
{
	const struct probe_request request = {
		.target = *who, .source = stranger, .destination = own, .vlan = vlan
	};
	size_t size = probe_build(&request, frame), at = vlan ? 18 : 14;
	uint32_t sum;

	if (!who->v6) {
		frame[at + 7] = 2;
		memcpy(frame + at + 14, who->bytes, 4);
		return size;
	}
	/* An advertisement with its flag; the checksum follows (RFC 1624). */
	sum = (uint16_t) ~(frame[at + 42] << 8 | frame[at + 43]);
	sum += (uint16_t)~0x8700 + 0x8800 + 0x4000;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16)) & 0xffff;
	frame[at + 40] = 136;
	frame[at + 42] = (uint8_t)(sum >> 8);
	frame[at + 43] = (uint8_t)sum;
	frame[at + 44] = 0x40;
	return size;
}

START_TEST(a_frame_leaves_as_it_is)
{
	const struct probe_request requests[] = {
		{ .target = target4, .source = source },
		{ .target = target4, .source = source, .vlan = 7 },
		{ .target = target6, .source = source },
	};
	struct world world;

	start(&world);
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		uint8_t frame[PROBE_FRAME_MAX], seen[256];
		size_t size = probe_build(&requests[i], frame);
		ssize_t n;

		ck_assert_int_eq(
			frame_socket_send(world.frames, SECOND, (struct span){ frame, size }), 0);
		/* What the kernel itself says on a fresh link is passed over; it takes the tag off
		 * before it hands a frame out. */
		do
			n = recv(world.far, seen, sizeof(seen), 0);
		while (n > 0 && memcmp(seen + 6, &source, MAC_SIZE) != 0);
		ck_assert_int_eq(n, (int)size - (requests[i].vlan ? 4 : 0));
		ck_assert_int_eq(memcmp(seen, frame, 12), 0);
		ck_assert_int_eq(
			memcmp(seen + 12, frame + (requests[i].vlan ? 16 : 12), (size_t)n - 12), 0);
	}
	stop(&world);
}
END_TEST

START_TEST(what_cannot_be_sent_is_told)
{
	const uint8_t frame[60] = { [12] = 8, 6 };
	struct world world;

	start(&world);
	lab_set_up(world.lab.host, SECOND, false);
	ck_assert_int_eq(
		frame_socket_send(world.frames, SECOND, (struct span){ frame, sizeof(frame) }),
		-ENETDOWN);
	ck_assert_int_eq(frame_socket_send(world.frames, 77, (struct span){ frame, sizeof(frame) }),
			 -ENXIO);
	ck_assert_int_eq(frame_socket_send(world.frames, FIRST, (struct span){ frame, 5 }),
			 -EINVAL);
	stop(&world);
}
END_TEST

static const struct {
	const char *what;
	struct probe_address who;
	uint16_t vlan;
} answers[] = {
	{ "ARP", { .bytes = { 10, 9, 0, 1 } }, 0 },
	{ "ARP with a tag", { .bytes = { 10, 9, 0, 1 } }, 42 },
	{ "ND", { .v6 = true, .bytes = { 0xfd, 0, [15] = 1 } }, 0 },
	{ "ND with a tag", { .v6 = true, .bytes = { 0xfd, 0, [15] = 1 } }, 4000 },
};

START_TEST(an_answer_of_a_target_comes_with_its_tag)
{
	uint8_t frame[PROBE_FRAME_MAX];
	struct world world;
	size_t size;

	start(&world);
	size = make_answer(&answers[_i].who, answers[_i].vlan, frame);
	send_from_far(&world, FIRST, frame, size);
	receive(&world);
	ck_assert_msg(world.n_received[FIRST] == 1, "%s: %u", answers[_i].what,
		      world.n_received[FIRST]);
	ck_assert_uint_eq(world.last.vlan, answers[_i].vlan);
	ck_assert(probe_address_equal(&world.last.target, &answers[_i].who));
	ck_assert(mac_equal(&world.last.mac, &stranger));
	ck_assert(mac_equal(&world.last.destination, &own));
	stop(&world);
}
END_TEST

START_TEST(a_device_that_did_not_join_is_not_heard)
{
	uint8_t frame[PROBE_FRAME_MAX];
	struct world world;
	size_t size;

	start(&world);
	size = make_answer(&target4, 0, frame);
	send_from_far(&world, SECOND, frame, size);
	receive(&world);
	ck_assert_uint_eq(world.n_received[SECOND], 0);
	stop(&world);
}
END_TEST

START_TEST(only_answers_of_targets_wake_anybody)
{
	struct probe_address other4 = target4, other6 = target6;
	uint8_t frame[PROBE_FRAME_MAX];
	struct world world;
	size_t size;

	start(&world);
	other4.bytes[3] = 2;
	other6.bytes[15] = 2;
	size = make_answer(&other4, 0, frame);
	send_from_far(&world, FIRST, frame, size);
	size = make_answer(&other6, 0, frame);
	send_from_far(&world, FIRST, frame, size);
	/* The target's own question is no answer, nor is what it announces of itself. */
	size = make_answer(&target4, 0, frame);
	frame[14 + 7] = 1;
	send_from_far(&world, FIRST, frame, size);
	size = make_answer(&target6, 0, frame);
	frame[14 + 44] = 0x20;
	send_from_far(&world, FIRST, frame, size);
	/* To others, or to all. */
	size = make_answer(&target4, 0, frame);
	frame[5] ^= 1;
	send_from_far(&world, FIRST, frame, size);
	memset(frame, 0xff, MAC_SIZE);
	send_from_far(&world, FIRST, frame, size);
	/* Cut off. */
	size = make_answer(&target6, 0, frame);
	send_from_far(&world, FIRST, frame, 50);
	receive(&world);
	ck_assert_uint_eq(world.n_received[FIRST], 0);
	stop(&world);
}
END_TEST

/* Answers of another host, or those of the target to somebody else. */
START_TEST(a_flood_of_other_answers_crowds_nothing_out)
{
	struct probe_address other = target4;
	uint8_t frame[PROBE_FRAME_MAX];
	struct world world;
	size_t size;

	start(&world);
	if (_i)
		other.bytes[3] = 2;
	size = make_answer(&other, 0, frame);
	if (!_i)
		frame[5] ^= 1;
	for (unsigned i = 0; i < FLOOD; i++)
		send_from_far(&world, FIRST, frame, size);
	size = make_answer(&target4, 0, frame);
	send_from_far(&world, FIRST, frame, size);
	receive(&world);
	ck_assert_uint_eq(world.n_received[FIRST], 1);
	ck_assert_uint_eq(frame_socket_limited(world.frames, FIRST), 0);
	stop(&world);
}
END_TEST

START_TEST(a_flood_in_a_targets_name_is_held_back)
{
	uint8_t frame[PROBE_FRAME_MAX];
	nsec_t began = lab_clock();
	struct world world;
	size_t size;

	start(&world);
	size = make_answer(&target4, 0, frame);
	for (unsigned i = 0; i < FLOOD; i++)
		send_from_far(&world, FIRST, frame, size);
	/* A busy processor may be late, and drops frames before the filter sees them. */
	do
		receive(&world);
	while (world.n_received[FIRST] < ANSWER_FILTER_BURST);
	ck_assert_uint_le(world.n_received[FIRST],
			  ANSWER_FILTER_BURST +
				  ANSWER_FILTER_RATE *
					  (nsec_since(began, lab_clock()) / NSEC_PER_SEC + 1));
	ck_assert_uint_gt(frame_socket_limited(world.frames, FIRST), 0);
	ck_assert_uint_le(world.n_received[FIRST] + frame_socket_limited(world.frames, FIRST),
			  FLOOD);
	/* Another target's answer is not among those that are held back. */
	size = make_answer(&target6, 0, frame);
	send_from_far(&world, FIRST, frame, size);
	receive(&world);
	ck_assert(world.last.target.v6);
	stop(&world);
}
END_TEST

START_TEST(who_leaves_hears_no_more_also_in_the_midst_of_it)
{
	uint8_t frame[PROBE_FRAME_MAX];
	struct world world;
	struct err e;
	size_t size;

	start(&world);
	size = make_answer(&target4, 0, frame);
	world.leaves = true;
	for (unsigned i = 0; i < 5; i++)
		send_from_far(&world, FIRST, frame, size);
	receive(&world);
	ck_assert_uint_eq(world.n_received[FIRST], 1);
	ck_assert_int_eq(frame_socket_leave(world.frames, FIRST), -1);
	world.leaves = false;
	ck_assert_int_eq(frame_socket_join(world.frames, FIRST, &target4, 1, &e), 0);
	send_from_far(&world, FIRST, frame, size);
	receive(&world);
	ck_assert_uint_eq(world.n_received[FIRST], 2);
	/* With other targets. */
	ck_assert_int_eq(frame_socket_join(world.frames, FIRST, &target6, 1, &e), 0);
	send_from_far(&world, FIRST, frame, size);
	receive(&world);
	ck_assert_uint_eq(world.n_received[FIRST], 2);
	stop(&world);
}
END_TEST

START_TEST(a_device_that_is_not_there_is_refused)
{
	struct world world;
	struct err e;

	start(&world);
	ck_assert_int_eq(frame_socket_join(world.frames, 77, &target4, 1, &e), -ENODEV);
	ck_assert_ptr_nonnull(strstr(e.text, "device 77"));
	stop(&world);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("frame-socket");
	TCase *tcase = lab_tcase(suite);

	tcase_add_test(tcase, a_frame_leaves_as_it_is);
	tcase_add_test(tcase, what_cannot_be_sent_is_told);
	tcase_add_loop_test(tcase, an_answer_of_a_target_comes_with_its_tag, 0,
			    ARRAY_SIZE(answers));
	tcase_add_test(tcase, a_device_that_did_not_join_is_not_heard);
	tcase_add_test(tcase, only_answers_of_targets_wake_anybody);
	tcase_add_loop_test(tcase, a_flood_of_other_answers_crowds_nothing_out, 0, 2);
	tcase_add_test(tcase, a_flood_in_a_targets_name_is_held_back);
	tcase_add_test(tcase, who_leaves_hears_no_more_also_in_the_midst_of_it);
	tcase_add_test(tcase, a_device_that_is_not_there_is_refused);
	return lab_run_suite(suite);
}
