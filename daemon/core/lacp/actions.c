/* The queue of actions. Most of it is no queue: for each port it is remembered what has been told,
 * and what is to be sent, so that it can never overflow and each frame is written with the values
 * of the moment it leaves. The order is fixed: first every port's collecting and distributing, so
 * that a port has stopped before the partner is told that it stopped, and has started before the
 * partner is told that it may begin; then frames; then answers to our Markers; then notes. */
#include "daemon/core/lacp/port.h"

#include <string.h>

void actions_farewell(struct lacp_port *port)
{
	struct farewell *farewell = &port->lacp->farewells[port->slot];
	const struct outbox *told = &port->outbox;

	*farewell = (struct farewell){
		.pending = true,
		.stop = told->distributing,
		.collecting = told->collecting,
		.leave = port->link_up && port->periodic != LACP_PERIODIC_NO_PERIODIC,
		.marker = port->request.outstanding,
		.answered = port->request.answered,
		.transaction = port->request.transaction,
	};
	transmit_encode_leave(port, farewell->payload);
}

/* The frame is the last that the port sends; it collects until then. */
static bool next_of_farewell(struct farewell *farewell, struct lacp_action *action)
{
	if (farewell->stop) {
		farewell->stop = false;
		action->type = LACP_ACTION_PORT;
		action->collecting = farewell->collecting;
		action->distributing = false;
	} else if (farewell->leave) {
		farewell->leave = false;
		action->type = LACP_ACTION_SEND;
		memcpy(action->payload, farewell->payload, sizeof(action->payload));
	} else if (farewell->marker) {
		farewell->marker = false;
		action->type = LACP_ACTION_MARKER;
		action->transaction = farewell->transaction;
		action->answered = farewell->answered;
	} else {
		farewell->pending = false;
		action->type = LACP_ACTION_REMOVED;
	}
	return true;
}

static bool next_farewell(struct lacp *lacp, struct lacp_action *action)
{
	for (unsigned slot = 0; slot < LACP_PORTS_MAX; slot++) {
		if (!lacp->farewells[slot].pending)
			continue;
		action->slot = slot;
		return next_of_farewell(&lacp->farewells[slot], action);
	}
	return false;
}

static bool next_of_port(struct lacp_port *port, struct lacp_action *action)
{
	struct outbox *outbox = &port->outbox;

	if (outbox->collecting == port->collecting && outbox->distributing == port->distributing)
		return false;
	outbox->collecting = port->collecting;
	outbox->distributing = port->distributing;
	action->type = LACP_ACTION_PORT;
	action->collecting = port->collecting;
	action->distributing = port->distributing;
	return true;
}

static bool next_frame(struct lacp_port *port, struct lacp_action *action)
{
	struct outbox *outbox = &port->outbox;

	action->type = LACP_ACTION_SEND;
	if (outbox->lacpdu) {
		outbox->lacpdu = false;
		transmit_encode(port, action->payload);
	} else if (outbox->response) {
		outbox->response = false;
		marker_encode(&outbox->response_content, action->payload);
	} else if (outbox->marker) {
		outbox->marker = false;
		marker_encode_request(port, action->payload);
	} else {
		return false;
	}
	return true;
}

static bool next_marker(struct lacp_port *port, struct lacp_action *action)
{
	struct marker_request *request = &port->request;

	if (!request->resolved)
		return false;
	action->type = LACP_ACTION_MARKER;
	action->transaction = request->transaction;
	action->answered = request->answered;
	*request = (struct marker_request){ .timeout = NSEC_NEVER };
	return true;
}

static bool next_note(struct lacp *lacp, struct lacp_action *action)
{
	const struct note *note = &lacp->notes[lacp->notes_first % NOTES_MAX];

	if (lacp->notes_first == lacp->notes_end) {
		/* Stay at the front, where the memory is warm. */
		lacp->notes_first = lacp->notes_end = 0;
		return false;
	}
	lacp->notes_first++;
	action->type = LACP_ACTION_NOTE;
	action->slot = note->slot;
	action->note = note->entry;
	return true;
}

bool lacp_next_action(struct lacp *lacp, struct lacp_action *action)
{
	static bool (*const kinds[])(struct lacp_port *, struct lacp_action *) = {
		next_of_port,
		next_frame,
		next_marker,
	};

	if (next_farewell(lacp, action))
		return true;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		for (struct lacp_port *port = NULL; (port = lacp_next_port(lacp, port));) {
			action->slot = port->slot;
			if (kinds[i](port, action))
				return true;
		}
	return next_note(lacp, action);
}
