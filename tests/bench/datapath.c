/* What the bpf datapath costs.
 *
 *	build/tests/bench/datapath [ROUNDS]
 *
 * Run it by hand, as root, on a quiet machine; the usual 9 rounds take about 20 seconds. It makes
 * network namespaces of its own, in which a host and its partner are joined by a plain veth cable
 * and by a team with one member on such a cable, and compares the two in turn, round by round: the
 * ratios are what counts (above 1: the team is faster), absolute figures depend on the machine.
 *
 *	UDP	frames with 18 octets of payload, dropped by a filter at the far end before its
 *		stack, sender and receiver on one processor: the cost of a frame
 *	TCP	one bulk stream with segmentation offload, its ends on two processors
 *
 * Before them it prints what the control plane takes (loading, adopting, writing a plan), what the
 * maps occupy, and what the programs take by the kernel's test runs. */
#include "tests/bench/control.h"
#include "tests/net/datapath/driver.h"

#include "lib/base/array.h"
#include "lib/base/cleanup.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <check.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define ROUNDS 9
#define MAX_ROUNDS 99
#define UDP_FRAMES 100000
#define UDP_BATCH 64
#define UDP_PAYLOAD 18
#define TCP_BYTES (256u << 20)
#define TCP_PORT 5001

/* One way between the host and the partner. */
struct way {
	const char *near_name;
	const char *near_address;
	const char *far_name;
	const char *far_address;
};

static const struct way plain = { "c0", "10.1.0.1", "pc0", "10.1.0.2" };
static const struct way team = { DRIVER_TEAM, "10.2.0.1", "pm0", "10.2.0.2" };

struct bench {
	struct lab lab;
	struct driver driver;
	struct datapath_team *team;
	unsigned rounds;
};

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void pin_to(unsigned processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	/* On a machine with one processor they share it. */
	(void)pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static struct sockaddr_in address_of(const char *text, uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };

	ck_assert_int_eq(inet_pton(AF_INET, text, &address.sin_addr), 1);
	return address;
}

static int socket_in(int namespace, int type)
{
	int fd;

	lab_enter(namespace);
	fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	return fd;
}

/* Frames a second. */
static double udp_rate(struct bench *bench, const struct way *way, bool to_host)
{
	struct sockaddr_in to = address_of(to_host ? way->near_address : way->far_address, 9);
	cleanup(closep) int fd =
		socket_in(to_host ? bench->lab.partner : bench->lab.host, SOCK_DGRAM);
	uint8_t payload[UDP_PAYLOAD] = {};
	struct iovec iov = { payload, sizeof(payload) };
	struct mmsghdr messages[UDP_BATCH] = {};
	unsigned sent = 0;
	double start;

	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	for (unsigned i = 0; i < UDP_BATCH; i++)
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 };
	start = seconds();
	while (sent < UDP_FRAMES) {
		int n = sendmmsg(fd, messages, UDP_BATCH, 0);

		if (n <= 0)
			ck_abort_msg("sendmmsg: %m");
		sent += (unsigned)n;
	}
	return sent / (seconds() - start);
}

struct sink {
	int socket;
	uint64_t received;
};

static void *run_sink(void *userdata)
{
	static uint8_t bytes[1 << 18];
	struct sink *sink = userdata;
	cleanup(closep) int fd = -1;
	ssize_t n;

	pin_to(1);
	fd = accept4(sink->socket, NULL, NULL, SOCK_CLOEXEC);
	while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0)
		sink->received += (uint64_t)n;
	return NULL;
}

/* Octets a second. */
static double tcp_rate(struct bench *bench, const struct way *way, bool to_host)
{
	static const uint8_t bytes[1 << 18];
	struct sockaddr_in to =
		address_of(to_host ? way->near_address : way->far_address, TCP_PORT);
	struct sink sink = { .socket = socket_in(to_host ? bench->lab.host : bench->lab.partner,
						 SOCK_STREAM) };
	int fd = socket_in(to_host ? bench->lab.partner : bench->lab.host, SOCK_STREAM), on = 1;
	pthread_t thread;
	double start;

	(void)setsockopt(sink.socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	ck_assert_int_eq(bind(sink.socket, (const struct sockaddr *)&to, sizeof(to)), 0);
	ck_assert_int_eq(listen(sink.socket, 1), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, run_sink, &sink), 0);
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	start = seconds();
	for (unsigned sent = 0; sent < TCP_BYTES; sent += sizeof(bytes))
		if (send(fd, bytes, sizeof(bytes), 0) != sizeof(bytes))
			ck_abort_msg("send: %m");
	(void)close(fd);
	(void)pthread_join(thread, NULL);
	(void)close(sink.socket);
	ck_assert_uint_eq(sink.received, TCP_BYTES);
	return TCP_BYTES / (seconds() - start);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct contest {
	const char *what;
	double (*rate)(struct bench *bench, const struct way *way, bool to_host);
	bool to_host;
	double unit;
	const char *unit_name;
};

static const struct contest tcp_contests[] = {
	{ "TCP bulk, host to partner", tcp_rate, false, 1 << 20, "MiB/s" },
	{ "TCP bulk, partner to host", tcp_rate, true, 1 << 20, "MiB/s" },
};

static const struct contest udp_contests[] = {
	{ "UDP small, host to partner", udp_rate, false, 1e3, "k frames/s" },
	{ "UDP small, partner to host", udp_rate, true, 1e3, "k frames/s" },
};

static void contend(struct bench *bench, const struct contest *contest)
{
	double ratios[MAX_ROUNDS], plains[MAX_ROUNDS], teams[MAX_ROUNDS];
	unsigned n = bench->rounds;

	(void)contest->rate(bench, &plain, contest->to_host);
	(void)contest->rate(bench, &team, contest->to_host);
	for (unsigned i = 0; i < n; i++) {
		plains[i] = contest->rate(bench, &plain, contest->to_host);
		teams[i] = contest->rate(bench, &team, contest->to_host);
		ratios[i] = teams[i] / plains[i];
	}
	qsort(ratios, n, sizeof(double), compare);
	qsort(plains, n, sizeof(double), compare);
	qsort(teams, n, sizeof(double), compare);
	printf("%-28s plain %7.0f, team %7.0f %s, ratio %.3f [%.2f %.2f]\n", contest->what,
	       plains[n / 2] / contest->unit, teams[n / 2] / contest->unit, contest->unit_name,
	       ratios[n / 2], ratios[n / 4], ratios[n * 3 / 4]);
	(void)fflush(stdout);
}

/* Drops UDP over IPv4 at the device's ingress. */
static void drop_udp(int namespace, const char *name)
{
	const struct bpf_insn program[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 6, .src_reg = 1 },
		{ .code = BPF_LD | BPF_ABS | BPF_H, .imm = 12 },
		{ .code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = 0, .off = 4, .imm = ETH_P_IP },
		{ .code = BPF_LD | BPF_ABS | BPF_B, .imm = 23 },
		{ .code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = 0, .off = 2, .imm = IPPROTO_UDP },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = TC_ACT_SHOT },
		{ .code = BPF_JMP | BPF_EXIT },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = TC_ACT_UNSPEC },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "drop_udp", "GPL", program,
			       ARRAY_SIZE(program), NULL);
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .attach_point = BPF_TC_INGRESS);
	DECLARE_LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = fd, .handle = 1, .priority = 10);

	ck_assert_int_ge(fd, 0);
	lab_enter(namespace);
	hook.ifindex = (int)if_nametoindex(name);
	(void)bpf_tc_hook_create(&hook);
	ck_assert_int_eq(bpf_tc_attach(&hook, &options), 0);
	(void)close(fd);
}

static void give_address(struct rtnl *rtnl, const char *name, const char *address)
{
	struct rtnl_device device = lab_device(rtnl, name);
	struct err e;

	ck_assert_int_eq(rtnl_set_mtu(rtnl, device.ifindex, 1500, &e), 0);
	ck_assert_int_eq(rtnl_set_up(rtnl, device.ifindex, true, &e), 0);
	lab_add_address(rtnl, device.ifindex, address);
	lab_await_running(rtnl, name);
}

static void set_up(struct bench *bench)
{
	const struct way *ways[] = { &plain, &team };

	lab_start(&bench->lab);
	bench_control(&bench->lab);
	driver_start(&bench->driver);
	bench->team = driver_team(&bench->driver, &bench->lab, 1);
	lab_cable(&bench->lab, "c0", 300);
	for (unsigned i = 0; i < 2; i++) {
		give_address(bench->lab.rtnl, ways[i]->near_name, ways[i]->near_address);
		give_address(bench->lab.partner_rtnl, ways[i]->far_name, ways[i]->far_address);
	}
	pin_to(0);
}

static void tear_down(struct bench *bench)
{
	driver_stop(&bench->driver, bench->team);
	lab_stop(&bench->lab);
}

static unsigned rounds_wanted(void)
{
	const char *text = getenv("DATAPATH_BENCH_ROUNDS");
	unsigned long rounds = text ? strtoul(text, NULL, 10) : ROUNDS;

	return rounds >= 1 && rounds <= MAX_ROUNDS ? (unsigned)rounds : ROUNDS;
}

START_TEST(benchmark)
{
	struct bench bench = { .rounds = rounds_wanted() };

	set_up(&bench);
	for (unsigned i = 0; i < ARRAY_SIZE(tcp_contests); i++)
		contend(&bench, &tcp_contests[i]);
	drop_udp(bench.lab.partner, plain.far_name);
	drop_udp(bench.lab.partner, team.far_name);
	drop_udp(bench.lab.host, plain.near_name);
	drop_udp(bench.lab.host, team.near_name);
	for (unsigned i = 0; i < ARRAY_SIZE(udp_contests); i++)
		contend(&bench, &udp_contests[i]);
	tear_down(&bench);
}
END_TEST

/* The lab's helpers speak up by Check's assertions, so this is a suite of one "test". */
int main(int argc, char **argv)
{
	Suite *suite = suite_create("datapath");
	TCase *tcase = tcase_create("datapath");
	SRunner *runner = srunner_create(suite);
	int failed;

	if (argc > 1)
		(void)setenv("DATAPATH_BENCH_ROUNDS", argv[1], 1);
	tcase_add_test(tcase, benchmark);
	suite_add_tcase(suite, tcase);
	srunner_set_fork_status(runner, CK_NOFORK);
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	if (failed)
		srunner_print(runner, CK_NORMAL);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
