/* The members of a switch-independent team: who carries, who stands by, who is the primary. */
#include "daemon/core/independent.h"

#include "daemon/core/lacp/pdu.h"
#include "lib/base/array.h"
#include "tests/unit/run.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static struct independent team;
static nsec_t now;
/* As the actions have told. */
static member_set carries, accepts;
static unsigned n_actions;

static void drain(void)
{
	struct independent_action action;

	while (independent_next_action(&team, &action)) {
		member_set bit = (member_set)1 << action.slot % 32;

		n_actions++;
		if (action.type != INDEPENDENT_ACTION_PORT)
			continue;
		carries = (carries & ~bit) | (action.carries ? bit : 0);
		accepts = (accepts & ~bit) | (action.accepts ? bit : 0);
	}
}

static void pass(nsec_t duration)
{
	nsec_t end = now + duration;

	for (;;) {
		nsec_t due = independent_deadline(&team);

		if (due > end)
			break;
		ensure(due >= now, "a deadline in the past: %llu", (unsigned long long)due);
		now = due;
		independent_tick(&team, now);
		drain();
		ensure(independent_deadline(&team) > now, "a deadline that is over");
	}
	now = end;
}

static void setup(void)
{
	now = 100 * NSEC_PER_SEC;
	carries = accepts = 0;
	n_actions = 0;
}

static void add(unsigned slot, const struct independent_settings *settings)
{
	independent_port_add(&team, slot, settings, &(struct independent_past){}, now);
}

/* The ports as a word: for each slot 'a', or 's' for a standby, then perhaps its priority (a digit,
 * else 5) and '*' if it is preferred. */
static struct independent_settings read_settings(const char **text)
{
	struct independent_settings settings = { .standby = *(*text)++ == 's', .priority = 5 };

	if (isdigit(**text))
		settings.priority = (uint16_t)(*(*text)++ - '0');
	if (**text == '*') {
		settings.preferred = true;
		(*text)++;
	}
	return settings;
}

static struct independent_settings settings[PLACEMENT_MEMBERS];

static void begin(const struct independent_policy *policy, const char *ports)
{
	struct independent_policy counted = *policy;
	unsigned n = 0;

	memset(settings, 0, sizeof(settings));
	for (const char *text = ports; *text; n++) {
		settings[n] = read_settings(&text);
		counted.places += !settings[n].standby;
	}
	if (!counted.places)
		counted.places = 1;
	independent_init(&team, &counted);
	for (unsigned slot = 0; slot < n; slot++)
		add(slot, &settings[slot]);
	drain();
}

static member_set working(void)
{
	member_set set = 0;

	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		if (team.ports[slot].exists && team.ports[slot].link_up)
			set |= (member_set)1 << slot;
	return set;
}

static void print_set(member_set set, char text[static 33])
{
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++)
		if (set >> slot & 1)
			*text++ = "0123456789abcdefghijklmnopqrstuv"[slot];
	*text = '\0';
}

/* "CARRYING/PRIMARY", and ">SLOT" if another one still receives as the primary. */
static void expect(const char *what, const char *step)
{
	const struct placement_role *primary = independent_primary(&team);
	char set[33], seen[48];
	size_t n;

	drain();
	print_set(carries & working(), set);
	n = (size_t)snprintf(seen, sizeof(seen), "%s/", set);
	print_set(primary->hold < 32 ? (member_set)1 << primary->hold : 0, seen + n);
	n = strlen(seen);
	if (primary->also < 32) {
		seen[n] = '>';
		print_set((member_set)1 << primary->also, seen + n + 1);
	}
	ck_assert_msg(strcmp(seen, step) == 0, "%s: expected %s, is %s", what, step, seen);
}

static void set(unsigned slot, char what)
{
	struct independent_settings *port = &settings[slot];

	if (isupper(what))
		port->drained = what == 'D';
	if (what == '*' || what == '.')
		port->preferred = what == '*';
	independent_port_set(&team, slot, port, now);
}

/* One word of a script: '+' link up, '-' down, 'D' drained, 'U' no more, '*' preferred, '.' no
 * more, 'x' removed, 'n' added, each with a slot; 'w' and seconds to wait; '=' what is expected. */
static void act(const char *what, const char *step)
{
	unsigned slot = (unsigned)(step[1] - '0');

	switch (step[0]) {
	case '+':
	case '-':
		independent_port_link(&team, slot, step[0] == '+', now);
		break;
	case 'x':
		independent_port_remove(&team, slot, now);
		break;
	case 'n':
		add(slot, &settings[slot]);
		break;
	case 'w':
		pass((nsec_t)slot * NSEC_PER_SEC);
		break;
	case '=':
		expect(what, step + 1);
		return;
	default:
		set(slot, step[0]);
	}
	drain();
}

struct row {
	const char *what;
	struct independent_policy policy;
	const char *ports;
	const char *script;
};

#define AT_ONCE               \
	{                     \
		.keeps = true \
	}
#define DELAYED                                               \
	{                                                     \
		.back_delay = 3 * NSEC_PER_SEC, .keeps = true \
	}
#define NEVER                                     \
	{                                         \
		.never_back = true, .keeps = true \
	}

static const struct row rows[] = {
	{ "one alone is all it needs", AT_ONCE, "a", "=/ +0 =0/0 -0 =/0 +0 =0/0" },
	{ "who works carries, the first is the primary", AT_ONCE, "aaa",
	  "+1 =1/1 w2 +0 =01/0>1 w1 =01/0 +2 =012/0" },
	{ "the smaller priority is the primary", AT_ONCE, "a7a2a5", "+0 +1 +2 w1 =012/1 -1 =02/2" },
	{ "a standby carries nothing while the others do", AT_ONCE, "aas",
	  "+0 +1 +2 =01/0 w9 =01/0" },
	{ "a standby takes the place of one that fails", AT_ONCE, "aas",
	  "+0 +1 +2 -1 =02/0 -0 =2/2" },
	{ "standbys come by their priority", AT_ONCE, "as7s3s5",
	  "+0 +1 +2 +3 -0 =2/2 -2 =3/3 -3 =1/1" },
	{ "at the beginning standbys wait a second for the others", AT_ONCE, "as",
	  "+1 =/ w1 =1/1 +0 =0/0>1 w1 =0/0" },
	{ "a standby whose turn has come does not wait later", AT_ONCE, "as",
	  "+0 w2 -0 =/0 +1 =1/1" },
	{ "all stand by: one carries all the same", AT_ONCE, "ss", "+0 +1 w1 =0/0 -0 =1/1" },
	{ "at once: it takes its place back", AT_ONCE, "as", "+0 +1 w2 -0 =1/1 +0 =0/0>1 w1 =0/0" },
	{ "delayed: not before it has been up for so long", DELAYED, "as",
	  "+0 +1 w2 -0 =1/1 +0 =1/1 w2 =1/1 w1 =0/0>1" },
	{ "delayed: a flap begins the delay anew", DELAYED, "as",
	  "+0 +1 w2 -0 +0 w2 -0 +0 w2 =1/1 w1 =0/0>1" },
	{ "delayed: no delay where nobody would carry", DELAYED, "as",
	  "+0 +1 w2 -0 +0 =1/1 -1 =0/0" },
	{ "delayed: at the beginning the first may come late", DELAYED, "as",
	  "+1 w2 =1/1 +0 =0/0>1" },
	{ "never: it stays where it is until that fails", NEVER, "as",
	  "+0 +1 w2 -0 =1/1 +0 w9 =1/1 -1 =0/0 +1 w9 =0/0" },
	{ "never: a place that is free is taken at once", NEVER, "aas",
	  "+0 +1 +2 -0 =12/1 -1 =2/2 +1 =12/2 +0 =12/2 -2 =01/0" },
	{ "never: at the beginning the first may come late", NEVER, "as", "+1 w2 =1/1 +0 =0/0>1" },
	{ "never: the primary's role stays, too", NEVER, "aa", "+0 +1 =01/0 -0 =1/1 +0 w9 =01/1" },
	{ "delayed: the primary's role waits, the place does not", DELAYED, "aa",
	  "+0 +1 -0 =1/1 +0 =01/1 w3 =01/0>1" },
	{ "preferred goes before priorities and before standby", AT_ONCE, "a0s9*",
	  "+0 +1 w2 =1/1 -1 =0/0" },
	{ "preferred by hand at run time, at once even where it is never given back", NEVER, "as",
	  "+0 +1 w2 =0/0 *1 =1/1>0 w1 =1/1 .1 =0/0>1" },
	{ "preferred by hand, one that may not come back by itself", NEVER, "as",
	  "+0 +1 w2 -0 +0 w9 =1/1 *0 =0/0>1 w1 .0 =0/0" },
	{ "preferred by hand, while its link is away", NEVER, "aas",
	  "+0 +1 w2 *2 =01/0 +2 =02/2>0" },
	{ "one that is drained has no place, and receives on", AT_ONCE, "as",
	  "+0 +1 w2 D0 =01/1>0 w1 =01/1 U0 =0/0>1" },
	{ "one that was drained does not call others back", NEVER, "aass",
	  "+0 +1 +2 +3 w2 -0 +0 =12/1 D2 =012/1 U2 =01/1" },
	{ "a flap of one moves nothing of the others", AT_ONCE, "aaaa",
	  "+0 +1 +2 +3 w2 -2 =013/0 +2 =0123/0 -3 +3 =0123/0" },
	{ "one that is taken out leaves its place to a standby", AT_ONCE, "aas",
	  "+0 +1 +2 x0 =12/1>0 w1 =12/1 n0 =12/1 +0 =01/0>1" },
	{ "never: nor does one that was away as a device", NEVER, "as",
	  "+0 +1 w2 -0 x0 =1/1 n0 +0 w9 =1/1 x1 =0/0>1 n1 =0/0" },
	{ "after all were away the first to come is the primary", AT_ONCE, "aa",
	  "+0 +1 w2 -0 -1 =/1 +1 =1/1 +0 =01/0>1" },
	{ "never: the last primary is it again when all were away", NEVER, "aa",
	  "+0 +1 w2 -0 =1/1 -1 =/1 +1 +0 =01/1" },
};

START_TEST(who_carries)
{
	const struct row *row = &rows[_i];
	char script[256], *state, *step;

	begin(&row->policy, row->ports);
	ck_assert_uint_lt(strlen(row->script), sizeof(script));
	strcpy(script, row->script);
	for (step = strtok_r(script, " ", &state); step; step = strtok_r(NULL, " ", &state))
		act(row->what, step);
}
END_TEST

static const struct independent_policy at_once = AT_ONCE;
static const struct independent_policy never = NEVER;

START_TEST(one_that_stops_receives_for_a_second_more)
{
	begin(&at_once, "as");
	act("", "+0");
	act("", "+1");
	pass(2 * NSEC_PER_SEC);
	act("", "-0");
	ck_assert_uint_eq(carries & working(), 0x2);
	act("", "+0");
	ck_assert_uint_eq(carries, 0x1);
	ck_assert_uint_eq(accepts, 0x3);
	pass(NSEC_PER_SEC - 1);
	ck_assert_uint_eq(accepts, 0x3);
	pass(1);
	ck_assert_uint_eq(accepts, 0x1);
	ck_assert_uint_eq(independent_deadline(&team), NSEC_NEVER);
}
END_TEST

START_TEST(a_standby_that_comes_up_neither_sends_nor_receives)
{
	begin(&at_once, "as");
	act("", "+0");
	pass(2 * NSEC_PER_SEC);
	n_actions = 0;
	act("", "+1");
	ck_assert_uint_eq(carries | accepts, 0x1);
	act("", "-1");
	act("", "+1");
	ck_assert_uint_eq(n_actions, 0);
	ck_assert_int_eq(independent_reason(&team, 1), INDEPENDENT_STANDS_BY);
}
END_TEST

/* While the daemon is dead its link may return, and it may carry again. */
START_TEST(a_lost_link_keeps_its_place_where_nobody_else_has_it)
{
	struct independent_policy waits = at_once;

	begin(&at_once, "aas");
	act("", "+0");
	act("", "+1");
	act("", "-0");
	ck_assert_uint_eq(carries, 0x3);
	/* A standby comes, and has it. */
	pass(2 * NSEC_PER_SEC);
	act("", "+2");
	ck_assert_uint_eq(carries, 0x6);
	waits.keeps = false;
	setup();
	begin(&waits, "aa");
	act("", "+0");
	act("", "+1");
	act("", "-0");
	ck_assert_uint_eq(carries, 0x2);
}
END_TEST

static void resume(unsigned slot, bool carried, bool primary)
{
	const struct independent_past past = { .known = true,
					       .carried = carried,
					       .primary = primary };

	independent_port_add(&team, slot, &settings[slot], &past, now);
	independent_port_link(&team, slot, true, now);
}

START_TEST(nothing_moves_by_a_restart)
{
	struct independent_policy policy = never;

	/* Slot 0 had failed and is back, slot 2 carries for it, and slot 2 is the primary. */
	policy.places = 2;
	for (unsigned slot = 0; slot < 3; slot++)
		settings[slot] = (struct independent_settings){ .standby = slot == 2 };
	independent_init(&team, &policy);
	resume(0, false, false);
	resume(1, true, false);
	resume(2, true, true);
	expect("restart", "12/2");
	ck_assert_uint_eq(accepts, 0x6);
	ck_assert_int_eq(independent_reason(&team, 0), INDEPENDENT_NOT_YET);
	pass(100 * NSEC_PER_SEC);
	expect("later", "12/2");
}
END_TEST

START_TEST(one_that_waits_for_its_place_says_so)
{
	begin(&(struct independent_policy){ .back_delay = 5 * NSEC_PER_SEC }, "as");
	act("", "+0");
	act("", "+1");
	pass(2 * NSEC_PER_SEC);
	act("", "-0");
	ck_assert_int_eq(independent_reason(&team, 0), INDEPENDENT_NO_LINK);
	act("", "+0");
	ck_assert_int_eq(independent_reason(&team, 0), INDEPENDENT_WAITS);
	ck_assert_int_eq(independent_reason(&team, 1), INDEPENDENT_CARRIES);
	pass(5 * NSEC_PER_SEC);
	ck_assert_int_eq(independent_reason(&team, 0), INDEPENDENT_CARRIES);
	ck_assert_int_eq(independent_reason(&team, 1), INDEPENDENT_STANDS_BY);
}
END_TEST

START_TEST(the_order_of_the_primary_names_each_member_once)
{
	const struct placement_role *primary;

	begin(&at_once, "a3a1s0a2");
	for (unsigned slot = 0; slot < 4; slot++)
		independent_port_link(&team, slot, true, now);
	drain();
	primary = independent_primary(&team);
	/* Those that carry first. */
	ck_assert_uint_eq(primary->order[0], 1);
	ck_assert_uint_eq(primary->order[1], 3);
	ck_assert_uint_eq(primary->order[2], 0);
	ck_assert_uint_eq(primary->order[3], 2);
	for (unsigned i = 4; i < PLACEMENT_MEMBERS; i++)
		ck_assert_uint_eq(primary->order[i], PLACEMENT_NONE);
}
END_TEST

static uint32_t seed;

static uint32_t random_below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)(seed >> 8) * n >> 24);
}

/* What holds after anything: never more than the places, all of them if so many work, and a primary
 * that carries if anybody does. */
static void check_sense(unsigned places)
{
	unsigned n_working = 0, n_carrying = 0;
	unsigned primary = independent_primary(&team)->hold;

	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++) {
		const struct independent_port *port = &team.ports[slot];
		bool works = port->exists && port->link_up && !port->settings.drained;

		n_working += works;
		n_carrying += works && (carries >> slot & 1);
		ensure(!(carries >> slot & 1) || port->exists, "slot %u carries, and is gone",
		       slot);
	}
	ensure(!(carries & ~accepts), "one carries that does not receive");
	ensure(n_carrying == (n_working < places ? n_working : places),
	       "%u carry of %u that work, with %u places", n_carrying, n_working, places);
	ensure(!n_carrying || (carries >> primary & working() >> primary & 1),
	       "the primary, slot %u, does not carry", primary);
}

/* Returns whether it is for nobody else to move but the one that takes the place. */
static bool happen(unsigned slot)
{
	switch (random_below(6)) {
	case 0:
	case 1:
	case 2:
		independent_port_link(&team, slot, !team.ports[slot].link_up, now);
		return true;
	case 3:
		set(slot, settings[slot].drained ? 'U' : 'D');
		return true;
	case 4:
		set(slot, settings[slot].preferred ? '.' : '*');
		return false;
	default:
		pass(random_below(3000) * NSEC_PER_MS);
		return false;
	}
}

/* Only the one to which something happened and the one that takes its place. */
static void check_moves(member_set before, member_set after, unsigned slot)
{
	member_set others = (before ^ after) & ~((member_set)1 << slot);

	ensure(__builtin_popcount(others & before) <= 1, "more than one lost its place");
	ensure(__builtin_popcount(others & after) <= 1, "more than one got a place");
}

START_TEST(of_any_number_the_places_are_filled_whatever_happens)
{
	unsigned n = (unsigned)_i + 1, places;

	seed = (uint32_t)_i;
	for (unsigned round = 0; round < 6; round++) {
		struct independent_policy policy = { .never_back = round & 1, .keeps = round & 2 };

		setup();
		places = 1 + random_below(n);
		policy.places = places;
		policy.back_delay = round > 3 ? NSEC_PER_SEC : 0;
		independent_init(&team, &policy);
		for (unsigned slot = 0; slot < n; slot++) {
			settings[slot] = (struct independent_settings){
				.standby = slot >= places,
				.priority = (uint16_t)random_below(3),
			};
			add(slot, &settings[slot]);
		}
		pass(2 * NSEC_PER_SEC);
		for (unsigned i = 0; i < 300; i++) {
			member_set before = carries & working();
			unsigned slot = random_below(n);
			bool alone = happen(slot);

			drain();
			check_sense(places);
			if (alone)
				check_moves(before, carries & working(), slot);
		}
	}
}
END_TEST

START_TEST(a_partner_that_speaks_lacp_is_told_of_once)
{
	struct lacpdu pdu = {
		.version = 1,
		.actor = { .system = { { 2, 0, 0, 0, 0, 9 } }, .key = 7, .port = 1 },
	};
	uint8_t payload[LACP_PDU_SIZE];
	struct independent_action action;

	begin(&at_once, "a");
	act("", "+0");
	lacpdu_encode(&pdu, payload);
	for (unsigned i = 0; i < 2; i++)
		independent_receive(&team, 0, (struct span){ payload, sizeof(payload) }, now);
	ck_assert(independent_next_action(&team, &action));
	ck_assert_int_eq(action.type, INDEPENDENT_ACTION_PARTNER);
	ck_assert(independent_next_action(&team, &action));
	ck_assert_int_eq(action.type, INDEPENDENT_ACTION_NOTE);
	ck_assert(!independent_next_action(&team, &action));
	ck_assert(team.neighbours.ports[0].known);
	pass(LACP_NEIGHBOUR_PATIENCE);
	ck_assert(!team.neighbours.ports[0].known);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("independent");
	TCase *tcase = tcase_create("independent");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_loop_test(tcase, who_carries, 0, (int)ARRAY_SIZE(rows));
	tcase_add_test(tcase, one_that_stops_receives_for_a_second_more);
	tcase_add_test(tcase, a_standby_that_comes_up_neither_sends_nor_receives);
	tcase_add_test(tcase, a_lost_link_keeps_its_place_where_nobody_else_has_it);
	tcase_add_test(tcase, nothing_moves_by_a_restart);
	tcase_add_test(tcase, one_that_waits_for_its_place_says_so);
	tcase_add_test(tcase, the_order_of_the_primary_names_each_member_once);
	tcase_add_loop_test(tcase, of_any_number_the_places_are_filled_whatever_happens, 0, 32);
	tcase_add_test(tcase, a_partner_that_speaks_lacp_is_told_of_once);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
