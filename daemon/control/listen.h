/* The listening socket: systemd's, or our own at a path. */
#pragma once

#include "lib/base/err.h"

#include <stdbool.h>
#include <sys/types.h>

struct listener {
	int fd;
	int lock_fd;    /* Keeps a second daemon from replacing our socket file. */
	bool activated; /* systemd's: it stays when we go. */
	dev_t device;   /* Of our socket file, … */
	ino_t inode;
	char path[108]; /* … here. */
};

/* Fills in *ret on success. */
int listener_open(struct listener *ret, const char *path, struct err *e);
void listener_close(struct listener *listener);
