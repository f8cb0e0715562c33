/* What outlives a kill of the daemon within one boot: the members' LACP sessions and what was done
 * at run time. A file mapped into memory: saving is a copy, no system call, and the page cache
 * keeps it when the process dies. Each record is there twice and written in turn, so that a kill in
 * the middle of a copy costs that one copy. */
#pragma once

#include "daemon/core/lacp/lacp.h"
#include "lib/base/err.h"
#include "lib/wire/ether.h"

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

struct session_data {
	char team[IFNAMSIZ];
	char member[IFNAMSIZ]; /* "" for the record of the team itself. */
	int ifindex;
	struct mac mac;
	uint32_t carrier_up_count;
	uint32_t carrier_down_count;
	uint32_t speed_mbps;
	bool saved; /* False in a record that was only made. */
	bool has_lacp;
	bool drained;
	bool deleted;         /* Of a team: by an administrator, until … */
	uint64_t fingerprint; /* … its configuration is another one. */
	struct lacp_session lacp;
};

struct session_store;
struct session;

/* Opens or makes the file. What another boot or another network namespace left in it is forgotten.
 */
int session_store_open(const char *path, const char *boot_id, uint64_t netns,
		       struct session_store **ret, struct err *e);
void session_store_close(struct session_store *store);

/* The record of a team's member ("" for the team's own), made if there is none; NULL if the file is
 * full. */
struct session *session_store_find(struct session_store *store, const char *team,
				   const char *member);

/* The record of the team's member that was the device 'ifindex', or NULL. */
struct session *session_store_find_device(struct session_store *store, const char *team,
					  int ifindex);

/* False if nothing was saved yet. */
bool session_load(const struct session *session, struct session_data *data);
void session_save(struct session *session, const struct session_data *data);
void session_forget(struct session *session);
