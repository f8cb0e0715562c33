#include "daemon/kernel/link-monitor.h"

#include "daemon/kernel/link-dump.h"
#include "daemon/kernel/link-table.h"
#include "daemon/kernel/nl-socket.h"
#include "lib/base/cleanup.h"
#include "lib/base/nsec.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/socket.h>
#include <time.h>

/* Room for some thousands of messages: a host that stops all its machines at once. The kernel takes
 * memory only for what is waiting. */
#define RECEIVE_BUFFER (16 << 20)

/* A device with many virtual functions tells of them only when asked; what is sent is smaller. */
#define MESSAGE_SIZE (32 << 10)
#define BATCH 16

/* In one turn of the main loop, so that others get theirs. */
#define BATCHES 64

/* What goes wrong with a dump is memory: that becomes better with time only. */
#define RETRY_DELAY (100 * NSEC_PER_MS)

enum resync {
	RESYNC_NONE,
	RESYNC_WANTED,  /* To be submitted. */
	RESYNC_READING, /* The worker reads. */
	RESYNC_READ,    /* What was told before the end of the reading has yet to be taken in. */
};

struct buffer {
	_Alignas(struct nlmsghdr) uint8_t bytes[MESSAGE_SIZE];
};

/* What jobs refer to; outlives the monitor while there are some. The main thread's, but for
 * 'ethtool', which is the worker's. */
struct errand {
	struct link_monitor *monitor; /* NULL when it was freed. */
	struct ethtool *ethtool;
	unsigned n_jobs;
};

struct link_monitor {
	struct worker *worker;
	link_changed *changed;
	void *userdata;
	struct nl_sock *socket;
	struct link_table *table;
	struct errand *errand;
	bool started; /* Changes are told. */
	enum resync resync;
	bool again;   /* Messages were lost during the resync. */
	bool drained; /* Nothing was lost since the socket was last empty. */
	struct link_list list;
	uint64_t n_resyncs;
	struct buffer buffers[BATCH];
	struct sockaddr_nl from[BATCH];
	struct iovec iov[BATCH];
	struct mmsghdr messages[BATCH];
};

struct dump_job {
	struct errand *errand;
	struct link_list list;
	int r;
};

struct ask_job {
	struct errand *errand;
	struct link_answer answer;
};

static void free_errand(struct errand *errand)
{
	if (!errand || errand->n_jobs || errand->monitor)
		return;
	ethtool_close(errand->ethtool);
	free(errand);
}

static void end_job(struct errand *errand)
{
	errand->n_jobs--;
	free_errand(errand);
}

static void run_ask(void *userdata)
{
	struct ask_job *job = userdata;

	/* A device that cannot say it is one that does not know. */
	(void)ethtool_ask_settings(job->errand->ethtool, job->answer.ifindex,
				   &job->answer.settings);
}

static void ask_done(void *userdata)
{
	cleanup(freep) struct ask_job *job = userdata;
	struct link_monitor *monitor = job->errand->monitor;

	if (monitor)
		link_table_answer(monitor->table, &job->answer);
	end_job(job->errand);
}

static void ask_settings(struct link_monitor *monitor, const struct link *link)
{
	struct ask_job *job = calloc(1, sizeof(*job));

	/* Without memory the settings stay unknown until the next resync or carrier. */
	if (!job)
		return;
	job->errand = monitor->errand;
	job->answer.ifindex = link->ifindex;
	job->answer.carrier_up_count = link->carrier_up_count;
	if (worker_submit(monitor->worker, run_ask, ask_done, job) < 0)
		free(job);
	else
		monitor->errand->n_jobs++;
}

static bool has_new_carrier(const struct link *link, const struct link *before)
{
	return link && link->carrier && link->ethernet && !link->settings_known &&
	       (!before || !before->carrier || before->settings_known ||
		before->carrier_up_count != link->carrier_up_count);
}

static void on_changed(void *userdata, const struct link *link, const struct link *before)
{
	struct link_monitor *monitor = userdata;

	if (!monitor->started)
		return;
	if (has_new_carrier(link, before))
		ask_settings(monitor, link);
	monitor->changed(monitor->userdata, link, before);
}

static void lose(struct link_monitor *monitor)
{
	if (monitor->resync == RESYNC_NONE)
		monitor->resync = RESYNC_WANTED;
	else if (monitor->resync != RESYNC_WANTED)
		monitor->again = true;
}

static void lose_messages(struct link_monitor *monitor)
{
	monitor->n_resyncs++;
	lose(monitor);
}

static void take_message(struct link_monitor *monitor, struct nlmsghdr *message)
{
	struct link link;
	enum link_news news = link_parse(message, &link);

	if (news != LINK_NEWS_NONE && link_table_apply(monitor->table, news, &link) < 0)
		lose(monitor);
}

static void take_datagram(struct link_monitor *monitor, unsigned i)
{
	struct nlmsghdr *message = (struct nlmsghdr *)(void *)monitor->buffers[i].bytes;
	int left = (int)monitor->messages[i].msg_len;

	/* Processes may send to the group too; only the kernel is believed. */
	if (monitor->from[i].nl_pid != 0)
		return;
	if (monitor->messages[i].msg_hdr.msg_flags & MSG_TRUNC) {
		lose_messages(monitor);
		return;
	}
	for (; nlmsg_ok(message, left); message = nlmsg_next(message, &left))
		take_message(monitor, message);
}

/* How many, or a negative errno. */
static int receive_batch(struct link_monitor *monitor)
{
	int n;

	for (unsigned i = 0; i < BATCH; i++)
		monitor->messages[i].msg_hdr.msg_namelen = sizeof(struct sockaddr_nl);
	n = recvmmsg(nl_socket_get_fd(monitor->socket), monitor->messages, BATCH, MSG_DONTWAIT,
		     NULL);
	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++)
		take_datagram(monitor, (unsigned)i);
	return n;
}

/* Takes in what is there. Whether that was all. */
static bool receive(struct link_monitor *monitor)
{
	for (unsigned i = 0; i < BATCHES; i++) {
		int n = receive_batch(monitor);

		if (n == -ENOBUFS) {
			monitor->drained = false;
			lose_messages(monitor);
		} else if (n < 0 && n != -EINTR) {
			monitor->drained = true;
			return true;
		}
	}
	return false;
}

static void run_dump(void *userdata)
{
	const struct timespec delay = { .tv_nsec = RETRY_DELAY };
	struct dump_job *job = userdata;

	job->r = link_dump(&job->list);
	if (job->r < 0)
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &delay, NULL);
}

static void dump_done(void *userdata)
{
	cleanup(freep) struct dump_job *job = userdata;
	struct link_monitor *monitor = job->errand->monitor;

	if (monitor) {
		/* A list that could not be read to its end says at least what is in it. */
		if (job->r < 0 || !job->list.complete)
			monitor->again = true;
		monitor->list = job->list;
		job->list = (struct link_list){};
		monitor->resync = RESYNC_READ;
		link_monitor_dispatch(monitor);
	}
	link_list_fini(&job->list);
	end_job(job->errand);
}

/* After it has told of a loss the kernel goes on losing messages silently, until the socket is
 * empty; a reading from before would not make up for them. Without memory it is tried again at the
 * next event. */
static void submit_dump(struct link_monitor *monitor)
{
	struct dump_job *job;

	if (monitor->resync != RESYNC_WANTED || !monitor->drained)
		return;
	job = calloc(1, sizeof(*job));
	if (!job)
		return;
	job->errand = monitor->errand;
	if (worker_submit(monitor->worker, run_dump, dump_done, job) < 0) {
		free(job);
		return;
	}
	monitor->errand->n_jobs++;
	monitor->resync = RESYNC_READING;
	link_table_resync_begin(monitor->table);
}

static void end_resync(struct link_monitor *monitor)
{
	int r = link_table_resync_end(monitor->table, &monitor->list);

	link_list_fini(&monitor->list);
	monitor->resync = monitor->again || r < 0 ? RESYNC_WANTED : RESYNC_NONE;
	monitor->again = false;
}

void link_monitor_dispatch(struct link_monitor *monitor)
{
	bool all = receive(monitor);

	/* Only now is all in the table that was told before the worker had read: a list must not
	 * be followed by messages that are older. */
	if (all && monitor->resync == RESYNC_READ)
		end_resync(monitor);
	submit_dump(monitor);
}

void link_monitor_resync(struct link_monitor *monitor)
{
	lose(monitor);
	submit_dump(monitor);
}

void link_monitor_free(struct link_monitor *monitor)
{
	if (!monitor)
		return;
	if (monitor->errand) {
		monitor->errand->monitor = NULL;
		free_errand(monitor->errand);
	}
	nl_socket_free(monitor->socket);
	link_table_free(monitor->table);
	link_list_fini(&monitor->list);
	free(monitor);
}

DEFINE_CLEANUP(struct link_monitor, link_monitor_free)

static void prepare_messages(struct link_monitor *monitor)
{
	for (unsigned i = 0; i < BATCH; i++) {
		monitor->iov[i] = (struct iovec){ &monitor->buffers[i], MESSAGE_SIZE };
		monitor->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &monitor->from[i],
			.msg_iov = &monitor->iov[i],
			.msg_iovlen = 1,
		};
	}
}

static int subscribe(struct link_monitor *monitor, struct err *e)
{
	const int size = RECEIVE_BUFFER;
	int r, fd;

	monitor->socket = nl_socket_alloc();
	if (!monitor->socket)
		return err_errno(e, -ENOMEM, "cannot listen to rtnetlink");
	r = nl_connect(monitor->socket, NETLINK_ROUTE);
	if (r >= 0)
		r = nl_socket_set_nonblocking(monitor->socket);
	if (r < 0)
		return err_errno(e, nl_errno(r), "cannot listen to rtnetlink");
	fd = nl_socket_get_fd(monitor->socket);
	/* A smaller buffer only means more reading anew. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	r = nl_socket_add_membership(monitor->socket, RTNLGRP_LINK);
	return r < 0 ? err_errno(e, nl_errno(r), "cannot listen to changes of links") : 0;
}

static void ask_all(struct link_monitor *monitor, const struct link_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct link *link =
			link_table_by_index(monitor->table, list->links[i].ifindex);
		struct link_answer answer;

		if (!link || !link->carrier || !link->ethernet)
			continue;
		answer.ifindex = link->ifindex;
		answer.carrier_up_count = link->carrier_up_count;
		(void)ethtool_ask_settings(monitor->errand->ethtool, link->ifindex,
					   &answer.settings);
		link_table_answer(monitor->table, &answer);
	}
}

/* As in a resync; what is missing afterwards, one of those that follow brings. */
static int read_all(struct link_monitor *monitor, struct err *e)
{
	struct link_list list = {};
	int r;

	link_table_resync_begin(monitor->table);
	r = link_dump(&list);
	if (r >= 0) {
		while (!receive(monitor))
			;
		if (link_table_resync_end(monitor->table, &list) < 0)
			r = -ENOMEM;
		if (!list.complete)
			lose(monitor);
		ask_all(monitor, &list);
	}
	link_list_fini(&list);
	return r < 0 ? err_errno(e, r, "cannot read the network devices") : 0;
}

static int open_errand(struct link_monitor *monitor, struct err *e)
{
	monitor->errand = calloc(1, sizeof(*monitor->errand));
	if (!monitor->errand)
		return err_errno(e, -ENOMEM, "cannot ask network devices");
	monitor->errand->monitor = monitor;
	return ethtool_open(&monitor->errand->ethtool, e);
}

int link_monitor_new(struct worker *worker, link_changed *changed, void *userdata,
		     struct link_monitor **ret, struct err *e)
{
	cleanup(link_monitor_freep) struct link_monitor *monitor = calloc(1, sizeof(*monitor));
	int r;

	if (!monitor)
		return err_errno(e, -ENOMEM, "cannot watch network devices");
	monitor->worker = worker;
	monitor->changed = changed;
	monitor->userdata = userdata;
	prepare_messages(monitor);
	r = link_table_new(on_changed, monitor, &monitor->table);
	if (r < 0)
		return err_errno(e, r, "cannot watch network devices");
	r = open_errand(monitor, e);
	if (r >= 0)
		r = subscribe(monitor, e);
	if (r >= 0)
		r = read_all(monitor, e);
	if (r < 0)
		return r;
	monitor->started = true;
	submit_dump(monitor);
	*ret = steal_ptr(monitor);
	return 0;
}

int link_monitor_fd(const struct link_monitor *monitor)
{
	return nl_socket_get_fd(monitor->socket);
}

const struct link *link_monitor_by_index(const struct link_monitor *monitor, int ifindex)
{
	return link_table_by_index(monitor->table, ifindex);
}

const struct link *link_monitor_by_name(const struct link_monitor *monitor, const char *name)
{
	return link_table_by_name(monitor->table, name);
}

const struct link_table *link_monitor_table(const struct link_monitor *monitor)
{
	return monitor->table;
}

uint64_t link_monitor_resyncs(const struct link_monitor *monitor)
{
	return monitor->n_resyncs;
}
