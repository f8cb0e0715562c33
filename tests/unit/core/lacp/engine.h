/* One engine with a port or more, and a partner that says what the test wants; for tests of what a
 * caller sees. */
#pragma once

#include "daemon/core/lacp/lacp.h"
#include "daemon/core/lacp/pdu.h"

#include <check.h>
#include <string.h>

static const struct lacp_config engine_config = {
	.system_priority = 100,
	.system = { { 2, 0, 0, 0, 0, 0x0a } },
	.active = true,
	.fast = true,
	.min_links = 1,
	.max_links = LACP_PORTS_MAX,
};

static const struct lacp_port_config engine_port = {
	.number = 1,
	.key = 7,
	.priority = 255,
	.speed_mbps = 10000,
	.name = "eno1",
};

static const struct lacp_info engine_partner = {
	.system_priority = 200,
	.system = { { 2, 0, 0, 0, 0, 0x50 } },
	.key = 11,
	.port_priority = 128,
	.port = 5,
	.state = 0x3f,
};

static const struct mac engine_source = { { 2, 0, 0, 0, 0, 0x51 } };

/* The partner's LACPDU, with a right picture of the port. */
static inline void engine_hear(struct lacp *lacp, unsigned slot, const struct lacp_info *partner,
			       nsec_t now)
{
	uint8_t payload[LACP_PDU_SIZE];
	struct lacp_port_view view;

	lacp_port_view(lacp, slot, now, &view);
	lacpdu_encode(&(struct lacpdu){ .actor = *partner, .partner = view.actor }, payload);
	lacp_receive(lacp, slot, &engine_source, (struct span){ payload, sizeof(payload) }, now);
}

/* With one port in slot 0, which distributes; the queue drained. */
static inline struct lacp *engine_carrying(nsec_t now)
{
	struct lacp *lacp = lacp_new(&engine_config, now);
	struct lacp_action action;

	ck_assert_ptr_nonnull(lacp);
	lacp_port_add(lacp, 0, &engine_port, now);
	lacp_port_link(lacp, 0, true, true, now);
	engine_hear(lacp, 0, &engine_partner, now);
	ck_assert_uint_eq(lacp_distributing(lacp), 1);
	while (lacp_next_action(lacp, &action))
		;
	return lacp;
}
