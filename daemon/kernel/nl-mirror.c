#include "daemon/kernel/nl-mirror.h"

#include "daemon/kernel/nl-socket.h"
#include "lib/base/array.h"
#include "lib/base/cleanup.h"
#include "lib/base/nsec.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/socket.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* Room for ten thousand messages; the kernel takes memory only for what is waiting. */
#define RECEIVE_BUFFER (8 << 20)
#define MESSAGE_SIZE 8192

/* In one turn of the main loop, so that others get theirs. */
#define MESSAGES 512

/* Something always changes on a host that starts machines, but not for ever. */
#define TRIES 3

/* What goes wrong with a dump is memory: that becomes better with time only. */
#define RETRY_DELAY (100 * NSEC_PER_MS)

/* The largest entry of all kinds. */
#define ENTRY_SIZE 64

enum resync {
	RESYNC_NONE,
	RESYNC_WANTED,  /* To be submitted. */
	RESYNC_READING, /* The worker reads. */
	RESYNC_READ,    /* What was told before the end of the reading has yet to be taken in. */
};

/* What jobs refer to; outlives the mirror while there are some. The main thread's. */
struct errand {
	struct nl_mirror *mirror; /* NULL when it was freed. */
	unsigned n_jobs;
};

struct nl_mirror {
	const struct nl_mirror_kind *kind;
	struct worker *worker;
	struct nl_sock *socket;
	struct mirror_table *table;
	struct errand *errand;
	struct nl_mirror_scope scope;
	enum resync resync;
	bool again;   /* Messages were lost during the resync. */
	bool drained; /* Nothing was lost since the socket was last empty. */
	bool full;
	struct mirror_list list;
	uint64_t n_resyncs;
};

struct dump_job {
	struct errand *errand;
	const struct nl_mirror_kind *kind;
	struct nl_mirror_scope scope;
	struct mirror_list list;
	int r;
};

union entry {
	_Alignas(8) uint8_t bytes[ENTRY_SIZE];
};

static void lose(struct nl_mirror *mirror)
{
	if (mirror->resync == RESYNC_NONE)
		mirror->resync = RESYNC_WANTED;
	else if (mirror->resync != RESYNC_WANTED)
		mirror->again = true;
}

static void lose_messages(struct nl_mirror *mirror)
{
	mirror->n_resyncs++;
	lose(mirror);
}

static int apply(struct nl_mirror *mirror, enum nl_mirror_news news, const void *entry)
{
	switch (news) {
	case NL_MIRROR_NONE:
		return 0;
	case NL_MIRROR_IS:
		return mirror_table_put(mirror->table, entry);
	case NL_MIRROR_GONE:
		return mirror_table_remove(mirror->table, entry);
	}
	return 0;
}

static void take_message(struct nl_mirror *mirror, struct nlmsghdr *message)
{
	union entry entry = {};
	enum nl_mirror_news news = mirror->kind->parse(message, &mirror->scope, &entry);
	int r = apply(mirror, news, &entry);

	if (r == -ENOSPC)
		mirror->full = true;
	else if (r < 0)
		lose(mirror);
	/* There is room again for those that were left out. */
	if (mirror->full && mirror_table_count(mirror->table) < mirror->kind->table.max * 3 / 4)
		lose(mirror);
}

union buffer {
	struct nlmsghdr message;
	uint8_t bytes[MESSAGE_SIZE];
};

/* False: there was nothing more. */
static bool receive_one(struct nl_mirror *mirror)
{
	union buffer buffer;
	struct sockaddr_nl from = {};
	socklen_t size = sizeof(from);
	ssize_t n = recvfrom(nl_socket_get_fd(mirror->socket), &buffer, sizeof(buffer),
			     MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&from, &size);
	struct nlmsghdr *message = &buffer.message;
	int left = (int)n;

	if (n < 0 && errno == ENOBUFS) {
		mirror->drained = false;
		lose_messages(mirror);
		return true;
	}
	if (n < 0)
		return errno == EINTR;
	/* Processes may send to the group too; only the kernel is believed. */
	if (from.nl_pid != 0)
		return true;
	if (n > (ssize_t)sizeof(buffer)) {
		lose_messages(mirror);
		return true;
	}
	for (; nlmsg_ok(message, left); message = nlmsg_next(message, &left))
		take_message(mirror, message);
	return true;
}

/* Takes in what is there. Whether that was all. */
static bool receive(struct nl_mirror *mirror)
{
	for (unsigned i = 0; i < MESSAGES; i++)
		if (!receive_one(mirror)) {
			mirror->drained = true;
			return true;
		}
	return false;
}

static int take_listed(struct nl_msg *message, void *userdata)
{
	struct dump_job *job = userdata;
	union entry entry = {};

	if (job->kind->parse(nlmsg_hdr(message), &job->scope, &entry) == NL_MIRROR_IS &&
	    job->r == 0)
		job->r = mirror_list_add(&job->list, &job->kind->table, &entry);
	return NL_OK;
}

static int dump_once(struct dump_job *job)
{
	cleanup(nl_socket_freep) struct nl_sock *socket = nl_socket_alloc();
	int r;

	job->list.n = 0;
	job->r = 0;
	if (!socket)
		return -ENOMEM;
	r = nl_connect(socket, NETLINK_ROUTE);
	if (r < 0)
		return nl_errno(r);
	(void)nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, take_listed, job);
	r = nl_send_simple(socket, job->kind->dump_type, NLM_F_DUMP,
			   (void *)(uintptr_t)job->kind->request, job->kind->request_size);
	if (r >= 0)
		r = nl_recvmsgs_default(socket);
	return r < 0 ? nl_errno(r) : job->r;
}

static void run_dump(void *userdata)
{
	const struct timespec delay = { .tv_nsec = RETRY_DELAY };
	struct dump_job *job = userdata;
	int r = -EINTR;

	/* -EINTR: something changed meanwhile, so that an entry may be missing. */
	for (int i = 0; i < TRIES && r == -EINTR; i++)
		r = dump_once(job);
	job->list.complete = r == 0;
	job->r = r;
	if (r < 0 && r != -EINTR && r != -ENOSPC)
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &delay, NULL);
}

static void free_errand(struct errand *errand)
{
	if (errand && !errand->n_jobs && !errand->mirror)
		free(errand);
}

static void dump_done(void *userdata)
{
	cleanup(freep) struct dump_job *job = userdata;
	struct nl_mirror *mirror = job->errand->mirror;

	if (mirror) {
		/* A list with more than fits will have no less the next time. */
		mirror->full = job->r == -ENOSPC;
		if (!job->list.complete && !mirror->full)
			mirror->again = true;
		mirror->list = job->list;
		job->list = (struct mirror_list){};
		mirror->resync = RESYNC_READ;
		nl_mirror_dispatch(mirror);
	}
	mirror_list_fini(&job->list);
	job->errand->n_jobs--;
	free_errand(job->errand);
}

/* After it has told of a loss the kernel goes on losing messages silently, until the socket is
 * empty; a reading from before would not make up for them. Without memory it is tried again at the
 * next event. */
static void submit_dump(struct nl_mirror *mirror)
{
	struct dump_job *job;

	if (mirror->resync != RESYNC_WANTED || !mirror->drained)
		return;
	job = calloc(1, sizeof(*job));
	if (!job)
		return;
	*job = (struct dump_job){ mirror->errand, mirror->kind, mirror->scope, {}, 0 };
	if (worker_submit(mirror->worker, run_dump, dump_done, job) < 0) {
		free(job);
		return;
	}
	mirror->errand->n_jobs++;
	mirror->resync = RESYNC_READING;
	mirror_table_resync_begin(mirror->table);
}

static void end_resync(struct nl_mirror *mirror)
{
	int r = mirror_table_resync_end(mirror->table, &mirror->list);

	mirror_list_fini(&mirror->list);
	mirror->full |= r == -ENOSPC;
	mirror->resync = mirror->again || r == -ENOMEM ? RESYNC_WANTED : RESYNC_NONE;
	mirror->again = false;
}

void nl_mirror_dispatch(struct nl_mirror *mirror)
{
	bool all = receive(mirror);

	/* Only now is all in the table that was told before the worker had read: a list must not
	 * be followed by messages that are older. */
	if (all && mirror->resync == RESYNC_READ)
		end_resync(mirror);
	submit_dump(mirror);
}

void nl_mirror_set_scope(struct nl_mirror *mirror, const struct nl_mirror_scope *scope)
{
	mirror->scope = *scope;
	lose(mirror);
	submit_dump(mirror);
}

void nl_mirror_free(struct nl_mirror *mirror)
{
	if (!mirror)
		return;
	if (mirror->errand) {
		mirror->errand->mirror = NULL;
		free_errand(mirror->errand);
	}
	nl_socket_free(mirror->socket);
	mirror_table_free(mirror->table);
	mirror_list_fini(&mirror->list);
	free(mirror);
}

DEFINE_CLEANUP(struct nl_mirror, nl_mirror_free)

static int set_up_socket(int fd, const struct nl_mirror_kind *kind)
{
	const int size = RECEIVE_BUFFER;

	/* A smaller buffer only means more reading anew. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (kind->filter &&
	    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, kind->filter, sizeof(*kind->filter)) < 0)
		return -errno;
	return 0;
}

static int subscribe(struct nl_mirror *mirror)
{
	int r;

	mirror->socket = nl_socket_alloc();
	if (!mirror->socket)
		return -ENOMEM;
	r = nl_connect(mirror->socket, NETLINK_ROUTE);
	if (r >= 0)
		r = nl_socket_set_nonblocking(mirror->socket);
	if (r < 0)
		return nl_errno(r);
	r = set_up_socket(nl_socket_get_fd(mirror->socket), mirror->kind);
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(mirror->kind->groups); i++)
		if (mirror->kind->groups[i])
			r = nl_errno(nl_socket_add_membership(mirror->socket,
							      (int)mirror->kind->groups[i]));
	return r;
}

int nl_mirror_new(const struct nl_mirror_kind *kind, struct worker *worker, mirror_changed *changed,
		  void *userdata, struct nl_mirror **ret, struct err *e)
{
	cleanup(nl_mirror_freep) struct nl_mirror *mirror = calloc(1, sizeof(*mirror));
	int r = mirror ? mirror_table_new(&kind->table, changed, userdata, &mirror->table)
		       : -ENOMEM;

	if (r == 0) {
		mirror->kind = kind;
		mirror->worker = worker;
		mirror->drained = true;
		mirror->errand = calloc(1, sizeof(*mirror->errand));
		r = mirror->errand ? subscribe(mirror) : -ENOMEM;
	}
	if (r < 0)
		return err_errno(e, r, "cannot listen to changes of %s", kind->what);
	mirror->errand->mirror = mirror;
	*ret = steal_ptr(mirror);
	return 0;
}

int nl_mirror_fd(const struct nl_mirror *mirror)
{
	return nl_socket_get_fd(mirror->socket);
}

void nl_mirror_forget(struct nl_mirror *mirror)
{
	mirror_table_clear(mirror->table);
}

const struct mirror_table *nl_mirror_table(const struct nl_mirror *mirror)
{
	return mirror->table;
}

uint64_t nl_mirror_resyncs(const struct nl_mirror *mirror)
{
	return mirror->n_resyncs;
}

bool nl_mirror_is_full(const struct nl_mirror *mirror)
{
	return mirror->full;
}
