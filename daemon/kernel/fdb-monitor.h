/* The forwarding databases of bridges, as long as somebody wants those of some. The main thread's
 * part never sleeps. */
#pragma once

#include "daemon/kernel/nl-mirror.h"
#include "lib/wire/ether.h"

#include <stdint.h>

/* Of all bridges together; what is more is left out until there is room again. */
#define FDB_MONITOR_MAX 65536

struct fdb_entry {
	int bridge;
	uint16_t vlan; /* 0: none. */
	struct mac mac;
	/* The key ends here. */
	int port;           /* The bridge itself for its own addresses. */
	uint32_t permanent; /* Not learned: 1. */
};

struct fdb_monitor;

/* As mirror_changed. 'entry' is NULL when what fdb_monitor_untagged() says may have changed. */
typedef void fdb_changed(void *userdata, const struct fdb_entry *entry, bool gone);

/* Listens to nothing yet. */
int fdb_monitor_new(struct worker *worker, fdb_changed *changed, void *userdata,
		    struct fdb_monitor **ret, struct err *e);
void fdb_monitor_free(struct fdb_monitor *monitor);
int fdb_monitor_fd(const struct fdb_monitor *monitor);
void fdb_monitor_dispatch(struct fdb_monitor *monitor);

/* From now on these bridges are of interest, and of these of their ports the VLANs; no others are.
 * Without bridges it listens to nothing and forgets all. Entries of a new one come by 'changed'. */
int fdb_monitor_watch(struct fdb_monitor *monitor, const struct nl_mirror_scope *bridges,
		      const struct nl_mirror_scope *ports, struct err *e);

/* The VLAN whose frames leave the port without a tag; 0: none is known. */
uint16_t fdb_monitor_untagged(const struct fdb_monitor *monitor, int port);

/* Calls 'each' for all entries that are known, until it returns false. */
void fdb_monitor_each(const struct fdb_monitor *monitor,
		      bool (*each)(void *userdata, const void *entry), void *userdata);

/* Whether entries were left out for want of room. */
bool fdb_monitor_is_full(const struct fdb_monitor *monitor);

/* The parser, for its tests. */
enum nl_mirror_news fdb_parse(struct nlmsghdr *message, const struct nl_mirror_scope *bridges,
			      void *ret);
