#include "daemon/kernel/team-message.h"

#include <linux/genetlink.h>
#include <linux/if_team.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

/* What the driver calls types: numbers of the kernel's attributes that have no public name. */
enum wire_type {
	WIRE_U32 = 3,
	WIRE_STRING = 5,
	WIRE_FLAG = 6,
	WIRE_BINARY = 11,
	WIRE_S32 = 14,
};

static int wire_type(enum team_option_type type)
{
	switch (type) {
	case TEAM_OPTION_U32:
		return WIRE_U32;
	case TEAM_OPTION_S32:
		return WIRE_S32;
	case TEAM_OPTION_BOOL:
		return WIRE_FLAG;
	case TEAM_OPTION_BYTES:
		return WIRE_BINARY;
	}
	return WIRE_BINARY;
}

bool team_message_put(struct nl_msg *message, const struct team_option *option)
{
	struct nlattr *item = nla_nest_start(message, TEAM_ATTR_ITEM_OPTION);
	int r;

	if (!item || nla_put_string(message, TEAM_ATTR_OPTION_NAME, option->name) < 0 ||
	    nla_put_u8(message, TEAM_ATTR_OPTION_TYPE, (uint8_t)wire_type(option->type)) < 0 ||
	    (option->port &&
	     nla_put_u32(message, TEAM_ATTR_OPTION_PORT_IFINDEX, (uint32_t)option->port) < 0) ||
	    (option->is_array &&
	     nla_put_u32(message, TEAM_ATTR_OPTION_ARRAY_INDEX, option->index) < 0))
		return false;
	/* Of a bool it counts only that there is a value. */
	if (option->type != TEAM_OPTION_BOOL)
		r = nla_put_u32(message, TEAM_ATTR_OPTION_DATA, option->number);
	else
		r = option->number ? nla_put_flag(message, TEAM_ATTR_OPTION_DATA) : 0;
	nla_nest_end(message, item);
	return r >= 0;
}

static bool parse_value(struct team_option *option, uint8_t type, struct nlattr *data)
{
	switch (type) {
	case WIRE_U32:
	case WIRE_S32:
		option->type = type == WIRE_U32 ? TEAM_OPTION_U32 : TEAM_OPTION_S32;
		if (!data || nla_len(data) < 4)
			return false;
		option->number = nla_get_u32(data);
		return true;
	case WIRE_FLAG:
		option->type = TEAM_OPTION_BOOL;
		option->number = data != NULL;
		return true;
	case WIRE_STRING:
	case WIRE_BINARY:
		option->type = TEAM_OPTION_BYTES;
		if (data)
			option->bytes = (struct span){ nla_data(data), (size_t)nla_len(data) };
		return true;
	default:
		return false;
	}
}

static bool parse_option(struct nlattr *item, struct team_option *ret)
{
	struct nlattr *parts[TEAM_ATTR_OPTION_MAX + 1] = {};
	struct nlattr *name;

	*ret = (struct team_option){};
	if (nla_parse_nested(parts, TEAM_ATTR_OPTION_MAX, item, NULL) < 0)
		return false;
	name = parts[TEAM_ATTR_OPTION_NAME];
	/* What goes with its port is no value any more. */
	if (!name || !memchr(nla_data(name), '\0', (size_t)nla_len(name)) ||
	    !parts[TEAM_ATTR_OPTION_TYPE] || nla_len(parts[TEAM_ATTR_OPTION_TYPE]) < 1 ||
	    parts[TEAM_ATTR_OPTION_REMOVED])
		return false;
	ret->name = nla_get_string(name);
	if (parts[TEAM_ATTR_OPTION_PORT_IFINDEX] &&
	    nla_len(parts[TEAM_ATTR_OPTION_PORT_IFINDEX]) >= 4)
		ret->port = (int)nla_get_u32(parts[TEAM_ATTR_OPTION_PORT_IFINDEX]);
	ret->is_array = parts[TEAM_ATTR_OPTION_ARRAY_INDEX] &&
			nla_len(parts[TEAM_ATTR_OPTION_ARRAY_INDEX]) >= 4;
	if (ret->is_array)
		ret->index = nla_get_u32(parts[TEAM_ATTR_OPTION_ARRAY_INDEX]);
	return parse_value(ret, nla_get_u8(parts[TEAM_ATTR_OPTION_TYPE]),
			   parts[TEAM_ATTR_OPTION_DATA]);
}

static void parse_options(struct nlattr *list, const struct team_message_reader *reader)
{
	struct nlattr *item;
	int rest;

	nla_for_each_nested(item, list, rest)
	{
		struct team_option option;

		if (parse_option(item, &option))
			reader->option(reader->userdata, &option);
	}
}

static void parse_ports(struct nlattr *list, const struct team_message_reader *reader)
{
	struct nlattr *item;
	int rest;

	nla_for_each_nested(item, list, rest)
	{
		struct nlattr *parts[TEAM_ATTR_PORT_MAX + 1] = {};

		if (nla_parse_nested(parts, TEAM_ATTR_PORT_MAX, item, NULL) >= 0 &&
		    parts[TEAM_ATTR_PORT_IFINDEX] && nla_len(parts[TEAM_ATTR_PORT_IFINDEX]) >= 4)
			reader->port(reader->userdata,
				     (int)nla_get_u32(parts[TEAM_ATTR_PORT_IFINDEX]),
				     parts[TEAM_ATTR_PORT_REMOVED]);
	}
}

int team_message_team(struct nlmsghdr *header)
{
	struct nlattr *parts[TEAM_ATTR_MAX + 1] = {};

	if (header->nlmsg_type < NLMSG_MIN_TYPE ||
	    nlmsg_parse(header, GENL_HDRLEN, parts, TEAM_ATTR_MAX, NULL) < 0 ||
	    !parts[TEAM_ATTR_TEAM_IFINDEX] || nla_len(parts[TEAM_ATTR_TEAM_IFINDEX]) < 4)
		return 0;
	return (int)nla_get_u32(parts[TEAM_ATTR_TEAM_IFINDEX]);
}

void team_message_parse(struct nlmsghdr *header, const struct team_message_reader *reader)
{
	struct nlattr *parts[TEAM_ATTR_MAX + 1] = {};

	if (nlmsg_parse(header, GENL_HDRLEN, parts, TEAM_ATTR_MAX, NULL) < 0)
		return;
	if (parts[TEAM_ATTR_LIST_PORT] && reader->port)
		parse_ports(parts[TEAM_ATTR_LIST_PORT], reader);
	if (parts[TEAM_ATTR_LIST_OPTION])
		parse_options(parts[TEAM_ATTR_LIST_OPTION], reader);
}
