/* What the programs go by beside the plan: hash, rules, addresses; and which programs a team has.
 */
#include "daemon/datapath/dp-bpf-device.h"
#include "daemon/datapath/dp-bpf-internal.h"

#include <errno.h>
#include <string.h>

#define NEED_STATIONS (ABI_RULE_LEARN | ABI_RULE_HOMES | ABI_RULE_INDEPENDENT)

static uint32_t rules_of(const struct dp_team *team, const struct datapath_rules *rules)
{
	return (team->steers ? ABI_RULE_STEERED : 0u) | (rules->hash_inner ? ABI_RULE_INNER : 0u) |
	       (rules->learn ? ABI_RULE_LEARN : 0u) | (rules->homes ? ABI_RULE_HOMES : 0u) |
	       (rules->flowlets ? ABI_RULE_FLOWLETS : 0u) |
	       (rules->independent ? ABI_RULE_INDEPENDENT : 0u);
}

static int get_entry(const struct dp_team *team, struct abi_team *ret, struct err *e)
{
	if (!dp_maps_get_team(team->dp, team->peer, ret))
		return err_set(e, -ENODEV, "the team's entry in the programs' map is gone");
	return 0;
}

uint32_t dp_rules_of(const struct dp_team *team)
{
	struct abi_team entry;

	return dp_maps_get_team(team->dp, team->peer, &entry) ? entry.rules : 0;
}

/* Two threads change entries, each a part of them. */
static void lock(struct dp_bpf *dp)
{
	(void)pthread_mutex_lock(&dp->entries);
}

static void unlock(struct dp_bpf *dp)
{
	(void)pthread_mutex_unlock(&dp->entries);
}

/* A member with the team's own address cannot stand in for it: its frames go by their home. */
static void set_member_mac(struct abi_team *entry, unsigned slot, const struct mac *mac)
{
	memset(entry->member_macs[slot], 0, sizeof(entry->member_macs[slot]));
	if (mac && memcmp(mac->bytes, entry->mac, ABI_MAC_SIZE) != 0)
		memcpy(entry->member_macs[slot], mac->bytes, ABI_MAC_SIZE);
}

static int put_entry(struct dp_team *team, const struct abi_team *before,
		     const struct abi_team *entry, struct err *e)
{
	int r = dp_own_addresses(team->dp, before, entry, e);

	return r < 0 ? r : dp_maps_put_team(team->dp, team->peer, entry, e);
}

int dp_rules_member(struct dp_team *team, unsigned slot, const struct mac *mac, struct err *e)
{
	struct abi_team before, entry;
	struct err ignored;
	int r;

	lock(team->dp);
	r = get_entry(team, &before, e ? e : &ignored);
	entry = before;
	if (r == 0)
		set_member_mac(&entry, slot, mac);
	if (r == 0 && memcmp(&entry, &before, sizeof(entry)) != 0)
		r = put_entry(team, &before, &entry, e ? e : &ignored);
	unlock(team->dp);
	return r;
}

static int attach_members(struct dp_team *team, uint32_t rules, struct err *e)
{
	struct dp_member_entry entries[ABI_MEMBERS];
	unsigned n = dp_maps_members(team->dp, team->index, entries);

	for (unsigned i = 0; i < n; i++) {
		const struct dp_hook_spec spec = { .ifindex = (int)entries[i].ifindex,
						   .rules = rules };
		bool keep_clsact = entries[i].member.found.clsact;
		struct rtnl_device device;
		int r;

		if (!dp_member_is_there(team->dp, &entries[i], &device))
			continue;
		r = dp_hook_attach(team->dp, &spec, &keep_clsact, e);
		if (r < 0)
			return err_prefix(e, "cannot change the program of %s", device.name);
	}
	return 0;
}

/* What comes back of frames that leave by other rules has to be known for what it is: members first
 * when rules begin, the sending program first when they end. */
static int replace_programs(struct dp_team *team, uint32_t before, uint32_t rules, struct err *e)
{
	bool receives = dp_program_of(before, false) != dp_program_of(rules, false);
	bool sends = dp_program_of(before, true) != dp_program_of(rules, true);
	bool begins = dp_program_of(rules, false) == DP_PROGRAM_RX_FULL;
	int r = 0;

	if (receives && begins)
		r = attach_members(team, rules, e);
	if (r == 0 && sends)
		r = dp_device_attach(team, e);
	if (r == 0 && receives && !begins)
		r = attach_members(team, rules, e);
	return r;
}

static int change_entry(struct dp_team *team, const struct datapath_team_spec *spec,
			struct abi_team *before, struct err *e)
{
	struct abi_team entry;
	int r;

	lock(team->dp);
	r = get_entry(team, before, e);
	entry = *before;
	entry.hash = spec->hash;
	entry.rules = rules_of(team, &spec->rules);
	entry.flowlet_gap_us = spec->rules.flowlet_gap_us;
	memcpy(entry.mac, spec->mac.bytes, ABI_MAC_SIZE);
	for (unsigned slot = 0; slot < ABI_MEMBERS; slot++)
		if (memcmp(entry.member_macs[slot], entry.mac, ABI_MAC_SIZE) == 0)
			set_member_mac(&entry, slot, NULL);
	if (r == 0)
		r = put_entry(team, before, &entry, e);
	unlock(team->dp);
	return r;
}

/* Back to what was, but for the addresses that others have entered meanwhile. */
static void restore(struct dp_team *team, const struct abi_team *before)
{
	struct abi_team now, entry = *before;
	struct err ignored;
	int r;

	lock(team->dp);
	r = get_entry(team, &now, &ignored);
	if (r == 0) {
		memcpy(entry.member_macs, now.member_macs, sizeof(entry.member_macs));
		r = put_entry(team, &now, &entry, &ignored);
	}
	unlock(team->dp);
	if (r == 0)
		(void)replace_programs(team, now.rules, before->rules, &ignored);
}

/* Before anything is changed. */
static int prepare(struct dp_team *team, uint32_t rules, struct err *e)
{
	int program;
	int r = dp_program(team->dp, dp_program_of(rules, false), &program, e);

	if (r == 0)
		r = dp_program(team->dp, dp_program_of(rules, true), &program, e);
	return r == 0 && rules & ABI_RULE_FLOWLETS ? dp_maps_make_flowlets(team->dp, team->index, e)
						   : r;
}

int dp_rules_set(struct dp_team *team, const struct datapath_team_spec *spec, struct err *e)
{
	uint32_t rules = rules_of(team, &spec->rules);
	struct abi_team before;
	int r = prepare(team, rules, e);

	if (r == 0)
		r = change_entry(team, spec, &before, e);
	if (r < 0)
		return r;
	r = replace_programs(team, before.rules, rules, e);
	if (r < 0) {
		restore(team, &before);
		return r;
	}
	if (!spec->rules.flowlets)
		dp_maps_remove_flowlets(team->dp, team->index);
	if (!(rules & NEED_STATIONS))
		dp_stations_forget_all(team->dp, team->index);
	return 0;
}
