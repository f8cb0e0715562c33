/* What the datapath's control plane takes. */
#pragma once

#include "tests/net/datapath/lab.h"

/* Measures in the lab's host and prints; leaves nothing behind. */
void bench_control(struct lab *lab);
