/* Putting a device into a slot, and setting it free as it was found. */
#include "daemon/datapath/dp-bpf-internal.h"

#include "daemon/datapath/claim.h"
#include "daemon/kernel/offload.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"

#include <errno.h>
#include <linux/if_link.h>
#include <string.h>

#define MAC_LOCAL 0x02 /* Of the first octet: administered locally. */
#define OFFLOAD_LRO "rx-lro"
#define OFFLOAD_VLAN_FILTER "rx-vlan-filter"

/* A device being added. */
struct addition {
	struct dp_team *team;
	struct rtnl_device device;
	struct dp_member_entry entry;
	bool known;  /* The entry was there, */
	bool active; /* and the device works in this slot already. */
};

static bool has_mac(const struct abi_found *found, const struct mac *mac)
{
	return memcmp(found->mac, mac->bytes, ABI_MAC_SIZE) == 0;
}

/* Writes down how the device is found, before anything on it is changed. */
static int find(struct addition *addition, struct err *e)
{
	const struct rtnl_device *device = &addition->device;
	struct abi_found *found = &addition->entry.member.found;
	bool lro, vlan_filter;
	int r = offload_get(device->name, OFFLOAD_LRO, &lro, e);

	if (r < 0)
		return r;
	r = offload_get(device->name, OFFLOAD_VLAN_FILTER, &vlan_filter, e);
	if (r < 0)
		return r;
	*found = (struct abi_found){
		.mtu = device->mtu,
		.mtu_set = device->mtu,
		.has_addr_gen_mode = device->addr_gen_mode != RTNL_NO_ADDR_GEN_MODE,
		.up = device->up,
		.promiscuous = device->promiscuous,
		.lro = lro,
		.vlan_filter = vlan_filter,
	};
	if (found->has_addr_gen_mode)
		found->addr_gen_mode = (uint8_t)device->addr_gen_mode;
	memcpy(found->mac, device->mac.bytes, ABI_MAC_SIZE);
	found->steered = addition->team->steers;
	return 0;
}

/* A port of the kernel's team driver has the team's address already, and nobody tells which was its
 * own: the switch is shown one that is made from the team's. */
static void make_address(struct addition *addition, unsigned slot)
{
	const struct mac *mac = &addition->team->spec.mac;
	struct abi_found *found = &addition->entry.member.found;

	if (!found->steered || !has_mac(found, mac))
		return;
	found->mac[0] |= MAC_LOCAL;
	found->mac[ABI_MAC_SIZE - 1] = (__u8)(found->mac[ABI_MAC_SIZE - 1] + slot + 1);
}

/* The slot's counters, from which this member starts. */
static int count_from_here(struct addition *addition, unsigned slot, struct err *e)
{
	const struct dp_bpf *dp = addition->team->dp;
	cleanup(freep) struct abi_counters *room = calloc(dp->n_processors, sizeof(*room));
	struct abi_counters counters;
	int r;

	if (!room)
		return err_errno(e, -ENOMEM, "cannot read the counters");
	r = dp_maps_counters(dp, addition->team->index, room, &counters, e);
	if (r == 0)
		addition->entry.member.base = counters.members[slot];
	return r;
}

/* Takes over what is known of the device from before, or finds it out. */
static int prepare_entry(struct addition *addition, unsigned slot, struct err *e)
{
	struct abi_member *member = &addition->entry.member;
	struct dp_team *team = addition->team;
	int r = 0;

	addition->entry.ifindex = (uint32_t)addition->device.ifindex;
	addition->known = dp_maps_get_member(team->dp, addition->device.ifindex, member) &&
			  has_mac(&member->found, &addition->device.mac);
	if (addition->known && member->team == team->index && member->slot != slot)
		return err_set(e, -EBUSY, "it is in another place (%u) of this team", member->slot);
	if (!addition->known)
		r = find(addition, e);
	if (!addition->known)
		make_address(addition, slot);
	addition->active = addition->known && member->team == team->index;
	if (r == 0 && !addition->active)
		r = count_from_here(addition, slot, e);
	member->team = team->index;
	member->slot = slot;
	member->peer = (uint32_t)team->peer;
	member->found.mtu_set = team->spec.mtu;
	return r;
}

static int attach(struct addition *addition, struct err *e)
{
	const struct dp_hook_spec spec = {
		.ifindex = addition->device.ifindex,
		.rules = dp_rules_of(addition->team),
	};
	struct abi_found *found = &addition->entry.member.found;
	struct dp_bpf *dp = addition->team->dp;
	bool keep_clsact = !addition->known || found->clsact;
	int r = dp_hook_attach(dp, &spec, &keep_clsact, e);

	if (r < 0)
		return r;
	found->clsact = keep_clsact;
	return dp_maps_put_member(dp, &addition->entry, e);
}

static int set_mtu(struct addition *addition, struct err *e)
{
	uint32_t mtu = addition->team->spec.mtu;

	if (addition->device.mtu == mtu)
		return 0;
	if (rtnl_set_mtu(addition->team->dp->rtnl, addition->device.ifindex, mtu, e) < 0)
		return err_prefix(e, "cannot set its MTU to %u", mtu);
	return 0;
}

/* Not before the program is there: what a member hears is not for the host itself. */
static int open_up(struct addition *addition, struct err *e)
{
	struct rtnl *rtnl = addition->team->dp->rtnl;
	const struct rtnl_device *device = &addition->device;

	if (rtnl_set_promiscuous(rtnl, device->ifindex, true, e) < 0)
		return err_prefix(e, "cannot make it promiscuous");
	if (offload_set(device->name, OFFLOAD_VLAN_FILTER, false, e) < 0 ||
	    offload_set(device->name, OFFLOAD_LRO, false, e) < 0)
		return e->code;
	if (!device->up && rtnl_set_up(rtnl, device->ifindex, true, e) < 0)
		return err_prefix(e, "cannot set it up");
	return 0;
}

static int let_programs_know(struct addition *addition, struct err *e)
{
	const struct abi_member *member = &addition->entry.member;
	struct mac mac = addition->device.mac;
	int r;

	if (member->found.steered)
		memcpy(mac.bytes, member->found.mac, sizeof(mac.bytes));
	r = dp_rules_member(addition->team, member->slot, &mac, e);
	return r < 0 ? r : attach(addition, e);
}

static int change_device(struct addition *addition, struct err *e)
{
	struct rtnl *rtnl = addition->team->dp->rtnl;
	int r;

	if (addition->team->steers)
		return let_programs_know(addition, e);
	r = set_mtu(addition, e);
	if (r < 0)
		return r;
	/* An MTU below 1280 has taken IPv6 away; there is nothing to set then. */
	if (addition->entry.member.found.has_addr_gen_mode && addition->team->spec.mtu >= 1280 &&
	    rtnl_set_addr_gen_mode(rtnl, addition->device.ifindex, IN6_ADDR_GEN_MODE_NONE, e) < 0)
		return err_prefix(e, "cannot keep IPv6 from making addresses on it");
	r = let_programs_know(addition, e);
	return r < 0 ? r : open_up(addition, e);
}

static void warn_of_others(const struct dp_team *team, const struct rtnl_device *device)
{
	const struct log_fields fields = {
		.team = team->spec.name,
		.member = device->name,
		.reason = "filter",
	};

	if (bpf_attach_has_others(&team->dp->attacher, device->ifindex))
		log_write(LOG_LEVEL_WARNING, &fields,
			  "others have eBPF programs or traffic filters on it: at its ingress they "
			  "do not see what goes to %s while it is a member",
			  team->spec.name);
}

static int add(struct addition *addition, unsigned slot, struct err *e)
{
	struct dp_team *team = addition->team;
	struct err ignored;
	int r = team->steers ? 0 : dp_claim_check(team, &addition->device, e);

	if (r == 0)
		r = prepare_entry(addition, slot, e);
	/* What is known of the slot's link is of the device before it. */
	if (r == 0 && !addition->active)
		dp_carrier_reset(dp_words(team), 1ull << slot);
	if (r == 0)
		r = dp_maps_put_member(team->dp, &addition->entry, e);
	if (r < 0)
		return r;
	r = change_device(addition, e);
	if (r < 0) {
		if (!addition->active) {
			(void)dp_member_set_free(team->dp, &addition->entry, &ignored);
			(void)dp_rules_member(team, slot, NULL, NULL);
		}
		return r;
	}
	__atomic_store_n(&dp_words(team)->ifindex[slot], addition->entry.ifindex, __ATOMIC_RELEASE);
	return 0;
}

/* The device that is in the slot by the map, if any. */
static bool member_in_slot(const struct dp_team *team, unsigned slot, struct dp_member_entry *ret)
{
	struct dp_member_entry entries[ABI_MEMBERS];
	unsigned n = dp_maps_members(team->dp, team->index, entries);

	for (unsigned i = 0; i < n; i++) {
		if (entries[i].member.slot == slot) {
			*ret = entries[i];
			return true;
		}
	}
	return false;
}

int dp_member_add_run(struct dp_job *job, struct err *e)
{
	struct dp_team *team = job->team;
	struct addition addition = { .team = team };
	struct dp_member_entry other;
	int r;

	if (member_in_slot(team, job->slot, &other) && (int)other.ifindex != job->member.ifindex)
		return err_set(e, -EBUSY,
			       "cannot add %s to %s: its place is taken by another device",
			       job->member.name, team->spec.name);
	r = rtnl_device_by_index(team->dp->rtnl, job->member.ifindex, &addition.device, e);
	if (r == 0)
		r = add(&addition, job->slot, e);
	if (r < 0)
		return err_prefix(e, "cannot add %s to %s", job->member.name, team->spec.name);
	job->counted_before[job->slot] = addition.entry.member.base;
	if (!team->steers)
		claim_warn_of_address(team->dp->rtnl, team->spec.name, &addition.device);
	warn_of_others(team, &addition.device);
	return 0;
}

bool dp_member_is_there(struct dp_bpf *dp, const struct dp_member_entry *entry,
			struct rtnl_device *ret_device)
{
	struct err ignored;

	if (rtnl_device_by_index(dp->rtnl, (int)entry->ifindex, ret_device, &ignored) < 0)
		return false;
	return has_mac(&entry->member.found, &ret_device->mac) ||
	       bpf_attached(&dp->attacher, (int)entry->ifindex);
}

/* Remembers the first failure and goes on: what can be set back is. */
static void keep_first(int r, const struct err *e, int *first, struct err *ret)
{
	if (r == 0 || *first < 0)
		return;
	*first = r;
	*ret = *e;
}

static int set_back(struct rtnl *rtnl, const struct rtnl_device *device,
		    const struct abi_found *found, struct err *e)
{
	struct err one;
	int first = 0;

	if (!found->up && device->up)
		keep_first(rtnl_set_up(rtnl, device->ifindex, false, &one), &one, &first, e);
	if (!found->promiscuous && device->promiscuous)
		keep_first(rtnl_set_promiscuous(rtnl, device->ifindex, false, &one), &one, &first,
			   e);
	if (found->vlan_filter)
		keep_first(offload_set(device->name, OFFLOAD_VLAN_FILTER, true, &one), &one, &first,
			   e);
	if (found->lro)
		keep_first(offload_set(device->name, OFFLOAD_LRO, true, &one), &one, &first, e);
	/* Who has changed the MTU since meant it. */
	if (device->mtu == found->mtu_set && found->mtu != found->mtu_set)
		keep_first(rtnl_set_mtu(rtnl, device->ifindex, found->mtu, &one), &one, &first, e);
	if (found->has_addr_gen_mode && found->mtu >= 1280)
		keep_first(
			rtnl_set_addr_gen_mode(rtnl, device->ifindex, found->addr_gen_mode, &one),
			&one, &first, e);
	return first;
}

int dp_member_set_free(struct dp_bpf *dp, const struct dp_member_entry *entry, struct err *e)
{
	const struct dp_hook_spec hook = { .ifindex = (int)entry->ifindex };
	struct rtnl_device device;
	struct err one;
	int first = 0;

	if (dp_member_is_there(dp, entry, &device)) {
		if (!entry->member.found.steered)
			first = set_back(dp->rtnl, &device, &entry->member.found, e);
		/* Last, for until then the host itself shall not hear the member. */
		keep_first(dp_hook_detach(dp, &hook, entry->member.found.clsact, &one), &one,
			   &first, e);
	} else {
		dp_hook_forget(dp, (int)entry->ifindex);
	}
	dp_maps_forget_member(dp, entry->ifindex);
	return first;
}

int dp_member_remove_run(struct dp_job *job, struct err *e)
{
	struct dp_team *team = job->team;
	struct dp_member_entry entry;

	__atomic_store_n(&dp_words(team)->ifindex[job->slot], 0, __ATOMIC_RELEASE);
	(void)dp_rules_member(team, job->slot, NULL, NULL);
	if (!member_in_slot(team, job->slot, &entry))
		return 0;
	if (dp_member_set_free(team->dp, &entry, e) < 0)
		return err_prefix(e, "cannot set a member of %s back to how it was found",
				  team->spec.name);
	return 0;
}
