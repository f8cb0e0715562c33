#include "tests/net/datapath/program.h"

#include "datapath.skel.h"

#include <bpf/bpf.h>
#include <check.h>
#include <linux/pkt_cls.h>
#include <string.h>
#include <sys/mman.h>

#define PROGRAM_WORDS_SIZE (ABI_TEAMS * sizeof(struct abi_words))

static void put(int map, uint32_t key, const void *value)
{
	ck_assert_int_eq(bpf_map_update_elem(map, &key, value, BPF_ANY), 0);
}

void program_set_hash(struct program *program, enum abi_hash hash)
{
	const struct abi_team team = { .index = 0, .hash = hash, .name = "team0" };

	put(bpf_map__fd(program->skeleton->maps.teams), program->ifindex, &team);
}

void program_set_plan(struct program *program, const struct abi_plan *plan)
{
	put(bpf_map__fd(program->skeleton->maps.plans), 0, plan);
}

static void set_up_maps(struct program *program)
{
	const struct abi_member member = { .peer = program->ifindex };
	struct abi_plan plan;

	program_set_hash(program, ABI_HASH_TRANSPORT_PORTS);
	put(bpf_map__fd(program->skeleton->maps.members), program->ifindex, &member);
	put(bpf_map__fd(program->skeleton->maps.counters), 0, program->of_processors);
	memset(&plan, ABI_NONE, sizeof(plan));
	for (unsigned bucket = 0; bucket < ABI_BUCKETS; bucket++)
		plan.order[bucket][0] = 0;
	program_set_plan(program, &plan);
	for (unsigned slot = 0; slot < ABI_MEMBERS; slot++)
		program->words->ifindex[slot] = program->ifindex;
	program->words->carrier = 1;
	program->words->may_send = 1;
	program->words->may_receive = 1;
}

void program_start(struct program *program, struct lab *lab)
{
	const struct lab_device device = { .kind = "veth", .name = "v0", .peer_name = "v1" };

	program->skeleton = datapath_bpf__open_and_load();
	ck_assert_ptr_nonnull(program->skeleton);
	program->ifindex = (uint32_t)lab_add_device(lab, &device);
	program->n_processors = (unsigned)libbpf_num_possible_cpus();
	program->of_processors = calloc(program->n_processors, sizeof(*program->of_processors));
	ck_assert_ptr_nonnull(program->of_processors);
	program->words = mmap(NULL, PROGRAM_WORDS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			      bpf_map__fd(program->skeleton->maps.words), 0);
	ck_assert_ptr_ne(program->words, MAP_FAILED);
	set_up_maps(program);
}

void program_stop(struct program *program)
{
	(void)munmap(program->words, PROGRAM_WORDS_SIZE);
	free(program->of_processors);
	datapath_bpf__destroy(program->skeleton);
}

static uint32_t run(struct program *program, int fd, const struct flow *flow, int repeat)
{
	uint8_t frame[FLOW_FRAME_SIZE];
	struct __sk_buff context = { .ifindex = program->ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame,
		    .data_size_in = (uint32_t)flow_frame(flow, frame), .ctx_in = &context,
		    .ctx_size_in = sizeof(context), .repeat = repeat);

	if (bpf_prog_test_run_opts(fd, &options) < 0 ||
	    (options.retval != TC_ACT_REDIRECT && options.retval != TC_ACT_SHOT))
		ck_abort_msg("the program answers %u: %m", options.retval);
	return options.duration;
}

uint32_t program_send(struct program *program, const struct flow *flow, int repeat)
{
	return run(program, bpf_program__fd(program->skeleton->progs.yoke_tx), flow, repeat);
}

uint32_t program_receive(struct program *program, const struct flow *flow, int repeat)
{
	return run(program, bpf_program__fd(program->skeleton->progs.yoke_rx), flow, repeat);
}

struct abi_counters program_counters(struct program *program)
{
	struct abi_counters sum = {};
	uint64_t *to = (uint64_t *)&sum;
	uint32_t key = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(program->skeleton->maps.counters), &key,
				program->of_processors) < 0)
		ck_abort_msg("counters: %m");
	for (unsigned i = 0; i < program->n_processors; i++) {
		const uint64_t *from = (const uint64_t *)&program->of_processors[i];

		for (size_t k = 0; k < sizeof(sum) / sizeof(*to); k++)
			to[k] += from[k];
	}
	return sum;
}

unsigned program_bucket(struct program *program, const struct flow *flow)
{
	struct abi_counters before = program_counters(program), after;
	unsigned bucket;

	(void)program_send(program, flow, 1);
	after = program_counters(program);
	for (bucket = 0; bucket < ABI_BUCKETS; bucket++)
		if (after.bucket_tx_packets[bucket] != before.bucket_tx_packets[bucket])
			return bucket;
	ck_abort_msg("no bucket has counted the frame");
}

int program_slot(struct program *program, const struct flow *flow)
{
	struct abi_counters before = program_counters(program), after;

	(void)program_send(program, flow, 1);
	after = program_counters(program);
	for (int slot = 0; slot < ABI_MEMBERS; slot++)
		if (after.members[slot].tx_packets != before.members[slot].tx_packets)
			return slot;
	if (after.tx_no_member == before.tx_no_member)
		ck_abort_msg("nothing has counted the frame");
	return PROGRAM_DROPPED;
}
