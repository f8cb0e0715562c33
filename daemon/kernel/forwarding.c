#include "daemon/kernel/forwarding.h"

#include "lib/base/cleanup.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

bool forwarding_is_on(const char *device)
{
	cleanup(closep) int fd = -1;
	char path[PATH_MAX];
	char value = '0';

	(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/forwarding", device);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read(fd, &value, 1) == 1 && value != '0';
}
