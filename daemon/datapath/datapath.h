/* What a team needs of the thing that moves its frames. The team calls this table and does not know
 * which datapath it has.
 *
 * Life of a team: ops->team_open() makes the team device, or adopts the one that is there with
 * everything in it; members are added and removed; ops->team_delete() takes the device away, or
 * ops->team_release() forgets it and leaves it carrying traffic, as a stop of the daemon does.
 * All functions are called by the main thread and none of them sleeps: what has to wait for the
 * kernel is done by the worker and ends in a completion, called by the main thread later (never
 * from inside the call, and exactly once). The operations of one team are carried out in the order
 * of the calls. All of them are idempotent: "make it so". */
#pragma once

#include "daemon/core/hash.h"
#include "daemon/core/placement.h"
#include "lib/base/err.h"
#include "lib/base/nsec.h"
#include "lib/wire/ether.h"

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

/* What the team's frames are placed by, beside buckets. All false: buckets only. */
struct datapath_rules {
	bool hash_inner;  /* The hash looks into VXLAN and GRE. */
	bool learn;       /* Source addresses on their way out become stations. */
	bool homes;       /* A frame goes by its source address's order … */
	bool flowlets;    /* … or, with this, by its flowlet. */
	bool independent; /* The switch knows of no team: see mode "switch-independent". */
	uint32_t flowlet_gap_us;
	bool direct; /* Transmit without the hop through the hidden device. */
};

/* Whether buckets are all. Direct transmission places nothing. */
static inline bool datapath_rules_are_plain(const struct datapath_rules *rules)
{
	return !rules->hash_inner && !rules->learn && !rules->homes && !rules->flowlets &&
	       !rules->independent;
}

/* An address behind the team device, see bpf/abi.h and core/stations.h. */
struct datapath_station {
	struct mac mac;
	uint8_t order[PLACEMENT_MEMBERS];
	uint8_t hold;
	uint8_t also;
};

/* How far a station is known to the datapath. */
struct datapath_station_state {
	struct datapath_station station;
	nsec_t seen; /* When it last sent, to a second or so; 0: never. */
	unsigned n_vlans;
	uint16_t vlans[4]; /* Where it was seen; 0: untagged. */
};

enum datapath_station_news_type {
	DATAPATH_STATION_LEARNED, /* It sent its first frame, or its first one in a VLAN. */
	DATAPATH_STATION_LEFT,    /* It announced itself from outside: it has moved away. */
	DATAPATH_STATION_FULL,    /* No room is left; its bucket carries it. */
};

struct datapath_station_news {
	enum datapath_station_news_type type;
	struct mac mac;
	uint16_t vlan; /* 0: untagged */
	uint8_t slot;  /* Its home (learned), or where it came in (left); PLACEMENT_NONE: none. */
};

struct datapath_team_spec {
	char name[IFNAMSIZ];
	struct mac mac;
	uint32_t mtu; /* 68 to 65535 */
	enum hash_fields hash;
	/* While no daemon lives, a member whose link comes back may carry again by the kernel's own
	 * decision: not in LACP, where partner and daemon decide. */
	bool carrier_returns;
	struct datapath_rules rules;
};

struct datapath_member_spec {
	char name[IFNAMSIZ];
	int ifindex;
};

struct datapath_member_counters {
	uint64_t rx_packets;
	uint64_t rx_bytes;
	uint64_t tx_packets;
	uint64_t tx_bytes;
	uint64_t rx_not_collecting; /* Frames dropped because the member may not receive, */
	uint64_t rx_reflected;      /* … because we had sent them ourselves, */
	uint64_t rx_copies;         /* … because another member takes them. */
};

struct datapath_team_counters {
	struct datapath_member_counters members[PLACEMENT_MEMBERS];
	uint64_t bucket_tx_packets[PLACEMENT_BUCKETS];
	bool buckets_counted;  /* Else bucket_tx_packets[] mean nothing. */
	uint64_t tx_no_member; /* Frames dropped because no member was fit. */
};

/* 'e' is NULL when 'r' is 0. */
typedef void datapath_done(void *userdata, int r, const struct err *e);

struct datapath;
struct datapath_team;

/* What team_open() found and made. */
struct datapath_team_info {
	int ifindex;
	bool adopted;       /* The device was there, made by us before. */
	member_set members; /* Adopted: slots that have a member, with … */
	int member_ifindexes[PLACEMENT_MEMBERS];
	member_set may_send; /* … what the main thread's word said last, */
	member_set may_receive;
	member_set fit;             /* … what the kernel's program takes for fit right now … */
	struct placement_plan plan; /* … and the plan that it carries out. */
	bool carrier;
};

typedef void datapath_opened(void *userdata, int r, const struct err *e, struct datapath_team *team,
			     const struct datapath_team_info *info);

/* What a datapath tells of its own accord, from inside dispatch(). */
struct datapath_listener {
	/* The kernel's part of the datapath has taken the member for lost. */
	void (*carrier_lost)(void *userdata, int ifindex);
	/* Somebody else stands in a member's way, or no more; 'sentence' says what was done. */
	void (*member_disturbed)(void *userdata, int ifindex, const char *sentence);
	/* What keeps the member from working from now on, or "": nothing any more. Both come also
	 * with the number of a team's own device, if it is the team as a whole; and both by the
	 * worker's completions, too. */
	void (*member_hindered)(void *userdata, int ifindex, const char *sentence);
	/* What senses_carrier() says may have changed. */
	void (*carrier_sensed)(void *userdata);
	/* News of the team whose device has that ifindex. */
	void (*station_news)(void *userdata, int ifindex, const struct datapath_station_news *news);
	void *userdata;
};

struct datapath_ops {
	const char *name; /* As in the configuration: "bpf", "team". */

	/* Whether the datapath can do what the rules ask for; *ret_why: what it cannot, as the rest
	 * of a sentence. NULL: it can do nothing but buckets. */
	bool (*can)(const struct datapath_rules *rules, const char **ret_why);

	/* The kernel shows slow-protocol frames of members only to sockets that are bound to them.
	 */
	bool slow_frames_at_member;

	/* Becomes readable when the kernel has news for the datapath; then dispatch() is to be
	 * called, which does not sleep. -1: never. */
	int (*fd)(struct datapath *datapath);
	void (*dispatch)(struct datapath *datapath);

	/* To be called in each turn of the main loop: the kernel's part of the datapath does more
	 * by itself while no daemon lives. Returns by when it has to be called again, NSEC_NEVER if
	 * that does not matter. NULL: not needed. 'now' is CLOCK_BOOTTIME's. */
	nsec_t (*heartbeat)(struct datapath *datapath, nsec_t now);

	/* Whether the kernel's part takes a member that lost its link out of use by itself.
	 * *ret_why: a sentence, valid until the datapath is freed or this is called again. NULL:
	 * no. */
	bool (*carrier_sense)(struct datapath *datapath, const char **ret_why);

	/* Gives back what the process holds; leaves the kernel as it is. No completion is called
	 * any more. The worker may go before or after. */
	void (*free)(struct datapath *datapath);

	/* Makes or adopts. -EEXIST if a device of that name is there that is not ours. */
	void (*team_open)(struct datapath *datapath, const struct datapath_team_spec *spec,
			  datapath_opened *opened, void *userdata);

	/* Changes what of 'spec' differs, in place; the name may not change. */
	void (*team_configure)(struct datapath_team *team, const struct datapath_team_spec *spec,
			       datapath_done *done, void *userdata);

	/* Deletes the device and sets the members free. The handle is gone when 'done' is called.
	 */
	void (*team_delete)(struct datapath_team *team, datapath_done *done, void *userdata);

	/* Forgets the handle; nothing in the kernel changes. Operations under way still come to
	 * their end, but their completions are not called any more. */
	void (*team_release)(struct datapath_team *team);

	/* The team device's carrier. */
	void (*team_carrier)(struct datapath_team *team, bool up);

	/* Puts the device 'spec' into 'slot': up, promiscuous, without addresses of its own,
	 * receiving into the team. It neither sends nor receives until told so. Fails with -EBUSY
	 * and a sentence when something else owns the device. */
	void (*member_add)(struct datapath_team *team, unsigned slot,
			   const struct datapath_member_spec *spec, datapath_done *done,
			   void *userdata);

	/* Takes the member out of the slot and sets back what was changed on it. A device that has
	 * vanished is no error. */
	void (*member_remove)(struct datapath_team *team, unsigned slot, datapath_done *done,
			      void *userdata);

	/* At once: the address that the member's device has now. NULL: not of interest. */
	void (*member_address)(struct datapath_team *team, unsigned slot, const struct mac *mac);

	/* At once: which members may send, which may receive (LACP, monitors, administrator). */
	void (*allow)(struct datapath_team *team, member_set may_send, member_set may_receive);

	/* At once: the carrier bit of a member, as the carrier sense or the link monitor sees it.
	 * The poller clears it by itself, see carrier_word(). */
	void (*carrier)(struct datapath_team *team, unsigned slot, bool up);

	/* Whether the kernel's part sees each loss of this member's link at once, so that the
	 * member need not be asked often. NULL: of none. */
	bool (*senses_carrier)(struct datapath_team *team, unsigned slot);

	/* The members that the kernel's program takes for fit right now. */
	member_set (*fit)(struct datapath_team *team);

	/* Where the carrier sense may clear 'slot's bit by __atomic_fetch_and(word, ~(1ull <<
	 * slot)); NULL where the datapath's kernel part does that itself. Valid until the team is
	 * gone. */
	uint64_t *(*carrier_word)(struct datapath_team *team);

	/* At once: where the buckets go. */
	int (*place)(struct datapath_team *team, const struct placement_plan *plan, struct err *e);

	/* At once: the members' shares, e.g. speeds in Mbit/s, which flowlets are spread by; 0: no
	 * member. NULL: not of interest. */
	void (*weights)(struct datapath_team *team,
			const uint32_t weights[static PLACEMENT_MEMBERS]);

	/* The next five are NULL where the datapath knows nothing of stations; then 'rules' must
	 * have neither 'learn' nor 'homes'. */

	/* At once: enters or changes a station; what the programs know of it stays. -ENOSPC if the
	 * host has too many, -EEXIST if the address is the team's or a member's own. */
	int (*station_put)(struct datapath_team *team, const struct datapath_station *station,
			   struct err *e);
	void (*station_forget)(struct datapath_team *team, const struct mac *mac);

	/* At once, and to be called before: an announcement of the address leaves by another way
	 * than the team device. What the switches send back of it within a second is not taken for
	 * its announcement from outside. station_put() of a station that moves does it, too. */
	void (*station_announced)(struct datapath_team *team, const struct mac *mac);

	/* At once: how many stations the programs may enter of their own accord from now on, and
	 * the slots that these get one after the other, from the first on. */
	void (*station_homes)(struct datapath_team *team, unsigned room,
			      const uint8_t slots[static PLACEMENT_MEMBERS]);

	/* Calls 'each' for every station of the team that sends (not for members and the team
	 * itself). Takes up to some milliseconds with thousands of them. */
	void (*stations)(struct datapath_team *team,
			 void (*each)(void *userdata, const struct datapath_station_state *state),
			 void *userdata);

	/* What the team's device is for the kernel: "netkit", "veth". NULL: the datapath's own kind
	 * is the only one. */
	const char *(*device_kind)(struct datapath_team *team);

	/* At once. */
	int (*counters)(struct datapath_team *team, struct datapath_team_counters *counters,
			struct err *e);
};

/* Embedded first in each implementation. */
struct datapath {
	const struct datapath_ops *ops;
};

struct datapath_team {
	const struct datapath_ops *ops;
};
