/* The LACP of one team: IEEE 802.1AX-2014 (with Corrigendum 1) for one Aggregator and up to 32
 * Aggregation Ports. PURE: no descriptor, no clock, no log, no allocation after lacp_new().
 *
 * Inputs are calls with the time. Each runs the machines until they rest. Outputs are read off
 * after each input: lacp_next_action() until it has none, then lacp_deadline() for the instant at
 * which lacp_tick() must be called at the latest. Nothing calls back. Timers run out in lacp_tick()
 * alone: a caller that was late reads the frames that have come before it lets time pass, and no
 * partner is taken for silent that was not.
 *
 * A port lives in a slot, 0 to LACP_PORTS_MAX - 1: the member's place in the team. */
#pragma once

#include "lib/base/nsec.h"
#include "lib/base/span.h"
#include "lib/wire/ether.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LACP_PORTS_MAX 32
#define LACP_PDU_SIZE 110  /* Payload of a LACPDU or Marker PDU, subtype to pad. */
#define LACP_TRACE_SIZE 64 /* Transitions remembered for each port. */
#define LACP_EXPLANATION_SIZE 240
#define LACP_TRANSMIT_LIMIT 3 /* LACPDUs of a port in any one second. */

/* Bits of the state octet, 6.4.2.3. */
enum lacp_state_bit {
	LACP_STATE_ACTIVITY = 0x01,
	LACP_STATE_TIMEOUT = 0x02, /* Short timeout. */
	LACP_STATE_AGGREGATION = 0x04,
	LACP_STATE_SYNCHRONIZATION = 0x08,
	LACP_STATE_COLLECTING = 0x10,
	LACP_STATE_DISTRIBUTING = 0x20,
	LACP_STATE_DEFAULTED = 0x40,
	LACP_STATE_EXPIRED = 0x80,
};

/* What one end says of itself in a LACPDU. All numbers in host order. */
struct lacp_info {
	uint16_t system_priority;
	struct mac system;
	uint16_t key;
	uint16_t port_priority;
	uint16_t port;
	uint8_t state;
};

enum lacp_select {
	LACP_SELECT_BANDWIDTH, /* The LAG ID with the most bandwidth gets the Aggregator. */
	LACP_SELECT_COUNT,     /* … with the most ports. */
	LACP_SELECT_STABLE,    /* … that has it, as long as one port of it is usable. */
};

enum lacp_fallback {
	LACP_FALLBACK_NONE, /* A silent partner means no traffic. */
	LACP_FALLBACK_ONE,  /* The port of best priority carries, as an Individual link. */
	LACP_FALLBACK_ALL,  /* All ports carry: only for a switch with a static LAG. */
};

struct lacp_config {
	uint16_t system_priority;
	struct mac system; /* Individual address, never 0. */
	bool active;
	bool fast;        /* Ask the partner for a PDU each second; give up after 3 s, else 90 s. */
	bool independent; /* Independent control (6.4.15 Figure 6-22), else coupled (6-21). */
	unsigned min_links; /* 1 to 32. With fewer ports, no port of the team goes in sync. */
	unsigned max_links; /* 1 to 32. Surplus ports are STANDBY by port priority, 6.7.1. */
	enum lacp_select select;
	enum lacp_fallback fallback;
	nsec_t fallback_delay; /* How long the partner must have been silent on every port. */
};

struct lacp_port_config {
	uint16_t
		number; /* 1 to 65535, its own in the system, never changes while the port lives. */
	uint16_t key;   /* 1 to 65535. */
	uint16_t priority;
	uint32_t speed_mbps; /* For LACP_SELECT_BANDWIDTH; 0 where not known. */
	char name[16];       /* Of the member, for explanations only. */
};

enum lacp_receive_state {
	LACP_RECEIVE_INITIALIZE,
	LACP_RECEIVE_PORT_DISABLED,
	LACP_RECEIVE_LACP_DISABLED,
	LACP_RECEIVE_EXPIRED,
	LACP_RECEIVE_DEFAULTED,
	LACP_RECEIVE_CURRENT,
};

enum lacp_periodic_state {
	LACP_PERIODIC_NO_PERIODIC,
	LACP_PERIODIC_FAST,
	LACP_PERIODIC_SLOW,
	LACP_PERIODIC_TX,
};

enum lacp_mux_state {
	LACP_MUX_DETACHED,
	LACP_MUX_WAITING,
	LACP_MUX_ATTACHED,
	LACP_MUX_COLLECTING,
	LACP_MUX_DISTRIBUTING,
	LACP_MUX_COLLECTING_DISTRIBUTING,
};

enum lacp_selected {
	LACP_UNSELECTED,
	LACP_SELECTED,
	LACP_STANDBY,
};

enum lacp_churn_state {
	LACP_CHURN_NO_CHURN,
	LACP_CHURN_CHURN,
	LACP_CHURN_MONITOR,
};

enum lacp_machine {
	LACP_MACHINE_RECEIVE,
	LACP_MACHINE_PERIODIC,
	LACP_MACHINE_SELECTION,
	LACP_MACHINE_MUX,
	LACP_MACHINE_ACTOR_CHURN,
	LACP_MACHINE_PARTNER_CHURN,
};

/* Each in lower-case words with hyphens, as JSON has it ("collecting-distributing"). */
const char *lacp_receive_state_name(enum lacp_receive_state state);
const char *lacp_periodic_state_name(enum lacp_periodic_state state);
const char *lacp_mux_state_name(enum lacp_mux_state state);
const char *lacp_selected_name(enum lacp_selected selected);
const char *lacp_churn_state_name(enum lacp_churn_state state);
const char *lacp_machine_name(enum lacp_machine machine);

/* Why a port carries nothing. The words for a person are in lacp_port_view.explanation. */
enum lacp_reason {
	LACP_REASON_OK,
	LACP_REASON_NO_CARRIER,
	LACP_REASON_HALF_DUPLEX,
	LACP_REASON_PARTNER_SILENT,   /* Nothing heard since the link came up. */
	LACP_REASON_PARTNER_EXPIRED,  /* Heard before, not within the timeout. */
	LACP_REASON_PARTNER_MISMATCH, /* The partner's picture of us is not ours. */
	LACP_REASON_PARTNER_KEY,      /* Another key than on the ports that carry. */
	LACP_REASON_PARTNER_SYSTEM,   /* Another system than on the ports that carry. */
	LACP_REASON_PARTNER_NOT_IN_SYNC,
	LACP_REASON_PARTNER_NOT_COLLECTING, /* Independent control only. */
	LACP_REASON_PARTNER_INDIVIDUAL,
	LACP_REASON_KEY,     /* Our key differs: another speed than the rest. */
	LACP_REASON_STANDBY, /* More links than max_links. */
	LACP_REASON_MIN_LINKS,
	LACP_REASON_WAITING,  /* wait_while. */
	LACP_REASON_LOOPBACK, /* Our own frames, or two of our ports joined. */
};
const char *lacp_reason_name(enum lacp_reason reason);

/* A port's counters, as dot3adAggPortStatsTable has them, and what else helps to find faults. */
struct lacp_counters {
	uint64_t lacpdu_rx;
	uint64_t lacpdu_tx;
	uint64_t marker_rx;
	uint64_t marker_tx;
	uint64_t marker_response_rx;
	uint64_t marker_response_tx;
	uint64_t unknown_rx; /* Slow protocols, but no subtype that we know. */
	uint64_t illegal_rx; /* Slow protocols, badly formed. */
	uint64_t ignored_rx; /* Well formed, but the port was down or LACP off on it. */
	uint64_t loopback_rx;
	uint64_t marker_limited; /* Markers not answered: more than ten a second. */
	uint64_t actor_churn;
	uint64_t partner_churn;
	uint64_t actor_sync_transitions;
	uint64_t partner_sync_transitions;
	uint64_t partner_changes; /* Another LAG ID on the same port. */
};

/* One transition, with its cause. */
struct lacp_trace_entry {
	uint64_t serial; /* Of the port, from 1, without gaps. */
	nsec_t when;
	enum lacp_machine machine;
	uint8_t from;
	uint8_t to;     /* States of that machine's enum. */
	char cause[92]; /* Words, e.g. "current_while expired: nothing heard for 3 s". */
};

/* The word of 'entry->from' or 'entry->to' by the entry's machine. */
const char *lacp_trace_state_name(enum lacp_machine machine, uint8_t state);

struct lacp_port_view {
	struct lacp_port_config config;
	bool link_up;
	bool full_duplex;
	enum lacp_receive_state receive;
	enum lacp_periodic_state periodic;
	enum lacp_mux_state mux;
	enum lacp_selected selected;
	unsigned aggregator; /* 1 while attached or about to be, else 0. */
	bool collecting;
	bool distributing;
	struct lacp_info actor;
	struct lacp_info partner;
	enum lacp_churn_state actor_churn;
	enum lacp_churn_state partner_churn;
	struct lacp_counters counters;
	nsec_t last_rx; /* LACPDUs; NSEC_NEVER while none. */
	nsec_t last_tx;
	enum lacp_reason reason;
	char explanation[LACP_EXPLANATION_SIZE]; /* A sentence; "" when the port carries. */
};

enum lacp_action_type {
	LACP_ACTION_SEND,   /* Send 'payload' out of the port, to mac_slow_protocols, untagged. */
	LACP_ACTION_PORT,   /* 'collecting' and 'distributing' are now these. */
	LACP_ACTION_MARKER, /* Our marker 'transaction' was answered, or timed out. */
	LACP_ACTION_NOTE,   /* Something that a person may want to hear: 'note', a sentence. */
	/* The port is gone and its slot free. If it was distributing, LACP_ACTION_PORT told it to
	 * stop that and to go on collecting, then came its leave PDU; now it does neither. */
	LACP_ACTION_REMOVED,
};

struct lacp_action {
	enum lacp_action_type type;
	unsigned slot;
	union {
		uint8_t payload[LACP_PDU_SIZE];
		struct {
			bool collecting;
			bool distributing;
		};
		struct {
			uint32_t transaction;
			bool answered;
		};
		struct lacp_trace_entry note;
	};
};

/* What must outlive a kill of the process so that the next one goes on with the session. Flat, with
 * no pointer; 'version' is LACP_SESSION_VERSION. Whatever else stands in it is checked when it is
 * taken up. */
#define LACP_SESSION_VERSION 1
struct lacp_session {
	uint32_t version;
	uint16_t actor_key;
	uint16_t actor_port;
	uint16_t actor_port_priority;
	uint16_t actor_system_priority;
	struct mac actor_system;
	uint8_t actor_state;
	uint8_t receive; /* enum lacp_receive_state */
	uint8_t mux;     /* enum lacp_mux_state */
	uint8_t selected;
	struct lacp_info partner;
	nsec_t last_rx;
	nsec_t last_tx;
	nsec_t transmitted[LACP_TRANSMIT_LIMIT]; /* The latest LACPDUs; NSEC_NEVER for none. */
	nsec_t current_while; /* When we give the partner up; it counts by its own Timeout. */
	struct lacp_counters counters;
};

struct lacp;

/* The only function that allocates; NULL without memory. The configuration must be in range. */
struct lacp *lacp_new(const struct lacp_config *config, nsec_t now);
void lacp_free(struct lacp *lacp);

/* Takes another configuration at once. What needs it (system, system priority) starts the ports'
 * selection anew and tells the partner; everything else leaves them in peace. */
void lacp_configure(struct lacp *lacp, const struct lacp_config *config, nsec_t now);

/* Adds a port, its link down. The slot must be free. */
void lacp_port_add(struct lacp *lacp, unsigned slot, const struct lacp_port_config *config,
		   nsec_t now);

/* Another key, priority, speed or name; the number may not change. A new key or priority starts
 * the port's selection anew (6.4.9). */
void lacp_port_configure(struct lacp *lacp, unsigned slot, const struct lacp_port_config *config,
			 nsec_t now);

/* Takes the port out. If its link is up the partner is told by a leave PDU (Synchronization,
 * Collecting and Distributing 0, Aggregation kept at 1), which passes the transmit limit. */
void lacp_port_remove(struct lacp *lacp, unsigned slot, nsec_t now);

/* The port's link. Half duplex means LACP_Enabled = false. */
void lacp_port_link(struct lacp *lacp, unsigned slot, bool up, bool full_duplex, nsec_t now);

/* A slow-protocol frame's payload, from the subtype octet on, with whatever padding it came. The
 * caller has checked destination, type and that it was untagged; all the rest is checked here and
 * counted. 'source' is the frame's source address. */
void lacp_receive(struct lacp *lacp, unsigned slot, const struct mac *source, struct span payload,
		  nsec_t now);

/* A frame to the slow-protocol group that is no slow-protocol frame, or is tagged, or comes from a
 * group address: counted as unknown or illegal. */
void lacp_receive_foreign(struct lacp *lacp, unsigned slot, bool illegal);

/* Sends a Marker (6.5) out of the port and returns its transaction, never 0. Answered or not,
 * LACP_ACTION_MARKER tells, after a second at the latest; at once and unanswered if the port goes
 * down meanwhile. At most one is outstanding for each port: 0 while one is, while the slow-protocol
 * limit of ten frames a second is reached, or if the port does not distribute. */
uint32_t lacp_marker_send(struct lacp *lacp, unsigned slot, nsec_t now);

/* Lets time pass. Calling it early is harmless. */
void lacp_tick(struct lacp *lacp, nsec_t now);

/* The instant at which lacp_tick() has work, NSEC_NEVER when it has none. */
nsec_t lacp_deadline(const struct lacp *lacp);

/* Takes the next action from the queue; false when it is empty. Drain it after each input. The
 * order holds: a port's traffic is switched before the LACPDU that tells the partner so. */
bool lacp_next_action(struct lacp *lacp, struct lacp_action *action);

/* How many ports distribute. */
unsigned lacp_distributing(const struct lacp *lacp);

/* Whether the partner's PDUs are expected in the LAG that has the Aggregator: the partner, or false
 * while there is none. */
bool lacp_partner(const struct lacp *lacp, struct lacp_info *partner);

bool lacp_port_exists(const struct lacp *lacp, unsigned slot);

/* Whether the port's frames are to be taken: it collects, or is in sync (ATTACHED) and the partner
 * may begin to send before the LACPDU that says so is here. */
bool lacp_port_accepts(const struct lacp *lacp, unsigned slot);

/* Whether the partner says that it collects; true also where there is none that could say so. */
bool lacp_partner_collects(const struct lacp *lacp, unsigned slot);
void lacp_port_view(const struct lacp *lacp, unsigned slot, nsec_t now,
		    struct lacp_port_view *view);

/* Copies up to 'n' transitions of the port with a serial above 'after', oldest first, and returns
 * how many. */
size_t lacp_port_trace(const struct lacp *lacp, unsigned slot, uint64_t after,
		       struct lacp_trace_entry *entries, size_t n);

/* Fills in what must survive. Cheap; meant to be called after each input on the port. */
void lacp_port_session(const struct lacp *lacp, unsigned slot, struct lacp_session *session);

/* In place of lacp_port_add() and the link's coming up: a port whose link is up and whose session
 * goes on where the former process was killed. Its first PDU goes out at once and repeats the last
 * state; a port that was distributing is distributing without leaving that state. Refused, with the
 * words why in 'why' (a constant), if the session is of another version, actor or configuration,
 * or one of both timeouts has passed; then the port is as after lacp_port_add(). For a second after
 * the last resume Selection rests, so that it judges all sessions together: take them up in one go.
 */
bool lacp_port_resume(struct lacp *lacp, unsigned slot, const struct lacp_port_config *config,
		      const struct lacp_session *session, nsec_t now, const char **why);
