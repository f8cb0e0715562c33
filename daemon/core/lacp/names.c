/* The words of lacp.h's enumerations, as JSON, the log and the screens have them. */
#include "daemon/core/lacp/lacp.h"

const char *lacp_receive_state_name(enum lacp_receive_state state)
{
	switch (state) {
	case LACP_RECEIVE_INITIALIZE:
		return "initialize";
	case LACP_RECEIVE_PORT_DISABLED:
		return "port-disabled";
	case LACP_RECEIVE_LACP_DISABLED:
		return "lacp-disabled";
	case LACP_RECEIVE_EXPIRED:
		return "expired";
	case LACP_RECEIVE_DEFAULTED:
		return "defaulted";
	case LACP_RECEIVE_CURRENT:
		return "current";
	}
	return "unknown";
}

const char *lacp_periodic_state_name(enum lacp_periodic_state state)
{
	switch (state) {
	case LACP_PERIODIC_NO_PERIODIC:
		return "no-periodic";
	case LACP_PERIODIC_FAST:
		return "fast";
	case LACP_PERIODIC_SLOW:
		return "slow";
	case LACP_PERIODIC_TX:
		return "tx";
	}
	return "unknown";
}

const char *lacp_mux_state_name(enum lacp_mux_state state)
{
	switch (state) {
	case LACP_MUX_DETACHED:
		return "detached";
	case LACP_MUX_WAITING:
		return "waiting";
	case LACP_MUX_ATTACHED:
		return "attached";
	case LACP_MUX_COLLECTING:
		return "collecting";
	case LACP_MUX_DISTRIBUTING:
		return "distributing";
	case LACP_MUX_COLLECTING_DISTRIBUTING:
		return "collecting-distributing";
	}
	return "unknown";
}

const char *lacp_selected_name(enum lacp_selected selected)
{
	switch (selected) {
	case LACP_UNSELECTED:
		return "unselected";
	case LACP_SELECTED:
		return "selected";
	case LACP_STANDBY:
		return "standby";
	}
	return "unknown";
}

const char *lacp_churn_state_name(enum lacp_churn_state state)
{
	switch (state) {
	case LACP_CHURN_NO_CHURN:
		return "no-churn";
	case LACP_CHURN_CHURN:
		return "churn";
	case LACP_CHURN_MONITOR:
		return "monitor";
	}
	return "unknown";
}

const char *lacp_machine_name(enum lacp_machine machine)
{
	switch (machine) {
	case LACP_MACHINE_RECEIVE:
		return "receive";
	case LACP_MACHINE_PERIODIC:
		return "periodic";
	case LACP_MACHINE_SELECTION:
		return "selection";
	case LACP_MACHINE_MUX:
		return "mux";
	case LACP_MACHINE_ACTOR_CHURN:
		return "actor-churn";
	case LACP_MACHINE_PARTNER_CHURN:
		return "partner-churn";
	}
	return "unknown";
}

const char *lacp_reason_name(enum lacp_reason reason)
{
	switch (reason) {
	case LACP_REASON_OK:
		return "ok";
	case LACP_REASON_NO_CARRIER:
		return "no-carrier";
	case LACP_REASON_HALF_DUPLEX:
		return "half-duplex";
	case LACP_REASON_PARTNER_SILENT:
		return "partner-silent";
	case LACP_REASON_PARTNER_EXPIRED:
		return "partner-expired";
	case LACP_REASON_PARTNER_MISMATCH:
		return "partner-mismatch";
	case LACP_REASON_PARTNER_KEY:
		return "partner-key";
	case LACP_REASON_PARTNER_SYSTEM:
		return "partner-system";
	case LACP_REASON_PARTNER_NOT_IN_SYNC:
		return "partner-not-in-sync";
	case LACP_REASON_PARTNER_NOT_COLLECTING:
		return "partner-not-collecting";
	case LACP_REASON_PARTNER_INDIVIDUAL:
		return "partner-individual";
	case LACP_REASON_KEY:
		return "key";
	case LACP_REASON_STANDBY:
		return "standby";
	case LACP_REASON_MIN_LINKS:
		return "min-links";
	case LACP_REASON_WAITING:
		return "waiting";
	case LACP_REASON_LOOPBACK:
		return "loopback";
	}
	return "unknown";
}

const char *lacp_trace_state_name(enum lacp_machine machine, uint8_t state)
{
	switch (machine) {
	case LACP_MACHINE_RECEIVE:
		return lacp_receive_state_name(state);
	case LACP_MACHINE_PERIODIC:
		return lacp_periodic_state_name(state);
	case LACP_MACHINE_SELECTION:
		return lacp_selected_name(state);
	case LACP_MACHINE_MUX:
		return lacp_mux_state_name(state);
	case LACP_MACHINE_ACTOR_CHURN:
	case LACP_MACHINE_PARTNER_CHURN:
		return lacp_churn_state_name(state);
	}
	return "unknown";
}
