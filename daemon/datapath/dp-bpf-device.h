/* A team's device, the hidden one behind it, and where the program that sends sits at them. For the
 * worker. */
#pragma once

#include "daemon/datapath/dp-bpf-internal.h"

/* What is found or made for a team. */
struct dp_device {
	const struct dp_device_kind *kind;
	struct rtnl_device own;
	struct rtnl_device peer;
	bool made; /* Just now. */
};

/* NULL where a device of that kind cannot be a team's. */
const struct dp_device_kind *dp_device_kind(const char *name);

/* -EEXIST if a device of the team's name is there that is not ours. With any other error ret->made
 * still says whether there is something to undo. */
int dp_device_find_or_make(struct dp_team *team, struct dp_device *ret, struct err *e);

/* Gives the hidden device its name. */
int dp_device_prepare(const struct dp_team *team, const struct dp_device *device, struct err *e);

/* Once all is in its place: from now on the device is ours. */
int dp_device_finish(const struct dp_team *team, const struct dp_device *device, struct err *e);

/* Attaches the program that sends, by what the programs' map says of the team, or puts it in the
 * place of the one that is there. */
int dp_device_attach(struct dp_team *team, struct err *e);

/* Takes the program off a device that is not ours to delete. */
int dp_device_let_go(struct dp_team *team, struct err *e);

/* Has frames leave directly, if that is wished and the team has its carrier; else by the hidden
 * device. While the carrier is dropped nothing shall leave, which the hidden device sees to. */
int dp_device_set_direct(struct dp_team *team, struct err *e);
