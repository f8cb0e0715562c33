/* What others do to clsact, told by the kernel as it happens. A socket filter lets pass only what
 * may concern a program at an ingress, so that changes of queueing disciplines cost nothing,
 * however many there are. For the main thread. */
#pragma once

#include "lib/base/err.h"

struct tc_monitor;

int tc_monitor_open(struct tc_monitor **ret, struct err *e);
void tc_monitor_close(struct tc_monitor *monitor);
int tc_monitor_fd(const struct tc_monitor *monitor);

/* 'ifindex' is 0 if messages were lost: anything may have changed. */
typedef void tc_monitor_changed(void *userdata, int ifindex);

/* Takes what is there. Does not sleep. */
void tc_monitor_dispatch(struct tc_monitor *monitor, tc_monitor_changed *changed, void *userdata);
