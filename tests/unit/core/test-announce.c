/* Announcements: at once, repeated, never too many, and only of the newest place. */
#include "daemon/core/announce.h"

#include "lib/base/array.h"
#include "tests/unit/run.h"

#define INTERVAL (200 * NSEC_PER_MS)

static struct announce *announce;
static nsec_t now;

static void setup(void)
{
	now = 50 * NSEC_PER_SEC;
	announce = announce_new(3, INTERVAL);
}

static void teardown(void)
{
	announce_free(announce);
}

static struct announcement of(unsigned i, uint16_t vlan, uint8_t slot)
{
	return (struct announcement){
		.mac = { { 2, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i } },
		.vlan = vlan,
		.slot = slot,
	};
}

static void add(unsigned i, uint16_t vlan, uint8_t slot)
{
	struct announcement announcement = of(i, vlan, slot);

	announce_add(announce, &announcement, now);
}

static void refresh(unsigned i, uint8_t slot)
{
	struct announcement announcement = of(i, 0, slot);

	announce_refresh(announce, &announcement, now);
}

/* How many leave at this instant; the last one in *last. */
static unsigned drain(struct announcement *last)
{
	struct announcement next;
	unsigned n = 0;

	while (announce_next(announce, now, &next)) {
		n++;
		if (last)
			*last = next;
	}
	return n;
}

/* How many leave until then, woken when it says so; at most 'limit' times. */
static unsigned run(nsec_t duration, unsigned limit)
{
	nsec_t end = now + duration;
	unsigned n = drain(NULL);

	while (announce_deadline(announce) <= end) {
		ck_assert_uint_gt(limit--, 0);
		if (announce_deadline(announce) > now)
			now = announce_deadline(announce);
		n += drain(NULL);
	}
	now = end;
	return n;
}

START_TEST(one_leaves_at_once_and_is_repeated)
{
	struct announcement last;

	add(1, 7, 4);
	ck_assert_uint_le(announce_deadline(announce), now);
	ck_assert_uint_eq(drain(&last), 1);
	ck_assert_uint_eq(last.vlan, 7);
	ck_assert_uint_eq(last.slot, 4);
	ck_assert_uint_eq(announce_deadline(announce), now + INTERVAL);
	now += INTERVAL - 1;
	ck_assert_uint_eq(drain(NULL), 0);
	now++;
	ck_assert_uint_eq(drain(NULL), 1);
	now += INTERVAL;
	ck_assert_uint_eq(drain(NULL), 1);
	ck_assert_uint_eq(announce_deadline(announce), NSEC_NEVER);
	ck_assert_uint_eq(run(10 * NSEC_PER_SEC, 0), 0);
}
END_TEST

START_TEST(the_newest_place_wins_and_begins_anew)
{
	struct announcement last;

	add(1, 0, 4);
	add(1, 0, 5);
	ck_assert_uint_eq(drain(&last), 1);
	ck_assert_uint_eq(last.slot, 5);
	now += INTERVAL;
	ck_assert_uint_eq(drain(NULL), 1);
	add(1, 0, 6);
	ck_assert_uint_eq(drain(&last), 1);
	ck_assert_uint_eq(last.slot, 6);
	now += INTERVAL;
	ck_assert_uint_eq(drain(&last), 1);
	ck_assert_uint_eq(last.slot, 6);
	now += INTERVAL;
	ck_assert_uint_eq(drain(NULL), 1);
	ck_assert_uint_eq(announce_deadline(announce), NSEC_NEVER);
}
END_TEST

START_TEST(each_vlan_and_each_ip_address_is_one_of_its_own)
{
	struct announcement ip = of(1, 0, 4);

	add(1, 0, 4);
	add(1, 7, 4);
	ip.kind = ANNOUNCE_IPV4;
	ip.ip[3] = 1;
	announce_add(announce, &ip, now);
	ip.ip[3] = 2;
	announce_add(announce, &ip, now);
	ip.kind = ANNOUNCE_IPV6;
	announce_add(announce, &ip, now);
	announce_add(announce, &ip, now);
	ck_assert_uint_eq(drain(NULL), 5);
	ck_assert_uint_eq(run(NSEC_PER_SEC, 5), 10);
}
END_TEST

START_TEST(many_leave_in_a_burst_and_then_at_a_rate)
{
	unsigned n = 0;

	for (unsigned i = 0; i < 1024; i++)
		add(i, 0, 1);
	ck_assert_uint_eq(drain(NULL), ANNOUNCE_BURST);
	/* What was not said yet comes before what is repeated. */
	for (unsigned ms = 0; ms < 1000 - ANNOUNCE_BURST + ANNOUNCE_BATCH; ms++) {
		struct announcement next;

		now += NSEC_PER_MS;
		while (announce_next(announce, now, &next))
			n++;
	}
	ck_assert_uint_ge(n, 1024 - ANNOUNCE_BURST - 32);
	ck_assert_uint_le(n, 1000);
	/* All are said three times in the end, without being awake for each. */
	n += ANNOUNCE_BURST;
	n += run(10 * NSEC_PER_SEC, 3 * 1024 / ANNOUNCE_BATCH + 10);
	ck_assert_uint_eq(n, 3 * 1024);
}
END_TEST

START_TEST(the_first_round_is_whole_before_anything_is_said_twice)
{
	bool said[1024] = {};
	struct announcement next;
	unsigned n = 0;

	for (unsigned i = 0; i < 1024; i++)
		add(i, 0, 1);
	while (n < 1024) {
		unsigned i;

		now = announce_deadline(announce) > now ? announce_deadline(announce) : now;
		ck_assert(announce_next(announce, now, &next));
		i = (unsigned)(next.mac.bytes[4] << 8 | next.mac.bytes[5]);
		ck_assert_msg(!said[i], "%u came again after %u", i, n);
		said[i] = true;
		n++;
	}
	ck_assert_uint_le(now, 50 * NSEC_PER_SEC + 800 * NSEC_PER_MS);
}
END_TEST

START_TEST(what_is_cancelled_is_not_said_again)
{
	struct mac mac = of(1, 0, 0).mac;

	add(1, 0, 4);
	add(1, 7, 4);
	add(2, 0, 4);
	ck_assert_uint_eq(drain(NULL), 3);
	announce_cancel(announce, &mac);
	ck_assert_uint_eq(run(NSEC_PER_SEC, 5), 2);
	announce_cancel(announce, &mac);
}
END_TEST

START_TEST(a_refresh_is_said_once_and_after_all_others)
{
	struct announcement last;

	refresh(1, 4);
	refresh(1, 5);
	add(2, 0, 6);
	ck_assert_uint_eq(drain(&last), 2);
	ck_assert_uint_eq(last.slot, 5);
	/* One that is under way says all. */
	refresh(2, 7);
	ck_assert_uint_eq(run(NSEC_PER_SEC, 5), 2);
	/* One that moves before it was refreshed is announced. */
	refresh(3, 1);
	add(3, 0, 2);
	ck_assert_uint_eq(run(NSEC_PER_SEC, 5), 3);
	ck_assert_uint_eq(announce_deadline(announce), NSEC_NEVER);
}
END_TEST

START_TEST(none_is_said_if_none_is_wanted)
{
	announce_set(announce, 0, INTERVAL);
	add(1, 0, 4);
	ck_assert_uint_eq(announce_deadline(announce), NSEC_NEVER);
	ck_assert_uint_eq(drain(NULL), 0);
	refresh(1, 4);
	ck_assert_uint_eq(drain(NULL), 1);
}
END_TEST

START_TEST(more_than_there_is_room_for_are_counted)
{
	for (unsigned i = 0; i < ANNOUNCE_MAX + 10; i++)
		add(i, 0, 4);
	ck_assert_uint_eq(announce_n_dropped(announce), 10);
	ck_assert_uint_eq(run(20 * NSEC_PER_SEC, 2000), 3 * ANNOUNCE_MAX);
	add(ANNOUNCE_MAX + 1, 0, 4);
	ck_assert_uint_eq(drain(NULL), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("announce");
	TCase *tcase = tcase_create("announce");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, one_leaves_at_once_and_is_repeated);
	tcase_add_test(tcase, the_newest_place_wins_and_begins_anew);
	tcase_add_test(tcase, each_vlan_and_each_ip_address_is_one_of_its_own);
	tcase_add_test(tcase, many_leave_in_a_burst_and_then_at_a_rate);
	tcase_add_test(tcase, the_first_round_is_whole_before_anything_is_said_twice);
	tcase_add_test(tcase, what_is_cancelled_is_not_said_again);
	tcase_add_test(tcase, a_refresh_is_said_once_and_after_all_others);
	tcase_add_test(tcase, none_is_said_if_none_is_wanted);
	tcase_add_test(tcase, more_than_there_is_room_for_are_counted);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
