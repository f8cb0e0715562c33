#include "daemon/kernel/ethtool.h"

#include "daemon/kernel/ethtool-ioctl.h"
#include "daemon/kernel/genl.h"
#include "lib/base/array.h"
#include "lib/base/cleanup.h"

#include <assert.h>
#include <errno.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <sys/socket.h>

/* An answer about a link takes a third of it; one about settings has bitmaps of modes. */
#define ANSWER_SIZE 2048

/* A request as it goes over the socket. The header attribute's type is 1 in every request. */
struct question {
	struct nlmsghdr message;
	struct genlmsghdr genl;
	struct nlattr header;
	struct nlattr index;
	uint32_t ifindex;
	struct nlattr flags;
	uint32_t flags_value;
};

static_assert(sizeof(struct question) == 40, "netlink wants no padding in between");
static_assert((int)ETHTOOL_A_LINKSTATE_HEADER == (int)ETHTOOL_A_LINKMODES_HEADER,
	      "one form for both");

struct answer {
	_Alignas(struct nlmsghdr) uint8_t bytes[ANSWER_SIZE];
};

struct ethtool {
	struct nl_sock *socket; /* NULL: by ioctl. */
	int ioctl_fd;
	uint16_t family;
	uint32_t sequence; /* Of the first question of the last batch. */
	unsigned n;        /* Questions in it. */
	struct question questions[ETHTOOL_BATCH];
	struct answer answers[ETHTOOL_BATCH];
	struct iovec iov[ETHTOOL_BATCH];
	struct mmsghdr messages[ETHTOOL_BATCH];
};

void ethtool_close(struct ethtool *ethtool)
{
	if (!ethtool)
		return;
	nl_socket_free(ethtool->socket);
	closep(&ethtool->ioctl_fd);
	free(ethtool);
}

DEFINE_CLEANUP(struct ethtool, ethtool_close)

static struct ethtool *allocate(void)
{
	struct ethtool *ethtool = calloc(1, sizeof(*ethtool));

	if (!ethtool)
		return NULL;
	ethtool->ioctl_fd = -1;
	for (unsigned i = 0; i < ETHTOOL_BATCH; i++) {
		ethtool->iov[i] = (struct iovec){ &ethtool->answers[i], sizeof(struct answer) };
		ethtool->messages[i].msg_hdr = (struct msghdr){
			.msg_iov = &ethtool->iov[i],
			.msg_iovlen = 1,
		};
	}
	return ethtool;
}

int ethtool_open_ioctl(struct ethtool **ret, struct err *e)
{
	cleanup(ethtool_closep) struct ethtool *ethtool = allocate();

	if (!ethtool)
		return err_errno(e, -ENOMEM, "cannot ask network devices");
	ethtool->ioctl_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (ethtool->ioctl_fd < 0)
		return err_errno(e, -errno, "cannot open a socket to ask network devices");
	*ret = steal_ptr(ethtool);
	return 0;
}

int ethtool_open(struct ethtool **ret, struct err *e)
{
	cleanup(ethtool_closep) struct ethtool *ethtool = allocate();
	int r;

	if (!ethtool)
		return err_errno(e, -ENOMEM, "cannot ask network devices");
	r = genl_open(&ethtool->socket);
	if (r < 0)
		return err_errno(e, r, "cannot open a netlink socket to ask network devices");
	r = genl_family(ethtool->socket, ETHTOOL_GENL_NAME);
	if (r == -ENOENT)
		return ethtool_open_ioctl(ret, e);
	if (r < 0)
		return err_errno(e, r, "cannot find the kernel's ethtool interface");
	ethtool->family = (uint16_t)r;
	*ret = steal_ptr(ethtool);
	return 0;
}

static struct nlattr attribute(size_t size, int type)
{
	return (struct nlattr){ .nla_len = (uint16_t)(sizeof(struct nlattr) + size),
				.nla_type = (uint16_t)type };
}

static void fill_question(struct ethtool *ethtool, unsigned i, uint8_t command, int ifindex)
{
	size_t nested = sizeof(struct question) - offsetof(struct question, index);

	ethtool->questions[i] = (struct question){
		.message = { .nlmsg_len = sizeof(struct question),
			     .nlmsg_type = ethtool->family,
			     .nlmsg_flags = NLM_F_REQUEST,
			     .nlmsg_seq = ethtool->sequence + i },
		.genl = { .cmd = command, .version = ETHTOOL_GENL_VERSION },
		.header = attribute(nested, ETHTOOL_A_LINKSTATE_HEADER | NLA_F_NESTED),
		.index = attribute(sizeof(uint32_t), ETHTOOL_A_HEADER_DEV_INDEX),
		.ifindex = (uint32_t)ifindex,
		.flags = attribute(sizeof(uint32_t), ETHTOOL_A_HEADER_FLAGS),
		.flags_value = ETHTOOL_FLAG_COMPACT_BITSETS,
	};
}

static void start_batch(struct ethtool *ethtool, uint8_t command, const int *ifindexes, unsigned n)
{
	ethtool->sequence += ethtool->n;
	ethtool->n = n;
	for (unsigned i = 0; i < n; i++)
		fill_question(ethtool, i, command, ifindexes[i]);
}

/* Called for the answer to question 'i': 'attributes' NULL and a negative errno, or 0. */
typedef void answered(void *userdata, unsigned i, int code, struct nlattr **attributes);

/* Sorts one message to its question; answers to an earlier batch that was given up are none. */
static void take_message(const struct ethtool *ethtool, struct nlmsghdr *message, answered *take,
			 void *userdata)
{
	struct nlattr *attributes[ETHTOOL_A_LINKMODES_MAX + 1];
	uint32_t i = message->nlmsg_seq - ethtool->sequence;

	if (i >= ethtool->n)
		return;
	if (message->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *error = nlmsg_data(message);

		if (nlmsg_datalen(message) >= (int)sizeof(error->error))
			take(userdata, i, error->error, NULL);
	} else if (message->nlmsg_type == ethtool->family &&
		   nlmsg_parse(message, sizeof(struct genlmsghdr), attributes,
			       ARRAY_SIZE(attributes) - 1, NULL) == 0) {
		take(userdata, i, 0, attributes);
	}
}

static void take_datagram(struct ethtool *ethtool, unsigned i, answered *take, void *userdata)
{
	struct nlmsghdr *message = (struct nlmsghdr *)(void *)ethtool->answers[i].bytes;
	int left = (int)ethtool->messages[i].msg_len;

	if (ethtool->messages[i].msg_hdr.msg_flags & MSG_TRUNC)
		return;
	for (; nlmsg_ok(message, left); message = nlmsg_next(message, &left))
		take_message(ethtool, message, take, userdata);
}

/* The kernel works the questions off within sendmsg(), so that afterwards all answers are there,
 * and one that is not will not come any more. */
static void exchange(struct ethtool *ethtool, answered *take, void *userdata)
{
	struct iovec iov = { ethtool->questions, ethtool->n * sizeof(struct question) };
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct msghdr request = {
		.msg_name = &kernel, .msg_namelen = sizeof(kernel), .msg_iov = &iov, .msg_iovlen = 1
	};
	int fd = nl_socket_get_fd(ethtool->socket), n;

	if (sendmsg(fd, &request, 0) < 0)
		return;
	do {
		n = recvmmsg(fd, ethtool->messages, ETHTOOL_BATCH, MSG_DONTWAIT, NULL);
		for (int i = 0; i < n; i++)
			take_datagram(ethtool, (unsigned)i, take, userdata);
	} while (n == ETHTOOL_BATCH);
}

static void take_link(void *userdata, unsigned i, int code, struct nlattr **attributes)
{
	enum ethtool_link *answers = userdata;
	struct nlattr *link = attributes ? attributes[ETHTOOL_A_LINKSTATE_LINK] : NULL;

	if (code == -ENODEV)
		answers[i] = ETHTOOL_LINK_GONE;
	else if (link && nla_len(link) >= 1)
		answers[i] = nla_get_u8(link) ? ETHTOOL_LINK_UP : ETHTOOL_LINK_DOWN;
}

void ethtool_ask_links(struct ethtool *ethtool, const int *ifindexes, unsigned n,
		       enum ethtool_link *answers)
{
	assert(n <= ETHTOOL_BATCH);
	for (unsigned i = 0; i < n; i++)
		answers[i] = ethtool->socket ? ETHTOOL_LINK_UNKNOWN
					     : ethtool_ioctl_link(ethtool->ioctl_fd, ifindexes[i]);
	if (!ethtool->socket || n == 0)
		return;
	start_batch(ethtool, ETHTOOL_MSG_LINKSTATE_GET, ifindexes, n);
	exchange(ethtool, take_link, answers);
}

struct settings_answer {
	int code;
	struct ethtool_settings settings;
};

static void take_settings(void *userdata, unsigned i, int code, struct nlattr **attributes)
{
	struct settings_answer *answer = userdata;
	struct nlattr *speed, *duplex;

	answer->code = code;
	if (!attributes)
		return;
	speed = attributes[ETHTOOL_A_LINKMODES_SPEED];
	duplex = attributes[ETHTOOL_A_LINKMODES_DUPLEX];
	if (speed && duplex && nla_len(speed) >= 4 && nla_len(duplex) >= 1)
		answer->settings = ethtool_settings_from(nla_get_u32(speed), nla_get_u8(duplex));
}

int ethtool_ask_settings(struct ethtool *ethtool, int ifindex, struct ethtool_settings *ret)
{
	struct settings_answer answer = { -EIO, { .full_duplex = true } };

	*ret = answer.settings;
	if (!ethtool->socket)
		return ethtool_ioctl_settings(ethtool->ioctl_fd, ifindex, ret);
	start_batch(ethtool, ETHTOOL_MSG_LINKMODES_GET, &ifindex, 1);
	exchange(ethtool, take_settings, &answer);
	if (answer.code == 0)
		*ret = answer.settings;
	return answer.code;
}
