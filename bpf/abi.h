/* What the datapath's programs and the daemon share: the layout of the maps and the marks by which
 * a later daemon knows what is ours. The maps outlive a daemon, so a change of any layout here is a
 * new ABI_VERSION. */
#pragma once

#include <linux/types.h>

#define ABI_VERSION 2

#define ABI_TEAMS 64
#define ABI_MEMBERS 32 /* Of one team. */
#define ABI_BUCKETS 256
#define ABI_NONE 0xff      /* No slot. */
#define ABI_HOMES 32       /* Slots given in advance to stations to come. */
#define ABI_STATIONS 4096  /* Of all teams. */
#define ABI_FLOWLETS 16384 /* Of one team, a power of two. */
#define ABI_STATION_VLANS 4
#define ABI_NO_VLAN 0xffff
#define ABI_NAME_SIZE 16
#define ABI_MAC_SIZE 6

/* Where our filters sit in clsact: the first priority there is, because a filter before ours that
 * accepts a frame would make the team deaf. */
#define ABI_FILTER_PRIORITY 1
#define ABI_FILTER_HANDLE 0x796f6b65 /* "yoke" */

/* In map 'abi', entry 0; written last when the maps are made. */
struct abi_version {
	__u32 version;
};

enum abi_hash {
	ABI_HASH_TRANSPORT_PORTS,
	ABI_HASH_IP_ADDRESSES,
	ABI_HASH_MAC_ADDRESSES,
};

/* What a team's programs do beside placing buckets; bits of abi_team.rules. A team without any (the
 * last does not count) has
 * the programs yoke_tx and yoke_rx, any other has yoke_tx_full and yoke_rx_full, so that what a
 * team does not use costs it nothing. */
#define ABI_RULE_INNER 0x1        /* The hash looks into VXLAN and GRE. */
#define ABI_RULE_LEARN 0x2        /* Source addresses on their way out become stations. */
#define ABI_RULE_HOMES 0x4        /* A frame goes by the order of its source address … */
#define ABI_RULE_FLOWLETS 0x8     /* … or, with this, by its flowlet. */
#define ABI_RULE_INDEPENDENT 0x10 /* The switch knows of no team. */
/* The kernel's team driver moves the frames, the programs say where: see dp-steer.h. With nothing
 * but this they leave it to the driver: not all that they need is in its place yet. */
#define ABI_RULE_STEERED 0x20
#define ABI_RULE_DIRECT 0x100 /* A second entry of a team, by its own device. */

/* In map 'teams', by the ifindex of the device at which the team's frames are seen on their way
 * out: the hidden peer; of the kernel's team driver the team's own, and with direct transmit there
 * is a copy by that, with ABI_RULE_DIRECT. */
struct abi_team {
	__u32 index; /* Of the team in the other maps. */
	__u32 hash;  /* enum abi_hash */
	__u32 rules; /* ABI_RULE_… */
	__u32 flowlet_gap_us;
	char name[ABI_NAME_SIZE];
	__u8 mac[8]; /* Of the team; the last two octets are 0, here and below. */
	__u8 member_macs[ABI_MEMBERS][8];
};

/* In map 'words', by team: shared by mmap, every field changed by atomic operations only and apart
 * from all others. */
struct abi_words {
	__u64 carrier;  /* Bits of slots: the link is there, … */
	__u64 may_send; /* … and the daemon lets it. */
	__u64 may_receive;
	__u64 plan; /* Which of the team's two plans is in force: its last bit. */
	__u32 ifindex[ABI_MEMBERS];
	/* Of the carrier sense inside the kernel; 0 in maps of a daemon that knew of none. */
	__u64 heartbeat;       /* When the daemon last lived (CLOCK_BOOTTIME); 0: there is none. */
	__u64 down;            /* Slots whose link the kernel lost and has not had back since. */
	__u64 waiting;         /* Slots whose link is back, and the daemon is to decide. */
	__u64 carrier_returns; /* 1: where no daemon lives, a link that is back carries again. */
	__u64 kernel_knows;    /* Slots whose driver knows no more of the link than the kernel. */
	/* Homes for stations that are not known yet. */
	__u64 station_room;   /* How many more the programs may enter; never below 0. */
	__u64 station_cursor; /* Which home is given next, modulo ABI_HOMES. */
	__u8 station_homes[ABI_HOMES];
	__u64 station_full_told; /* The heartbeat at which ABI_NEWS_FULL was told last. */
};

/* A heartbeat that is older than this (ns) is of a daemon that is dead or stands still. */
#define ABI_HEARTBEAT_STALE 3000000000ll

/* Of the ring buffer 'losses', in octets: all members of a host may lose their links at once. */
#define ABI_LOSSES_SIZE (64 << 10)

/* In the ring buffer, for the daemon. */
struct abi_loss {
	__u64 when; /* CLOCK_BOOTTIME, ns */
	__u32 ifindex;
	__u16 team;
	__u16 slot;
};

/* In map 'plans', two for each team: the one that is not in force is written, then they change
 * places, so that no frame ever meets half of a new plan. */
struct abi_plan {
	__u8 order[ABI_BUCKETS][ABI_MEMBERS]; /* Slots, best first, then ABI_NONE. */
	__u8 hold[ABI_BUCKETS];
	/* The primary of a switch-independent team: sends ARP, ND and what is not IP, receives
	 * broadcasts and what is for nobody known. */
	__u8 primary[ABI_MEMBERS];
	__u8 primary_hold;
	__u8 primary_also; /* Was it until a moment ago, and still receives what is for the team's
			      address; or ABI_NONE. */
	__u8 reserved[6];
};

enum abi_station_kind {
	ABI_STATION_LOCAL,  /* Behind the team device: a virtual machine, a bridge, … */
	ABI_STATION_TEAM,   /* The team's own address. */
	ABI_STATION_MEMBER, /* A member's own address. */
};

struct abi_station_key {
	__u32 team;
	__u8 mac[ABI_MAC_SIZE];
	__u16 zero;
};

/* In map 'stations': whose address is ours. The programs change 'seen', 'announced' and 'vlans';
 * an update by the daemon keeps what it finds there (dp-bpf-stations.c). */
struct abi_station {
	__u8 order[ABI_MEMBERS]; /* Slots, best first, then ABI_NONE: then the bucket that the
				    address falls into has the order. */
	__u8 hold;
	__u8 also;  /* Where it was until a moment ago, and may still receive; or ABI_NONE. */
	__u8 kind;  /* enum abi_station_kind */
	__u8 told;  /* When the daemon heard last of a VLAN that has no room. */
	__u8 taken; /* By which member it last received, + 1; the programs' own. */
	__u8 reserved[3];
	__u16 vlans[ABI_STATION_VLANS]; /* Where it was seen, 0: untagged; ABI_NO_VLAN: free. */
	__u64 seen;                     /* words.heartbeat when it last sent. */
	__u64 announced;                /* When an announcement of it last left (CLOCK_BOOTTIME). */
};

enum abi_news_type {
	ABI_NEWS_LEARNED, /* A station was entered, or has a VLAN that has no room. */
	ABI_NEWS_LEFT,    /* It announced itself from outside, and was removed. */
	ABI_NEWS_FULL, /* There is no room for it: its bucket carries it. At most once a second. */
};

/* In the ring buffer 'station_news', for the daemon. */
#define ABI_STATION_NEWS_SIZE (64 << 10)
struct abi_station_news {
	__u32 team;
	__u8 type; /* enum abi_news_type */
	__u8 slot; /* Where it came by (left), or its home (learned); or ABI_NONE. */
	__u16 vlan;
	__u8 mac[8];
};

/* In the inner maps of 'flowlets', by the flow's hash modulo ABI_FLOWLETS. */
struct abi_flowlet {
	__u32 last_us; /* When its last frame was sent; wraps around. */
	__u8 slot;
	__u8 used;
	__u8 reserved[2];
};

/* In map 'loads', by team: what the programs know of the members' load. */
struct abi_loads {
	__u64 load[ABI_MEMBERS]; /* Octets sent lately times 'cost', halved now and then. */
	__u64 halved_at;         /* CLOCK_BOOTTIME's, ns. */
	__u32 cost[ABI_MEMBERS]; /* 256 for the fastest member, more for slower ones. */
};

struct abi_member_counters {
	__u64 rx_packets;
	__u64 rx_bytes;
	__u64 tx_packets;
	__u64 tx_bytes;
	__u64 rx_not_collecting;
	__u64 rx_reflected; /* What we sent ourselves, dropped. */
	__u64 rx_copies;    /* What another member takes, dropped. */
};

/* In map 'counters', by team, of each processor. */
struct abi_counters {
	struct abi_member_counters members[ABI_MEMBERS];
	__u64 bucket_tx_packets[ABI_BUCKETS];
	__u64 tx_no_member;
};

/* How a member was found, to set it back so when it leaves. */
struct abi_found {
	__u32 mtu;
	__u32 mtu_set; /* What we set. */
	__u8 mac[ABI_MAC_SIZE];
	__u8 addr_gen_mode;
	__u8 has_addr_gen_mode;
	__u8 up;
	__u8 promiscuous;
	__u8 lro;
	__u8 vlan_filter;
	__u8 clsact;  /* Somebody else's was there. */
	__u8 steered; /* The kernel's team driver has it, and it is set back there. */
	__u8 reserved[2];
};

/* In map 'members', by ifindex. */
struct abi_member {
	__u32 team;
	__u32 slot;
	__u32 peer; /* The hidden peer's ifindex. */
	struct abi_found found;
	struct abi_member_counters base; /* The slot's counters when the member came. */
};
