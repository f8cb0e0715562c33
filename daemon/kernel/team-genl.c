#include "daemon/kernel/team-genl.h"

#include "daemon/kernel/nl-socket.h"
#include "daemon/kernel/team-message.h"
#include "lib/base/cleanup.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/if_team.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

/* One option in a message, at most. */
#define OPTION_SIZE 80

/* The kernel answers before it returns from the request; who waits longer waits for nothing. */
#define ANSWER_SECONDS 5

struct team_genl {
	struct nl_sock *socket;
	int family; /* 0: not known yet. */
	/* Of the request under way. */
	team_option_seen *seen;
	void *userdata;
	bool ended;
	int refused; /* Negative errno. */
};

static void nlmsg_freep(struct nl_msg **message)
{
	nlmsg_free(*message);
}

static int take_refusal(struct sockaddr_nl *from, struct nlmsgerr *error, void *userdata)
{
	struct team_genl *genl = userdata;

	genl->refused = error->error;
	return NL_STOP;
}

static int take_message(struct nl_msg *message, void *userdata)
{
	struct team_genl *genl = userdata;
	const struct team_message_reader reader = {
		.option = genl->seen,
		.userdata = genl->userdata,
	};

	if (genl->seen && team_message_team(nlmsg_hdr(message)))
		team_message_parse(nlmsg_hdr(message), &reader);
	return NL_OK;
}

static int take_end(struct nl_msg *message, void *userdata)
{
	struct team_genl *genl = userdata;

	genl->ended = true;
	return NL_OK;
}

void team_genl_close(struct team_genl *genl)
{
	if (!genl)
		return;
	nl_socket_free(genl->socket);
	free(genl);
}

static int connect_socket(struct team_genl *genl)
{
	const struct timeval patience = { .tv_sec = ANSWER_SECONDS };

	genl->socket = nl_socket_alloc();
	if (!genl->socket)
		return -ENOMEM;
	if (genl_connect(genl->socket) < 0)
		return errno ? -errno : -EIO;
	(void)setsockopt(nl_socket_get_fd(genl->socket), SOL_SOCKET, SO_RCVTIMEO, &patience,
			 sizeof(patience));
	/* All options of a team are some 40 KiB, in messages of at most a page or two. */
	if (nl_socket_set_buffer_size(genl->socket, 1 << 18, 1 << 17) < 0 ||
	    nl_socket_set_msg_buf_size(genl->socket, 32768) < 0)
		return -ENOMEM;
	nl_socket_modify_cb(genl->socket, NL_CB_VALID, NL_CB_CUSTOM, take_message, genl);
	nl_socket_modify_cb(genl->socket, NL_CB_ACK, NL_CB_CUSTOM, take_end, genl);
	nl_socket_modify_cb(genl->socket, NL_CB_FINISH, NL_CB_CUSTOM, take_end, genl);
	nl_socket_modify_err_cb(genl->socket, NL_CB_CUSTOM, take_refusal, genl);
	return 0;
}

int team_genl_open(struct team_genl **ret, struct err *e)
{
	cleanup(team_genl_closep) struct team_genl *genl = calloc(1, sizeof(*genl));
	int r = genl ? connect_socket(genl) : -ENOMEM;

	if (r < 0)
		return err_errno(e, r, "cannot open a socket to generic netlink");
	*ret = steal_ptr(genl);
	return 0;
}

/* With the callbacks of the socket in place, libnl's own way to ask would be heard by them. */
static int resolve(struct team_genl *genl, struct err *e)
{
	cleanup(nl_socket_freep) struct nl_sock *sock = nl_socket_alloc();
	int family;

	if (!sock || genl_connect(sock) < 0)
		return err_set(e, -ENOMEM, "cannot ask for the team driver");
	family = genl_ctrl_resolve(sock, TEAM_GENL_NAME);
	if (family < 0)
		return err_set(e, -EOPNOTSUPP, "the kernel has no team driver loaded");
	genl->family = family;
	return 0;
}

static int exchange(struct team_genl *genl, struct nl_msg *message, struct err *e)
{
	int r;

	genl->refused = 0;
	genl->ended = false;
	nlmsg_hdr(message)->nlmsg_seq = NL_AUTO_SEQ;
	r = nl_send_auto(genl->socket, message);
	while (r >= 0 && !genl->ended)
		r = nl_recvmsgs_default(genl->socket);
	if (genl->refused)
		return err_set(e, genl->refused, "%s", strerror(-genl->refused));
	return r < 0 ? err_set(e, nl_errno(r), "generic netlink: %s", nl_geterror(r)) : 0;
}

static struct nl_msg *new_message(const struct team_genl *genl, int command, int ifindex,
				  size_t size)
{
	struct nl_msg *message = nlmsg_alloc_size(NLMSG_HDRLEN + GENL_HDRLEN + 64 + size);

	if (message && (!genlmsg_put(message, NL_AUTO_PORT, NL_AUTO_SEQ, genl->family, 0, 0,
				     (uint8_t)command, TEAM_GENL_VERSION) ||
			nla_put_u32(message, TEAM_ATTR_TEAM_IFINDEX, (uint32_t)ifindex) < 0)) {
		nlmsg_free(message);
		message = NULL;
	}
	return message;
}

static int no_memory(struct err *e)
{
	return err_errno(e, -ENOMEM, "cannot make a request to the team driver");
}

static int read_once(struct team_genl *genl, int ifindex, struct err *e)
{
	cleanup(nlmsg_freep) struct nl_msg *message =
		new_message(genl, TEAM_CMD_OPTIONS_GET, ifindex, 0);

	/* The end of the list is the end: nl_send_auto() would ask for an acknowledgement, too,
	 * which would be left in the socket. */
	nl_socket_disable_auto_ack(genl->socket);
	return message ? exchange(genl, message, e) : no_memory(e);
}

static int write_once(struct team_genl *genl, int ifindex, const struct team_option options[],
		      size_t n, struct err *e)
{
	cleanup(nlmsg_freep) struct nl_msg *message =
		new_message(genl, TEAM_CMD_OPTIONS_SET, ifindex, n * OPTION_SIZE);
	struct nlattr *list = message ? nla_nest_start(message, TEAM_ATTR_LIST_OPTION) : NULL;

	if (!list)
		return no_memory(e);
	for (size_t i = 0; i < n; i++)
		if (!team_message_put(message, &options[i]))
			return no_memory(e);
	nla_nest_end(message, list);
	nl_socket_enable_auto_ack(genl->socket);
	return exchange(genl, message, e);
}

/* The number of the family is another one after the module was loaded anew. Returns whether it is
 * worth trying again. */
static bool is_outdated(struct team_genl *genl, int r, struct err *e)
{
	int before = genl->family;

	return r == -ENOENT && resolve(genl, e) == 0 && genl->family != before;
}

/* The driver says EINVAL of a device that is none of its own, or is gone. */
static int explain(int r, struct err *e)
{
	return r == -EINVAL ? err_set(e, -ENODEV, "there is no such team device (any more)") : r;
}

int team_genl_read(struct team_genl *genl, int ifindex, team_option_seen *seen, void *userdata,
		   struct err *e)
{
	int r = genl->family ? 0 : resolve(genl, e);

	if (r < 0)
		return r;
	genl->seen = seen;
	genl->userdata = userdata;
	r = read_once(genl, ifindex, e);
	if (is_outdated(genl, r, e))
		r = read_once(genl, ifindex, e);
	genl->seen = NULL;
	return explain(r, e);
}

int team_genl_write(struct team_genl *genl, int ifindex, const struct team_option options[],
		    size_t n, struct err *e)
{
	int r = genl->family ? 0 : resolve(genl, e);

	if (r < 0)
		return r;
	r = write_once(genl, ifindex, options, n, e);
	if (is_outdated(genl, r, e))
		r = write_once(genl, ifindex, options, n, e);
	return explain(r, e);
}

bool team_genl_is_uncertain(int r)
{
	return r == -ENOBUFS || r == -ENOMEM || r == -ESRCH || r == -EAGAIN;
}
