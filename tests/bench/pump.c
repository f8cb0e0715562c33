/* What frames cost, as time on one processor; see pump.h. Prints one line of JSON.
 *
 *	pump udp|tcp|rr --from NETNS --to NETNS --address ADDRESS [--flows N] [--count N]
 *	pump drop --to NETNS --device DEVICE */
#include "tests/bench/pump.h"

#include "lib/base/array.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PORT 5009

uint64_t pump_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void pump_enter(const char *netns)
{
	int fd = open(netns, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		err(2, "cannot enter %s", netns);
	close(fd);
}

/* The last one that we may have: the first has the most of everybody else's work. Threads that are
 * made later are there, too. */
static void stay_on_one_processor(void)
{
	cpu_set_t set;
	size_t last = CPU_SETSIZE - 1;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		err(2, "no processors");
	while (last > 0 && !CPU_ISSET(last, &set))
		last--;
	CPU_ZERO(&set);
	CPU_SET(last, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		err(2, "cannot stay on processor %zu", last);
}

static uint64_t number(const char *option, const char *text, uint64_t most)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *text < '0' || *text > '9' || *end != '\0' || value < 1 || value > most)
		errx(2, "--%s: a number from 1 to %" PRIu64 " is expected, not %s", option, most,
		     text);
	return value;
}

static void set_address(struct pump *pump, const char *text)
{
	pump->address.sin_family = AF_INET;
	pump->address.sin_port = htons(PORT);
	if (inet_pton(AF_INET, text, &pump->address.sin_addr) != 1)
		errx(2, "%s is no IPv4 address", text);
}

static const struct option long_options[] = {
	{ "from", required_argument, NULL, 'f' },
	{ "to", required_argument, NULL, 't' },
	{ "device", required_argument, NULL, 'd' },
	{ "address", required_argument, NULL, 'a' },
	{ "flows", required_argument, NULL, 'n' },
	{ "count", required_argument, NULL, 'c' },
	{},
};

static void usage(void)
{
	errx(2, "usage: pump udp|tcp|rr --from NETNS --to NETNS --address ADDRESS [--flows N] "
		"[--count N], or pump drop --to NETNS --device DEVICE");
}

static void take_option(struct pump *pump, int letter)
{
	switch (letter) {
	case 'f':
		pump->from = optarg;
		break;
	case 't':
		pump->to = optarg;
		break;
	case 'd':
		pump->device = optarg;
		break;
	case 'a':
		set_address(pump, optarg);
		break;
	case 'n':
		pump->flows = (unsigned)number("flows", optarg, PUMP_FLOWS_MAX);
		break;
	case 'c':
		pump->count = number("count", optarg, UINT64_C(1) << 40);
		break;
	default:
		usage();
	}
}

struct kind {
	const char *name;
	uint64_t (*run)(const struct pump *pump);
};

static const struct kind kinds[] = {
	{ "udp", pump_udp },
	{ "tcp", pump_tcp },
	{ "rr", pump_round_trips },
};

static int run(const char *name, const struct pump *pump)
{
	if (!pump->from || !pump->to || !pump->address.sin_family)
		usage();
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(name, kinds[i].name) == 0) {
			uint64_t ns = kinds[i].run(pump);

			printf("{\"count\": %" PRIu64 ", \"ns\": %" PRIu64 "}\n", pump->count, ns);
			return 0;
		}
	usage();
	return 2;
}

int main(int argc, char *argv[])
{
	struct pump pump = { .flows = 1, .count = 1000 };
	int letter;

	while ((letter = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		take_option(&pump, letter);
	if (optind + 1 != argc)
		usage();
	stay_on_one_processor();
	if (strcmp(argv[optind], "drop") != 0)
		return run(argv[optind], &pump);
	if (!pump.to || !pump.device)
		usage();
	pump_drop(&pump);
	return 0;
}
