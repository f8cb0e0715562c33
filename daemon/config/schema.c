#include "daemon/config/schema.h"

#include "daemon/config/config.h"
#include "daemon/config/words.h"
#include "lib/base/array.h"
#include "lib/base/log.h"

#define FIELD(type, field) .offset = offsetof(type, field), .size = sizeof(((type *)NULL)->field)
#define LACP_ONLY .modes = SCHEMA_MODE(CONFIG_MODE_LACP)
#define KEYS(array) .keys = (array), .n_keys = ARRAY_SIZE(array)

static const struct schema_word log_level_words[] = {
	{ "error", LOG_LEVEL_ERROR },   { "warning", LOG_LEVEL_WARNING },
	{ "notice", LOG_LEVEL_NOTICE }, { "info", LOG_LEVEL_INFO },
	{ "debug", LOG_LEVEL_DEBUG },   {},
};

static const struct schema_word datapath_words[] = {
	{ "auto", 0 },
	{ "bpf", 1 },
	{ "team", 2 },
	{},
};
static const struct schema_word rate_words[] = { { "fast", true }, { "slow", false }, {} };
static const struct schema_word monitor_words[] = { { "carrier", 0 }, {} };
static const struct schema_word control_words[] = {
	{ "coupled", false },
	{ "independent", true },
	{},
};

static const struct schema_word hash_words[] = {
	{ "transport-ports", HASH_TRANSPORT_PORTS },
	{ "ip-addresses", HASH_IP_ADDRESSES },
	{ "mac-addresses", HASH_MAC_ADDRESSES },
	{},
};

static const struct schema_key host_keys[] = {
	{ .name = "carrier_poll_ms",
	  .type = SCHEMA_NUMBER,
	  FIELD(struct config, carrier_poll_ms),
	  .min = 1,
	  .max = 1000,
	  .fallback = 10,
	  .help = "How often, in milliseconds, members that carry traffic are asked for their "
		  "carrier." },
	{ .name = "log_level",
	  .type = SCHEMA_WORD,
	  FIELD(struct config, log_level),
	  .words = log_level_words,
	  .fallback = LOG_LEVEL_INFO,
	  .help = "The least important messages that are still logged." },
};

static const struct schema_key member_keys[] = {
	{ .name = "name",
	  .type = SCHEMA_NAME,
	  .required = true,
	  FIELD(struct config_member, name),
	  .help = "The network interface." },
	{ .name = "standby",
	  .type = SCHEMA_BOOL,
	  FIELD(struct config_member, standby),
	  LACP_ONLY,
	  .why_not = "the switch sends on every link of a static aggregation that is up",
	  .help = "Keep the member in reserve for one that fails; only in mode lacp." },
	{ .name = "priority",
	  .type = SCHEMA_NUMBER,
	  FIELD(struct config_member, priority),
	  LACP_ONLY,
	  .max = UINT16_MAX,
	  .fallback = CONFIG_PRIORITY_DEFAULT,
	  .help = "The LACP port priority, where the smaller number is preferred; the default is "
		  "65535 for a standby member; only in mode lacp." },
	{ .name = "disabled",
	  .type = SCHEMA_BOOL,
	  FIELD(struct config_member, disabled),
	  .help = "Leave the member out of the team without removing it from the file." },
	{ .name = "drain",
	  .type = SCHEMA_BOOL,
	  FIELD(struct config_member, drain),
	  .help = "Send nothing on the member, while it still receives and LACP stays up." },
};

static const struct schema_key lacp_keys[] = {
	{ .name = "rate",
	  .type = SCHEMA_WORD,
	  FIELD(struct config_lacp, fast),
	  .words = rate_words,
	  .fallback = true,
	  .help = "How often the partner is asked for a LACPDU: each second, or each 30 seconds." },
	{ .name = "active",
	  .type = SCHEMA_BOOL,
	  FIELD(struct config_lacp, active),
	  .fallback = true,
	  .help = "Send LACPDUs unasked; false only answers a partner that is active." },
	{ .name = "system_priority",
	  .type = SCHEMA_NUMBER,
	  FIELD(struct config_lacp, system_priority),
	  .max = UINT16_MAX,
	  .fallback = 32768,
	  .help = "The system with the smaller number decides which links are standby." },
	{ .name = "system",
	  .type = SCHEMA_MAC,
	  FIELD(struct config_lacp, system_auto),
	  .other = offsetof(struct config_lacp, system),
	  .help = "The system identifier; auto makes a stable one from the machine's identity." },
	{ .name = "key",
	  .type = SCHEMA_NUMBER,
	  FIELD(struct config_lacp, key),
	  .max = UINT16_MAX,
	  .help = "The LACP key; 0 assigns one of its own to each team and speed." },
	{ .name = "min_links",
	  .type = SCHEMA_NUMBER,
	  FIELD(struct config_lacp, min_links),
	  .min = 1,
	  .max = LACP_PORTS_MAX,
	  .fallback = 1,
	  .help = "With fewer links than this the team carries nothing." },
	{ .name = "max_links",
	  .type = SCHEMA_NUMBER,
	  FIELD(struct config_lacp, max_links),
	  .min = 1,
	  .max = LACP_PORTS_MAX,
	  .fallback = LACP_PORTS_MAX,
	  .help = "Links beyond this number are standby, those of the worst priority first." },
	{ .name = "select",
	  .type = SCHEMA_WORD,
	  FIELD(struct config_lacp, select),
	  .words = config_select_words,
	  .fallback = LACP_SELECT_BANDWIDTH,
	  .help = "Which links carry when they lead to different partners: those with the most "
		  "bandwidth, the most links, or those that carried before." },
	{ .name = "control",
	  .type = SCHEMA_WORD,
	  FIELD(struct config_lacp, independent),
	  .words = control_words,
	  .fallback = false,
	  .help = "Whether a link starts to receive and to send at once, or one after the other." },
	{ .name = "fallback",
	  .type = SCHEMA_WORD,
	  FIELD(struct config_lacp, fallback),
	  .words = config_fallback_words,
	  .fallback = LACP_FALLBACK_NONE,
	  .help = "How many members carry although no partner speaks LACP." },
	{ .name = "fallback_delay_ms",
	  .type = SCHEMA_NUMBER,
	  FIELD(struct config_lacp, fallback_delay_ms),
	  .max = 3600000,
	  .fallback = 90000,
	  .help = "How long, in milliseconds, every partner must have been silent before that." },
};

static const struct schema_section lacp_section = {
	.name = "lacp",
	.place = "lacp: { … } of a team",
	KEYS(lacp_keys),
};

static const struct schema_key monitor_keys[] = {
	{ .name = "type",
	  .type = SCHEMA_WORD,
	  .required = true,
	  .words = monitor_words,
	  .help = "What is watched: the link's carrier." },
	{ .name = "up_delay_ms",
	  .type = SCHEMA_NUMBER,
	  FIELD(struct config_team, up_delay_ms),
	  .max = 60000,
	  .help = "How long, in milliseconds, a link must be up before the member is used." },
	{ .name = "down_delay_ms",
	  .type = SCHEMA_NUMBER,
	  FIELD(struct config_team, down_delay_ms),
	  .max = 60000,
	  .help = "How long, in milliseconds, a link must be down before the member is given up." },
};

static const struct schema_section monitor_section = {
	.name = "monitor",
	.place = "monitor = ( { … } ) of a team",
	KEYS(monitor_keys),
};

const struct schema_section schema_member = {
	.name = "members",
	.place = "members = ( { … } ) of a team",
	KEYS(member_keys),
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
	  .help = "How the team and its switch agree on the links: by LACP, or not at all, so that "
		  "each "
		  "link that is up carries." },
	{ .name = "balance",
	  .type = SCHEMA_WORD,
	  FIELD(struct config_team, balance),
	  .words = config_balance_words,
	  .fallback = CONFIG_BALANCE_ADDRESS_HASH,
	  .help = "How the traffic is shared out over the members." },
	{ .name = "hash",
	  .type = SCHEMA_WORD,
	  FIELD(struct config_team, hash),
	  .words = hash_words,
	  .fallback = HASH_TRANSPORT_PORTS,
	  .help = "Which fields of a frame decide on its member; what a frame lacks falls back to "
		  "IP addresses, then to MAC addresses." },
	{ .name = "datapath",
	  .type = SCHEMA_WORD_TEXT,
	  FIELD(struct config_team, datapath),
	  .words = datapath_words,
	  .fallback = 0,
	  .help = "What moves the frames: the kernel's team driver, or programs of our own; auto "
		  "adopts what exists, and takes team for a new team where the kernel has it." },
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
	  LACP_ONLY,
	  .section = &lacp_section,
	  .help = "The settings of LACP, with the keys below; only in mode lacp." },
	{ .name = "monitor",
	  .type = SCHEMA_LIST,
	  .single = true,
	  .min = 0,
	  .max = 1,
	  .section = &monitor_section,
	  .help = "What tells whether a member works, with the keys below." },
};

const struct schema_section schema_team = {
	.name = "team",
	.place = "team: { … } in a file of the folder conf.d",
	KEYS(team_keys),
};

static const struct schema_key root_keys[] = {
	{ .name = "team",
	  .type = SCHEMA_GROUP,
	  .section = &schema_team,
	  .help = "The only team of the file." },
	{ .name = "teams",
	  .type = SCHEMA_LIST,
	  .max = CONFIG_TEAMS_MAX,
	  .section = &schema_team,
	  .help = "The teams of the file, where it has several." },
};

const struct schema_section schema_root = {
	.name = "conf.d",
	.place = "a file of the folder conf.d",
	KEYS(root_keys),
};

const struct schema_section schema_host = {
	.name = "yoke.conf",
	.place = "yoke.conf",
	KEYS(host_keys),
};

const struct schema_section *const schema_sections[] = {
	&schema_host,  &schema_root,     &schema_team, &schema_member,
	&lacp_section, &monitor_section, NULL,
};
