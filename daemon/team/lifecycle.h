/* What the host does with a team. */
#pragma once

#include "daemon/host/world.h"
#include "daemon/team/team.h"
#include "lib/base/nsec.h"

struct identity;
struct session_store;

/* What a team works on. */
struct team_datapath {
	struct datapath *datapath; /* NULL: there is none for it, 'why' tells. */
	char why[256];             /* A sentence. */
};

struct team_surroundings {
	struct host *host;
	struct world *world;
	struct team_datapath datapath;
	struct identity *identity;
	struct session_store *sessions;
};

/* Starts to make or adopt the team. NULL without memory. */
struct team *team_new(const struct config_team *config,
		      const struct team_surroundings *surroundings);

/* Forgets the team; the kernel's part goes on. (libteam has a team_free().) */
void team_forget(struct team *team);

/* Called once, when what was begun is done or (then everything is as it was before) has failed. */
typedef void team_changed(void *userdata, int r, const struct err *e);

struct team_setting {
	const struct config_team *config; /* Of the same name. */
	bool force;                       /* Also if nothing carries then. */
	team_changed *changed;            /* Called later, from team_change_tick(). */
	void *userdata;
};

/* Has a running team take over another configuration, in place: what does not change goes on as it
 * is. -EBUSY, -EOPNOTSUPP or -ENOMEM with 'e', and nothing was begun. */
int team_set(struct team *team, const struct team_setting *setting, struct err *e);

/* Waits for a team that was just made; if 'changed' then says that it failed, it is to be deleted.
 * -ENOMEM. */
int team_await(struct team *team, const struct team_setting *setting, struct err *e);

/* Ends a change whose time has come; 'changed' may free the team. */
void team_change_tick(struct team *team);

/* -EBUSY with 'e' while its device is being made, or it is being deleted already. */
int team_may_be_deleted(const struct team *team, struct err *e);

/* Leave PDUs, then the device. Only when team_may_be_deleted(). 'deleted' is called once; if it
 * says 0 the team has to be freed. */
void team_delete(struct team *team, void (*deleted)(void *userdata, int r, const struct err *e),
		 void *userdata);

void team_link_changed(struct team *team, const struct link *link, const struct link *before);
bool team_slow_frame(struct team *team, int ifindex, const struct mac *source, struct span payload);
bool team_foreign_frame(struct team *team, int ifindex, bool illegal);
/* Has the members asked for their links in the rhythm that is needed now. */
void team_watch_carrying(struct team *team);
bool team_carrier_lost(struct team *team, int ifindex);
bool team_carrier_answer(struct team *team, int ifindex, bool up);

/* What others did to the datapath's hold on the member (or, with the ifindex of the team's own
 * device, on the team): 'sentence' says it. Hindered: what keeps it from working from now on, or
 * "". */
bool team_disturbed(struct team *team, int ifindex, const char *sentence);
bool team_hindered(struct team *team, int ifindex, const char *sentence);

/* A bridge's forwarding database has changed. */
void team_neighbour_changed(struct team *team, const struct host_neighbour *neighbour);

/* A frame that may answer a probe came in on the device; 'frame' begins with its destination, a tag
 * is in it. Returns whether the device is a member of the team. */
bool team_probe_frame(struct team *team, int ifindex, struct span frame);

/* How many frames the device has received with an error; returns whether it is a member. */
bool team_member_errors(struct team *team, int ifindex, uint64_t errors);

/* The datapath has news of a station; returns whether 'ifindex' is the team's device. */
bool team_station_news(struct team *team, int ifindex, const struct datapath_station_news *news);
void team_tick(struct team *team, nsec_t now);
nsec_t team_deadline(const struct team *team);

/* Whether it is as good as it will get soon: for the readiness of the daemon. */
bool team_settled(struct team *team);
