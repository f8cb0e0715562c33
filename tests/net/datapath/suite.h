/* What the datapath's tests in namespaces have in common: they need root, and end in time. */
#pragma once

#include "tests/unit/run.h"

#include <stdio.h>
#include <unistd.h>

#define SUITE_TIMEOUT_S 30

static inline TCase *datapath_tcase(Suite *suite)
{
	TCase *tcase = tcase_create("datapath");

	tcase_set_timeout(tcase, SUITE_TIMEOUT_S);
	suite_add_tcase(suite, tcase);
	return tcase;
}

static inline int run_datapath_suite(Suite *suite)
{
	if (geteuid() != 0) {
		printf("1..0 # SKIP network namespaces and eBPF take root\n");
		return EXIT_SUCCESS;
	}
	return run_suite(suite);
}
