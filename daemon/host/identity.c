#include "daemon/host/identity.h"

#include "lib/base/array.h"
#include "lib/base/cleanup.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define SPEED_BITS 5
#define TEAMS_MAX (UINT16_MAX >> SPEED_BITS)

struct identity {
	uint8_t seed[IDENTITY_SEED_SIZE];
	json_t *ports; /* name → number */
	json_t *teams; /* name → index */
	bool changed;
};

/* FNV-1a with a final mix: the addresses need to differ from each other, not to be secret. */
static uint64_t hash_text(const struct identity *identity, const char *kind, const char *name)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < IDENTITY_SEED_SIZE; i++)
		hash = (hash ^ identity->seed[i]) * 0x100000001b3;
	for (const char *c = kind; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 0x100000001b3;
	for (const char *c = name; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 0x100000001b3;
	hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccd;
	return hash ^ hash >> 33;
}

static struct mac derive_mac(const struct identity *identity, const char *kind, const char *name)
{
	uint64_t hash = hash_text(identity, kind, name);
	struct mac mac;

	for (int i = 0; i < MAC_SIZE; i++)
		mac.bytes[i] = (uint8_t)(hash >> 8 * i);
	mac.bytes[0] = (uint8_t)((mac.bytes[0] & 0xfc) | 0x02);
	return mac;
}

static bool parse_seed(const json_t *value, uint8_t seed[static IDENTITY_SEED_SIZE])
{
	const char *text = json_string_value(value);

	if (!text || strlen(text) != 2 * (size_t)IDENTITY_SEED_SIZE)
		return false;
	for (int i = 0; i < IDENTITY_SEED_SIZE; i++)
		if (sscanf(text + 2 * i, "%2hhx", &seed[i]) != 1)
			return false;
	return true;
}

/* Whether 'table' gives each name a number of its own, from 1 to 'max'. */
static bool table_is_sound(json_t *table, json_int_t max)
{
	cleanup(freep) bool *seen = calloc((size_t)max + 1, sizeof(*seen));
	const char *name;
	json_t *value;

	if (!json_is_object(table) || !seen)
		return false;
	json_object_foreach (table, name, value) {
		json_int_t n = json_integer_value(value);

		if (!json_is_integer(value) || n < 1 || n > max || seen[n])
			return false;
		seen[n] = true;
	}
	return true;
}

static int parse(struct identity *identity, const char *text, struct err *e)
{
	json_error_t where;
	json_t *root = json_loads(text, 0, &where);
	json_t *ports = json_object_get(root, "ports"), *teams = json_object_get(root, "teams");
	int r = 0;

	if (!root)
		r = err_set(e, -EBADMSG, "line %d: %s", where.line, where.text);
	else if (!parse_seed(json_object_get(root, "seed"), identity->seed) ||
		 !table_is_sound(ports, UINT16_MAX) || !table_is_sound(teams, TEAMS_MAX))
		r = err_set(e, -EBADMSG, "it is not as Yoke writes it");
	if (r == 0) {
		identity->ports = json_incref(ports);
		identity->teams = json_incref(teams);
	}
	json_decref(root);
	return r;
}

DEFINE_CLEANUP(struct identity, identity_free)

int identity_new(const char *text, const uint8_t seed[static IDENTITY_SEED_SIZE],
		 struct identity **ret, struct err *e)
{
	cleanup(identity_freep) struct identity *identity = calloc(1, sizeof(*identity));
	int r;

	if (!identity)
		return err_set(e, -ENOMEM, "out of memory");
	if (text) {
		r = parse(identity, text, e);
		if (r < 0)
			return r;
	} else {
		memcpy(identity->seed, seed, IDENTITY_SEED_SIZE);
		identity->ports = json_object();
		identity->teams = json_object();
		identity->changed = true;
		if (!identity->ports || !identity->teams)
			return err_set(e, -ENOMEM, "out of memory");
	}
	*ret = steal_ptr(identity);
	return 0;
}

void identity_free(struct identity *identity)
{
	if (!identity)
		return;
	json_decref(identity->ports);
	json_decref(identity->teams);
	free(identity);
}

struct mac identity_system(const struct identity *identity)
{
	return derive_mac(identity, "system", "");
}

struct mac identity_team_mac(const struct identity *identity, const char *team)
{
	return derive_mac(identity, "team", team);
}

static bool number_is_given(json_t *table, json_int_t n)
{
	const char *name;
	json_t *value;

	json_object_foreach (table, name, value)
		if (json_integer_value(value) == n)
			return true;
	return false;
}

uint16_t identity_port(struct identity *identity, const char *port)
{
	json_int_t n = json_integer_value(json_object_get(identity->ports, port));

	if (n)
		return (uint16_t)n;
	for (n = 1; number_is_given(identity->ports, n); n++)
		if (n == UINT16_MAX)
			return 0;
	if (json_object_set_new(identity->ports, port, json_integer(n)) < 0)
		return 0;
	identity->changed = true;
	return (uint16_t)n;
}

/* Five bits, apart for all speeds that Ethernet has; what lies between counts as the lower one. */
static unsigned speed_code(uint32_t speed_mbps)
{
	static const uint32_t speeds[] = { 1,     10,     100,    1000,   2500,   5000,
					   10000, 14000,  20000,  25000,  40000,  50000,
					   56000, 100000, 200000, 400000, 800000, 1600000 };
	unsigned code = 0;

	while (code < ARRAY_SIZE(speeds) && speed_mbps >= speeds[code])
		code++;
	return code;
}

static bool range_is_taken(json_int_t team, const uint16_t *taken, unsigned n_taken)
{
	for (unsigned i = 0; i < n_taken; i++)
		if (taken[i] >> SPEED_BITS == team)
			return true;
	return false;
}

uint16_t identity_key(struct identity *identity, const char *team, uint32_t speed_mbps,
		      const uint16_t *taken, unsigned n_taken)
{
	json_int_t n = json_integer_value(json_object_get(identity->teams, team));

	if (!n || range_is_taken(n, taken, n_taken)) {
		n = 1;
		while (number_is_given(identity->teams, n) || range_is_taken(n, taken, n_taken))
			if (n++ == TEAMS_MAX)
				return 0;
		if (json_object_set_new(identity->teams, team, json_integer(n)) < 0)
			return 0;
		identity->changed = true;
	}
	return (uint16_t)((unsigned)n << SPEED_BITS | speed_code(speed_mbps));
}

bool identity_changed(const struct identity *identity)
{
	return identity->changed;
}

char *identity_text(struct identity *identity)
{
	char seed[2 * IDENTITY_SEED_SIZE + 1];
	json_t *root;
	char *text;

	for (int i = 0; i < IDENTITY_SEED_SIZE; i++)
		(void)snprintf(seed + 2 * i, 3, "%02x", identity->seed[i]);
	root = json_pack("{s:s, s:O, s:O}", "seed", seed, "ports", identity->ports, "teams",
			 identity->teams);
	text = json_dumps(root, JSON_INDENT(2) | JSON_SORT_KEYS);
	json_decref(root);
	if (text)
		identity->changed = false;
	return text;
}
