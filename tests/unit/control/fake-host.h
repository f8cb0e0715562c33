/* A host that the control server's tests command: it implements daemon/host/host.h and
 * daemon/team/team.h, with teams that are set up by hand. */
#pragma once

#include "daemon/control/server.h"
#include "daemon/host/host.h"

#define FAKE_MEMBERS 2

/* One team "team0" with members "eno1" and "eno2". */
struct host *fake_host_new(void);
void fake_host_free(struct host *host);

/* As many teams, "team0" and so on, with as many members each (1 to CONFIG_MEMBERS_MAX). */
void fake_host_resize(struct host *host, unsigned n_teams, unsigned n_members);

/* What a view says, to be changed at will. */
struct team_view *fake_team_view(struct host *host, unsigned team);
struct team_member_view *fake_member_view(struct host *host, unsigned team, unsigned member);

/* What members' traces have, all the same. */
void fake_host_add_transition(struct host *host, const struct lacp_trace_entry *entry);

/* Tells everyone who listens. */
void fake_host_emit(struct host *host, const struct host_event *event);
unsigned fake_host_n_listeners(const struct host *host);

/* Deletions wait until they are finished here; returns how many were. */
unsigned fake_host_finish_deletions(struct host *host, int r, const char *text);

/* The next creation or change is refused with -EBUSY and this sentence; else they are done at once,
 * a creation in the place of the first team. */
void fake_host_refuse(struct host *host, const char *text);
/* Whether the last of them was to be forced. */
bool fake_host_was_forced(const struct host *host);

/* Clocks that stand still, at 1 s since the start of the machine and 61 s since 1970. */
extern const struct control_clock fake_clock;
