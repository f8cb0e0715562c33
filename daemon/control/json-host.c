/* The host and its events as JSON. */
#include "daemon/control/internal.h"
#include "daemon/control/json.h"
#include "lib/ctl/text.h"

json_t *json_number(uint64_t number)
{
	return json_integer(number > INT64_MAX ? INT64_MAX : (json_int_t)number);
}

static json_t *microseconds(nsec_t duration)
{
	return json_number(duration / NSEC_PER_US);
}

static json_t *poller(const struct carrier_poller_figures *figures)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "questions",
			 json_number(figures->questions), "losses", json_number(figures->losses),
			 "interval_us", microseconds(figures->interval), "latest_us",
			 microseconds(figures->latest), "latest_recent_us",
			 microseconds(figures->latest_recent), "slowest_us",
			 microseconds(figures->slowest));
}

static json_t *loop(const struct host_status *status)
{
	return json_pack("{s:o, s:o}", "latest_us", microseconds(status->loop_latest),
			 "latest_recent_us", microseconds(status->loop_latest_recent));
}

static json_t *lacp(const struct host_status *status)
{
	char system[MAC_TEXT_SIZE];

	return json_pack("{s:i, s:s}", "system_priority", (int)status->system_priority_default,
			 "system", mac_to_text(&status->system, system));
}

static json_t *control(const struct control_server *server)
{
	return json_pack("{s:i, s:o, s:o, s:o}", "clients", (int)server->n_sessions, "accepted",
			 json_number(server->n_accepted), "refused", json_number(server->n_refused),
			 "dropped", json_number(server->n_dropped));
}

static json_t *text_or_nothing(const char *text)
{
	return ctl_text_json(text ? text : "");
}

json_t *json_host(const struct control_server *server)
{
	struct host_status status = {};

	host_get_status(server->host, &status);
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:o, s:o, s:o}",
			 "version", text_or_nothing(status.version), "started_realtime_us",
			 json_number(status.started_realtime_us), "now_realtime_us",
			 json_number(server_realtime_us(server)), "datapath",
			 text_or_nothing(status.datapath), "datapath_why",
			 text_or_nothing(status.datapath_why), "carrier_sense",
			 text_or_nothing(status.carrier_sense), "carrier_sense_why",
			 text_or_nothing(status.carrier_sense_why), "poller",
			 poller(&status.poller), "loop", loop(&status), "worker_pending",
			 (int)status.worker_pending, "lacp", lacp(&status), "control",
			 control(server), "lost",
			 json_pack("{s:o, s:o}", "link_resyncs", json_number(status.link_resyncs),
				   "log_dropped", json_number(status.log_dropped)));
}

static int add_text(json_t *object, const char *name, const char *text)
{
	return text ? json_object_set_new(object, name, ctl_text_json(text)) : 0;
}

json_t *json_event(const struct host_event *event)
{
	json_t *object = json_pack("{s:o, s:o, s:s}", "serial", json_number(event->serial),
				   "realtime_us", json_number(event->realtime_us), "type",
				   host_event_type_name(event->type));

	if (!object)
		return NULL;
	if (add_text(object, "team", event->team) < 0 ||
	    add_text(object, "member", event->member) < 0 ||
	    add_text(object, "from", event->from) < 0 || add_text(object, "to", event->to) < 0 ||
	    add_text(object, "reason", event->reason) < 0 ||
	    add_text(object, "text", event->text) < 0) {
		json_decref(object);
		return NULL;
	}
	return json_pack("{s:o}", "event", object);
}
