/* A picture of one of the kernel's tables that netlink tells of: entries with a key, of bounded
 * number, and how a dump that was read while news came in is laid over it. No socket, no thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Entries are structs of 'size' bytes, the first 'key_size' of which tell them apart. They are
 * compared byte by byte: what is between their fields must be 0. */
struct mirror_kind {
	size_t size;
	size_t key_size;
	size_t max; /* No more entries are kept. */
};

/* An entry is new or has changed, or is gone (then it is as it was last). Valid during the call
 * only. */
typedef void mirror_changed(void *userdata, const void *entry, bool gone);

/* Entries as they were read at once. */
struct mirror_list {
	uint8_t *bytes;
	size_t n, room;
	bool complete; /* None that was there is missing. */
};

/* 0, -ENOMEM, or -ENOSPC: there are as many as a table takes. */
int mirror_list_add(struct mirror_list *list, const struct mirror_kind *kind, const void *entry);
void mirror_list_fini(struct mirror_list *list);

struct mirror_table;

/* 'changed' is called by the functions below and may look into the table. */
int mirror_table_new(const struct mirror_kind *kind, mirror_changed *changed, void *userdata,
		     struct mirror_table **ret);
void mirror_table_free(struct mirror_table *table);

/* News of one entry. 0, -ENOMEM, or -ENOSPC: the table is full, the entry is not in it. */
int mirror_table_put(struct mirror_table *table, const void *bytes);
int mirror_table_remove(struct mirror_table *table, const void *bytes);

/* Forgets all, and tells it. */
void mirror_table_clear(struct mirror_table *table);

/* NULL if there is none with that key. */
const void *mirror_table_find(const struct mirror_table *table, const void *key);
size_t mirror_table_count(const struct mirror_table *table);

/* Calls 'each' for all entries, in no order, until it returns false. */
void mirror_table_each(const struct mirror_table *table,
		       bool (*each)(void *userdata, const void *entry), void *userdata);

/* What is put and removed between these two is newer than the list, which must have been read in
 * between: of these entries the list says nothing. For each difference 'changed' is called. 0,
 * -ENOMEM (once more), or -ENOSPC. */
void mirror_table_resync_begin(struct mirror_table *table);
int mirror_table_resync_end(struct mirror_table *table, const struct mirror_list *list);
