/* Two network namespaces that die with the test's process, the host's and its partner's, and cables
 * between them. Cables' ends have the same ifindex: then the kernel takes them for NICs, of which
 * it may tell late that a link is lost. */
#pragma once

#include "lib/base/nsec.h"
#include "lib/wire/ether.h"
#include "tests/unit/run.h"

#include <stdbool.h>

struct nl_sock;

struct lab {
	struct nl_sock *host;
	struct nl_sock *partner;
	int host_fd; /* The namespaces. */
	int partner_fd;
};

/* Enters the host's namespace. The test fails if that cannot be. */
void lab_start(struct lab *lab);
void lab_stop(struct lab *lab);

/* Moves the thread to one of the namespaces. */
void lab_move(int namespace_fd);

/* Another socket to the namespace that the thread is in. */
struct nl_sock *lab_connect(void);

/* A cable from NAME to NAME at the partner, both ends with 'ifindex' and down. */
void lab_add_cable(struct lab *lab, const char *name, int ifindex);

/* A bridge without ports, that is down: a device to make events with. Returns its ifindex. */
int lab_add_bridge(struct nl_sock *socket, const char *name);

void lab_delete(struct nl_sock *socket, int ifindex);
void lab_set_up(struct nl_sock *socket, int ifindex, bool up);
void lab_set_mtu(struct nl_sock *socket, int ifindex, unsigned mtu);
void lab_set_name(struct nl_sock *socket, int ifindex, const char *name);

/* A device's address. */
struct mac lab_mac(const char *name);

void lab_set_master(struct nl_sock *socket, int ifindex, int master);

/* A VLAN device on 'lower'; returns its ifindex, 0 where the kernel has none. */
int lab_add_vlan(struct nl_sock *socket, const char *name, int lower, uint16_t vlan);

/* 'text': "10.0.0.1/24"; IPv6 without asking whether somebody else has it. */
void lab_add_address(struct nl_sock *socket, int ifindex, const char *text);
void lab_delete_address(struct nl_sock *socket, int ifindex, const char *text);

/* Both ends up, until both can send. */
void lab_plug_in(struct lab *lab, int ifindex);

nsec_t lab_clock(void);

/* Runs the suite, or skips it, with the reason, where there is no right to make namespaces. */
int lab_run_suite(Suite *suite);
TCase *lab_tcase(Suite *suite);
