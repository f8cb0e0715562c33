/* Stations as the programs change them, without a kernel. */
#include "bpf/stations.h"
#include "lib/base/array.h"
#include "tests/unit/run.h"

#include <pthread.h>

#define SECOND (1ull << STATIONS_SECOND_SHIFT)
#define ROOM 1000

START_TEST(room_is_given_until_there_is_none)
{
	struct abi_words words = { .station_room = 2 };

	ck_assert(stations_take_room(&words));
	ck_assert(stations_take_room(&words));
	ck_assert(!stations_take_room(&words));
	ck_assert_uint_eq(words.station_room, 0);
	stations_give_room(&words);
	ck_assert(stations_take_room(&words));
}
END_TEST

struct taker {
	pthread_t thread;
	struct abi_words *words;
	unsigned n_taken;
};

static void *take_all(void *userdata)
{
	struct taker *taker = userdata;

	for (unsigned i = 0; i < ROOM; i++)
		taker->n_taken += stations_take_room(taker->words);
	return NULL;
}

START_TEST(two_processors_never_take_more_than_there_is)
{
	struct abi_words words = { .station_room = ROOM };
	struct taker takers[2] = { { .words = &words }, { .words = &words } };

	for (unsigned i = 0; i < ARRAY_SIZE(takers); i++)
		ck_assert_int_eq(pthread_create(&takers[i].thread, NULL, take_all, &takers[i]), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(takers); i++)
		(void)pthread_join(takers[i].thread, NULL);
	ck_assert_uint_le(takers[0].n_taken + takers[1].n_taken, ROOM);
	ck_assert_uint_eq(takers[0].n_taken + takers[1].n_taken + words.station_room, ROOM);
}
END_TEST

START_TEST(homes_come_in_turn)
{
	struct abi_words words = {};

	for (unsigned i = 0; i < ABI_HOMES; i++)
		words.station_homes[i] = (__u8)(ABI_HOMES - i);
	for (unsigned i = 0; i < 3 * ABI_HOMES; i++)
		ck_assert_uint_eq(stations_next_home(&words), ABI_HOMES - i % ABI_HOMES);
}
END_TEST

struct address {
	__u8 mac[ABI_MAC_SIZE];
	bool can_be;
};

static const struct address addresses[] = {
	{ { 2, 0, 0, 0, 0, 1 }, true },
	{ { 0, 0, 0, 0, 0, 1 }, true },
	{ { 0, 0, 0, 0, 0, 0 }, false },
	{ { 1, 0, 0x5e, 0, 0, 1 }, false },
	{ { 255, 255, 255, 255, 255, 255 }, false },
};

START_TEST(only_addresses_of_somebody_are_stations)
{
	ck_assert_int_eq(stations_can_be(addresses[_i].mac), addresses[_i].can_be);
}
END_TEST

START_TEST(a_vlan_is_news_once)
{
	struct abi_station station;

	stations_begin(&station, 3);
	ck_assert_uint_eq(station.order[0], 3);
	ck_assert_uint_eq(station.order[1], ABI_NONE);
	for (__u16 vlan = 0; vlan < ABI_STATION_VLANS; vlan++) {
		ck_assert(stations_note(&station, SECOND, vlan));
		ck_assert(!stations_note(&station, SECOND, vlan));
	}
	ck_assert_uint_eq(station.seen, SECOND);
	/* No room: once in a second. */
	ck_assert(stations_note(&station, SECOND, 100));
	ck_assert(!stations_note(&station, SECOND, 101));
	ck_assert(stations_note(&station, 2 * SECOND, 101));
	ck_assert_uint_eq(station.vlans[3], 3);
}
END_TEST

START_TEST(without_a_daemon_the_last_sight_stays)
{
	struct abi_station station;

	stations_begin(&station, 3);
	(void)stations_note(&station, 5 * SECOND, 0);
	(void)stations_note(&station, 0, 0);
	ck_assert_uint_eq(station.seen, 5 * SECOND);
}
END_TEST

START_TEST(that_there_is_no_room_is_told_once_in_a_second)
{
	struct abi_words words = { .heartbeat = 10 * SECOND };

	ck_assert(stations_tell_full(&words));
	ck_assert(!stations_tell_full(&words));
	words.heartbeat += SECOND - 1;
	ck_assert(!stations_tell_full(&words));
	words.heartbeat += 1;
	ck_assert(stations_tell_full(&words));
}
END_TEST

START_TEST(addresses_that_run_together_spread_over_the_buckets)
{
	unsigned n_of_bucket[ABI_BUCKETS] = {}, most = 0;

	for (unsigned i = 0; i < 100 * ABI_BUCKETS; i++) {
		const __u8 mac[ABI_MAC_SIZE] = { 0x52,           0x54,   0, (__u8)(i >> 16),
						 (__u8)(i >> 8), (__u8)i };
		unsigned n = ++n_of_bucket[stations_bucket(mac)];

		most = n > most ? n : most;
	}
	ck_assert_uint_lt(most, 150);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stations of the programs");
	TCase *tcase = tcase_create("stations");

	tcase_add_test(tcase, room_is_given_until_there_is_none);
	tcase_add_test(tcase, two_processors_never_take_more_than_there_is);
	tcase_add_test(tcase, homes_come_in_turn);
	tcase_add_loop_test(tcase, only_addresses_of_somebody_are_stations, 0,
			    ARRAY_SIZE(addresses));
	tcase_add_test(tcase, a_vlan_is_news_once);
	tcase_add_test(tcase, without_a_daemon_the_last_sight_stays);
	tcase_add_test(tcase, that_there_is_no_room_is_told_once_in_a_second);
	tcase_add_test(tcase, addresses_that_run_together_spread_over_the_buckets);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
