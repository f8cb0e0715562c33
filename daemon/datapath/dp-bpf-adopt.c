/* Taking over what a former daemon left in the kernel. */
#include "daemon/datapath/dp-bpf-device.h"
#include "daemon/datapath/dp-bpf-internal.h"

#include "lib/base/log.h"

#include <errno.h>
#include <string.h>

static bool is_peer_name(const char *name)
{
	size_t prefix = strlen(DP_BPF_PEER_PREFIX);

	return strncmp(name, DP_BPF_PEER_PREFIX, prefix) == 0 && name[prefix] != '\0' &&
	       name[prefix + strspn(name + prefix, "0123456789")] == '\0';
}

bool dp_is_team_device(const char *name, const struct rtnl_device *device,
		       const struct rtnl_device *peer)
{
	char alias[RTNL_ALIAS_SIZE];

	(void)snprintf(alias, sizeof(alias), DP_BPF_ALIAS_PREFIX "%s", name);
	if (!dp_device_kind(device->kind) || strcmp(device->kind, peer->kind) != 0 ||
	    device->lower != peer->ifindex || peer->lower != device->ifindex)
		return false;
	/* A daemon that was killed while it made the device has not come to the alias. */
	return strcmp(device->alias, alias) == 0 || is_peer_name(peer->name);
}

static void drop_member(struct dp_team *team, const struct dp_member_entry *entry)
{
	__u64 others = ~(1ull << entry->member.slot);
	struct abi_words *words = dp_words(team);

	__atomic_store_n(&words->ifindex[entry->member.slot], 0, __ATOMIC_RELEASE);
	__atomic_fetch_and(&words->may_send, others, __ATOMIC_ACQ_REL);
	__atomic_fetch_and(&words->may_receive, others, __ATOMIC_ACQ_REL);
	__atomic_fetch_and(&words->carrier, others, __ATOMIC_ACQ_REL);
	dp_carrier_reset(words, ~others);
	(void)dp_rules_member(team, entry->member.slot, NULL, NULL);
	dp_maps_forget_member(team->dp, entry->ifindex);
	dp_hook_forget(team->dp, (int)entry->ifindex);
}

static int attach(struct dp_team *team, struct dp_member_entry *entry, struct err *e)
{
	const struct dp_hook_spec spec = {
		.ifindex = (int)entry->ifindex,
		.rules = dp_rules_of(team),
	};
	struct dp_bpf *dp = team->dp;
	bool keep_clsact = entry->member.found.clsact;
	int r = dp_hook_attach(dp, &spec, &keep_clsact, e);

	if (r < 0 || entry->member.found.clsact == keep_clsact)
		return r;
	entry->member.found.clsact = keep_clsact;
	return dp_maps_put_member(dp, entry, e);
}

/* Puts our own programs in the place of the former daemon's. */
static void adopt_member(struct dp_job *job, struct dp_member_entry *entry)
{
	struct dp_team *team = job->team;
	struct dp_bpf *dp = team->dp;
	unsigned slot = entry->member.slot;
	struct rtnl_device device;
	struct err e;

	if (!dp_member_is_there(dp, entry, &device)) {
		drop_member(team, entry);
		return;
	}
	/* Of a port it is the team's. */
	if (entry->member.found.steered)
		memcpy(device.mac.bytes, entry->member.found.mac, sizeof(device.mac.bytes));
	if (attach(team, entry, &e) < 0 || dp_rules_member(team, slot, &device.mac, &e) < 0)
		log_warning("%s: %s does not receive: %s", team->spec.name, device.name, e.text);
	/* A device that was being added when the former daemon died is in no slot yet. */
	__atomic_store_n(&dp_words(team)->ifindex[slot], entry->ifindex, __ATOMIC_RELEASE);
	job->info.members |= (member_set)1 << slot;
	job->info.member_ifindexes[slot] = device.ifindex;
	job->counted_before[slot] = entry->member.base;
}

int dp_adopt(struct dp_job *job, struct err *e)
{
	struct dp_member_entry entries[ABI_MEMBERS];
	struct dp_team *team = job->team;
	unsigned n = dp_maps_members(team->dp, team->index, entries);
	struct abi_words *words = dp_words(team);

	for (unsigned i = 0; i < n; i++)
		adopt_member(job, &entries[i]);
	job->info.may_send = (member_set)__atomic_load_n(&words->may_send, __ATOMIC_ACQUIRE);
	job->info.may_receive = (member_set)__atomic_load_n(&words->may_receive, __ATOMIC_ACQUIRE);
	job->info.fit =
		job->info.may_send & (member_set)__atomic_load_n(&words->carrier, __ATOMIC_ACQUIRE);
	return dp_maps_get_plan(team->dp, team->index, &job->info.plan, e);
}

static void set_members_free(struct dp_bpf *dp, unsigned index)
{
	struct dp_member_entry entries[ABI_MEMBERS];
	unsigned n = dp_maps_members(dp, index, entries);
	struct err e;

	for (unsigned i = 0; i < n; i++)
		if (dp_member_set_free(dp, &entries[i], &e) < 0)
			log_warning("cannot set back a member of a team that is gone: %s", e.text);
}

void dp_purge(struct dp_bpf *dp)
{
	struct dp_team_entry entries[ABI_TEAMS];
	unsigned n = dp_maps_teams(dp, entries);

	for (unsigned i = 0; i < n; i++) {
		unsigned index = entries[i].team.index;
		struct rtnl_device peer;
		struct err e;

		if (index >= ABI_TEAMS || __atomic_load_n(&dp->in_use[index], __ATOMIC_ACQUIRE) ||
		    rtnl_device_by_index(dp->rtnl, (int)entries[i].peer, &peer, &e) != -ENODEV)
			continue;
		set_members_free(dp, index);
		dp_maps_forget_team(dp, entries[i].peer, index);
		dp_hook_forget(dp, (int)entries[i].peer);
	}
}
