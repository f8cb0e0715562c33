#include "daemon/kernel/ethtool-ioctl.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>

/* More than any kernel has; three masks of so many words follow the settings. */
#define MASK_WORDS 127

union settings_request {
	struct ethtool_link_settings settings;
	uint8_t room[sizeof(struct ethtool_link_settings) + 3 * MASK_WORDS * sizeof(uint32_t)];
};

struct ethtool_settings ethtool_settings_from(uint32_t speed, uint8_t duplex)
{
	return (struct ethtool_settings){
		.speed_mbps = speed <= INT32_MAX ? speed : 0,
		.full_duplex = duplex != DUPLEX_HALF,
	};
}

static int find_name(int fd, int ifindex, struct ifreq *ret)
{
	*ret = (struct ifreq){ .ifr_ifindex = ifindex };
	return ioctl(fd, SIOCGIFNAME, ret) < 0 ? -errno : 0;
}

/* Asks the device by its name; -EAGAIN if it was renamed meanwhile. */
static int ask(int fd, int ifindex, void *question)
{
	struct ifreq request, after;
	int r, answer = 0;

	r = find_name(fd, ifindex, &request);
	if (r < 0)
		return r;
	request.ifr_data = question;
	if (ioctl(fd, SIOCETHTOOL, &request) < 0)
		answer = -errno;
	r = find_name(fd, ifindex, &after);
	if (r < 0)
		return r;
	return strncmp(request.ifr_name, after.ifr_name, IFNAMSIZ) ? -EAGAIN : answer;
}

enum ethtool_link ethtool_ioctl_link(int fd, int ifindex)
{
	struct ethtool_value value = { .cmd = ETHTOOL_GLINK };

	switch (ask(fd, ifindex, &value)) {
	case 0:
		return value.data ? ETHTOOL_LINK_UP : ETHTOOL_LINK_DOWN;
	case -ENODEV:
	case -ENXIO:
		return ETHTOOL_LINK_GONE;
	}
	return ETHTOOL_LINK_UNKNOWN;
}

int ethtool_ioctl_settings(int fd, int ifindex, struct ethtool_settings *ret)
{
	union settings_request request = { .settings.cmd = ETHTOOL_GLINKSETTINGS };
	int8_t words;
	int r;

	/* The first answer only says, as a negative number, how many words a mask has. */
	r = ask(fd, ifindex, &request);
	if (r < 0)
		return r;
	words = request.settings.link_mode_masks_nwords;
	if (words >= 0)
		return -EOPNOTSUPP;
	request = (union settings_request){
		.settings.cmd = ETHTOOL_GLINKSETTINGS,
		.settings.link_mode_masks_nwords = (int8_t)-words,
	};
	r = ask(fd, ifindex, &request);
	if (r < 0)
		return r;
	*ret = ethtool_settings_from(request.settings.speed, request.settings.duplex);
	return 0;
}
