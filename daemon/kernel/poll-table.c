#include "daemon/kernel/poll-table.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* Where there is but one question to a tick, each sixteenth is for those that do not carry. */
#define OTHERS_TURN 16

void poll_table_init(struct poll_table *table, nsec_t interval, unsigned budget)
{
	assert(interval && budget);
	*table = (struct poll_table){
		.interval = interval,
		.budget = budget,
		.tick_at = NSEC_NEVER,
	};
}

void poll_table_fini(struct poll_table *table)
{
	free(table->watches);
	*table = (struct poll_table){ .tick_at = NSEC_NEVER };
}

static struct poll_watch *find_watch(const struct poll_table *table, int ifindex, unsigned position)
{
	if (position < table->n && table->watches[position].target.ifindex == ifindex)
		return &table->watches[position];
	for (unsigned i = 0; i < table->n; i++)
		if (table->watches[i].target.ifindex == ifindex)
			return &table->watches[i];
	return NULL;
}

static struct poll_watch *add_watch(struct poll_table *table, int ifindex)
{
	if (table->n == table->room) {
		unsigned room = table->room ? 2 * table->room : 16;
		struct poll_watch *grown =
			reallocarray(table->watches, room, sizeof(struct poll_watch));

		if (!grown)
			return NULL;
		table->watches = grown;
		table->room = room;
	}
	table->watches[table->n] = (struct poll_watch){
		.target.ifindex = ifindex,
		.asked = NSEC_NEVER,
	};
	return &table->watches[table->n++];
}

/* No more than the budget even if the interval alone would allow more. */
static nsec_t tick_length(const struct poll_table *table)
{
	nsec_t smallest = NSEC_PER_SEC / table->budget;

	if (table->n_carrying == 0)
		return POLL_IDLE_INTERVAL;
	return table->interval > smallest ? table->interval : smallest;
}

static unsigned questions_in_tick(const struct poll_table *table)
{
	nsec_t n = tick_length(table) * table->budget / NSEC_PER_SEC;

	return n > 1 ? (unsigned)nsec_min(n, UINT32_MAX) : 1;
}

/* How many of a tick's questions those that carry get if they need them all. */
static unsigned carrying_share(const struct poll_table *table)
{
	unsigned n = questions_in_tick(table);

	return n > 1 && table->n > table->n_carrying ? n - 1 : n;
}

static nsec_t carrying_interval(const struct poll_table *table)
{
	unsigned share = carrying_share(table);
	unsigned rounds = table->n_carrying / share + (table->n_carrying % share > 0);

	return table->n_carrying ? rounds * tick_length(table) : table->interval;
}

int poll_table_watch(struct poll_table *table, const struct poll_target *target, nsec_t now)
{
	struct poll_watch *watch = find_watch(table, target->ifindex, 0);

	assert(target->slot < 64);
	if (!watch)
		watch = add_watch(table, target->ifindex);
	if (!watch)
		return -ENOMEM;
	if (watch->target.carrying != target->carrying || watch->asked == NSEC_NEVER) {
		watch->asked = NSEC_NEVER;
		/* The first question is not to wait for a tick of the slow rhythm. */
		if (table->n_carrying == 0)
			table->tick_at = nsec_min(table->tick_at, now);
	}
	table->n_carrying += (unsigned)target->carrying - (unsigned)watch->target.carrying;
	watch->target = *target;
	watch->epoch = ++table->last_epoch;
	if (target->carrying)
		watch->told = false;
	return 0;
}

void poll_table_unwatch(struct poll_table *table, int ifindex)
{
	struct poll_watch *watch = find_watch(table, ifindex, 0);

	if (!watch)
		return;
	table->n_carrying -= watch->target.carrying;
	*watch = table->watches[--table->n];
	if (table->n == 0)
		table->tick_at = NSEC_NEVER;
}

nsec_t poll_table_deadline(const struct poll_table *table)
{
	return table->tick_at;
}

static void share_questions(struct poll_table *table)
{
	unsigned n = questions_in_tick(table), share = carrying_share(table);

	if (n == 1 && table->n > table->n_carrying && table->n_ticks % OTHERS_TURN == 0)
		share = 0;
	table->left[true] = table->n_carrying < share ? table->n_carrying : share;
	table->left[false] = n - table->left[true];
}

void poll_table_begin(struct poll_table *table, nsec_t now)
{
	nsec_t length = tick_length(table), missed = nsec_since(table->tick_at, now) / length;

	if (table->tick_at == NSEC_NEVER)
		return;
	table->n_ticks++;
	share_questions(table);
	table->tick_at += (missed + 1) * length;
}

/* Ticks and questions do not fall on the same nanosecond, hence the half tick. */
static bool is_due(const struct poll_table *table, const struct poll_watch *watch, nsec_t now)
{
	nsec_t slack = nsec_min(tick_length(table), POLL_IDLE_INTERVAL) / 2;

	if (watch->target.carrying || watch->asked == NSEC_NEVER)
		return true;
	return nsec_since(watch->asked, now) + slack >= POLL_IDLE_INTERVAL;
}

static void note_late(struct poll_table *table, nsec_t late, nsec_t now)
{
	uint64_t number = now / POLL_SPAN;
	struct poll_span *span = &table->spans[number % POLL_SPANS];

	if (span->number != number)
		*span = (struct poll_span){ .number = number };
	if (late > span->latest)
		span->latest = late;
	if (late > table->figures.latest)
		table->figures.latest = late;
}

static bool bit_is_set(const struct poll_target *target)
{
	return __atomic_load_n(target->word, __ATOMIC_ACQUIRE) >> target->slot & 1;
}

static struct poll_question ask(struct poll_table *table, unsigned position, nsec_t now)
{
	struct poll_watch *watch = &table->watches[position];
	bool carrying = watch->target.carrying;
	nsec_t interval = carrying ? carrying_interval(table) : POLL_IDLE_INTERVAL, late = 0;

	if (watch->asked != NSEC_NEVER) {
		/* With more devices the interval has grown since the last question. */
		nsec_t due = watch->asked + interval;

		late = nsec_since(due > watch->due ? due : watch->due, now);
		if (carrying)
			note_late(table, late, now);
	}
	watch->asked = now;
	watch->due = now + interval;
	table->figures.questions++;
	return (struct poll_question){
		.ifindex = watch->target.ifindex,
		.position = position,
		.epoch = watch->epoch,
		.armed = watch->target.word ? bit_is_set(&watch->target) : !watch->told,
		.late = late,
	};
}

/* Goes on where the last turn ended, once around at most. */
static unsigned ask_some(struct poll_table *table, bool carrying, nsec_t now,
			 struct poll_question *questions, unsigned room)
{
	unsigned n = 0;

	for (unsigned i = 0; i < table->n && n < room && table->left[carrying]; i++) {
		unsigned position = table->cursor[carrying]++ % table->n;
		const struct poll_watch *watch = &table->watches[position];

		if (watch->target.carrying != carrying || !is_due(table, watch, now))
			continue;
		questions[n++] = ask(table, position, now);
		table->left[carrying]--;
	}
	table->cursor[carrying] = table->n ? table->cursor[carrying] % table->n : 0;
	return n;
}

unsigned poll_table_questions(struct poll_table *table, nsec_t now,
			      struct poll_question questions[static ETHTOOL_BATCH])
{
	unsigned n = ask_some(table, true, now, questions, ETHTOOL_BATCH);

	return n + ask_some(table, false, now, questions + n, ETHTOOL_BATCH - n);
}

static bool clear_bit(const struct poll_target *target)
{
	uint64_t bit = UINT64_C(1) << target->slot;

	return __atomic_fetch_and(target->word, ~bit, __ATOMIC_ACQ_REL) & bit;
}

bool poll_table_answer(struct poll_table *table, const struct poll_question *question,
		       const struct poll_answer *answer)
{
	struct poll_watch *watch = find_watch(table, question->ifindex, question->position);

	if (answer->took > table->figures.slowest)
		table->figures.slowest = answer->took;
	if (!watch || watch->epoch != question->epoch)
		return false;
	if (answer->link == ETHTOOL_LINK_UP)
		watch->told = false;
	if (answer->link == ETHTOOL_LINK_UP || answer->link == ETHTOOL_LINK_UNKNOWN)
		return false;
	/* A bit that was set after the question: the answer may be from before. */
	if (!question->armed || (watch->target.word && !clear_bit(&watch->target)))
		return false;
	watch->told = true;
	watch->lost = true;
	watch->lost_when = answer->when;
	watch->lost_late = question->late + answer->took;
	table->figures.losses++;
	return true;
}

bool poll_table_take_loss(struct poll_table *table, struct poll_loss *ret)
{
	for (unsigned i = 0; i < table->n; i++) {
		struct poll_watch *watch = &table->watches[i];

		if (!watch->lost)
			continue;
		watch->lost = false;
		if (watch->target.word && bit_is_set(&watch->target))
			continue;
		*ret = (struct poll_loss){
			.ifindex = watch->target.ifindex,
			.when = watch->lost_when,
			.late = watch->lost_late,
		};
		return true;
	}
	return false;
}

void poll_table_figures(const struct poll_table *table, nsec_t now,
			struct carrier_poller_figures *ret)
{
	uint64_t number = now / POLL_SPAN;

	*ret = table->figures;
	ret->interval = carrying_interval(table);
	ret->latest_recent = 0;
	for (unsigned i = 0; i < POLL_SPANS; i++)
		if (number - table->spans[i].number < POLL_SPANS &&
		    table->spans[i].latest > ret->latest_recent)
			ret->latest_recent = table->spans[i].latest;
}
