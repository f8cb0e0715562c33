/* Which member a flowlet leaves on. Apart from the programs, so that it can be tested without a
 * kernel.
 *
 * Members are compared by the octets that they have sent lately, each times its cost: 256 for the
 * fastest member, more for slower ones. */
#pragma once

#include <linux/types.h>
#include <stdbool.h>

#include "bpf/abi.h"

/* What was sent before counts half of what is sent now. */
#define FLOWLETS_HALF_LIFE_NS 50000000ull

#define FLOWLETS_COST 256

/* A load has the slot number beside it, so that no two are equal, and one that does not count is
 * larger than any other, which has come down long before. */
#define FLOWLETS_SLOT_BITS 5
#define FLOWLETS_LARGEST ((1ull << 56) - 1)
#define FLOWLETS_UNFIT_SHIFT 62

/* The fit member with the least load, or ABI_NONE. Without a branch, which the compiler is kept
 * from making: the verifier would follow both of each, and those of the next, and run out of
 * patience.
 */
static inline __u8 flowlets_pick(const struct abi_loads *loads, __u64 fit)
{
	__s64 least = (__s64)(1ull << FLOWLETS_UNFIT_SHIFT);
	__u64 unfit = ~fit;

#pragma GCC unroll 32
	for (int slot = 0; slot < ABI_MEMBERS; slot++) {
		__u64 load = *(const volatile __u64 *)&loads->load[slot] & FLOWLETS_LARGEST;
		__s64 less, mask;

		load = load << FLOWLETS_SLOT_BITS | (__u64)slot;
		load |= (unfit & 1) << FLOWLETS_UNFIT_SHIFT;
		less = (__s64)load - least;
		mask = less >> 63;
		__asm__ volatile("" : "+r"(mask), "+r"(unfit) : : "memory");
		least += less & mask;
		unfit >>= 1;
	}
	return least >> FLOWLETS_UNFIT_SHIFT ? ABI_NONE : (__u8)(least & (ABI_MEMBERS - 1));
}

/* Halves the loads as often as it is time. */
static inline void flowlets_age(struct abi_loads *loads, __u64 now)
{
	__u64 then = *(volatile __u64 *)&loads->halved_at;
	__u64 times = (now - then) / FLOWLETS_HALF_LIFE_NS;

	if ((__s64)(now - then) < (__s64)FLOWLETS_HALF_LIFE_NS ||
	    __sync_val_compare_and_swap(&loads->halved_at, then, now) != then)
		return;
	if (times > 63)
		times = 63;
#pragma GCC unroll 32
	for (int slot = 0; slot < ABI_MEMBERS; slot++) {
		__u64 load = *(volatile __u64 *)&loads->load[slot];

		/* What other processors add meanwhile stays. */
		__sync_fetch_and_add(&loads->load[slot], (load >> times) - load);
	}
}

/* Whether the flow may go on there without a frame overtaking another: it has not paused for
 * longer than the ways differ. Another processor's clock may have been ahead by a little. */
static inline bool flowlets_stays(const struct abi_flowlet *flowlet, __u32 now_us, __u32 gap_us,
				  __u64 fit)
{
	return flowlet->used && flowlet->slot < ABI_MEMBERS && fit >> flowlet->slot & 1 &&
	       (__s32)(now_us - flowlet->last_us) <= (__s32)gap_us;
}
