/* Whose a device is. */
#pragma once

#include "daemon/kernel/rtnl.h"

/* A device that we made has it and the team's name as its alias. */
#define CLAIM_ALIAS_PREFIX "yoke:"

/* Who is a member of a team already. */
struct claim_members {
	bool (*has)(void *userdata, const struct rtnl_device *device);
	void *userdata;
};

/* Whether the device may become a member of a team, as far as the kernel knows it: -EINVAL if it
 * never could, or -EBUSY with a sentence that names who has it. */
int claim_check_device(struct rtnl *rtnl, const struct rtnl_device *device,
		       const struct claim_members *members, struct err *e);

/* Says in the log that an address on the device cannot be reached while it is a member. */
void claim_warn_of_address(struct rtnl *rtnl, const char *team, const struct rtnl_device *device);
