/* Scenarios as text: a file of cases, each a small world and what is expected of it.
 *
 *   case 6.4.12 silence leads from CURRENT to EXPIRED after three seconds
 *   system a rate=fast
 *   port a1
 *   up a1
 *   peer a1 state=07
 *   run 3s
 *   expect a1 receive=expired
 *
 * Systems are a to d, ports a1 to a32. What a line may say is in the tables of script.c. A port may
 * have a partner that is an engine ("wire a1 b1") or one that only says what it is told ("peer").
 */
#pragma once

#include "tests/sim/world.h"

#include <stdio.h>

struct script_line {
	unsigned number;
	char *text;
};

struct script_case {
	char *clause; /* Of IEEE 802.1AX-2014, or the name of a rule of ours. */
	char *sentence;
	struct script_line *lines;
	unsigned n_lines;
};

struct script {
	char *text;
	struct script_case *cases;
	unsigned n_cases;
};

/* False if the file cannot be read. */
bool script_load(struct script *script, const char *path);
void script_free(struct script *script);

/* Runs the case; false with the words what was not as expected, and on which line. */
bool script_run(const struct script_case *script_case, char *words, size_t size);
