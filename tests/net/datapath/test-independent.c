/* Teams of which the switch knows nothing: what leaves where and by which address, and of what
 * comes in one copy is taken and nothing that was sent by us. */
#include "bpf/stations.h"
#include "tests/net/datapath/full.h"
#include "tests/net/datapath/suite.h"

#include "lib/base/array.h"

#include <string.h>
#include <time.h>

#define HASHED (ABI_RULE_INDEPENDENT | ABI_RULE_LEARN)
#define HOMES (HASHED | ABI_RULE_HOMES)

static const struct mac outside = { { 2, 0xdd, 0, 0, 0, 1 } };
static const struct mac group = { { 1, 0, 0x5e, 0, 0, 9 } };
static const struct mac unknown = { { 2, 0xdd, 0, 0, 0, 2 } };

static uint64_t boot_time(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

START_TEST(off_the_primary_the_source_is_the_members_own)
{
	unsigned n_of_slot[FULL_MEMBERS] = {};
	struct full full;

	full_start(&full, HASHED);
	for (uint16_t port = 0; port < 200; port++) {
		const struct mac source = port % 2 ? full_team_mac() : full_vm_mac(1);
		const struct full_frame frame = { .source = source, .port = port };
		struct full_sent sent = full_send(&full, &frame);
		struct mac expected = sent.slot ? full_member_mac((unsigned)sent.slot) : source;

		ck_assert_int_ge(sent.slot, 0);
		n_of_slot[sent.slot]++;
		ck_assert(mac_equal(&sent.source, &expected));
	}
	for (unsigned slot = 0; slot < FULL_MEMBERS; slot++)
		ck_assert_uint_gt(n_of_slot[slot], 20);
	full_stop(&full);
}
END_TEST

START_TEST(with_homes_it_is_never_replaced)
{
	struct abi_station station = full_station_on(2);
	struct full full;

	full_start(&full, HOMES);
	full_put_station(&full, full_vm_mac(1), &station);
	for (uint16_t port = 0; port < 50; port++) {
		struct full_sent vm = full_send(
			&full, &(struct full_frame){ .source = full_vm_mac(1), .port = port });
		struct full_sent team = full_send(
			&full, &(struct full_frame){ .source = full_team_mac(), .port = port });

		ck_assert_int_eq(vm.slot, 2);
		ck_assert(mac_equal(&vm.source, &(struct mac){ { 2, 0xcc, 0, 0, 0, 1 } }));
		ck_assert_int_eq(team.slot, 0);
		ck_assert(mac_equal(&team.source, &(struct mac){ { 2, 0xbb, 0, 0, 0, 1 } }));
	}
	full_stop(&full);
}
END_TEST

START_TEST(with_flowlets_it_is_replaced_off_the_home)
{
	struct abi_station station = full_station_on(2);
	unsigned n_away = 0;
	struct full full;

	full_start(&full, HOMES | ABI_RULE_FLOWLETS);
	(void)full_map_loads(&full);
	(void)full_make_flowlets(&full, 1000000);
	full_put_station(&full, full_vm_mac(1), &station);
	for (uint16_t port = 0; port < 200; port++) {
		const struct mac source = full_vm_mac(1);
		struct full_sent sent =
			full_send(&full, &(struct full_frame){ .source = source, .port = port });
		struct mac expected =
			sent.slot == 2 ? source : full_member_mac((unsigned)sent.slot);

		ck_assert(mac_equal(&sent.source, &expected));
		n_away += sent.slot != 2;
	}
	ck_assert_uint_gt(n_away, 100);
	full_stop(&full);
}
END_TEST

START_TEST(a_member_that_has_no_address_of_its_own_sends_at_home_only)
{
	struct full full;

	full_start(&full, HASHED);
	memset(full.team.member_macs[1], 0, sizeof(full.team.member_macs[1]));
	full_set_rules(&full, HASHED);
	for (uint16_t port = 0; port < 100; port++)
		ck_assert_int_ne(full_send(&full, &(struct full_frame){ .source = full_team_mac(),
									.port = port })
					 .slot,
				 1);
	full_stop(&full);
}
END_TEST

struct kind_row {
	enum full_type type;
	bool at_home;
	bool announces;
};

static const struct kind_row kinds[] = {
	{ FULL_UDP4, false, false },
	{ FULL_UDP6, false, false },
	{ FULL_ICMP6_ECHO, false, false },
	{ FULL_ARP_REQUEST, true, false },
	{ FULL_ARP_REPLY, true, true }, /* To everybody. */
	{ FULL_ARP_GRATUITOUS, true, true },
	{ FULL_RARP, true, true },
	{ FULL_SOLICITATION, true, false },
	{ FULL_ADVERTISEMENT, true, false },
	{ FULL_UNSOLICITED_ADVERTISEMENT, true, true },
	{ FULL_IGMP, true, false },
	{ FULL_MLD, true, false },
	{ FULL_MLD2, true, false },
	{ FULL_OTHER, true, false },
};

/* All buckets on member 3, so that what is at home is told from what is not. */
static void place_all_on_last(struct full *full)
{
	struct abi_plan plan = full_plan();

	for (unsigned bucket = 0; bucket < ABI_BUCKETS; bucket++)
		plan.hold[bucket] = FULL_MEMBERS - 1;
	program_set_plan(&full->program, &plan);
}

START_TEST(what_tells_of_addresses_leaves_where_they_are_at_home)
{
	const struct kind_row *row = &kinds[_i];
	const uint16_t vlans[] = { 0, 7 };
	struct full full;

	full_start(&full, HASHED);
	place_all_on_last(&full);
	for (unsigned i = 0; i < ARRAY_SIZE(vlans); i++) {
		const struct full_frame frame = { .type = row->type,
						  .source = full_vm_mac(1),
						  .vlan = vlans[i] };
		struct full_sent sent = full_send(&full, &frame);

		ck_assert_int_eq(sent.slot, row->at_home ? 0 : FULL_MEMBERS - 1);
		ck_assert_int_eq(mac_equal(&sent.source, &frame.source), row->at_home);
	}
	full_stop(&full);
}
END_TEST

START_TEST(an_announcement_on_its_way_out_is_remembered)
{
	const struct kind_row *row = &kinds[_i];
	const struct full_frame frame = { .type = row->type, .source = full_vm_mac(1) };
	uint64_t before = boot_time();
	struct abi_station station;
	struct full full;

	full_start(&full, HASHED);
	(void)full_send(&full, &frame);
	ck_assert(full_station(&full, full_vm_mac(1), &station));
	ck_assert_int_eq(station.announced >= before, row->announces);
	full_stop(&full);
}
END_TEST

START_TEST(of_a_flooded_frame_the_primary_takes_one_copy)
{
	const struct mac destinations[] = { { { 0 } }, group, unknown };
	struct full full;

	full_start(&full, _i ? HOMES : HASHED);
	for (unsigned i = 0; i < ARRAY_SIZE(destinations); i++) {
		for (unsigned slot = 0; slot < FULL_MEMBERS; slot++) {
			const struct full_frame frame = { .source = outside,
							  .destination = destinations[i] };

			ck_assert_int_eq(full_receive(&full, slot, &frame),
					 slot == 0 ? FULL_TAKEN : FULL_COPY);
		}
	}
	full_stop(&full);
}
END_TEST

START_TEST(another_member_takes_them_at_once_when_the_primary_fails)
{
	const struct full_frame frame = { .source = outside };
	struct abi_plan plan = full_plan();
	struct full full;

	full_start(&full, HASHED);
	full.program.words->carrier = 0xe;
	ck_assert_int_eq(full_receive(&full, 1, &frame), FULL_TAKEN);
	ck_assert_int_eq(full_receive(&full, 2, &frame), FULL_COPY);
	/* It is back, and the role is on hold where it went. */
	full.program.words->carrier = 0xf;
	plan.primary_hold = 1;
	program_set_plan(&full.program, &plan);
	ck_assert_int_eq(full_receive(&full, 0, &frame), FULL_COPY);
	ck_assert_int_eq(full_receive(&full, 1, &frame), FULL_TAKEN);
	full.program.words->may_receive = 0xd;
	ck_assert_int_eq(full_receive(&full, 1, &frame), FULL_NOT_COLLECTING);
	ck_assert_int_eq(full_receive(&full, 0, &frame), FULL_TAKEN);
	full_stop(&full);
}
END_TEST

START_TEST(a_plan_without_a_primary_leaves_nobody_deaf)
{
	const struct full_frame frame = { .source = outside };
	struct abi_plan plan = full_plan();
	unsigned n_taken = 0;
	struct full full;

	full_start(&full, HASHED);
	memset(plan.primary, ABI_NONE, sizeof(plan.primary));
	program_set_plan(&full.program, &plan);
	for (unsigned slot = 0; slot < FULL_MEMBERS; slot++)
		n_taken += full_receive(&full, slot, &frame) == FULL_TAKEN;
	ck_assert_uint_eq(n_taken, 1);
	full_stop(&full);
}
END_TEST

START_TEST(what_was_sent_by_us_never_comes_back)
{
	struct abi_station station = full_station_on(2);
	struct mac sources[] = { full_team_mac(), full_member_mac(0), full_member_mac(3),
				 full_vm_mac(1) };
	const struct mac destinations[] = { { { 0 } }, group, unknown, full_team_mac() };
	struct full full;

	full_start(&full, _i ? HOMES : HASHED);
	full_put_station(&full, full_vm_mac(1), &station);
	for (unsigned s = 0; s < ARRAY_SIZE(sources); s++)
		for (unsigned d = 0; d < ARRAY_SIZE(destinations); d++)
			for (unsigned slot = 0; slot < FULL_MEMBERS; slot++) {
				const struct full_frame frame = { .source = sources[s],
								  .destination = destinations[d] };

				ck_assert_int_eq(full_receive(&full, slot, &frame), FULL_REFLECTED);
			}
	ck_assert(full_station(&full, full_vm_mac(1), &station));
	full_stop(&full);
}
END_TEST

START_TEST(what_is_for_a_station_comes_in_where_it_is)
{
	struct abi_station station = full_station_on(2);
	const struct full_frame to_vm = { .source = outside, .destination = full_vm_mac(1) };
	struct full full;

	full_start(&full, HOMES);
	station.also = 1;
	full_put_station(&full, full_vm_mac(1), &station);
	ck_assert_int_eq(full_receive(&full, 0, &to_vm), FULL_COPY);
	ck_assert_int_eq(full_receive(&full, 1, &to_vm), FULL_TAKEN);
	ck_assert_int_eq(full_receive(&full, 2, &to_vm), FULL_TAKEN);
	ck_assert_int_eq(full_receive(&full, 1, &to_vm), FULL_COPY);
	ck_assert_int_eq(full_receive(&full, 3, &to_vm), FULL_COPY);
	full.program.words->carrier = 0xb;
	ck_assert_int_eq(full_receive(&full, 3, &to_vm), FULL_TAKEN);
	full_stop(&full);
}
END_TEST

START_TEST(without_homes_the_primary_receives_for_all)
{
	struct abi_station station = full_station_on(2);
	const struct mac ours[] = { full_vm_mac(1), full_team_mac() };
	struct abi_plan plan = full_plan();
	struct full full;

	full_start(&full, HASHED);
	full_put_station(&full, full_vm_mac(1), &station);
	plan.primary_also = 3;
	program_set_plan(&full.program, &plan);
	for (unsigned i = 0; i < ARRAY_SIZE(ours); i++) {
		const struct full_frame frame = { .source = outside, .destination = ours[i] };

		/* What was under way to the former one comes before the first that came here. */
		ck_assert_int_eq(full_receive(&full, 3, &frame), FULL_TAKEN);
		ck_assert_int_eq(full_receive(&full, 3, &frame), FULL_TAKEN);
		ck_assert_int_eq(full_receive(&full, 0, &frame), FULL_TAKEN);
		ck_assert_int_eq(full_receive(&full, 1, &frame), FULL_COPY);
		ck_assert_int_eq(full_receive(&full, 2, &frame), FULL_COPY);
		ck_assert_int_eq(full_receive(&full, 3, &frame), FULL_COPY);
		ck_assert_int_eq(full_receive(&full, 0, &frame), FULL_TAKEN);
	}
	full_stop(&full);
}
END_TEST

START_TEST(what_is_for_a_members_own_address_is_for_nobody)
{
	const struct full_frame frame = { .source = outside, .destination = full_member_mac(0) };
	struct full full;

	full_start(&full, HASHED);
	ck_assert_int_eq(full_receive(&full, 0, &frame), FULL_COPY);
	full_stop(&full);
}
END_TEST

START_TEST(an_address_that_announces_itself_from_outside_has_moved_away)
{
	const struct kind_row *row = &kinds[_i];
	const struct full_frame frame = { .type = row->type, .source = full_vm_mac(1), .vlan = 7 };
	struct abi_station station = full_station_on(2);
	struct abi_station_news news;
	struct full full;

	full_start(&full, HOMES);
	/* We sent such a thing half a second ago: it may come back by another member. */
	station.announced = boot_time() - STATIONS_ANNOUNCED_NS / 2;
	full_put_station(&full, full_vm_mac(1), &station);
	ck_assert_int_eq(full_receive(&full, 0, &frame), FULL_REFLECTED);
	station.announced = boot_time() - STATIONS_ANNOUNCED_NS * 2;
	full_put_station(&full, full_vm_mac(1), &station);
	ck_assert_int_eq(full_receive(&full, 3, &frame),
			 row->announces ? FULL_COPY : FULL_REFLECTED);
	ck_assert_int_eq(full_station(&full, full_vm_mac(1), &station), !row->announces);
	ck_assert_uint_eq(full_take_news(&full, &news), row->announces);
	if (row->announces) {
		ck_assert_uint_eq(news.type, ABI_NEWS_LEFT);
		ck_assert_uint_eq(news.slot, 3);
		ck_assert_uint_eq(news.vlan, 7);
		/* The primary's copy of it goes in, so that bridges learn it. */
		ck_assert_int_eq(full_receive(&full, 0, &frame), FULL_TAKEN);
	}
	full_stop(&full);
}
END_TEST

START_TEST(the_teams_own_address_is_never_believed_to_have_left)
{
	const struct full_frame frame = { .type = FULL_RARP, .source = full_team_mac() };
	struct full full;

	full_start(&full, HOMES);
	ck_assert_int_eq(full_receive(&full, 0, &frame), FULL_REFLECTED);
	ck_assert_uint_eq(full_take_news(&full, NULL), 0);
	full_stop(&full);
}
END_TEST

START_TEST(a_team_that_the_switch_knows_takes_everything_on_each_member)
{
	const struct full_frame frame = { .source = outside };
	struct full full;

	full_start(&full, ABI_RULE_LEARN | ABI_RULE_HOMES);
	for (unsigned slot = 0; slot < FULL_MEMBERS; slot++)
		ck_assert_int_eq(full_receive(&full, slot, &frame), FULL_TAKEN);
	full_stop(&full);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("datapath independent");
	TCase *tcase = datapath_tcase(suite);
	const int n_kinds = (int)ARRAY_SIZE(kinds);

	tcase_add_test(tcase, off_the_primary_the_source_is_the_members_own);
	tcase_add_test(tcase, with_homes_it_is_never_replaced);
	tcase_add_test(tcase, with_flowlets_it_is_replaced_off_the_home);
	tcase_add_test(tcase, a_member_that_has_no_address_of_its_own_sends_at_home_only);
	tcase_add_loop_test(tcase, what_tells_of_addresses_leaves_where_they_are_at_home, 0,
			    n_kinds);
	tcase_add_loop_test(tcase, an_announcement_on_its_way_out_is_remembered, 0, n_kinds);
	tcase_add_loop_test(tcase, of_a_flooded_frame_the_primary_takes_one_copy, 0, 2);
	tcase_add_test(tcase, another_member_takes_them_at_once_when_the_primary_fails);
	tcase_add_test(tcase, a_plan_without_a_primary_leaves_nobody_deaf);
	tcase_add_loop_test(tcase, what_was_sent_by_us_never_comes_back, 0, 2);
	tcase_add_test(tcase, what_is_for_a_station_comes_in_where_it_is);
	tcase_add_test(tcase, without_homes_the_primary_receives_for_all);
	tcase_add_test(tcase, what_is_for_a_members_own_address_is_for_nobody);
	tcase_add_loop_test(tcase, an_address_that_announces_itself_from_outside_has_moved_away, 0,
			    n_kinds);
	tcase_add_test(tcase, the_teams_own_address_is_never_believed_to_have_left);
	tcase_add_test(tcase, a_team_that_the_switch_knows_takes_everything_on_each_member);
	return run_datapath_suite(suite);
}
