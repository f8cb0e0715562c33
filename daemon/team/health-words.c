/* What monitors found, for a person. */
#include "daemon/team/health-internal.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

struct words {
	char text[400];
};

static void add(struct words *words, const char *separator, const char *text)
{
	size_t at = strlen(words->text);

	(void)snprintf(words->text + at, sizeof(words->text) - at, "%s%s", separator, text);
}

/* "none of 10.0.0.1, 10.0.0.2 in VLAN 7 has", for "answered". */
static struct words nobody_of(const struct config_monitor *monitor)
{
	bool several = monitor->n_targets > 1;
	struct words words = {};

	for (unsigned t = 0; t < monitor->n_targets; t++) {
		const struct config_address *target = &monitor->targets[t];
		char text[INET6_ADDRSTRLEN];

		if (inet_ntop(target->v6 ? AF_INET6 : AF_INET, target->bytes, text, sizeof(text)))
			add(&words, t ? ", " : several ? "none of " : "", text);
	}
	if (monitor->vlan) {
		char text[32];

		(void)snprintf(text, sizeof(text), " in VLAN %u", monitor->vlan);
		add(&words, "", text);
	}
	add(&words, "", several ? " has" : " has not");
	return words;
}

static unsigned seconds_until(const struct member *member, nsec_t when)
{
	return (unsigned)(nsec_since(team_now(member->team), when) / NSEC_PER_SEC + 1);
}

static void judge_damping(const struct member *member, struct verdict *verdict)
{
	const struct damping *damping = &member->health.damping;

	verdict_set(verdict, TEAM_MEMBER_FAILED, "flapping",
		    "it failed %u times within %u s; it stays out for %u s more", damping->reason,
		    (unsigned)(damping->config.period / NSEC_PER_SEC),
		    seconds_until(member, damping->until));
}

static void judge_probe(const struct member *member, unsigned i, struct verdict *verdict)
{
	const struct config_monitor *monitor = &member->team->config.monitors[i];
	const struct probe *probe = &member->team->health.probes[i];
	const struct probe_member *state = &probe->members[member->slot];
	struct words nobody = nobody_of(monitor);

	if (state->state == PROBE_UNPROVEN)
		verdict_set(verdict, TEAM_MEMBER_DOWN, "probe-unanswered",
			    "its link is up, but %s answered on it twice in a row yet",
			    nobody.text);
	else if (state->heard)
		verdict_set(verdict, TEAM_MEMBER_FAILED, "probe-unanswered",
			    "%s answered on it for %llu ms, while other members were answered",
			    nobody.text,
			    (unsigned long long)(nsec_since(state->heard, team_now(member->team)) /
						 NSEC_PER_MS));
	else
		verdict_set(verdict, TEAM_MEMBER_FAILED, "probe-unanswered",
			    "%s answered on it since its link is up, while other members were "
			    "answered",
			    nobody.text);
}

static void judge_speed(const struct member *member, unsigned i, struct verdict *verdict)
{
	const struct config_monitor *monitor = &member->team->config.monitors[i];

	if (member->speed_mbps < monitor->min_speed_mbps)
		verdict_set(verdict, TEAM_MEMBER_FAILED, "too-slow",
			    "its link has %u Mb/s, and min_speed_mbps of its monitor is %u",
			    member->speed_mbps, monitor->min_speed_mbps);
	else
		verdict_set(verdict, TEAM_MEMBER_FAILED, "half-duplex",
			    "its link is half duplex, and its monitor wants full_duplex");
}

static void judge_errors(const struct member *member, unsigned i, struct verdict *verdict)
{
	const struct config_monitor *monitor = &member->team->config.monitors[i];

	verdict_set(verdict, TEAM_MEMBER_FAILED, "errors",
		    "it received %llu frames with errors within %u ms, and errors_max is %u: look "
		    "at the cable, the transceiver and the other end's port; it comes back after "
		    "three intervals with fewer",
		    (unsigned long long)member->health.errors[i].last, monitor->interval_ms,
		    monitor->errors_max);
}

static void judge_monitor(const struct member *member, unsigned i, struct verdict *verdict)
{
	switch (member->team->config.monitors[i].type) {
	case CONFIG_MONITOR_CARRIER:
		return;
	case CONFIG_MONITOR_ARP:
	case CONFIG_MONITOR_ND:
		judge_probe(member, i, verdict);
		return;
	case CONFIG_MONITOR_SPEED:
		judge_speed(member, i, verdict);
		return;
	case CONFIG_MONITOR_ERRORS:
		judge_errors(member, i, verdict);
		return;
	}
}

static void judge_badness(const struct member *member, struct verdict *verdict)
{
	if (damping_holds(&member->health.damping)) {
		judge_damping(member, verdict);
		return;
	}
	for (unsigned i = 0; i < member->team->config.n_monitors; i++)
		if (!member_monitor_is_content(member, i)) {
			judge_monitor(member, i, verdict);
			return;
		}
}

/* It is used all the same; what is wrong with it has to be said. */
static bool judge_last_resort(const struct member *member, struct verdict *verdict)
{
	char why[LACP_EXPLANATION_SIZE];

	if (!member->distributing)
		return false;
	judge_badness(member, verdict);
	memcpy(why, verdict->explanation, sizeof(why));
	verdict_set(verdict, TEAM_MEMBER_ACTIVE, verdict->reason,
		    "it carries for want of a better one: %s", why);
	return true;
}

static bool judge_silence(const struct member *member, struct verdict *verdict)
{
	const struct team_health *health = &member->team->health;

	for (unsigned i = 0; member->distributing && i < health->n_monitors; i++) {
		if (!health_asks(&health->monitors[i]) || !probe_is_silent(&health->probes[i]))
			continue;
		verdict_set(verdict, TEAM_MEMBER_ACTIVE, "probe-silent",
			    "%s answered on any member of late: that tells nothing of the members, "
			    "and none is taken out for it; see whether the targets are right",
			    nobody_of(&health->monitors[i]).text);
		return true;
	}
	return false;
}

bool member_health_judge(const struct member *member, struct verdict *verdict)
{
	if (!member->health.begun || !member->health.link)
		return false;
	if (member_is_last_resort(member))
		return judge_last_resort(member, verdict);
	if (member_is_healthy(member))
		return judge_silence(member, verdict);
	judge_badness(member, verdict);
	return true;
}
