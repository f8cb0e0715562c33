/* A host and its partner, in two network namespaces that die with the test's process, joined by
 * cables whose two ends have the same ifindex: as with a NIC, the kernel may then tell late that a
 * link is lost. A bpffs is mounted where only this process sees it. */
#pragma once

#include "daemon/kernel/rtnl.h"

#include <stdbool.h>
#include <stdint.h>

#define LAB_BPFFS "/mnt"
#define LAB_PINS LAB_BPFFS "/yoke"

struct lab {
	int host; /* Descriptors of the namespaces. */
	int partner;
	struct rtnl *rtnl; /* In the host. */
	struct rtnl *partner_rtnl;
};

/* Makes both namespaces and enters the host's. */
void lab_start(struct lab *lab);
void lab_stop(struct lab *lab);
void lab_enter(int namespace);

/* A descriptor of the namespace that the thread is in. */
int lab_namespace(void);

/* A cable from NAME (down, MTU 1500) to pNAME at the partner (up, MTU 9000). Returns the ifindex of
 * both ends. */
int lab_cable(struct lab *lab, const char *name, int ifindex);

struct lab_device {
	const char *kind; /* "bridge", "macvlan", "macvtap", "veth" */
	const char *name;
	int lower;             /* What a macvlan sits on. */
	const char *peer_name; /* Of a veth. */
};

/* Makes a device in the host's namespace, up. Returns its ifindex. */
int lab_add_device(struct lab *lab, const struct lab_device *device);
void lab_set_master(struct lab *lab, int ifindex, int master);
/* To another namespace. */
void lab_move(struct rtnl *rtnl, int ifindex, int namespace);
struct rtnl_device lab_device(struct rtnl *rtnl, const char *name);
/* IFF_LOWER_UP. */
bool lab_carrier(struct lab *lab, const char *name);

/* Waits until the device's link is up and its queue with it, which is some time after its carrier.
 */
void lab_await_running(struct rtnl *rtnl, const char *name);
bool lab_has_device(struct lab *lab, const char *name);
void lab_add_address(struct rtnl *rtnl, int ifindex, const char *address);

/* Whether the device has a clsact or an ingress queueing discipline. */
bool lab_has_clsact(struct lab *lab, int ifindex);

/* How many programs are at its ingress by TCX. */
unsigned lab_n_tcx(int ifindex);

/* Of the device's line in /proc/net/dev. */
struct lab_counters {
	uint64_t rx_packets;
	uint64_t tx_packets;
};
struct lab_counters lab_counters(const char *name);

/* How many files are pinned. */
unsigned lab_n_pins(void);
