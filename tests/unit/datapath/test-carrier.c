/* What the kernel's part of the carrier sense does with a team's words, without a kernel. */
#include "bpf/carrier.h"
#include "lib/base/array.h"
#include "tests/unit/run.h"

#define SECOND 1000000000ull
#define NOW (1000 * SECOND)
#define BIT(slot) (1ull << (slot))

struct row {
	const char *what;
	__u64 carrier, down, waiting; /* Before, … */
	bool returns;
	__u64 heartbeat_age;                            /* UINT64_MAX: there is none. */
	__u64 carrier_after, down_after, waiting_after; /* … and after. */
	bool news;
};

static const struct row lost_rows[] = {
	{ .what = "a member that carries",
	  .carrier = 7,
	  .heartbeat_age = 0,
	  .carrier_after = 5,
	  .down_after = 2,
	  .news = true },
	{ .what = "one whose loss is known",
	  .carrier = 5,
	  .down = 2,
	  .carrier_after = 5,
	  .down_after = 2,
	  .news = false },
	{ .what = "one that did not carry yet",
	  .carrier = 5,
	  .carrier_after = 5,
	  .down_after = 2,
	  .news = true },
	{ .what = "one that carries by old news",
	  .carrier = 7,
	  .down = 2,
	  .carrier_after = 5,
	  .down_after = 2,
	  .news = true },
	{ .what = "one that was back and waits, while no daemon lives",
	  .carrier = 1,
	  .waiting = 2,
	  .returns = true,
	  .heartbeat_age = UINT64_MAX,
	  .carrier_after = 1,
	  .down_after = 2,
	  .news = true },
	{ .what = "the last one, while another waits and no daemon lives",
	  .carrier = 2,
	  .waiting = 4,
	  .returns = true,
	  .heartbeat_age = UINT64_MAX,
	  .carrier_after = 4,
	  .down_after = 2,
	  .news = true },
	{ .what = "the last one, while another waits for a daemon that lives",
	  .carrier = 2,
	  .waiting = 4,
	  .returns = true,
	  .heartbeat_age = SECOND,
	  .carrier_after = 0,
	  .down_after = 2,
	  .waiting_after = 4,
	  .news = true },
	{ .what = "the last one, while another waits, in LACP",
	  .carrier = 2,
	  .waiting = 4,
	  .heartbeat_age = UINT64_MAX,
	  .carrier_after = 0,
	  .down_after = 2,
	  .waiting_after = 4,
	  .news = true },
	{ .what = "one that was back and waits for a daemon that lives",
	  .carrier = 1,
	  .waiting = 2,
	  .returns = true,
	  .heartbeat_age = SECOND,
	  .carrier_after = 1,
	  .down_after = 2,
	  .news = true },
};

static const struct row back_rows[] = {
	{ .what = "no daemon lives",
	  .carrier = 1,
	  .down = 2,
	  .returns = true,
	  .heartbeat_age = UINT64_MAX,
	  .carrier_after = 3 },
	{ .what = "the heartbeat is stale",
	  .carrier = 1,
	  .down = 2,
	  .returns = true,
	  .heartbeat_age = 3 * SECOND,
	  .carrier_after = 3 },
	{ .what = "the heartbeat is just fresh",
	  .carrier = 1,
	  .down = 2,
	  .returns = true,
	  .heartbeat_age = 3 * SECOND - 1,
	  .carrier_after = 1,
	  .waiting_after = 2 },
	{ .what = "the heartbeat is from a moment after the clock was read",
	  .carrier = 1,
	  .down = 2,
	  .returns = true,
	  .heartbeat_age = (__u64)-1000,
	  .carrier_after = 1,
	  .waiting_after = 2 },
	{ .what = "no daemon lives, in LACP",
	  .carrier = 1,
	  .down = 2,
	  .heartbeat_age = UINT64_MAX,
	  .carrier_after = 1,
	  .waiting_after = 2 },
	{ .what = "another one has waited longer than the daemon lived",
	  .carrier = 1,
	  .down = 2,
	  .waiting = 8,
	  .returns = true,
	  .heartbeat_age = 4 * SECOND,
	  .carrier_after = 11 },
	{ .what = "another one that waits is lost again",
	  .carrier = 1,
	  .down = 10,
	  .waiting = 8,
	  .returns = true,
	  .heartbeat_age = 4 * SECOND,
	  .carrier_after = 3,
	  .down_after = 8 },
};

static struct abi_words before(const struct row *row)
{
	return (struct abi_words){
		.carrier = row->carrier,
		.down = row->down,
		.waiting = row->waiting,
		.carrier_returns = row->returns,
		.heartbeat = row->heartbeat_age == UINT64_MAX ? 0 : NOW - row->heartbeat_age,
		.may_send = 0x55,
		.plan = 3,
	};
}

static void assert_after(const struct row *row, const struct abi_words *words)
{
	ck_assert_msg(words->carrier == row->carrier_after, "%s: carrier %llx", row->what,
		      words->carrier);
	ck_assert_msg(words->down == row->down_after, "%s: down %llx", row->what, words->down);
	ck_assert_msg(words->waiting == row->waiting_after, "%s: waiting %llx", row->what,
		      words->waiting);
	ck_assert(words->may_send == 0x55 && words->plan == 3);
}

START_TEST(a_lost_link_clears_its_own_bit)
{
	const struct row *row = &lost_rows[_i];
	struct abi_words words = before(row);

	ck_assert_msg(carrier_lost(&words, 1, NOW) == row->news, "%s", row->what);
	assert_after(row, &words);
}
END_TEST

START_TEST(a_link_that_is_back_carries_only_where_no_daemon_decides)
{
	const struct row *row = &back_rows[_i];
	struct abi_words words = before(row);

	carrier_back(&words, 1, NOW);
	assert_after(row, &words);
}
END_TEST

START_TEST(links_that_flap_in_turn_around_a_death_do_not_end_with_none)
{
	struct abi_words words = { .carrier = 3, .carrier_returns = 1, .heartbeat = NOW };

	/* The first one so soon after the death that it still looks like life. */
	(void)carrier_lost(&words, 0, NOW + SECOND);
	carrier_back(&words, 0, NOW + 2 * SECOND);
	ck_assert_uint_eq(words.carrier, 2);
	(void)carrier_lost(&words, 1, NOW + 5 * SECOND);
	ck_assert_uint_eq(words.carrier, 1);
	carrier_back(&words, 1, NOW + 6 * SECOND);
	ck_assert_uint_eq(words.carrier, 3);
}
END_TEST

START_TEST(the_first_and_the_last_slot_are_slots_like_all)
{
	struct abi_words words = { .carrier = BIT(0) | BIT(ABI_MEMBERS - 1) };

	ck_assert(carrier_lost(&words, ABI_MEMBERS - 1, NOW));
	ck_assert_uint_eq(words.carrier, BIT(0));
	ck_assert(carrier_lost(&words, 0, NOW));
	ck_assert_uint_eq(words.carrier, 0);
	ck_assert_uint_eq(words.down, BIT(0) | BIT(ABI_MEMBERS - 1));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("carrier");
	TCase *tcase = tcase_create("carrier");

	tcase_add_loop_test(tcase, a_lost_link_clears_its_own_bit, 0, ARRAY_SIZE(lost_rows));
	tcase_add_loop_test(tcase, a_link_that_is_back_carries_only_where_no_daemon_decides, 0,
			    ARRAY_SIZE(back_rows));
	tcase_add_test(tcase, links_that_flap_in_turn_around_a_death_do_not_end_with_none);
	tcase_add_test(tcase, the_first_and_the_last_slot_are_slots_like_all);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
