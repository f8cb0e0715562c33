#include "daemon/core/probe.h"

/* In a row, for a member to come back. */
#define ANSWERS_TO_RETURN 2

void probe_init(struct probe *probe, const struct probe_config *config)
{
	*probe = (struct probe){ .config = *config, .due = NSEC_NEVER };
}

/* A way that dies just after an answer must be found within missed_max intervals, after missed_max
 * questions that had their whole time to be answered: so a little more is asked than one question
 * an interval. */
static nsec_t period(const struct probe *probe)
{
	return probe->config.interval * probe->config.missed_max / (probe->config.missed_max + 1);
}

static bool somebody_is_alive(const struct probe *probe)
{
	for (unsigned slot = 0; slot < PROBE_MEMBERS; slot++)
		if (probe->members[slot].state == PROBE_ALIVE)
			return true;
	return false;
}

void probe_member_up(struct probe *probe, unsigned slot, bool trusted, nsec_t now)
{
	bool first = !somebody_is_alive(probe);

	if (probe->members[slot].state != PROBE_OFF)
		return;
	probe->members[slot] = (struct probe_member){
		.state = trusted || first ? PROBE_TRUSTED : PROBE_UNPROVEN,
	};
	if (probe->due == NSEC_NEVER)
		probe->due = now;
}

void probe_member_down(struct probe *probe, unsigned slot)
{
	probe->members[slot] = (struct probe_member){};
	probe->questions[slot] = 0;
	for (unsigned i = 0; i < PROBE_MEMBERS; i++)
		if (probe->members[i].state != PROBE_OFF)
			return;
	probe->due = NSEC_NEVER;
	probe->silent = 0;
}

static bool enter(struct probe_member *member, enum probe_state state)
{
	bool changed = member->state != state;

	member->state = state;
	return changed;
}

bool probe_answered(struct probe *probe, unsigned slot, unsigned target, const struct mac *mac,
		    nsec_t now)
{
	struct probe_member *member = &probe->members[slot];

	/* Nobody asked. */
	if (!member->asked || target >= probe->config.n_targets)
		return false;
	if (!member->answered)
		member->streak++;
	member->answered |= (uint8_t)(1u << target);
	member->heard = now;
	member->missed = 0;
	probe->silent = 0;
	probe->targets[target] = *mac;
	switch (member->state) {
	case PROBE_OFF:
	case PROBE_ALIVE:
		return false;
	case PROBE_TRUSTED:
		return enter(member, PROBE_ALIVE);
	case PROBE_UNPROVEN:
	case PROBE_DEAD:
		return member->streak >= ANSWERS_TO_RETURN && enter(member, PROBE_ALIVE);
	}
	return false;
}

/* Whether the member's state changed. 'heard': another member or this one was answered. */
static bool judge(const struct probe *probe, struct probe_member *member, bool heard)
{
	if (!member->asked || member->answered)
		return false;
	member->streak = 0;
	if (!heard || ++member->missed < probe->config.missed_max)
		return false;
	return enter(member, PROBE_DEAD);
}

static uint32_t end_round(struct probe *probe)
{
	bool asked = false, heard = false;
	uint32_t changed = 0;

	for (unsigned slot = 0; slot < PROBE_MEMBERS; slot++) {
		asked |= probe->members[slot].asked;
		heard |= probe->members[slot].answered != 0;
	}
	if (heard)
		probe->silent = 0;
	else if (asked && probe->silent < probe->config.missed_max)
		probe->silent++;
	for (unsigned slot = 0; slot < PROBE_MEMBERS; slot++)
		if (judge(probe, &probe->members[slot], heard))
			changed |= 1u << slot;
	return changed;
}

static void begin_round(struct probe *probe)
{
	for (unsigned slot = 0; slot < PROBE_MEMBERS; slot++) {
		struct probe_member *member = &probe->members[slot];

		if (member->state == PROBE_OFF)
			continue;
		member->unicast = member->answered;
		member->answered = 0;
		member->asked = true;
		probe->questions[slot] = (uint8_t)((1u << probe->config.n_targets) - 1);
	}
}

uint32_t probe_tick(struct probe *probe, nsec_t now)
{
	uint32_t changed;

	if (now < probe->due)
		return 0;
	changed = end_round(probe);
	begin_round(probe);
	probe->due = nsec_add(probe->due, period(probe));
	/* After a time in which nobody ran no rounds are made up for. */
	if (probe->due <= now)
		probe->due = nsec_add(now, period(probe));
	return changed;
}

nsec_t probe_deadline(const struct probe *probe)
{
	return probe->due;
}

bool probe_next_question(struct probe *probe, struct probe_question *question)
{
	for (unsigned slot = 0; slot < PROBE_MEMBERS; slot++) {
		unsigned target;

		if (!probe->questions[slot])
			continue;
		target = (unsigned)__builtin_ctz(probe->questions[slot]);
		probe->questions[slot] &= (uint8_t)(probe->questions[slot] - 1);
		*question = (struct probe_question){ .slot = slot, .target = target };
		/* What went astray once is asked of all: the target may be another machine now, and
		 * the switches may have forgotten it. */
		if (probe->members[slot].unicast >> target & 1)
			question->mac = probe->targets[target];
		return true;
	}
	return false;
}

bool probe_is_silent(const struct probe *probe)
{
	return probe->silent >= probe->config.missed_max;
}
