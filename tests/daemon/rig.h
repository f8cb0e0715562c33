/* What the tests of a host share: a host with the team team0 of eno1 and eno2. */
#pragma once

#include "daemon/host/host.h"
#include "tests/fake/fake-world.h"

#define FAST                                                                                     \
	"team: { name = \"team0\"; mode = \"lacp\"; members = ( { name = \"eno1\"; }, { name = " \
	"\"eno2\"; } );"
#define TWO FAST " };"

extern struct fake_kernel kernel;
extern struct fake_world world;
extern int eno1, eno2; /* Their ifindexes. */

void setup(void);
void teardown(void);

/* Starts the daemon and lets five seconds pass. */
void start(const char *config);

struct team *team0(void);
struct team_view team_view(void);
struct team_member_view member_view(const char *name);
struct fake_device *device(void);
void drain(const char *name, bool on);

void expect_member(const char *name, enum team_member_state state, const char *reason);
void expect_both_active(void);
