#include "daemon/kernel/mirror-table.h"

#include "lib/base/cleanup.h"

#include <errno.h>
#include <string.h>
#include <sys/queue.h>

/* Ten thousand entries still have short chains. */
#define BUCKETS 4096

struct entry {
	LIST_ENTRY(entry) link;
	bool touched; /* Put since the resync began. */
	bool gone;    /* Removed since the resync began: not to come back from the list. */
	_Alignas(8) uint8_t bytes[];
};

LIST_HEAD(chain, entry);

struct mirror_table {
	struct mirror_kind kind;
	mirror_changed *changed;
	void *userdata;
	bool resyncing;
	size_t n;    /* Entries that are there … */
	size_t gone; /* … and marks of such that are not. */
	struct chain chains[BUCKETS];
};

int mirror_list_add(struct mirror_list *list, const struct mirror_kind *kind, const void *entry)
{
	if (list->n == kind->max)
		return -ENOSPC;
	if (list->n == list->room) {
		size_t room = list->room ? 2 * list->room : 64;
		uint8_t *grown = reallocarray(list->bytes, room, kind->size);

		if (!grown)
			return -ENOMEM;
		list->bytes = grown;
		list->room = room;
	}
	memcpy(list->bytes + list->n++ * kind->size, entry, kind->size);
	return 0;
}

void mirror_list_fini(struct mirror_list *list)
{
	free(list->bytes);
	*list = (struct mirror_list){};
}

int mirror_table_new(const struct mirror_kind *kind, mirror_changed *changed, void *userdata,
		     struct mirror_table **ret)
{
	struct mirror_table *table = calloc(1, sizeof(*table));

	if (!table)
		return -ENOMEM;
	table->kind = *kind;
	table->changed = changed;
	table->userdata = userdata;
	*ret = table;
	return 0;
}

void mirror_table_free(struct mirror_table *table)
{
	struct entry *entry;

	if (!table)
		return;
	for (unsigned i = 0; i < BUCKETS; i++)
		while ((entry = LIST_FIRST(&table->chains[i]))) {
			LIST_REMOVE(entry, link);
			free(entry);
		}
	free(table);
}

/* FNV-1a */
static struct chain *chain_of(const struct mirror_table *table, const void *key)
{
	const uint8_t *bytes = key;
	uint32_t hash = 2166136261;

	for (size_t i = 0; i < table->kind.key_size; i++)
		hash = (hash ^ bytes[i]) * 16777619;
	return (struct chain *)(uintptr_t)&table->chains[(hash ^ hash >> 16) % BUCKETS];
}

static struct entry *find_entry(const struct mirror_table *table, const void *key)
{
	struct entry *entry;

	LIST_FOREACH (entry, chain_of(table, key), link)
		if (memcmp(entry->bytes, key, table->kind.key_size) == 0)
			return entry;
	return NULL;
}

const void *mirror_table_find(const struct mirror_table *table, const void *key)
{
	const struct entry *entry = find_entry(table, key);

	return entry && !entry->gone ? entry->bytes : NULL;
}

size_t mirror_table_count(const struct mirror_table *table)
{
	return table->n;
}

static struct entry *add_entry(struct mirror_table *table, const void *bytes)
{
	struct entry *entry = calloc(1, sizeof(*entry) + table->kind.size);

	if (!entry)
		return NULL;
	memcpy(entry->bytes, bytes, table->kind.size);
	LIST_INSERT_HEAD(chain_of(table, bytes), entry, link);
	return entry;
}

static void forget_entry(struct mirror_table *table, struct entry *entry)
{
	table->gone -= entry->gone;
	LIST_REMOVE(entry, link);
	free(entry);
}

int mirror_table_put(struct mirror_table *table, const void *bytes)
{
	struct entry *entry = find_entry(table, bytes);

	if (entry && !entry->gone) {
		entry->touched = true;
		if (memcmp(entry->bytes, bytes, table->kind.size) == 0)
			return 0;
		memcpy(entry->bytes, bytes, table->kind.size);
		table->changed(table->userdata, entry->bytes, false);
		return 0;
	}
	if (table->n == table->kind.max)
		return -ENOSPC;
	if (entry)
		forget_entry(table, entry);
	entry = add_entry(table, bytes);
	if (!entry)
		return -ENOMEM;
	entry->touched = true;
	table->n++;
	table->changed(table->userdata, entry->bytes, false);
	return 0;
}

/* During a resync a mark is left behind. */
static void remove_entry(struct mirror_table *table, struct entry *entry)
{
	table->n--;
	table->gone++;
	entry->gone = true;
	entry->touched = true;
	table->changed(table->userdata, entry->bytes, true);
	if (!table->resyncing)
		forget_entry(table, entry);
}

int mirror_table_remove(struct mirror_table *table, const void *bytes)
{
	struct entry *entry = find_entry(table, bytes);

	if (entry && !entry->gone)
		remove_entry(table, entry);
	if (entry || !table->resyncing)
		return 0;
	/* One that we never heard of: the list may still have it. */
	entry = table->gone < table->kind.max ? add_entry(table, bytes) : NULL;
	if (!entry)
		return -ENOMEM;
	entry->gone = entry->touched = true;
	table->gone++;
	return 0;
}

/* Removes those that were not told of, if 'all', and the marks. */
static void sweep(struct mirror_table *table, bool all)
{
	for (unsigned i = 0; i < BUCKETS; i++) {
		struct entry *entry = LIST_FIRST(&table->chains[i]);

		while (entry) {
			struct entry *next = LIST_NEXT(entry, link);

			if (entry->gone)
				forget_entry(table, entry);
			else if (all && !entry->touched)
				remove_entry(table, entry);
			entry = next;
		}
	}
}

static void untouch(struct mirror_table *table)
{
	struct entry *entry;

	for (unsigned i = 0; i < BUCKETS; i++)
		LIST_FOREACH (entry, &table->chains[i], link)
			entry->touched = false;
}

void mirror_table_clear(struct mirror_table *table)
{
	table->resyncing = false;
	untouch(table);
	sweep(table, true);
}

void mirror_table_each(const struct mirror_table *table,
		       bool (*each)(void *userdata, const void *entry), void *userdata)
{
	const struct entry *entry;

	for (unsigned i = 0; i < BUCKETS; i++)
		LIST_FOREACH (entry, &table->chains[i], link)
			if (!entry->gone && !each(userdata, entry->bytes))
				return;
}

void mirror_table_resync_begin(struct mirror_table *table)
{
	untouch(table);
	table->resyncing = true;
}

/* 'touched' becomes true for what is in the list, so that what is left has vanished. */
static void mark_listed(struct mirror_table *table, const struct mirror_list *list, bool *skip)
{
	for (size_t i = 0; i < list->n; i++) {
		struct entry *entry = find_entry(table, list->bytes + i * table->kind.size);

		skip[i] = entry && entry->touched;
		if (entry)
			entry->touched = true;
	}
}

int mirror_table_resync_end(struct mirror_table *table, const struct mirror_list *list)
{
	cleanup(freep) bool *skip = calloc(list->n + 1, sizeof(*skip));
	int r = 0;

	table->resyncing = false;
	if (skip)
		mark_listed(table, list, skip);
	sweep(table, skip && list->complete);
	if (!skip)
		return -ENOMEM;
	for (size_t i = 0; i < list->n; i++) {
		int put = skip[i] ? 0 : mirror_table_put(table, list->bytes + i * table->kind.size);

		if (put < 0)
			r = put;
	}
	return r;
}
