/* What the kernel says of its network devices (rtnetlink), as a table that is right again after
 * messages were lost. The main thread's part never sleeps; dumps, and questions to ethtool for
 * speed and duplex, are jobs of the worker. */
#pragma once

#include "daemon/kernel/worker.h"
#include "lib/base/err.h"
#include "lib/wire/ether.h"

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

struct link {
	int ifindex;
	char name[IFNAMSIZ];
	char kind[16];   /* "veth", "bridge", …; "" for a NIC. */
	char alias[256]; /* IFLA_IFALIAS */
	struct mac mac;
	struct mac permanent_mac; /* 0 where the device has none. */
	bool ethernet;            /* ARPHRD_ETHER and no loopback. */
	bool up;                  /* IFF_UP */
	bool carrier;             /* IFF_LOWER_UP */
	uint32_t carrier_up_count;
	uint32_t carrier_down_count;
	uint32_t mtu;
	int master; /* ifindex of a bridge, team or bond that it belongs to, else 0. */
	int lower; /* What it sits on (or the other end of a veth); 0: nothing in this namespace. */
	uint16_t vlan;       /* Of a device of kind "vlan" with tags of 802.1Q, else 0. */
	bool settings_known; /* Speed and duplex were asked for since carrier came. */
	uint32_t speed_mbps; /* 0: the device does not know. */
	bool full_duplex;
};

struct link_monitor;
struct link_table;

/* 'link' is new or has changed ('before' NULL or what it was), or has vanished ('link' NULL). Both
 * are valid during the call only. A rename is a change of 'name' with the ifindex kept. */
typedef void link_changed(void *userdata, const struct link *link, const struct link *before);

/* Opens the socket, reads all links (this once the caller waits) and calls 'changed' for none of
 * them; they are in the table. 0 or a negative errno with 'e'. */
int link_monitor_new(struct worker *worker, link_changed *changed, void *userdata,
		     struct link_monitor **ret, struct err *e);
void link_monitor_free(struct link_monitor *monitor);

int link_monitor_fd(const struct link_monitor *monitor);

/* Reads what is there and calls 'changed'. After an overrun it has the worker read everything and
 * then calls 'changed' for each difference. */
void link_monitor_dispatch(struct link_monitor *monitor);

/* Has the worker read everything again, as after an overrun. */
void link_monitor_resync(struct link_monitor *monitor);

/* NULL if there is none; valid until the next dispatch. */
const struct link *link_monitor_by_index(const struct link_monitor *monitor, int ifindex);
const struct link *link_monitor_by_name(const struct link_monitor *monitor, const char *name);

/* What the functions of link-table.h look into; valid until the next dispatch. */
const struct link_table *link_monitor_table(const struct link_monitor *monitor);

/* How often messages were lost and everything was read again. */
uint64_t link_monitor_resyncs(const struct link_monitor *monitor);
