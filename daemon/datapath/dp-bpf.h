/* The datapath made of our own eBPF programs, for kernels with or without the team driver. */
#pragma once

#include "daemon/datapath/datapath.h"
#include "daemon/kernel/worker.h"

struct dp_bpf_settings {
	const char *bpffs; /* Folder in a bpffs for our pins; made (0700) if its parent is one. */
	struct worker *worker;
	/* Even where the kernel has TCX, or netkit: for tests of the older ways. */
	bool clsact;
	bool veth;
	struct datapath_listener listener; /* Functions that are NULL are not called. */
};

/* Loads the programs, or takes over the maps that a former daemon of this network namespace pinned.
 * Called once at the start and may sleep. With -EPERM, -ENOSYS and the like 'e' says what is
 * missing; -EBUSY: another daemon of this namespace is alive; -EPROTONOSUPPORT: the pinned maps are
 * of another version, whose teams go on as they are. */
int dp_bpf_new(const struct dp_bpf_settings *settings, struct datapath **ret, struct err *e);

/* As ops->team_open() for a team whose device is there, of the kernel's team driver, which moves
 * the frames: our programs only say on which port each leaves and whether it comes in. Members have
 * their programs and are known to them; the devices themselves are left alone, and so is the team's
 * by team_delete(). The owner has to call member_add() before the device becomes a port, so that
 * its own address is still there. team_carrier() must not be called. */
void dp_bpf_steer(struct datapath *datapath, const struct datapath_team_spec *spec,
		  datapath_opened *told, void *userdata);
