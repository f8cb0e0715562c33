/* What the files of this interface share. */
#pragma once

#include "daemon/control/call.h"
#include "lib/base/err.h"

/* The answer to a change: nothing, or why not. */
void answer_change(struct call *call, int r, const struct err *e);

/* interface-team-change.c: the handlers of methods with settings. */
void handle_create(struct call *call, const json_t *parameters);
void handle_set(struct call *call, const json_t *parameters);
void handle_add_member(struct call *call, const json_t *parameters);
void handle_set_member(struct call *call, const json_t *parameters);
void handle_remove_member(struct call *call, const json_t *parameters);
