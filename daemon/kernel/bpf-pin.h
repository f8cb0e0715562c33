/* Where our maps and links are pinned: a folder for each network namespace in a folder of the
 * bpffs, both of which nobody else can enter, because whoever can open a map can redirect a host's
 * traffic. */
#pragma once

#include "lib/base/err.h"

#include <stdint.h>

#define BPF_PINS_PATH_SIZE 256

struct bpf_pins {
	char path[BPF_PINS_PATH_SIZE];
	uint64_t netns; /* The network namespace, as SO_NETNS_COOKIE tells it. */
	int fd;         /* Of the folder, locked as long as we live: one daemon for a namespace. */
};

/* Makes the folders where they are missing; 'bpffs' itself only in a bpffs. -EBUSY if another
 * daemon of this namespace has them. */
int bpf_pins_open(const char *bpffs, struct bpf_pins *ret, struct err *e);

/* Removes the folder if it is empty; what is pinned stays. */
void bpf_pins_close(struct bpf_pins *pins);

/* -ENOENT without a sentence where nothing of that name is pinned. */
int bpf_pins_get(const struct bpf_pins *pins, const char *name, int *ret_fd, struct err *e);
int bpf_pins_add(const struct bpf_pins *pins, const char *name, int fd, struct err *e);

/* As bpf_pins_add(); what was pinned by that name is let go in the same instant. */
int bpf_pins_replace(const struct bpf_pins *pins, const char *name, int fd, struct err *e);

/* Ends a replacement in which a daemon was killed: 'name' is what it pinned, with the suffix. */
#define BPF_PINS_NEW "-new"
void bpf_pins_finish(const struct bpf_pins *pins, const char *name);

typedef void bpf_pins_seen(void *userdata, const char *name);

/* 'seen' may remove the one that it is told of. */
void bpf_pins_each(const struct bpf_pins *pins, bpf_pins_seen *seen, void *userdata);

/* What is not there is removed already. */
int bpf_pins_remove(const struct bpf_pins *pins, const char *name, struct err *e);
