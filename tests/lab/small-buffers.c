/* Preloaded into a program: whatever it asks for, its netlink sockets that subscribe to news get
 * the smallest receive buffer, so that a burst of messages overruns them. */
#include <dlfcn.h>
#include <linux/netlink.h>
#include <sys/socket.h>

typedef int set_option(int fd, int level, int option, const void *value, socklen_t size);

int setsockopt(int fd, int level, int option, const void *value, socklen_t size)
{
	static set_option *next;
	const int least = 0;

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "setsockopt");
	if (level == SOL_NETLINK && option == NETLINK_ADD_MEMBERSHIP)
		(void)next(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least));
	return next(fd, level, option, value, size);
}
