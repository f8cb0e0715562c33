/* Who this host is to its partners, the same after each reboot and hot-plug: the LACP system
 * identifier, a number for each port and an index for each team, never 0 and never given twice. */
#pragma once

#include "lib/base/err.h"
#include "lib/wire/ether.h"

#include <stdbool.h>
#include <stdint.h>

#define IDENTITY_SEED_SIZE 16

struct identity;

/* Reads 'text', the content of the file as identity_text() wrote it, or starts anew from 'seed'
 * (which should follow from the machine's identity) if 'text' is NULL. -EBADMSG with 'e' if the
 * text is damaged. */
int identity_new(const char *text, const uint8_t seed[static IDENTITY_SEED_SIZE],
		 struct identity **ret, struct err *e);
void identity_free(struct identity *identity);

/* The system identifier: a locally administered individual address. */
struct mac identity_system(const struct identity *identity);

/* The address of a team's device. */
struct mac identity_team_mac(const struct identity *identity, const char *team);

/* The number of the port that is known as 'port' ("mac:00:11:…" or "name:eno1"), 1 to 65535; 0 when
 * all are given away. */
uint16_t identity_port(struct identity *identity, const char *port);

/* The key of ports of 'speed_mbps' in 'team': one for each team and speed. Passes over teams'
 * ranges in which one of the 'taken' keys lies. 0 when all are given away. */
uint16_t identity_key(struct identity *identity, const char *team, uint32_t speed_mbps,
		      const uint16_t *taken, unsigned n_taken);

/* Whether identity_text() differs from what it was when last asked for; then it has to be saved. */
bool identity_changed(const struct identity *identity);
char *identity_text(struct identity *identity);
