/* The link monitor's picture of all network devices: what a netlink message says, and how it
 * changes the picture. No socket, no thread. */
#pragma once

#include "daemon/kernel/ethtool.h"
#include "daemon/kernel/link-monitor.h"

#include <stdbool.h>
#include <stddef.h>

struct nlmsghdr;

enum link_news {
	LINK_NEWS_NONE, /* Not about a device as a whole, or malformed. */
	LINK_NEWS_STATE,
	LINK_NEWS_GONE, /* Only the ifindex is filled in. */
};

/* 'message' has at least nlmsg_len bytes. Fills in what netlink tells. */
enum link_news link_parse(struct nlmsghdr *message, struct link *ret);

/* Links as they were read at once. */
struct link_list {
	struct link *links;
	size_t n, room;
	bool complete; /* None that was there is missing. */
};

/* 0 or -ENOMEM. */
int link_list_add(struct link_list *list, const struct link *link);
void link_list_fini(struct link_list *list);

struct link_table;

/* 'changed' is called by the functions below and may look into the table. */
int link_table_new(link_changed *changed, void *userdata, struct link_table **ret);
void link_table_free(struct link_table *table);

const struct link *link_table_by_index(const struct link_table *table, int ifindex);
const struct link *link_table_by_name(const struct link_table *table, const char *name);

/* Calls 'each' for all, in no order, until it returns false. */
void link_table_each(const struct link_table *table,
		     bool (*each)(void *userdata, const struct link *link), void *userdata);

/* Takes in one piece of news. 0 or -ENOMEM. */
int link_table_apply(struct link_table *table, enum link_news news, const struct link *link);

/* What is applied between these two is newer than the list, which must have been read in between:
 * of devices that were applied meanwhile the list says nothing. Of others 'changed' is called for
 * each difference, first of all for those that have vanished. 0 or -ENOMEM: once more. */
void link_table_resync_begin(struct link_table *table);
int link_table_resync_end(struct link_table *table, const struct link_list *list);

struct link_answer {
	int ifindex;
	uint32_t carrier_up_count; /* When it was asked for. */
	struct ethtool_settings settings;
};

/* Takes in what ethtool said, unless the carrier has gone or come anew meanwhile. */
void link_table_answer(struct link_table *table, const struct link_answer *answer);
