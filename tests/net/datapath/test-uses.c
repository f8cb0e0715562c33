/* The team device in use: below a bridge and macvlans, with jumbo frames, and for streams that the
 * kernel moves in frames larger than the MTU. */
#include "tests/net/datapath/driver.h"
#include "tests/net/datapath/suite.h"
#include "tests/net/datapath/traffic.h"

#include "lib/base/cleanup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define STREAM_BYTES (8u << 20)
#define PORT 5001

struct bed {
	struct lab lab;
	struct driver driver;
	struct datapath_team *team;
	int partner;
	int team_ifindex;
};

static void bed_start(struct bed *bed)
{
	lab_start(&bed->lab);
	driver_start(&bed->driver);
	bed->team = driver_team(&bed->driver, &bed->lab, 1);
	bed->partner = traffic_socket(bed->lab.partner, "pm0", 0);
	bed->team_ifindex = lab_device(bed->lab.rtnl, DRIVER_TEAM).ifindex;
}

static void bed_stop(struct bed *bed)
{
	driver_stop(&bed->driver, bed->team);
	lab_stop(&bed->lab);
}

static void one_frame(int from, int to, const struct traffic_frame *frame, uint32_t size)
{
	struct traffic_seen seen = {};

	traffic_send(from, frame);
	traffic_await(to, 1, &seen);
	ck_assert_msg(seen.n == 1, "frame %u: %u came", frame->number, seen.n);
	ck_assert_uint_eq(seen.number, frame->number);
	ck_assert_uint_eq(seen.size, size);
}

START_TEST(a_virtual_machine_behind_a_bridge_is_reached_both_ways)
{
	const struct mac vm_mac = { { 2, 0, 0, 0, 1, 1 } }; /* As traffic_send() has it. */
	struct bed bed;
	int vm, bridge;

	bed_start(&bed);
	bridge = lab_add_device(&bed.lab, &(struct lab_device){ .kind = "bridge", .name = "br0" });
	lab_add_device(&bed.lab,
		       &(struct lab_device){ .kind = "veth", .name = "tap0", .peer_name = "vm0" });
	lab_set_master(&bed.lab, bed.team_ifindex, bridge);
	lab_set_master(&bed.lab, lab_device(bed.lab.rtnl, "tap0").ifindex, bridge);
	ck_assert_int_eq(
		rtnl_set_up(bed.lab.rtnl, lab_device(bed.lab.rtnl, "vm0").ifindex, true, NULL), 0);
	lab_await_running(bed.lab.rtnl, "tap0");
	lab_await_running(bed.lab.rtnl, "vm0");
	lab_await_running(bed.lab.rtnl, "br0");
	vm = traffic_socket(bed.lab.host, "vm0", ETH_P_IP);
	one_frame(vm, bed.partner, &(struct traffic_frame){ .number = 1 }, 64);
	/* To the address that the bridge has learnt. */
	one_frame(bed.partner, vm,
		  &(struct traffic_frame){
			  .number = 2, .destination = vm_mac, .source = { { 2, 0, 0, 0, 2, 2 } } },
		  64);
	bed_stop(&bed);
}
END_TEST

START_TEST(a_macvlan_on_the_team_sends_and_receives_and_a_macvtap_can_be_made)
{
	struct bed bed;
	int macvlan;

	bed_start(&bed);
	lab_add_device(&bed.lab, &(struct lab_device){ .kind = "macvlan",
						       .name = "mv0",
						       .lower = bed.team_ifindex });
	lab_add_device(&bed.lab, &(struct lab_device){ .kind = "macvtap",
						       .name = "mt0",
						       .lower = bed.team_ifindex });
	macvlan = traffic_socket(bed.lab.host, "mv0", ETH_P_IP);
	one_frame(macvlan, bed.partner, &(struct traffic_frame){ .number = 1 }, 64);
	one_frame(bed.partner, macvlan,
		  &(struct traffic_frame){ .number = 2,
					   .destination = lab_device(bed.lab.rtnl, "mv0").mac },
		  64);
	ck_assert(lab_carrier(&bed.lab, "mt0"));
	bed_stop(&bed);
}
END_TEST

START_TEST(jumbo_frames_pass_whole_both_ways)
{
	struct datapath_team_spec spec = driver_spec;
	const struct traffic_frame frame = { .number = 5, .size = 9000 + 14 };
	struct bed bed;
	struct err e;
	int team;

	bed_start(&bed);
	spec.mtu = 9000;
	ck_assert_int_eq(driver_configure(&bed.driver, bed.team, &spec, &e), 0);
	team = traffic_socket(bed.lab.host, DRIVER_TEAM, 0x0800);
	one_frame(traffic_socket(bed.lab.host, DRIVER_TEAM, 0), bed.partner, &frame, 9014);
	one_frame(bed.partner, team, &frame, 9014);
	bed_stop(&bed);
}
END_TEST

struct end {
	int namespace;
	int socket;
	bool sends;
};

static uint8_t pattern(uint32_t i)
{
	return (uint8_t)(i * 2654435761u >> 24);
}

static void send_all(int fd)
{
	uint8_t bytes[65536];

	for (uint32_t sent = 0; sent < STREAM_BYTES; sent += sizeof(bytes)) {
		for (uint32_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = pattern(sent + i);
		ck_assert_int_eq(send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL), sizeof(bytes));
	}
}

static void receive_all(int fd)
{
	uint8_t bytes[65536];
	uint32_t received = 0, n_wrong = 0;
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0)
		for (ssize_t i = 0; i < n; i++)
			n_wrong += bytes[i] != pattern(received++);
	ck_assert_uint_eq(received, STREAM_BYTES);
	ck_assert_uint_eq(n_wrong, 0);
}

static void *run_server(void *userdata)
{
	struct end *end = userdata;
	cleanup(closep) int fd = accept4(end->socket, NULL, NULL, SOCK_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	if (end->sends)
		send_all(fd);
	else
		receive_all(fd);
	return NULL;
}

static int tcp_socket(int namespace)
{
	const struct timeval patience = { .tv_sec = 10 };
	int fd;

	lab_enter(namespace);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)), 0);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	return fd;
}

/* 8 MiB by TCP from the host to the partner, or back; every octet is looked at. */
static void stream(struct bed *bed, bool to_host)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	struct end end = { .sends = to_host };
	cleanup(closep) int fd = -1;
	pthread_t server;

	end.socket = tcp_socket(bed->lab.partner);
	ck_assert_int_eq(bind(end.socket, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(end.socket, 1), 0);
	ck_assert_int_eq(pthread_create(&server, NULL, run_server, &end), 0);
	fd = tcp_socket(bed->lab.host);
	ck_assert_int_eq(inet_pton(AF_INET, "10.9.0.2", &address.sin_addr), 1);
	ck_assert_msg(connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0,
		      "connect: %m");
	if (to_host) {
		receive_all(fd);
	} else {
		send_all(fd);
		ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	}
	(void)pthread_join(server, NULL);
	(void)close(end.socket);
}

static uint32_t largest_frame(int socket)
{
	uint8_t byte;
	uint32_t largest = 0;
	ssize_t n;

	while ((n = recv(socket, &byte, 1, MSG_TRUNC)) >= 0)
		if ((uint32_t)n > largest)
			largest = (uint32_t)n;
	return largest;
}

START_TEST(streams_pass_intact_in_frames_larger_than_the_mtu)
{
	struct bed bed;
	int at_partner, at_team;

	bed_start(&bed);
	lab_add_address(bed.lab.rtnl, bed.team_ifindex, "10.9.0.1");
	lab_add_address(bed.lab.partner_rtnl, 100, "10.9.0.2");
	ck_assert_int_eq(rtnl_set_mtu(bed.lab.partner_rtnl, 100, 1500, NULL), 0);
	at_partner = traffic_socket(bed.lab.partner, "pm0", ETH_P_IP);
	at_team = traffic_socket(bed.lab.host, DRIVER_TEAM, ETH_P_IP);
	stream(&bed, false);
	ck_assert_uint_gt(largest_frame(at_partner), 10000);
	(void)largest_frame(at_team);
	stream(&bed, true);
	ck_assert_uint_gt(largest_frame(at_team), 10000);
	/* Each large frame counts as what it is on the wire. */
	ck_assert_uint_gt(driver_sent(bed.team), STREAM_BYTES / 1500);
	ck_assert_uint_gt(driver_received(bed.team), STREAM_BYTES / 1500);
	bed_stop(&bed);
}
END_TEST

START_TEST(sixty_four_teams_share_one_set_of_programs_and_one_more_is_refused)
{
	struct datapath_team *teams[65];
	struct driver driver;
	cleanup(lab_stop) struct lab lab = {};
	struct err e;

	lab_start(&lab);
	driver_start(&driver);
	for (unsigned i = 0; i < 65; i++) {
		struct datapath_team_spec spec = driver_spec;
		int r;

		(void)snprintf(spec.name, sizeof(spec.name), "team%u", i);
		r = driver_open(&driver, &spec, &teams[i], NULL, &e);
		ck_assert_int_eq(r, i < 64 ? 0 : -ENOSPC);
	}
	ck_assert_ptr_nonnull(strstr(e.text, "64 teams"));
	ck_assert(!lab_has_device(&lab, "team64"));
	for (unsigned i = 0; i < 64; i++)
		ck_assert_int_eq(driver_delete(&driver, teams[i], &e), 0);
	ck_assert_uint_eq(lab_n_pins(), 0);
	driver_stop(&driver, NULL);
}
END_TEST

/* What the service has: no CAP_PERFMON, no CAP_SYS_ADMIN, … */
static void keep_only(uint64_t capabilities)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};

	for (unsigned i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)(capabilities >> 32 * i);
		data[i].permitted = data[i].effective;
	}
	ck_assert_int_eq(syscall(SYS_capset, &head, data), 0);
}

START_TEST(cap_bpf_and_cap_net_admin_are_enough)
{
	struct datapath_team_spec spec = driver_spec;
	struct datapath_team *team;
	struct driver driver;
	cleanup(lab_stop) struct lab lab = {};
	struct err e;

	lab_start(&lab);
	keep_only(1ull << CAP_NET_ADMIN | 1ull << CAP_NET_RAW | 1ull << CAP_BPF);
	driver_start(&driver);
	team = driver_team(&driver, &lab, 0);
	/* For the programs of teams with rules, too. */
	spec.rules = (struct datapath_rules){ true, true, true, true, true, 2000, false };
	driver_must(driver_configure(&driver, team, &spec, &e), &e);
	ck_assert_int_eq(driver_delete(&driver, team, &e), 0);
	driver_stop(&driver, NULL);
}
END_TEST

START_TEST(without_cap_bpf_the_sentence_says_what_is_missing)
{
	struct dp_bpf_settings settings = { .bpffs = LAB_PINS };
	struct datapath *datapath;
	cleanup(lab_stop) struct lab lab = {};
	struct err e;

	lab_start(&lab);
	keep_only(1ull << CAP_NET_ADMIN);
	ck_assert_int_eq(dp_bpf_new(&settings, &datapath, &e), -EPERM);
	ck_assert_ptr_nonnull(strstr(e.text, "CAP_BPF"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("datapath uses");
	TCase *tcase = datapath_tcase(suite);

	tcase_add_test(tcase, a_virtual_machine_behind_a_bridge_is_reached_both_ways);
	tcase_add_test(tcase, a_macvlan_on_the_team_sends_and_receives_and_a_macvtap_can_be_made);
	tcase_add_test(tcase, jumbo_frames_pass_whole_both_ways);
	tcase_add_test(tcase, streams_pass_intact_in_frames_larger_than_the_mtu);
	tcase_add_test(tcase, sixty_four_teams_share_one_set_of_programs_and_one_more_is_refused);
	tcase_add_test(tcase, cap_bpf_and_cap_net_admin_are_enough);
	tcase_add_test(tcase, without_cap_bpf_the_sentence_says_what_is_missing);
	return run_datapath_suite(suite);
}
