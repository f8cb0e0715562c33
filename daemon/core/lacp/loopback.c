/* Our own LACPDUs that come back, IEEE 802.1AX-2014 6.4.14.1 (h) and (i).
 *
 * The standard lets looped ports aggregate with their like, and two joined ports of one system on
 * different Aggregators. Neither is of use to a host, and both would make it a loop in somebody's
 * network: such ports are refused. A LACPDU is ours if it carries our system identifier: from the
 * port itself (an echo), from another port of the team (a cable joins the two), or from neither
 * (another team of the host, or another device that has our identifier). It is counted and then
 * forgotten: no machine sees it, so nothing answers it, and an echo cannot feed itself.
 *
 * A port that has no partner is refused at once. On one that has a partner a stray frame must not
 * stop the traffic, so it takes three own LACPDUs with none of the partner's between them. The
 * refusal ends with a LACPDU of a partner's, with the link's going down, or after 90 s in which
 * nothing came back (what we send without a partner comes every 30 s). */
#include "daemon/core/lacp/port.h"

#define IN_ROW_MAX 3

static enum loop_kind kind_of(const struct lacp_port *port, const struct lacp_info *actor)
{
	if (actor->port == port->config.number)
		return LOOP_ECHO;
	for (struct lacp_port *other = NULL; (other = lacp_next_port(port->lacp, other));)
		if (other->config.number == actor->port)
			return LOOP_JOINED;
	return LOOP_TWIN;
}

static const char *words_for(enum loop_kind kind)
{
	switch (kind) {
	case LOOP_NONE:
		break;
	case LOOP_ECHO:
		return "loopback: the port hears itself";
	case LOOP_JOINED:
		return "loopback: the port hears another port of this team";
	case LOOP_TWIN:
		return "loopback: another device, or another team, has our system identifier";
	}
	return "";
}

bool loopback_detect(struct lacp_port *port, const struct lacp_info *actor)
{
	enum loop_kind kind = kind_of(port, actor);

	if (!mac_equal(&actor->system, &port->lacp->config.system))
		return false;
	port->counters.loopback_rx++;
	if (!port->link_up)
		return true;
	port->loop_in_row++;
	if (port->receive == LACP_RECEIVE_CURRENT && port->loop == LOOP_NONE &&
	    port->loop_in_row < IN_ROW_MAX)
		return true;
	if (port->loop != kind)
		selection_remark(port, words_for(kind));
	port->loop = kind;
	port->loop_port = actor->port;
	port->loop_until = nsec_add(port->lacp->now, LONG_TIMEOUT_TIME);
	return true;
}

bool loopback_clear(struct lacp_port *port, const char *cause)
{
	bool was = port->loop != LOOP_NONE;

	port->loop = LOOP_NONE;
	port->loop_in_row = 0;
	port->loop_until = NSEC_NEVER;
	if (was)
		selection_remark(port, cause);
	return was;
}

void loopback_tick(struct lacp_port *port)
{
	if (port->lacp->now >= port->loop_until)
		loopback_clear(port, "loopback: no own LACPDU came back for 90 s");
}
