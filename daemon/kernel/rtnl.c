#include "daemon/kernel/rtnl.h"

#include <errno.h>
#include <linux/netlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <string.h>
#include <sys/socket.h>

#define DUMP_ATTEMPTS 16
#define KERNEL_SENTENCE_SIZE 200

struct rtnl {
	struct nl_sock *socket;
	/* Of the request under way. */
	const struct rtnl_receiver *receiver;
	bool acknowledged;
	int refused; /* Negative errno. */
	char sentence[KERNEL_SENTENCE_SIZE];
};

/* Takes the kernel's own words out of its refusal. */
static int take_refusal(struct sockaddr_nl *from, struct nlmsgerr *error, void *userdata)
{
	struct rtnl *rtnl = userdata;
	struct nlmsghdr *header = (struct nlmsghdr *)(void *)((char *)error - NLMSG_HDRLEN);
	struct nlattr *attributes[NLMSGERR_ATTR_MAX + 1] = {};
	size_t head = sizeof(*error);

	rtnl->refused = error->error;
	rtnl->sentence[0] = '\0';
	/* The refused request comes back before the sentence. */
	if (!(header->nlmsg_flags & NLM_F_CAPPED))
		head += error->msg.nlmsg_len - sizeof(error->msg);
	if (header->nlmsg_flags & NLM_F_ACK_TLVS && (size_t)nlmsg_datalen(header) > head &&
	    nlmsg_parse(header, (int)head, attributes, NLMSGERR_ATTR_MAX, NULL) >= 0 &&
	    attributes[NLMSGERR_ATTR_MSG])
		(void)nla_strlcpy(rtnl->sentence, attributes[NLMSGERR_ATTR_MSG],
				  sizeof(rtnl->sentence));
	return NL_STOP;
}

static int take_message(struct nl_msg *message, void *userdata)
{
	struct rtnl *rtnl = userdata;

	if (rtnl->receiver)
		rtnl->receiver->seen(rtnl->receiver->userdata, nlmsg_hdr(message));
	return NL_OK;
}

static int take_acknowledgement(struct nl_msg *message, void *userdata)
{
	struct rtnl *rtnl = userdata;

	rtnl->acknowledged = true;
	return NL_OK;
}

void rtnl_close(struct rtnl *rtnl)
{
	if (!rtnl)
		return;
	nl_socket_free(rtnl->socket);
	free(rtnl);
}

static int connect_socket(struct rtnl *rtnl)
{
	int on = 1;

	rtnl->socket = nl_socket_alloc();
	if (!rtnl->socket)
		return -ENOMEM;
	if (nl_connect(rtnl->socket, NETLINK_ROUTE) < 0)
		return -errno;
	if (setsockopt(nl_socket_get_fd(rtnl->socket), SOL_NETLINK, NETLINK_EXT_ACK, &on,
		       sizeof(on)) < 0)
		return -errno;
	/* Filters' dumps come in large messages. */
	if (nl_socket_set_msg_buf_size(rtnl->socket, 65536) < 0)
		return -ENOMEM;
	nl_socket_modify_cb(rtnl->socket, NL_CB_VALID, NL_CB_CUSTOM, take_message, rtnl);
	nl_socket_modify_cb(rtnl->socket, NL_CB_ACK, NL_CB_CUSTOM, take_acknowledgement, rtnl);
	nl_socket_modify_err_cb(rtnl->socket, NL_CB_CUSTOM, take_refusal, rtnl);
	return 0;
}

int rtnl_open(struct rtnl **ret, struct err *e)
{
	cleanup(rtnl_closep) struct rtnl *rtnl = calloc(1, sizeof(*rtnl));
	int r = rtnl ? connect_socket(rtnl) : -ENOMEM;

	if (r < 0)
		return err_errno(e, r, "cannot open a socket to rtnetlink");
	*ret = steal_ptr(rtnl);
	return 0;
}

/* What a failed exchange means: the kernel's refusal, or what befell the socket. */
static int exchange_error(struct rtnl *rtnl, int nl_error, struct err *e)
{
	if (!rtnl->refused)
		return err_set(e, -EIO, "rtnetlink: %s", nl_geterror(nl_error));
	if (rtnl->sentence[0])
		return err_errno(e, rtnl->refused, "the kernel says '%s'", rtnl->sentence);
	return err_set(e, rtnl->refused, "%s", strerror(-rtnl->refused));
}

enum end {
	END_ACKNOWLEDGED,
	END_OF_DUMP,
};

/* Sends 'message' and takes what comes until 'end'. Returns a code of libnl. */
static int exchange(struct rtnl *rtnl, struct nl_msg *message, enum end end,
		    const struct rtnl_receiver *receiver)
{
	int r;

	rtnl->refused = 0;
	rtnl->acknowledged = false;
	rtnl->receiver = receiver;
	nlmsg_hdr(message)->nlmsg_seq = NL_AUTO_SEQ;
	r = nl_send_auto(rtnl->socket, message);
	/* An answer and the acknowledgement behind it may come one after the other. */
	while (r >= 0) {
		r = nl_recvmsgs_default(rtnl->socket);
		if (end == END_OF_DUMP || rtnl->acknowledged)
			break;
	}
	rtnl->receiver = NULL;
	return r < 0 ? r : 0;
}

int rtnl_request(struct rtnl *rtnl, struct nl_msg *message, const struct rtnl_receiver *receiver,
		 struct err *e)
{
	int r = exchange(rtnl, message, END_ACKNOWLEDGED, receiver);

	return r < 0 ? exchange_error(rtnl, r, e) : 0;
}

int rtnl_dump(struct rtnl *rtnl, struct nl_msg *message, const struct rtnl_receiver *receiver,
	      struct err *e)
{
	nlmsg_hdr(message)->nlmsg_flags |= NLM_F_DUMP;
	for (int i = 0; i < DUMP_ATTEMPTS; i++) {
		int r;

		receiver->begin(receiver->userdata);
		r = exchange(rtnl, message, END_OF_DUMP, receiver);
		if (r != -NLE_DUMP_INTR)
			return r < 0 ? exchange_error(rtnl, r, e) : 0;
	}
	return err_set(e, -EAGAIN, "rtnetlink: the list changes faster than it can be read");
}
