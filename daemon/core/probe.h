/* Whether the way behind each member's link is alive: targets are asked on every member, and one
 * that answers on that very member is enough. PURE, one for each monitor of a team: inputs, a queue
 * of questions to be asked, and a deadline, as core/static.h has them.
 *
 * All members are asked in the same instant, and judged together when the next question is due. A
 * round in which nobody was answered on any member says something about the targets and nothing
 * about the members: it counts for none. So a target that was never there, or that restarts, takes
 * no team off the network, while a dead way is found as long as one other is alive. */
#pragma once

#include "lib/base/nsec.h"
#include "lib/wire/ether.h"

#include <stdbool.h>
#include <stdint.h>

#define PROBE_MEMBERS 32
#define PROBE_TARGETS 8

struct probe_config {
	unsigned n_targets;
	nsec_t interval;
	unsigned missed_max;
};

enum probe_state {
	PROBE_OFF,      /* No link: nothing is asked. */
	PROBE_TRUSTED,  /* Nothing was heard yet, and nothing speaks against it. */
	PROBE_UNPROVEN, /* Nothing was heard yet: it comes back after two answers in a row. */
	PROBE_ALIVE,
	PROBE_DEAD, /* missed_max rounds without an answer, while others were answered. */
};

struct probe_member {
	enum probe_state state;
	bool asked;       /* In the round that is under way. */
	uint8_t answered; /* A bit for each target, in this round … */
	uint8_t unicast;  /* … and in the one before, so that they are asked alone. */
	unsigned missed;
	unsigned streak; /* Rounds in a row with an answer. */
	nsec_t heard;    /* The latest answer; 0: none. */
};

struct probe {
	struct probe_config config;
	nsec_t due;      /* The end of this round and the beginning of the next one. */
	unsigned silent; /* Rounds in a row in which nobody was answered. */
	struct probe_member members[PROBE_MEMBERS];
	struct mac targets[PROBE_TARGETS]; /* Zero: not known. */
	uint8_t questions[PROBE_MEMBERS];  /* To be asked: a bit for each target. */
};

struct probe_question {
	unsigned slot;
	unsigned target;
	struct mac mac; /* Zero: not known, so all have to be asked. */
};

void probe_init(struct probe *probe, const struct probe_config *config);

/* The member has a link from now on. 'trusted': it is in use already. Others are trusted only while
 * nobody is alive: who could be better. */
void probe_member_up(struct probe *probe, unsigned slot, bool trusted, nsec_t now);
void probe_member_down(struct probe *probe, unsigned slot);

/* The target has answered a question of that member, on that member. True: its state changed. */
bool probe_answered(struct probe *probe, unsigned slot, unsigned target, const struct mac *mac,
		    nsec_t now);

/* Returns the members whose state changed, a bit for each. */
uint32_t probe_tick(struct probe *probe, nsec_t now);
nsec_t probe_deadline(const struct probe *probe);

/* Takes the next question; false when there is none. */
bool probe_next_question(struct probe *probe, struct probe_question *question);

/* Nobody has been answered for missed_max rounds. */
bool probe_is_silent(const struct probe *probe);

static inline bool probe_is_good(const struct probe *probe, unsigned slot)
{
	return probe->members[slot].state == PROBE_ALIVE ||
	       probe->members[slot].state == PROBE_TRUSTED;
}
