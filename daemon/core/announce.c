#include "daemon/core/announce.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define HEADS 1024 /* Of chains of equal hashes; a power of two. */

/* In the order in which they are served. */
enum queue {
	QUEUE_FIRST,  /* Not said yet. */
	QUEUE_REPEAT, /* Ordered by time. */
	QUEUE_REFRESH,
	QUEUE_FREE,
};
#define QUEUES (QUEUE_FREE + 1)

struct entry {
	TAILQ_ENTRY(entry) link;
	LIST_ENTRY(entry) chain;
	enum queue queue;
	struct announcement announcement;
	unsigned left; /* How often it is still to be sent. */
	nsec_t due;
};

TAILQ_HEAD(entries, entry);
LIST_HEAD(chain, entry);

struct announce {
	unsigned count;
	nsec_t interval;
	nsec_t credit; /* Time saved up: each frame costs some. */
	nsec_t credited;
	uint64_t dropped;
	struct entries queues[QUEUES];
	struct chain chains[HEADS];
	struct entry entries[ANNOUNCE_MAX];
};

struct announce *announce_new(unsigned count, nsec_t interval)
{
	struct announce *announce = calloc(1, sizeof(*announce));

	if (!announce)
		return NULL;
	announce_set(announce, count, interval);
	announce->credit = ANNOUNCE_BURST * ANNOUNCE_COST;
	for (unsigned i = 0; i < QUEUES; i++)
		TAILQ_INIT(&announce->queues[i]);
	for (unsigned i = 0; i < HEADS; i++)
		LIST_INIT(&announce->chains[i]);
	for (unsigned i = 0; i < ANNOUNCE_MAX; i++) {
		announce->entries[i].queue = QUEUE_FREE;
		TAILQ_INSERT_TAIL(&announce->queues[QUEUE_FREE], &announce->entries[i], link);
	}
	return announce;
}

void announce_free(struct announce *announce)
{
	free(announce);
}

void announce_set(struct announce *announce, unsigned count, nsec_t interval)
{
	announce->count = count;
	announce->interval = interval;
}

static struct chain *chain_of(struct announce *announce, const struct mac *mac)
{
	uint64_t x = 0;

	memcpy(&x, mac->bytes, MAC_SIZE);
	x *= 0x9e3779b97f4a7c15;
	return &announce->chains[(x >> 40) % HEADS];
}

static bool is_same(const struct announcement *a, const struct announcement *b)
{
	return a->kind == b->kind && a->vlan == b->vlan && mac_equal(&a->mac, &b->mac) &&
	       (a->kind == ANNOUNCE_MAC || memcmp(a->ip, b->ip, sizeof(a->ip)) == 0);
}

static struct entry *find(struct announce *announce, const struct announcement *announcement)
{
	struct entry *entry;

	LIST_FOREACH (entry, chain_of(announce, &announcement->mac), chain)
		if (is_same(&entry->announcement, announcement))
			return entry;
	return NULL;
}

static void put(struct announce *announce, struct entry *entry, enum queue queue)
{
	TAILQ_REMOVE(&announce->queues[entry->queue], entry, link);
	entry->queue = queue;
	TAILQ_INSERT_TAIL(&announce->queues[queue], entry, link);
}

static void drop(struct announce *announce, struct entry *entry)
{
	LIST_REMOVE(entry, chain);
	put(announce, entry, QUEUE_FREE);
}

static struct entry *take_free(struct announce *announce, const struct announcement *announcement)
{
	struct entry *entry = TAILQ_FIRST(&announce->queues[QUEUE_FREE]);

	if (!entry) {
		announce->dropped++;
		return NULL;
	}
	entry->announcement = *announcement;
	LIST_INSERT_HEAD(chain_of(announce, &announcement->mac), entry, chain);
	return entry;
}

void announce_add(struct announce *announce, const struct announcement *announcement, nsec_t now)
{
	struct entry *entry = find(announce, announcement);

	if (!announce->count)
		return;
	if (!entry)
		entry = take_free(announce, announcement);
	if (!entry)
		return;
	entry->announcement = *announcement;
	entry->left = announce->count;
	entry->due = now;
	/* One that waits for its turn keeps it. */
	if (entry->queue != QUEUE_FIRST)
		put(announce, entry, QUEUE_FIRST);
}

void announce_refresh(struct announce *announce, const struct announcement *announcement,
		      nsec_t now)
{
	struct entry *entry = find(announce, announcement);

	if (!entry)
		entry = take_free(announce, announcement);
	else if (entry->queue != QUEUE_REFRESH)
		return;
	if (!entry)
		return;
	entry->announcement = *announcement;
	entry->left = 1;
	entry->due = now;
	if (entry->queue != QUEUE_REFRESH)
		put(announce, entry, QUEUE_REFRESH);
}

void announce_cancel(struct announce *announce, const struct mac *mac)
{
	struct entry *entry = LIST_FIRST(chain_of(announce, mac));

	while (entry) {
		struct entry *next = LIST_NEXT(entry, chain);

		if (mac_equal(&entry->announcement.mac, mac))
			drop(announce, entry);
		entry = next;
	}
}

static struct entry *first_due(const struct announce *announce, nsec_t now)
{
	struct entry *entry = TAILQ_FIRST(&announce->queues[QUEUE_FIRST]);
	struct entry *repeat = TAILQ_FIRST(&announce->queues[QUEUE_REPEAT]);

	if (!entry && repeat && repeat->due <= now)
		entry = repeat;
	return entry ? entry : TAILQ_FIRST(&announce->queues[QUEUE_REFRESH]);
}

static void earn(struct announce *announce, nsec_t now)
{
	announce->credit = nsec_min(announce->credit + nsec_since(announce->credited, now),
				    ANNOUNCE_BURST * ANNOUNCE_COST);
	announce->credited = now;
}

bool announce_next(struct announce *announce, nsec_t now, struct announcement *announcement)
{
	struct entry *entry = first_due(announce, now);

	earn(announce, now);
	if (!entry || announce->credit < ANNOUNCE_COST)
		return false;
	announce->credit -= ANNOUNCE_COST;
	*announcement = entry->announcement;
	if (--entry->left == 0) {
		drop(announce, entry);
		return true;
	}
	entry->due = nsec_add(now, announce->interval);
	put(announce, entry, QUEUE_REPEAT);
	return true;
}

nsec_t announce_deadline(const struct announce *announce)
{
	const struct entry *entry = first_due(announce, 0);
	nsec_t affordable;

	if (!entry)
		entry = TAILQ_FIRST(&announce->queues[QUEUE_REPEAT]);
	if (!entry)
		return NSEC_NEVER;
	if (announce->credit >= ANNOUNCE_COST)
		return entry->due;
	affordable = announce->credited + ANNOUNCE_BATCH * ANNOUNCE_COST - announce->credit;
	return entry->due > affordable ? entry->due : affordable;
}

uint64_t announce_n_dropped(const struct announce *announce)
{
	return announce->dropped;
}
