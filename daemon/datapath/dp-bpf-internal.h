/* What the files of the bpf datapath share.
 *
 * Two threads: the main thread calls the operations and is told their ends; the worker does what
 * may wait. Each field below says whose it is. What both need at once are the words, which are
 * changed by atomic operations only. */
#pragma once

#include "bpf/abi.h"
#include "daemon/datapath/dp-bpf-watch.h"
#include "daemon/datapath/dp-bpf.h"
#include "daemon/kernel/bpf-pin.h"
#include "daemon/kernel/rtnl.h"

#include <pthread.h>

struct datapath_bpf;

#define DP_BPF_ALIAS_PREFIX "yoke:"
#define DP_BPF_PEER_PREFIX "yk"
#define DP_NEWS_MAX 6

struct dp_maps {
	int abi;
	int teams;
	int members;
	int words;
	int plans;
	int counters;
	int stations;
	int station_news;
	int flowlets;
	int loads;
};

/* Plain, and of teams with rules. */
enum dp_program_id {
	DP_PROGRAM_RX,
	DP_PROGRAM_TX,
	DP_PROGRAM_RX_FULL,
	DP_PROGRAM_TX_FULL,
	DP_PROGRAMS,
};

struct dp_bpf;
struct dp_device_kind;

typedef void dp_news_handler(struct dp_bpf *dp);

enum dp_sense_state {
	DP_SENSE_UNTRIED,
	DP_SENSE_TRYING,
	DP_SENSE_REFUSED, /* Or there is no memory for the attempt: members are polled. */
	DP_SENSE_AT_WORK,
};

/* The carrier sense inside the kernel. */
struct dp_sense {
	/* Main thread. */
	enum dp_sense_state state;
	char why[512];              /* A sentence. */
	nsec_t try_at;              /* 0: no turn of the main loop was yet. */
	struct ring_buffer *reader; /* Of 'losses'. */
	int losses;                 /* The map, also the former daemon's programs'; set once. */
	/* Worker. */
	struct carrier_sense_bpf *skeleton; /* NULL: not loaded. */
	bool continued;                  /* The former daemon's programs are at work; set once. */
	uint64_t kernel_knew[ABI_TEAMS]; /* The words of that name, as they were told of last. */
};

/* What the main thread takes for the carrier of a team's members; bits of slots. */
struct dp_belief {
	__u64 up;
	__u64 doubted; /* The word said otherwise when it was last compared. */
};

struct dp_bpf {
	struct datapath base;
	struct worker *worker;
	struct datapath_listener listener;
	int news; /* Of epoll: all that dispatch() reads. */
	unsigned n_news;
	dp_news_handler *news_handlers[DP_NEWS_MAX];
	/* Main thread. */
	unsigned refs; /* The owner's, one of each team and of each job. */
	bool freed;
	struct abi_counters *of_processors; /* Room to read one team's counters into. */
	struct dp_belief beliefs[ABI_TEAMS];
	nsec_t compared_at; /* When beliefs and words were compared last. */
	struct dp_sense sense;
	struct ring_buffer *station_reader;
	int team_devices[ABI_TEAMS]; /* Their ifindexes; 0: no handle. */
	/* Set once. */
	struct datapath_bpf *skeleton;
	struct dp_maps maps;
	int programs[DP_PROGRAMS];
	bool netkit; /* The kernel has it: new teams get it. Worker, after the start. */
	unsigned n_processors;
	struct abi_words *words; /* Of all teams, shared with the programs. */
	struct abi_loads *loads; /* Likewise. */
	pthread_mutex_t entries; /* Held by who changes an entry of map 'teams'; never for long. */
	/* Worker. */
	struct rtnl *rtnl;
	struct bpf_pins pins;
	bool pinned;
	struct bpf_attacher attacher;
	struct dp_watch watch;  /* Its fields say whose they are. */
	bool in_use[ABI_TEAMS]; /* Has a handle; both threads, atomic. */
};

struct dp_team {
	struct datapath_team base;
	struct dp_bpf *dp;
	/* Main thread. */
	unsigned refs; /* The owner's and one of each job. */
	bool released;
	bool steers;              /* The device is the kernel's team driver's; never changes. */
	int members[ABI_MEMBERS]; /* As it will be when all operations are through; 0: none. */
	unsigned changes[ABI_MEMBERS]; /* Of members[]: an end that is outdated changes nothing. */
	struct abi_member_counters counted_before[ABI_MEMBERS];
	/* Set by the worker before the main thread has the handle. */
	unsigned index;
	int ifindex;
	int peer;
	const struct dp_device_kind *kind;
	/* Worker: the hidden device is up; and frames leave by the program at the team's egress. */
	bool up;
	bool is_direct;
	/* Worker, but for the name, which never changes. */
	struct datapath_team_spec spec;
};

/* One operation on its way. */
struct dp_job {
	struct dp_bpf *dp;
	struct dp_team *team;
	int (*run)(struct dp_job *job, struct err *e); /* Worker. */
	/* Main thread; takes over what 'run' brought before the caller is told. May be NULL. */
	void (*finish)(struct dp_job *job);
	int r;
	struct err e;
	datapath_done *done; /* May be NULL: then failures are logged. */
	datapath_opened *opened;
	void *userdata;
	/* Of the single operations. */
	struct datapath_team_spec spec;
	struct datapath_team_info info;
	struct abi_member_counters counted_before[ABI_MEMBERS];
	struct datapath_member_spec member;
	unsigned slot;
	unsigned change;
	bool fresh; /* The slot was empty. */
	bool up;
};

/* dp-bpf-load.c */
int dp_load(struct dp_bpf *dp, struct err *e);

/* Which program a team with these rules (ABI_RULE_…) has. */
enum dp_program_id dp_program_of(uint32_t rules, bool sends);
void dp_unload(struct dp_bpf *dp);

/* Worker: the program that sends or receives once more, loaded when it is asked for first: the
 * kernel refuses to have one program twice in a place. */
int dp_copy_program(struct dp_bpf *dp, enum dp_program_id id, int *copy, struct err *e);

/* Worker: pins the maps, or removes the pins. */
int dp_pin(struct dp_bpf *dp, struct err *e);
void dp_unpin(struct dp_bpf *dp);

/* dp-bpf-news.c, main thread: 'handler' is called by dispatch() when 'fd' is readable. The
 * descriptor stays the caller's, who may close it at any time. */
int dp_news_open(struct dp_bpf *dp, struct err *e);
void dp_news_close(struct dp_bpf *dp);
int dp_news_add(struct dp_bpf *dp, int fd, dp_news_handler *handler, struct err *e);
void dp_news_dispatch(struct dp_bpf *dp);

/* dp-bpf-sense.c, main thread: hears what the programs of a former daemon tell, until ours are at
 * work or refused. */
void dp_sense_open(struct dp_bpf *dp);
void dp_sense_close(struct dp_bpf *dp);

/* Has the worker load and attach the programs once the start is over, in which LACP comes first.
 * Returns when to be called again. */
nsec_t dp_sense_turn(struct dp_bpf *dp, nsec_t now);
bool dp_sense_at_work(const struct dp_bpf *dp, const char **ret_why);

/* Worker: pins what is loaded, in the place of a former daemon's; removes the pins. */
int dp_sense_pin(struct dp_bpf *dp, struct err *e);
void dp_sense_unpin(struct dp_bpf *dp);

/* dp-bpf-carrier.c, main thread: the carrier bit as the daemon takes it. A bit that the kernel's
 * program has cleared is not set again by news that are older. */
void dp_carrier_set(struct dp_team *team, unsigned slot, bool up);
void dp_carrier_forget(struct dp_team *team, unsigned slot);
void dp_carrier_adopt(struct dp_team *team);

/* Tells the programs that a daemon lives, or lives no more. */
void dp_carrier_heartbeat(struct dp_bpf *dp, nsec_t now);
void dp_carrier_last_word(struct dp_team *team);

/* Any thread: forgets what the programs know of the slot, or of all slots. */
void dp_carrier_reset(struct abi_words *words, __u64 slots);

/* dp-bpf-rules.c, worker: what of 'spec' the programs go by: hash, rules and the team's address.
 * Programs are replaced in place where others are needed. */
int dp_rules_set(struct dp_team *team, const struct datapath_team_spec *spec, struct err *e);
uint32_t dp_rules_of(const struct dp_team *team);

/* Any thread: the own address of the member in the slot; NULL: there is no member. */
int dp_rules_member(struct dp_team *team, unsigned slot, const struct mac *mac, struct err *e);

/* dp-bpf-own.c, any thread: enters the team's and its members' own addresses of 'entry' as
 * stations, if it is independent, and takes out those of 'before' (or NULL) that are none any more.
 */
int dp_own_addresses(const struct dp_bpf *dp, const struct abi_team *before,
		     const struct abi_team *entry, struct err *e);

/* dp-bpf-stations.c, main thread. */
int dp_stations_open(struct dp_bpf *dp, struct err *e);
void dp_stations_close(struct dp_bpf *dp);
int dp_station_put(struct dp_team *team, const struct datapath_station *station, struct err *e);
void dp_station_forget(struct dp_team *team, const struct mac *mac);
void dp_station_announced(struct dp_team *team, const struct mac *mac);
void dp_station_homes(struct dp_team *team, unsigned room,
		      const uint8_t slots[static PLACEMENT_MEMBERS]);
void dp_stations_list(struct dp_team *team,
		      void (*each)(void *userdata, const struct datapath_station_state *state),
		      void *userdata);
void dp_weights_set(struct dp_team *team, const uint32_t weights[static PLACEMENT_MEMBERS]);

/* Worker: all of one team, its own addresses, too. */
void dp_stations_forget_all(const struct dp_bpf *dp, unsigned index);

/* dp-bpf-job.c, main thread. NULL without memory. */
struct dp_job *dp_job_new(struct dp_bpf *dp, struct dp_team *team,
			  int (*run)(struct dp_job *job, struct err *e));

/* Hands the job over; it is gone then. */
void dp_job_submit(struct dp_job *job);
void dp_team_unref(struct dp_team *team);
void dp_unref(struct dp_bpf *dp);

/* dp-bpf-maps.c */
struct dp_team_entry {
	uint32_t peer;
	struct abi_team team;
};

struct dp_member_entry {
	uint32_t ifindex;
	struct abi_member member;
};

/* All teams; returns how many, at most ABI_TEAMS. */
unsigned dp_maps_teams(const struct dp_bpf *dp, struct dp_team_entry entries[static ABI_TEAMS]);
bool dp_maps_get_team(const struct dp_bpf *dp, int peer, struct abi_team *ret);
/* Changes the copy for direct transmission, too, if there is one. */
int dp_maps_put_team(const struct dp_bpf *dp, int peer, const struct abi_team *team, struct err *e);

/* Makes that copy, or puts it right. */
int dp_maps_put_direct(const struct dp_bpf *dp, int ifindex, const struct abi_team *team,
		       struct err *e);

/* Takes a free index, and sets what belongs to it back to nothing. */
int dp_maps_take_index(const struct dp_bpf *dp, unsigned *ret, struct err *e);
void dp_maps_forget_team(const struct dp_bpf *dp, uint32_t peer, unsigned index);

/* The members of one team; returns how many. */
unsigned dp_maps_members(const struct dp_bpf *dp, unsigned index,
			 struct dp_member_entry entries[static ABI_MEMBERS]);
bool dp_maps_get_member(const struct dp_bpf *dp, int ifindex, struct abi_member *ret);
int dp_maps_put_member(const struct dp_bpf *dp, const struct dp_member_entry *entry, struct err *e);

/* Makes the team's map of flowlets, if there is none; removes it. */
int dp_maps_make_flowlets(const struct dp_bpf *dp, unsigned index, struct err *e);
void dp_maps_remove_flowlets(const struct dp_bpf *dp, unsigned index);

void dp_maps_forget_member(const struct dp_bpf *dp, uint32_t ifindex);

int dp_maps_put_plan(const struct dp_bpf *dp, unsigned index, const struct placement_plan *plan,
		     struct err *e);
int dp_maps_get_plan(const struct dp_bpf *dp, unsigned index, struct placement_plan *ret,
		     struct err *e);

/* Adds up what the processors counted. 'room' is for dp->n_processors. */
int dp_maps_counters(const struct dp_bpf *dp, unsigned index, struct abi_counters *room,
		     struct abi_counters *ret, struct err *e);

/* dp-bpf-adopt.c, worker */
/* Whether a device is the team's, made by us; 'peer' is its other end. */
bool dp_is_team_device(const char *name, const struct rtnl_device *device,
		       const struct rtnl_device *peer);

/* Takes over the members that a former daemon left, and says in 'job' what was found. */
int dp_adopt(struct dp_job *job, struct err *e);

/* Clears away what is left of teams whose devices are gone. */
void dp_purge(struct dp_bpf *dp);

/* dp-bpf-device.c, any thread: as the kernel has it, see datapath_ops.device_kind(). */
const char *dp_device_kind_name(const struct dp_device_kind *kind);

/* dp-bpf-team.c, worker */
int dp_open_run(struct dp_job *job, struct err *e);
int dp_configure_run(struct dp_job *job, struct err *e);
int dp_delete_run(struct dp_job *job, struct err *e);
int dp_carrier_run(struct dp_job *job, struct err *e);

/* dp-bpf-member.c, worker */
int dp_member_add_run(struct dp_job *job, struct err *e);
int dp_member_remove_run(struct dp_job *job, struct err *e);

/* Sets the device back to how it was found, and forgets it. */
int dp_member_set_free(struct dp_bpf *dp, const struct dp_member_entry *entry, struct err *e);

/* Whether the device with that ifindex is still the one of the entry. */
bool dp_member_is_there(struct dp_bpf *dp, const struct dp_member_entry *entry,
			struct rtnl_device *ret_device);

/* dp-bpf-claim.c, worker: whether the device may become a member of 'team'; -EBUSY with a sentence
 * that names who has it. */
int dp_claim_check(const struct dp_team *team, const struct rtnl_device *device, struct err *e);

static inline struct abi_words *dp_words(const struct dp_team *team)
{
	return &team->dp->words[team->index];
}
