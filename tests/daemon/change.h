/* Changes of a running host, for tests of them. */
#pragma once

#include "tests/daemon/rig.h"

#define STATIC_HEAD "team: { name = \"team0\"; mode = \"static\"; "
#define MEMBER(name) "{ name = \"" name "\"; }"
#define MEMBERS_TWO "members = ( " MEMBER("eno1") ", " MEMBER("eno2") " ); "
#define STATIC_TWO STATIC_HEAD MEMBERS_TWO "};"
#define STATIC_THREE \
	STATIC_HEAD "members = ( " MEMBER("eno1") ", " MEMBER("eno2") ", " MEMBER("eno3") " ); };"
#define STATIC_ONE STATIC_HEAD "members = ( " MEMBER("eno2") " ); };"

struct change_answer {
	bool done;
	int r;
	char text[512];
};

/* To the last change. */
extern struct change_answer answer;
void note_answer(void *userdata, int r, const struct err *e);

/* Begins a change of team0 and does not wait for its end. */
void begin(const char *text, bool force);

/* The same to its end, which is a good one, or (refuse) this error with 'why' in its sentence. */
void set(const char *text);
void refuse(const char *text, int r, const char *why);

/* Creates a team and waits for the answer. */
void create(const char *text);

/* As setup(), with switches that do not speak LACP. */
void setup_silent(void);
