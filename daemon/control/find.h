/* Objects by the names that a call gives; what is not there is answered with its named error. */
#pragma once

#include "daemon/control/call.h"
#include "daemon/host/host.h"

/* The team that the string parameter 'name' names; NULL when the call has been answered. */
struct team *find_team(struct call *call, const json_t *parameters, const char *name);

/* The index of the member that the string parameter "member" names; negative when the call has been
 * answered. */
int find_member(struct call *call, struct team *team, const json_t *parameters);
