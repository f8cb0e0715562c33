#include "daemon/kernel/team-device.h"

#include "daemon/kernel/rtnl-message.h"
#include "lib/base/cleanup.h"
#include "lib/base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netlink/attr.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <team.h>
#include <unistd.h>

#define MODE "loadbalance"
#define METHOD_OPTION "lb_tx_method"
#define METHOD "hash_to_port_mapping"
#define HASH_OPTION "bpf_hash_func"

/* The memory device /dev/null. */
#define NULL_MAJOR 1
#define NULL_MINOR 3

/* A request for a device that no driver would make, as its address is none. Who has no driver of
 * that kind says so before it looks at the address. */
bool team_device_is_possible(void)
{
	static const uint8_t no_address[MAC_SIZE];
	const struct ifinfomsg head = {};
	cleanup(rtnl_closep) struct rtnl *rtnl = NULL;
	cleanup(nlmsg_freep) struct nl_msg *message =
		rtnl_link_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &head);
	struct nlattr *info;
	struct err e;

	if (!message || rtnl_open(&rtnl, &e) < 0 ||
	    nla_put(message, IFLA_ADDRESS, sizeof(no_address), no_address) < 0)
		return false;
	info = nla_nest_start(message, IFLA_LINKINFO);
	if (!info || nla_put_string(message, IFLA_INFO_KIND, "team") < 0)
		return false;
	nla_nest_end(message, info);
	return rtnl_request(rtnl, message, NULL, &e) == -EADDRNOTAVAIL;
}

static void say_nothing(struct team_handle *handle, int priority, const char *file, int line,
			const char *function, const char *format, va_list args)
{
}

static bool is_null_device(int fd)
{
	struct stat found;

	return fstat(fd, &found) == 0 && S_ISCHR(found.st_mode) &&
	       found.st_rdev == makedev(NULL_MAJOR, NULL_MINOR);
}

/* A handle that could not be initialised takes descriptor 0 along when it is freed (its field for
 * an epoll descriptor is still 0). If that is anything but /dev/null, the handle is left to leak.
 */
static void free_useless_handle(struct team_handle *handle)
{
	int fd;

	if (!is_null_device(STDIN_FILENO))
		return;
	team_free(handle);
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd > 0)
		(void)close(fd);
}

static int open_handle(int ifindex, struct team_handle **ret, struct err *e)
{
	struct team_handle *handle = team_alloc();
	int r;

	if (!handle)
		return err_errno(e, -ENOMEM, "cannot ask the team driver");
	team_set_log_fn(handle, say_nothing);
	r = team_init(handle, (uint32_t)ifindex);
	if (r < 0) {
		free_useless_handle(handle);
		return err_errno(e, r, "the team driver does not answer");
	}
	*ret = handle;
	return 0;
}

/* The handle listens from its first moment, and who listens and does not read makes everybody's
 * changes fail: it lives no longer than one of these calls. */
static void free_handle(struct team_handle **handle)
{
	if (*handle)
		team_free(*handle);
}

static int set_mode(struct team_handle *handle, bool *changed, struct err *e)
{
	char *mode = NULL;
	int r = team_get_mode_name(handle, &mode);

	if (r < 0)
		return err_errno(e, r, "cannot read the mode of the team device");
	if (strcmp(mode, MODE) == 0)
		return 0;
	*changed = true;
	r = team_set_mode_name(handle, MODE);
	if (r == -EBUSY)
		return err_set(e, -EEXIST,
			       "it is a team device in mode %s, which has ports already: it is "
			       "somebody else's",
			       mode);
	return r < 0 ? err_errno(e, r, "the team driver cannot do the mode " MODE) : 0;
}

static int set_method(struct team_handle *handle, bool *changed, struct err *e)
{
	struct team_option *option = team_get_option(handle, "n", METHOD_OPTION);
	int r;

	if (!option)
		return err_set(e, -EOPNOTSUPP, "the team driver has no option " METHOD_OPTION);
	if (strcmp(team_get_option_value_string(option), METHOD) == 0)
		return 0;
	*changed = true;
	r = team_set_option_value_string(handle, option, METHOD);
	return r < 0 ? err_errno(e, r, "cannot set the option " METHOD_OPTION) : 0;
}

static bool has_hash(struct team_handle *handle, const struct sock_fprog *hash)
{
	struct team_option *option = team_get_option(handle, "n!", HASH_OPTION);
	size_t size = hash->len * sizeof(*hash->filter);

	return option && team_get_option_value_len(option) == size &&
	       memcmp(team_get_option_value_binary(option), hash->filter, size) == 0;
}

static int set_hash(struct team_handle *handle, const struct sock_fprog *hash, bool *changed,
		    struct err *e)
{
	int r;

	if (has_hash(handle, hash))
		return 0;
	*changed = true;
	r = team_set_bpf_hash_func(handle, hash);
	return r < 0 ? err_errno(e, r, "cannot set the option " HASH_OPTION) : 0;
}

/* That changes have come to their end says a second look, by a handle of its own: that of the first
 * believes what it wrote. */
static int prepare(int ifindex, const struct sock_fprog *hash, bool *changed, struct err *e)
{
	cleanup(free_handle) struct team_handle *handle = NULL;
	int r = open_handle(ifindex, &handle, e);

	*changed = false;
	if (r == 0)
		r = set_mode(handle, changed, e);
	if (r == 0)
		r = set_method(handle, changed, e);
	return r < 0 ? r : set_hash(handle, hash, changed, e);
}

int team_device_prepare(int ifindex, const struct sock_fprog *hash, bool *ret_changed,
			struct err *e)
{
	bool again = true;
	int r = prepare(ifindex, hash, ret_changed, e);

	if (!*ret_changed || r == -EEXIST)
		return r;
	/* A change that was refused because somebody else does not listen may have been made. */
	for (int i = 0; i < 3 && (r < 0 || again); i++)
		r = prepare(ifindex, hash, &again, e);
	return r == 0 && again ? err_set(e, -EAGAIN, "somebody else changes the team device") : r;
}
