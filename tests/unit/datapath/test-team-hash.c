/* The team driver's classic BPF program comes to the same bucket as the eBPF program: bpf/parse.h
 * is compiled for this machine, and what the kernel's helper would load it gets from an array. */
#include "daemon/datapath/dp-team-hash.h"
#include "lib/base/array.h"
#include "tests/unit/run.h"

#include <linux/bpf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/parse.h"

#define FRAME_SIZE 256
#define N_RANDOM 20000

struct frame {
	uint8_t bytes[FRAME_SIZE];
	size_t size;
	bool tagged; /* A tag is beside the frame. */
};

static const struct frame *frame_read; /* By the helper, which is not told. */

static long load_bytes(const void *skb, __u32 offset, void *to, __u32 size)
{
	if (offset > frame_read->size || frame_read->size - offset < size)
		return -1;
	memcpy(to, frame_read->bytes + offset, size);
	return 0;
}

static unsigned bucket_of_ebpf(const struct frame *frame, enum hash_fields fields)
{
	struct __sk_buff skb = {};

	frame_read = frame;
	bpf_skb_load_bytes = load_bytes;
	return parse_bucket(&skb, fields) & 0xff;
}

/* A machine of classic BPF, as far as our programs use it. */
struct machine {
	const struct frame *frame;
	uint32_t a, x;
	uint32_t cells[BPF_MEMWORDS];
	bool failed; /* A load from behind the end. */
};

static uint32_t load(struct machine *machine, uint32_t offset, int size)
{
	uint32_t n = size == BPF_W ? 4 : size == BPF_H ? 2 : 1, value = 0;

	if (offset == (uint32_t)(SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT))
		return machine->frame->tagged;
	if (offset + n > machine->frame->size) {
		machine->failed = true;
		return 0;
	}
	for (uint32_t i = 0; i < n; i++)
		value = value << 8 | machine->frame->bytes[offset + i];
	return value;
}

static void compute(struct machine *machine, int operation, uint32_t k)
{
	switch (operation) {
	case BPF_ADD:
		machine->a += k;
		return;
	case BPF_MUL:
		machine->a *= k;
		return;
	case BPF_AND:
		machine->a &= k;
		return;
	case BPF_XOR:
		machine->a ^= k;
		return;
	case BPF_LSH:
		machine->a <<= k;
		return;
	case BPF_RSH:
		machine->a >>= k;
		return;
	default:
		ck_abort_msg("operation %#x", operation);
	}
}

static bool holds(const struct machine *machine, int test, uint32_t k)
{
	switch (test) {
	case BPF_JEQ:
		return machine->a == k;
	case BPF_JGE:
		return machine->a >= k;
	case BPF_JSET:
		return machine->a & k;
	default:
		ck_abort_msg("test %#x", test);
	}
	return false;
}

static void load_a(struct machine *machine, const struct sock_filter *code)
{
	switch (BPF_MODE(code->code)) {
	case BPF_ABS:
		machine->a = load(machine, code->k, BPF_SIZE(code->code));
		return;
	case BPF_IND:
		machine->a = load(machine, machine->x + code->k, BPF_SIZE(code->code));
		return;
	case BPF_IMM:
		machine->a = code->k;
		return;
	case BPF_LEN:
		machine->a = (uint32_t)machine->frame->size;
		return;
	default:
		machine->a = machine->cells[code->k];
	}
}

/* The instruction after 'code', or NULL at the end. */
static const struct sock_filter *step(struct machine *machine, const struct sock_filter *code)
{
	uint32_t operand = BPF_SRC(code->code) == BPF_X ? machine->x : code->k;

	switch (BPF_CLASS(code->code)) {
	case BPF_LD:
		load_a(machine, code);
		break;
	case BPF_LDX:
		machine->x = machine->cells[code->k];
		break;
	case BPF_ST:
		machine->cells[code->k] = machine->a;
		break;
	case BPF_ALU:
		compute(machine, BPF_OP(code->code), operand);
		break;
	case BPF_JMP:
		if (BPF_OP(code->code) == BPF_JA)
			return code + 1 + code->k;
		return code + 1 +
		       (holds(machine, BPF_OP(code->code), operand) ? code->jt : code->jf);
	case BPF_MISC:
		if (BPF_MISCOP(code->code) == BPF_TAX)
			machine->x = machine->a;
		else
			machine->a = machine->x;
		break;
	default:
		machine->a = BPF_RVAL(code->code) == BPF_A ? machine->a : code->k;
		return NULL;
	}
	return machine->failed ? NULL : code + 1;
}

static unsigned bucket_of_classic(const struct frame *frame, const struct dp_team_hash *hash)
{
	struct machine machine = { .frame = frame };
	const struct sock_filter *code = hash->code;

	while (code) {
		ensure(code >= hash->code && code < hash->code + hash->n, "it jumps out of itself");
		code = step(&machine, code);
	}
	if (machine.failed)
		ck_abort_msg("it read behind the end of the frame");
	/* As the kernel folds it. */
	return (machine.a ^ machine.a >> 8 ^ machine.a >> 16 ^ machine.a >> 24) & 0xff;
}

struct row {
	const char *what;
	const char *bytes; /* From the EtherType on, hexadecimal. */
};

#define IP4_ADDRESSES "0a000001 0a000002"
#define IP4(proto, fragment, rest) \
	"0800 45000040 0000" fragment "40" proto "0000" IP4_ADDRESSES rest
#define IP6(next, rest)                                                 \
	"86dd 60000000 0040" next "40 fd000000000000000000000000000001" \
	"fd0000000000000000000000000000aa" rest
#define PORTS "303901bb 0000000000000000"

static const struct row rows[] = {
	{ "TCP", IP4("06", "0000", PORTS) },
	{ "UDP", IP4("11", "0000", PORTS) },
	{ "SCTP", IP4("84", "0000", PORTS) },
	{ "UDP-Lite", IP4("88", "0000", PORTS) },
	{ "DCCP", IP4("21", "0000", PORTS) },
	{ "ICMP, which has no ports", IP4("01", "0000", PORTS) },
	{ "ESP, which has no ports", IP4("32", "0000", PORTS) },
	{ "AH, which has no ports", IP4("33", "0000", PORTS) },
	{ "the first fragment", IP4("11", "2000", PORTS) },
	{ "a later fragment", IP4("11", "00b9", PORTS) },
	{ "may not be fragmented, and is not", IP4("11", "4000", PORTS) },
	{ "options before the ports",
	  "0800 46000040 0000 0000 40 06 0000" IP4_ADDRESSES "01010101" PORTS },
	{ "ports cut off", IP4("06", "0000", "3039") },
	{ "IPv4 of another version", "0800 55000040 0000 0000 40 06 0000" IP4_ADDRESSES PORTS },
	{ "IPv4 with a header too short",
	  "0800 44000040 0000 0000 40 06 0000" IP4_ADDRESSES PORTS },
	{ "IPv4 cut off", "0800 45000040" },
	{ "IPv6 and TCP", IP6("06", PORTS) },
	{ "IPv6 and UDP", IP6("11", PORTS) },
	{ "IPv6 and ICMP", IP6("3a", PORTS) },
	{ "IPv6 and ESP", IP6("32", PORTS) },
	{ "IPv6 and AH, which ends the search", IP6("33", "0604000000000000" PORTS) },
	{ "IPv6 fragment, which ends the search", IP6("2c", "1100000000000000" PORTS) },
	{ "IPv6 with options", IP6("00", "1100000000000000" PORTS) },
	{ "IPv6 with long options", IP6("3c", "0601000000000000 0000000000000000" PORTS) },
	{ "IPv6 with options of each kind",
	  IP6("00", "2b00000000000000 3c00000000000000 8700000000000000 8b00000000000000"
		    "8c00000000000000 1100000000000000" PORTS) },
	{ "IPv6 with eight options",
	  IP6("00", "0000000000000000 0000000000000000 0000000000000000 0000000000000000"
		    "0000000000000000 0000000000000000 0000000000000000 1100000000000000" PORTS) },
	{ "IPv6 with nine options, which are too many",
	  IP6("00", "0000000000000000 0000000000000000 0000000000000000 0000000000000000"
		    "0000000000000000 0000000000000000 0000000000000000 0000000000000000"
		    "1100000000000000" PORTS) },
	{ "IPv6 with options cut off", IP6("00", "11") },
	{ "IPv6 with options that point behind the end", IP6("00", "11ff000000000000" PORTS) },
	{ "IPv6 of another version", "86dd 50000000 004006 40 fd000000000000000000000000000001"
				     "fd0000000000000000000000000000aa" PORTS },
	{ "IPv6 cut off", "86dd 60000000" },
	{ "a tag", "8100 0064" IP4("06", "0000", PORTS) },
	{ "two tags", "88a8 0064 8100 0065" IP6("06", PORTS) },
	{ "three tags", "88a8 0064 8100 0065 8100 0066" IP4("06", "0000", PORTS) },
	{ "four tags", "88a8 0064 8100 0065 8100 0066 8100 0067" IP4("06", "0000", PORTS) },
	{ "five tags",
	  "88a8 0064 8100 0065 8100 0066 8100 0067 8100 0068" IP4("06", "0000", PORTS) },
	{ "a tag cut off", "8100 00" },
	{ "ARP", "0806 0001 0800 0604 0001 020000000001 0a000001 000000000000 0a000002" },
	{ "nothing behind the EtherType", "0800" },
	{ "an EtherType cut off", "08" },
};

static const enum hash_fields all_fields[] = { HASH_TRANSPORT_PORTS, HASH_IP_ADDRESSES,
					       HASH_MAC_ADDRESSES };

static uint8_t digit(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static void write_frame(const struct row *row, struct frame *frame)
{
	static const uint8_t macs[] = { 2, 0, 0, 0, 0, 1, 2, 0, 0x1f, 0x80, 7, 9 };

	*frame = (struct frame){ .size = sizeof(macs) };
	memcpy(frame->bytes, macs, sizeof(macs));
	for (const char *at = row->bytes; *at; at++) {
		if (*at == ' ')
			continue;
		ensure(frame->size < FRAME_SIZE, "%s: too long", row->what);
		frame->bytes[frame->size++] = (uint8_t)(digit(at[0]) << 4 | digit(at[1]));
		at++;
	}
}

/* Of a frame whose outermost tag the kernel keeps beside it, the eBPF program sees what is left;
 * without one beside, it would find the outermost tag beside the frame, and does so here. */
static unsigned expected(const struct frame *frame, enum hash_fields fields)
{
	struct frame seen = *frame;

	if (!frame->tagged && frame->size >= 18 &&
	    parse_is_vlan((__be16)(frame->bytes[12] | frame->bytes[13] << 8))) {
		memmove(seen.bytes + 12, seen.bytes + 16, frame->size - 16);
		seen.size -= 4;
	}
	return bucket_of_ebpf(&seen, fields);
}

static void compare(const struct frame *frame, const char *what)
{
	for (size_t i = 0; i < ARRAY_SIZE(all_fields); i++) {
		struct dp_team_hash hash;
		unsigned ebpf = expected(frame, all_fields[i]);
		unsigned classic;

		dp_team_hash_make(all_fields[i], &hash);
		classic = bucket_of_classic(frame, &hash);
		if (classic != ebpf)
			ck_abort_msg("%s by %s: %u, and %u in eBPF", what,
				     hash_fields_name(all_fields[i]), classic, ebpf);
	}
}

START_TEST(each_kind_of_frame_has_the_bucket_of_the_ebpf_program)
{
	struct frame frame;

	write_frame(&rows[_i], &frame);
	compare(&frame, rows[_i].what);
	frame.tagged = true;
	compare(&frame, rows[_i].what);
}
END_TEST

START_TEST(frames_cut_off_anywhere_have_the_bucket_of_the_ebpf_program)
{
	struct frame frame;

	write_frame(&rows[_i], &frame);
	for (size_t size = frame.size; size > 0; size--) {
		frame.size = size - 1;
		compare(&frame, rows[_i].what);
	}
}
END_TEST

START_TEST(frames_with_random_changes_have_the_bucket_of_the_ebpf_program)
{
	struct frame frame;

	srandom(7);
	for (unsigned i = 0; i < N_RANDOM / ARRAY_SIZE(rows); i++) {
		write_frame(&rows[_i], &frame);
		for (long n = random() % 6; n > 0; n--)
			frame.bytes[(size_t)random() % frame.size] = (uint8_t)random();
		frame.tagged = random() % 2;
		compare(&frame, rows[_i].what);
	}
}
END_TEST

START_TEST(ports_count_where_there_are_any)
{
	struct dp_team_hash hash;
	struct frame frame;
	unsigned n_other = 0;

	dp_team_hash_make(HASH_TRANSPORT_PORTS, &hash);
	write_frame(&rows[0], &frame);
	for (unsigned port = 0; port < 100; port++) {
		unsigned before = bucket_of_classic(&frame, &hash);

		frame.bytes[35] = (uint8_t)port;
		n_other += bucket_of_classic(&frame, &hash) != before;
	}
	ck_assert_uint_gt(n_other, 90);
}
END_TEST

START_TEST(the_programs_are_short_enough_for_the_kernel)
{
	for (size_t i = 0; i < ARRAY_SIZE(all_fields); i++) {
		struct dp_team_hash hash;

		dp_team_hash_make(all_fields[i], &hash);
		ck_assert_uint_le(hash.n, DP_TEAM_HASH_MAX);
		ck_assert_int_eq(BPF_CLASS(hash.code[hash.n - 1].code), BPF_RET);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("team-hash");
	TCase *tcase = tcase_create("team-hash");
	int n = (int)ARRAY_SIZE(rows);

	tcase_add_loop_test(tcase, each_kind_of_frame_has_the_bucket_of_the_ebpf_program, 0, n);
	tcase_add_loop_test(tcase, frames_cut_off_anywhere_have_the_bucket_of_the_ebpf_program, 0,
			    n);
	tcase_add_loop_test(tcase, frames_with_random_changes_have_the_bucket_of_the_ebpf_program,
			    0, n);
	tcase_add_test(tcase, ports_count_where_there_are_any);
	tcase_add_test(tcase, the_programs_are_short_enough_for_the_kernel);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
