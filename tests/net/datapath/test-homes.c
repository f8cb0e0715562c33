/* Where frames of stations leave, and how the programs get to know stations. */
#include "bpf/stations.h"
#include "tests/net/datapath/full.h"
#include "tests/net/datapath/suite.h"

#include "lib/base/array.h"

#include <string.h>

#define LEARN_HOMES (ABI_RULE_LEARN | ABI_RULE_HOMES)
#define FLOOD 100000

static struct full_frame from_vm(unsigned number)
{
	return (struct full_frame){ .source = full_vm_mac(number) };
}

START_TEST(a_new_station_gets_the_next_home_and_stays_there)
{
	struct abi_station_news news;
	struct abi_station station;
	struct full full;

	full_start(&full, LEARN_HOMES);
	full.program.words->station_homes[0] = 2;
	full.program.words->station_homes[1] = 0;
	full.program.words->station_homes[2] = 3;
	for (unsigned i = 0; i < 3; i++) {
		const struct full_frame frame = from_vm(i);
		const int homes[] = { 2, 0, 3 };

		ck_assert_int_eq(full_send(&full, &frame).slot, homes[i]);
		ck_assert_uint_eq(full_take_news(&full, &news), 1);
		ck_assert_uint_eq(news.type, ABI_NEWS_LEARNED);
		ck_assert_int_eq(news.slot, homes[i]);
		ck_assert_mem_eq(news.mac, frame.source.bytes, MAC_SIZE);
	}
	for (unsigned port = 0; port < 50; port++) {
		struct full_frame frame = from_vm(1);

		frame.port = (uint16_t)port;
		ck_assert_int_eq(full_send(&full, &frame).slot, 0);
	}
	ck_assert_uint_eq(full_take_news(&full, NULL), 0);
	ck_assert_uint_eq(full.program.words->station_room, 97);
	ck_assert(full_station(&full, full_vm_mac(1), &station));
	ck_assert_uint_eq(station.seen, full.program.words->heartbeat);
	ck_assert_uint_eq(station.vlans[0], 0);
	ck_assert_uint_eq(station.vlans[1], ABI_NO_VLAN);
	full_stop(&full);
}
END_TEST

START_TEST(after_the_last_home_comes_the_first_again)
{
	struct full full;

	full_start(&full, LEARN_HOMES);
	for (unsigned i = 0; i < 2 * ABI_HOMES; i++) {
		const struct full_frame frame = from_vm(i);

		ck_assert_int_eq(full_send(&full, &frame).slot, (int)(i % FULL_MEMBERS));
	}
	full_stop(&full);
}
END_TEST

START_TEST(a_station_whose_home_fails_goes_by_its_order_then_by_its_bucket)
{
	const struct full_frame frame = from_vm(7);
	struct abi_station station = full_station_on(2);
	struct full full;

	full_start(&full, LEARN_HOMES);
	full_put_station(&full, full_vm_mac(7), &station);
	ck_assert_int_eq(full_send(&full, &frame).slot, 2);
	full.program.words->carrier = 0xb;
	ck_assert_int_eq(full_send(&full, &frame).slot, 3);
	/* Nobody else is in its order. */
	memset(station.order + 1, ABI_NONE, ABI_MEMBERS - 1);
	full_put_station(&full, full_vm_mac(7), &station);
	full.program.words->carrier = 1 | 2;
	ck_assert_int_eq(full_send(&full, &frame).slot,
			 stations_bucket(full_vm_mac(7).bytes) % FULL_MEMBERS == 1 ? 1 : 0);
	full.program.words->carrier = 0;
	ck_assert_int_eq(full_send(&full, &frame).slot, PROGRAM_DROPPED);
	full_stop(&full);
}
END_TEST

START_TEST(a_hold_holds_while_its_member_is_fit)
{
	const struct full_frame frame = from_vm(7);
	struct abi_station station = full_station_on(2);
	struct full full;

	full_start(&full, LEARN_HOMES);
	station.hold = 1;
	full_put_station(&full, full_vm_mac(7), &station);
	ck_assert_int_eq(full_send(&full, &frame).slot, 1);
	full.program.words->may_send = 0xd;
	ck_assert_int_eq(full_send(&full, &frame).slot, 2);
	full_stop(&full);
}
END_TEST

START_TEST(each_vlan_of_a_station_is_told_once)
{
	struct abi_station_news news;
	struct abi_station station;
	struct full full;

	full_start(&full, LEARN_HOMES);
	for (uint16_t vlan = 0; vlan < ABI_STATION_VLANS; vlan++) {
		struct full_frame frame = from_vm(1);

		frame.vlan = vlan;
		for (unsigned i = 0; i < 3; i++)
			ck_assert_int_eq(full_send(&full, &frame).slot, 0);
		ck_assert_uint_eq(full_take_news(&full, &news), 1);
		ck_assert_uint_eq(news.vlan, vlan);
	}
	ck_assert(full_station(&full, full_vm_mac(1), &station));
	for (uint16_t vlan = 0; vlan < ABI_STATION_VLANS; vlan++)
		ck_assert_uint_eq(station.vlans[vlan], vlan);
	full_stop(&full);
}
END_TEST

START_TEST(of_vlans_without_room_one_is_told_in_a_second)
{
	struct abi_station_news news;
	struct full full;

	full_start(&full, LEARN_HOMES);
	for (unsigned second = 0; second < 3; second++) {
		full.program.words->heartbeat += 1ull << STATIONS_SECOND_SHIFT;
		for (uint16_t vlan = 1; vlan <= 20; vlan++) {
			struct full_frame frame = from_vm(1);

			frame.vlan = vlan;
			(void)full_send(&full, &frame);
		}
		ck_assert_uint_eq(full_take_news(&full, &news), second == 0 ? 5 : 1);
		ck_assert_uint_eq(news.vlan, 5);
	}
	full_stop(&full);
}
END_TEST

START_TEST(addresses_that_nobody_can_have_are_not_learned)
{
	static const struct mac no_addresses[] = { { { 0 } },
						   { { 1, 0, 0x5e, 0, 0, 1 } },
						   { { 255, 255, 255, 255, 255, 255 } } };
	struct abi_station station;
	struct full full;

	full_start(&full, LEARN_HOMES);
	for (unsigned i = 0; i < ARRAY_SIZE(no_addresses); i++) {
		const struct full_frame frame = { .source = no_addresses[i] };

		ck_assert_int_ge(full_send(&full, &frame).slot, 0);
		ck_assert(!full_station(&full, no_addresses[i], &station));
	}
	ck_assert_uint_eq(full.program.words->station_room, 100);
	full_stop(&full);
}
END_TEST

START_TEST(without_the_rule_nothing_is_learned)
{
	const struct full_frame frame = from_vm(1);
	struct abi_station station;
	struct full full;

	full_start(&full, ABI_RULE_HOMES);
	ck_assert_int_eq(full_send(&full, &frame).slot,
			 (int)(stations_bucket(full_vm_mac(1).bytes) % FULL_MEMBERS));
	ck_assert(!full_station(&full, full_vm_mac(1), &station));
	full_stop(&full);
}
END_TEST

START_TEST(what_has_no_room_goes_by_the_bucket_of_its_address)
{
	struct abi_station_news news;
	struct full full;

	full_start(&full, LEARN_HOMES);
	full.program.words->station_room = 0;
	for (unsigned i = 0; i < 20; i++) {
		struct full_frame frame = from_vm(i);

		for (frame.port = 0; frame.port < 5; frame.port++)
			ck_assert_int_eq(
				full_send(&full, &frame).slot,
				(int)(stations_bucket(full_vm_mac(i).bytes) % FULL_MEMBERS));
	}
	ck_assert_uint_eq(full_take_news(&full, &news), 1);
	ck_assert_uint_eq(news.type, ABI_NEWS_FULL);
	full.program.words->heartbeat += 1ull << STATIONS_SECOND_SHIFT;
	(void)full_send(&full, &(struct full_frame){ .source = full_vm_mac(99) });
	ck_assert_uint_eq(full_take_news(&full, &news), 1);
	full_stop(&full);
}
END_TEST

START_TEST(in_an_independent_team_it_is_on_the_primary)
{
	struct full full;

	full_start(&full, LEARN_HOMES | ABI_RULE_INDEPENDENT);
	full.program.words->station_room = 0;
	for (unsigned i = 0; i < 20; i++)
		ck_assert_int_eq(
			full_send(&full, &(struct full_frame){ .source = full_vm_mac(i) }).slot, 0);
	full_stop(&full);
}
END_TEST

START_TEST(a_flood_of_sources_fills_the_room_and_no_more)
{
	struct full full;

	full_start(&full, LEARN_HOMES);
	full.program.words->station_room = 1000;
	for (unsigned i = 0; i < FLOOD; i++) {
		const struct full_frame frame = from_vm(i);

		(void)full_time(&full, true, &frame, 1);
	}
	/* What the kernel has no memory for at that instant comes with its next frame. */
	ck_assert_uint_ge(full_n_stations(&full), 900);
	ck_assert_uint_eq(full_n_stations(&full) + full.program.words->station_room, 1000);
	ck_assert_uint_eq(program_counters(&full.program).tx_no_member, 0);
	ck_assert_int_eq(full_send(&full, &(struct full_frame){ .source = full_vm_mac(0) }).slot,
			 0);
	full_stop(&full);
}
END_TEST

START_TEST(the_map_itself_has_a_bound)
{
	struct full full;

	full_start(&full, LEARN_HOMES);
	full.program.words->station_room = 1u << 30;
	for (unsigned i = 0; i < 2 * ABI_STATIONS; i++) {
		const struct full_frame frame = from_vm(i);

		(void)full_time(&full, true, &frame, 1);
	}
	ck_assert_uint_le(full_n_stations(&full), ABI_STATIONS);
	ck_assert_uint_eq(program_counters(&full.program).tx_no_member, 0);
	full_stop(&full);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("datapath homes");
	TCase *tcase = datapath_tcase(suite);

	tcase_add_test(tcase, a_new_station_gets_the_next_home_and_stays_there);
	tcase_add_test(tcase, after_the_last_home_comes_the_first_again);
	tcase_add_test(tcase, a_station_whose_home_fails_goes_by_its_order_then_by_its_bucket);
	tcase_add_test(tcase, a_hold_holds_while_its_member_is_fit);
	tcase_add_test(tcase, each_vlan_of_a_station_is_told_once);
	tcase_add_test(tcase, of_vlans_without_room_one_is_told_in_a_second);
	tcase_add_test(tcase, addresses_that_nobody_can_have_are_not_learned);
	tcase_add_test(tcase, without_the_rule_nothing_is_learned);
	tcase_add_test(tcase, what_has_no_room_goes_by_the_bucket_of_its_address);
	tcase_add_test(tcase, in_an_independent_team_it_is_on_the_primary);
	tcase_add_test(tcase, a_flood_of_sources_fills_the_room_and_no_more);
	tcase_add_test(tcase, the_map_itself_has_a_bound);
	return run_datapath_suite(suite);
}
