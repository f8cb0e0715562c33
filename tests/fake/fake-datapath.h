/* A datapath without a kernel. What it makes stays in a struct fake_kernel when the handle goes, as
 * the real thing stays when the daemon is killed. Completions come when the test says so. */
#pragma once

#include "daemon/datapath/datapath.h"
#include "tests/fake/fake-stations.h"

#include <stdbool.h>

#define FAKE_TEAMS 4

struct fake_device {
	bool exists;
	bool foreign; /* Somebody else's device of this name. */
	struct datapath_team_spec spec;
	int ifindex;
	bool carrier;
	member_set members;
	int member_ifindexes[PLACEMENT_MEMBERS];
	member_set may_send;
	member_set may_receive;
	uint64_t carrier_word;
	struct placement_plan plan;
	member_set placed_with_carrier; /* Members that had carrier when it was written. */
	struct datapath_team_counters counters;
	struct fake_stations stations;
};

struct fake_kernel {
	struct fake_device devices[FAKE_TEAMS];
	int busy_ifindex;    /* member_add() of this device is refused. */
	uint32_t refuse_mtu; /* team_configure() with this is refused. */
	unsigned n_member_add;
	unsigned n_member_remove;
	member_set lost_send; /* Members that lost a bit of the words since the test cleared it. */
	member_set lost_receive;
	nsec_t now;       /* The world's. */
	unsigned n_unfit; /* How often a change of the words left no member that is fit. */
	unsigned n_allow; /* How often the words were changed, */
	unsigned n_place; /* and plans written. */
};

struct datapath *fake_datapath_new(struct fake_kernel *kernel);

/* Calls the completions that are due, also those that they bring about; returns how many. */
unsigned fake_datapath_run(struct datapath *datapath);

/* The members that may send and have carrier: what the kernel's program would use. */
member_set fake_device_fit(const struct fake_device *device);
struct fake_device *fake_device_by_name(struct fake_kernel *kernel, const char *name);
