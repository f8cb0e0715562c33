/* One team: feeds the pure core with what happens and carries out what it decides, on a datapath.
 */
#pragma once

#include "daemon/config/config.h"
#include "daemon/core/lacp/lacp.h"
#include "daemon/core/placement.h"
#include "daemon/datapath/datapath.h"
#include "lib/base/nsec.h"

struct host;
struct team;

enum team_state {
	TEAM_UP,       /* Every member that should carry traffic does. */
	TEAM_DEGRADED, /* Some do not. */
	TEAM_DOWN,
};

enum team_member_state {
	TEAM_MEMBER_ACTIVE,
	TEAM_MEMBER_STANDBY,
	TEAM_MEMBER_DOWN,     /* No carrier, or no such device. */
	TEAM_MEMBER_FAILED,   /* Carrier, but it may not carry: 'reason' tells. */
	TEAM_MEMBER_DISABLED, /* By the administrator; also drained. */
};

const char *team_state_name(enum team_state state);
const char *team_member_state_name(enum team_member_state state);

struct team_view {
	const struct config_team *config;
	const char *datapath; /* "bpf", "team"; "none" */
	const char *datapath_why;
	const char
		*device; /* What its device is for the kernel: "netkit", "veth", "team"; or "". */
	int ifindex;     /* 0 while there is no device. */
	enum team_state state;
	const char *explanation; /* Why it is not up; "" if it is. */
	struct mac mac;
	uint32_t mtu;
	uint64_t speed_mbps;      /* Of the members that carry. */
	bool adopted;             /* The device was there when the daemon started. */
	const char *primary;      /* A member's name in mode "switch-independent", or NULL. */
	uint64_t moved_in_order;  /* Buckets moved after a Marker was answered, */
	uint64_t moved_unproven;  /* … or after its timeout. */
	struct lacp_info partner; /* Of the Aggregator; zero while there is none. */
};

struct team_member_view {
	const struct config_member *config;
	unsigned slot;
	int ifindex; /* 0: no such device now. */
	enum team_member_state state;
	const char *reason; /* "ok", "no-carrier", "partner-silent", …: lower-case words. */
	char explanation[LACP_EXPLANATION_SIZE];
	bool carrier;
	uint32_t speed_mbps;
	unsigned buckets; /* That it carries now. */
	bool primary;     /* Of a switch-independent team. */
	bool drained;
	struct datapath_member_counters counters; /* 0 where they cannot be had. */
	uint64_t lacpdus_limited; /* Slow-protocol frames dropped by the flood limit. */
	bool has_lacp;
	struct lacp_port_view lacp;
};

#define TEAM_STATION_VLANS 16

/* An address behind the team device, e.g. a virtual machine's. */
struct team_station_view {
	struct mac mac;
	unsigned n_vlans; /* In which it was seen; 0: untagged. */
	uint16_t vlans[TEAM_STATION_VLANS];
	uint8_t slot;     /* The member that it is on; PLACEMENT_NONE: none works. */
	uint8_t home;     /* The one that it is at home on, likewise; PLACEMENT_NONE where all are
			   * with the primary. */
	int port_ifindex; /* The local port behind which it is; 0: not known. */
	nsec_t age;       /* Since it was heard of last. */
};

const char *team_name(const struct team *team);
const struct config_team *team_config(const struct team *team); /* What runs. */
unsigned team_n_members(const struct team *team);
unsigned team_member_slot(const struct team *team, unsigned index);
void team_get_view(struct team *team, struct team_view *view);
void team_get_member_view(struct team *team, unsigned index, struct team_member_view *view);

/* The index (for the functions here) of the member of that name, or -1. */
int team_find_member(const struct team *team, const char *name);

/* Copies transitions of a member's port, see lacp_port_trace(). */
size_t team_member_trace(const struct team *team, unsigned index, uint64_t after,
			 struct lacp_trace_entry *entries, size_t n);

/* Switches the drain of a member: it sends nothing more, but still receives, and its LACP stays up.
 * Survives a restart of the daemon. Refused (-EBUSY) for the last member that carries, without
 * 'force'. */
int team_drain(struct team *team, unsigned index, bool drain, bool force, struct err *e);

/* Which address is on which member: fills up to 'n', returns how many. None in teams whose balance
 * has no use for them. There are at most STATIONS_MAX. */
size_t team_stations_view(const struct team *team, struct team_station_view *views, size_t n);

/* How often an address had no place among them, and so goes by its hash. */
uint64_t team_stations_refused(const struct team *team);
