/* The daemon's command line. */
#pragma once

#include <stdbool.h>

struct options {
	const char *config; /* Host-wide settings; conf.d lies beside it. */
	const char *socket;
	const char *state_dir;    /* What has to survive a reboot. */
	const char *volatile_dir; /* What has to survive the daemon. */
	const char
		*datapath; /* "auto", "bpf" or "team"; NULL: as each team's configuration says. */
	const char *bpffs;
};

enum options_verdict {
	OPTIONS_RUN,
	OPTIONS_DONE,  /* Help or version was printed. */
	OPTIONS_WRONG, /* Said so on standard error. */
};

/* The strings in 'options' are those of 'argv', or constants. */
enum options_verdict options_parse(int argc, char *argv[], struct options *options);
