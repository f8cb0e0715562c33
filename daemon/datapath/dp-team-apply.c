/* The applier: what the kernel has, what it should have, and what differs. */
#include "daemon/datapath/dp-team-internal.h"

#include "daemon/kernel/team-device.h"
#include "lib/base/cleanup.h"

#include <errno.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/epoll.h>

/* A change that others undo while it is made is left to the next occasion. */
#define ROUNDS 4

/* The wish as it was when the job looked. */
struct look {
	struct dp_team_wish wish;
	uint64_t serial;
	bool reread;
	int joining;
};

int driver_write(struct team_genl *genl, int ifindex, const struct team_option options[], size_t n,
		 struct err *e)
{
	int r = n > 0 ? team_genl_write(genl, ifindex, options, n, e) : 0;

	/* Somebody who listens to the driver has not heard of one of them, and the kernel stopped
	 * there. It is set, and so will the others be, each by itself. */
	if (!team_genl_is_uncertain(r))
		return r;
	r = 0;
	for (size_t i = 0; i < n && (r == 0 || team_genl_is_uncertain(r)); i++)
		r = team_genl_write(genl, ifindex, &options[i], 1, e);
	return r;
}

static void see_option(void *userdata, const struct team_option *option)
{
	struct driver_team *team = userdata;

	dp_team_options_take(&team->options, option, driver_hash_span(&team->wanted_hash));
}

static int read_options(struct driver_team *team, struct err *e)
{
	int r;

	team->options = (struct dp_team_options){};
	r = team_genl_read(team->driver->apply_genl, team->ifindex, see_option, team, e);
	team->known = r == 0;
	return r;
}

static void take_look(struct driver_team *team, struct look *look)
{
	driver_lock(team->driver);
	look->wish = team->wish;
	look->serial = team->serial;
	look->reread = team->reread;
	team->reread = false;
	team->apply_pending = false;
	look->joining = team->driver->joining;
	if (!team->wanted_hash.n || team->wanted_fields != team->hash)
		dp_team_hash_make(team->hash, &team->wanted_hash);
	team->wanted_fields = team->hash;
	driver_unlock(team->driver);
}

static unsigned count_foreign(const struct driver_team *team, const struct look *look)
{
	unsigned n = 0;

	for (unsigned i = 0; i < team->options.n_ports; i++) {
		int ifindex = team->options.ports[i].ifindex;

		n += ifindex != look->joining &&
		     dp_team_wish_slot(&look->wish, ifindex) == DP_TEAM_NO_SLOT;
	}
	return n;
}

/* What differs although nobody here wished for anything else, added to what did in rounds before.
 */
static void find_strays(const struct driver_team *team, const struct look *look,
			const struct dp_team_changes *changes, struct driver_strays *ret)
{
	ret->hash |= team->options.other_method || team->options.other_hash;
	ret->foreign += changes->n > 0 ? count_foreign(team, look) : 0;
	for (unsigned i = 0; i < changes->n; i++) {
		const struct team_option *option = &changes->options[i];
		unsigned slot = dp_team_wish_slot(&look->wish, option->port);

		ret->buckets += !option->port;
		if (slot != DP_TEAM_NO_SLOT)
			ret->changed |= (member_set)1 << slot;
	}
}

static member_set find_missing(const struct driver_team *team, const struct look *look)
{
	member_set missing = 0;

	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		if (look->wish.ifindexes[slot] &&
		    !dp_team_port_find(&team->options, look->wish.ifindexes[slot]))
			missing |= (member_set)1 << slot;
	return missing;
}

static int write_changes(struct driver_team *team, const struct dp_team_changes *changes,
			 struct err *e)
{
	struct team_genl *genl = team->driver->apply_genl;
	int r = driver_write(genl, team->ifindex, changes->options, changes->n_urgent, e);

	if (r == 0)
		r = driver_write(genl, team->ifindex, changes->options + changes->n_urgent,
				 changes->n - changes->n_urgent, e);
	for (unsigned i = 0; r == 0 && i < changes->n; i++)
		dp_team_options_made(&team->options, &changes->options[i]);
	/* A part of them is set; or all, and who can tell. */
	if (r < 0)
		team->known = false;
	return team_genl_is_uncertain(r) ? 0 : r;
}

static int set_hash(struct driver_team *team, struct err *e)
{
	const struct sock_fprog program = {
		.len = (uint16_t)team->wanted_hash.n,
		.filter = team->wanted_hash.code,
	};
	bool changed;

	team->known = false;
	return team_device_prepare(team->ifindex, &program, &changed, e);
}

/* Sets what differs by what is known. A member that failed is out of use with this, before anything
 * is read. */
static int set_right(struct driver_team *team, const struct look *look,
		     struct dp_team_changes *changes, struct err *e)
{
	dp_team_changes_make(&team->options, &look->wish, changes);
	return write_changes(team, changes, e);
}

/* Reads what the kernel has, and sets what differs. */
static int read_and_set_right(struct driver_team *team, const struct look *look,
			      struct dp_team_changes *changes, struct driver_strays *strays,
			      struct err *e)
{
	bool settled = look->reread && look->serial == team->applied;
	int r = read_options(team, e);

	if (r < 0)
		return r;
	dp_team_changes_make(&team->options, &look->wish, changes);
	if (settled)
		find_strays(team, look, changes, strays);
	strays->missing |= find_missing(team, look);
	if (team->options.other_method || team->options.other_hash)
		r = set_hash(team, e);
	return r < 0 ? r : write_changes(team, changes, e);
}

static int reconcile(struct driver_team *team, const struct look *look,
		     struct driver_strays *strays, struct err *e)
{
	cleanup(freep) struct dp_team_changes *changes = malloc(sizeof(*changes));
	bool reread = look->reread;
	int r = 0;

	if (!changes)
		return err_errno(e, -ENOMEM, "cannot compare");
	if (team->known)
		(void)set_right(team, look, changes, e);
	for (int i = 0; i < ROUNDS && (reread || !team->known); i++) {
		reread = false;
		/* A member may go in the middle, by somebody's hand or with its device. */
		r = read_and_set_right(team, look, changes, strays, e);
	}
	if (r == 0 && !team->known)
		r = err_set(e, -EAGAIN, "its options change faster than they can be set");
	if (r == 0)
		team->applied = look->serial;
	return r;
}

static int keep_listening(struct driver *driver, struct err *e)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT };
	bool relisten;
	int r;

	driver_lock(driver);
	relisten = driver->relisten;
	driver->relisten = false;
	driver_unlock(driver);
	if (driver->news && !relisten)
		return 0;
	team_news_close(driver->news);
	driver->news = NULL;
	r = team_news_open(&driver->news, e);
	if (r < 0)
		return r == -ENOENT ? -ENODEV : r;
	event.data.fd = team_news_fd(driver->news);
	return epoll_ctl(driver->epoll, EPOLL_CTL_ADD, event.data.fd, &event) < 0
		       ? err_errno(e, -errno, "cannot wait for news of the team driver")
		       : 0;
}

int driver_apply_run(struct driver_job *job, struct err *e)
{
	struct driver_team *team = job->team;
	cleanup(freep) struct look *look = malloc(sizeof(*look));
	int r;

	if (!look)
		return err_errno(e, -ENOMEM, "cannot compare");
	take_look(team, look);
	r = keep_listening(job->driver, e);
	return r < 0 ? r : reconcile(team, look, &job->strays, e);
}

static struct driver_team *find_team(struct driver *driver, int ifindex)
{
	struct driver_team *team;

	LIST_FOREACH (team, &driver->teams, entry)
		if (team->ifindex == ifindex)
			return team;
	return NULL;
}

/* What we set ourselves comes back as news, too, and is no reason to read. */
static void hear_option(void *userdata, int ifindex, const struct team_option *option)
{
	struct driver *driver = userdata;
	struct driver_team *team;

	driver_lock(driver);
	team = find_team(driver, ifindex);
	if (team && team->known &&
	    !dp_team_options_agree(&team->options, option, driver_hash_span(&team->wanted_hash)))
		team->reread = true;
	driver_unlock(driver);
}

/* Its link is told by rtnetlink; here it matters that it came or went. */
static void hear_port(void *userdata, int ifindex, int port, bool removed)
{
	struct driver *driver = userdata;
	struct driver_team *team;

	driver_lock(driver);
	team = find_team(driver, ifindex);
	if (team && removed == (dp_team_port_find(&team->options, port) != NULL))
		team->reread = true;
	driver_unlock(driver);
}

static void hear_of_loss(void *userdata)
{
	struct driver *driver = userdata;
	struct driver_team *team;

	driver_lock(driver);
	LIST_FOREACH (team, &driver->teams, entry)
		team->reread = true;
	driver_unlock(driver);
}

int driver_news_run(struct driver_job *job, struct err *e)
{
	struct driver *driver = job->driver;
	const struct team_news_listener listener = {
		.option = hear_option,
		.port = hear_port,
		.lost = hear_of_loss,
		.userdata = driver,
	};
	struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT };

	if (!driver->news)
		return 0;
	team_news_take(driver->news, &listener);
	event.data.fd = team_news_fd(driver->news);
	(void)epoll_ctl(driver->epoll, EPOLL_CTL_MOD, event.data.fd, &event);
	return 0;
}
