/* The carrier word from the daemon's side, which shares it with the poller and with the kernel's
 * program; see bpf/carrier.h. */
#include "daemon/datapath/dp-bpf-internal.h"

/* News of the kernel are never as late. */
#define COMPARE_INTERVAL (3 * NSEC_PER_SEC)

static struct dp_belief *belief_of(struct dp_team *team)
{
	return &team->dp->beliefs[team->index];
}

static bool is_open(const struct dp_bpf *dp, unsigned index)
{
	return __atomic_load_n(&dp->in_use[index], __ATOMIC_ACQUIRE);
}

void dp_carrier_set(struct dp_team *team, unsigned slot, bool up)
{
	struct abi_words *words = dp_words(team);
	struct dp_belief *belief = belief_of(team);
	__u64 bit = 1ull << slot;

	belief->doubted &= ~bit;
	belief->up = up ? belief->up | bit : belief->up & ~bit;
	__atomic_fetch_and(&words->waiting, ~bit, __ATOMIC_SEQ_CST);
	if (up)
		__atomic_fetch_or(&words->carrier, bit, __ATOMIC_SEQ_CST);
	/* The kernel's program sets 'down' before it clears the bit: one of the two sees the
	 * other. */
	if (!up || __atomic_load_n(&words->down, __ATOMIC_SEQ_CST) & bit)
		__atomic_fetch_and(&words->carrier, ~bit, __ATOMIC_SEQ_CST);
}

void dp_carrier_reset(struct abi_words *words, __u64 slots)
{
	__atomic_fetch_and(&words->down, ~slots, __ATOMIC_SEQ_CST);
	__atomic_fetch_and(&words->waiting, ~slots, __ATOMIC_SEQ_CST);
	__atomic_fetch_and(&words->kernel_knows, ~slots, __ATOMIC_SEQ_CST);
}

void dp_carrier_forget(struct dp_team *team, unsigned slot)
{
	struct dp_belief *belief = belief_of(team);
	__u64 bit = 1ull << slot;

	belief->doubted &= ~bit;
	belief->up &= ~bit;
	__atomic_fetch_and(&dp_words(team)->carrier, ~bit, __ATOMIC_SEQ_CST);
}

void dp_carrier_adopt(struct dp_team *team)
{
	*belief_of(team) = (struct dp_belief){};
}

/* Whatever went wrong between us and the kernel's program: if the daemon has been sure for so long
 * that a link is there, it is. */
static void compare(struct dp_bpf *dp, unsigned index)
{
	struct abi_words *words = &dp->words[index];
	struct dp_belief *belief = &dp->beliefs[index];
	__u64 other = belief->up & ~__atomic_load_n(&words->carrier, __ATOMIC_ACQUIRE);
	__u64 wrong = other & belief->doubted;

	belief->doubted = other & ~wrong;
	if (!wrong)
		return;
	dp_carrier_reset(words, wrong);
	__atomic_fetch_or(&words->carrier, wrong, __ATOMIC_SEQ_CST);
}

void dp_carrier_heartbeat(struct dp_bpf *dp, nsec_t now)
{
	bool due = now >= nsec_add(dp->compared_at, COMPARE_INTERVAL);

	if (due)
		dp->compared_at = now;
	for (unsigned index = 0; index < ABI_TEAMS; index++) {
		if (!is_open(dp, index))
			continue;
		__atomic_store_n(&dp->words[index].heartbeat, now, __ATOMIC_RELEASE);
		if (due)
			compare(dp, index);
	}
}

void dp_carrier_last_word(struct dp_team *team)
{
	__atomic_store_n(&dp_words(team)->heartbeat, 0, __ATOMIC_RELEASE);
}
