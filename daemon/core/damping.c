#include "daemon/core/damping.h"

void damping_init(struct damping *damping, const struct damping_config *config)
{
	*damping = (struct damping){ .config = *config, .next_hold = config->hold };
}

static void forget_all(struct damping *damping)
{
	for (unsigned i = 0; i < DAMPING_PARTS; i++)
		damping->counts[i] = 0;
	damping->count = 0;
}

/* Parts that have left the period are emptied for those that have come. */
static void advance(struct damping *damping, nsec_t now)
{
	uint64_t part = now / (damping->config.period / DAMPING_PARTS + 1);

	if (part - damping->part >= DAMPING_PARTS)
		forget_all(damping);
	else
		for (uint64_t i = damping->part + 1; i <= part; i++) {
			damping->count -= damping->counts[i % DAMPING_PARTS];
			damping->counts[i % DAMPING_PARTS] = 0;
		}
	damping->part = part;
}

static bool was_quiet(const struct damping *damping, nsec_t now)
{
	nsec_t since = damping->last > damping->until ? damping->last : damping->until;

	return nsec_since(since, now) >= damping->config.period;
}

static void keep_out(struct damping *damping, nsec_t now)
{
	nsec_t doubled = nsec_add(damping->next_hold, damping->next_hold);

	damping->reason = damping->count;
	damping->until = nsec_add(now, damping->next_hold);
	damping->next_hold = nsec_min(doubled, damping->config.hold_max);
	/* From here it is counted anew: it is kept out longer only by as many failures again. */
	forget_all(damping);
}

bool damping_failed(struct damping *damping, nsec_t now)
{
	if (!damping->config.flaps)
		return false;
	if (was_quiet(damping, now))
		damping->next_hold = damping->config.hold;
	advance(damping, now);
	damping->counts[damping->part % DAMPING_PARTS]++;
	damping->count++;
	damping->last = now;
	if (damping->count < damping->config.flaps)
		return false;
	keep_out(damping, now);
	return true;
}

bool damping_tick(struct damping *damping, nsec_t now)
{
	if (!damping_holds(damping) || now < damping->until)
		return false;
	/* From here on it has to be quiet. */
	damping->last = damping->until;
	damping->until = 0;
	return true;
}

bool damping_holds(const struct damping *damping)
{
	return damping->until != 0;
}

nsec_t damping_deadline(const struct damping *damping)
{
	return damping_holds(damping) ? damping->until : NSEC_NEVER;
}
