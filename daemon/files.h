/* The daemon's own files. */
#pragma once

#include "lib/base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Makes the folder if it is not there. */
int files_make_folder(const char *path, mode_t mode, struct err *e);

/* The content, to be freed; *ret is NULL (and 0 returned) if there is no such file. */
int files_read(const char *path, char **ret, struct err *e);

/* Writes a new file, syncs it and puts it in the place of the old one. Sleeps. */
int files_write(const char *path, const char *text, struct err *e);

/* The identity of this boot, as text. */
int files_boot_id(char id[static 40], struct err *e);

/* 16 bytes that follow from the machine's identity and 'path', so that private daemons with state
 * folders of their own are hosts of their own; random where the machine has no identity. */
void files_machine_seed(const char *path, uint8_t seed[static 16]);
