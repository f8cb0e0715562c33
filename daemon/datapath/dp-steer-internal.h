/* What the files of the steered team datapath share. All of it is the main thread's. */
#pragma once

#include "daemon/datapath/datapath.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

struct steer {
	struct datapath base;
	struct datapath *driver;
	struct datapath *programs; /* NULL: they cannot be had, … */
	char why[512];             /* … for this reason. */
};

struct errand;

LIST_HEAD(errand_list, errand);

struct steered {
	struct datapath_team base;
	struct steer *steer;
	struct datapath_team *driver;
	struct datapath_team *programs; /* NULL: the team has no rules, or they are on their way. */
	struct datapath_team_spec spec;
	/* What the programs have to know when they come later. */
	struct datapath_member_spec members[PLACEMENT_MEMBERS]; /* ifindex 0: none. */
	member_set may_send;
	member_set may_receive;
	member_set carrier;
	struct placement_plan plan;
	uint32_t weights[PLACEMENT_MEMBERS];
	struct errand_list errands;
};

/* An operation of several steps. It ends with its team, if that is released before. */
struct errand {
	LIST_ENTRY(errand) entry;
	struct steered *team;
	datapath_done *done; /* May be NULL. */
	datapath_opened *opened;
	void *userdata;
	/* Of the single operations. */
	struct datapath_team_spec spec;
	struct datapath_team_info info;
	struct datapath_member_spec member;
	unsigned slot;
};

extern const struct datapath_ops steer_ops;

/* dp-steer-team.c */
void steer_team_open(struct datapath *datapath, const struct datapath_team_spec *spec,
		     datapath_opened *opened, void *userdata);
void steer_team_configure(struct datapath_team *base, const struct datapath_team_spec *spec,
			  datapath_done *done, void *userdata);

/* NULL without memory; then 'done' has been told. */
struct errand *errand_new(struct steered *team, datapath_done *done, void *userdata);

/* Tells its end; it is gone then. */
void errand_end(struct errand *errand, int r, const struct err *e);

/* With all its errands, of which nothing is told. */
void steered_free(struct steered *team);

/* Who decides on the frames. */
static inline struct datapath_team *steered_worker(const struct steered *team)
{
	return team->programs ? team->programs : team->driver;
}

static inline void steered_forbid(struct steered *team, unsigned slot)
{
	member_set others = ~((member_set)1 << slot);

	team->may_send &= others;
	team->may_receive &= others;
	team->carrier &= others;
}
