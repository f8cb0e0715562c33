/* Stations as the programs change them. Apart from the programs, so that it can be tested without a
 * kernel. */
#pragma once

#include <linux/types.h>
#include <stdbool.h>

#include "bpf/abi.h"
#include "bpf/mix.h"

/* For how long an address that announced itself from within is not believed to have left. */
#define STATIONS_ANNOUNCED_NS 1000000000ull

/* About a second, as the daemon hears of something at most once in it. */
#define STATIONS_SECOND_SHIFT 30

/* Which bucket has the order of an address that has none of its own. */
static inline __u32 stations_bucket(const __u8 mac[ABI_MAC_SIZE])
{
	return mix(mix_mac(mac)) >> 24;
}

static inline bool stations_can_be(const __u8 mac[ABI_MAC_SIZE])
{
	return !(mac[0] & 1) && (mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5]);
}

static inline struct abi_station_key stations_key(__u32 team, const __u8 mac[ABI_MAC_SIZE])
{
	struct abi_station_key key = { .team = team };

	__builtin_memcpy(key.mac, mac, ABI_MAC_SIZE);
	return key;
}

/* Whether one more may be entered; then it has been counted. */
static inline bool stations_take_room(struct abi_words *words)
{
	if ((__s64) * (volatile __u64 *)&words->station_room <= 0)
		return false;
	/* Another processor may have taken the last one meanwhile. */
	if ((__s64)__sync_fetch_and_add(&words->station_room, ~0ull) > 0)
		return true;
	__sync_fetch_and_add(&words->station_room, 1);
	return false;
}

static inline void stations_give_room(struct abi_words *words)
{
	__sync_fetch_and_add(&words->station_room, 1);
}

/* The home of the next one, or ABI_NONE. */
static inline __u8 stations_next_home(struct abi_words *words)
{
	__u64 turn = __sync_fetch_and_add(&words->station_cursor, 1);

	return *(volatile __u8 *)&words->station_homes[turn & (ABI_HOMES - 1)];
}

static inline void stations_begin(struct abi_station *station, __u8 home)
{
	__u64 *order = (__u64 *)(void *)station->order;

	*station = (struct abi_station){
		.hold = ABI_NONE,
		.also = ABI_NONE,
		.kind = ABI_STATION_LOCAL,
	};
	for (int part = 0; part < ABI_MEMBERS / 8; part++)
		order[part] = ~0ull;
	for (int i = 0; i < ABI_STATION_VLANS; i++)
		station->vlans[i] = ABI_NO_VLAN;
	station->order[0] = home;
}

/* It sent a frame. Returns whether that is to be told: it was not in that VLAN before. Of VLANs
 * that have no room one is told in a second. */
static inline bool stations_note(struct abi_station *station, __u64 heartbeat, __u16 vlan)
{
	__u8 second = (__u8)(heartbeat >> STATIONS_SECOND_SHIFT);

	if (heartbeat && station->seen != heartbeat)
		station->seen = heartbeat;
#pragma GCC unroll 4
	for (int i = 0; i < ABI_STATION_VLANS; i++) {
		__u16 known = *(volatile __u16 *)&station->vlans[i];

		if (known == vlan)
			return false;
		if (known == ABI_NO_VLAN) {
			station->vlans[i] = vlan;
			return true;
		}
	}
	if (station->told == second)
		return false;
	station->told = second;
	return true;
}

/* Whether it is to be told that there is no room. */
static inline bool stations_tell_full(struct abi_words *words)
{
	__u64 now = *(volatile __u64 *)&words->heartbeat;
	__u64 told = *(volatile __u64 *)&words->station_full_told;

	if (now - told < 1ull << STATIONS_SECOND_SHIFT)
		return false;
	return __sync_val_compare_and_swap(&words->station_full_told, told, now) == told;
}
