/* Reads the words of a scenario's line. */
#include "tests/sim/run.h"

#include "lib/base/array.h"

#include <stdlib.h>
#include <string.h>

void complain(struct run *run, const char *what, const char *about)
{
	world_fail(&run->world, "line %u: %s: %s", run->line, what, about);
}

unsigned long number(struct run *run, const char *text, int base)
{
	char *end;
	unsigned long value = text ? strtoul(text, &end, base) : 0;

	if (!text || end == text || *end)
		complain(run, "no number", text ? text : "nothing");
	return value;
}

bool yes(struct run *run, const char *text)
{
	if (text && strcmp(text, "yes") == 0)
		return true;
	if (!text || strcmp(text, "no") != 0)
		complain(run, "neither yes nor no", text ? text : "nothing");
	return false;
}

/* "3s", "1500ms", "100us" */
nsec_t duration(struct run *run, const char *text)
{
	static const struct {
		const char *unit;
		nsec_t length;
	} units[] = { { "s", NSEC_PER_SEC }, { "ms", NSEC_PER_MS }, { "us", NSEC_PER_US } };
	char *end;
	nsec_t value = strtoul(text, &end, 10);

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (strcmp(end, units[i].unit) == 0)
			return value * units[i].length;
	complain(run, "no time", text);
	return 0;
}

/* A whole address, or the last octet of ours in hexadecimal. */
struct mac address(struct run *run, const char *text)
{
	struct mac mac = { { 0x02, 0, 0, 0, 0, 0 } };

	if (!mac_from_text(text, &mac))
		mac.bytes[5] = (uint8_t)number(run, text, 16);
	return mac;
}

struct place place(struct run *run, const char *text)
{
	struct place place = { .slot = 0 };

	if (!text || text[0] < 'a' || text[0] >= 'a' + WORLD_SYSTEMS) {
		complain(run, "no such system", text ? text : "nothing");
		return place;
	}
	place.system = (unsigned)(text[0] - 'a');
	if (text[1])
		place.slot = (unsigned)number(run, text + 1, 10) - 1;
	if (place.slot >= LACP_PORTS_MAX) {
		complain(run, "no such port", text);
		place.slot = 0;
	}
	return place;
}

struct plug *plug_at(struct run *run, struct place at)
{
	return &run->world.systems[at.system].plugs[at.slot];
}
