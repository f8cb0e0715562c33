/* The Transmit machine, IEEE 802.1AX-2014 6.4.16.
 *
 * When NTT is set, a LACPDU goes out as soon as fewer than three went in the last
 * Fast_Periodic_Time: a window that slides, so that no interval of a second, wherever it begins,
 * holds a fourth. Until then NTT stays set, and no more is remembered: the LACPDU has the values of
 * the moment it leaves. The machine runs after all others have come to rest, so that one input
 * makes one LACPDU, which tells of its end and not of its course.
 *
 * While Periodic is in NO_PERIODIC nothing is sent and NTT is dropped; EXPIRED sets it again when
 * the link comes up. A LACPDU that says farewell passes the limit: there is none to follow it. */
#include "daemon/core/lacp/port.h"

#define COLLECTOR_MAX_DELAY 0 /* Nothing is held back between receiving and passing up. */

void transmit_machine_run(struct lacp_port *port)
{
	nsec_t now = port->lacp->now;

	if (port->periodic == LACP_PERIODIC_NO_PERIODIC)
		port->ntt = false;
	if (!port->ntt || now < transmit_deadline(port))
		return;
	port->ntt = false;
	port->outbox.lacpdu = true;
	window_add(&port->transmitted, now);
	port->last_tx = now;
	port->counters.lacpdu_tx++;
}

nsec_t transmit_deadline(const struct lacp_port *port)
{
	if (!port->ntt)
		return NSEC_NEVER;
	return window_opens(&port->transmitted, LACP_TRANSMIT_LIMIT, FAST_PERIODIC_TIME);
}

void transmit_encode(const struct lacp_port *port, uint8_t payload[static LACP_PDU_SIZE])
{
	const struct lacpdu pdu = {
		.actor = port->actor,
		.partner = port->partner,
		.collector_max_delay = COLLECTOR_MAX_DELAY,
	};

	lacpdu_encode(&pdu, payload);
}

/* Aggregation stays: without it some switches take the port for an Individual link and give it
 * traffic, which is the opposite of what is meant. */
void transmit_encode_leave(const struct lacp_port *port, uint8_t payload[static LACP_PDU_SIZE])
{
	struct lacpdu pdu = { .actor = port->actor, .partner = port->partner };

	pdu.actor.state &= (uint8_t) ~(LACP_STATE_SYNCHRONIZATION | LACP_STATE_COLLECTING |
				       LACP_STATE_DISTRIBUTING);
	lacpdu_encode(&pdu, payload);
}
