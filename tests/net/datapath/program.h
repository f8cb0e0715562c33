/* The programs by themselves, run by the kernel on frames that we make (BPF_PROG_TEST_RUN). */
#pragma once

#include "bpf/abi.h"
#include "tests/net/datapath/flow.h"
#include "tests/net/datapath/lab.h"

#include <stdbool.h>

struct datapath_bpf;

struct program {
	struct datapath_bpf *skeleton;
	uint32_t ifindex; /* Of the device that is hidden peer and members at once. */
	struct abi_words *words;
	struct abi_counters *of_processors;
	unsigned n_processors;
};

#define PROGRAM_DROPPED (-1)

/* Loads them; a device is made in the lab's host. Slot 0 has all buckets. */
void program_start(struct program *program, struct lab *lab);
void program_stop(struct program *program);

void program_set_hash(struct program *program, enum abi_hash hash);
void program_set_plan(struct program *program, const struct abi_plan *plan);

/* Sends a frame 'repeat' times. Returns the mean duration in nanoseconds. */
uint32_t program_send(struct program *program, const struct flow *flow, int repeat);
uint32_t program_receive(struct program *program, const struct flow *flow, int repeat);
struct abi_counters program_counters(struct program *program);

/* Which bucket the frame is counted in. */
unsigned program_bucket(struct program *program, const struct flow *flow);

/* Which slot the frame is sent from, or PROGRAM_DROPPED. */
int program_slot(struct program *program, const struct flow *flow);
