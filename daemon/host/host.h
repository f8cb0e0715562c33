/* All teams of the host, and what they share. Knows no event loop: whoever owns one calls the
 * functions below, and host_tick() when host_deadline() has come. */
#pragma once

#include "daemon/config/config.h"
#include "daemon/kernel/carrier-poller.h"
#include "daemon/team/team.h"
#include "lib/base/nsec.h"

struct host;

/* What happened, for the journal and for everyone who listens. */
enum host_event_type {
	HOST_EVENT_TEAM,   /* State of a team. */
	HOST_EVENT_MEMBER, /* State of a member. */
	HOST_EVENT_LACP,   /* Transition of a LACP machine. */
	HOST_EVENT_HOST,   /* Something of the host: lost messages, late loop, … */
};
const char *host_event_type_name(enum host_event_type type);

struct host_event {
	uint64_t serial;
	uint64_t realtime_us; /* Since 1970. */
	enum host_event_type type;
	const char *team;   /* NULL if it concerns none. */
	const char *member; /* NULL if it concerns none. */
	const char *from;   /* States in words, NULL if it is none. */
	const char *to;
	const char *reason; /* "no-carrier", … or NULL. */
	const char *text;   /* A sentence. */
};

struct host_status {
	const char *version;
	uint64_t started_realtime_us;
	const char *datapath;          /* "bpf", "team", "several" or "none" */
	const char *datapath_why;      /* A sentence. */
	const char *carrier_sense;     /* "kernel" or "polling" */
	const char *carrier_sense_why; /* A sentence. */
	struct carrier_poller_figures poller;
	nsec_t loop_latest;        /* How late the main loop ever was, */
	nsec_t loop_latest_recent; /* … within the last minute. */
	unsigned worker_pending;
	uint64_t link_resyncs;
	uint64_t log_dropped;
	uint16_t system_priority_default;
	struct mac system; /* The host's LACP system identifier ("auto"). */
};

typedef void host_listener(void *userdata, const struct host_event *event);

/* 'listener' is called for each event; returns an identity for host_unlisten(). */
unsigned host_listen(struct host *host, host_listener *listener, void *userdata);
void host_unlisten(struct host *host, unsigned identity);

void host_get_status(struct host *host, struct host_status *status);

unsigned host_n_teams(const struct host *host);
struct team *host_team(const struct host *host, unsigned index);
struct team *host_find_team(const struct host *host, const char *name);

/* Called once, when the change is done, or was refused or has failed; then nothing is changed. */
typedef void host_changed(void *userdata, int r, const struct err *e);

struct host_setting {
	const struct config_team *config; /* Checked in itself, as config_parse() does. */
	bool force;                       /* Also if no member carries then that carries now. */
	host_changed *changed;
	void *userdata;
};

/* Makes a team that the files do not have, or one of them that was deleted. It stays until it is
 * deleted or the host boots. */
void host_create_team(struct host *host, const struct host_setting *setting);

/* Has a running team take over another configuration, in place: what does not change is not
 * touched. 'changed' is called when members that were added are there and those that were removed
 * are gone. It holds until the host boots or the team's configuration in the files changes. */
void host_set_team(struct host *host, struct team *team, const struct host_setting *setting);

/* Whether the team is not as the files have it. */
bool host_is_changed(const struct host *host, const struct team *team);

/* The name of a network device, valid until the next event; NULL if there is none. */
const char *host_device_name(const struct host *host, int ifindex);

/* Whether there is a network device of that name now. */
bool host_has_device(const struct host *host, const char *name);

/* Called once, when the team and its device are gone or that failed. */
typedef void host_deleted(void *userdata, int r, const struct err *e);

/* Tells the partners (leave PDUs), sets the members free and deletes the device. The team stays
 * away until the host boots again or its configuration changes. */
void host_delete_team(struct host *host, struct team *team, host_deleted *deleted, void *userdata);
