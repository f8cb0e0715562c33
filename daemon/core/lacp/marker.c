/* The Marker protocol, IEEE 802.1AX-2014 6.5: the responder, which is mandatory, and a generator.
 *
 * The responder sends Marker Information back out of the same port as Marker Response, everything
 * else as it came, version and reserved octets unseen. It answers whatever LACP thinks of the port,
 * but not our own Marker that a loop brings back: it would take that for the partner's word that
 * the frames before it have arrived.
 *
 * Annex 57A of 802.3 allows each slow protocol ten frames a second ("100 frames a second" for the
 * ten protocols there may be), so Markers of both kinds together are held to ten in any second;
 * LACP has a limit of its own. A Marker beyond it is not answered, and counted: who asked will time
 * out and move the conversation unassured.
 *
 * The generator has at most one Marker under way on a port. The answer, that none came within a
 * second, or that the link went down is told once, by LACP_ACTION_MARKER. */
#include "daemon/core/lacp/port.h"

#include <assert.h>

#define MARKER_LIMIT 10
#define MARKER_TIMEOUT NSEC_PER_SEC

static bool take_frame(struct lacp_port *port)
{
	nsec_t now = port->lacp->now;

	if (now < window_opens(&port->markers, MARKER_LIMIT, NSEC_PER_SEC))
		return false;
	window_add(&port->markers, now);
	return true;
}

static bool is_of_port(const struct lacp_port *port, const struct marker *marker)
{
	return marker->requester_port == port->config.number &&
	       mac_equal(&marker->requester_system, &port->lacp->config.system);
}

static void respond(struct lacp_port *port, const struct marker *marker)
{
	port->counters.marker_rx++;
	if (!port->link_up) {
		port->counters.ignored_rx++;
		return;
	}
	if (mac_equal(&marker->requester_system, &port->lacp->config.system)) {
		port->counters.loopback_rx++;
		return;
	}
	if (port->outbox.response || !take_frame(port)) {
		port->counters.marker_limited++;
		return;
	}
	port->outbox.response = true;
	port->outbox.response_content = *marker;
	port->outbox.response_content.type = MARKER_RESPONSE;
	port->counters.marker_response_tx++;
}

static void resolve(struct lacp_port *port, bool answered)
{
	port->request.resolved = true;
	port->request.answered = answered;
	port->request.timeout = NSEC_NEVER;
}

void marker_received(struct lacp_port *port, const struct marker *marker)
{
	const struct marker_request *request = &port->request;

	if (marker->type == MARKER_INFORMATION) {
		respond(port, marker);
		return;
	}
	port->counters.marker_response_rx++;
	if (request->outstanding && !request->resolved && is_of_port(port, marker) &&
	    marker->transaction == request->transaction)
		resolve(port, true);
}

void marker_abandon(struct lacp_port *port)
{
	port->outbox.marker = false;
	port->outbox.response = false;
	if (port->request.outstanding && !port->request.resolved)
		resolve(port, false);
}

void marker_tick(struct lacp_port *port)
{
	if (port->lacp->now >= port->request.timeout)
		resolve(port, false);
}

void marker_encode_request(const struct lacp_port *port, uint8_t payload[static LACP_PDU_SIZE])
{
	const struct marker marker = {
		.length = MARKER_LENGTH,
		.type = MARKER_INFORMATION,
		.requester_port = port->config.number,
		.requester_system = port->lacp->config.system,
		.transaction = port->request.transaction,
	};

	marker_encode(&marker, payload);
}

uint32_t lacp_marker_send(struct lacp *lacp, unsigned slot, nsec_t now)
{
	struct lacp_port *port = lacp->ports[slot];

	assert(port);
	lacp->now = now;
	if (!port->distributing || port->request.outstanding || !take_frame(port))
		return 0;
	if (++lacp->transaction == 0)
		lacp->transaction = 1;
	port->request = (struct marker_request){
		.outstanding = true,
		.transaction = lacp->transaction,
		.timeout = nsec_add(now, MARKER_TIMEOUT),
	};
	port->outbox.marker = true;
	port->counters.marker_tx++;
	return lacp->transaction;
}
