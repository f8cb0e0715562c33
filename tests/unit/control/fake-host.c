#include "tests/unit/control/fake-host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LISTENERS_MAX 80
#define DELETIONS_MAX 80

struct team {
	struct config_team config;
	struct team_view view;
	unsigned n_members;
	struct team_member_view members[CONFIG_MEMBERS_MAX];
	struct host *host;
};

struct host {
	unsigned n_teams;
	struct team *teams;
	struct {
		host_listener *listener;
		void *userdata;
	} listeners[LISTENERS_MAX];
	struct {
		host_deleted *deleted;
		void *userdata;
	} deletions[DELETIONS_MAX];
	unsigned n_deletions;
	char refusal[128];
	bool forced;
	struct lacp_trace_entry trace[LACP_TRACE_SIZE];
	unsigned n_transitions;
};

static const struct mac actor_system = { { 0x02, 0, 0, 0, 0, 0x01 } };
static const struct mac partner_system = { { 0x02, 0, 0, 0, 0, 0xfe } };

static void fill_lacp(struct lacp_port_view *lacp, unsigned index)
{
	*lacp = (struct lacp_port_view){
		.receive = LACP_RECEIVE_CURRENT,
		.periodic = LACP_PERIODIC_FAST,
		.mux = LACP_MUX_COLLECTING_DISTRIBUTING,
		.selected = LACP_SELECTED,
		.aggregator = 1,
		.collecting = true,
		.distributing = true,
		.actor = { 32768, actor_system, 1, 255, (uint16_t)(index + 1), 0x3f },
		.partner = { 32768, partner_system, 11, 128, (uint16_t)(index + 21), 0x3d },
		.actor_churn = LACP_CHURN_NO_CHURN,
		.partner_churn = LACP_CHURN_NO_CHURN,
		.counters = { .lacpdu_rx = 100 + index, .lacpdu_tx = 101 },
		.last_rx = 500 * NSEC_PER_MS,
		.last_tx = NSEC_NEVER,
	};
}

static void fill_view(struct team *team, unsigned index)
{
	struct team_member_view *view = &team->members[index];

	*view = (struct team_member_view){
		.config = &team->config.members[index],
		.slot = index,
		.ifindex = (int)index + 2,
		.state = TEAM_MEMBER_ACTIVE,
		.reason = "ok",
		.carrier = true,
		.speed_mbps = 10000,
		.buckets = 256 / team->n_members,
		.counters = { .rx_packets = 10,
			      .rx_bytes = 1000,
			      .tx_packets = 20,
			      .tx_bytes = 2000 },
		.has_lacp = true,
	};
	fill_lacp(&view->lacp, index);
}

static void fill_member(struct team *team, unsigned index)
{
	struct config_member *config = &team->config.members[index];

	(void)snprintf(config->name, sizeof(config->name), "eno%u", index + 1);
	config->priority = CONFIG_PRIORITY_DEFAULT;
	fill_view(team, index);
}

static void fill_team(struct team *team, unsigned index, unsigned n_members)
{
	char name[IFNAMSIZ];

	(void)snprintf(name, sizeof(name), "team%u", index);
	config_team_init(&team->config, name);
	team->config.n_members = n_members;
	(void)snprintf(team->config.file, sizeof(team->config.file), "/etc/yoke/conf.d/t.conf");
	team->config.line = 7;
	team->n_members = n_members;
	team->view = (struct team_view){
		.config = &team->config,
		.datapath = "bpf",
		.ifindex = 10,
		.state = TEAM_UP,
		.explanation = "",
		.mac = actor_system,
		.mtu = 1500,
		.speed_mbps = 10000 * n_members,
		.partner = { .system_priority = 32768, .system = partner_system, .key = 11 },
	};
	for (unsigned i = 0; i < n_members; i++)
		fill_member(team, i);
}

void fake_host_resize(struct host *host, unsigned n_teams, unsigned n_members)
{
	free(host->teams);
	host->teams = calloc(n_teams ? n_teams : 1, sizeof(*host->teams));
	host->n_teams = n_teams;
	for (unsigned i = 0; i < n_teams; i++) {
		host->teams[i].host = host;
		fill_team(&host->teams[i], i, n_members);
	}
}

struct host *fake_host_new(void)
{
	struct host *host = calloc(1, sizeof(*host));

	fake_host_resize(host, 1, FAKE_MEMBERS);
	return host;
}

void fake_host_free(struct host *host)
{
	(void)fake_host_finish_deletions(host, -ECANCELED, "the daemon stops");
	free(host->teams);
	free(host);
}

struct team_view *fake_team_view(struct host *host, unsigned team)
{
	return &host->teams[team].view;
}

struct team_member_view *fake_member_view(struct host *host, unsigned team, unsigned member)
{
	return &host->teams[team].members[member];
}

void fake_host_add_transition(struct host *host, const struct lacp_trace_entry *entry)
{
	host->trace[host->n_transitions++] = *entry;
}

void fake_host_emit(struct host *host, const struct host_event *event)
{
	for (unsigned i = 0; i < LISTENERS_MAX; i++) {
		if (host->listeners[i].listener)
			host->listeners[i].listener(host->listeners[i].userdata, event);
	}
}

unsigned fake_host_n_listeners(const struct host *host)
{
	unsigned n = 0;

	for (unsigned i = 0; i < LISTENERS_MAX; i++)
		n += host->listeners[i].listener != NULL;
	return n;
}

unsigned fake_host_finish_deletions(struct host *host, int r, const char *text)
{
	struct err e = { .code = r };
	unsigned n = host->n_deletions;

	(void)snprintf(e.text, sizeof(e.text), "%s", text ? text : "");
	host->n_deletions = 0;
	for (unsigned i = 0; i < n; i++)
		host->deletions[i].deleted(host->deletions[i].userdata, r, r ? &e : NULL);
	return n;
}

/* daemon/host/host.h */

const char *host_event_type_name(enum host_event_type type)
{
	static const char *const names[] = { "team", "member", "lacp", "host" };

	return names[type];
}

unsigned host_listen(struct host *host, host_listener *listener, void *userdata)
{
	for (unsigned i = 0; i < LISTENERS_MAX; i++) {
		if (host->listeners[i].listener)
			continue;
		host->listeners[i].listener = listener;
		host->listeners[i].userdata = userdata;
		return i + 1;
	}
	abort();
}

void host_unlisten(struct host *host, unsigned identity)
{
	host->listeners[identity - 1].listener = NULL;
}

void host_get_status(struct host *host, struct host_status *status)
{
	*status = (struct host_status){
		.version = "0.1.0",
		.started_realtime_us = 1000000,
		.datapath = "bpf",
		.datapath_why = "the kernel has no team driver",
		.carrier_sense = "polling",
		.carrier_sense_why = "the kernel lets no program in",
		.poller = { 1000, 3, 10 * NSEC_PER_MS, 2 * NSEC_PER_MS, NSEC_PER_MS, NSEC_PER_US },
		.loop_latest = 1500 * NSEC_PER_US,
		.loop_latest_recent = 200 * NSEC_PER_US,
		.system_priority_default = 32768,
		.system = actor_system,
	};
}

unsigned host_n_teams(const struct host *host)
{
	return host->n_teams;
}

struct team *host_team(const struct host *host, unsigned index)
{
	return &host->teams[index];
}

struct team *host_find_team(const struct host *host, const char *name)
{
	for (unsigned i = 0; i < host->n_teams; i++) {
		if (strcmp(host->teams[i].config.name, name) == 0)
			return &host->teams[i];
	}
	return NULL;
}

void host_delete_team(struct host *host, struct team *team, host_deleted *deleted, void *userdata)
{
	host->deletions[host->n_deletions].deleted = deleted;
	host->deletions[host->n_deletions].userdata = userdata;
	host->n_deletions++;
}

bool host_is_changed(const struct host *host, const struct team *team)
{
	return false;
}

bool host_has_device(const struct host *host, const char *name)
{
	return strncmp(name, "eno", 3) == 0;
}

const char *host_device_name(const struct host *host, int ifindex)
{
	return ifindex == 40 ? "vnet0" : NULL;
}

void fake_host_refuse(struct host *host, const char *text)
{
	(void)snprintf(host->refusal, sizeof(host->refusal), "%s", text);
}

bool fake_host_was_forced(const struct host *host)
{
	return host->forced;
}

/* Whether the change was refused, which was answered then. */
static bool refuse(struct host *host, const struct host_setting *setting)
{
	struct err e;

	host->forced = setting->force;
	if (!host->refusal[0])
		return false;
	setting->changed(setting->userdata, err_set(&e, -EBUSY, "%s", host->refusal), &e);
	host->refusal[0] = '\0';
	return true;
}

static void take(struct team *team, const struct host_setting *setting)
{
	team->config = *setting->config;
	team->n_members = team->config.n_members;
	for (unsigned i = 0; i < team->n_members; i++)
		fill_view(team, i);
	setting->changed(setting->userdata, 0, NULL);
}

void host_set_team(struct host *host, struct team *team, const struct host_setting *setting)
{
	if (!refuse(host, setting))
		take(team, setting);
}

/* In the place of the first team. */
void host_create_team(struct host *host, const struct host_setting *setting)
{
	if (!refuse(host, setting))
		take(&host->teams[0], setting);
}

/* daemon/team/team.h */

const struct config_team *team_config(const struct team *team)
{
	return &team->config;
}

unsigned team_member_slot(const struct team *team, unsigned index)
{
	return team->members[index].slot;
}

/* One behind a port, and one that is with the primary and not at work. */
size_t team_stations_view(const struct team *team, struct team_station_view *views, size_t n)
{
	views[0] = (struct team_station_view){
		.mac = { { 0x52, 0x54, 0, 0, 0, 1 } },
		.n_vlans = 2,
		.vlans = { 0, 20 },
		.slot = 1,
		.home = 0,
		.port_ifindex = 40,
		.age = 1500 * NSEC_PER_MS,
	};
	views[1] = (struct team_station_view){
		.mac = { { 0x52, 0x54, 0, 0, 0, 2 } },
		.slot = PLACEMENT_NONE,
		.home = PLACEMENT_NONE,
	};
	return 2;
}

uint64_t team_stations_refused(const struct team *team)
{
	return 7;
}

const char *team_state_name(enum team_state state)
{
	static const char *const names[] = { "up", "degraded", "down" };

	return names[state];
}

const char *team_member_state_name(enum team_member_state state)
{
	static const char *const names[] = { "active", "standby", "down", "failed", "disabled" };

	return names[state];
}

const char *team_name(const struct team *team)
{
	return team->config.name;
}

unsigned team_n_members(const struct team *team)
{
	return team->n_members;
}

void team_get_view(struct team *team, struct team_view *view)
{
	*view = team->view;
}

void team_get_member_view(struct team *team, unsigned index, struct team_member_view *view)
{
	*view = team->members[index];
}

int team_find_member(const struct team *team, const char *name)
{
	for (unsigned i = 0; i < team->n_members; i++) {
		if (strcmp(team->config.members[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

size_t team_member_trace(const struct team *team, unsigned index, uint64_t after,
			 struct lacp_trace_entry *entries, size_t n)
{
	size_t filled = 0;

	for (unsigned i = 0; i < team->host->n_transitions && filled < n; i++) {
		if (team->host->trace[i].serial > after)
			entries[filled++] = team->host->trace[i];
	}
	return filled;
}

int team_drain(struct team *team, unsigned index, bool drain, bool force, struct err *e)
{
	unsigned n_carrying = 0;
	struct host_event event = {
		.serial = 1,
		.type = HOST_EVENT_MEMBER,
		.team = team->config.name,
		.member = team->config.members[index].name,
		.from = "active",
		.to = "disabled",
		.reason = "drained",
		.text = "the administrator drained it",
	};

	for (unsigned i = 0; i < team->n_members; i++)
		n_carrying += i != index && !team->members[i].drained;
	if (drain && !n_carrying && !force)
		return err_set(e, -EBUSY, "%s is the last member that carries",
			       team->config.members[index].name);
	team->members[index].drained = drain;
	if (drain)
		fake_host_emit(team->host, &event);
	return 0;
}

static nsec_t boottime(void *unused)
{
	return NSEC_PER_SEC;
}

static uint64_t realtime_us(void *unused)
{
	return 61000000;
}

const struct control_clock fake_clock = { boottime, realtime_us, NULL };
