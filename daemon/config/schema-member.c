/* The keys of a member. */
#include "daemon/config/schema-rows.h"

static const struct schema_key member_keys[] = {
	{ .name = "name",
	  .type = SCHEMA_NAME,
	  .required = true,
	  FIELD(struct config_member, name),
	  .help = "The network interface." },
	{ .name = "standby",
	  .type = SCHEMA_BOOL,
	  FIELD(struct config_member, standby),
	  ONLY_MODES(LACP | INDEPENDENT),
	  .why_not = "the switch sends on every link of a static aggregation that is up",
	  .help = "Keep the member in reserve for one that fails; not in mode static." },
	{ .name = "priority",
	  .type = SCHEMA_NUMBER,
	  FIELD(struct config_member, priority),
	  ONLY_MODES(LACP | INDEPENDENT),
	  .max = UINT16_MAX,
	  .fallback = CONFIG_PRIORITY_DEFAULT,
	  .help = "The smaller number is preferred, in mode lacp as the LACP port priority; the "
		  "default is 65535 for a standby member; not in mode static." },
	{ .name = "preferred",
	  .type = SCHEMA_BOOL,
	  FIELD(struct config_member, preferred),
	  ONLY_MODES(INDEPENDENT),
	  .why_not = "no member has a part that the others have not",
	  .help = "Prefer the member to all others, whatever the priorities say; only in mode "
		  "switch-independent, and of one member." },
	{ .name = "weight",
	  .type = SCHEMA_NUMBER,
	  FIELD(struct config_member, weight),
	  .max = 1000000,
	  .help = "The member's share of what the team sends, in relation to the weights of the "
		  "others; 0 takes its speed in Mb/s." },
	{ .name = "disabled",
	  .type = SCHEMA_BOOL,
	  FIELD(struct config_member, disabled),
	  .help = "Leave the member out of the team without removing it from the file." },
	{ .name = "drain",
	  .type = SCHEMA_BOOL,
	  FIELD(struct config_member, drain),
	  .help = "Send nothing on the member, while it still receives and LACP stays up." },
};

const struct schema_section schema_member = {
	.name = "members",
	.place = "members = ( { … } ) of a team",
	KEYS(member_keys),
};
