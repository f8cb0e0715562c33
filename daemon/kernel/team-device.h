/* Team devices of the kernel's driver, as a whole: what is set once and then stays. This is what
 * libteam does for us. It is not asked for what has to be quick or in one piece, see team-genl.h;
 * ports come and go by rtnetlink, because libteam cannot set a device down before. */
#pragma once

#include "lib/base/err.h"

#include <stdbool.h>

struct sock_fprog;

/* Whether the kernel has the driver, which is loaded where it is a module. Nothing is made. Waits.
 */
bool team_device_is_possible(void);

/* Brings the team with that ifindex into mode "loadbalance", with buckets that each have their port
 * and with 'hash' to tell a frame's bucket. What is so already stays untouched; *ret_changed says
 * whether anything was not. -EEXIST if it works otherwise and has ports. Waits. */
int team_device_prepare(int ifindex, const struct sock_fprog *hash, bool *ret_changed,
			struct err *e);
