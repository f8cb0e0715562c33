#include "daemon/datapath/claim.h"

#include "daemon/datapath/claim-facts.h"
#include "lib/base/array.h"
#include "lib/base/log.h"

#include <errno.h>
#include <string.h>

/* What sits on a device and takes its frames, which a member would not see any more. */
static const char *const kinds_on_top[] = { "macvlan", "macvtap", "ipvlan", "ipvtap", "vlan" };

struct neighbours {
	const struct rtnl_device *device;
	const struct claim_members *members;
	struct claim_facts facts;
	struct err relation; /* With a member: they are one piece of hardware. */
	struct rtnl_device master;
	struct rtnl_device on_top;
};

static bool takes_frames(const char *kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds_on_top); i++)
		if (strcmp(kind, kinds_on_top[i]) == 0)
			return true;
	return false;
}

static int see_neighbour(void *userdata, const struct rtnl_device *device)
{
	struct neighbours *neighbours = userdata;

	if (device->ifindex == neighbours->device->master)
		neighbours->master = *device;
	if (device->lower == neighbours->device->ifindex && takes_frames(device->kind))
		neighbours->on_top = *device;
	if (device->ifindex != neighbours->device->ifindex && claim_has_parts(&neighbours->facts) &&
	    neighbours->members->has(neighbours->members->userdata, device)) {
		struct claim_facts other;

		claim_facts_read(CLAIM_SYSFS, device->name, device->ifindex, &other);
		(void)claim_check_parts(&neighbours->facts, &other, device->name,
					&neighbours->relation);
	}
	return 0;
}

static int check_neighbours(struct rtnl *rtnl, struct neighbours *found, struct err *e)
{
	const struct rtnl_device *device = found->device;
	struct neighbours neighbours = *found;
	int r = rtnl_devices(rtnl, see_neighbour, &neighbours, e);

	if (r < 0)
		return r;
	if (neighbours.relation.code)
		return err_set(e, -EBUSY, "%s", neighbours.relation.text);
	if (neighbours.master.ifindex)
		return err_set(e, -EBUSY, "it belongs to %s (a %s device)", neighbours.master.name,
			       neighbours.master.kind);
	if (device->master)
		return err_set(e, -EBUSY, "it belongs to another device (number %d)",
			       device->master);
	if (neighbours.on_top.ifindex)
		return err_set(e, -EBUSY, "%s (a %s device) sits on it", neighbours.on_top.name,
			       neighbours.on_top.kind);
	return 0;
}

int claim_check_kind(const struct rtnl_device *device, struct err *e)
{
	if (device->loopback)
		return err_set(e, -EINVAL, "it is the loopback device");
	if (!device->ethernet)
		return err_set(e, -EINVAL, "it is no Ethernet device");
	if (strncmp(device->alias, CLAIM_ALIAS_PREFIX, strlen(CLAIM_ALIAS_PREFIX)) == 0)
		return err_set(e, -EBUSY, "it is a team's own device");
	if (strcmp(device->kind, "team") == 0 || strcmp(device->kind, "bond") == 0)
		return err_set(e, -EINVAL, "it is a team itself (a %s device)", device->kind);
	return 0;
}

int claim_check_device(struct rtnl *rtnl, const struct rtnl_device *device,
		       const struct claim_members *members, struct err *e)
{
	struct neighbours neighbours = { .device = device, .members = members };
	int r = claim_check_kind(device, e);

	if (r < 0)
		return r;
	claim_facts_read(CLAIM_SYSFS, device->name, device->ifindex, &neighbours.facts);
	if (neighbours.facts.wireless)
		return err_set(e, -EINVAL,
			       "it is wireless, and a radio sends under its own address only");
	return check_neighbours(rtnl, &neighbours, e);
}

void claim_warn_of_address(struct rtnl *rtnl, const char *team, const struct rtnl_device *device)
{
	const struct log_fields fields = {
		.team = team,
		.member = device->name,
		.reason = "address",
	};
	char text[RTNL_ADDRESS_SIZE];
	struct err e;

	if (rtnl_address_on(rtnl, device->ifindex, text, &e) == 1)
		log_write(LOG_LEVEL_WARNING, &fields,
			  "it has the address %s, which cannot be reached while it is a member; "
			  "addresses belong on %s",
			  text, team);
}
