/* Worlds at random: engines of all configurations, wires that lose, double, delay and reorder
 * frames, and people who pull cables, kill daemons, and change their minds. What must hold at every
 * instant is checked by the world itself; here it is checked what they come to when left in peace.
 */
#include "tests/sim/world.h"

#include "lib/base/array.h"
#include "tests/unit/run.h"

#include <stdlib.h>

#define LOOPS 8 /* Each in a process of its own. */
#define LINKS_MAX 6
#define TROUBLES 30

/* Longest that anything may take to heal: a long timeout and EXPIRED, the slow pace at which a
 * DEFAULTED end speaks, and wait_while on both ends. */
#define HEALING (130 * NSEC_PER_SEC)

static struct world *world;

static void start(void)
{
	world = calloc(1, sizeof(*world));
	ck_assert_ptr_nonnull(world);
}

static void finish(void)
{
	world_fini(world);
	free(world);
}

static bool heads(void)
{
	return world_random(world, 2);
}

static struct lacp_config random_config(unsigned system, unsigned links)
{
	return (struct lacp_config){
		.system_priority = (uint16_t)world_random(world, 3),
		.system = { { 0x02, 0, 0, 0, (uint8_t)world_random(world, 2), (uint8_t)system } },
		.active = true,
		.fast = heads(),
		.independent = heads(),
		.min_links = 1 + (heads() ? 0 : world_random(world, links)),
		.max_links = heads() ? LACP_PORTS_MAX : 1 + world_random(world, links),
		.select = world_random(world, 3),
		.fallback = world_random(world, 3),
		.fallback_delay = world_random(world, 100) * NSEC_PER_SEC,
	};
}

static struct lacp_port_config random_port(unsigned slot, unsigned keys)
{
	uint16_t key = (uint16_t)(1 + world_random(world, keys));

	return (struct lacp_port_config){
		.number = (uint16_t)(100 + slot),
		.key = key,
		.priority = (uint16_t)world_random(world, 3),
		.speed_mbps = 1000u * key,
		.name = { 'e', 'n', 'o', (char)('1' + slot) },
	};
}

static void random_weather(void)
{
	world->weather = (struct weather){
		.loss = world_random(world, 40),
		.duplicates = world_random(world, 20),
		.delay_min = world_random(world, 1000) * NSEC_PER_US,
		.delay_max = (1 + world_random(world, 200)) * NSEC_PER_MS,
	};
}

static void fair_weather(void)
{
	world->weather =
		(struct weather){ .delay_min = 100 * NSEC_PER_US, .delay_max = NSEC_PER_MS };
}

static void build(unsigned systems, unsigned links, unsigned keys)
{
	for (unsigned i = 0; i < systems; i++) {
		struct lacp_config config = random_config(i, links);

		/* One of both must be active, or there is no LACP. */
		config.active = i == 0 || heads();
		world_add_system(world, i, &config);
		for (unsigned slot = 0; slot < links; slot++) {
			struct lacp_port_config port = random_port(slot, keys);

			world_add_port(world, i, slot, &port);
		}
	}
}

static void trouble(unsigned systems, unsigned links, unsigned keys)
{
	unsigned system = world_random(world, systems), slot = world_random(world, links);
	struct system *chosen = &world->systems[system];
	struct plug *plug = &chosen->plugs[slot];
	struct lacp_port_config port = random_port(slot, keys);
	struct lacp_config config = random_config(system, links);

	switch (world_random(world, 10)) {
	case 0:
	case 1:
	case 2:
		world_link(world, system, slot, !plug->link_up);
		return;
	case 3:
		world_kill(world, system);
		world_run(world, world_random(world, 5000) * NSEC_PER_MS);
		world_restart(world, system);
		return;
	case 4:
		chosen->busy_until = world->now + world_random(world, 4000) * NSEC_PER_MS;
		return;
	case 5:
		world_configure_port(world, system, slot, &port);
		return;
	case 6:
		config.active |= system == 0;
		world_configure(world, system, &config);
		return;
	case 7:
		world_remove_port(world, system, slot);
		world_run(world, world_random(world, 3000) * NSEC_PER_MS);
		world_add_port(world, system, slot, &port);
		if (plug->link_up)
			world_link(world, system, slot, true);
		return;
	case 8:
		(void)world_marker(world, system, slot);
		return;
	default:
		random_weather();
		return;
	}
}

static void troubles(unsigned systems, unsigned links, unsigned keys)
{
	random_weather();
	for (unsigned i = 0; i < TROUBLES && !world->failure[0]; i++) {
		trouble(systems, links, keys);
		world_run(world, world_random(world, heads() ? 8000 : 100) * NSEC_PER_MS);
	}
	fair_weather();
}

static void all_up(unsigned systems, unsigned links)
{
	for (unsigned system = 0; system < systems; system++)
		for (unsigned slot = 0; slot < links; slot++)
			if (!world->systems[system].plugs[slot].link_up)
				world_link(world, system, slot, true);
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* How many links of a world of two systems and one key must carry. */
static unsigned expected_links(unsigned links)
{
	unsigned carry = links;

	for (unsigned i = 0; i < 2; i++) {
		const struct lacp_config *config = &world->systems[i].config;

		carry = least(carry, config->max_links);
	}
	for (unsigned i = 0; i < 2; i++) {
		const struct lacp_config *config = &world->systems[i].config;

		if (least(links, config->max_links) < least(config->min_links, config->max_links))
			return 0;
	}
	return carry;
}

/* Both ends of each wire think the same of it, or fallback makes one of them carry alone. */
static void check_agreement(uint64_t seed)
{
	for (unsigned i = 0; i < WORLD_SYSTEMS; i++)
		for (unsigned slot = 0; slot < LACP_PORTS_MAX; slot++) {
			const struct plug *plug = &world->systems[i].plugs[slot], *peer;

			if (!plug->wired || !plug->used)
				continue;
			peer = &world->systems[plug->peer_system].plugs[plug->peer_slot];
			ck_assert_msg(plug->distributing == peer->collecting &&
					      plug->collecting == peer->distributing,
				      "seed %lu: %c%u and its partner do not agree",
				      (unsigned long)seed, 'a' + (int)i, slot + 1);
		}
}

static void check_world(uint64_t seed)
{
	ck_assert_msg(!world->failure[0], "seed %lu: %s", (unsigned long)seed, world->failure);
}

START_TEST(after_any_trouble_a_lag_heals_and_both_ends_agree)
{
	for (uint64_t seed = 1 + (uint64_t)_i * 100; seed <= 100 + (uint64_t)_i * 100; seed++) {
		unsigned links;

		world_init(world, seed);
		links = 1 + world_random(world, LINKS_MAX);
		build(2, links, 1);
		for (unsigned slot = 0; slot < links; slot++)
			world_wire(world, 0, slot, 1, slot);
		troubles(2, links, 1);
		all_up(2, links);
		world_run(world, HEALING);
		check_world(seed);
		ck_assert_msg(lacp_distributing(world->systems[0].lacp) == expected_links(links),
			      "seed %lu: %u of %u links carry, not %u", (unsigned long)seed,
			      lacp_distributing(world->systems[0].lacp), links,
			      expected_links(links));
		check_agreement(seed);
		world_fini(world);
	}
	world_init(world, 0);
}
END_TEST

START_TEST(what_carries_is_not_disturbed_while_nothing_happens)
{
	for (uint64_t seed = 1 + (uint64_t)_i * 40; seed <= 40 + (uint64_t)_i * 40; seed++) {
		unsigned links;
		uint64_t stops = 0;

		world_init(world, seed);
		links = 1 + world_random(world, LINKS_MAX);
		build(2, links, 1);
		for (unsigned slot = 0; slot < links; slot++)
			world_wire(world, 0, slot, 1, slot);
		all_up(2, links);
		world_run(world, HEALING);
		for (unsigned slot = 0; slot < links; slot++)
			stops += world->systems[0].plugs[slot].n_stops;
		world_run(world, 1000 * NSEC_PER_SEC);
		check_world(seed);
		for (unsigned slot = 0; slot < links; slot++)
			stops -= world->systems[0].plugs[slot].n_stops;
		ck_assert_msg(stops == 0, "seed %lu: a link stopped", (unsigned long)seed);
		world_fini(world);
	}
	world_init(world, 0);
}
END_TEST

/* Cables anywhere: between three systems, and from a system to itself. */
static void wire_at_random(unsigned systems, unsigned links)
{
	for (unsigned i = 0; i < systems * links; i++) {
		unsigned system = world_random(world, systems), slot = world_random(world, links);
		unsigned peer = world_random(world, systems),
			 peer_slot = world_random(world, links);

		if (system == peer && slot == peer_slot)
			continue;
		world_wire(world, system, slot, peer, peer_slot);
	}
}

START_TEST(whatever_is_joined_to_whatever_both_ends_of_a_wire_agree)
{
	for (uint64_t seed = 1 + (uint64_t)_i * 60; seed <= 60 + (uint64_t)_i * 60; seed++) {
		unsigned links;

		world_init(world, seed);
		links = 1 + world_random(world, LINKS_MAX);
		build(3, links, 2);
		wire_at_random(3, links);
		/* A port that nobody answers may carry by fallback: that is no agreement. */
		for (unsigned i = 0; i < 3; i++)
			world->systems[i].config.fallback = LACP_FALLBACK_NONE;
		troubles(3, links, 2);
		for (unsigned i = 0; i < 3; i++) {
			struct lacp_config config = world->systems[i].config;

			config.fallback = LACP_FALLBACK_NONE;
			config.active = true;
			world_configure(world, i, &config);
		}
		all_up(3, links);
		world_run(world, 2 * HEALING);
		check_world(seed);
		check_agreement(seed);
		world_fini(world);
	}
	world_init(world, 0);
}
END_TEST

static void check_nothing_is_sent_in_vain(uint64_t seed, unsigned links)
{
	for (unsigned i = 0; i < 2; i++)
		for (unsigned slot = 0; slot < links; slot++)
			ck_assert_msg(!world->systems[i].plugs[slot].distributing ||
					      world->systems[1 - i].plugs[slot].collecting,
				      "seed %lu: %c%u sends what its partner does not collect",
				      (unsigned long)seed, 'a' + (int)i, slot + 1);
}

START_TEST(with_independent_control_nothing_is_sent_before_it_is_collected)
{
	for (uint64_t seed = 1; seed <= 60; seed++) {
		unsigned links;

		world_init(world, seed);
		links = 1 + world_random(world, LINKS_MAX);
		build(2, links, 1);
		for (unsigned i = 0; i < 2; i++) {
			struct lacp_config config = world->systems[i].config;

			/* Else a port that has just come up may have to go again. */
			config.min_links = 1;
			config.max_links = LACP_PORTS_MAX;
			config.independent = true;
			config.fallback = LACP_FALLBACK_NONE;
			world_configure(world, i, &config);
		}
		/* A frame that overtakes another would bring old news. */
		world->weather.delay_min = (1 + world_random(world, 300)) * NSEC_PER_MS;
		world->weather.delay_max = world->weather.delay_min;
		for (unsigned slot = 0; slot < links; slot++) {
			world_wire(world, 0, slot, 1, slot);
			world_link(world, 0, slot, true);
		}
		for (unsigned i = 0; i < 500; i++) {
			world_run(world, 10 * NSEC_PER_MS);
			check_nothing_is_sent_in_vain(seed, links);
		}
		check_world(seed);
		world_fini(world);
	}
	world_init(world, 0);
}
END_TEST

START_TEST(a_restart_within_the_timeouts_stops_no_link)
{
	for (uint64_t seed = 1; seed <= 100; seed++) {
		unsigned links, before;

		world_init(world, seed);
		links = 1 + world_random(world, LINKS_MAX);
		build(2, links, 1);
		for (unsigned slot = 0; slot < links; slot++)
			world_wire(world, 0, slot, 1, slot);
		all_up(2, links);
		world_run(world, HEALING + world_random(world, 1000) * NSEC_PER_MS);
		before = lacp_distributing(world->systems[0].lacp);
		for (unsigned i = 0; i < 2; i++)
			for (unsigned slot = 0; slot < links; slot++)
				world->systems[i].plugs[slot].n_stops = 0;
		world_kill(world, 0);
		world_run(world, world_random(world, 1900) * NSEC_PER_MS);
		world_restart(world, 0);
		world_run(world, 100 * NSEC_PER_SEC);
		check_world(seed);
		ck_assert_uint_eq(lacp_distributing(world->systems[0].lacp), before);
		for (unsigned i = 0; i < 2; i++)
			for (unsigned slot = 0; slot < links; slot++)
				ck_assert_msg(world->systems[i].plugs[slot].n_stops == 0,
					      "seed %lu: %c%u stopped", (unsigned long)seed,
					      'a' + (int)i, slot + 1);
		world_fini(world);
	}
	world_init(world, 0);
}
END_TEST

/* A partner that says anything at all, a thousand times a second, on one of four ports. */
START_TEST(a_partner_that_floods_one_port_does_not_disturb_the_others)
{
	struct puppet *puppet;

	for (uint64_t seed = 1; seed <= 4; seed++) {
		world_init(world, seed);
		build(2, 4, 1);
		for (unsigned i = 0; i < 2; i++) {
			struct lacp_config config = world->systems[i].config;

			config.min_links = 1;
			config.max_links = LACP_PORTS_MAX;
			config.fallback = LACP_FALLBACK_NONE;
			world_configure(world, i, &config);
		}
		for (unsigned slot = 0; slot < 3; slot++) {
			world_wire(world, 0, slot, 1, slot);
			world_link(world, 0, slot, true);
		}
		world_run(world, HEALING);
		world_link(world, 0, 3, true);
		for (unsigned slot = 0; slot < 3; slot++)
			world->systems[0].plugs[slot].n_stops = 0;
		world->systems[0].plugs[3].n_notes = 0;
		puppet = &world->systems[0].plugs[3].puppet;
		for (unsigned i = 0; i < 10000; i++) {
			puppet->sees_us = heads();
			puppet->actor = (struct lacp_info){
				.system_priority = (uint16_t)world_random(world, 2),
				.system = { { 2, 0, 0, 0, 0, (uint8_t)world_random(world, 4) } },
				.key = (uint16_t)world_random(world, 3),
				.port = (uint16_t)(1 + world_random(world, 200)),
				.state = (uint8_t)world_random(world, 256),
			};
			world_speak(world, 0, 3);
			world_run(world, NSEC_PER_MS);
		}
		check_world(seed);
		for (unsigned slot = 0; slot < 3; slot++)
			ck_assert_uint_eq(world->systems[0].plugs[slot].n_stops, 0);
		ck_assert_uint_lt(world->systems[0].plugs[3].n_notes, 60);
		world_fini(world);
	}
	world_init(world, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("worlds");
	TCase *tcase = tcase_create("worlds");

	tcase_add_checked_fixture(tcase, start, finish);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, after_any_trouble_a_lag_heals_and_both_ends_agree, 0, LOOPS);
	tcase_add_loop_test(tcase, what_carries_is_not_disturbed_while_nothing_happens, 0, 2);
	tcase_add_loop_test(tcase, whatever_is_joined_to_whatever_both_ends_of_a_wire_agree, 0,
			    LOOPS);
	tcase_add_test(tcase, with_independent_control_nothing_is_sent_before_it_is_collected);
	tcase_add_test(tcase, a_restart_within_the_timeouts_stops_no_link);
	tcase_add_test(tcase, a_partner_that_floods_one_port_does_not_disturb_the_others);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
