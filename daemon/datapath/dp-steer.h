/* The team datapath as teams see it: the kernel's team driver, and where a team has rules that the
 * driver knows nothing of, our eBPF programs beside it. They sit at the egress of the team's
 * device, where they say which port a frame leaves on (by its transmit queue, of which each port
 * has one), and at the ports' ingress, where they drop what is not to come in. So both datapaths
 * place by the same programs. A team without rules has the driver alone. */
#pragma once

#include "daemon/datapath/datapath.h"

/* 'driver' is the driver's datapath, which the new one frees; 'programs' the bpf datapath, which
 * outlives it, or NULL: then 'why' says what is missing, and teams with rules are refused. */
int dp_steer_new(struct datapath *driver, struct datapath *programs, const char *why,
		 struct datapath **ret, struct err *e);
