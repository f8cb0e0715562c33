/* What the files of this room share: the server and its clients. */
#pragma once

#include "daemon/control/call.h"
#include "daemon/control/listen.h"
#include "daemon/control/peer.h"
#include "daemon/control/server.h"
#include "lib/ctl/frame.h"

#include <stdint.h>
#include <sys/queue.h>

#define CLIENTS_MAX 64
/* Some of them are kept free for those who may change something, and only few are for those who may
 * not even look: nobody can lock out the administrator. */
#define CLIENTS_RESERVED 4
#define STRANGERS_MAX 8
#define MESSAGE_MAX (64u * 1024)
#define OUTPUT_MAX (1024u * 1024)

struct session {
	TAILQ_ENTRY(session) link;
	struct control_server *server;
	struct peer peer;
	int fd;
	sd_event_source *io;
	sd_event_source *work;  /* Has the session go on in the loop's next turn. */
	sd_event_source *stall; /* While output waits. */
	struct ctl_frame_reader *reader;
	char *output;
	size_t output_size;
	size_t output_sent;
	struct call *call; /* The one being answered. */
	bool drained;      /* The reader has no whole message. */
	bool eof;          /* The client says no more. */
	bool closing;      /* Hang up when the output is out. */
	bool dead;         /* Hang up now. */
};

TAILQ_HEAD(session_list, session);

struct monitor;
TAILQ_HEAD(monitor_list, monitor);

struct control_server {
	sd_event *event;
	struct host *host;
	struct control_clock clock;
	uint64_t stall_us;
	struct listener listener;
	sd_event_source *accept;
	sd_event_source *resume; /* Accepts again after descriptors ran out. */
	struct access_groups groups;
	char *readers; /* Names of the groups, for sentences. */
	char *writers;
	struct session_list sessions;
	unsigned n_sessions;
	unsigned n_strangers;
	struct monitor_list monitors;
	unsigned listener_identity; /* While there are monitors. */
	uint64_t n_accepted;
	uint64_t n_refused; /* Too many. */
	uint64_t n_dropped; /* Did not read. */
	uint64_t complained_us;
	uint64_t n_uncomplained;
};

/* Logs, at most one line a second, why a client was treated badly. */
void server_complain(struct control_server *server, const struct peer *peer, const char *what);

/* Takes a connected socket for a new client; the descriptor is the server's from then on. */
int server_add_client(struct control_server *server, int fd, const struct peer *peer);

int session_new(struct control_server *server, int fd, const struct peer *peer,
		struct session **ret);
void session_free(struct session *session);

/* Queues what is to be sent. Never frees the session. */
void session_send(struct session *session, const json_t *message);
void session_send_bytes(struct session *session, const char *bytes, size_t size);

/* The call being answered is no more: the next one is due. */
void session_call_ended(struct session *session);

/* Streams the host's events in answer to 'call', only those of 'team' unless that is NULL. */
void monitor_start(struct call *call, const char *team);

nsec_t server_boottime(const struct control_server *server);
uint64_t server_realtime_us(const struct control_server *server);
