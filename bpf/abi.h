/* What the datapath's programs and the daemon share: the layout of the maps and the marks by which
 * a later daemon knows what is ours. The maps outlive a daemon, so a change of any layout here is a
 * new ABI_VERSION. */
#pragma once

#include <linux/types.h>

#define ABI_VERSION 1

#define ABI_TEAMS 64
#define ABI_MEMBERS 32 /* Of one team. */
#define ABI_BUCKETS 256
#define ABI_NONE 0xff /* No slot. */
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

/* In map 'teams', by the hidden peer's ifindex. */
struct abi_team {
	__u32 index; /* Of the team in the other maps. */
	__u32 hash;  /* enum abi_hash */
	char name[ABI_NAME_SIZE];
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
	__u64 reserved[7];     /* To the next cache line, and for words to come. */
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
};

struct abi_member_counters {
	__u64 rx_packets;
	__u64 rx_bytes;
	__u64 tx_packets;
	__u64 tx_bytes;
	__u64 rx_not_collecting;
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
	__u8 clsact; /* Somebody else's was there. */
	__u8 reserved[3];
};

/* In map 'members', by ifindex. */
struct abi_member {
	__u32 team;
	__u32 slot;
	__u32 peer; /* The hidden peer's ifindex. */
	struct abi_found found;
	struct abi_member_counters base; /* The slot's counters when the member came. */
};
