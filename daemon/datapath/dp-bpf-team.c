/* Making, changing and deleting team devices. */
#include "daemon/datapath/dp-bpf-device.h"
#include "daemon/datapath/dp-bpf-internal.h"

#include "lib/base/log.h"

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
	struct dp_device device;
	bool fresh; /* The maps knew nothing of it. */
};

/* The team's place in the maps. */
static int take_index(struct opening *opening, struct err *e)
{
	struct dp_team *team = opening->team;
	struct abi_team entry;
	int r;

	opening->fresh =
		!dp_maps_get_team(team->dp, team->peer, &entry) || entry.index >= ABI_TEAMS;
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
	entry = (struct abi_team){
		.index = team->index,
		.hash = team->spec.hash,
		.rules = team->steers ? ABI_RULE_STEERED : 0,
	};
	memcpy(entry.name, team->spec.name, sizeof(entry.name));
	return dp_maps_put_team(team->dp, team->peer, &entry, e);
}

static void set_carrier_returns(struct dp_team *team, bool returns)
{
	__atomic_store_n(&dp_words(team)->carrier_returns, returns, __ATOMIC_RELEASE);
}

/* The other way always works. */
static void set_direct(struct dp_team *team)
{
	struct err e;

	if (dp_device_set_direct(team, &e) < 0)
		log_warning("%s: %s; they leave by way of the hidden device", team->spec.name,
			    e.text);
}

static int set_up(struct opening *opening, struct err *e)
{
	const struct dp_device *device = &opening->device;
	struct dp_team *team = opening->team;
	int r = dp_device_prepare(team, device, e);

	team->kind = device->kind;
	team->ifindex = device->own.ifindex;
	team->peer = device->peer.ifindex;
	team->up = device->peer.up;
	if (r == 0)
		r = take_index(opening, e);
	if (r == 0)
		r = dp_pin(team->dp, e);
	if (r == 0)
		r = dp_device_attach(team, e);
	if (r < 0)
		return r;
	/* A former daemon may have had it so. */
	team->is_direct = !device->made && !team->steers;
	set_direct(team);
	return dp_device_finish(team, device, e);
}

static void undo(struct opening *opening)
{
	struct dp_bpf *dp = opening->team->dp;
	struct dp_team_entry entries[ABI_TEAMS];
	bool made = opening->device.made;
	struct err ignored;

	if (made)
		(void)rtnl_delete_device(dp->rtnl, opening->device.own.ifindex, &ignored);
	if (made)
		dp_hook_forget(dp, opening->device.peer.ifindex);
	if (made && opening->fresh)
		dp_maps_forget_team(dp, (uint32_t)opening->device.peer.ifindex,
				    opening->team->index);
	if (dp->pinned && dp_maps_teams(dp, entries) == 0)
		dp_unpin(dp);
}

static void tell_found(struct opening *opening)
{
	struct dp_job *job = opening->job;
	struct dp_team *team = opening->team;

	/* What differs from the specification is told apart from it by team_configure(). */
	team->spec.mtu = opening->device.own.mtu;
	__atomic_store_n(&team->dp->in_use[team->index], true, __ATOMIC_RELEASE);
	job->info.ifindex = team->ifindex;
	job->info.adopted = !opening->device.made;
	job->info.carrier = team->up;
	set_carrier_returns(team, team->spec.carrier_returns);
}

int dp_open_run(struct dp_job *job, struct err *e)
{
	struct opening opening = { .job = job, .team = job->team };
	int r = dp_device_find_or_make(job->team, &opening.device, e);

	if (r == 0)
		r = set_up(&opening, e);
	if (r < 0) {
		undo(&opening);
		return err_prefix(e, "cannot open the team %s", job->team->spec.name);
	}
	tell_found(&opening);
	r = dp_adopt(job, e);
	if (r == 0 && opening.fresh && !job->team->steers)
		r = dp_rules_set(job->team, &job->team->spec, e);
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

static int configure(struct dp_team *team, const struct datapath_team_spec *spec, struct err *e)
{
	struct rtnl_device device;
	int r = rtnl_device_by_index(team->dp->rtnl, team->ifindex, &device, e);

	if (r < 0)
		return r;
	team->spec.mtu = device.mtu;
	r = team->steers ? 0 : set_mtu(team, spec->mtu, e);
	if (r < 0)
		return r;
	if (!team->steers && !mac_equal(&device.mac, &spec->mac) &&
	    rtnl_set_mac(team->dp->rtnl, team->ifindex, &spec->mac, e) < 0)
		return err_prefix(e, "cannot set its MAC address");
	set_carrier_returns(team, spec->carrier_returns);
	r = dp_rules_set(team, spec, e);
	if (r < 0)
		return r;
	team->spec.rules = spec->rules;
	return dp_device_set_direct(team, e);
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
	int r;

	if (team->steers)
		return dp_device_let_go(team, e);
	r = rtnl_device_by_index(team->dp->rtnl, team->ifindex, &device, e);
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
	if (r == 0 && team->up != job->up) {
		team->up = job->up;
		set_direct(team);
	}
	return r < 0 ? err_prefix(e, "cannot %s the carrier of %s", job->up ? "raise" : "drop",
				  team->spec.name)
		     : 0;
}
