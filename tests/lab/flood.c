/* Sends the same few frames out of a device, over and over, as fast as is asked for: a partner that
 * has gone mad. "flood DEVICE RATE SECONDS FRAME…", the frames in hexadecimal digits. Run in the
 * device's network namespace; tells what it did as one line of JSON. */
#include <arpa/inet.h>
#include <err.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define FRAMES 16
#define FRAME_SIZE 1514
#define BATCH 256

struct flood {
	int fd;
	unsigned n_frames;
	struct iovec frames[FRAMES];
	uint64_t sent;
	uint64_t refused;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void read_frame(struct iovec *frame, const char *text)
{
	static uint8_t bytes[FRAMES][FRAME_SIZE];
	static unsigned n;
	size_t size = strlen(text) / 2;

	if (size < ETH_HLEN || size > FRAME_SIZE || strlen(text) % 2)
		errx(2, "a frame of %d to %d bytes is expected", ETH_HLEN, FRAME_SIZE);
	for (size_t i = 0; i < size; i++) {
		char digits[3] = { text[2 * i], text[2 * i + 1], '\0' };
		char *end;

		bytes[n][i] = (uint8_t)strtoul(digits, &end, 16);
		if (*end != '\0')
			errx(2, "%s are no hexadecimal digits", digits);
	}
	*frame = (struct iovec){ .iov_base = bytes[n++], .iov_len = size };
}

static int open_device(const char *name)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET,
				       .sll_ifindex = (int)if_nametoindex(name) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0 || !address.sll_ifindex ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		err(2, "cannot send out of %s", name);
	return fd;
}

static void send_batch(struct flood *flood, unsigned n)
{
	struct mmsghdr messages[BATCH] = {};
	int r;

	for (unsigned i = 0; i < n; i++) {
		messages[i].msg_hdr.msg_iov =
			&flood->frames[(flood->sent + flood->refused + i) % flood->n_frames];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	r = sendmmsg(flood->fd, messages, n, MSG_DONTWAIT);
	flood->sent += r > 0 ? (uint64_t)r : 0;
	flood->refused += n - (r > 0 ? (unsigned)r : 0);
}

static double run(struct flood *flood, double rate, double seconds)
{
	double start = now();
	double passed = 0;

	while (passed < seconds) {
		double due = rate * passed - (double)(flood->sent + flood->refused);

		if (due >= 1)
			send_batch(flood, due < BATCH ? (unsigned)due : BATCH);
		else
			nanosleep(&(struct timespec){ .tv_nsec = 500000 }, NULL);
		passed = now() - start;
	}
	return passed;
}

int main(int argc, char *argv[])
{
	struct flood flood = {};
	double seconds;

	if (argc < 5 || argc > 4 + FRAMES)
		errx(2, "usage: flood DEVICE RATE SECONDS FRAME…");
	flood.n_frames = (unsigned)argc - 4;
	for (unsigned i = 0; i < flood.n_frames; i++)
		read_frame(&flood.frames[i], argv[4 + i]);
	flood.fd = open_device(argv[1]);
	seconds = run(&flood, strtod(argv[2], NULL), strtod(argv[3], NULL));
	printf("{\"sent\": %llu, \"refused\": %llu, \"seconds\": %.3f, \"rate\": %.0f}\n",
	       (unsigned long long)flood.sent, (unsigned long long)flood.refused, seconds,
	       (double)flood.sent / seconds);
	return 0;
}
