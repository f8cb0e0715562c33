/* The counter of copies: commands, and the loop that sends and hears. "copies SECONDS": for so long
 * at most; it ends with its standard input. See copies.h. */
#include "tests/lab/copies.h"

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WORDS_MAX 12
#define LINE_SIZE 512
/* Frames sent before anything else is looked at. */
#define BURST 32

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * COPIES_NSEC + (uint64_t)t.tv_nsec;
}

[[gnu::format(printf, 1, 2)]] static int refuse(const char *format, ...)
{
	va_list arguments;

	printf("{\"error\": \"");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\"}\n");
	return -EINVAL;
}

static struct copies_end *find_end(struct copies *copies, const char *name)
{
	for (unsigned i = 0; i < copies->n_ends; i++) {
		if (strcmp(copies->ends[i].name, name) == 0)
			return &copies->ends[i];
	}
	return NULL;
}

/* A free one for the empty name. */
static struct copies_stream *find_stream(struct copies *copies, const char *name)
{
	for (unsigned i = 0; i < COPIES_STREAMS; i++) {
		if (strcmp(copies->streams[i].name, name) == 0)
			return &copies->streams[i];
	}
	return NULL;
}

static void drain_all(struct copies *copies)
{
	for (unsigned i = 0; i < copies->n_ends; i++)
		copies_end_drain(copies, i);
}

static bool read_mac(const char *text, uint8_t mac[COPIES_MAC])
{
	return sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3],
		      &mac[4], &mac[5]) == COPIES_MAC;
}

static bool read_number(const char *text, uint32_t least, uint32_t most, uint32_t *ret)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	*ret = (uint32_t)value;
	return *text != '\0' && *end == '\0' && value >= least && value <= most;
}

static bool read_form(const char *text, enum copies_form *ret)
{
	static const char *const names[] = { "raw", "v4", "v6" };

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(text, names[i]) == 0) {
			*ret = (enum copies_form)i;
			return true;
		}
	}
	return false;
}

static bool read_option(struct copies_stream *stream, const char *text)
{
	uint32_t value = 0;

	if (strncmp(text, "from=", 5) == 0)
		return read_mac(text + 5, stream->source);
	if (strncmp(text, "flows=", 6) == 0)
		return read_number(text + 6, 1, 40000, &stream->flows);
	if (strncmp(text, "vlan=", 5) != 0 || !read_number(text + 5, 1, 4094, &value))
		return false;
	stream->vlan = (uint16_t)value;
	return true;
}

static int open_end(struct copies *copies, char *words[])
{
	int r = copies_end_open(copies, words[1], words[2], words[3]);

	if (r < 0)
		return refuse("%s: %s", words[1], strerror(-r));
	printf("{}\n");
	return 0;
}

static int begin(struct copies *copies, char *words[])
{
	struct copies_stream *stream = find_stream(copies, "");
	struct copies_end *end = find_end(copies, words[2]);
	struct copies_stream wish = { .flows = 1 };

	if (!stream || !end || find_stream(copies, words[1]))
		return refuse("%s: no such end, no room or not a new name", words[1]);
	if (!read_mac(words[3], wish.destination) || !read_form(words[4], &wish.form) ||
	    !read_number(words[5], 1, COPIES_FRAMES, &wish.count) ||
	    !read_number(words[6], 1, 200000, &wish.rate))
		return refuse("%s: TO FORM COUNT RATE", words[1]);
	memcpy(wish.source, end->mac, COPIES_MAC);
	for (unsigned i = 7; words[i]; i++) {
		if (!read_option(&wish, words[i]))
			return refuse("%s is no option", words[i]);
	}
	strncpy(wish.name, words[1], sizeof(wish.name) - 1);
	wish.from = (unsigned)(end - copies->ends);
	wish.serial = ++copies->serials;
	wish.start = now();
	*stream = wish;
	printf("{}\n");
	return 0;
}

static int stop(struct copies *copies, char *words[])
{
	struct copies_stream *stream = find_stream(copies, words[1]);

	if (!stream)
		return refuse("%s is no stream", words[1]);
	stream->count = stream->sent;
	printf("{}\n");
	return 0;
}

static int report(struct copies *copies, char *words[])
{
	struct copies_stream *stream = find_stream(copies, words[1]);

	if (!stream)
		return refuse("%s is no stream", words[1]);
	drain_all(copies);
	copies_tell_stream(copies, stream);
	return 0;
}

static int forget(struct copies *copies, char *words[])
{
	struct copies_stream *stream = find_stream(copies, words[1]);

	if (!stream)
		return refuse("%s is no stream", words[1]);
	for (unsigned i = 0; i < COPIES_ENDS; i++) {
		free(stream->heard[i]);
		free(stream->newest[i]);
	}
	*stream = (struct copies_stream){};
	printf("{}\n");
	return 0;
}

static int talkers(struct copies *copies, char *words[])
{
	struct copies_end *end = find_end(copies, words[1]);

	if (!end)
		return refuse("%s is no end", words[1]);
	drain_all(copies);
	copies_tell_talkers(end);
	return 0;
}

static const struct {
	const char *name;
	unsigned n_words;
	int (*function)(struct copies *copies, char *words[]);
} commands[] = {
	{ "end", 4, open_end },  { "send", 7, begin },    { "stop", 2, stop },
	{ "report", 2, report }, { "forget", 2, forget }, { "talkers", 2, talkers },
};

static void obey(struct copies *copies, char *line)
{
	char *words[WORDS_MAX + 1] = {};
	char *rest = NULL;
	unsigned n = 0;

	for (char *word = strtok_r(line, " \n", &rest); word && n < WORDS_MAX;
	     word = strtok_r(NULL, " \n", &rest))
		words[n++] = word;
	for (unsigned i = 0; n && i < sizeof(commands) / sizeof(*commands); i++) {
		if (strcmp(words[0], commands[i].name) != 0 || n < commands[i].n_words)
			continue;
		commands[i].function(copies, words);
		fflush(stdout);
		return;
	}
	refuse("no such command");
	fflush(stdout);
}

static void send_one(struct copies *copies, struct copies_stream *stream)
{
	uint8_t frame[COPIES_FRAME_SIZE];
	size_t size = copies_write(copies, stream, stream->sent, frame);

	if (send(copies->ends[stream->from].fd, frame, size, 0) < 0)
		stream->refused++;
	stream->sent++;
}

/* What is due, by the clock and not after the one before it; returns when the next one is. */
static uint64_t send_due(struct copies *copies, struct copies_stream *stream, uint64_t time)
{
	for (unsigned i = 0; i < BURST && stream->sent < stream->count; i++) {
		uint64_t due = stream->start + stream->sent * COPIES_NSEC / stream->rate;

		if (due > time)
			return due;
		send_one(copies, stream);
	}
	return stream->sent < stream->count ? time : UINT64_MAX;
}

static uint64_t send_all_due(struct copies *copies)
{
	uint64_t time = now();
	uint64_t next = time + COPIES_NSEC;

	for (unsigned i = 0; i < COPIES_STREAMS; i++) {
		uint64_t due = UINT64_MAX;

		if (*copies->streams[i].name)
			due = send_due(copies, &copies->streams[i], time);
		next = due < next ? due : next;
	}
	return next;
}

/* Waits for frames, a command or the time of the next frame. False: there are no more commands. */
static bool turn(struct copies *copies, uint64_t until)
{
	static char line[LINE_SIZE];
	struct pollfd waits[COPIES_ENDS + 1] = { { .fd = STDIN_FILENO, .events = POLLIN } };
	uint64_t time = now();
	uint64_t pause = until > time ? until - time : 0;
	struct timespec patience = { .tv_sec = (time_t)(pause / COPIES_NSEC),
				     .tv_nsec = (long)(pause % COPIES_NSEC) };

	for (unsigned i = 0; i < copies->n_ends; i++)
		waits[i + 1] = (struct pollfd){ .fd = copies->ends[i].fd, .events = POLLIN };
	if (ppoll(waits, copies->n_ends + 1, &patience, NULL) < 0)
		return errno == EINTR;
	for (unsigned i = 0; i < copies->n_ends; i++) {
		/* An error that waits, as of a device that went down, is taken by reading. */
		if (waits[i + 1].revents)
			copies_end_drain(copies, i);
	}
	if (!waits[0].revents)
		return true;
	if (!fgets(line, sizeof(line), stdin))
		return false;
	obey(copies, line);
	return true;
}

int main(int argc, char *argv[])
{
	static struct copies copies;
	uint32_t seconds;

	if (argc != 2 || !read_number(argv[1], 1, 3600, &seconds))
		errx(2, "usage: copies SECONDS");
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	alarm(seconds);
	setvbuf(stdin, NULL, _IONBF, 0);
	if (getrandom(&copies.run, sizeof(copies.run), 0) != sizeof(copies.run))
		err(2, "no random number");
	while (turn(&copies, send_all_due(&copies)))
		;
	for (unsigned i = 0; i < copies.n_ends; i++)
		copies_end_close(&copies.ends[i]);
	return 0;
}
