#include "daemon/host/host.h"

#include "daemon/host/host-private.h"
#include "daemon/host/identity.h"
#include "lib/base/log.h"

#include <stdlib.h>
#include <string.h>

unsigned host_explicit_keys(const struct host *host, uint16_t keys[static CONFIG_TEAMS_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < host->n_teams; i++)
		if (team_config(host->teams[i])->lacp.key)
			keys[n++] = team_config(host->teams[i])->lacp.key;
	/* Those that are still to be started. */
	for (unsigned i = 0; i < host->config->n_teams && n < CONFIG_TEAMS_MAX; i++)
		if (host->config->teams[i].lacp.key)
			keys[n++] = host->config->teams[i].lacp.key;
	return n;
}

static void save_identity(struct host *host)
{
	char *text;

	if (!identity_changed(host->parts.identity))
		return;
	text = identity_text(host->parts.identity);
	if (text)
		host->parts.world->ops->save_identity(host->parts.world, text);
}

struct host *host_new(struct config *config, const struct host_parts *parts)
{
	struct host *host = calloc(1, sizeof(*host));

	if (!host) {
		config_free(config);
		return NULL;
	}
	host->config = config;
	host->parts = *parts;
	host->started_realtime_us = parts->world->ops->realtime_us(parts->world);
	if (host_start_teams(host) < 0) {
		host_free(host);
		return NULL;
	}
	save_identity(host);
	return host;
}

void host_free(struct host *host)
{
	if (!host)
		return;
	for (unsigned i = 0; i < host->n_teams; i++)
		team_forget(host->teams[i]);
	config_free(host->config);
	free(host);
}

void host_link_changed(struct host *host, const struct link *link, const struct link *before)
{
	for (unsigned i = 0; i < host->n_teams; i++)
		team_link_changed(host->teams[i], link, before);
	save_identity(host);
}

void host_slow_frame(struct host *host, const struct slow_frame *frame)
{
	bool ours = !frame->tagged && !mac_is_multicast(&frame->source) &&
		    mac_equal(&frame->destination, &mac_slow_protocols);

	for (unsigned i = 0; i < host->n_teams; i++) {
		struct team *team = host->teams[i];

		if (ours ? team_slow_frame(team, frame->ifindex, &frame->source, frame->payload)
			 : team_foreign_frame(team, frame->ifindex, true))
			return;
	}
}

void host_carrier_lost(struct host *host, int ifindex)
{
	for (unsigned i = 0; i < host->n_teams; i++)
		if (team_carrier_lost(host->teams[i], ifindex))
			return;
}

void host_carrier_sensed(struct host *host)
{
	for (unsigned i = 0; i < host->n_teams; i++)
		team_watch_carrying(host->teams[i]);
}

void host_carrier_answer(struct host *host, int ifindex, bool up)
{
	for (unsigned i = 0; i < host->n_teams; i++)
		if (team_carrier_answer(host->teams[i], ifindex, up))
			return;
}

void host_member_disturbed(struct host *host, int ifindex, const char *sentence)
{
	for (unsigned i = 0; i < host->n_teams; i++)
		if (team_disturbed(host->teams[i], ifindex, sentence))
			return;
}

void host_member_hindered(struct host *host, int ifindex, const char *sentence)
{
	for (unsigned i = 0; i < host->n_teams; i++)
		if (team_hindered(host->teams[i], ifindex, sentence))
			return;
}

void host_station_news(struct host *host, int ifindex, const struct datapath_station_news *news)
{
	for (unsigned i = 0; i < host->n_teams; i++)
		if (team_station_news(host->teams[i], ifindex, news))
			return;
}

void host_neighbour_changed(struct host *host, const struct host_neighbour *neighbour)
{
	for (unsigned i = 0; i < host->n_teams; i++)
		team_neighbour_changed(host->teams[i], neighbour);
}

void host_probe_frame(struct host *host, int ifindex, struct span frame)
{
	for (unsigned i = 0; i < host->n_teams; i++)
		if (team_probe_frame(host->teams[i], ifindex, frame))
			return;
}

void host_member_errors(struct host *host, int ifindex, uint64_t errors)
{
	for (unsigned i = 0; i < host->n_teams; i++)
		if (team_member_errors(host->teams[i], ifindex, errors))
			return;
}

void host_tick(struct host *host)
{
	nsec_t now = host->parts.world->ops->now(host->parts.world);

	for (unsigned i = 0; i < host->n_teams; i++)
		team_tick(host->teams[i], now);
	/* From the end, as it may be the end of a team. */
	for (unsigned i = host->n_teams; i-- > 0;)
		team_change_tick(host->teams[i]);
	save_identity(host);
}

nsec_t host_deadline(const struct host *host)
{
	nsec_t deadline = NSEC_NEVER;

	for (unsigned i = 0; i < host->n_teams; i++)
		deadline = nsec_min(deadline, team_deadline(host->teams[i]));
	return deadline;
}

bool host_settled(const struct host *host)
{
	for (unsigned i = 0; i < host->n_teams; i++)
		if (!team_settled(host->teams[i]))
			return false;
	return true;
}

const char *host_event_type_name(enum host_event_type type)
{
	switch (type) {
	case HOST_EVENT_TEAM:
		return "team";
	case HOST_EVENT_MEMBER:
		return "member";
	case HOST_EVENT_LACP:
		return "lacp";
	case HOST_EVENT_HOST:
		return "host";
	}
	return NULL;
}

/* Transitions of LACP's machines are for those who look for a fault; states of teams and members
 * are what a journal is read for. */
static enum log_level event_level(const struct host_event *event)
{
	switch (event->type) {
	case HOST_EVENT_TEAM:
	case HOST_EVENT_MEMBER:
		return LOG_LEVEL_NOTICE;
	case HOST_EVENT_LACP:
		return LOG_LEVEL_INFO;
	case HOST_EVENT_HOST:
		return LOG_LEVEL_WARNING;
	}
	return LOG_LEVEL_NOTICE;
}

static void log_host_event(const struct host_event *event)
{
	/* As in the message catalog. */
	static const char *const ids[] = {
		[HOST_EVENT_TEAM] = "b1c63a4e6f0d4c0d9a7a56a1f8f0a9d1",
		[HOST_EVENT_MEMBER] = "3f5d1f6f9d2f4b6e8a0c5d5be2a4c7e2",
		[HOST_EVENT_LACP] = "7a0e8f4c2c8b4d43b1f60fd0c7f5e8a3",
		[HOST_EVENT_HOST] = "c9d2e7b15a3f4f6d8be4a1027c6d9bf4",
	};
	struct log_fields fields = {
		.message_id = ids[event->type],
		.team = event->team,
		.member = event->member,
		.reason = event->reason,
	};
	const char *text = event->text ? event->text : "";

	if (!event->to)
		log_write(event_level(event), &fields, "%s", text);
	else if (!event->from)
		log_write(event_level(event), &fields, "%s%s%s", event->to, *text ? ": " : "",
			  text);
	else if (event->type == HOST_EVENT_LACP)
		log_write(event_level(event), &fields, "%s %s, was %s: %s", event->reason,
			  event->to, event->from, text);
	else
		log_write(event_level(event), &fields, "%s, was %s%s%s", event->to, event->from,
			  *text ? ": " : "", text);
}

void host_emit(struct host *host, const struct host_event *event)
{
	struct host_event complete = *event;

	complete.serial = ++host->last_event;
	complete.realtime_us = host->parts.world->ops->realtime_us(host->parts.world);
	log_host_event(&complete);
	/* From the end, so that a listener may unlisten itself. */
	for (unsigned i = host->n_listeners; i-- > 0;)
		host->listeners[i].call(host->listeners[i].userdata, &complete);
}

unsigned host_listen(struct host *host, host_listener *listener, void *userdata)
{
	if (host->n_listeners == LISTENERS_MAX)
		return 0;
	host->listeners[host->n_listeners++] =
		(struct listener){ ++host->last_listener, listener, userdata };
	return host->last_listener;
}

void host_unlisten(struct host *host, unsigned identity)
{
	for (unsigned i = 0; i < host->n_listeners; i++) {
		if (host->listeners[i].identity != identity)
			continue;
		host->n_listeners--;
		memmove(&host->listeners[i], &host->listeners[i + 1],
			(host->n_listeners - i) * sizeof(host->listeners[i]));
		return;
	}
}

/* That of all teams, if they have the same; each tells its own. */
static void fill_datapath(struct host *host, struct host_status *status)
{
	status->datapath = "none";
	status->datapath_why = "there is no team";
	for (unsigned i = 0; i < host->n_teams; i++) {
		struct team_view view;

		team_get_view(host->teams[i], &view);
		if (i > 0 && strcmp(view.datapath, status->datapath) != 0) {
			status->datapath = "several";
			status->datapath_why = "each team tells which, and why";
			return;
		}
		status->datapath = view.datapath;
		status->datapath_why = view.datapath_why;
	}
}

void host_get_status(struct host *host, struct host_status *status)
{
	*status = (struct host_status){
		.version = YOKE_VERSION,
		.started_realtime_us = host->started_realtime_us,
		.log_dropped = log_dropped(),
		.system_priority_default = 32768,
		.system = identity_system(host->parts.identity),
	};
	fill_datapath(host, status);
	host->parts.world->ops->fill_status(host->parts.world, status);
}

unsigned host_n_teams(const struct host *host)
{
	return host->n_teams;
}

struct team *host_team(const struct host *host, unsigned index)
{
	return index < host->n_teams ? host->teams[index] : NULL;
}

struct team *host_find_team(const struct host *host, const char *name)
{
	for (unsigned i = 0; i < host->n_teams; i++)
		if (strcmp(team_name(host->teams[i]), name) == 0)
			return host->teams[i];
	return NULL;
}
