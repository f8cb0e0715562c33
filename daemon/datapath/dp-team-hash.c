#include "daemon/datapath/dp-team-hash.h"

#include "bpf/mix.h"
#include "lib/base/array.h"

#include <assert.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdint.h>

/* As in bpf/parse.h. */
#define VLAN_TAGS 4 /* One that parse.h finds beside the frame, and three. */
#define IPV6_EXTENSIONS 8
#define IP_FRAGMENT 0x3fff

/* The program's memory. */
enum cell {
	CELL_END,
	CELL_OTHER_END,
	CELL_KIND,
	CELL_AT,       /* Where the header of the network layer is. */
	CELL_PORTS_AT, /* Where ports, or an extension header of IPv6, are. */
	CELL_PROTOCOL, /* What comes next, by the number in the header before. */
};

enum label {
	LABEL_NONE,
	LABEL_DISPATCH,
	LABEL_IP4,
	LABEL_IP4_NOT,
	LABEL_IP6,
	LABEL_IP6_NOT,
	LABEL_IP6_NEXT,
	LABEL_PORTS,
	LABEL_PORTS_READ,
	LABEL_MAC,
	LABEL_MIX,
	LABEL_TAG, /* One of each tag, … */
	LABEL_IN_TAG = LABEL_TAG + VLAN_TAGS,
	LABEL_EXTENSION = LABEL_IN_TAG + VLAN_TAGS, /* … and of each extension header. */
	LABELS = LABEL_EXTENSION + IPV6_EXTENSIONS,
};

/* A jump waits for its label: the targets of each instruction. */
struct targets {
	uint8_t always, yes, no;
};

struct assembler {
	struct dp_team_hash *out;
	struct targets targets[DP_TEAM_HASH_MAX];
	unsigned labels[LABELS];
};

static struct targets *emit(struct assembler *as, int code, uint32_t k)
{
	unsigned n = as->out->n++;

	assert(n < DP_TEAM_HASH_MAX);
	as->out->code[n] = (struct sock_filter){ .code = (uint16_t)code, .k = k };
	as->targets[n] = (struct targets){};
	return &as->targets[n];
}

static void place(struct assembler *as, unsigned label)
{
	as->labels[label] = as->out->n;
}

static void jump(struct assembler *as, unsigned label)
{
	emit(as, BPF_JMP | BPF_JA, 0)->always = (uint8_t)label;
}

/* A label of LABEL_NONE is the next instruction. */
static void jump_if(struct assembler *as, int test, uint32_t k, unsigned yes, unsigned no)
{
	struct targets *targets = emit(as, BPF_JMP | test, k);

	targets->yes = (uint8_t)yes;
	targets->no = (uint8_t)no;
}

static void load(struct assembler *as, enum cell cell)
{
	emit(as, BPF_LD | BPF_MEM, cell);
}

static void load_x(struct assembler *as, enum cell cell)
{
	emit(as, BPF_LDX | BPF_MEM, cell);
}

static void store(struct assembler *as, enum cell cell)
{
	emit(as, BPF_ST, cell);
}

static void compute(struct assembler *as, int operation, uint32_t k)
{
	emit(as, BPF_ALU | operation | BPF_K, k);
}

static void compute_x(struct assembler *as, int operation)
{
	emit(as, BPF_ALU | operation | BPF_X, 0);
}

/* What the frame has, behind X. */
static void load_behind(struct assembler *as, int size, uint32_t offset)
{
	emit(as, BPF_LD | size | BPF_IND, offset);
}

static void add_to(struct assembler *as, enum cell cell)
{
	load_x(as, cell);
	compute_x(as, BPF_ADD);
	store(as, cell);
}

/* X becomes what 'cell' has; on to 'no' if the frame has not 'size' octets more from there on. A
 * load from behind the end would end the program. */
static void need(struct assembler *as, enum cell cell, uint32_t size, unsigned no)
{
	load(as, cell);
	compute(as, BPF_ADD, size);
	emit(as, BPF_MISC | BPF_TAX, 0);
	emit(as, BPF_LD | BPF_W | BPF_LEN, 0);
	jump_if(as, BPF_JGE | BPF_X, 0, LABEL_NONE, no);
	load_x(as, cell);
}

static void xor_shifted(struct assembler *as, uint32_t shift)
{
	emit(as, BPF_MISC | BPF_TAX, 0);
	compute(as, BPF_RSH, shift);
	compute_x(as, BPF_XOR);
}

/* mix() of what is in A. */
static void mix_a(struct assembler *as)
{
	xor_shifted(as, MIX_SHIFT_0);
	compute(as, BPF_MUL, MIX_FACTOR_0);
	xor_shifted(as, MIX_SHIFT_1);
	compute(as, BPF_MUL, MIX_FACTOR_1);
	xor_shifted(as, MIX_SHIFT_2);
}

static void emit_mix(struct assembler *as)
{
	place(as, LABEL_MIX);
	load(as, CELL_END);
	mix_a(as);
	add_to(as, CELL_KIND);
	load(as, CELL_OTHER_END);
	mix_a(as);
	load_x(as, CELL_KIND);
	compute_x(as, BPF_ADD);
	mix_a(as);
	compute(as, BPF_RSH, 24);
	emit(as, BPF_RET | BPF_A, 0);
}

static void emit_mac_end(struct assembler *as, uint32_t offset, enum cell cell)
{
	emit(as, BPF_LD | BPF_H | BPF_ABS, offset);
	compute(as, BPF_MUL, MIX_WORD_0);
	emit(as, BPF_MISC | BPF_TAX, 0);
	emit(as, BPF_LD | BPF_W | BPF_ABS, offset + 2);
	compute_x(as, BPF_ADD);
	store(as, cell);
}

static void emit_mac(struct assembler *as)
{
	place(as, LABEL_MAC);
	emit_mac_end(as, ETH_ALEN, CELL_END);
	emit_mac_end(as, 0, CELL_OTHER_END);
}

static void emit_start(struct assembler *as)
{
	emit(as, BPF_LD | BPF_IMM, 0);
	store(as, CELL_KIND);
	emit(as, BPF_LD | BPF_W | BPF_LEN, 0);
	/* Jumps over the way out. */
	emit(as, BPF_JMP | BPF_JGE, ETH_HLEN);
	as->out->code[as->out->n - 1].jt = 1;
	emit(as, BPF_RET | BPF_K, 0);
}

/* Tags within the frame. Where one is beside it, there is one less. */
static void emit_untag(struct assembler *as)
{
	emit(as, BPF_LD | BPF_IMM, ETH_HLEN);
	store(as, CELL_AT);
	emit(as, BPF_LD | BPF_H | BPF_ABS, 2 * ETH_ALEN);
	store(as, CELL_PROTOCOL);
	emit(as, BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT));
	jump_if(as, BPF_JEQ, 0, LABEL_NONE, LABEL_TAG + 1);
	for (unsigned i = 0; i < VLAN_TAGS; i++) {
		place(as, LABEL_TAG + i);
		load(as, CELL_PROTOCOL);
		jump_if(as, BPF_JEQ, ETH_P_8021Q, LABEL_IN_TAG + i, LABEL_NONE);
		jump_if(as, BPF_JEQ, ETH_P_8021AD, LABEL_NONE, LABEL_DISPATCH);
		place(as, LABEL_IN_TAG + i);
		need(as, CELL_AT, 4, LABEL_DISPATCH);
		load_behind(as, BPF_H, 2);
		store(as, CELL_PROTOCOL);
		emit(as, BPF_MISC | BPF_TXA, 0);
		compute(as, BPF_ADD, 4);
		store(as, CELL_AT);
	}
	place(as, LABEL_DISPATCH);
	load(as, CELL_PROTOCOL);
	jump_if(as, BPF_JEQ, ETH_P_IP, LABEL_IP4, LABEL_NONE);
	jump_if(as, BPF_JEQ, ETH_P_IPV6, LABEL_IP6, LABEL_NONE);
	jump(as, LABEL_MAC);
}

static void emit_ip4(struct assembler *as, enum hash_fields fields)
{
	place(as, LABEL_IP4);
	need(as, CELL_AT, 20, LABEL_IP4_NOT);
	load_behind(as, BPF_B, 0);
	compute(as, BPF_AND, 0xf0);
	jump_if(as, BPF_JEQ, 0x40, LABEL_NONE, LABEL_IP4_NOT);
	load_behind(as, BPF_B, 0);
	compute(as, BPF_AND, 0x0f);
	jump_if(as, BPF_JGE, 5, LABEL_NONE, LABEL_IP4_NOT);
	compute(as, BPF_LSH, 2);
	compute_x(as, BPF_ADD);
	store(as, CELL_PORTS_AT);
	load_behind(as, BPF_W, 12);
	store(as, CELL_END);
	load_behind(as, BPF_W, 16);
	store(as, CELL_OTHER_END);
	if (fields == HASH_TRANSPORT_PORTS) {
		load_behind(as, BPF_H, 6);
		/* The first fragment has ports, the others have not: all go by addresses. Jumps
		 * over the three instructions that lead to the ports. */
		jump_if(as, BPF_JSET, IP_FRAGMENT, LABEL_NONE, LABEL_NONE);
		as->out->code[as->out->n - 1].jt = 3;
		load_behind(as, BPF_B, 9);
		store(as, CELL_PROTOCOL);
		jump(as, LABEL_PORTS);
	}
	jump(as, LABEL_MIX);
	place(as, LABEL_IP4_NOT);
	jump(as, LABEL_MAC);
}

static void emit_end6(struct assembler *as, uint32_t offset, enum cell cell)
{
	static const uint32_t factors[] = { MIX_WORD_0, MIX_WORD_1, MIX_WORD_2, 1 };

	for (unsigned i = 0; i < ARRAY_SIZE(factors); i++) {
		load_x(as, CELL_AT);
		load_behind(as, BPF_W, offset + 4 * i);
		if (factors[i] != 1)
			compute(as, BPF_MUL, factors[i]);
		if (i > 0)
			add_to(as, cell);
		else
			store(as, cell);
	}
}

static void emit_extension(struct assembler *as, unsigned label)
{
	static const uint8_t extensions[] = {
		IPPROTO_HOPOPTS, IPPROTO_ROUTING,     IPPROTO_DSTOPTS,
		IPPROTO_MH,      139 /* HIP of v1 */, 140 /* Shim6 */,
	};

	load(as, CELL_PROTOCOL);
	for (unsigned i = 0; i < ARRAY_SIZE(extensions); i++)
		jump_if(as, BPF_JEQ, extensions[i], label,
			i + 1 < ARRAY_SIZE(extensions) ? LABEL_NONE : LABEL_PORTS);
	place(as, label);
	need(as, CELL_PORTS_AT, 2, LABEL_MIX);
	load_behind(as, BPF_B, 0);
	store(as, CELL_PROTOCOL);
	load_behind(as, BPF_B, 1);
	compute(as, BPF_ADD, 1);
	compute(as, BPF_LSH, 3);
	compute_x(as, BPF_ADD);
	store(as, CELL_PORTS_AT);
}

static void emit_ip6(struct assembler *as, enum hash_fields fields)
{
	place(as, LABEL_IP6);
	need(as, CELL_AT, 40, LABEL_IP6_NOT);
	load_behind(as, BPF_B, 0);
	compute(as, BPF_AND, 0xf0);
	jump_if(as, BPF_JEQ, 0x60, LABEL_NONE, LABEL_IP6_NOT);
	emit_end6(as, 8, CELL_END);
	emit_end6(as, 24, CELL_OTHER_END);
	jump(as, fields == HASH_TRANSPORT_PORTS ? LABEL_IP6_NEXT : LABEL_MIX);
	place(as, LABEL_IP6_NOT);
	jump(as, LABEL_MAC);
}

static void emit_ip6_next(struct assembler *as)
{
	place(as, LABEL_IP6_NEXT);
	load_x(as, CELL_AT);
	load_behind(as, BPF_B, 6);
	store(as, CELL_PROTOCOL);
	emit(as, BPF_MISC | BPF_TXA, 0);
	compute(as, BPF_ADD, 40);
	store(as, CELL_PORTS_AT);
	for (unsigned i = 0; i < IPV6_EXTENSIONS; i++)
		emit_extension(as, LABEL_EXTENSION + i);
}

static void emit_port(struct assembler *as, uint32_t offset, enum cell cell)
{
	load_x(as, CELL_PORTS_AT);
	load_behind(as, BPF_H, offset);
	compute(as, BPF_MUL, MIX_PORT);
	add_to(as, cell);
}

static void emit_ports(struct assembler *as)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_DCCP, IPPROTO_SCTP,
					     IPPROTO_UDPLITE };

	place(as, LABEL_PORTS);
	load(as, CELL_PROTOCOL);
	for (unsigned i = 0; i < ARRAY_SIZE(protocols); i++)
		jump_if(as, BPF_JEQ, protocols[i], LABEL_PORTS_READ,
			i + 1 < ARRAY_SIZE(protocols) ? LABEL_NONE : LABEL_MIX);
	place(as, LABEL_PORTS_READ);
	need(as, CELL_PORTS_AT, 4, LABEL_MIX);
	emit_port(as, 0, CELL_END);
	emit_port(as, 2, CELL_OTHER_END);
	load(as, CELL_PROTOCOL);
	store(as, CELL_KIND);
	jump(as, LABEL_MIX);
}

static uint8_t distance(const struct assembler *as, unsigned from, unsigned label)
{
	unsigned n = as->labels[label] - from - 1;

	assert(as->labels[label] > from && n <= UINT8_MAX);
	return (uint8_t)n;
}

static void resolve(struct assembler *as)
{
	for (unsigned i = 0; i < as->out->n; i++) {
		struct sock_filter *code = &as->out->code[i];
		const struct targets *targets = &as->targets[i];

		if (targets->always)
			code->k = as->labels[targets->always] - i - 1;
		if (targets->yes)
			code->jt = distance(as, i, targets->yes);
		if (targets->no)
			code->jf = distance(as, i, targets->no);
	}
}

void dp_team_hash_make(enum hash_fields fields, struct dp_team_hash *ret)
{
	struct assembler as = { .out = ret };

	ret->n = 0;
	emit_start(&as);
	if (fields != HASH_MAC_ADDRESSES) {
		emit_untag(&as);
		emit_ip4(&as, fields);
		emit_ip6(&as, fields);
	}
	if (fields == HASH_TRANSPORT_PORTS) {
		emit_ip6_next(&as);
		emit_ports(&as);
	}
	emit_mac(&as);
	emit_mix(&as);
	resolve(&as);
}
