/* What the machines of one team share: the variables of IEEE 802.1AX-2014 6.4.6 to 6.4.8, and what
 * each machine offers the others. Internal to daemon/core/lacp.
 *
 * The state of a machine is written by the enter() of its file alone. Each machine has a step(),
 * which makes at most one transition and says whether it made one, and may have a tick(), which
 * lets its timers run out. Timers are instants, NSEC_NEVER while they do not run. */
#pragma once

#include "daemon/core/lacp/lacp.h"
#include "daemon/core/lacp/pdu.h"
#include "daemon/core/lacp/window.h"

#include <stdarg.h>

/* 6.4.4 */
#define FAST_PERIODIC_TIME NSEC_PER_SEC
#define SLOW_PERIODIC_TIME (30 * NSEC_PER_SEC)
#define SHORT_TIMEOUT_TIME (3 * NSEC_PER_SEC)
#define LONG_TIMEOUT_TIME (90 * NSEC_PER_SEC)
#define CHURN_DETECTION_TIME (60 * NSEC_PER_SEC)
#define AGGREGATE_WAIT_TIME (2 * NSEC_PER_SEC)

/* Bounded by what one input can say: see lacp_note(). */
#define NOTES_BURST 30
#define NOTES_INTERVAL (500 * NSEC_PER_MS)
#define NOTES_MAX (LACP_PORTS_MAX * (NOTES_BURST + 2))

/* What came back to us, and how. */
enum loop_kind {
	LOOP_NONE,
	LOOP_ECHO,   /* The port heard itself. */
	LOOP_JOINED, /* It heard another port of this team. */
	LOOP_TWIN,   /* It heard our system, but no port of this team. */
};

/* Ports with equal LAG IDs may be aggregated (6.3.6). Our system is the same on all ports, so it is
 * left out; the port numbers are 0 unless the link is Individual. */
struct lag_id {
	uint16_t actor_key;
	uint16_t partner_key;
	uint16_t partner_system_priority;
	struct mac partner_system;
	bool individual;
	uint16_t actor_port;
	uint16_t partner_port;
};

struct marker_request {
	bool outstanding;
	bool resolved; /* The answer, or that there is none, waits to be told. */
	bool answered;
	uint32_t transaction;
	nsec_t timeout;
};

/* What the next actions are made of. */
struct outbox {
	bool collecting; /* As last told by LACP_ACTION_PORT. */
	bool distributing;
	bool lacpdu;
	bool marker;
	bool response;
	struct marker response_content;
};

struct lacp_port {
	struct lacp *lacp; /* Which owns it. */
	unsigned slot;
	struct lacp_port_config config;
	bool link_up;     /* port_enabled */
	bool full_duplex; /* LACP_Enabled */
	nsec_t link_since;

	struct lacp_info actor;      /* Actor_Oper */
	struct lacp_info partner;    /* Partner_Oper */
	uint8_t partner_admin_state; /* Partner_Admin is 0 but for this, which fallback sets. */

	enum lacp_receive_state receive;
	nsec_t current_while;
	bool port_moved;
	bool heard;     /* A LACPDU of the partner's since the link came up. */
	bool said_sync; /* Actor_State.Synchronization as it stood in the last LACPDU. */
	nsec_t said_sync_since;
	nsec_t offered_since;  /* While attached: since when we are in sync. */
	bool lag_refused;      /* The partner carries in another LAG instead; see lag.c. */
	struct lacp_info said; /* What the partner last said of us. */

	enum loop_kind loop;
	uint16_t loop_port;   /* The number that the own frame came from. */
	unsigned loop_in_row; /* Own frames since the partner's last. */
	nsec_t loop_until;

	enum lacp_periodic_state periodic;
	enum lacp_periodic_state periodic_traced;
	nsec_t periodic_timer;

	enum lacp_selected selected;
	struct lag_id lag;
	bool refused; /* The partner keeps it out and takes another of the LAG; see lag.c. */
	bool ready;   /* Ready of 6.4.8, and that this port may make use of it. */

	enum lacp_mux_state mux;
	nsec_t wait_while;
	nsec_t waiting_since;
	bool ready_n;
	bool overdue; /* It has waited for others for a whole wait_while beyond its own. */
	bool collecting;
	bool distributing;
	struct window cut_short;

	bool ntt;
	struct window transmitted;

	enum lacp_churn_state actor_churn;
	enum lacp_churn_state partner_churn;
	nsec_t actor_churn_timer;
	nsec_t partner_churn_timer;

	struct marker_request request;
	struct window markers;

	struct outbox outbox;
	struct lacp_counters counters;
	nsec_t last_rx;
	nsec_t last_tx;
	nsec_t notes_paid; /* Until when notes are paid for; see lacp_note(). */
	bool notes_limited;
};

/* A removed port's last actions; its slot may already have another port. */
struct farewell {
	bool pending;
	bool stop; /* It was distributing. */
	bool collecting;
	bool leave;
	bool marker;
	bool answered;
	uint32_t transaction;
	uint8_t payload[LACP_PDU_SIZE];
};

struct trace {
	uint64_t serial; /* Of the newest. */
	struct lacp_trace_entry entries[LACP_TRACE_SIZE];
};

struct note {
	unsigned slot;
	struct lacp_trace_entry entry;
};

/* The team's one Aggregator. */
struct aggregator {
	bool occupied;
	struct lag_id lag;
	unsigned usable;  /* Ports of it that could carry, at most max_links. */
	bool short_of;    /* They are fewer than min_links. */
	nsec_t challenge; /* When the LAG that is stronger now may take it; see lag.c. */
};

struct lacp {
	struct lacp_config config;
	nsec_t now; /* Of the input that is worked on. */
	struct aggregator aggregator;
	nsec_t settled;     /* Selection rests until then, after a resume. */
	bool fallback;      /* The partner has been silent for long enough. */
	nsec_t quiet_since; /* NSEC_NEVER while no link is up. */
	uint32_t transaction;
	unsigned n_ports;
	struct lacp_port *ports[LACP_PORTS_MAX]; /* NULL, or into 'room'. */
	struct lacp_port room[LACP_PORTS_MAX];
	struct farewell farewells[LACP_PORTS_MAX];
	struct trace traces[LACP_PORTS_MAX];
	unsigned notes_first, notes_end;
	struct note notes[NOTES_MAX];
};

struct transition {
	enum lacp_machine machine;
	uint8_t from;
	uint8_t to;
};

/* The port behind 'after', the first for NULL, NULL at the end. */
static inline struct lacp_port *lacp_next_port(const struct lacp *lacp,
					       const struct lacp_port *after)
{
	for (unsigned slot = after ? after->slot + 1 : 0; slot < LACP_PORTS_MAX; slot++)
		if (lacp->ports[slot])
			return lacp->ports[slot];
	return NULL;
}

static inline void actor_set(struct lacp_port *port, unsigned bits, bool on)
{
	port->actor.state = (uint8_t)(on ? port->actor.state | bits : port->actor.state & ~bits);
}

static inline bool actor_is(const struct lacp_port *port, uint8_t bit)
{
	return port->actor.state & bit;
}

static inline bool partner_is(const struct lacp_port *port, uint8_t bit)
{
	return port->partner.state & bit;
}

static inline bool is_attached(const struct lacp_port *port)
{
	return port->mux >= LACP_MUX_ATTACHED;
}

/* lacp.c */
/* A new port in the slot, its machines at their beginning. */
struct lacp_port *lacp_port_open(struct lacp *lacp, unsigned slot,
				 const struct lacp_port_config *config);
/* Runs the machines of all ports until they rest, and then Transmit. */
void lacp_run(struct lacp *lacp);

/* receive.c */
bool lacp_same_identity(const struct lacp_info *a, const struct lacp_info *b);
void receive_machine_begin(struct lacp_port *port);
void receive_machine_resume(struct lacp_port *port, enum lacp_receive_state state,
			    nsec_t current_while);
bool receive_machine_step(struct lacp_port *port);
void receive_machine_tick(struct lacp_port *port);
/* A partner's LACPDU, from EXPIRED on; false if it changed nothing but the instant of the timeout.
 */
bool receive_machine_lacpdu(struct lacp_port *port, const struct lacpdu *pdu);
/* Our own identity changed; our own timeout. */
void receive_machine_actor_changed(struct lacp_port *port);
void receive_machine_timeout_changed(struct lacp_port *port);

/* loopback.c: whether the LACPDU is one of ours, which has been dealt with. */
bool loopback_detect(struct lacp_port *port, const struct lacp_info *actor);
bool loopback_clear(struct lacp_port *port, const char *cause);
void loopback_tick(struct lacp_port *port);

/* periodic.c */
bool periodic_machine_step(struct lacp_port *port);
nsec_t periodic_horizon(const struct lacp *lacp);
void periodic_machine_tick(struct lacp_port *port, nsec_t horizon);

/* fallback.c */
bool fallback_step(struct lacp *lacp);
void fallback_heard(struct lacp *lacp);
void fallback_links_changed(struct lacp *lacp);
nsec_t fallback_deadline(const struct lacp *lacp);

/* lag.c */
void lag_refresh(struct lacp *lacp);
bool lag_equal(const struct lag_id *a, const struct lag_id *b);
bool lag_eligible(const struct lacp_port *port);
bool lag_usable(const struct lacp_port *port);
bool lag_within_limit(const struct lacp_port *port);
bool lag_partner_decides(const struct lacp_port *port);
bool lag_choose(struct lacp *lacp);
unsigned lag_min_links(const struct lacp *lacp);
/* When the partner's refusal of some ports will count. */
nsec_t lag_deadline(const struct lacp *lacp);

/* selection.c */
[[gnu::format(printf, 3, 4)]] void selection_enter(struct lacp_port *port, enum lacp_selected to,
						   const char *cause, ...);
/* In the trace, and told, without a change. */
void selection_remark(struct lacp_port *port, const char *text);
bool selection_step(struct lacp *lacp);
/* The port of the Aggregator's LAG that speaks for it: one that carries if there is one. */
const struct lacp_port *selection_reference(const struct lacp *lacp);

/* mux.c */
void mux_machine_begin(struct lacp_port *port);
void mux_machine_resume(struct lacp_port *port, enum lacp_mux_state state);
void mux_machine_control_changed(struct lacp_port *port);
bool mux_machine_step(struct lacp_port *port);
void mux_machine_tick(struct lacp_port *port);

/* churn.c */
void churn_machine_begin(struct lacp_port *port);
bool churn_machine_step(struct lacp_port *port);
void churn_machine_tick(struct lacp_port *port);

/* transmit.c */
void transmit_machine_run(struct lacp_port *port);
void transmit_encode(const struct lacp_port *port, uint8_t payload[static LACP_PDU_SIZE]);
void transmit_encode_leave(const struct lacp_port *port, uint8_t payload[static LACP_PDU_SIZE]);
nsec_t transmit_deadline(const struct lacp_port *port);

/* marker.c */
void marker_received(struct lacp_port *port, const struct marker *marker);
void marker_abandon(struct lacp_port *port);
void marker_tick(struct lacp_port *port);
void marker_encode_request(const struct lacp_port *port, uint8_t payload[static LACP_PDU_SIZE]);

/* actions.c */
void actions_farewell(struct lacp_port *port);

/* trace.c */
void lacp_trace_begin(struct lacp_port *port);
[[gnu::format(printf, 3, 0)]] void lacp_trace(struct lacp_port *port, struct transition transition,
					      const char *cause, va_list args);

/* explain.c */
enum lacp_reason lacp_explain(const struct lacp_port *port,
			      char explanation[static LACP_EXPLANATION_SIZE], nsec_t now);
