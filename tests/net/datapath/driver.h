/* The datapath's operations as the daemon calls them, each waited for. */
#pragma once

#include "daemon/datapath/dp-bpf.h"
#include "tests/net/datapath/lab.h"

struct driver {
	struct worker *worker;
	struct datapath *datapath;
};

#define DRIVER_TEAM "team0"

extern const struct datapath_team_spec driver_spec;

void driver_start(struct driver *driver);

/* Forgets everything, the kernel goes on: like a stop of the daemon. */
void driver_stop(struct driver *driver, struct datapath_team *team);

/* Each returns what the completion said, and checks that it came once and not from inside. */
int driver_open(struct driver *driver, const struct datapath_team_spec *spec,
		struct datapath_team **ret, struct datapath_team_info *info, struct err *e);
int driver_configure(struct driver *driver, struct datapath_team *team,
		     const struct datapath_team_spec *spec, struct err *e);
int driver_add(struct driver *driver, struct datapath_team *team, unsigned slot,
	       const struct datapath_member_spec *spec, struct err *e);
int driver_remove(struct driver *driver, struct datapath_team *team, unsigned slot, struct err *e);
int driver_delete(struct driver *driver, struct datapath_team *team, struct err *e);

/* Until the worker has nothing to do. */
void driver_drain(struct driver *driver);

/* A team with its carrier up and members m0, m1, … on cables that are made, which may send and
 * receive, and with buckets spread over them. */
struct datapath_team *driver_team(struct driver *driver, struct lab *lab, unsigned n_members);

/* Spreads the buckets over the members in 'members'. */
void driver_place(struct datapath_team *team, member_set members);
struct datapath_team_counters driver_counters(struct datapath_team *team);

/* The sum over all members. */
uint64_t driver_sent(struct datapath_team *team);
uint64_t driver_received(struct datapath_team *team);

/* A cable, see lab_cable(), as member_add() wants it. */
struct datapath_member_spec driver_cable(struct lab *lab, const char *name, int ifindex);

/* Has a team with four members made by a process that is then killed. */
void driver_leave_team(struct lab *lab);

/* That an operation went well, … */
void driver_must(int r, const struct err *e);

/* … or that it was refused by 'code', and its sentence holds 'word'. */
void driver_refused(int r, const struct err *e, int code, const char *word);

/* That a device is as it was before it became a member. */
void driver_assert_as_found(struct lab *lab, const struct rtnl_device *found);
