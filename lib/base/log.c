#include "lib/base/log.h"

#include "lib/base/array.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <time.h>
#include <unistd.h>

#define QUEUE_SIZE 256
#define MESSAGE_SIZE 640
#define FIELD_SIZE 48

struct entry {
	enum log_level level;
	struct timespec when;
	char message_id[FIELD_SIZE];
	char team[FIELD_SIZE];
	char member[FIELD_SIZE];
	char reason[FIELD_SIZE];
	char text[MESSAGE_SIZE];
};

/* The one place of the project with state of its own beside the objects: what is logged has no
 * owner. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	pthread_cond_t emptied;
	pthread_t thread;
	bool running;
	bool closing;
	bool writing; /* An entry has left the queue and is not out yet. */
	bool journal;
	enum log_level threshold;
	unsigned first;
	unsigned n;
	uint64_t dropped;
	struct entry queue[QUEUE_SIZE];
} state = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.filled = PTHREAD_COND_INITIALIZER,
	.emptied = PTHREAD_COND_INITIALIZER,
	.threshold = LOG_LEVEL_INFO,
};

static const char *level_name(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR:
		return "error";
	case LOG_LEVEL_WARNING:
		return "warning";
	case LOG_LEVEL_NOTICE:
		return "notice";
	case LOG_LEVEL_INFO:
		return "info";
	case LOG_LEVEL_DEBUG:
		return "debug";
	}
	return "unknown";
}

/* Whether standard error is the journal's: systemd tells by device and inode. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	if (!stream || sscanf(stream, "%llu:%llu", &device, &inode) != 2)
		return false;
	return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

struct field {
	char text[MESSAGE_SIZE + 16];
};

static void add_field(struct field *fields, struct iovec *iov, int *n, const char *name,
		      const char *value)
{
	int size;

	if (!*value)
		return;
	size = snprintf(fields[*n].text, sizeof(fields[*n].text), "%s=%s", name, value);
	if (size < 0)
		return;
	iov[*n] = (struct iovec){ fields[*n].text, strlen(fields[*n].text) };
	(*n)++;
}

static void write_journal(const struct entry *entry)
{
	struct field fields[8];
	struct iovec iov[ARRAY_SIZE(fields)];
	char priority[4];
	int n = 0;

	(void)snprintf(priority, sizeof(priority), "%d", (int)entry->level);
	add_field(fields, iov, &n, "MESSAGE", entry->text);
	add_field(fields, iov, &n, "PRIORITY", priority);
	add_field(fields, iov, &n, "SYSLOG_IDENTIFIER", program_invocation_short_name);
	add_field(fields, iov, &n, "MESSAGE_ID", entry->message_id);
	add_field(fields, iov, &n, "TEAM", entry->team);
	add_field(fields, iov, &n, "MEMBER", entry->member);
	add_field(fields, iov, &n, "INTERFACE", *entry->member ? entry->member : entry->team);
	add_field(fields, iov, &n, "REASON", entry->reason);
	(void)sd_journal_sendv(iov, n);
}

static void write_stderr(const struct entry *entry)
{
	struct tm tm;

	localtime_r(&entry->when.tv_sec, &tm);
	(void)fprintf(stderr, "%02d:%02d:%02d.%03ld %s: %s%s%s%s%s\n", tm.tm_hour, tm.tm_min,
		      tm.tm_sec, entry->when.tv_nsec / 1000000, level_name(entry->level),
		      entry->team, *entry->team && *entry->member ? "/" : "", entry->member,
		      *entry->team || *entry->member ? ": " : "", entry->text);
}

static void write_entry(const struct entry *entry)
{
	if (state.journal)
		write_journal(entry);
	else
		write_stderr(entry);
}

static void *run(void *unused)
{
	pthread_mutex_lock(&state.lock);
	for (;;) {
		struct entry entry;

		while (!state.n && !state.closing)
			pthread_cond_wait(&state.filled, &state.lock);
		if (!state.n)
			break;
		entry = state.queue[state.first];
		state.first = (state.first + 1) % QUEUE_SIZE;
		state.n--;
		state.writing = true;
		pthread_mutex_unlock(&state.lock);
		write_entry(&entry);
		pthread_mutex_lock(&state.lock);
		state.writing = false;
		if (!state.n)
			pthread_cond_broadcast(&state.emptied);
	}
	pthread_mutex_unlock(&state.lock);
	return NULL;
}

int log_open(enum log_level threshold)
{
	int r;

	state.threshold = threshold;
	state.journal = stderr_is_journal();
	state.closing = false;
	r = pthread_create(&state.thread, NULL, run, NULL);
	if (r != 0)
		return -r;
	(void)pthread_setname_np(state.thread, "log");
	state.running = true;
	return 0;
}

void log_close(void)
{
	struct timespec until;
	int r = 0;

	if (!state.running)
		return;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec++;
	pthread_mutex_lock(&state.lock);
	while ((state.n || state.writing) && r == 0)
		r = pthread_cond_timedwait(&state.emptied, &state.lock, &until);
	state.closing = true;
	state.running = false;
	pthread_cond_signal(&state.filled);
	pthread_mutex_unlock(&state.lock);
	/* A thread that is stuck in a write dies with the process. */
	if (r == 0)
		(void)pthread_join(state.thread, NULL);
	else
		(void)pthread_detach(state.thread);
}

static void copy_field(char to[static FIELD_SIZE], const char *from)
{
	(void)snprintf(to, FIELD_SIZE, "%s", from ? from : "");
}

static void fill_entry(struct entry *entry, enum log_level level, const struct log_fields *fields)
{
	static const struct log_fields none;

	if (!fields)
		fields = &none;
	entry->level = level;
	clock_gettime(CLOCK_REALTIME, &entry->when);
	copy_field(entry->message_id, fields->message_id);
	copy_field(entry->team, fields->team);
	copy_field(entry->member, fields->member);
	copy_field(entry->reason, fields->reason);
}

void log_write(enum log_level level, const struct log_fields *fields, const char *format, ...)
{
	struct entry entry;
	va_list args;

	if (level > state.threshold)
		return;
	fill_entry(&entry, level, fields);
	va_start(args, format);
	(void)vsnprintf(entry.text, sizeof(entry.text), format, args);
	va_end(args);

	pthread_mutex_lock(&state.lock);
	if (!state.running) {
		pthread_mutex_unlock(&state.lock);
		write_entry(&entry);
		return;
	}
	if (state.n == QUEUE_SIZE) {
		state.dropped++;
	} else {
		state.queue[(state.first + state.n) % QUEUE_SIZE] = entry;
		state.n++;
		pthread_cond_signal(&state.filled);
	}
	pthread_mutex_unlock(&state.lock);
}

uint64_t log_dropped(void)
{
	uint64_t dropped;

	pthread_mutex_lock(&state.lock);
	dropped = state.dropped;
	pthread_mutex_unlock(&state.lock);
	return dropped;
}
