/* Traffic whose loss is known exactly: "traffic udp" sends numbered datagrams at a steady rate on
 * many flows, "traffic tcp" transfers bytes whose value follows from their place. Both tell the
 * result as one line of JSON; see traffic.h. */
#include "tests/lab/traffic.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

atomic_bool traffic_stop;

uint64_t traffic_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * TRAFFIC_NSEC + (uint64_t)t.tv_nsec;
}

void traffic_sleep_until(uint64_t when)
{
	struct timespec t = { .tv_sec = (time_t)(when / TRAFFIC_NSEC),
			      .tv_nsec = (long)(when % TRAFFIC_NSEC) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR && !traffic_stop)
		;
}

void traffic_enter(const char *netns)
{
	int fd;

	if (!netns)
		return;
	fd = open(netns, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		err(2, "cannot enter %s", netns);
	close(fd);
}

int traffic_socket(const struct traffic_options *options, int type)
{
	int fd = socket(options->address.ss_family, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		err(2, "cannot make a socket");
	return fd;
}

void traffic_set_port(struct sockaddr_storage *address, unsigned port)
{
	in_port_t value = htons((uint16_t)port);

	if (address->ss_family == AF_INET6)
		((struct sockaddr_in6 *)address)->sin6_port = value;
	else
		((struct sockaddr_in *)address)->sin_port = value;
}

struct sockaddr_storage traffic_any_address(const struct traffic_options *options, unsigned port)
{
	struct sockaddr_storage any = { .ss_family = options->address.ss_family };

	traffic_set_port(&any, port);
	return any;
}

static void stop(int number)
{
	traffic_stop = true;
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = stop };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void set_address(struct traffic_options *options, const char *text)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&options->address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&options->address;

	options->address_text = text;
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		options->address_size = sizeof(*v4);
	} else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		options->address_size = sizeof(*v6);
	} else {
		errx(2, "%s is no address", text);
	}
}

static double number(const char *option, const char *text, double least, double most)
{
	char *end;
	double value = strtod(text, &end);

	if (*text == '\0' || *end != '\0' || !(value >= least && value <= most))
		errx(2, "--%s: a number from %.0f to %.0f is expected, not %s", option, least, most,
		     text);
	return value;
}

static const struct option long_options[] = {
	{ "from", required_argument, NULL, 'f' },
	{ "to", required_argument, NULL, 't' },
	{ "address", required_argument, NULL, 'a' },
	{ "port", required_argument, NULL, 'p' },
	{ "flows", required_argument, NULL, 'n' },
	{ "rate", required_argument, NULL, 'r' },
	{ "seconds", required_argument, NULL, 's' },
	{ "size", required_argument, NULL, 'b' },
	{ "segments", required_argument, NULL, 'g' },
	{ "first-port", required_argument, NULL, 'o' },
	{ "bytes", required_argument, NULL, 'c' },
	{},
};

static void take_option(struct traffic_options *options, int letter, const char *name)
{
	switch (letter) {
	case 'f':
		options->from = optarg;
		break;
	case 't':
		options->to = optarg;
		break;
	case 'a':
		set_address(options, optarg);
		break;
	case 'n':
		options->flows = (unsigned)number(name, optarg, 1, TRAFFIC_FLOWS_MAX);
		break;
	case 'r':
		options->rate = (unsigned)number(name, optarg, 1, 1000000);
		break;
	case 's':
		options->seconds = number(name, optarg, 0, 600);
		break;
	case 'b':
		options->size = (unsigned)number(name, optarg, 32, 65000);
		break;
	case 'g':
		options->segments = (unsigned)number(name, optarg, 1, 64);
		break;
	case 'o':
		options->first_port = (unsigned)number(name, optarg, 1, 65535 - TRAFFIC_FLOWS_MAX);
		break;
	case 'c':
		options->bytes = (uint64_t)number(name, optarg, 1, 1e12);
		break;
	default:
		errx(2, "usage: traffic udp|tcp --address ADDRESS --port PORT [OPTION…]");
	}
}

static struct traffic_options parse(int argc, char *argv[])
{
	struct traffic_options options = { .flows = 1,
					   .rate = 1000,
					   .seconds = 10,
					   .size = 64,
					   .segments = 1,
					   .first_port = 20000,
					   .bytes = 1000000 };
	unsigned port = 5000;
	int letter;
	int index = 0;

	while ((letter = getopt_long(argc, argv, "", long_options, &index)) != -1) {
		if (letter == 'p')
			port = (unsigned)number("port", optarg, 1, 65535);
		else
			take_option(&options, letter, long_options[index].name);
	}
	if (!options.address_size)
		errx(2, "--address is missing");
	if (options.size * options.segments > 65000)
		errx(2, "--size times --segments is more than 65000");
	traffic_set_port(&options.address, port);
	return options;
}

int main(int argc, char *argv[])
{
	struct traffic_options options;

	if (argc < 2)
		errx(2, "usage: traffic udp|tcp --address ADDRESS --port PORT [OPTION…]");
	options = parse(argc - 1, argv + 1);
	catch_signals();
	prctl(PR_SET_TIMERSLACK, 1000);
	if (strcmp(argv[1], "udp") == 0)
		return traffic_udp(&options);
	if (strcmp(argv[1], "tcp") == 0)
		return traffic_tcp(&options);
	errx(2, "%s: udp or tcp is expected", argv[1]);
}
