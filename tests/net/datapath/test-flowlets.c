/* Flowlets, and the hash of the full programs: the same as of the plain ones, and into tunnels. */
#include "tests/net/datapath/full.h"
#include "tests/net/datapath/suite.h"

#include "lib/base/array.h"

#include <bpf/bpf.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

#define LONG_GAP_US 30000000
#define N_FLOWS 10000
#define N_FRAMES 10 /* Of a flow. */
#define N_MEMBERS 8

static struct full_frame of_flow(unsigned i)
{
	return (struct full_frame){ .source = full_vm_mac(i >> 15), .port = (uint16_t)i };
}

/* Has all flows paused for 'pause_us'. */
static void pause_all(int map, uint32_t pause_us)
{
	for (uint32_t key = 0; key < ABI_FLOWLETS; key++) {
		struct abi_flowlet flowlet;

		ck_assert_int_eq(bpf_map_lookup_elem(map, &key, &flowlet), 0);
		if (!flowlet.used)
			continue;
		flowlet.last_us -= pause_us;
		ck_assert_int_eq(bpf_map_update_elem(map, &key, &flowlet, BPF_ANY), 0);
	}
}

static void load_all_but(struct abi_loads *loads, unsigned slot)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	loads->halved_at = (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
	for (unsigned i = 0; i < ABI_MEMBERS; i++)
		loads->load[i] = i == slot ? 0 : 1ull << 50;
}

START_TEST(a_flow_moves_only_after_a_pause)
{
	const struct full_frame frame = of_flow(1);
	struct abi_loads *loads;
	struct full full;
	int map;

	full_start(&full, ABI_RULE_FLOWLETS);
	loads = full_map_loads(&full);
	map = full_make_flowlets(&full, LONG_GAP_US);
	load_all_but(loads, 2);
	ck_assert_int_eq(full_send(&full, &frame).slot, 2);
	load_all_but(loads, 3);
	ck_assert_int_eq(full_send(&full, &frame).slot, 2);
	pause_all(map, LONG_GAP_US / 2);
	ck_assert_int_eq(full_send(&full, &frame).slot, 2);
	pause_all(map, LONG_GAP_US + 1);
	ck_assert_int_eq(full_send(&full, &frame).slot, 3);
	/* A clock that is ahead on another processor is no pause. */
	load_all_but(loads, 1);
	pause_all(map, (uint32_t)-1000000);
	ck_assert_int_eq(full_send(&full, &frame).slot, 3);
	full_stop(&full);
}
END_TEST

START_TEST(a_flow_leaves_a_member_that_is_not_fit_at_once)
{
	const struct full_frame frame = of_flow(1);
	struct abi_loads *loads;
	struct full full;

	full_start(&full, ABI_RULE_FLOWLETS);
	loads = full_map_loads(&full);
	(void)full_make_flowlets(&full, LONG_GAP_US);
	load_all_but(loads, 2);
	ck_assert_int_eq(full_send(&full, &frame).slot, 2);
	full.program.words->carrier = 0xb;
	load_all_but(loads, 0);
	ck_assert_int_eq(full_send(&full, &frame).slot, 0);
	/* The member is back: no reason to go there before the next pause. */
	full.program.words->carrier = 0xf;
	load_all_but(loads, 2);
	ck_assert_int_eq(full_send(&full, &frame).slot, 0);
	full.program.words->carrier = 0;
	ck_assert_int_eq(full_send(&full, &frame).slot, PROGRAM_DROPPED);
	full_stop(&full);
}
END_TEST

START_TEST(without_their_map_flows_go_by_buckets)
{
	const struct full_frame frame = of_flow(1);
	struct abi_plan plan = full_plan();
	struct full full;

	full_start(&full, ABI_RULE_FLOWLETS);
	memset(plan.hold, 3, sizeof(plan.hold));
	program_set_plan(&full.program, &plan);
	ck_assert_int_eq(full_send(&full, &frame).slot, 3);
	full_stop(&full);
}
END_TEST

static void start_eight(struct full *full)
{
	full_start(full, ABI_RULE_FLOWLETS);
	full->program.words->carrier = full->program.words->may_send = (1u << N_MEMBERS) - 1;
}

static void send_flows(struct full *full, unsigned frames)
{
	for (unsigned i = 0; i < N_FLOWS; i++) {
		const struct full_frame frame = of_flow(i);

		(void)full_time(full, true, &frame, (int)frames);
	}
}

static double busiest_over_mean(struct full *full)
{
	struct abi_counters counters = program_counters(&full->program);
	uint64_t sum = 0, most = 0;

	for (unsigned slot = 0; slot < N_MEMBERS; slot++) {
		uint64_t n = counters.members[slot].tx_bytes;

		sum += n;
		most = n > most ? n : most;
	}
	return (double)most * N_MEMBERS / (double)sum;
}

START_TEST(ten_thousand_flows_over_eight_members_are_even)
{
	struct full full;

	start_eight(&full);
	(void)full_map_loads(&full);
	(void)full_make_flowlets(&full, LONG_GAP_US);
	send_flows(&full, N_FRAMES);
	printf("# busiest over mean: %.4f\n", busiest_over_mean(&full));
	ck_assert(busiest_over_mean(&full) <= 1.05);
	full_stop(&full);
}
END_TEST

START_TEST(a_member_of_half_the_speed_gets_half)
{
	struct abi_counters counters;
	struct abi_loads *loads;
	struct full full;
	double ratio;

	start_eight(&full);
	loads = full_map_loads(&full);
	loads->cost[3] = 512;
	(void)full_make_flowlets(&full, LONG_GAP_US);
	send_flows(&full, N_FRAMES);
	counters = program_counters(&full.program);
	ratio = (double)counters.members[3].tx_bytes / (double)counters.members[4].tx_bytes;
	ck_assert_msg(ratio > 0.45 && ratio < 0.55, "%.3f", ratio);
	full_stop(&full);
}
END_TEST

/* Tunnels. */

struct tunnel {
	const char *what;
	bool looked_into;
	size_t size;
	uint8_t header[64]; /* From the outer IP header's protocol's payload on. */
	uint8_t protocol;   /* Of the outer IP packet. */
	bool inner_ethernet;
};

#define ETHERNET_IP4 2, 9, 9, 9, 9, 9, 2, 8, 8, 8, 8, 8, 8, 0
#define ETHERNET_VLAN_IP4 2, 9, 9, 9, 9, 9, 2, 8, 8, 8, 8, 8, 0x81, 0, 0, 5, 8, 0

static const struct tunnel tunnels[] = {
	{ "VXLAN",
	  true,
	  16 + 14,
	  { 0x30, 0x39, 0x12, 0xb5, 0, 60, 0, 0, 8, 0, 0, 0, 0, 0, 1, 0, ETHERNET_IP4 },
	  IPPROTO_UDP,
	  true },
	{ "VXLAN with a VLAN inside",
	  true,
	  16 + 18,
	  { 0x30, 0x39, 0x12, 0xb5, 0, 60, 0, 0, 8, 0, 0, 0, 0, 0, 1, 0, ETHERNET_VLAN_IP4 },
	  IPPROTO_UDP,
	  true },
	{ "VXLAN without a network's number",
	  false,
	  16 + 14,
	  { 0x30, 0x39, 0x12, 0xb5, 0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, ETHERNET_IP4 },
	  IPPROTO_UDP,
	  true },
	{ "another port",
	  false,
	  16 + 14,
	  { 0x30, 0x39, 0x12, 0xb6, 0, 60, 0, 0, 8, 0, 0, 0, 0, 0, 1, 0, ETHERNET_IP4 },
	  IPPROTO_UDP,
	  true },
	{ "GRE", true, 4, { 0, 0, 8, 0 }, IPPROTO_GRE, false },
	{ "GRE with key, checksum and sequence number",
	  true,
	  16,
	  { 0xb0, 0, 8, 0 },
	  IPPROTO_GRE,
	  false },
	{ "NVGRE",
	  true,
	  8 + 14,
	  { 0x20, 0, 0x65, 0x58, 0, 0, 1, 0, ETHERNET_IP4 },
	  IPPROTO_GRE,
	  true },
	{ "GRE of version 1", false, 4, { 0, 1, 8, 0 }, IPPROTO_GRE, false },
	{ "GRE of something else", false, 4, { 0, 0, 0x88, 0x47 }, IPPROTO_GRE, false },
};

static size_t write_ip4(uint8_t *bytes, uint8_t protocol, uint8_t last)
{
	const uint8_t ip[] = { 0x45, 0, 0,  100, 0, 1,    0x40, 0, 64, protocol,
			       0,    0, 10, 0,   0, last, 10,   0, 0,  99 };

	memcpy(bytes, ip, sizeof(ip));
	return sizeof(ip);
}

/* The flow 'i' in that tunnel. */
static size_t write_tunnel(const struct tunnel *tunnel, unsigned i,
			   uint8_t bytes[static FULL_FRAME_SIZE])
{
	const uint8_t ethernet[] = { 2, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 8, 0 };
	size_t n = sizeof(ethernet);

	memset(bytes, 0, FULL_FRAME_SIZE);
	memcpy(bytes, ethernet, sizeof(ethernet));
	n += write_ip4(bytes + n, tunnel->protocol, 1);
	memcpy(bytes + n, tunnel->header, tunnel->size);
	n += tunnel->size;
	n += write_ip4(bytes + n, IPPROTO_TCP, 7);
	bytes[n] = (uint8_t)(i >> 8);
	bytes[n + 1] = (uint8_t)i;
	bytes[n + 3] = 80;
	return 160;
}

static unsigned buckets_of_tunnel(struct full *full, const struct tunnel *tunnel)
{
	struct abi_counters counters;
	unsigned n = 0;

	for (unsigned i = 0; i < 200; i++) {
		uint8_t bytes[FULL_FRAME_SIZE];
		size_t size = write_tunnel(tunnel, i, bytes);

		(void)full_send_bytes(full, bytes, size);
	}
	counters = program_counters(&full->program);
	for (unsigned bucket = 0; bucket < ABI_BUCKETS; bucket++)
		n += counters.bucket_tx_packets[bucket] > 0;
	return n;
}

START_TEST(flows_inside_a_tunnel_are_told_apart)
{
	const struct tunnel *tunnel = &tunnels[_i];
	struct full full;
	unsigned n;

	full_start(&full, ABI_RULE_INNER);
	n = buckets_of_tunnel(&full, tunnel);
	ck_assert_msg(tunnel->looked_into ? n > 100 : n == 1, "%s: %u buckets", tunnel->what, n);
	full_stop(&full);
}
END_TEST

START_TEST(without_the_rule_a_tunnel_is_one_flow)
{
	struct full full;

	full_start(&full, ABI_RULE_LEARN);
	ck_assert_uint_eq(buckets_of_tunnel(&full, &tunnels[_i]), 1);
	full_stop(&full);
}
END_TEST

START_TEST(the_bucket_is_that_of_the_plain_program)
{
	static const struct flow flows[] = {
		{ .version = 4, .source = 1, .transport = IPPROTO_TCP, .source_port = 7 },
		{ .version = 4, .source = 1, .transport = IPPROTO_UDP, .fragment = FLOW_LATER },
		{ .version = 4, .source = 1, .transport = IPPROTO_GRE },
		{ .version = 6, .source = 1, .transport = IPPROTO_TCP, .source_port = 7 },
		{ .version = 6,
		  .source = 1,
		  .transport = IPPROTO_UDP,
		  .n_tags = 2,
		  .n_extensions = 2,
		  .extensions = { 0, 60 } },
		{ .protocol = 0x0806, .source_mac = 7 },
		{ .version = 4, .transport = IPPROTO_TCP, .n_tags = 1, .cut = 30 },
	};
	struct full full;

	full_start(&full, _i % 2 ? ABI_RULE_INNER : ABI_RULE_LEARN);
	full.team.hash = (uint32_t)_i / 2;
	full_set_rules(&full, full.team.rules);
	for (unsigned i = 0; i < ARRAY_SIZE(flows); i++) {
		unsigned bucket = program_bucket(&full.program, &flows[i]);
		struct abi_counters before = program_counters(&full.program), after;
		uint8_t bytes[FLOW_FRAME_SIZE];
		size_t size = flow_frame(&flows[i], bytes);

		(void)full_send_bytes(&full, bytes, size);
		after = program_counters(&full.program);
		ck_assert_uint_eq(after.bucket_tx_packets[bucket],
				  before.bucket_tx_packets[bucket] + 1);
	}
	full_stop(&full);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("datapath flowlets");
	TCase *tcase = datapath_tcase(suite);
	const int n_tunnels = (int)ARRAY_SIZE(tunnels);

	tcase_add_test(tcase, a_flow_moves_only_after_a_pause);
	tcase_add_test(tcase, a_flow_leaves_a_member_that_is_not_fit_at_once);
	tcase_add_test(tcase, without_their_map_flows_go_by_buckets);
	tcase_add_test(tcase, ten_thousand_flows_over_eight_members_are_even);
	tcase_add_test(tcase, a_member_of_half_the_speed_gets_half);
	tcase_add_loop_test(tcase, flows_inside_a_tunnel_are_told_apart, 0, n_tunnels);
	tcase_add_loop_test(tcase, without_the_rule_a_tunnel_is_one_flow, 0, n_tunnels);
	tcase_add_loop_test(tcase, the_bucket_is_that_of_the_plain_program, 0, 6);
	return run_datapath_suite(suite);
}
