/* The datapath's operations as the daemon calls them, each waited for. */
#pragma once

#include "daemon/datapath/dp-bpf.h"
#include "tests/net/datapath/lab.h"
#include "tests/net/datapath/traffic.h"

/* What the datapath told of its own accord. */
struct driver_news {
	unsigned n_disturbed;
	unsigned n_hindered; /* And not set free again. */
	int ifindex;         /* The last one's. */
	char sentence[512];
	unsigned n_lost;  /* Carriers that the kernel's programs saw lost, … */
	int lost_ifindex; /* … and the last one's member. */
};

struct driver {
	struct worker *worker;
	struct datapath *datapath;
	struct driver_news news;
};

#define DRIVER_TEAM "team0"

extern const struct datapath_team_spec driver_spec;

/* Programs are attached by TCX where the kernel has it, but with YOKE_ATTACH=clsact in the
 * environment, or by 'clsact'. Teams transmit directly with YOKE_TRANSMIT=direct. */
void driver_start(struct driver *driver);
void driver_start_by(struct driver *driver, bool clsact);
void driver_start_with(struct driver *driver, bool clsact, bool veth);
bool driver_uses_tcx(void);
bool driver_is_direct(void);
bool driver_has_tcx(void);

/* A turn of the main loop: takes in what the kernel told, and has the worker look. */
void driver_turn(struct driver *driver);

/* Turns until that many disturbances were told. */
void driver_await_disturbed(struct driver *driver, unsigned n);

/* Whether programs can be attached that way here. */
bool driver_can(bool clsact);

/* Frames from the partner's pm0 to the team, 10 000 a second, for a second. */
void driver_stream_in(struct lab *lab, struct traffic_stream *stream);

/* Whether a frame that is sent from there comes to the team. */
bool driver_hears(struct lab *lab);

/* That our program is at the device's ingress, in one way only, or that it is not. */
void driver_assert_attached(struct lab *lab, int ifindex);
void driver_assert_free(struct lab *lab, int ifindex);

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
void driver_leave_team_by(struct lab *lab, bool clsact);

/* That an operation went well, … */
void driver_must(int r, const struct err *e);

/* … or that it was refused by 'code', and its sentence holds 'word'. */
void driver_refused(int r, const struct err *e, int code, const char *word);

/* That a device is as it was before it became a member. */
void driver_assert_as_found(struct lab *lab, const struct rtnl_device *found);
