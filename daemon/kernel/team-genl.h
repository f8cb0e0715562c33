/* The options of the kernel's team driver, by generic netlink. libteam would do it one option in a
 * message, with a cache that can be older than what was set last, and with sockets that make
 * everybody's changes fail when they are not read (see team-device.h for what it does do here).
 * Requests wait for the kernel: a worker's business, one object for each thread. */
#pragma once

#include "lib/base/err.h"
#include "lib/base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum team_option_type {
	TEAM_OPTION_U32,
	TEAM_OPTION_S32,
	TEAM_OPTION_BOOL,
	TEAM_OPTION_BYTES, /* A string or binary: read only. */
};

struct team_option {
	const char *name;
	enum team_option_type type;
	int port;        /* ifindex, 0 where it is the team's. */
	bool is_array;   /* One of many of this name: */
	uint32_t index;  /* its number. */
	uint32_t number; /* Or a bool, or the bits of a signed one. */
	struct span bytes;
};

struct team_genl;

int team_genl_open(struct team_genl **ret, struct err *e);
void team_genl_close(struct team_genl *genl);

/* Strings and bytes are the callee's during the call only. */
typedef void team_option_seen(void *userdata, const struct team_option *option);

/* All options of the team with that ifindex. -ENODEV if there is no such team (any more). */
int team_genl_read(struct team_genl *genl, int ifindex, team_option_seen *seen, void *userdata,
		   struct err *e);

/* Sets options in their order, in one message. After a failure some may be set: those before the
 * one that was refused. team_genl_is_uncertain() of the result: the last one that was set is, too,
 * but somebody who listens did not hear of it. */
int team_genl_write(struct team_genl *genl, int ifindex, const struct team_option options[],
		    size_t n, struct err *e);

bool team_genl_is_uncertain(int r);

/* What changes, by whomever. Somebody has to listen: without anybody who does, the driver stops a
 * message after its first option. */
struct team_news;

struct team_news_listener {
	void (*option)(void *userdata, int team, const struct team_option *option);
	/* One came, has another link, or (removed) went. */
	void (*port)(void *userdata, int team, int ifindex, bool removed);
	void (*lost)(void *userdata); /* There was more than the socket holds. */
	void *userdata;
};

/* Fails with -ENOENT while the kernel has no team driver loaded. */
int team_news_open(struct team_news **ret, struct err *e);
void team_news_close(struct team_news *news);
int team_news_fd(const struct team_news *news);

/* Takes what is there, and does not wait. */
void team_news_take(struct team_news *news, const struct team_news_listener *listener);

static inline void team_genl_closep(struct team_genl **genl)
{
	team_genl_close(*genl);
}

static inline void team_news_closep(struct team_news **news)
{
	team_news_close(*news);
}
