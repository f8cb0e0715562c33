/* The keys of a team, and of its small groups. */
#include "daemon/config/schema-rows.h"

static const struct schema_word hash_words[] = {
	{ "transport-ports", HASH_TRANSPORT_PORTS },
	{ "ip-addresses", HASH_IP_ADDRESSES },
	{ "mac-addresses", HASH_MAC_ADDRESSES },
	{},
};

static const struct schema_word datapath_words[] = {
	{ "auto", 0 },
	{ "bpf", 1 },
	{ "team", 2 },
	{},
};

static const struct schema_word transmit_words[] = {
	{ "counted", false },
	{ "direct", true },
	{},
};

static const struct schema_key announce_keys[] = {
	{ .name = "count",
	  .type = SCHEMA_NUMBER,
	  FIELD(struct config_team, announce_count),
	  .max = 10,
	  .fallback = 3,
	  .help = "How many times an address that moved is announced; 0 announces nothing." },
	{ .name = "interval_ms",
	  .type = SCHEMA_NUMBER,
	  FIELD(struct config_team, announce_interval_ms),
	  .min = 10,
	  .max = 10000,
	  .fallback = 200,
	  .help = "How long, in milliseconds, it takes from one time to the next." },
};

const struct schema_section schema_announce = {
	.name = "announce",
	.place = "announce: { … } of a team",
	KEYS(announce_keys),
};

static const struct schema_key damping_keys[] = {
	{ .name = "flaps",
	  .type = SCHEMA_NUMBER,
	  FIELD(struct config_damping, flaps),
	  .max = 1000,
	  .fallback = 5,
	  .help = "A member that fails so many times within the period is kept out; 0 keeps none "
		  "out." },
	{ .name = "period_ms",
	  .type = SCHEMA_NUMBER,
	  FIELD(struct config_damping, period_ms),
	  .min = 1000,
	  .max = 3600000,
	  .fallback = 60000,
	  .help = "The period, in milliseconds." },
	{ .name = "hold_down_ms",
	  .type = SCHEMA_NUMBER,
	  FIELD(struct config_damping, hold_down_ms),
	  .min = 100,
	  .max = 3600000,
	  .fallback = 10000,
	  .help = "How long, in milliseconds, it is kept out the first time; each further time is "
		  "twice as long." },
	{ .name = "hold_down_max_ms",
	  .type = SCHEMA_NUMBER,
	  FIELD(struct config_damping, hold_down_max_ms),
	  .min = 100,
	  .max = 86400000,
	  .fallback = 300000,
	  .help = "How long, in milliseconds, it is kept out at most." },
};

const struct schema_section schema_damping = {
	.name = "flap_damping",
	.place = "flap_damping: { … } of a team",
	KEYS(damping_keys),
};

static const struct schema_key team_keys[] = {
	{ .name = "name",
	  .type = SCHEMA_NAME,
	  .required = true,
	  FIELD(struct config_team, name),
	  .help = "The network interface that the team is." },
	{ .name = "mode",
	  .type = SCHEMA_WORD,
	  .required = true,
	  FIELD(struct config_team, mode),
	  .words = config_mode_words,
	  .fallback = CONFIG_MODE_LACP,
	  .chooses = SCHEMA_CHOICE_MODE,
	  .help = "How the team and its switch agree on the links: by LACP; not at all, although "
		  "the switch knows them as one; or so that no switch need know of the team." },
	{ .name = "balance",
	  .type = SCHEMA_WORD,
	  FIELD(struct config_team, balance),
	  .words = config_balance_words,
	  .fallback = CONFIG_BALANCE_ADDRESS_HASH,
	  .chooses = SCHEMA_CHOICE_BALANCE,
	  .help = "How the traffic is shared out over the members: by a hash of its addresses, by "
		  "the address behind the team that it comes from, or by a hash that moves what "
		  "pauses to members with less load." },
	{ .name = "hash",
	  .type = SCHEMA_WORD,
	  FIELD(struct config_team, hash),
	  .words = hash_words,
	  ONLY_BALANCES(ADDRESS_HASH | DYNAMIC),
	  .why_not = "each address behind the team is on one member, whatever it sends",
	  .fallback = HASH_TRANSPORT_PORTS,
	  .help = "Which fields of a frame decide on its member; what a frame lacks falls back to "
		  "IP addresses, then to MAC addresses." },
	{ .name = "hash_inner",
	  .type = SCHEMA_BOOL,
	  FIELD(struct config_team, hash_inner),
	  ONLY_BALANCES(ADDRESS_HASH | DYNAMIC),
	  .why_not = "each address behind the team is on one member, whatever it sends",
	  .help = "Look into VXLAN and GRE for the fields of the hash." },
	{ .name = "flowlet_gap_us",
	  .type = SCHEMA_NUMBER,
	  FIELD(struct config_team, flowlet_gap_us),
	  ONLY_BALANCES(DYNAMIC),
	  .why_not = "nothing moves between members that work",
	  .min = 50,
	  .max = 1000000,
	  .fallback = CONFIG_FLOWLET_GAP_DEFAULT,
	  .help = "How long, in microseconds, a flow must have paused before it may go on by "
		  "another member." },
	{ .name = "datapath",
	  .type = SCHEMA_WORD_TEXT,
	  FIELD(struct config_team, datapath),
	  .words = datapath_words,
	  .fallback = 0,
	  .help = "What moves the frames: the kernel's team driver, or programs of our own; auto "
		  "adopts what exists, and takes team for a new team where the kernel has it and "
		  "it can do what is asked for." },
	{ .name = "transmit",
	  .type = SCHEMA_WORD,
	  FIELD(struct config_team, transmit_direct),
	  .words = transmit_words,
	  .fallback = false,
	  .help = "Whether frames pass the team's own counters and queues on their way to a "
		  "member, or not; direct only with datapath bpf." },
	{ .name = "mtu",
	  .type = SCHEMA_NUMBER,
	  FIELD(struct config_team, mtu),
	  .min = 68,
	  .max = 65535,
	  .or_zero = true,
	  .help = "The MTU of the team and its members; 0 leaves that of a team that exists, and "
		  "gives "
		  "a new one 1500." },
	{ .name = "mac",
	  .type = SCHEMA_MAC,
	  FIELD(struct config_team, mac_auto),
	  .other = offsetof(struct config_team, mac),
	  .help = "The MAC address of the team; auto makes a stable one from the machine's "
		  "identity and the team's name." },
	{ .name = "min_active",
	  .type = SCHEMA_NUMBER,
	  FIELD(struct config_team, min_active),
	  ONLY_MODES(STATIC | INDEPENDENT),
	  .why_not = "lacp.min_links does that",
	  .max = CONFIG_MEMBERS_MAX,
	  .fallback = 1,
	  .help = "With fewer members than this that carry, the team is down; not in mode lacp." },
	{ .name = "fail_back",
	  .type = SCHEMA_WORD,
	  FIELD(struct config_team, fail_back),
	  ONLY_MODES(INDEPENDENT),
	  .words = config_fail_back_words,
	  .fallback = CONFIG_FAIL_BACK_AT_ONCE,
	  .help = "Whether a member that is preferred to one that carries takes its part back when "
		  "it works again; only in mode switch-independent." },
	{ .name = "fail_back_delay_ms",
	  .type = SCHEMA_NUMBER,
	  FIELD(struct config_team, fail_back_delay_ms),
	  ONLY_MODES(INDEPENDENT),
	  .max = 3600000,
	  .help = "How long, in milliseconds, it must have worked before that; only in mode "
		  "switch-independent." },
	{ .name = "members",
	  .type = SCHEMA_LIST,
	  .required = true,
	  .offset = offsetof(struct config_team, members),
	  .size = sizeof(struct config_member),
	  .other = offsetof(struct config_team, n_members),
	  .min = 1,
	  .max = CONFIG_MEMBERS_MAX,
	  .section = &schema_member,
	  .help = "The members, each with the keys below." },
	{ .name = "lacp",
	  .type = SCHEMA_GROUP,
	  .offset = offsetof(struct config_team, lacp),
	  ONLY_MODES(LACP),
	  .always_hashed = true,
	  .section = &schema_lacp,
	  .help = "The settings of LACP, with the keys below; only in mode lacp." },
	{ .name = "announce",
	  .type = SCHEMA_GROUP,
	  ONLY_MODES(INDEPENDENT),
	  .why_not = "a switch that has the links in one aggregation need not be told",
	  .section = &schema_announce,
	  .help = "How the switches are told of addresses that moved, with the keys below; only in "
		  "mode switch-independent." },
	{ .name = "flap_damping",
	  .type = SCHEMA_GROUP,
	  .offset = offsetof(struct config_team, damping),
	  .section = &schema_damping,
	  .help = "When a member that fails again and again is kept out, with the keys below." },
	{ .name = "monitor_policy",
	  .type = SCHEMA_WORD,
	  FIELD(struct config_team, monitor_policy),
	  .words = config_monitor_policy_words,
	  .fallback = CONFIG_MONITOR_ALL,
	  .help = "Whether all monitors beside the carrier must be content with a member, or one "
		  "of "
		  "them is enough." },
	{ .name = "monitor",
	  .type = SCHEMA_LIST,
	  .offset = offsetof(struct config_team, monitors),
	  .size = sizeof(struct config_monitor),
	  .other = offsetof(struct config_team, n_monitors),
	  .resident = true,
	  .max = CONFIG_MONITORS_MAX + 1,
	  .section = &schema_monitor,
	  .help = "What tells whether a member works, each with the keys below." },
};

const struct schema_section schema_team = {
	.name = "team",
	.place = "team: { … } in a file of the folder conf.d",
	KEYS(team_keys),
};
