/* Reading all network devices at once, for the link monitor. */
#pragma once

#include "daemon/kernel/link-table.h"

/* Waits for the kernel. Fills in 'list', which the caller frees also after a failure; it is not
 * complete if devices came and went all the time. 0 or a negative errno. */
int link_dump(struct link_list *list);
