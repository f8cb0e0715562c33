/* Into which bucket a frame falls, and which member carries a bucket, by the real program. */
#include "daemon/core/placement.h"
#include "tests/net/datapath/program.h"
#include "tests/net/datapath/suite.h"

#include "lib/base/array.h"

#include <netinet/in.h>
#include <string.h>

#define SCTP 132
#define UDPLITE 136
#define N_SPREAD 25600 /* 100 for each bucket. */

struct bed {
	struct lab lab;
	struct program program;
};

static void bed_start(struct bed *bed)
{
	lab_start(&bed->lab);
	program_start(&bed->program, &bed->lab);
}

static void bed_stop(struct bed *bed)
{
	program_stop(&bed->program);
	lab_stop(&bed->lab);
}

#define FLOW4 .version = 4, .source = 0x0a000001, .destination = 0x0a000002
#define FLOW6 .version = 6, .source = 1, .destination = 2
#define PORTS .source_port = 40000, .destination_port = 443
#define OTHER_PORTS .source_port = 40001, .destination_port = 8443

struct pair {
	const char *what;
	enum abi_hash hash;
	struct flow one;
	enum abi_hash other_hash;
	struct flow other;
	bool same;
};

/* 'T': by transport-ports, 'A': by IP addresses, 'M': by MAC addresses. */
#define T ABI_HASH_TRANSPORT_PORTS
#define A ABI_HASH_IP_ADDRESSES
#define M ABI_HASH_MAC_ADDRESSES

static const struct pair pairs[] = {
	{ "IPv4, both directions",
	  T,
	  { FLOW4, .transport = IPPROTO_TCP, PORTS },
	  T,
	  { .version = 4,
	    .source = 0x0a000002,
	    .destination = 0x0a000001,
	    .transport = IPPROTO_TCP,
	    .source_port = 443,
	    .destination_port = 40000 },
	  true },
	{ "IPv6, both directions",
	  T,
	  { FLOW6, .transport = IPPROTO_UDP, PORTS },
	  T,
	  { .version = 6,
	    .source = 2,
	    .destination = 1,
	    .transport = IPPROTO_UDP,
	    .source_port = 443,
	    .destination_port = 40000 },
	  true },
	{ "two flows by TCP",
	  T,
	  { FLOW4, .transport = IPPROTO_TCP, PORTS },
	  T,
	  { FLOW4, .transport = IPPROTO_TCP, OTHER_PORTS },
	  false },
	{ "two flows by UDP",
	  T,
	  { FLOW6, .transport = IPPROTO_UDP, PORTS },
	  T,
	  { FLOW6, .transport = IPPROTO_UDP, OTHER_PORTS },
	  false },
	{ "two flows by SCTP",
	  T,
	  { FLOW4, .transport = SCTP, PORTS },
	  T,
	  { FLOW4, .transport = SCTP, OTHER_PORTS },
	  false },
	{ "two flows by UDP-Lite",
	  T,
	  { FLOW4, .transport = UDPLITE, PORTS },
	  T,
	  { FLOW4, .transport = UDPLITE, OTHER_PORTS },
	  false },
	{ "TCP and UDP between the same ports",
	  T,
	  { FLOW4, .transport = IPPROTO_TCP, PORTS },
	  T,
	  { FLOW4, .transport = IPPROTO_UDP, PORTS },
	  false },
	{ "a VLAN tag in the frame",
	  T,
	  { FLOW4, .transport = IPPROTO_TCP, PORTS },
	  T,
	  { FLOW4, .transport = IPPROTO_TCP, PORTS, .n_tags = 1 },
	  true },
	{ "two VLAN tags in the frame",
	  T,
	  { FLOW6, .transport = IPPROTO_TCP, PORTS },
	  T,
	  { FLOW6, .transport = IPPROTO_TCP, PORTS, .n_tags = 2 },
	  true },
	{ "IPv4 with options",
	  T,
	  { FLOW4, .transport = IPPROTO_TCP, PORTS },
	  T,
	  { FLOW4, .transport = IPPROTO_TCP, PORTS, .ip_options = 3 },
	  true },
	{ "IPv4: a first fragment goes by addresses",
	  T,
	  { FLOW4, .transport = IPPROTO_UDP, PORTS, .fragment = FLOW_FIRST },
	  A,
	  { FLOW4, .transport = IPPROTO_UDP, PORTS },
	  true },
	{ "IPv4: a later fragment goes with the first",
	  T,
	  { FLOW4, .transport = IPPROTO_UDP, PORTS, .fragment = FLOW_FIRST },
	  T,
	  { FLOW4, .transport = IPPROTO_UDP, OTHER_PORTS, .fragment = FLOW_LATER },
	  true },
	{ "IPv6: a first fragment goes by addresses",
	  T,
	  { FLOW6, .transport = IPPROTO_UDP, PORTS, .fragment = FLOW_FIRST },
	  A,
	  { FLOW6, .transport = IPPROTO_UDP, PORTS },
	  true },
	{ "IPv6: a later fragment goes with the first",
	  T,
	  { FLOW6, .transport = IPPROTO_UDP, PORTS, .fragment = FLOW_FIRST },
	  T,
	  { FLOW6, .transport = IPPROTO_UDP, OTHER_PORTS, .fragment = FLOW_LATER },
	  true },
	{ "a fragment goes with ICMP",
	  T,
	  { FLOW4, .transport = IPPROTO_UDP, PORTS, .fragment = FLOW_LATER },
	  T,
	  { FLOW4, .transport = IPPROTO_ICMP, OTHER_PORTS },
	  true },
	{ "ESP whatever its SPI",
	  T,
	  { FLOW4, .transport = IPPROTO_ESP, PORTS },
	  T,
	  { FLOW4, .transport = IPPROTO_ESP, OTHER_PORTS },
	  true },
	{ "AH whatever is in it",
	  T,
	  { FLOW6, .transport = IPPROTO_AH, PORTS },
	  T,
	  { FLOW6, .transport = IPPROTO_AH, OTHER_PORTS },
	  true },
	{ "IPv6 with extension headers",
	  T,
	  { FLOW6, .transport = IPPROTO_TCP, PORTS },
	  T,
	  { FLOW6, .transport = IPPROTO_TCP, PORTS, .n_extensions = 3,
	    .extensions = { IPPROTO_HOPOPTS, IPPROTO_ROUTING, IPPROTO_DSTOPTS } },
	  true },
	{ "two flows with extension headers",
	  T,
	  { FLOW6, .transport = IPPROTO_TCP, PORTS, .n_extensions = 2,
	    .extensions = { IPPROTO_HOPOPTS, IPPROTO_DSTOPTS } },
	  T,
	  { FLOW6, .transport = IPPROTO_TCP, OTHER_PORTS, .n_extensions = 2,
	    .extensions = { IPPROTO_HOPOPTS, IPPROTO_DSTOPTS } },
	  false },
	{ "eight extension headers are looked through",
	  T,
	  { FLOW6, .transport = IPPROTO_TCP, PORTS },
	  T,
	  { FLOW6, .transport = IPPROTO_TCP, PORTS, .n_extensions = 8,
	    .extensions = { 60, 60, 60, 60, 60, 60, 60, 60 } },
	  true },
	{ "nine extension headers go by addresses",
	  A,
	  { FLOW6, .transport = IPPROTO_TCP, PORTS },
	  T,
	  { FLOW6, .transport = IPPROTO_TCP, PORTS, .n_extensions = 9,
	    .extensions = { 60, 60, 60, 60, 60, 60, 60, 60, 60 } },
	  true },
	{ "extension headers before a fragment go by addresses",
	  A,
	  { FLOW6, .transport = IPPROTO_TCP, PORTS },
	  T,
	  { FLOW6, .transport = IPPROTO_TCP, PORTS, .n_extensions = 1,
	    .extensions = { IPPROTO_HOPOPTS }, .fragment = FLOW_LATER },
	  true },
	{ "cut off within the ports: by addresses",
	  A,
	  { FLOW4, .transport = IPPROTO_TCP, PORTS },
	  T,
	  { FLOW4, .transport = IPPROTO_TCP, PORTS, .cut = 17 },
	  true },
	{ "cut off within an extension header: by addresses",
	  A,
	  { FLOW6, .transport = IPPROTO_TCP, PORTS },
	  T,
	  { FLOW6, .transport = IPPROTO_TCP, PORTS, .n_extensions = 1,
	    .extensions = { IPPROTO_HOPOPTS }, .cut = 27 },
	  true },
	/* In a VLAN, for the kernel itself makes no test run of a frame that is cut off there. */
	{ "cut off within IPv4: by MAC addresses",
	  M,
	  { FLOW4, .transport = IPPROTO_TCP, PORTS },
	  T,
	  { FLOW4, .transport = IPPROTO_TCP, PORTS, .n_tags = 1, .cut = 30 },
	  true },
	{ "cut off within IPv6: by MAC addresses",
	  M,
	  { FLOW6, .transport = IPPROTO_TCP, PORTS },
	  T,
	  { FLOW6, .transport = IPPROTO_TCP, PORTS, .n_tags = 1, .cut = 40 },
	  true },
	{ "cut off within a VLAN tag: by MAC addresses",
	  M,
	  { .protocol = 0x0806 },
	  T,
	  { .protocol = 0x0806, .n_tags = 1, .cut = 48 },
	  true },
	{ "an IPv6 packet that says IPv4: by MAC addresses",
	  M,
	  { FLOW6, .transport = IPPROTO_TCP, PORTS },
	  T,
	  { .protocol = 0x0800 },
	  true },
	{ "ARP goes by MAC addresses",
	  T,
	  { .protocol = 0x0806 },
	  M,
	  { FLOW4, .transport = IPPROTO_TCP, PORTS },
	  true },
	{ "ARP of two hosts",
	  T,
	  { .protocol = 0x0806, .source_mac = 7 },
	  T,
	  { .protocol = 0x0806, .source_mac = 8 },
	  false },
	{ "MAC addresses, both directions",
	  M,
	  { .protocol = 0x0806, .source_mac = 7, .destination_mac = 8 },
	  M,
	  { .protocol = 0x0806, .source_mac = 8, .destination_mac = 7 },
	  true },
	{ "by IP addresses, ports do not count",
	  A,
	  { FLOW4, .transport = IPPROTO_TCP, PORTS },
	  A,
	  { FLOW4, .transport = IPPROTO_UDP, OTHER_PORTS },
	  true },
	{ "by IP addresses, these count",
	  A,
	  { FLOW6, .transport = IPPROTO_TCP, PORTS },
	  A,
	  { .version = 6, .source = 1, .destination = 3, .transport = IPPROTO_TCP, PORTS },
	  false },
	{ "by MAC addresses, IP addresses do not count",
	  M,
	  { FLOW6, .transport = IPPROTO_TCP, PORTS },
	  M,
	  { .version = 6, .source = 1, .destination = 3, .transport = IPPROTO_TCP, PORTS },
	  true },
	{ "a port and an address that make up for each other",
	  T,
	  { .version = 4,
	    .source = 0x0a000001,
	    .destination = 0x0a000009,
	    .transport = IPPROTO_TCP,
	    .source_port = 5001,
	    .destination_port = 80 },
	  T,
	  { .version = 4,
	    .source = 0x0a000002,
	    .destination = 0x0a000009,
	    .transport = IPPROTO_TCP,
	    .source_port = 5000,
	    .destination_port = 80 },
	  false },
};

#undef T
#undef A
#undef M

START_TEST(frames_fall_into_the_bucket_of_their_flow)
{
	const struct pair *pair = &pairs[_i];
	unsigned one, other;
	struct bed bed;

	bed_start(&bed);
	program_set_hash(&bed.program, pair->hash);
	one = program_bucket(&bed.program, &pair->one);
	program_set_hash(&bed.program, pair->other_hash);
	other = program_bucket(&bed.program, &pair->other);
	ck_assert_msg((one == other) == pair->same, "%s: buckets %u and %u", pair->what, one,
		      other);
	bed_stop(&bed);
}
END_TEST

/* What differs between the flows of a spread. */
enum varied {
	VARIED_PORT,
	VARIED_ADDRESS,
	VARIED_BOTH,
};

struct spread {
	const char *what;
	enum varied varied;
	struct flow flow;
};

static const struct spread spreads[] = {
	{ "IPv4 client ports", VARIED_PORT, { FLOW4, .transport = IPPROTO_TCP, PORTS } },
	{ "IPv6 client ports", VARIED_PORT, { FLOW6, .transport = IPPROTO_UDP, PORTS } },
	{ "IPv4 hosts of a network", VARIED_ADDRESS, { FLOW4, .transport = IPPROTO_ICMP } },
	{ "IPv6 hosts of a network", VARIED_ADDRESS, { FLOW6, .transport = IPPROTO_ICMPV6 } },
	{ "hosts and ports that run together",
	  VARIED_BOTH,
	  { FLOW4, .transport = IPPROTO_TCP, PORTS } },
};

static struct flow vary(const struct spread *spread, uint32_t i)
{
	struct flow flow = spread->flow;

	if (spread->varied != VARIED_ADDRESS)
		flow.source_port = (uint16_t)(1024 + i);
	if (spread->varied != VARIED_PORT)
		flow.source += i;
	return flow;
}

START_TEST(flows_spread_evenly_over_the_buckets)
{
	const struct spread *spread = &spreads[_i];
	struct abi_counters counters;
	double chi_square = 0;
	struct bed bed;

	bed_start(&bed);
	for (uint32_t i = 0; i < N_SPREAD; i++) {
		struct flow flow = vary(spread, i);

		(void)program_send(&bed.program, &flow, 1);
	}
	counters = program_counters(&bed.program);
	for (unsigned bucket = 0; bucket < ABI_BUCKETS; bucket++) {
		double off = (double)counters.bucket_tx_packets[bucket] - 100;

		chi_square += off * off / 100;
	}
	/* 255 degrees of freedom: 330 is exceeded by one random hash in a thousand. */
	ck_assert_msg(chi_square < 330, "%s: chi-square %.0f", spread->what, chi_square);
	bed_stop(&bed);
}
END_TEST

/* A small generator, the same in every run. */
static uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*state >> 32);
}

static void random_plan(struct placement_plan *plan, uint64_t *state)
{
	unsigned n = next_random(state) % (PLACEMENT_MEMBERS + 1);

	memset(plan, PLACEMENT_NONE, sizeof(*plan));
	for (unsigned bucket = 0; bucket < PLACEMENT_BUCKETS; bucket++) {
		uint8_t slots[PLACEMENT_MEMBERS];

		for (unsigned i = 0; i < PLACEMENT_MEMBERS; i++)
			slots[i] = (uint8_t)i;
		for (unsigned i = 0; i < n; i++) {
			unsigned k = i + next_random(state) % (PLACEMENT_MEMBERS - i);
			uint8_t taken = slots[k];

			slots[k] = slots[i];
			plan->order[bucket][i] = slots[i] = taken;
		}
		if (next_random(state) % 3 == 0)
			plan->hold[bucket] = (uint8_t)(next_random(state) % PLACEMENT_MEMBERS);
	}
}

START_TEST(the_program_carries_out_a_plan_as_the_daemon_reads_it)
{
	struct placement_plan plan;
	uint64_t state = 1;
	struct bed bed;

	bed_start(&bed);
	for (unsigned i = 0; i < 200; i++) {
		struct abi_plan written;

		random_plan(&plan, &state);
		memcpy(&written, &plan, sizeof(written));
		program_set_plan(&bed.program, &written);
		for (unsigned k = 0; k < 10; k++) {
			struct flow flow = { FLOW4, .transport = IPPROTO_UDP, PORTS };
			uint32_t carrier = next_random(&state) & next_random(&state);
			uint32_t may_send = next_random(&state) | next_random(&state);
			uint8_t expected;
			unsigned bucket;

			flow.source_port = (uint16_t)next_random(&state);
			bed.program.words->carrier = UINT32_MAX;
			bed.program.words->may_send = UINT32_MAX;
			if (plan.order[0][0] == PLACEMENT_NONE)
				break;
			bucket = program_bucket(&bed.program, &flow);
			bed.program.words->carrier = carrier;
			bed.program.words->may_send = may_send;
			expected = placement_carrier(&plan, bucket, carrier & may_send);
			ck_assert_int_eq(program_slot(&bed.program, &flow),
					 expected == PLACEMENT_NONE ? PROGRAM_DROPPED : expected);
		}
	}
	bed_stop(&bed);
}
END_TEST

START_TEST(a_slot_without_a_device_sends_nothing)
{
	const struct flow flow = { FLOW4, .transport = IPPROTO_UDP, PORTS };
	struct bed bed;

	bed_start(&bed);
	bed.program.words->ifindex[0] = 0;
	ck_assert_int_eq(program_slot(&bed.program, &flow), PROGRAM_DROPPED);
	bed_stop(&bed);
}
END_TEST

START_TEST(the_second_plan_of_a_team_is_in_force_when_the_word_says_so)
{
	const struct flow flow = { FLOW4, .transport = IPPROTO_UDP, PORTS };
	struct bed bed;

	bed_start(&bed);
	ck_assert_int_eq(program_slot(&bed.program, &flow), 0);
	bed.program.words->plan = 1; /* Zeros: slot 0 too, but holds of slot 0 as well. */
	bed.program.words->carrier = 2;
	bed.program.words->may_send = 2;
	ck_assert_int_eq(program_slot(&bed.program, &flow), PROGRAM_DROPPED);
	bed_stop(&bed);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("datapath program");
	TCase *tcase = datapath_tcase(suite);

	tcase_add_loop_test(tcase, frames_fall_into_the_bucket_of_their_flow, 0, ARRAY_SIZE(pairs));
	tcase_add_loop_test(tcase, flows_spread_evenly_over_the_buckets, 0, ARRAY_SIZE(spreads));
	tcase_add_test(tcase, the_program_carries_out_a_plan_as_the_daemon_reads_it);
	tcase_add_test(tcase, a_slot_without_a_device_sends_nothing);
	tcase_add_test(tcase, the_second_plan_of_a_team_is_in_force_when_the_word_says_so);
	return run_datapath_suite(suite);
}
