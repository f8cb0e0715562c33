/* Orders of preference, as the programs read them. */
#pragma once

#include <linux/types.h>
#include <stdbool.h>

#include "bpf/abi.h"

static __always_inline bool has(__u64 set, __u64 slot)
{
	return set >> slot & 1;
}

/* A slot that is below ABI_MEMBERS, so that the verifier knows it where it is used: older ones
 * forget when the compiler puts it aside. */
static __always_inline __u64 in_bounds(__u64 slot)
{
	__asm__ volatile("" : "+r"(slot));
	return slot & (ABI_MEMBERS - 1);
}

/* Eight slots of an order, the first in the lowest octet. */
static __always_inline __u64 order_part(const __u8 *order, int part)
{
	__u64 slots = ((const __u64 *)(const void *)order)[part];

	return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap64(slots) : slots;
}

/* The first fit member of the order, or ABI_NONE. It is read in parts at constant places: without
 * CAP_PERFMON the verifier refuses to walk through it. */
static __always_inline __u32 order_first_fit(const __u8 *order, __u64 fit)
{
#pragma unroll
	for (int part = 0; part < ABI_MEMBERS / 8; part++) {
		__u64 slots = order_part(order, part);

		for (int i = 0; i < 8; i++, slots >>= 8) {
			__u32 slot = slots & 0xff;

			if (slot >= ABI_MEMBERS)
				return ABI_NONE;
			if (has(fit, slot))
				return slot;
		}
	}
	return ABI_NONE;
}

/* The hold if that is fit, else the first fit member of the order. */
static __always_inline __u64 order_carrier(const __u8 *order, __u64 hold, __u64 fit)
{
	if (hold < ABI_MEMBERS && has(fit, hold))
		return hold;
	return order_first_fit(order, fit);
}
