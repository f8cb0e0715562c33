/* The hooks of the bpf datapath: where its programs are attached, and the watch of what others do
 * to them. Included by dp-bpf-internal.h. */
#pragma once

#include "bpf/abi.h"
#include "daemon/datapath/repair-limit.h"
#include "daemon/kernel/bpf-attach.h"

#define DP_HOOKS (ABI_TEAMS * (ABI_MEMBERS + 2))
#define DP_REPORTS 32
#define DP_REPORT_SIZE 384

struct dp_bpf;

struct dp_hook_spec {
	int ifindex; /* Of a member, or of a team's device or its hidden peer, … */
	enum bpf_place place;
	uint32_t rules; /* ABI_RULE_…, by which the program is chosen. */
	bool sends;     /* … which has the program that sends, … */
	int team;       /* … then these are the ifindexes of the team's device … */
	int peer;       /* … and its hidden peer. */
};

struct dp_hook {
	struct dp_hook_spec spec;
	struct bpf_attachment attachment;
	struct repair_limit limit;
	bool hindered; /* As it was told last. */
};

enum dp_report_type {
	DP_REPORT_DISTURBED,
	DP_REPORT_HINDERED,
	DP_REPORT_UNHINDERED,
};

struct dp_report {
	enum dp_report_type type;
	int ifindex; /* Of the member, or of the team's device. */
	char sentence[DP_REPORT_SIZE];
};

struct dp_watch {
	/* Main thread. */
	struct tc_monitor *monitor; /* NULL under TCX. */
	bool checking;              /* The worker has the job, and what follows. */
	bool again;                 /* Something has happened since it was given. */
	nsec_t due;
	nsec_t not_before; /* However much happens. */
	unsigned n_reports;
	struct dp_report reports[DP_REPORTS];
	nsec_t next;
	/* Worker. */
	struct dp_hook *hooks; /* DP_HOOKS */
	unsigned n_hooks;
	int copies[4]; /* The programs once more, or -1: see dp_copy_program(). */
	/* Which devices have hooks, by their numbers modulo; atomic. */
	__u64 watched[64];
};

/* Once at the start. */
int dp_watch_open(struct dp_bpf *dp, bool clsact, struct err *e);
void dp_watch_close(struct dp_bpf *dp);

/* Main thread, in each turn of its loop. Returns when to be called again. */
nsec_t dp_watch_turn(struct dp_bpf *dp, nsec_t now);

/* dp-bpf-hook.c, worker. Attaches the program, or puts it in the place of a former daemon's, and
 * watches it from now on. *keep_clsact as in struct bpf_attachment. */
int dp_hook_attach(struct dp_bpf *dp, const struct dp_hook_spec *spec, bool *keep_clsact,
		   struct err *e);
int dp_hook_detach(struct dp_bpf *dp, const struct dp_hook_spec *spec, bool keep_clsact,
		   struct err *e);

/* The device is gone, or was never the one that it was taken for; if it was a hidden peer, the
 * team's is gone as well. */
void dp_hook_forget(struct dp_bpf *dp, int ifindex);

/* At the start: lets go of what no team wants any more. At the end: of all. */
void dp_hook_tidy(struct dp_bpf *dp);
void dp_hook_forget_all(struct dp_bpf *dp);

/* Looks at all hooks, and repairs. Fills in reports and 'next'. */
void dp_hook_check_all(struct dp_bpf *dp, nsec_t now);
