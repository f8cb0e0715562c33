/* By ioctl: every kernel has it, and for the question that is asked hundreds of times a second it
 * costs little more than half of what ethtool's netlink family does, even in batches. An ioctl goes
 * by name, though, and a name can become another device's: it is looked up by the ifindex before
 * each question, and looked up again where an answer would have consequences. */
#include "daemon/kernel/ethtool.h"

#include "lib/base/cleanup.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* More than any kernel has; three masks of so many words follow the settings. */
#define MASK_WORDS 127

union settings_request {
	struct ethtool_link_settings settings;
	uint8_t room[sizeof(struct ethtool_link_settings) + 3 * MASK_WORDS * sizeof(uint32_t)];
};

struct ethtool {
	int fd; /* Any socket of the network namespace. */
};

int ethtool_open(struct ethtool **ret, struct err *e)
{
	cleanup(freep) struct ethtool *ethtool = calloc(1, sizeof(*ethtool));

	if (!ethtool)
		return err_errno(e, -ENOMEM, "cannot ask network devices");
	ethtool->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (ethtool->fd < 0)
		return err_errno(e, -errno, "cannot open a socket to ask network devices");
	*ret = steal_ptr(ethtool);
	return 0;
}

void ethtool_close(struct ethtool *ethtool)
{
	if (!ethtool)
		return;
	closep(&ethtool->fd);
	free(ethtool);
}

static int find_name(const struct ethtool *ethtool, int ifindex, struct ifreq *ret)
{
	*ret = (struct ifreq){ .ifr_ifindex = ifindex };
	return ioctl(ethtool->fd, SIOCGIFNAME, ret) < 0 ? -errno : 0;
}

/* Whether the device still has the name by which it was asked: 0, or -EAGAIN. */
static int confirm_name(const struct ethtool *ethtool, int ifindex, const struct ifreq *asked)
{
	struct ifreq after;
	int r = find_name(ethtool, ifindex, &after);

	if (r < 0)
		return r;
	return strncmp(asked->ifr_name, after.ifr_name, IFNAMSIZ) ? -EAGAIN : 0;
}

/* Asks the device by its name, which is left in 'request'. */
static int ask(const struct ethtool *ethtool, int ifindex, void *question, struct ifreq *request)
{
	int r = find_name(ethtool, ifindex, request);

	if (r < 0)
		return r;
	request->ifr_data = question;
	return ioctl(ethtool->fd, SIOCETHTOOL, request) < 0 ? -errno : 0;
}

/* A wrong "up" is put right by the next question; a wrong "down" would stop a member that works. */
static enum ethtool_link ask_link(const struct ethtool *ethtool, int ifindex)
{
	struct ethtool_value value = { .cmd = ETHTOOL_GLINK };
	struct ifreq request;
	int r = ask(ethtool, ifindex, &value, &request), confirmed;

	if (r == 0 && value.data)
		return ETHTOOL_LINK_UP;
	confirmed = confirm_name(ethtool, ifindex, &request);
	if (confirmed == -ENODEV || confirmed == -ENXIO)
		return ETHTOOL_LINK_GONE;
	return r == 0 && confirmed == 0 ? ETHTOOL_LINK_DOWN : ETHTOOL_LINK_UNKNOWN;
}

void ethtool_ask_links(struct ethtool *ethtool, const int *ifindexes, unsigned n,
		       enum ethtool_link *answers)
{
	for (unsigned i = 0; i < n; i++)
		answers[i] = ask_link(ethtool, ifindexes[i]);
}

static struct ethtool_settings settings_from(uint32_t speed, uint8_t duplex)
{
	return (struct ethtool_settings){
		.speed_mbps = speed <= INT32_MAX ? speed : 0,
		.full_duplex = duplex != DUPLEX_HALF,
	};
}

static int ask_settings(const struct ethtool *ethtool, int ifindex,
			union settings_request *question)
{
	struct ifreq request;
	int r = ask(ethtool, ifindex, question, &request);

	return r < 0 ? r : confirm_name(ethtool, ifindex, &request);
}

int ethtool_ask_settings(struct ethtool *ethtool, int ifindex, struct ethtool_settings *ret)
{
	union settings_request request = { .settings.cmd = ETHTOOL_GLINKSETTINGS };
	int8_t words;
	int r;

	*ret = (struct ethtool_settings){ .full_duplex = true };
	/* The first answer only says, as a negative number, how many words a mask has. */
	r = ask_settings(ethtool, ifindex, &request);
	if (r < 0)
		return r;
	words = request.settings.link_mode_masks_nwords;
	if (words >= 0)
		return -EOPNOTSUPP;
	request = (union settings_request){
		.settings.cmd = ETHTOOL_GLINKSETTINGS,
		.settings.link_mode_masks_nwords = (int8_t)-words,
	};
	r = ask_settings(ethtool, ifindex, &request);
	if (r == 0)
		*ret = settings_from(request.settings.speed, request.settings.duplex);
	return r;
}
