/* Access to the maps that the programs work by. */
#include "bpf/flowlets.h"
#include "daemon/datapath/dp-bpf-internal.h"

#include "lib/base/array.h"
#include "lib/base/cleanup.h"

#include <assert.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* For memory of the kernel, which the worker may wait for. */
#define PUT_ATTEMPTS 20
#define PUT_PAUSE_US 10000

static_assert(ABI_BUCKETS == PLACEMENT_BUCKETS && ABI_MEMBERS == PLACEMENT_MEMBERS &&
		      ABI_NONE == PLACEMENT_NONE,
	      "the programs follow the plans of daemon/core");
static_assert(sizeof(struct abi_plan) == sizeof(struct placement_plan) &&
		      offsetof(struct abi_plan, hold) == offsetof(struct placement_plan, hold) &&
		      offsetof(struct abi_plan, primary) ==
			      offsetof(struct placement_plan, primary) &&
		      offsetof(struct abi_plan, primary_also) ==
			      offsetof(struct placement_plan, primary_also),
	      "a plan is copied as it is");

unsigned dp_maps_teams(const struct dp_bpf *dp, struct dp_team_entry entries[static ABI_TEAMS])
{
	uint32_t key, *before = NULL;
	unsigned n = 0;

	while (n < ABI_TEAMS && bpf_map_get_next_key(dp->maps.teams, before, &key) == 0) {
		entries[n].peer = key;
		if (bpf_map_lookup_elem(dp->maps.teams, &key, &entries[n].team) == 0 &&
		    !(entries[n].team.rules & ABI_RULE_DIRECT))
			n++;
		before = &key;
	}
	return n;
}

bool dp_maps_get_team(const struct dp_bpf *dp, int peer, struct abi_team *ret)
{
	uint32_t key = (uint32_t)peer;

	return bpf_map_lookup_elem(dp->maps.teams, &key, ret) == 0;
}

static int put_team(const struct dp_bpf *dp, uint32_t key, const struct abi_team *team,
		    struct err *e)
{
	int r = bpf_map_update_elem(dp->maps.teams, &key, team, BPF_ANY);

	return r < 0 ? err_errno(e, r, "cannot enter the team into the programs' map") : 0;
}

/* The key of the team's copy for direct transmission; 0: it has none. */
static uint32_t direct_key(const struct dp_bpf *dp, unsigned index)
{
	uint32_t key, *before = NULL;
	struct abi_team team;

	for (; bpf_map_get_next_key(dp->maps.teams, before, &key) == 0; before = &key)
		if (bpf_map_lookup_elem(dp->maps.teams, &key, &team) == 0 && team.index == index &&
		    team.rules & ABI_RULE_DIRECT)
			return key;
	return 0;
}

int dp_maps_put_direct(const struct dp_bpf *dp, int ifindex, const struct abi_team *team,
		       struct err *e)
{
	struct abi_team copy = *team;

	copy.rules |= ABI_RULE_DIRECT;
	return put_team(dp, (uint32_t)ifindex, &copy, e);
}

int dp_maps_put_team(const struct dp_bpf *dp, int peer, const struct abi_team *team, struct err *e)
{
	uint32_t direct = direct_key(dp, team->index);
	int r = direct ? dp_maps_put_direct(dp, (int)direct, team, e) : 0;

	return r < 0 ? r : put_team(dp, (uint32_t)peer, team, e);
}

static void clear_words(struct abi_words *words)
{
	__atomic_store_n(&words->may_send, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&words->may_receive, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&words->carrier, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&words->carrier_returns, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&words->heartbeat, 0, __ATOMIC_RELEASE);
	dp_carrier_reset(words, UINT64_MAX);
	for (unsigned slot = 0; slot < ABI_MEMBERS; slot++)
		__atomic_store_n(&words->ifindex[slot], 0, __ATOMIC_RELEASE);
	__atomic_store_n(&words->station_room, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&words->station_full_told, 0, __ATOMIC_RELEASE);
}

int dp_maps_make_flowlets(const struct dp_bpf *dp, unsigned index, struct err *e)
{
	cleanup(closep) int map = -1;
	uint32_t id;
	int r;

	if (bpf_map_lookup_elem(dp->maps.flowlets, &index, &id) == 0)
		return 0;
	map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "yoke_flowlets", sizeof(uint32_t),
			     sizeof(struct abi_flowlet), ABI_FLOWLETS, NULL);
	r = map < 0 ? map : bpf_map_update_elem(dp->maps.flowlets, &index, &map, BPF_ANY);
	return r < 0 ? err_errno(e, r, "cannot make the team's map of flowlets") : 0;
}

void dp_maps_remove_flowlets(const struct dp_bpf *dp, unsigned index)
{
	(void)bpf_map_delete_elem(dp->maps.flowlets, &index);
}

/* What goes by the team's index and not by its device. */
static void clear_index(const struct dp_bpf *dp, unsigned index)
{
	struct abi_loads *loads = &dp->loads[index];

	clear_words(&dp->words[index]);
	dp_stations_forget_all(dp, index);
	dp_maps_remove_flowlets(dp, index);
	for (unsigned slot = 0; slot < ABI_MEMBERS; slot++) {
		__atomic_store_n(&loads->load[slot], 0, __ATOMIC_RELEASE);
		__atomic_store_n(&loads->cost[slot], FLOWLETS_COST, __ATOMIC_RELEASE);
	}
}

static int reset_index(const struct dp_bpf *dp, unsigned index, struct err *e)
{
	cleanup(freep) struct abi_counters *nothing = calloc(dp->n_processors, sizeof(*nothing));
	struct placement_plan none;
	int r;

	if (!nothing)
		return err_errno(e, -ENOMEM, "cannot set up the team's counters");
	clear_index(dp, index);
	memset(&none, PLACEMENT_NONE, sizeof(none));
	r = dp_maps_put_plan(dp, index, &none, e);
	if (r < 0)
		return r;
	r = bpf_map_update_elem(dp->maps.counters, &index, nothing, BPF_ANY);
	return r < 0 ? err_errno(e, r, "cannot set up the team's counters") : 0;
}

int dp_maps_take_index(const struct dp_bpf *dp, unsigned *ret, struct err *e)
{
	struct dp_team_entry entries[ABI_TEAMS];
	unsigned n = dp_maps_teams(dp, entries), index;
	bool used[ABI_TEAMS] = {};
	int r;

	for (unsigned i = 0; i < n; i++)
		if (entries[i].team.index < ABI_TEAMS)
			used[entries[i].team.index] = true;
	for (index = 0; index < ABI_TEAMS; index++)
		if (!used[index] && !__atomic_load_n(&dp->in_use[index], __ATOMIC_ACQUIRE))
			break;
	if (index == ABI_TEAMS)
		return err_set(e, -ENOSPC, "there are %d teams already, more are not possible",
			       ABI_TEAMS);
	r = reset_index(dp, index, e);
	if (r == 0)
		*ret = index;
	return r;
}

void dp_maps_forget_team(const struct dp_bpf *dp, uint32_t peer, unsigned index)
{
	uint32_t direct = direct_key(dp, index);

	clear_index(dp, index);
	(void)bpf_map_delete_elem(dp->maps.teams, &peer);
	if (direct)
		(void)bpf_map_delete_elem(dp->maps.teams, &direct);
}

unsigned dp_maps_members(const struct dp_bpf *dp, unsigned index,
			 struct dp_member_entry entries[static ABI_MEMBERS])
{
	uint32_t key, *before = NULL;
	unsigned n = 0;

	while (n < ABI_MEMBERS && bpf_map_get_next_key(dp->maps.members, before, &key) == 0) {
		struct dp_member_entry *entry = &entries[n];

		entry->ifindex = key;
		if (bpf_map_lookup_elem(dp->maps.members, &key, &entry->member) == 0 &&
		    entry->member.team == index && entry->member.slot < ABI_MEMBERS)
			n++;
		before = &key;
	}
	return n;
}

bool dp_maps_get_member(const struct dp_bpf *dp, int ifindex, struct abi_member *ret)
{
	uint32_t key = (uint32_t)ifindex;

	return bpf_map_lookup_elem(dp->maps.members, &key, ret) == 0;
}

int dp_maps_put_member(const struct dp_bpf *dp, const struct dp_member_entry *entry, struct err *e)
{
	int r = -ENOMEM;

	/* The kernel takes the memory from a store that it fills when it gets to it. */
	for (unsigned i = 0; i < PUT_ATTEMPTS && r == -ENOMEM; i++) {
		if (i > 0)
			(void)usleep(PUT_PAUSE_US);
		r = bpf_map_update_elem(dp->maps.members, &entry->ifindex, &entry->member, BPF_ANY);
	}
	return r < 0 ? err_errno(e, r, "cannot enter the member into the programs' map") : 0;
}

void dp_maps_forget_member(const struct dp_bpf *dp, uint32_t ifindex)
{
	(void)bpf_map_delete_elem(dp->maps.members, &ifindex);
}

/* One thread writes a team's plans: the worker until the main thread has the handle. */
int dp_maps_put_plan(const struct dp_bpf *dp, unsigned index, const struct placement_plan *plan,
		     struct err *e)
{
	__u64 *current = &dp->words[index].plan;
	uint64_t next = __atomic_load_n(current, __ATOMIC_ACQUIRE) + 1;
	uint32_t key = index * 2 + (uint32_t)(next & 1);
	int r = bpf_map_update_elem(dp->maps.plans, &key, plan, BPF_ANY);

	if (r < 0)
		return err_errno(e, r, "cannot write where the buckets go");
	__atomic_store_n(current, next, __ATOMIC_RELEASE);
	return 0;
}

int dp_maps_get_plan(const struct dp_bpf *dp, unsigned index, struct placement_plan *ret,
		     struct err *e)
{
	uint64_t current = __atomic_load_n(&dp->words[index].plan, __ATOMIC_ACQUIRE);
	uint32_t key = index * 2 + (uint32_t)(current & 1);
	int r = bpf_map_lookup_elem(dp->maps.plans, &key, ret);

	return r < 0 ? err_errno(e, r, "cannot read where the buckets go") : 0;
}

/* All fields are numbers of 64 bits. */
static void add_up(struct abi_counters *sum, const struct abi_counters *more)
{
	uint64_t *to = (uint64_t *)sum;
	const uint64_t *from = (const uint64_t *)more;

	for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++)
		to[i] += from[i];
}

int dp_maps_counters(const struct dp_bpf *dp, unsigned index, struct abi_counters *room,
		     struct abi_counters *ret, struct err *e)
{
	int r = bpf_map_lookup_elem(dp->maps.counters, &index, room);

	if (r < 0)
		return err_errno(e, r, "cannot read the counters");
	*ret = (struct abi_counters){};
	for (unsigned i = 0; i < dp->n_processors; i++)
		add_up(ret, &room[i]);
	return 0;
}
