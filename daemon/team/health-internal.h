/* What health*.c share. */
#pragma once

#include "daemon/team/team-internal.h"

/* health-probe.c */

/* The probes of the team, made anew where the configuration is another one than they were made for.
 */
void team_probes_prepare(struct team *team);
void member_probes_join(struct member *member);
void member_probes_leave(struct member *member);
void member_probes_link(struct member *member, bool up);
/* True: some member's state changed. */
bool team_probes_tick(struct team *team, nsec_t now);
nsec_t team_probes_deadline(const struct team *team);

/* Whether monitor 'i' is content with a member that has a link. */
bool member_monitor_is_content(const struct member *member, unsigned i);
