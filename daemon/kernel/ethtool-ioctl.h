/* ethtool's questions by ioctl, for kernels without its netlink family. An ioctl goes by name; the
 * name is looked up before and after, and only an answer between two equal names counts. */
#pragma once

#include "daemon/kernel/ethtool.h"

/* 'fd': any socket of the network namespace. */
enum ethtool_link ethtool_ioctl_link(int fd, int ifindex);
int ethtool_ioctl_settings(int fd, int ifindex, struct ethtool_settings *ret);

/* The device's figures as ours. */
struct ethtool_settings ethtool_settings_from(uint32_t speed, uint8_t duplex);
