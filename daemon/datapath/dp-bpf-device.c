/* The kinds of team devices, and where the program that sends sits at them.
 *
 * All kinds are pairs: what is sent on the team's device would come in at the hidden one, and what
 * is sent there comes in on the team's. So frames are counted, queued and shown on the team's
 * device as on any other.
 *
 * - netkit (Linux 6.7): the program runs inside the transmission itself. Nobody else's traffic
 *   filter can get in its way. Without it, frames are dropped.
 * - veth: the program runs at the ingress of the hidden device, after a turn through the
 *   processor's backlog.
 *
 * Direct transmission adds the same program at the egress of the team's device. There it takes the
 * frames before the device sees them; the one at the usual place stays, so that none is lost while
 * the other comes or goes. */
#include "daemon/datapath/dp-bpf-device.h"

#include "lib/base/array.h"
#include "lib/base/log.h"

#include <errno.h>
#include <linux/if_link.h>
#include <string.h>

struct dp_device_kind {
	const char *name; /* As the kernel has it. */
	int (*add)(struct rtnl *rtnl, const struct rtnl_pair *pair, struct err *e);
	enum bpf_place place; /* Of the program that sends, … */
	bool at_peer;         /* … which sits at the hidden device. */
};

static const struct dp_device_kind kinds[] = {
	{ "netkit", rtnl_add_netkit, BPF_PLACE_NETKIT, false },
	{ "veth", rtnl_add_veth, BPF_PLACE_INGRESS, true },
};

/* Made by somebody else: the program at its egress says which port a frame leaves on. */
static const struct dp_device_kind driver_kind = { "team", NULL, BPF_PLACE_EGRESS, false };

const struct dp_device_kind *dp_device_kind(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

const char *dp_device_kind_name(const struct dp_device_kind *kind)
{
	return kind->name;
}

/* Under another name our device would be adopted by nobody, and a second one carry no members. */
static int check_renamed(const struct dp_team *team, struct err *e)
{
	struct dp_bpf *dp = team->dp;
	struct dp_team_entry entries[ABI_TEAMS];
	unsigned n = dp_maps_teams(dp, entries);

	for (unsigned i = 0; i < n; i++) {
		struct rtnl_device peer, device;
		struct err ignored;

		if (strncmp(entries[i].team.name, team->spec.name, ABI_NAME_SIZE) == 0 &&
		    rtnl_device_by_index(dp->rtnl, (int)entries[i].peer, &peer, &ignored) == 0 &&
		    rtnl_device_by_index(dp->rtnl, peer.lower, &device, &ignored) == 0)
			return err_set(e, -EEXIST,
				       "the team's device was renamed to %s; give it back its name",
				       device.name);
	}
	return 0;
}

static int read_peer(const struct dp_team *team, struct dp_device *device, struct err *e)
{
	if (!device->own.lower)
		return -ENODEV;
	return rtnl_device_by_index(team->dp->rtnl, device->own.lower, &device->peer, e);
}

static int add_pair(struct dp_bpf *dp, const struct rtnl_pair *pair, struct err *e)
{
	int r = dp->netkit ? rtnl_add_netkit(dp->rtnl, pair, e) : -EOPNOTSUPP;

	if (r != -EOPNOTSUPP)
		return r;
	dp->netkit = false;
	return rtnl_add_veth(dp->rtnl, pair, e);
}

static int make(struct dp_team *team, struct dp_device *ret, struct err *e)
{
	const struct datapath_team_spec *spec = &team->spec;
	const struct rtnl_pair pair = {
		.name = spec->name,
		.mac = spec->mac,
		.peer_name = DP_BPF_PEER_PREFIX "%d",
		.mtu = spec->mtu,
	};
	struct dp_bpf *dp = team->dp;
	int r = check_renamed(team, e);

	if (r < 0)
		return r;
	if (add_pair(dp, &pair, e) < 0)
		return err_prefix(e, "cannot make the device");
	r = rtnl_device_by_name(dp->rtnl, spec->name, &ret->own, e);
	if (r < 0)
		return r;
	ret->made = true;
	ret->kind = dp_device_kind(ret->own.kind);
	r = bpf_attach_prepare(&dp->attacher, ret->own.ifindex, e);
	return r < 0 ? r : read_peer(team, ret, e);
}

/* The device is both at once: where frames are seen on their way out, and the team's own. */
static int find_driver(const struct dp_team *team, struct dp_device *ret, struct err *e)
{
	int r = rtnl_device_by_name(team->dp->rtnl, team->spec.name, &ret->own, e);

	if (r < 0)
		return r;
	if (strcmp(ret->own.kind, driver_kind.name) != 0)
		return err_set(e, -EEXIST, "its device is none of the kernel's team driver");
	ret->peer = ret->own;
	ret->kind = &driver_kind;
	return 0;
}

int dp_device_find_or_make(struct dp_team *team, struct dp_device *ret, struct err *e)
{
	int r;

	if (team->steers)
		return find_driver(team, ret, e);
	r = rtnl_device_by_name(team->dp->rtnl, team->spec.name, &ret->own, e);

	if (r == -ENODEV)
		return make(team, ret, e);
	if (r < 0)
		return r;
	r = read_peer(team, ret, e);
	if (r < 0 && r != -ENODEV)
		return r;
	if (r == -ENODEV || !dp_is_team_device(team->spec.name, &ret->own, &ret->peer))
		return err_set(e, -EEXIST, "a device of that name is there%s%s, and it is not ours",
			       ret->own.kind[0] ? ", of kind " : "", ret->own.kind);
	ret->kind = dp_device_kind(ret->own.kind);
	return 0;
}

int dp_device_prepare(const struct dp_team *team, const struct dp_device *device, struct err *e)
{
	struct rtnl *rtnl = team->dp->rtnl;
	const struct rtnl_device *peer = &device->peer;
	char text[RTNL_ALIAS_SIZE];
	int r = 0;

	if (team->steers)
		return 0;
	(void)snprintf(text, IFNAMSIZ, DP_BPF_PEER_PREFIX "%d", device->own.ifindex);
	/* A running device cannot be renamed by every kernel, and need not. */
	if (strcmp(peer->name, text) != 0 && !peer->up)
		r = rtnl_set_name(rtnl, peer->ifindex, text, e);
	(void)snprintf(text, sizeof(text), DP_BPF_ALIAS_PREFIX "%s", team->spec.name);
	if (r == 0 && strcmp(peer->alias, text) != 0)
		r = rtnl_set_alias(rtnl, peer->ifindex, text, e);
	if (r == 0 && peer->addr_gen_mode != RTNL_NO_ADDR_GEN_MODE &&
	    peer->addr_gen_mode != IN6_ADDR_GEN_MODE_NONE)
		r = rtnl_set_addr_gen_mode(rtnl, peer->ifindex, IN6_ADDR_GEN_MODE_NONE, e);
	return r < 0 ? err_prefix(e, "cannot prepare the hidden device") : 0;
}

/* The alias says that the device is complete, so it comes last. */
int dp_device_finish(const struct dp_team *team, const struct dp_device *device, struct err *e)
{
	struct rtnl *rtnl = team->dp->rtnl;
	char alias[RTNL_ALIAS_SIZE];
	int r;

	if (team->steers)
		return 0;
	(void)snprintf(alias, sizeof(alias), DP_BPF_ALIAS_PREFIX "%s", team->spec.name);
	if (strcmp(device->own.alias, alias) == 0)
		return 0;
	r = rtnl_set_up(rtnl, device->own.ifindex, true, e);
	return r < 0 ? r : rtnl_set_alias(rtnl, device->own.ifindex, alias, e);
}

static int read_entry(const struct dp_team *team, struct abi_team *ret, struct err *e)
{
	if (!dp_maps_get_team(team->dp, team->peer, ret))
		return err_set(e, -ENODEV, "the team's entry in the programs' map is gone");
	return 0;
}

static int attach(struct dp_team *team, struct dp_hook_spec *spec, struct err *e)
{
	/* Nobody else has any business there, and a clsact goes with its device. */
	bool keep_clsact = true;
	struct abi_team entry;
	int r = read_entry(team, &entry, e);

	if (r < 0)
		return r;
	spec->rules = entry.rules;
	return dp_hook_attach(team->dp, spec, &keep_clsact, e);
}

static struct dp_hook_spec direct_hook(const struct dp_team *team)
{
	return (struct dp_hook_spec){
		.ifindex = team->ifindex,
		.place = BPF_PLACE_EGRESS,
		.sends = true,
		.team = team->ifindex,
		.peer = team->peer,
	};
}

int dp_device_attach(struct dp_team *team, struct err *e)
{
	struct dp_hook_spec direct = direct_hook(team);
	struct dp_hook_spec usual = direct;
	int r;

	usual.ifindex = team->kind->at_peer ? team->peer : team->ifindex;
	usual.place = team->kind->place;
	r = attach(team, &usual, e);
	return r == 0 && team->is_direct ? attach(team, &direct, e) : r;
}

static int begin_direct(struct dp_team *team, struct err *e)
{
	struct dp_hook_spec hook = direct_hook(team);
	struct abi_team entry;
	int r;

	(void)pthread_mutex_lock(&team->dp->entries);
	r = read_entry(team, &entry, e);
	if (r == 0)
		r = dp_maps_put_direct(team->dp, team->ifindex, &entry, e);
	(void)pthread_mutex_unlock(&team->dp->entries);
	if (r == 0)
		r = attach(team, &hook, e);
	if (r < 0)
		return err_prefix(e, "cannot have frames leave directly");
	team->is_direct = true;
	return 0;
}

/* The entry in the map stays: a program may be at work yet. */
static int end_direct(struct dp_team *team, struct err *e)
{
	struct dp_hook_spec hook = direct_hook(team);

	team->is_direct = false;
	return dp_hook_detach(team->dp, &hook, true, e);
}

int dp_device_set_direct(struct dp_team *team, struct err *e)
{
	bool wanted = team->spec.rules.direct && team->up && !team->steers;

	if (wanted)
		return begin_direct(team, e);
	return team->is_direct ? end_direct(team, e) : 0;
}

int dp_device_let_go(struct dp_team *team, struct err *e)
{
	struct dp_hook_spec hook = direct_hook(team);
	int r = dp_hook_detach(team->dp, &hook, true, e);

	return r == -ENODEV ? 0 : r;
}
