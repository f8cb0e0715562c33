/* Fuzzes the LACP engine through all its inputs: each octet chooses one, the following are its
 * arguments. What must hold after any of them is asserted. */
#include "daemon/core/lacp/lacp.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PORTS 4

struct fuzz {
	struct lacp *lacp;
	nsec_t now;
	const uint8_t *data;
	size_t left;
	struct lacp_config config;
	bool distributing[PORTS];
};

static uint8_t next(struct fuzz *fuzz)
{
	if (!fuzz->left)
		return 0;
	fuzz->left--;
	return *fuzz->data++;
}

static struct lacp_port_config port_config(struct fuzz *fuzz, unsigned slot)
{
	uint8_t choice = next(fuzz);

	return (struct lacp_port_config){ .number = (uint16_t)(slot + 1),
					  .key = (uint16_t)(1 + (choice & 1)),
					  .priority = choice >> 1 & 3,
					  .speed_mbps = (uint32_t)(choice >> 3) * 1000,
					  .name = "eno1" };
}

static void configure(struct fuzz *fuzz)
{
	uint8_t a = next(fuzz), b = next(fuzz);

	fuzz->config = (struct lacp_config){
		.system_priority = a & 1,
		.system = { { 2, 0, 0, 0, 0, a >> 1 & 1 } },
		.active = a >> 2 & 1,
		.fast = a >> 3 & 1,
		.independent = a >> 4 & 1,
		.select = (a >> 5) % 3,
		.min_links = 1 + (b & 3),
		.max_links = 1 + (b >> 2 & 3),
		.fallback = (b >> 4 & 3) % 3,
		.fallback_delay = (b >> 6) * 5 * NSEC_PER_SEC,
	};
}

static bool exists(const struct fuzz *fuzz, unsigned slot)
{
	return lacp_port_exists(fuzz->lacp, slot);
}

static void add_or_remove(struct fuzz *fuzz, unsigned slot)
{
	struct lacp_port_config config = port_config(fuzz, slot);

	if (exists(fuzz, slot))
		lacp_port_remove(fuzz->lacp, slot, fuzz->now);
	else
		lacp_port_add(fuzz->lacp, slot, &config, fuzz->now);
}

static void receive(struct fuzz *fuzz, unsigned slot, size_t size)
{
	static const struct mac source = { { 2, 0, 0, 0, 0, 9 } };

	size = size < fuzz->left ? size : fuzz->left;
	lacp_receive(fuzz->lacp, slot, &source, (struct span){ fuzz->data, size }, fuzz->now);
	fuzz->data += size;
	fuzz->left -= size;
}

/* A LACPDU of which only what matters comes from the input. */
static void receive_lacpdu(struct fuzz *fuzz, unsigned slot)
{
	uint8_t payload[LACP_PDU_SIZE] = { [0] = 1, [1] = 1, [3] = 20, [23] = 20, [43] = 16 };
	static const struct mac source = { { 2, 0, 0, 0, 0, 9 } };
	struct lacp_port_view view;

	lacp_port_view(fuzz->lacp, slot, fuzz->now, &view);
	payload[5] = next(fuzz) & 1;  /* System priority. */
	payload[11] = next(fuzz) & 3; /* System. */
	payload[6] = 2;
	payload[13] = next(fuzz) & 1;       /* Key. */
	payload[15] = next(fuzz) & 3;       /* Port priority. */
	payload[17] = 1 + (next(fuzz) & 3); /* Port. */
	payload[18] = next(fuzz);
	payload[25] = (uint8_t)view.actor.system_priority;
	memcpy(payload + 26, view.actor.system.bytes, MAC_SIZE);
	payload[33] = (uint8_t)view.actor.key;
	payload[35] = (uint8_t)view.actor.port_priority;
	payload[37] = (uint8_t)(slot + 1);
	payload[38] = next(fuzz);
	lacp_receive(fuzz->lacp, slot, &source, (struct span){ payload, sizeof(payload) },
		     fuzz->now);
}

static void link(struct fuzz *fuzz, unsigned slot)
{
	uint8_t state = next(fuzz);

	lacp_port_link(fuzz->lacp, slot, state & 1, !(state & 2), fuzz->now);
}

/* Removes the port and takes it up again from its session, with an octet of it changed. */
static void resume(struct fuzz *fuzz, unsigned slot)
{
	struct lacp_port_config config = port_config(fuzz, slot);
	struct lacp_session session;
	struct lacp_port_view view;
	const char *why;
	uint8_t at = next(fuzz);

	lacp_port_view(fuzz->lacp, slot, fuzz->now, &view);
	lacp_port_session(fuzz->lacp, slot, &session);
	lacp_port_remove(fuzz->lacp, slot, fuzz->now);
	if (at)
		((uint8_t *)&session)[at % sizeof(session)] = next(fuzz);
	(void)lacp_port_resume(fuzz->lacp, slot, at & 1 ? &config : &view.config, &session,
			       fuzz->now, &why);
}

static void input(struct fuzz *fuzz)
{
	uint8_t choice = next(fuzz);
	unsigned slot = choice & (PORTS - 1);
	struct lacp_port_config config;

	if ((choice >> 2) % 12 == 0) {
		configure(fuzz);
		lacp_configure(fuzz->lacp, &fuzz->config, fuzz->now);
		return;
	}
	if ((choice >> 2) % 12 == 1 || !exists(fuzz, slot)) {
		add_or_remove(fuzz, slot);
		return;
	}
	switch ((choice >> 2) % 12) {
	case 2:
		link(fuzz, slot);
		return;
	case 3:
		receive(fuzz, slot, LACP_PDU_SIZE);
		return;
	case 4:
		receive(fuzz, slot, next(fuzz));
		return;
	case 5:
		config = port_config(fuzz, slot);
		lacp_port_configure(fuzz->lacp, slot, &config, fuzz->now);
		return;
	case 6:
		(void)lacp_marker_send(fuzz->lacp, slot, fuzz->now);
		return;
	case 7:
		resume(fuzz, slot);
		return;
	default:
		receive_lacpdu(fuzz, slot);
		return;
	}
}

static void drain(struct fuzz *fuzz)
{
	struct lacp_action action;
	unsigned n = 0;

	while (lacp_next_action(fuzz->lacp, &action)) {
		assert(++n < 2000);
		assert(action.slot < PORTS);
		if (action.type == LACP_ACTION_PORT)
			fuzz->distributing[action.slot] = action.distributing;
		if (action.type == LACP_ACTION_REMOVED)
			fuzz->distributing[action.slot] = false;
		/* Whatever tells of Distributing comes after it was told. */
		if (action.type == LACP_ACTION_SEND && action.payload[0] == 1)
			assert(!(action.payload[18] & LACP_STATE_DISTRIBUTING) ==
			       !fuzz->distributing[action.slot]);
	}
}

static void look(const struct fuzz *fuzz)
{
	for (unsigned slot = 0; slot < PORTS; slot++) {
		struct lacp_port_view view;

		if (!exists(fuzz, slot))
			continue;
		lacp_port_view(fuzz->lacp, slot, fuzz->now, &view);
		assert(view.distributing == (view.reason == LACP_REASON_OK));
		assert(view.distributing == (view.explanation[0] == '\0'));
		assert(!view.distributing || view.link_up);
		assert(!view.distributing || view.selected == LACP_SELECTED);
		assert(memchr(view.explanation, '\0', sizeof(view.explanation)));
	}
}

/* As the main loop does: to the next deadline, or a little further. */
static void pass_time(struct fuzz *fuzz)
{
	uint8_t choice = next(fuzz);
	nsec_t deadline = lacp_deadline(fuzz->lacp);

	if (choice & 1 && deadline != NSEC_NEVER)
		fuzz->now = deadline > fuzz->now ? deadline : fuzz->now;
	else
		fuzz->now += (nsec_t)(choice >> 1) * 100 * NSEC_PER_MS;
	lacp_tick(fuzz->lacp, fuzz->now);
	assert(lacp_deadline(fuzz->lacp) > fuzz->now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz fuzz = { .now = NSEC_PER_SEC, .data = data, .left = size };

	configure(&fuzz);
	fuzz.lacp = lacp_new(&fuzz.config, fuzz.now);
	if (!fuzz.lacp)
		return 0;
	while (fuzz.left) {
		input(&fuzz);
		drain(&fuzz);
		look(&fuzz);
		pass_time(&fuzz);
		drain(&fuzz);
		look(&fuzz);
	}
	lacp_free(fuzz.lacp);
	return 0;
}
