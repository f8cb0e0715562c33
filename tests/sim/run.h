/* What the files of the scenario interpreter share: the case that is being run, the reading of
 * words, and the verbs. Internal to tests/sim. */
#pragma once

#include "tests/sim/world.h"

/* A case that is being run. */
struct run {
	struct world world;
	uint64_t marked_sent[WORLD_SYSTEMS][LACP_PORTS_MAX];
	uint64_t marked_notes[WORLD_SYSTEMS][LACP_PORTS_MAX];
	unsigned line;
};

struct place {
	unsigned system, slot;
};

/* One "key=value" of a line; or a word, then 'value' is NULL. */
struct word {
	char *key;
	char *value;
};

#define WORDS_MAX 16

void complain(struct run *run, const char *what, const char *about);

/* Each complains, and returns something harmless, where the text is nothing of the kind. */
unsigned long number(struct run *run, const char *text, int base);
bool yes(struct run *run, const char *text);
nsec_t duration(struct run *run, const char *text);
struct mac address(struct run *run, const char *text);
struct place place(struct run *run, const char *text);

struct plug *plug_at(struct run *run, struct place at);

/* The verbs, with the words behind them. */
void do_system(struct run *run, const struct word *words, unsigned n);
void do_port(struct run *run, const struct word *words, unsigned n);
void do_remove(struct run *run, const struct word *words, unsigned n);
void do_up(struct run *run, const struct word *words, unsigned n);
void do_down(struct run *run, const struct word *words, unsigned n);
void do_duplex(struct run *run, const struct word *words, unsigned n);
void do_wire(struct run *run, const struct word *words, unsigned n);
void do_deaf(struct run *run, const struct word *words, unsigned n);
void do_hear(struct run *run, const struct word *words, unsigned n);
void do_peer(struct run *run, const struct word *words, unsigned n);
void do_raw(struct run *run, const struct word *words, unsigned n);
void do_echo(struct run *run, const struct word *words, unsigned n);
void do_marker(struct run *run, const struct word *words, unsigned n);
void do_ask(struct run *run, const struct word *words, unsigned n);
void do_run(struct run *run, const struct word *words, unsigned n);
void do_sleep(struct run *run, const struct word *words, unsigned n);
void do_kill(struct run *run, const struct word *words, unsigned n);
void do_restart(struct run *run, const struct word *words, unsigned n);
void do_weather(struct run *run, const struct word *words, unsigned n);
void do_mark(struct run *run, const struct word *words, unsigned n);
void do_expect(struct run *run, const struct word *words, unsigned n);
void do_carrying(struct run *run, const struct word *words, unsigned n);
void do_explained(struct run *run, const struct word *words, unsigned n);
void do_traced(struct run *run, const struct word *words, unsigned n);
