/* A table of the kernel's that rtnetlink tells of, kept as a picture that is right again after
 * messages were lost. The main thread's part never sleeps; dumps are jobs of the worker. */
#pragma once

#include "daemon/kernel/mirror-table.h"
#include "daemon/kernel/worker.h"
#include "lib/base/err.h"

struct nlmsghdr;
struct sock_fprog;

#define NL_MIRROR_SCOPE_MAX 256

/* The devices whose entries are wanted; what that means is the parser's business. */
struct nl_mirror_scope {
	unsigned n;
	int ifindexes[NL_MIRROR_SCOPE_MAX];
};

enum nl_mirror_news {
	NL_MIRROR_NONE, /* Of something else, out of the scope, or malformed. */
	NL_MIRROR_IS,
	NL_MIRROR_GONE, /* The key is filled in. */
};

struct nl_mirror_kind {
	const char *what; /* Completes "cannot listen to changes of". */
	struct mirror_kind table;
	int dump_type;       /* RTM_GET… */
	const void *request; /* What follows the header of the dump's request. */
	size_t request_size;
	unsigned groups[3];              /* RTNLGRP_…, 0 after the last. */
	const struct sock_fprog *filter; /* At the socket of news; NULL: none. */
	/* 'message' has at least nlmsg_len bytes; 'entry' is all zeroes. Called by the worker, too.
	 */
	enum nl_mirror_news (*parse)(struct nlmsghdr *message, const struct nl_mirror_scope *scope,
				     void *entry);
};

struct nl_mirror;

/* Opens the socket; nothing is read before the scope is set. What is found comes by 'changed'. */
int nl_mirror_new(const struct nl_mirror_kind *kind, struct worker *worker, mirror_changed *changed,
		  void *userdata, struct nl_mirror **ret, struct err *e);
void nl_mirror_free(struct nl_mirror *mirror);
int nl_mirror_fd(const struct nl_mirror *mirror);

/* Reads what is there and calls 'changed'. */
void nl_mirror_dispatch(struct nl_mirror *mirror);

/* These devices are wanted from now on: entries of all others are forgotten, and all is read anew.
 */
void nl_mirror_set_scope(struct nl_mirror *mirror, const struct nl_mirror_scope *scope);

/* Forgets all entries, and tells it; the next dispatch does not bring them back. */
void nl_mirror_forget(struct nl_mirror *mirror);

const struct mirror_table *nl_mirror_table(const struct nl_mirror *mirror);

/* How often everything was read again, and whether entries were left out for want of room. */
uint64_t nl_mirror_resyncs(const struct nl_mirror *mirror);
bool nl_mirror_is_full(const struct nl_mirror *mirror);
