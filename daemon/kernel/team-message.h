/* How the team driver's options are written into messages and read from them. */
#pragma once

#include "daemon/kernel/team-genl.h"

struct nl_msg;
struct nlmsghdr;

/* false without room. */
bool team_message_put(struct nl_msg *message, const struct team_option *option);

/* What gets the parts of a message. */
struct team_message_reader {
	team_option_seen *option;
	void (*port)(void *userdata, int ifindex, bool removed); /* May be NULL. */
	void *userdata;
};

/* The ifindex of the team that the message is of, 0 if it is none of the driver's. */
int team_message_team(struct nlmsghdr *header);
void team_message_parse(struct nlmsghdr *header, const struct team_message_reader *reader);
