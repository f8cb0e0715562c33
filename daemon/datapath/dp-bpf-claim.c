/* Whether a device is free to become a member. */
#include "daemon/datapath/dp-bpf-internal.h"

#include "daemon/datapath/claim.h"

#include <errno.h>
#include <string.h>

/* Whether another team that is alive has it. */
static int check_teams(const struct dp_team *team, const struct rtnl_device *device, struct err *e)
{
	struct dp_team_entry entries[ABI_TEAMS];
	unsigned n = dp_maps_teams(team->dp, entries);
	struct abi_member member;

	if (!dp_maps_get_member(team->dp, device->ifindex, &member))
		return 0;
	for (unsigned i = 0; i < n; i++)
		if (entries[i].team.index == member.team && member.team != team->index)
			return err_set(e, -EBUSY, "it is a member of %.*s", ABI_NAME_SIZE,
				       entries[i].team.name);
	return 0;
}

/* Of a team of ours, or of the kernel's. */
static bool is_member(void *userdata, const struct rtnl_device *device)
{
	struct dp_bpf *dp = userdata;
	struct rtnl_device master;
	struct abi_member member;
	struct err ignored;

	if (dp_maps_get_member(dp, device->ifindex, &member))
		return true;
	return device->master &&
	       rtnl_device_by_index(dp->rtnl, device->master, &master, &ignored) == 0 &&
	       strcmp(master.kind, "team") == 0;
}

int dp_claim_check(const struct dp_team *team, const struct rtnl_device *device, struct err *e)
{
	const struct claim_members members = { is_member, team->dp };
	int r = claim_check_device(team->dp->rtnl, device, &members, e);

	return r < 0 ? r : check_teams(team, device, e);
}
