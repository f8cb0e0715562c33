/* The transitions of each port with their causes: a ring for the curious, and notes for the log.
 *
 * The ring keeps every transition but those that Periodic makes each second. A note is made of what
 * a person may want to hear of: selection, mux, whether the partner is heard, and churn where it
 * is a fault (a STANDBY port churns by its nature). A partner that changes its mind a thousand
 * times a second must not fill the log: a port has a credit of NOTES_BURST notes, and gains one
 * each NOTES_INTERVAL. When it is used up one note says so; the next such one is due only after
 * half of the credit has come back. So one input makes at most NOTES_BURST + 1 notes of a port, and
 * a queue that was drained before cannot overflow. */
#include "daemon/core/lacp/port.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static bool is_worth_a_note(const struct lacp_port *port, struct transition transition)
{
	switch (transition.machine) {
	case LACP_MACHINE_RECEIVE:
		return transition.to >= LACP_RECEIVE_EXPIRED;
	case LACP_MACHINE_PERIODIC:
		return false;
	case LACP_MACHINE_SELECTION:
	case LACP_MACHINE_MUX:
		return true;
	case LACP_MACHINE_ACTOR_CHURN:
	case LACP_MACHINE_PARTNER_CHURN:
		return port->selected != LACP_STANDBY &&
		       (transition.from == LACP_CHURN_CHURN || transition.to == LACP_CHURN_CHURN);
	}
	return false;
}

static void queue(struct lacp_port *port, const struct lacp_trace_entry *entry)
{
	struct lacp *lacp = port->lacp;

	/* Only a caller who did not drain the queue gets here with a full one. The trace has it. */
	if (lacp->notes_end - lacp->notes_first == NOTES_MAX)
		return;
	lacp->notes[lacp->notes_end++ % NOTES_MAX] = (struct note){ port->slot, *entry };
}

static void note(struct lacp_port *port, const struct lacp_trace_entry *entry)
{
	nsec_t now = port->lacp->now;
	nsec_t paid = port->notes_paid > now ? port->notes_paid : now;
	struct lacp_trace_entry last = *entry;

	if (paid - now <= NOTES_BURST / 2 * NOTES_INTERVAL)
		port->notes_limited = false;
	if (paid - now <= (NOTES_BURST - 1) * NOTES_INTERVAL) {
		port->notes_paid = paid + NOTES_INTERVAL;
		queue(port, entry);
	} else if (!port->notes_limited) {
		port->notes_limited = true;
		(void)snprintf(last.cause, sizeof(last.cause),
			       "too many changes: more of them are only in the trace");
		queue(port, &last);
	}
}

void lacp_trace_begin(struct lacp_port *port)
{
	port->lacp->traces[port->slot].serial = 0;
}

void lacp_trace(struct lacp_port *port, struct transition transition, const char *cause,
		va_list args)
{
	struct trace *trace = &port->lacp->traces[port->slot];
	struct lacp_trace_entry *entry = &trace->entries[trace->serial % LACP_TRACE_SIZE];

	*entry = (struct lacp_trace_entry){
		.serial = ++trace->serial,
		.when = port->lacp->now,
		.machine = transition.machine,
		.from = transition.from,
		.to = transition.to,
	};
	(void)vsnprintf(entry->cause, sizeof(entry->cause), cause, args);
	if (is_worth_a_note(port, transition))
		note(port, entry);
}

size_t lacp_port_trace(const struct lacp *lacp, unsigned slot, uint64_t after,
		       struct lacp_trace_entry *entries, size_t n)
{
	const struct trace *trace = &lacp->traces[slot];
	uint64_t oldest = trace->serial > LACP_TRACE_SIZE ? trace->serial - LACP_TRACE_SIZE : 0;
	size_t copied = 0;

	assert(lacp->ports[slot]);
	for (uint64_t i = after > oldest ? after : oldest; i < trace->serial && copied < n; i++)
		entries[copied++] = trace->entries[i % LACP_TRACE_SIZE];
	return copied;
}
