#include "daemon/kernel/link-table.h"

#include "lib/base/cleanup.h"

#include <errno.h>
#include <string.h>
#include <sys/queue.h>

/* A host with thousands of devices still has short chains. */
#define BUCKETS 1024

struct entry {
	struct link link;
	bool touched; /* Applied since the resync began. */
	bool gone;    /* Has vanished since the resync began: not to come back from the list. */
	LIST_ENTRY(entry) by_index;
	LIST_ENTRY(entry) by_name;
};

LIST_HEAD(chain, entry);

struct link_table {
	link_changed *changed;
	void *userdata;
	bool resyncing;
	struct chain by_index[BUCKETS];
	struct chain by_name[BUCKETS];
};

int link_list_add(struct link_list *list, const struct link *link)
{
	if (list->n == list->room) {
		size_t room = list->room ? 2 * list->room : 32;
		struct link *grown = reallocarray(list->links, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->links = grown;
		list->room = room;
	}
	list->links[list->n++] = *link;
	return 0;
}

void link_list_fini(struct link_list *list)
{
	free(list->links);
	*list = (struct link_list){};
}

int link_table_new(link_changed *changed, void *userdata, struct link_table **ret)
{
	struct link_table *table = calloc(1, sizeof(*table));

	if (!table)
		return -ENOMEM;
	table->changed = changed;
	table->userdata = userdata;
	*ret = table;
	return 0;
}

void link_table_free(struct link_table *table)
{
	struct entry *entry;

	if (!table)
		return;
	for (unsigned i = 0; i < BUCKETS; i++)
		while ((entry = LIST_FIRST(&table->by_index[i]))) {
			LIST_REMOVE(entry, by_index);
			free(entry);
		}
	free(table);
}

static unsigned index_bucket(int ifindex)
{
	return (unsigned)ifindex % BUCKETS;
}

/* FNV-1a */
static unsigned name_bucket(const char *name)
{
	uint32_t hash = 2166136261;

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619;
	return hash % BUCKETS;
}

static struct entry *find_entry(const struct link_table *table, int ifindex)
{
	struct entry *entry;

	LIST_FOREACH (entry, &table->by_index[index_bucket(ifindex)], by_index)
		if (entry->link.ifindex == ifindex)
			return entry;
	return NULL;
}

const struct link *link_table_by_index(const struct link_table *table, int ifindex)
{
	const struct entry *entry = find_entry(table, ifindex);

	return entry && !entry->gone ? &entry->link : NULL;
}

/* Where messages are missing two devices may have the same name for a moment: the latest that was
 * told stands first in the chain. */
const struct link *link_table_by_name(const struct link_table *table, const char *name)
{
	const struct entry *entry;

	LIST_FOREACH (entry, &table->by_name[name_bucket(name)], by_name)
		if (strcmp(entry->link.name, name) == 0)
			return &entry->link;
	return NULL;
}

void link_table_each(const struct link_table *table,
		     bool (*each)(void *userdata, const struct link *link), void *userdata)
{
	const struct entry *entry;

	for (unsigned i = 0; i < BUCKETS; i++)
		LIST_FOREACH (entry, &table->by_index[i], by_index)
			if (!entry->gone && !each(userdata, &entry->link))
				return;
}

static void insert_name(struct link_table *table, struct entry *entry)
{
	LIST_INSERT_HEAD(&table->by_name[name_bucket(entry->link.name)], entry, by_name);
}

static bool same_names(const struct link *a, const struct link *b)
{
	return strcmp(a->name, b->name) == 0 && strcmp(a->kind, b->kind) == 0 &&
	       strcmp(a->alias, b->alias) == 0 && mac_equal(&a->mac, &b->mac) &&
	       mac_equal(&a->permanent_mac, &b->permanent_mac);
}

static bool same_carrier(const struct link *a, const struct link *b)
{
	return a->carrier == b->carrier && a->carrier_up_count == b->carrier_up_count &&
	       a->carrier_down_count == b->carrier_down_count;
}

static bool same_settings(const struct link *a, const struct link *b)
{
	return a->settings_known == b->settings_known && a->speed_mbps == b->speed_mbps &&
	       a->full_duplex == b->full_duplex;
}

static bool same_link(const struct link *a, const struct link *b)
{
	return same_names(a, b) && same_carrier(a, b) && same_settings(a, b) && a->up == b->up &&
	       a->ethernet == b->ethernet && a->mtu == b->mtu && a->master == b->master &&
	       a->lower == b->lower && a->vlan == b->vlan;
}

/* Gives the entry its new state, and tells it. */
static void change_entry(struct link_table *table, struct entry *entry, const struct link *link)
{
	struct link before = entry->link;

	if (same_link(&before, link))
		return;
	if (strcmp(before.name, link->name) != 0)
		LIST_REMOVE(entry, by_name);
	entry->link = *link;
	if (strcmp(before.name, link->name) != 0)
		insert_name(table, entry);
	table->changed(table->userdata, &entry->link, &before);
}

/* What ethtool said holds until the carrier comes anew. */
static void update_entry(struct link_table *table, struct entry *entry, const struct link *link)
{
	const struct link *old = &entry->link;
	struct link new = *link;

	new.speed_mbps = old->speed_mbps;
	new.full_duplex = old->full_duplex;
	new.settings_known = old->settings_known && link->carrier &&
			     link->carrier_up_count == old->carrier_up_count;
	change_entry(table, entry, &new);
}

static int add_entry(struct link_table *table, const struct link *link)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return -ENOMEM;
	entry->link = *link;
	entry->touched = true;
	LIST_INSERT_HEAD(&table->by_index[index_bucket(link->ifindex)], entry, by_index);
	insert_name(table, entry);
	table->changed(table->userdata, &entry->link, NULL);
	return 0;
}

static void forget_entry(struct entry *entry)
{
	LIST_REMOVE(entry, by_index);
	free(entry);
}

/* During a resync a mark is left behind. */
static void remove_entry(struct link_table *table, struct entry *entry)
{
	struct link before = entry->link;

	LIST_REMOVE(entry, by_name);
	entry->gone = true;
	entry->touched = true;
	if (!table->resyncing)
		forget_entry(entry);
	table->changed(table->userdata, NULL, &before);
}

/* The ifindex of a device that had vanished was given to a new one. */
static int revive_entry(struct link_table *table, struct entry *entry, const struct link *link)
{
	forget_entry(entry);
	return add_entry(table, link);
}

/* A device that we never heard of has vanished: the list may still have it. */
static int add_mark(struct link_table *table, int ifindex)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return -ENOMEM;
	*entry = (struct entry){ .link.ifindex = ifindex, .touched = true, .gone = true };
	LIST_INSERT_HEAD(&table->by_index[index_bucket(ifindex)], entry, by_index);
	return 0;
}

int link_table_apply(struct link_table *table, enum link_news news, const struct link *link)
{
	struct entry *entry = find_entry(table, link->ifindex);

	switch (news) {
	case LINK_NEWS_NONE:
		return 0;
	case LINK_NEWS_GONE:
		if (entry && !entry->gone)
			remove_entry(table, entry);
		else if (!entry && table->resyncing)
			return add_mark(table, link->ifindex);
		return 0;
	case LINK_NEWS_STATE:
		if (!entry)
			return add_entry(table, link);
		if (entry->gone)
			return revive_entry(table, entry, link);
		entry->touched = true;
		update_entry(table, entry, link);
		return 0;
	}
	return 0;
}

void link_table_resync_begin(struct link_table *table)
{
	struct entry *entry;

	for (unsigned i = 0; i < BUCKETS; i++)
		LIST_FOREACH (entry, &table->by_index[i], by_index)
			entry->touched = false;
	table->resyncing = true;
}

/* 'touched' becomes true for what is in the list, so that what is left has vanished. */
static void mark_listed(struct link_table *table, const struct link_list *list, bool *skip)
{
	for (size_t i = 0; i < list->n; i++) {
		struct entry *entry = find_entry(table, list->links[i].ifindex);

		skip[i] = entry && entry->touched;
		if (entry)
			entry->touched = true;
	}
}

/* Removes those that have vanished, and the marks. */
static void sweep(struct link_table *table, bool complete)
{
	for (unsigned i = 0; i < BUCKETS; i++) {
		struct entry *entry = LIST_FIRST(&table->by_index[i]);

		while (entry) {
			struct entry *next = LIST_NEXT(entry, by_index);

			if (entry->gone)
				forget_entry(entry);
			else if (!entry->touched && complete)
				remove_entry(table, entry);
			entry = next;
		}
	}
}

int link_table_resync_end(struct link_table *table, const struct link_list *list)
{
	cleanup(freep) bool *skip = calloc(list->n + 1, sizeof(*skip));
	int r = 0;

	table->resyncing = false;
	if (skip)
		mark_listed(table, list, skip);
	sweep(table, skip && list->complete);
	if (!skip)
		return -ENOMEM;
	for (size_t i = 0; i < list->n; i++)
		if (!skip[i] && link_table_apply(table, LINK_NEWS_STATE, &list->links[i]) < 0)
			r = -ENOMEM;
	return r;
}

void link_table_answer(struct link_table *table, const struct link_answer *answer)
{
	struct entry *entry = find_entry(table, answer->ifindex);
	struct link new;

	if (!entry || entry->gone)
		return;
	new = entry->link;
	if (new.carrier &&new.carrier_up_count == answer->carrier_up_count) {
		new.settings_known = true;
		new.speed_mbps = answer->settings.speed_mbps;
		new.full_duplex = answer->settings.full_duplex;
	}
	change_entry(table, entry, &new);
}
