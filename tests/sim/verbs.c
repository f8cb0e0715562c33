/* The verbs of a scenario that make something happen. */
#include "tests/sim/run.h"

#include <stdio.h>
#include <string.h>

static void set_config(struct run *run, struct lacp_config *config, const struct word *word)
{
	const char *key = word->key, *value = word->value;

	if (strcmp(key, "priority") == 0)
		config->system_priority = (uint16_t)number(run, value, 10);
	else if (strcmp(key, "id") == 0)
		config->system = address(run, value);
	else if (strcmp(key, "active") == 0)
		config->active = yes(run, value);
	else if (strcmp(key, "rate") == 0)
		config->fast = strcmp(value, "fast") == 0;
	else if (strcmp(key, "control") == 0)
		config->independent = strcmp(value, "independent") == 0;
	else if (strcmp(key, "min") == 0)
		config->min_links = (unsigned)number(run, value, 10);
	else if (strcmp(key, "max") == 0)
		config->max_links = (unsigned)number(run, value, 10);
	else if (strcmp(key, "select") == 0)
		config->select = value[0] == 'b'   ? LACP_SELECT_BANDWIDTH
				 : value[0] == 'c' ? LACP_SELECT_COUNT
						   : LACP_SELECT_STABLE;
	else if (strcmp(key, "fallback") == 0)
		config->fallback = value[0] == 'n'   ? LACP_FALLBACK_NONE
				   : value[0] == 'o' ? LACP_FALLBACK_ONE
						     : LACP_FALLBACK_ALL;
	else if (strcmp(key, "delay") == 0)
		config->fallback_delay = duration(run, value);
	else
		complain(run, "a system has no such key", key);
}

void do_system(struct run *run, const struct word *words, unsigned n)
{
	struct place at = place(run, words[0].key);
	struct lacp_config config = {
		.system_priority = 32768,
		.system = { { 0x02, 0, 0, 0, 0, (uint8_t)(0x0a + at.system) } },
		.active = true,
		.fast = true,
		.min_links = 1,
		.max_links = LACP_PORTS_MAX,
		.fallback_delay = 90 * NSEC_PER_SEC,
	};
	struct system *system = &run->world.systems[at.system];

	if (system->used)
		config = system->config;
	for (unsigned i = 1; i < n; i++)
		set_config(run, &config, &words[i]);
	if (system->used)
		world_configure(&run->world, at.system, &config);
	else
		world_add_system(&run->world, at.system, &config);
}

static void set_port(struct run *run, struct lacp_port_config *config, const struct word *word)
{
	if (strcmp(word->key, "key") == 0)
		config->key = (uint16_t)number(run, word->value, 10);
	else if (strcmp(word->key, "priority") == 0)
		config->priority = (uint16_t)number(run, word->value, 10);
	else if (strcmp(word->key, "speed") == 0)
		config->speed_mbps = (uint32_t)number(run, word->value, 10);
	else if (strcmp(word->key, "number") == 0)
		config->number = (uint16_t)number(run, word->value, 10);
	else
		complain(run, "a port has no such key", word->key);
}

/* Its partner, if none is wired: another system, with ports of the same numbers. */
static void prepare_puppet(struct puppet *puppet, const struct lacp_port_config *config)
{
	*puppet = (struct puppet){
		.actor = { .system_priority = 32768,
			   .system = { { 0x02, 0, 0, 0, 0, 0x50 } },
			   .key = 11,
			   .port_priority = 128,
			   .port = config->number,
			   .state = 0x07 },
		.sees_us = true,
		.next = NSEC_NEVER,
	};
}

void do_port(struct run *run, const struct word *words, unsigned n)
{
	struct place at = place(run, words[0].key);
	struct plug *plug = plug_at(run, at);
	struct lacp_port_config config = {
		.number = (uint16_t)(at.slot + 1),
		.key = 1,
		.priority = 255,
		.speed_mbps = 10000,
	};
	bool exists = plug->used;

	(void)snprintf(config.name, sizeof(config.name), "eno%u", at.slot + 1);
	if (exists)
		config = plug->config;
	for (unsigned i = 1; i < n; i++)
		set_port(run, &config, &words[i]);
	if (exists) {
		world_configure_port(&run->world, at.system, at.slot, &config);
		return;
	}
	prepare_puppet(&plug->puppet, &config);
	world_add_port(&run->world, at.system, at.slot, &config);
}

void do_remove(struct run *run, const struct word *words, unsigned n)
{
	struct place at = place(run, words[0].key);

	world_remove_port(&run->world, at.system, at.slot);
}

static void link_all(struct run *run, const struct word *words, unsigned n, bool up)
{
	for (unsigned i = 0; i < n; i++) {
		struct place at = place(run, words[i].key);

		world_link(&run->world, at.system, at.slot, up);
	}
}

void do_up(struct run *run, const struct word *words, unsigned n)
{
	link_all(run, words, n, true);
}

void do_down(struct run *run, const struct word *words, unsigned n)
{
	link_all(run, words, n, false);
}

void do_duplex(struct run *run, const struct word *words, unsigned n)
{
	struct place at = place(run, words[0].key);

	plug_at(run, at)->half_duplex = n > 1 && strcmp(words[1].key, "half") == 0;
	if (plug_at(run, at)->link_up)
		world_link(&run->world, at.system, at.slot, true);
}

void do_wire(struct run *run, const struct word *words, unsigned n)
{
	for (unsigned i = 0; i + 1 < n; i += 2) {
		struct place a = place(run, words[i].key), b = place(run, words[i + 1].key);

		world_wire(&run->world, a.system, a.slot, b.system, b.slot);
		world_link(&run->world, a.system, a.slot, true);
	}
}

void do_deaf(struct run *run, const struct word *words, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		plug_at(run, place(run, words[i].key))->deaf = true;
}

void do_hear(struct run *run, const struct word *words, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		plug_at(run, place(run, words[i].key))->deaf = false;
}

static bool set_information(struct run *run, struct lacp_info *info, const char *key,
			    const char *value)
{
	if (strcmp(key, "sysprio") == 0)
		info->system_priority = (uint16_t)number(run, value, 10);
	else if (strcmp(key, "system") == 0)
		info->system = address(run, value);
	else if (strcmp(key, "key") == 0)
		info->key = (uint16_t)number(run, value, 10);
	else if (strcmp(key, "priority") == 0)
		info->port_priority = (uint16_t)number(run, value, 10);
	else if (strcmp(key, "port") == 0)
		info->port = (uint16_t)number(run, value, 10);
	else if (strcmp(key, "state") == 0)
		info->state = (uint8_t)number(run, value, 16);
	else
		return false;
	return true;
}

/* What the puppet has learned of the port so far, with the one thing it has wrong. */
static void misunderstand(struct run *run, struct place at, const char *key, const char *value)
{
	struct puppet *puppet = &plug_at(run, at)->puppet;
	struct lacp_port_view view;

	if (puppet->sees_us) {
		world_view(&run->world, at.system, at.slot, &view);
		puppet->partner = view.actor;
	}
	puppet->sees_us = false;
	if (!set_information(run, &puppet->partner, key, value))
		complain(run, "a partner has no such key", key);
}

static void set_puppet(struct run *run, struct place at, const struct word *word)
{
	struct puppet *puppet = &plug_at(run, at)->puppet;

	if (strcmp(word->key, "every") == 0) {
		puppet->interval = duration(run, word->value);
		puppet->speaks = puppet->interval > 0;
	} else if (strcmp(word->key, "sees") == 0) {
		puppet->sees_us = strcmp(word->value, "us") == 0;
		puppet->partner = (struct lacp_info){ .port = 0 };
	} else if (strncmp(word->key, "us.", 3) == 0) {
		misunderstand(run, at, word->key + 3, word->value);
	} else if (!set_information(run, &puppet->actor, word->key, word->value)) {
		complain(run, "a partner has no such key", word->key);
	}
}

void do_peer(struct run *run, const struct word *words, unsigned n)
{
	struct place at = place(run, words[0].key);

	for (unsigned i = 1; i < n; i++)
		set_puppet(run, at, &words[i]);
	world_speak(&run->world, at.system, at.slot);
}

/* The puppet's LACPDU with some octets changed ("1=f1"), or of another size. */
void do_raw(struct run *run, const struct word *words, unsigned n)
{
	struct place at = place(run, words[0].key);
	const struct puppet *puppet = &plug_at(run, at)->puppet;
	uint8_t payload[512] = {};
	size_t size = LACP_PDU_SIZE;

	lacpdu_encode(&(struct lacpdu){ .actor = puppet->actor, .partner = puppet->partner },
		      payload);
	for (unsigned i = 1; i < n; i++)
		if (strcmp(words[i].key, "size") == 0)
			size = number(run, words[i].value, 10) % sizeof(payload);
		else
			payload[number(run, words[i].key, 10) % sizeof(payload)] =
				(uint8_t)number(run, words[i].value, 16);
	world_deliver(&run->world, at.system, at.slot, payload, size);
}

/* The last LACPDU of one port arrives at another. */
void do_echo(struct run *run, const struct word *words, unsigned n)
{
	struct place from = place(run, words[0].key), to = place(run, words[n - 1].key);
	uint8_t payload[LACP_PDU_SIZE];

	lacpdu_encode(&plug_at(run, from)->last_sent, payload);
	world_deliver(&run->world, to.system, to.slot, payload, sizeof(payload));
}

void do_marker(struct run *run, const struct word *words, unsigned n)
{
	struct place at = place(run, words[0].key);
	struct marker marker = { .type = MARKER_INFORMATION,
				 .length = MARKER_LENGTH,
				 .requester_port = 7,
				 .requester_system = { { 0x02, 0, 0, 0, 0, 0x50 } },
				 .transaction = 42 };
	unsigned long times = 1;
	uint8_t payload[LACP_PDU_SIZE];

	for (unsigned i = 1; i < n; i++)
		if (strcmp(words[i].key, "times") == 0)
			times = number(run, words[i].value, 10);
		else
			marker.requester_system = address(run, words[i].key);
	marker_encode(&marker, payload);
	while (times-- > 0)
		world_deliver(&run->world, at.system, at.slot, payload, sizeof(payload));
}

/* The port sends a Marker. */
void do_ask(struct run *run, const struct word *words, unsigned n)
{
	struct place at = place(run, words[0].key);
	bool refused = world_marker(&run->world, at.system, at.slot) == 0;

	if (refused != (n > 1 && strcmp(words[1].key, "refused") == 0))
		complain(run, "the Marker was", refused ? "refused" : "sent");
}

void do_run(struct run *run, const struct word *words, unsigned n)
{
	world_run(&run->world, duration(run, words[0].key));
}

/* The daemon is late: time passes and nothing is called. */
void do_sleep(struct run *run, const struct word *words, unsigned n)
{
	run->world.now += duration(run, words[0].key);
}

void do_kill(struct run *run, const struct word *words, unsigned n)
{
	world_kill(&run->world, place(run, words[0].key).system);
}

void do_restart(struct run *run, const struct word *words, unsigned n)
{
	world_restart(&run->world, place(run, words[0].key).system);
}

void do_weather(struct run *run, const struct word *words, unsigned n)
{
	struct weather *weather = &run->world.weather;

	for (unsigned i = 0; i < n; i++)
		if (strcmp(words[i].key, "loss") == 0)
			weather->loss = (unsigned)number(run, words[i].value, 10);
		else if (strcmp(words[i].key, "duplicates") == 0)
			weather->duplicates = (unsigned)number(run, words[i].value, 10);
		else if (strcmp(words[i].key, "delay") == 0)
			weather->delay_max = duration(run, words[i].value);
		else
			complain(run, "no such weather", words[i].key);
}
