/* The addresses behind the teams, in the map that the programs go by, and what these tell of them.
 */
#include "bpf/flowlets.h"
#include "bpf/stations.h"
#include "daemon/datapath/dp-bpf-internal.h"

#include "lib/base/cleanup.h"
#include "lib/base/log.h"

#include <assert.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#define BATCH 1024

static_assert(ABI_HOMES == PLACEMENT_MEMBERS, "homes come as one array of slots");

static nsec_t boot_time(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (nsec_t)now.tv_sec * NSEC_PER_SEC + (nsec_t)now.tv_nsec;
}

static bool type_of(const struct abi_station_news *news, enum datapath_station_news_type *ret)
{
	switch ((enum abi_news_type)news->type) {
	case ABI_NEWS_LEARNED:
		*ret = DATAPATH_STATION_LEARNED;
		return true;
	case ABI_NEWS_LEFT:
		*ret = DATAPATH_STATION_LEFT;
		return true;
	case ABI_NEWS_FULL:
		*ret = DATAPATH_STATION_FULL;
		return true;
	}
	return false;
}

static int hear(void *userdata, void *data, size_t size)
{
	const struct abi_station_news *abi = data;
	struct dp_bpf *dp = userdata;
	struct datapath_station_news news = { .vlan = abi->vlan, .slot = abi->slot };

	/* Of a team that nobody has opened yet: who opens it reads all stations. */
	if (size < sizeof(*abi) || abi->team >= ABI_TEAMS || !dp->team_devices[abi->team] ||
	    !type_of(abi, &news.type) || !dp->listener.station_news)
		return 0;
	memcpy(news.mac.bytes, abi->mac, ABI_MAC_SIZE);
	dp->listener.station_news(dp->listener.userdata, dp->team_devices[abi->team], &news);
	return 0;
}

static void read_news(struct dp_bpf *dp)
{
	(void)ring_buffer__consume(dp->station_reader);
}

int dp_stations_open(struct dp_bpf *dp, struct err *e)
{
	dp->station_reader = ring_buffer__new(dp->maps.station_news, hear, dp, NULL);
	if (!dp->station_reader)
		return err_errno(e, -errno, "cannot hear of addresses behind the teams");
	return dp_news_add(dp, ring_buffer__epoll_fd(dp->station_reader), read_news, e);
}

void dp_stations_close(struct dp_bpf *dp)
{
	ring_buffer__free(dp->station_reader);
}

int dp_stations_write(const struct dp_bpf *dp, const struct abi_station_key *key,
		      const struct abi_station *station, struct err *e)
{
	int r = bpf_map_update_elem(dp->maps.stations, key, station, BPF_ANY);

	if (r == -E2BIG)
		return err_set(e, -ENOSPC, "the host has %d addresses behind its teams already",
			       ABI_STATIONS);
	return r < 0 ? err_errno(e, r, "cannot enter an address into the programs' map") : 0;
}

int dp_station_put(struct dp_team *team, const struct datapath_station *station, struct err *e)
{
	const struct abi_station_key key = stations_key(team->index, station->mac.bytes);
	struct abi_station entry;
	bool known = bpf_map_lookup_elem(team->dp->maps.stations, &key, &entry) == 0;
	bool moves;

	if (known && entry.kind != ABI_STATION_LOCAL)
		return err_set(e, -EEXIST,
			       "the address is the own one of the team %s or of a member of it",
			       team->spec.name);
	if (!known)
		stations_begin(&entry, ABI_NONE);
	moves = known && (entry.hold != station->hold || entry.order[0] != station->order[0]);
	/* An announcement follows, and what the switches send back of it may be faster. */
	if (moves)
		entry.announced = boot_time();
	memcpy(entry.order, station->order, sizeof(entry.order));
	entry.hold = station->hold;
	entry.also = station->also;
	return dp_stations_write(team->dp, &key, &entry, e);
}

void dp_station_forget(struct dp_team *team, const struct mac *mac)
{
	const struct abi_station_key key = stations_key(team->index, mac->bytes);
	struct abi_station entry;

	if (bpf_map_lookup_elem(team->dp->maps.stations, &key, &entry) == 0 &&
	    entry.kind == ABI_STATION_LOCAL)
		(void)bpf_map_delete_elem(team->dp->maps.stations, &key);
}

void dp_station_announced(struct dp_team *team, const struct mac *mac)
{
	const struct abi_station_key key = stations_key(team->index, mac->bytes);
	struct abi_station entry;
	struct err e;

	if (bpf_map_lookup_elem(team->dp->maps.stations, &key, &entry) < 0 ||
	    entry.kind != ABI_STATION_LOCAL)
		return;
	entry.announced = boot_time();
	if (dp_stations_write(team->dp, &key, &entry, &e) < 0)
		log_warning("%s: %s", team->spec.name, e.text);
}

void dp_station_homes(struct dp_team *team, unsigned room,
		      const uint8_t slots[static PLACEMENT_MEMBERS])
{
	struct abi_words *words = dp_words(team);

	for (unsigned i = 0; i < ABI_HOMES; i++)
		__atomic_store_n(&words->station_homes[i], slots[i], __ATOMIC_RELEASE);
	__atomic_store_n(&words->station_cursor, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&words->station_room, room, __ATOMIC_RELEASE);
}

void dp_weights_set(struct dp_team *team, const uint32_t weights[static PLACEMENT_MEMBERS])
{
	struct abi_loads *loads = &team->dp->loads[team->index];
	uint32_t most = 0;

	for (unsigned slot = 0; slot < ABI_MEMBERS; slot++)
		most = weights[slot] > most ? weights[slot] : most;
	for (unsigned slot = 0; slot < ABI_MEMBERS; slot++) {
		uint64_t cost = weights[slot] ? (uint64_t)FLOWLETS_COST * most / weights[slot]
					      : FLOWLETS_COST;

		__atomic_store_n(&loads->cost[slot],
				 cost > UINT32_MAX ? UINT32_MAX : (uint32_t)cost, __ATOMIC_RELEASE);
	}
}

/* What one question to the kernel answers. */
struct batch {
	struct abi_station_key keys[BATCH];
	struct abi_station stations[BATCH];
};

static void tell(const struct abi_station_key *key, const struct abi_station *station,
		 void (*each)(void *userdata, const struct datapath_station_state *state),
		 void *userdata)
{
	struct datapath_station_state state = {
		.station = { .hold = station->hold, .also = station->also },
		.seen = station->seen,
	};

	memcpy(state.station.mac.bytes, key->mac, ABI_MAC_SIZE);
	memcpy(state.station.order, station->order, sizeof(state.station.order));
	for (unsigned i = 0; i < ABI_STATION_VLANS; i++)
		if (station->vlans[i] != ABI_NO_VLAN)
			state.vlans[state.n_vlans++] = station->vlans[i];
	each(userdata, &state);
}

void dp_stations_list(struct dp_team *team,
		      void (*each)(void *userdata, const struct datapath_station_state *state),
		      void *userdata)
{
	cleanup(freep) struct batch *batch = malloc(sizeof(*batch));
	uint32_t place, *from = NULL, n;
	int r = 0;

	while (batch && r == 0) {
		n = BATCH;
		r = bpf_map_lookup_batch(team->dp->maps.stations, from, &place, batch->keys,
					 batch->stations, &n, NULL);
		if (r < 0 && r != -ENOENT)
			break;
		from = &place;
		for (uint32_t i = 0; i < n; i++)
			if (batch->keys[i].team == team->index &&
			    batch->stations[i].kind == ABI_STATION_LOCAL)
				tell(&batch->keys[i], &batch->stations[i], each, userdata);
	}
	if (!batch || (r < 0 && r != -ENOENT))
		log_warning("%s: cannot read the addresses behind it: %s", team->spec.name,
			    strerror(batch ? -r : ENOMEM));
}

void dp_stations_forget_all(const struct dp_bpf *dp, unsigned index)
{
	struct abi_station_key key, next;
	int map = dp->maps.stations;
	bool more = bpf_map_get_next_key(map, NULL, &next) == 0;

	/* Where the programs of another team change the map, it may begin anew: not for ever. */
	for (unsigned i = 0; more && i < 4 * ABI_STATIONS; i++) {
		key = next;
		more = bpf_map_get_next_key(map, &key, &next) == 0;
		if (key.team == index)
			(void)bpf_map_delete_elem(map, &key);
	}
}
