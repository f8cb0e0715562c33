/* Which devices the carrier poller asks when, and what an answer means. No thread, no clock and no
 * socket: the poller calls it under its lock. Time is CLOCK_MONOTONIC's. */
#pragma once

#include "daemon/kernel/carrier-poller.h"
#include "daemon/kernel/ethtool.h"
#include "lib/base/nsec.h"

#include <stdbool.h>
#include <stdint.h>

/* A device that does not carry is asked so often: some drivers see a link only when asked. */
#define POLL_IDLE_INTERVAL NSEC_PER_SEC

struct poll_target {
	int ifindex;
	uint64_t *word; /* NULL: only the news is wanted. */
	unsigned slot;
	bool carrying;
};

struct poll_watch {
	struct poll_target target;
	uint64_t epoch; /* Changes with each watch(): tells answers to earlier questions apart. */
	nsec_t asked;   /* Last time in this rhythm; NSEC_NEVER: not yet. */
	nsec_t due;     /* When the next question was expected at 'asked'. */
	bool told;      /* Without a word: the loss was told, and no link was seen since. */
	bool lost;      /* To be told. */
	nsec_t lost_when;
	nsec_t lost_late;
};

struct poll_question {
	int ifindex;
	unsigned position; /* Where the watch was, most probably still is. */
	uint64_t epoch;
	bool armed; /* The bit was set when the question was asked. */
	nsec_t late;
};

/* The longest lateness of each of the last twelve spans of five seconds. */
#define POLL_SPAN (5 * NSEC_PER_SEC)
#define POLL_SPANS 12

struct poll_span {
	uint64_t number;
	nsec_t latest;
};

struct poll_table {
	nsec_t interval;
	unsigned budget;
	struct poll_watch *watches;
	unsigned n, room;
	unsigned n_carrying;
	uint64_t last_epoch;

	nsec_t tick_at; /* NSEC_NEVER: nothing to ask. */
	uint64_t n_ticks;
	unsigned cursor[2]; /* Where the last turn ended; [1] of the carrying ones. */
	unsigned left[2];   /* How many may still be asked in this tick. */

	struct carrier_poller_figures figures;
	struct poll_span spans[POLL_SPANS];
};

/* 'interval' and 'budget' must not be 0. */
void poll_table_init(struct poll_table *table, nsec_t interval, unsigned budget);
void poll_table_fini(struct poll_table *table);

/* 0 or -ENOMEM. A device that is there already gets the new target. */
int poll_table_watch(struct poll_table *table, const struct poll_target *target, nsec_t now);
void poll_table_unwatch(struct poll_table *table, int ifindex);

/* When poll_table_begin() is to be called. */
nsec_t poll_table_deadline(const struct poll_table *table);

/* A tick is there: shares the questions that it may ask, and fixes the next tick, in the same
 * rhythm however late this one is. */
void poll_table_begin(struct poll_table *table, nsec_t now);

/* The next questions of the tick, at most ETHTOOL_BATCH; 0: that was all. */
unsigned poll_table_questions(struct poll_table *table, nsec_t now,
			      struct poll_question questions[static ETHTOOL_BATCH]);

struct poll_answer {
	enum ethtool_link link;
	nsec_t took;
	nsec_t when; /* As it is told: CLOCK_BOOTTIME. */
};

/* Whether the carrier was lost; then the bit is clear, and the loss is to be told. */
bool poll_table_answer(struct poll_table *table, const struct poll_question *question,
		       const struct poll_answer *answer);

struct poll_loss {
	int ifindex;
	nsec_t when;
	nsec_t late;
};

/* Takes a loss that was not told yet. One whose bit has been set again meanwhile is dropped: who
 * set it knew better, and if not, the next question finds it out. */
bool poll_table_take_loss(struct poll_table *table, struct poll_loss *ret);

void poll_table_figures(const struct poll_table *table, nsec_t now,
			struct carrier_poller_figures *ret);
