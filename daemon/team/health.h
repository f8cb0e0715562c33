/* What a team and its members keep of what monitors found, and the rules of it.
 *
 * - A member is *good* if it has a link, its monitors are content by the team's policy, and it did
 *   not fail so often that it is kept out.
 * - A member that is not good is taken out only while another one is good and in use. So no target
 *   that is down, and no threshold that is too strict, ever takes a team off the network: what is
 *   worse than nothing no monitor can know.
 * - A failure that a monitor found takes the member out at once: the monitor has been patient
 *   already. What comes back waits for up_delay_ms, unless it is the last resort.
 * - In LACP the partner is told by a leave PDU, and the port begins anew, its link down; other
 * modes have nobody to tell. */
#pragma once

#include "daemon/config/config.h"
#include "daemon/core/damping.h"
#include "daemon/core/probe.h"
#include "lib/base/nsec.h"

#include <stdbool.h>
#include <stdint.h>

/* Of a monitor of frames with errors. */
struct errors_watch {
	nsec_t due;     /* When to ask next. */
	bool asked;     /* An answer is to come. */
	bool known;     /* What was counted at the end of the last interval. */
	bool too_many;  /* In the last interval, or in one of the three before. */
	uint64_t count; /* As the device counts. */
	uint64_t last;  /* In the interval in which there were too many. */
	unsigned clean; /* Intervals in a row without too many. */
};

struct member_health {
	bool begun;
	bool link;    /* As it was noted. */
	bool content; /* The monitors were. */
	bool good;
	bool healthy;
	struct damping damping;
	struct errors_watch errors[CONFIG_MONITORS_MAX];
};

/* Of all its members. */
struct team_health {
	unsigned n_monitors; /* As the probes were made for. */
	struct config_monitor monitors[CONFIG_MONITORS_MAX];
	struct probe probes[CONFIG_MONITORS_MAX]; /* Of those monitors that ask. */
};

static inline bool health_asks(const struct config_monitor *monitor)
{
	return monitor->type == CONFIG_MONITOR_ARP || monitor->type == CONFIG_MONITOR_ND;
}
