/* Making, changing and deleting team devices. */
#include "daemon/datapath/dp-bpf-internal.h"

#include <assert.h>
#include <errno.h>
#include <linux/if_link.h>
#include <string.h>

static_assert((int)ABI_HASH_TRANSPORT_PORTS == (int)HASH_TRANSPORT_PORTS &&
		      (int)ABI_HASH_IP_ADDRESSES == (int)HASH_IP_ADDRESSES &&
		      (int)ABI_HASH_MAC_ADDRESSES == (int)HASH_MAC_ADDRESSES,
	      "the programs know the words of daemon/core");

/* A team being opened. */
struct opening {
	struct dp_job *job;
	struct dp_team *team;
	struct rtnl_device device;
	struct rtnl_device peer;
	bool made;  /* By this opening. */
	bool fresh; /* The maps knew nothing of it. */
};

/* Under another name our device would be adopted by nobody, and a second one carry no members. */
static int check_renamed(const struct opening *opening, struct err *e)
{
	struct dp_bpf *dp = opening->team->dp;
	const char *name = opening->team->spec.name;
	struct dp_team_entry entries[ABI_TEAMS];
	unsigned n = dp_maps_teams(dp, entries);

	for (unsigned i = 0; i < n; i++) {
		struct rtnl_device peer, device;
		struct err ignored;

		if (strncmp(entries[i].team.name, name, ABI_NAME_SIZE) == 0 &&
		    rtnl_device_by_index(dp->rtnl, (int)entries[i].peer, &peer, &ignored) == 0 &&
		    rtnl_device_by_index(dp->rtnl, peer.lower, &device, &ignored) == 0)
			return err_set(e, -EEXIST,
				       "the team's device was renamed to %s; give it back its name",
				       device.name);
	}
	return 0;
}

static int read_peer(struct opening *opening, struct err *e)
{
	if (!opening->device.lower)
		return -ENODEV;
	return rtnl_device_by_index(opening->team->dp->rtnl, opening->device.lower, &opening->peer,
				    e);
}

static int make_device(struct opening *opening, struct err *e)
{
	const struct datapath_team_spec *spec = &opening->team->spec;
	const struct rtnl_veth veth = {
		.name = spec->name,
		.mac = spec->mac,
		.peer_name = DP_BPF_PEER_PREFIX "%d",
		.mtu = spec->mtu,
	};
	struct rtnl *rtnl = opening->team->dp->rtnl;
	int r = check_renamed(opening, e);

	if (r < 0)
		return r;
	if (rtnl_add_veth(rtnl, &veth, e) < 0)
		return err_prefix(e, "cannot make the device");
	r = rtnl_device_by_name(rtnl, spec->name, &opening->device, e);
	if (r < 0)
		return r;
	opening->made = true;
	return read_peer(opening, e);
}

static int find_or_make_device(struct opening *opening, struct err *e)
{
	struct dp_team *team = opening->team;
	int r = rtnl_device_by_name(team->dp->rtnl, team->spec.name, &opening->device, e);

	if (r == -ENODEV)
		return make_device(opening, e);
	if (r < 0)
		return r;
	r = read_peer(opening, e);
	if (r < 0 && r != -ENODEV)
		return r;
	if (r == -ENODEV || !dp_is_team_device(team->spec.name, &opening->device, &opening->peer))
		return err_set(e, -EEXIST, "a device of that name is there%s%s, and it is not ours",
			       opening->device.kind[0] ? ", of kind " : "", opening->device.kind);
	return 0;
}

static int name_peer(struct opening *opening, struct err *e)
{
	struct rtnl *rtnl = opening->team->dp->rtnl;
	const struct rtnl_device *peer = &opening->peer;
	char text[RTNL_ALIAS_SIZE];
	int r = 0;

	(void)snprintf(text, IFNAMSIZ, DP_BPF_PEER_PREFIX "%d", opening->device.ifindex);
	/* A running device cannot be renamed by every kernel, and need not. */
	if (strcmp(peer->name, text) != 0 && !peer->up)
		r = rtnl_set_name(rtnl, peer->ifindex, text, e);
	(void)snprintf(text, sizeof(text), DP_BPF_ALIAS_PREFIX "%s", opening->team->spec.name);
	if (r == 0 && strcmp(peer->alias, text) != 0)
		r = rtnl_set_alias(rtnl, peer->ifindex, text, e);
	if (r == 0 && peer->addr_gen_mode != RTNL_NO_ADDR_GEN_MODE &&
	    peer->addr_gen_mode != IN6_ADDR_GEN_MODE_NONE)
		r = rtnl_set_addr_gen_mode(rtnl, peer->ifindex, IN6_ADDR_GEN_MODE_NONE, e);
	return r < 0 ? err_prefix(e, "cannot prepare the hidden device") : 0;
}

/* The alias says that the device is complete, so it comes last. */
static int finish_device(struct opening *opening, struct err *e)
{
	struct rtnl *rtnl = opening->team->dp->rtnl;
	char alias[RTNL_ALIAS_SIZE];
	int r;

	(void)snprintf(alias, sizeof(alias), DP_BPF_ALIAS_PREFIX "%s", opening->team->spec.name);
	if (strcmp(opening->device.alias, alias) == 0)
		return 0;
	r = rtnl_set_up(rtnl, opening->device.ifindex, true, e);
	return r < 0 ? r : rtnl_set_alias(rtnl, opening->device.ifindex, alias, e);
}

/* The team's place in the maps. */
static int take_index(struct opening *opening, struct err *e)
{
	struct dp_team *team = opening->team;
	struct abi_team entry;
	int r;

	opening->fresh = !dp_maps_get_team(team->dp, opening->peer.ifindex, &entry) ||
			 entry.index >= ABI_TEAMS;
	if (!opening->fresh) {
		team->index = entry.index;
		return __atomic_load_n(&team->dp->in_use[entry.index], __ATOMIC_ACQUIRE)
			       ? err_set(e, -EBUSY, "it is open already")
			       : 0;
	}
	dp_purge(team->dp);
	r = dp_maps_take_index(team->dp, &team->index, e);
	if (r < 0)
		return r;
	entry = (struct abi_team){ .index = team->index, .hash = team->spec.hash };
	memcpy(entry.name, team->spec.name, sizeof(entry.name));
	return dp_maps_put_team(team->dp, opening->peer.ifindex, &entry, e);
}

static void set_carrier_returns(struct dp_team *team, bool returns)
{
	__atomic_store_n(&dp_words(team)->carrier_returns, returns, __ATOMIC_RELEASE);
}

static int set_up(struct opening *opening, struct err *e)
{
	struct dp_team *team = opening->team;
	const struct dp_hook_spec hook = {
		.ifindex = opening->peer.ifindex,
		.sends = true,
		.team = opening->device.ifindex,
	};
	bool keep_clsact = false; /* Nobody else has any business there. */
	int r = name_peer(opening, e);

	if (r == 0)
		r = take_index(opening, e);
	if (r == 0)
		r = dp_pin(team->dp, e);
	if (r == 0)
		r = dp_hook_attach(team->dp, &hook, &keep_clsact, e);
	return r < 0 ? r : finish_device(opening, e);
}

static void undo(struct opening *opening)
{
	struct dp_bpf *dp = opening->team->dp;
	struct dp_team_entry entries[ABI_TEAMS];
	struct err ignored;

	if (opening->made)
		(void)rtnl_delete_device(dp->rtnl, opening->device.ifindex, &ignored);
	if (opening->made)
		dp_hook_forget(dp, opening->peer.ifindex);
	if (opening->made && opening->fresh)
		dp_maps_forget_team(dp, (uint32_t)opening->peer.ifindex, opening->team->index);
	if (dp->pinned && dp_maps_teams(dp, entries) == 0)
		dp_unpin(dp);
}

static void tell_found(struct opening *opening)
{
	struct dp_job *job = opening->job;
	struct dp_team *team = opening->team;

	team->ifindex = opening->device.ifindex;
	team->peer = opening->peer.ifindex;
	/* What differs from the specification is told apart from it by team_configure(). */
	team->spec.mtu = opening->device.mtu;
	__atomic_store_n(&team->dp->in_use[team->index], true, __ATOMIC_RELEASE);
	job->info.ifindex = team->ifindex;
	job->info.adopted = !opening->made;
	job->info.carrier = opening->peer.up;
	set_carrier_returns(team, team->spec.carrier_returns);
}

int dp_open_run(struct dp_job *job, struct err *e)
{
	struct opening opening = { .job = job, .team = job->team };
	int r = find_or_make_device(&opening, e);

	if (r == 0)
		r = set_up(&opening, e);
	if (r < 0) {
		undo(&opening);
		return err_prefix(e, "cannot open the team %s", job->team->spec.name);
	}
	tell_found(&opening);
	r = dp_adopt(job, e);
	if (r < 0)
		__atomic_store_n(&job->dp->in_use[job->team->index], false, __ATOMIC_RELEASE);
	return r;
}

static int set_member_mtu(struct dp_team *team, struct dp_member_entry *entry, uint32_t mtu,
			  struct err *e)
{
	struct rtnl_device device;
	int r;

	if (!dp_member_is_there(team->dp, entry, &device) || device.mtu == mtu)
		return 0;
	entry->member.found.mtu_set = mtu;
	r = dp_maps_put_member(team->dp, entry, e);
	if (r < 0)
		return r;
	if (rtnl_set_mtu(team->dp->rtnl, device.ifindex, mtu, e) < 0)
		return err_prefix(e, "cannot set the MTU of %s to %u", device.name, mtu);
	/* IPv6 comes back to a device whose MTU was too small for it, in its usual ways. */
	if (device.mtu < 1280 && mtu >= 1280)
		r = rtnl_set_addr_gen_mode(team->dp->rtnl, device.ifindex, IN6_ADDR_GEN_MODE_NONE,
					   e);
	return r;
}

static int set_members_mtu(struct dp_team *team, uint32_t mtu, struct err *e)
{
	struct dp_member_entry entries[ABI_MEMBERS];
	unsigned n = dp_maps_members(team->dp, team->index, entries);
	struct err ignored;
	int r = 0;

	for (unsigned i = 0; r == 0 && i < n; i++) {
		r = set_member_mtu(team, &entries[i], mtu, e);
		/* Refused: those before it, and its own note, go back to what the team has. */
		for (unsigned k = 0; r < 0 && k <= i; k++)
			(void)set_member_mtu(team, &entries[k], team->spec.mtu, &ignored);
	}
	return r;
}

static int set_own_mtu(struct dp_team *team, int ifindex, uint32_t mtu, struct err *e)
{
	if (rtnl_set_mtu(team->dp->rtnl, ifindex, mtu, e) < 0)
		return err_prefix(e, "cannot set the MTU to %u", mtu);
	return 0;
}

/* No frame may be larger than what comes after it on its way lets through. */
static int set_mtu(struct dp_team *team, uint32_t mtu, struct err *e)
{
	bool raised = mtu >= team->spec.mtu;
	int r = raised ? set_members_mtu(team, mtu, e) : set_own_mtu(team, team->ifindex, mtu, e);

	if (r == 0)
		r = set_own_mtu(team, team->peer, mtu, e);
	if (r == 0)
		r = raised ? set_own_mtu(team, team->ifindex, mtu, e)
			   : set_members_mtu(team, mtu, e);
	/* As with the members: an MTU below 1280 has taken IPv6 away from the hidden device. */
	if (r == 0 && team->spec.mtu < 1280 && mtu >= 1280)
		r = rtnl_set_addr_gen_mode(team->dp->rtnl, team->peer, IN6_ADDR_GEN_MODE_NONE, e);
	if (r == 0)
		team->spec.mtu = mtu;
	return r;
}

static int set_hash(struct dp_team *team, enum hash_fields hash, struct err *e)
{
	struct abi_team entry;

	if (!dp_maps_get_team(team->dp, team->peer, &entry))
		return err_set(e, -ENODEV, "the team's entry in the programs' map is gone");
	if (entry.hash == (uint32_t)hash)
		return 0;
	entry.hash = hash;
	return dp_maps_put_team(team->dp, team->peer, &entry, e);
}

static int configure(struct dp_team *team, const struct datapath_team_spec *spec, struct err *e)
{
	struct rtnl_device device;
	int r = rtnl_device_by_index(team->dp->rtnl, team->ifindex, &device, e);

	if (r < 0)
		return r;
	team->spec.mtu = device.mtu;
	r = set_mtu(team, spec->mtu, e);
	if (r < 0)
		return r;
	if (!mac_equal(&device.mac, &spec->mac) &&
	    rtnl_set_mac(team->dp->rtnl, team->ifindex, &spec->mac, e) < 0)
		return err_prefix(e, "cannot set its MAC address");
	set_carrier_returns(team, spec->carrier_returns);
	return set_hash(team, spec->hash, e);
}

int dp_configure_run(struct dp_job *job, struct err *e)
{
	if (configure(job->team, &job->spec, e) < 0)
		return err_prefix(e, "cannot change the team %s", job->team->spec.name);
	return 0;
}

static int delete_device(struct dp_team *team, struct err *e)
{
	struct rtnl_device device, peer;
	int r = rtnl_device_by_index(team->dp->rtnl, team->ifindex, &device, e);

	if (r == 0)
		r = rtnl_device_by_index(team->dp->rtnl, team->peer, &peer, e);
	if (r == 0 && dp_is_team_device(team->spec.name, &device, &peer))
		r = rtnl_delete_device(team->dp->rtnl, team->ifindex, e);
	return r == -ENODEV ? 0 : r;
}

static int set_members_free(struct dp_team *team, struct err *e)
{
	struct dp_member_entry entries[ABI_MEMBERS];
	unsigned n = dp_maps_members(team->dp, team->index, entries);
	int first = 0;

	for (unsigned i = 0; i < n; i++) {
		struct err one;
		int r = dp_member_set_free(team->dp, &entries[i], &one);

		if (r < 0 && first == 0) {
			first = r;
			*e = one;
		}
	}
	return first;
}

int dp_delete_run(struct dp_job *job, struct err *e)
{
	struct dp_team_entry entries[ABI_TEAMS];
	struct dp_team *team = job->team;
	struct dp_bpf *dp = job->dp;
	struct err one;
	int first = set_members_free(team, e);
	int r = delete_device(team, &one);

	if (r < 0 && first == 0) {
		first = r;
		*e = one;
	}
	dp_maps_forget_team(dp, (uint32_t)team->peer, team->index);
	dp_hook_forget(dp, team->peer);
	__atomic_store_n(&dp->in_use[team->index], false, __ATOMIC_RELEASE);
	if (dp_maps_teams(dp, entries) == 0) {
		dp_hook_forget_all(dp);
		dp_unpin(dp);
	}
	return first < 0 ? err_prefix(e, "cannot delete the team %s wholly", team->spec.name) : 0;
}

int dp_carrier_run(struct dp_job *job, struct err *e)
{
	struct dp_team *team = job->team;
	int r = rtnl_set_up(team->dp->rtnl, team->peer, job->up, e);

	if (r == -ENODEV)
		return 0; /* Deleted by somebody, which the link monitor tells. */
	return r < 0 ? err_prefix(e, "cannot %s the carrier of %s", job->up ? "raise" : "drop",
				  team->spec.name)
		     : 0;
}
