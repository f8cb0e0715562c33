/* Who is at the other end of a connection, and what he may do. */
#pragma once

#include "lib/base/err.h"

#include <stdbool.h>
#include <sys/types.h>

enum access {
	ACCESS_NONE, /* May ask what this service is, and gets a clear refusal otherwise. */
	ACCESS_READ,
	ACCESS_CHANGE,
};

/* The groups, as they were when the daemon started. */
struct access_groups {
	bool has_readers;
	bool has_writers;
	gid_t readers;
	gid_t writers;
};

struct peer {
	pid_t pid;
	uid_t uid;
	enum access access;
};

/* Looks both groups up; may wait for NSS. One that does not exist is no error. */
int access_groups_look_up(struct access_groups *groups, const char *readers, const char *writers,
			  struct err *e);

/* What a process of that user and those groups (the primary one among them) may do. */
enum access access_of(const struct access_groups *groups, uid_t uid, const gid_t *gids, size_t n);

/* Asks the kernel who connected 'fd'; negative errno where it does not know. */
int peer_identify(int fd, const struct access_groups *groups, struct peer *ret);
