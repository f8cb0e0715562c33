#include "daemon/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
	"Usage: yoked [OPTION]...\n"
	"The daemon of Yoke: NIC teams of this host. Runs in the foreground.\n"
	"\n"
	"  --config FILE      host-wide settings; teams are read from conf.d beside it\n"
	"                     (default /etc/yoke/yoke.conf)\n"
	"  --socket PATH      control socket (default /run/yoke/control.sock)\n"
	"  --state-dir DIR    what survives a reboot (default /var/lib/yoke) and what\n"
	"                     survives the daemon (default /run/yoke)\n"
	"  --datapath NAME    auto, bpf or team, before what a team's configuration says\n"
	"  --bpffs DIR        where in a bpffs to pin maps (default /sys/fs/bpf/yoke)\n"
	"  --help, --version\n"
	"\n"
	"Stopping the daemon leaves the teams carrying traffic. See yoked(8), yoke.conf(5).\n";

static enum options_verdict wrong(const char *text, const char *value)
{
	fprintf(stderr, "yoked: %s%s; see yoked --help\n", text, value);
	return OPTIONS_WRONG;
}

static enum options_verdict take(int letter, struct options *options)
{
	switch (letter) {
	case 'c':
		options->config = optarg;
		return OPTIONS_RUN;
	case 's':
		options->socket = optarg;
		return OPTIONS_RUN;
	case 'd':
		options->state_dir = optarg;
		options->volatile_dir = optarg;
		return OPTIONS_RUN;
	case 'p':
		if (strcmp(optarg, "auto") != 0 && strcmp(optarg, "bpf") != 0 &&
		    strcmp(optarg, "team") != 0)
			return wrong("--datapath is auto, bpf or team, not ", optarg);
		options->datapath = optarg;
		return OPTIONS_RUN;
	case 'b':
		options->bpffs = optarg;
		return OPTIONS_RUN;
	case 'h':
		fputs(help, stdout);
		return OPTIONS_DONE;
	case 'v':
		puts("yoked " YOKE_VERSION);
		return OPTIONS_DONE;
	default:
		/* getopt has said what is wrong. */
		fputs("See yoked --help.\n", stderr);
		return OPTIONS_WRONG;
	}
}

enum options_verdict options_parse(int argc, char *argv[], struct options *options)
{
	static const struct option known[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "socket", required_argument, NULL, 's' },
		{ "state-dir", required_argument, NULL, 'd' },
		{ "datapath", required_argument, NULL, 'p' },
		{ "bpffs", required_argument, NULL, 'b' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{},
	};
	int letter;

	*options = (struct options){
		.config = "/etc/yoke/yoke.conf",
		.socket = "/run/yoke/control.sock",
		.state_dir = "/var/lib/yoke",
		.volatile_dir = "/run/yoke",
		.bpffs = "/sys/fs/bpf/yoke",
	};
	while ((letter = getopt_long(argc, argv, "", known, NULL)) != -1) {
		enum options_verdict verdict = take(letter, options);

		if (verdict != OPTIONS_RUN)
			return verdict;
	}
	if (optind < argc)
		return wrong("what is meant by ", argv[optind]);
	return OPTIONS_RUN;
}
