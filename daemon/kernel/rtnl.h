/* Requests to rtnetlink, one after the other, each waited for: the worker's business. What the
 * kernel says about a refusal (its extended ACK) is in the error's sentence. */
#pragma once

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/wire/ether.h"

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#define RTNL_NO_ADDR_GEN_MODE (-1)
#define RTNL_ALIAS_SIZE 256
#define RTNL_ADDRESS_SIZE 64

struct nl_msg;
struct nlmsghdr;
struct rtnl;

struct rtnl_device {
	int ifindex;
	char name[IFNAMSIZ];
	char kind[IFNAMSIZ]; /* "veth", "bridge", …; "" for a NIC. */
	char alias[RTNL_ALIAS_SIZE];
	struct mac mac;
	uint32_t mtu;
	bool ethernet; /* And no loopback. */
	bool loopback;
	bool up;
	bool promiscuous; /* By somebody's order, not because something on top wants it so. */
	int master;       /* ifindex of a bridge, team or bond that it belongs to, else 0. */
	int lower;        /* What it sits on, or the other end of a veth; 0 if elsewhere or none. */
	int addr_gen_mode; /* IN6_ADDR_GEN_MODE_…, or RTNL_NO_ADDR_GEN_MODE without IPv6. */
	uint32_t n_tx_queues;
};

int rtnl_open(struct rtnl **ret, struct err *e);
void rtnl_close(struct rtnl *rtnl);

/* -ENODEV with a sentence if there is none. */
int rtnl_device_by_index(struct rtnl *rtnl, int ifindex, struct rtnl_device *ret, struct err *e);
int rtnl_device_by_name(struct rtnl *rtnl, const char *name, struct rtnl_device *ret,
			struct err *e);

/* 0 to go on; anything else ends the walk. */
typedef int rtnl_device_seen(void *userdata, const struct rtnl_device *device);

/* All devices, as they were at one instant. Returns what 'seen' returned last. */
int rtnl_devices(struct rtnl *rtnl, rtnl_device_seen *seen, void *userdata, struct err *e);

/* Two devices, each of which receives what the other sends. */
struct rtnl_pair {
	const char *name;
	struct mac mac;
	const char *peer_name; /* May hold "%d": the kernel picks a number. */
	uint32_t mtu;          /* Of both. */
};

int rtnl_add_veth(struct rtnl *rtnl, const struct rtnl_pair *pair, struct err *e);

/* For a program at the first of the two (layer 2). Where it is missing, what that one sends is
 * dropped. -EOPNOTSUPP where the kernel has no netkit. */
int rtnl_add_netkit(struct rtnl *rtnl, const struct rtnl_pair *pair, struct err *e);

struct rtnl_team {
	const char *name;
	struct mac mac;
	uint32_t mtu;
	uint32_t n_tx_queues;
};

/* A device of the kernel's team driver, without ports and mode. */
int rtnl_add_team(struct rtnl *rtnl, const struct rtnl_team *team, struct err *e);
int rtnl_delete_device(struct rtnl *rtnl, int ifindex, struct err *e);

int rtnl_set_name(struct rtnl *rtnl, int ifindex, const char *name, struct err *e);
int rtnl_set_alias(struct rtnl *rtnl, int ifindex, const char *alias, struct err *e);
int rtnl_set_mac(struct rtnl *rtnl, int ifindex, const struct mac *mac, struct err *e);
int rtnl_set_mtu(struct rtnl *rtnl, int ifindex, uint32_t mtu, struct err *e);
int rtnl_set_up(struct rtnl *rtnl, int ifindex, bool up, struct err *e);
/* Puts the device into a team, bridge or bond; 0: takes it out of the one that it is in. */
int rtnl_set_master(struct rtnl *rtnl, int ifindex, int master, struct err *e);
int rtnl_set_promiscuous(struct rtnl *rtnl, int ifindex, bool on, struct err *e);
int rtnl_set_addr_gen_mode(struct rtnl *rtnl, int ifindex, uint8_t mode, struct err *e);

/* 1 if the device has an IP address that is not link-local, which is then in 'text'; else 0. */
int rtnl_address_on(struct rtnl *rtnl, int ifindex, char text[static RTNL_ADDRESS_SIZE],
		    struct err *e);

struct rtnl_counters {
	uint64_t rx_packets;
	uint64_t rx_bytes;
	uint64_t tx_packets;
	uint64_t tx_bytes;
	uint64_t rx_nohandler; /* Arrived, and nobody wanted it. */
	uint64_t tx_dropped;
};

int rtnl_device_counters(struct rtnl *rtnl, int ifindex, struct rtnl_counters *ret, struct err *e);

/* What gets the messages of an answer. */
struct rtnl_receiver {
	void (*begin)(void *userdata); /* Only of a dump: forget what came so far. */
	void (*seen)(void *userdata, struct nlmsghdr *message);
	void *userdata;
};

/* For what is not above. 'message' stays the caller's; 'receiver' may be NULL. */
int rtnl_request(struct rtnl *rtnl, struct nl_msg *message, const struct rtnl_receiver *receiver,
		 struct err *e);

/* Asks again, after 'begin', where the kernel says that the list changed while it was read. */
int rtnl_dump(struct rtnl *rtnl, struct nl_msg *message, const struct rtnl_receiver *receiver,
	      struct err *e);

DEFINE_CLEANUP(struct rtnl, rtnl_close)
