/* The log: to the journal with fields when systemd started us, else to standard error. Messages
 * are queued for a thread of their own, because neither the journal nor a terminal may ever hold
 * up the caller. Only programs log; lib/ and daemon/core never do. Safe from every thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The numbers are those of syslog(3). */
enum log_level {
	LOG_LEVEL_ERROR = 3,   /* Somebody must act. */
	LOG_LEVEL_WARNING = 4, /* Degraded. */
	LOG_LEVEL_NOTICE = 5,  /* The state of an object changed. */
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/* Journal fields beside the message; each may be NULL. */
struct log_fields {
	const char *message_id; /* 128 bits in hexadecimal, as in the catalog. */
	const char *team;
	const char *member;
	const char *reason;
};

/* Starts the log's thread. Before this, and when the thread cannot be had (negative errno),
 * messages are written at once. 'threshold': less important messages are dropped. */
int log_open(enum log_level threshold);

/* Writes out what is queued, for at most a second, and ends the thread. */
void log_close(void);

[[gnu::format(printf, 3, 4)]] void log_write(enum log_level level, const struct log_fields *fields,
					     const char *format, ...);

/* How many messages were dropped because the queue was full: a reader that stands still. */
uint64_t log_dropped(void);

#define log_error(...) log_write(LOG_LEVEL_ERROR, NULL, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, NULL, __VA_ARGS__)
#define log_notice(...) log_write(LOG_LEVEL_NOTICE, NULL, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, NULL, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, NULL, __VA_ARGS__)
