/* Listening to the team driver. The socket asks for no NETLINK_BROADCAST_ERROR: if it is full, it
 * is our own trouble and makes nobody's changes fail. */
#include "daemon/kernel/nl-socket.h"
#include "daemon/kernel/team-message.h"
#include "lib/base/cleanup.h"

#include <errno.h>
#include <linux/if_team.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/socket.h>
#include <sys/socket.h>

#define MESSAGE_SIZE 16384

/* Each option that is set is a message; a lost link of each of 64 teams is some 16000. */
#define RECEIVE_BUFFER (8 << 20)

struct team_news {
	struct nl_sock *socket;
	_Alignas(struct nlmsghdr) uint8_t message[MESSAGE_SIZE];
};

/* One message being read. */
struct reading {
	const struct team_news_listener *listener;
	int team;
};

void team_news_close(struct team_news *news)
{
	if (!news)
		return;
	nl_socket_free(news->socket);
	free(news);
}

int team_news_fd(const struct team_news *news)
{
	return nl_socket_get_fd(news->socket);
}

static int join(struct team_news *news, struct err *e)
{
	const int size = RECEIVE_BUFFER;
	int group = genl_ctrl_resolve_grp(news->socket, TEAM_GENL_NAME,
					  TEAM_GENL_CHANGE_EVENT_MC_GRP_NAME);

	if (group < 0)
		return err_set(e, -ENOENT, "the kernel has no team driver loaded");
	if (setsockopt(team_news_fd(news), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(team_news_fd(news), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (nl_socket_add_membership(news->socket, group) < 0)
		return err_errno(e, -errno, "cannot listen to the team driver");
	return 0;
}

int team_news_open(struct team_news **ret, struct err *e)
{
	cleanup(team_news_closep) struct team_news *news = calloc(1, sizeof(*news));
	int r;

	if (!news || !(news->socket = nl_socket_alloc()))
		return err_errno(e, -ENOMEM, "cannot listen to the team driver");
	if (genl_connect(news->socket) < 0)
		return err_errno(e, -errno, "cannot open a socket to generic netlink");
	r = join(news, e);
	if (r < 0)
		return r;
	*ret = steal_ptr(news);
	return 0;
}

static void see_option(void *userdata, const struct team_option *option)
{
	const struct reading *reading = userdata;

	reading->listener->option(reading->listener->userdata, reading->team, option);
}

static void see_port(void *userdata, int ifindex, bool removed)
{
	const struct reading *reading = userdata;

	reading->listener->port(reading->listener->userdata, reading->team, ifindex, removed);
}

static void take_message(struct nlmsghdr *header, const struct team_news_listener *listener)
{
	struct reading reading = { .listener = listener, .team = team_message_team(header) };
	const struct team_message_reader reader = {
		.option = see_option,
		.port = see_port,
		.userdata = &reading,
	};

	if (reading.team)
		team_message_parse(header, &reader);
}

void team_news_take(struct team_news *news, const struct team_news_listener *listener)
{
	for (;;) {
		ssize_t size = recv(team_news_fd(news), news->message, sizeof(news->message),
				    MSG_DONTWAIT);
		struct nlmsghdr *header = (struct nlmsghdr *)(void *)news->message;
		int rest = (int)size;

		if (size < 0 && errno == ENOBUFS)
			listener->lost(listener->userdata);
		else if (size < 0 && errno != EINTR)
			return;
		for (; size > 0 && nlmsg_ok(header, rest); header = nlmsg_next(header, &rest))
			take_message(header, listener);
	}
}
