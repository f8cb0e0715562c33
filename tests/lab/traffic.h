/* What the two kinds of measured traffic share. A run has its sender and its receiver in one
 * process, each a thread in a network namespace of its own: one clock, exact numbers of what was
 * sent, and one line of JSON at the end. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#define TRAFFIC_FLOWS_MAX 1024
#define TRAFFIC_NSEC 1000000000ull

struct traffic_options {
	const char *from; /* Path of the sender's network namespace, NULL: this one. */
	const char *to;   /* Of the receiver's. */
	const char *address_text;
	struct sockaddr_storage address; /* The receiver's. */
	socklen_t address_size;
	unsigned flows;    /* UDP: source ports; TCP: connections, one after the other. */
	unsigned rate;     /* UDP: datagrams a second, of all flows together. */
	double seconds;    /* How long to send, or (TCP) how long to wait at most. */
	unsigned size;     /* UDP: bytes in a datagram. */
	unsigned segments; /* UDP: datagrams handed to the kernel as one large one (UDP_SEGMENT). */
	unsigned first_port; /* UDP: source port of flow 0. */
	uint64_t bytes;      /* TCP: to be transferred by each connection. */
};

/* Set by SIGINT and SIGTERM: end early, and tell what was measured so far. */
extern atomic_bool traffic_stop;

uint64_t traffic_now(void);
void traffic_sleep_until(uint64_t when);

/* Moves the calling thread; ends the program with a sentence if that fails. */
void traffic_enter(const char *netns);

/* A socket of the address's family, or the end of the program. */
int traffic_socket(const struct traffic_options *options, int type);

/* With the port set. */
void traffic_set_port(struct sockaddr_storage *address, unsigned port);
/* The wildcard address of the same family, with the port. */
struct sockaddr_storage traffic_any_address(const struct traffic_options *options, unsigned port);

/* Each runs to its end, prints the line and returns the exit status. */
int traffic_udp(const struct traffic_options *options);
int traffic_tcp(const struct traffic_options *options);
