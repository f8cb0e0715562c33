/* What decides on a device beside its owner: its kind, and what hardware it is a part of. */
#pragma once

#include "daemon/kernel/rtnl.h"

#include <limits.h>

#define CLAIM_SYSFS "/sys/class/net"

struct claim_facts {
	bool wireless;
	char hardware[PATH_MAX]; /* The folder of the adapter, "" if it has none; … */
	char parent[PATH_MAX];   /* … of a virtual function: that of its physical function. */
};

/* By the files below 'root'. What another network namespace's device of the same name has there is
 * not taken for its own: then, and where there is nothing, no fact is known. */
void claim_facts_read(const char *root, const char *name, int ifindex, struct claim_facts *ret);

/* Whether it could share hardware with another device. */
bool claim_has_parts(const struct claim_facts *facts);

/* Whether it can be a member beside the member 'name': -EBUSY with a sentence if one of them is a
 * virtual function of the other. */
int claim_check_parts(const struct claim_facts *facts, const struct claim_facts *other,
		      const char *name, struct err *e);

/* -EINVAL or -EBUSY with a sentence for a device that never is one for a team. */
int claim_check_kind(const struct rtnl_device *device, struct err *e);
