/* Where our maps are pinned: a folder for each network namespace in a folder of the bpffs, both of
 * which nobody else can enter, because whoever can open a map can redirect a host's traffic. */
#pragma once

#include "lib/base/err.h"

#define BPF_PINS_PATH_SIZE 256

struct bpf_pins {
	char path[BPF_PINS_PATH_SIZE];
	int fd; /* Of the folder, locked as long as we live: one daemon for a namespace. */
};

/* Makes the folders where they are missing; 'bpffs' itself only in a bpffs. -EBUSY if another
 * daemon of this namespace has them. */
int bpf_pins_open(const char *bpffs, struct bpf_pins *ret, struct err *e);

/* Removes the folder if it is empty; what is pinned stays. */
void bpf_pins_close(struct bpf_pins *pins);

/* -ENOENT without a sentence where nothing of that name is pinned. */
int bpf_pins_get(const struct bpf_pins *pins, const char *name, int *ret_fd, struct err *e);
int bpf_pins_add(const struct bpf_pins *pins, const char *name, int fd, struct err *e);

/* What is not there is removed already. */
int bpf_pins_remove(const struct bpf_pins *pins, const char *name, struct err *e);
