/* What the kernel's part of the carrier sense does with a team's words. Apart from the program, so
 * that it can be tested without a kernel.
 *
 * The daemon acts on news that may be older than what the kernel has just seen. So that it cannot
 * undo a loss, each side writes its own word first and then looks at the other's: here 'down' is
 * set before the bit of 'carrier' is cleared, and whoever sets that bit looks at 'down' after it.
 */
#pragma once

#include <linux/types.h>
#include <stdbool.h>

#include "bpf/abi.h"

/* The clock may have been read before the heartbeat was written. */
static inline bool carrier_daemon_lives(const struct abi_words *words, __u64 now)
{
	__u64 heartbeat = *(const volatile __u64 *)&words->heartbeat;

	return heartbeat && (__s64)(now - heartbeat) < ABI_HEARTBEAT_STALE;
}

/* Where no daemon lives and the team allows it, links that are back carry again. */
static inline void carrier_give_back(struct abi_words *words, __u64 now)
{
	__u64 back;

	if (!*(volatile __u64 *)&words->carrier_returns || carrier_daemon_lives(words, now))
		return;
	back = __sync_fetch_and_and(&words->waiting, 0);
	if (!back)
		return;
	__sync_fetch_and_or(&words->carrier, back);
	/* One of them may be lost again, by another processor's word. */
	back &= *(volatile __u64 *)&words->down;
	if (back)
		__sync_fetch_and_and(&words->carrier, ~back);
}

/* The link of the member in 'slot' (< ABI_MEMBERS) is lost: it carries no more. Returns whether
 * that is news; the kernel calls the function also for devices whose link is lost already. */
static inline bool carrier_lost(struct abi_words *words, __u32 slot, __u64 now)
{
	__u64 bit = 1ull << slot;
	__u64 down = __sync_fetch_and_or(&words->down, bit);
	__u64 carrier = __sync_fetch_and_and(&words->carrier, ~bit);

	__sync_fetch_and_and(&words->waiting, ~bit);
	/* Its loss may leave the team with those only that came back a moment ago. */
	carrier_give_back(words, now);
	return !(down & bit) || (carrier & bit);
}

/* The link is back. While a daemon lives that is for it to decide. */
static inline void carrier_back(struct abi_words *words, __u32 slot, __u64 now)
{
	__u64 bit = 1ull << slot;

	__sync_fetch_and_and(&words->down, ~bit);
	__sync_fetch_and_or(&words->waiting, bit);
	carrier_give_back(words, now);
}
