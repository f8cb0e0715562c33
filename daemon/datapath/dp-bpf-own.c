/* The own addresses of a team and its members, by which an independent team knows its frames when
 * they come back. */
#include "bpf/stations.h"
#include "daemon/datapath/dp-bpf-internal.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

static bool is_zero(const uint8_t mac[static ABI_MAC_SIZE])
{
	static const uint8_t zero[ABI_MAC_SIZE];

	return memcmp(mac, zero, sizeof(zero)) == 0;
}

static bool is_independent(const struct abi_team *entry)
{
	return entry && entry->rules & ABI_RULE_INDEPENDENT;
}

/* Whether the address is one of the entry's own. */
static bool has(const struct abi_team *entry, const uint8_t mac[static ABI_MAC_SIZE])
{
	if (memcmp(entry->mac, mac, ABI_MAC_SIZE) == 0)
		return true;
	for (unsigned slot = 0; slot < ABI_MEMBERS; slot++)
		if (memcmp(entry->member_macs[slot], mac, ABI_MAC_SIZE) == 0)
			return true;
	return false;
}

/* Also where a machine behind the team has sent by that address before. */
static int enter(const struct dp_bpf *dp, unsigned index, const uint8_t mac[static ABI_MAC_SIZE],
		 enum abi_station_kind kind, struct err *e)
{
	const struct abi_station_key key = stations_key(index, mac);
	struct abi_station station;
	int r;

	if (is_zero(mac) ||
	    (bpf_map_lookup_elem(dp->maps.stations, &key, &station) == 0 && station.kind == kind))
		return 0;
	stations_begin(&station, ABI_NONE);
	station.kind = (uint8_t)kind;
	r = bpf_map_update_elem(dp->maps.stations, &key, &station, BPF_ANY);
	return r < 0 ? err_errno(e, r, "cannot note the team's own addresses") : 0;
}

static void remove_address(const struct dp_bpf *dp, unsigned index,
			   const uint8_t mac[static ABI_MAC_SIZE])
{
	const struct abi_station_key key = stations_key(index, mac);

	(void)bpf_map_delete_elem(dp->maps.stations, &key);
}

static void remove_old(const struct dp_bpf *dp, const struct abi_team *before,
		       const struct abi_team *entry)
{
	bool all = !is_independent(entry);

	if (all || !has(entry, before->mac))
		remove_address(dp, before->index, before->mac);
	for (unsigned slot = 0; slot < ABI_MEMBERS; slot++)
		if (all || !has(entry, before->member_macs[slot]))
			remove_address(dp, before->index, before->member_macs[slot]);
}

int dp_own_addresses(const struct dp_bpf *dp, const struct abi_team *before,
		     const struct abi_team *entry, struct err *e)
{
	int r = 0;

	if (is_independent(before))
		remove_old(dp, before, entry);
	if (!is_independent(entry))
		return 0;
	for (unsigned slot = 0; r == 0 && slot < ABI_MEMBERS; slot++)
		r = enter(dp, entry->index, entry->member_macs[slot], ABI_STATION_MEMBER, e);
	return r < 0 ? r : enter(dp, entry->index, entry->mac, ABI_STATION_TEAM, e);
}
