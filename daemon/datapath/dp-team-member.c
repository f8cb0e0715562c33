/* Putting a device into the team, and setting it free as it was found. The kernel does much of it:
 * it gives the port the team's MTU and takes MTU and MAC address back, passes on whom the team
 * wants to hear, and switches LRO off. What is ours is the team's MAC address (in this mode the
 * kernel leaves it to us), IPv6's addresses, up and down, and that a new port, which the kernel
 * enables at once, is not used before we say so. */
#include "daemon/datapath/dp-team-internal.h"

#include "daemon/datapath/claim.h"
#include "lib/base/array.h"
#include "lib/base/log.h"

#include <errno.h>
#include <linux/if_link.h>
#include <string.h>

/* A device being added. */
struct addition {
	struct driver_team *team;
	struct rtnl_device device;
	struct dp_team_mark mark;
};

/* An MTU below this has no IPv6, and no mode of its addresses. */
#define IPV6_MTU 1280

static bool known_mark(struct addition *addition)
{
	struct driver_team *team = addition->team;
	bool known;

	driver_lock(team->driver);
	known = team->wish.ifindexes[addition->mark.slot] == addition->device.ifindex &&
		dp_team_mark_decode(team->wish.marks[addition->mark.slot], &addition->mark);
	driver_unlock(team->driver);
	return known;
}

static void note_joining(struct driver *driver, int ifindex)
{
	driver_lock(driver);
	driver->joining = ifindex;
	driver_unlock(driver);
}

static int set_addr_gen_mode(struct addition *addition, struct err *e)
{
	const struct rtnl_device *device = &addition->device;

	if (!addition->mark.has_addr_gen_mode || device->mtu < IPV6_MTU)
		return 0;
	if (rtnl_set_addr_gen_mode(addition->team->driver->rtnl, device->ifindex,
				   IN6_ADDR_GEN_MODE_NONE, e) < 0)
		return err_prefix(e, "cannot keep IPv6 from making addresses on it");
	return 0;
}

/* From the moment on in which a member may carry, the programs send to its queue. */
int driver_give_queue(struct driver_team *team, unsigned slot, int port, struct err *e)
{
	const struct team_option options[] = {
		{ .name = "queue_id",
		  .type = TEAM_OPTION_U32,
		  .port = port,
		  .number = DP_TEAM_QUEUE(slot) },
		{ .name = "enabled", .type = TEAM_OPTION_BOOL, .port = port, .number = true },
	};
	bool steered;

	driver_lock(team->driver);
	steered = team->wish.steered;
	driver_unlock(team->driver);
	return steered ? driver_write(team->driver->genl, team->ifindex, options,
				      ARRAY_SIZE(options), e)
		       : 0;
}

/* Out of use and without a part in the team's carrier; and marked, so that it is known again. The
 * first is what is in a hurry: the kernel has just enabled it. */
static int keep_out_of_use(struct addition *addition, struct err *e)
{
	int port = addition->device.ifindex;
	const struct team_option options[] = {
		{ .name = "enabled", .type = TEAM_OPTION_BOOL, .port = port, .number = false },
		{ .name = "user_linkup", .type = TEAM_OPTION_BOOL, .port = port, .number = false },
		{ .name = "user_linkup_enabled",
		  .type = TEAM_OPTION_BOOL,
		  .port = port,
		  .number = true },
		{ .name = "priority",
		  .type = TEAM_OPTION_S32,
		  .port = port,
		  .number = (uint32_t)dp_team_mark_encode(&addition->mark) },
	};

	int r = driver_write(addition->team->driver->genl, addition->team->ifindex, options,
			     ARRAY_SIZE(options), e);

	return r < 0 ? r : driver_give_queue(addition->team, addition->mark.slot, port, e);
}

int driver_set_port_mac(struct driver *driver, int ifindex, const struct mac *mac, struct err *e)
{
	struct rtnl *rtnl = driver->rtnl;
	int r = rtnl_set_mac(rtnl, ifindex, mac, e);

	if (r != -EBUSY)
		return r < 0 ? err_prefix(e, "cannot give it the team's MAC address") : 0;
	/* Some devices change it only while they are down. */
	r = rtnl_set_up(rtnl, ifindex, false, e);
	if (r == 0)
		r = rtnl_set_mac(rtnl, ifindex, mac, e);
	if (r == 0)
		r = rtnl_set_up(rtnl, ifindex, true, e);
	return r < 0 ? err_prefix(e, "cannot give it the team's MAC address") : 0;
}

/* A port has to be down when it comes, or the kernel refuses it. It comes up with that. */
static int put_in(struct addition *addition, struct err *e)
{
	struct rtnl *rtnl = addition->team->driver->rtnl;
	const struct rtnl_device *device = &addition->device;
	int r = 0;

	if (device->up)
		r = rtnl_set_up(rtnl, device->ifindex, false, e);
	if (r == 0)
		r = set_addr_gen_mode(addition, e);
	if (r == 0 && rtnl_set_master(rtnl, device->ifindex, addition->team->ifindex, e) < 0)
		r = err_prefix(e, "the kernel's team driver does not take it");
	if (r == 0)
		r = keep_out_of_use(addition, e);
	return r < 0 ? r
		     : driver_set_port_mac(addition->team->driver, device->ifindex,
					   &addition->team->spec.mac, e);
}

static void note_added(struct addition *addition)
{
	struct driver_team *team = addition->team;
	unsigned slot = addition->mark.slot;

	driver_lock(team->driver);
	team->wish.ifindexes[slot] = addition->device.ifindex;
	team->wish.marks[slot] = dp_team_mark_encode(&addition->mark);
	team->reread = true;
	team->serial++;
	team->driver->joining = 0;
	driver_unlock(team->driver);
}

static bool is_member(void *userdata, const struct rtnl_device *device)
{
	struct driver *driver = userdata;
	struct rtnl_device master;
	struct err ignored;

	return device->master &&
	       rtnl_device_by_index(driver->rtnl, device->master, &master, &ignored) == 0 &&
	       strcmp(master.kind, "team") == 0;
}

static int add(struct addition *addition, struct err *e)
{
	const struct claim_members members = { is_member, addition->team->driver };
	struct driver *driver = addition->team->driver;
	const struct rtnl_device *device = &addition->device;
	struct err ignored;
	int r;

	if (known_mark(addition) && device->master == addition->team->ifindex)
		return 0;
	r = claim_check_device(driver->rtnl, device, &members, e);
	if (r < 0)
		return r;
	/* As it was found first, if somebody else only took it out in between. */
	if (!known_mark(addition)) {
		addition->mark.was_up = device->up;
		addition->mark.has_addr_gen_mode = device->addr_gen_mode != RTNL_NO_ADDR_GEN_MODE;
		addition->mark.addr_gen_mode =
			addition->mark.has_addr_gen_mode ? (uint8_t)device->addr_gen_mode : 0;
	}
	note_joining(driver, device->ifindex);
	r = put_in(addition, e);
	if (r < 0) {
		(void)driver_set_back(addition->team, device->ifindex,
				      dp_team_mark_encode(&addition->mark), &ignored);
		note_joining(driver, 0);
		return r;
	}
	claim_warn_of_address(addition->team->driver->rtnl, addition->team->spec.name, device);
	note_added(addition);
	return 0;
}

/* The device that is in the slot already, 0 if none. */
static int in_slot(struct driver_team *team, unsigned slot)
{
	int ifindex;

	driver_lock(team->driver);
	ifindex = team->wish.ifindexes[slot];
	driver_unlock(team->driver);
	return ifindex;
}

int driver_member_add_run(struct driver_job *job, struct err *e)
{
	struct driver_team *team = job->team;
	struct addition addition = { .team = team, .mark.slot = job->slot };
	int there = in_slot(team, job->slot);
	int r;

	if (there && there != job->member.ifindex)
		r = err_set(e, -EBUSY, "its place is taken by another device");
	else
		r = rtnl_device_by_index(team->driver->rtnl, job->member.ifindex, &addition.device,
					 e);
	if (r == 0)
		r = add(&addition, e);
	if (r < 0)
		return err_prefix(e, "cannot add %s to %s", job->member.name, team->spec.name);
	return 0;
}

/* Remembers the first failure and goes on: what can be set back is. */
static void keep_first(int r, const struct err *e, int *first, struct err *ret)
{
	if (r == 0 || *first < 0)
		return;
	*first = r;
	*ret = *e;
}

static int take_out(struct driver_team *team, struct rtnl_device *device, struct err *e)
{
	int r;

	if (device->master != team->ifindex)
		return 0;
	r = rtnl_set_master(team->driver->rtnl, device->ifindex, 0, e);
	/* The kernel has set it down with that. */
	return r < 0 ? r : rtnl_device_by_index(team->driver->rtnl, device->ifindex, device, e);
}

static int set_back(struct driver *driver, const struct rtnl_device *device, int32_t priority,
		    struct err *e)
{
	struct dp_team_mark mark;
	struct err one;
	int first = 0;

	/* In something else now, which has its own will. */
	if (device->master || !dp_team_mark_decode(priority, &mark))
		return 0;
	if (mark.has_addr_gen_mode && device->mtu >= IPV6_MTU)
		keep_first(rtnl_set_addr_gen_mode(driver->rtnl, device->ifindex, mark.addr_gen_mode,
						  &one),
			   &one, &first, e);
	if (mark.was_up != device->up)
		keep_first(rtnl_set_up(driver->rtnl, device->ifindex, mark.was_up, &one), &one,
			   &first, e);
	return first;
}

int driver_set_back(struct driver_team *team, int ifindex, int32_t mark, struct err *e)
{
	struct rtnl_device device;
	int r = rtnl_device_by_index(team->driver->rtnl, ifindex, &device, e);

	if (r == 0)
		r = take_out(team, &device, e);
	if (r == 0)
		r = set_back(team->driver, &device, mark, e);
	return r == -ENODEV ? 0 : r;
}

int driver_member_remove_run(struct driver_job *job, struct err *e)
{
	struct driver_team *team = job->team;
	int32_t mark;
	int ifindex;

	driver_lock(job->driver);
	ifindex = team->wish.ifindexes[job->slot];
	mark = team->wish.marks[job->slot];
	team->wish.ifindexes[job->slot] = 0;
	team->serial++;
	driver_unlock(job->driver);
	if (ifindex && driver_set_back(team, ifindex, mark, e) < 0)
		return err_prefix(e, "cannot set a member of %s back to how it was found",
				  team->spec.name);
	return 0;
}
