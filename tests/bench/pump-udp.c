/* Small datagrams, and the filter by which they end. */
#include "tests/bench/pump.h"

#include "lib/base/array.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 64
#define PAYLOAD 18 /* With all headers the smallest frame of Ethernet. */

struct batch {
	uint8_t payload[PAYLOAD];
	struct iovec iov;
	struct mmsghdr messages[BATCH];
	int sockets[PUMP_FLOWS_MAX];
};

static void open_flows(struct batch *batch, const struct pump *pump)
{
	pump_enter(pump->from);
	for (unsigned i = 0; i < pump->flows; i++) {
		int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

		if (fd < 0 ||
		    connect(fd, (const struct sockaddr *)&pump->address, sizeof(pump->address)) < 0)
			err(2, "cannot send");
		batch->sockets[i] = fd;
	}
}

static void send_all(struct batch *batch, const struct pump *pump, uint64_t count)
{
	uint64_t sent = 0;

	for (unsigned flow = 0; sent < count; flow = (flow + 1) % pump->flows) {
		uint64_t left = count - sent;
		int n = sendmmsg(batch->sockets[flow], batch->messages,
				 left < BATCH ? (unsigned)left : BATCH, 0);

		if (n <= 0)
			err(2, "cannot send");
		sent += (unsigned)n;
	}
}

uint64_t pump_udp(const struct pump *pump)
{
	static struct batch batch;
	uint64_t start;

	batch.iov = (struct iovec){ batch.payload, sizeof(batch.payload) };
	for (unsigned i = 0; i < BATCH; i++)
		batch.messages[i].msg_hdr =
			(struct msghdr){ .msg_iov = &batch.iov, .msg_iovlen = 1 };
	open_flows(&batch, pump);
	/* What only the first frames cost. */
	send_all(&batch, pump, (uint64_t)BATCH * pump->flows);
	start = pump_now();
	send_all(&batch, pump, pump->count);
	return pump_now() - start;
}

static int load_filter(void)
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

	if (fd < 0)
		err(2, "cannot load a filter");
	return fd;
}

void pump_drop(const struct pump *pump)
{
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .attach_point = BPF_TC_INGRESS);
	DECLARE_LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = load_filter(), .handle = 1,
			    .priority = 10, .flags = BPF_TC_F_REPLACE);
	int r;

	pump_enter(pump->to);
	hook.ifindex = (int)if_nametoindex(pump->device);
	if (hook.ifindex == 0)
		err(2, "%s", pump->device);
	r = bpf_tc_hook_create(&hook);
	if (r == 0 || r == -EEXIST)
		r = bpf_tc_attach(&hook, &options);
	if (r < 0)
		errx(2, "cannot attach a filter to %s: %s", pump->device, strerror(-r));
	(void)close(options.prog_fd);
}
