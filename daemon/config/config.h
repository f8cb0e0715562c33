/* The configuration as read from files: what an administrator wants. PURE but for config_load() and
 * config_load_paths(), which alone read files. The keys themselves are rows of schema.c. */
#pragma once

#include "daemon/core/hash.h"
#include "daemon/core/lacp/lacp.h"
#include "lib/base/span.h"
#include "lib/wire/ether.h"

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_MEMBERS_MAX 32
#define CONFIG_TEAMS_MAX 64

/* LACP port priorities where the configuration gives none. */
#define CONFIG_PRIORITY_DEFAULT 255
#define CONFIG_PRIORITY_STANDBY 65535

/* Longer than the delays of two paths differ: see docs/modes.md. */
#define CONFIG_FLOWLET_GAP_DEFAULT 2000

enum config_mode {
	CONFIG_MODE_LACP,
	CONFIG_MODE_STATIC,
	CONFIG_MODE_INDEPENDENT, /* "switch-independent" */
};

enum config_balance {
	CONFIG_BALANCE_ADDRESS_HASH,
	CONFIG_BALANCE_VM_PORT,
	CONFIG_BALANCE_DYNAMIC,
};

enum config_fail_back {
	CONFIG_FAIL_BACK_AT_ONCE,
	CONFIG_FAIL_BACK_NEVER,
};

enum config_monitor_policy {
	CONFIG_MONITOR_ANY, /* One monitor that is content is enough. */
	CONFIG_MONITOR_ALL, /* All have to be. */
};

struct config_member {
	char name[IFNAMSIZ];
	bool standby;
	bool preferred;    /* Comes before all others, whatever the priorities say. */
	uint16_t priority; /* LACP port priority; switch-independent: the smaller, the earlier. */
	uint32_t weight;   /* Of its share; 0: by its speed. */
	bool disabled;
	bool drain;
};

#define CONFIG_MONITORS_MAX 8
#define CONFIG_TARGETS_MAX 8

enum config_monitor_type {
	CONFIG_MONITOR_CARRIER,
	CONFIG_MONITOR_ARP,
	CONFIG_MONITOR_ND,
	CONFIG_MONITOR_SPEED,
	CONFIG_MONITOR_ERRORS,
};

struct config_address {
	bool v6;
	uint8_t bytes[16]; /* Of IPv4 the first four. */
};

/* Apart from the carrier monitor, whose delays are in struct config_team. */
struct config_monitor {
	enum config_monitor_type type;
	unsigned n_targets; /* ARP, ND */
	struct config_address targets[CONFIG_TARGETS_MAX];
	uint32_t interval_ms;
	uint32_t missed_max;
	uint16_t vlan;           /* 0: untagged */
	uint32_t min_speed_mbps; /* SPEED */
	bool full_duplex;
	uint32_t errors_max; /* ERRORS: in one interval. */
};

struct config_damping {
	uint32_t flaps; /* So many losses within the period … 0: no damping. */
	uint32_t period_ms;
	uint32_t hold_down_ms; /* … keep it out for so long, twice as long each further time … */
	uint32_t hold_down_max_ms; /* … up to this. */
};

struct config_lacp {
	bool fast;
	bool active;
	uint16_t system_priority;
	bool system_auto;
	struct mac system; /* Where not auto. */
	uint16_t key;      /* 0: assigned. */
	unsigned min_links;
	unsigned max_links;
	enum lacp_select select;
	bool independent;
	enum lacp_fallback fallback;
	uint32_t fallback_delay_ms;
};

struct config_team {
	char name[IFNAMSIZ];
	enum config_mode mode;
	enum config_balance balance;
	enum hash_fields hash;
	bool hash_inner;         /* Look into VXLAN and GRE. */
	uint32_t flowlet_gap_us; /* Of balance "dynamic". */
	char datapath[8];        /* "auto", "bpf", "team". */
	bool transmit_direct;
	unsigned min_active; /* With fewer members the team is down. */
	enum config_fail_back fail_back;
	uint32_t fail_back_delay_ms; /* Of "at-once": after this. */
	uint32_t announce_count;
	uint32_t announce_interval_ms;
	struct config_damping damping;
	enum config_monitor_policy monitor_policy;
	unsigned n_monitors;
	struct config_monitor monitors[CONFIG_MONITORS_MAX];
	uint32_t mtu; /* 0: leave it (1500 for a new device). */
	bool mac_auto;
	struct mac mac; /* Where not auto. */
	struct config_lacp lacp;
	uint32_t up_delay_ms; /* The carrier monitor's. */
	uint32_t down_delay_ms;
	unsigned n_members;
	struct config_member members[CONFIG_MEMBERS_MAX];
	char file[256]; /* Where it was read from, */
	unsigned line;  /* for messages. */
};

struct config {
	uint32_t carrier_poll_ms; /* yoke.conf: 1 to 1000, default 10. */
	int log_level;            /* enum log_level, default 6. */
	unsigned n_teams;
	struct config_team *teams;
};

/* One thing that is wrong. */
struct config_problem {
	char file[256]; /* As it was opened; of a longer path the end, after "…". */
	unsigned line;  /* 0 where it concerns the whole file. */
	bool warning;
	char text[256];
};

#define CONFIG_PROBLEMS_MAX 64
struct config_problems {
	unsigned n_errors; /* All of them, also those beyond the array's end. */
	unsigned n_warnings;
	unsigned n;
	struct config_problem problems[CONFIG_PROBLEMS_MAX];
};

/* Reads 'path' (a file with host-wide settings, and *.conf of the folder conf.d beside it). The
 * main file may be absent, and so may the folder; without both there is a warning. On success (0)
 * *ret is the caller's, to config_free(). On -EINVAL 'problems' says what is wrong, in the order of
 * the files and lines, and *ret is untouched; warnings may come with success. -ENOMEM without
 * memory. What 'problems' held before is dropped. Never applies half a configuration. */
int config_load(const char *path, struct config **ret, struct config_problems *problems);

/* The same for single files and folders, as 'config check' is given them: each file is taken for a
 * file of conf.d unless it is named yoke.conf. Of a folder that has a yoke.conf or a conf.d these
 * are read as config_load() does, of any other its *.conf. A path that does not exist is an
 * error. */
int config_load_paths(const char *const paths[], size_t n, struct config **ret,
		      struct config_problems *problems);

/* What 'config check' is asked. */
struct config_question {
	const char *const *paths; /* As config_load_paths() has them; */
	size_t n_paths;           /* none: */
	const char *main_path;    /* as config_load() has it. */
	const char *datapath;     /* "bpf" or "team", for all teams; NULL: as the teams say. */
};

/* Loads, and judges also what depends on the datapath: what the one that a team gets cannot do is
 * an error; where it is left to the kernel which one that is, what only one of them can do is a
 * warning. */
int config_check(const struct config_question *question, struct config **ret,
		 struct config_problems *problems);

enum config_kind {
	CONFIG_KIND_HOST,  /* As yoke.conf. */
	CONFIG_KIND_TEAMS, /* As a file of conf.d. */
};

/* The same for the bytes of one file, which 'name' names in the problems. */
int config_parse(const char *name, struct span text, enum config_kind kind, struct config **ret,
		 struct config_problems *problems);

void config_free(struct config *config);

/* The defaults of a team of that name, without members. A name that does not fit is cut. */
void config_team_init(struct config_team *team, const char *name);

/* How many links of the team may carry at once: max_links, but no more than there are members that
 * are not standby. With this for LACP's max_links, a standby member gets its turn when one of the
 * others fails. At least 1. */
unsigned config_lacp_effective_max_links(const struct config_team *team);

/* Whether the datapath ("bpf" or "team") cannot do something that the configuration asks for; the
 * first such thing is told, with the reason: "transmit is \"direct\", which …". */
#define CONFIG_REFUSAL_SIZE 200
bool config_datapath_refuses(const struct config_team *team, const char *datapath,
			     char why[static CONFIG_REFUSAL_SIZE]);

/* The team as the text of a file of conf.d, every key that its mode has with its value: parses back
 * to the same. The caller's, to free(); NULL without memory. */
char *config_dump_team(const struct config_team *team);

/* A number that is another for another configuration, and the same in every run and on every
 * machine: where the team was read from has no part in it, nor has whether a default was written
 * out, and keys that later versions add change nothing while they have their default. */
uint64_t config_team_fingerprint(const struct config_team *team);

/* As it is written in a file: "192.0.2.1". Returns 'text'. */
#define CONFIG_ADDRESS_TEXT_SIZE 46
const char *config_address_text(const struct config_address *address,
				char text[static CONFIG_ADDRESS_TEXT_SIZE]);

/* Whether the 'n' monitors ask the same. */
bool config_same_monitors(const struct config_monitor *a, const struct config_monitor *b,
			  unsigned n);

/* As in the configuration: "lacp", "address-hash", "bandwidth", "none", "at-once", "arp", "all". */
const char *config_mode_name(enum config_mode mode);
const char *config_balance_name(enum config_balance balance);
const char *config_select_name(enum lacp_select select);
const char *config_fallback_name(enum lacp_fallback fallback);
const char *config_fail_back_name(enum config_fail_back fail_back);
const char *config_monitor_type_name(enum config_monitor_type type);
const char *config_monitor_policy_name(enum config_monitor_policy policy);
