/* What is known of the way behind a member's link. */
#include "daemon/team/health.h"

#include "daemon/team/health-internal.h"
#include "daemon/team/lifecycle.h"

#include <string.h>

/* Intervals in a row without too many errors, until a member comes back. */
#define ERRORS_CLEAN 3

bool member_is_healthy(const struct member *member)
{
	return !member->health.begun || member->health.healthy;
}

bool member_is_last_resort(const struct member *member)
{
	return member->health.begun && member->health.healthy && !member->health.good;
}

/* An unknown speed is not one that is too low: many virtual devices do not know theirs. */
static bool speed_is_content(const struct member *member, const struct config_monitor *monitor)
{
	bool known = member->settings_known && member->speed_mbps;

	return !known || (member->speed_mbps >= monitor->min_speed_mbps &&
			  (member->full_duplex || !monitor->full_duplex));
}

bool member_monitor_is_content(const struct member *member, unsigned i)
{
	const struct config_monitor *monitor = &member->team->config.monitors[i];

	switch (monitor->type) {
	case CONFIG_MONITOR_CARRIER:
		return member->carrier;
	case CONFIG_MONITOR_ARP:
	case CONFIG_MONITOR_ND:
		return probe_is_good(&member->team->health.probes[i], member->slot);
	case CONFIG_MONITOR_SPEED:
		return speed_is_content(member, monitor);
	case CONFIG_MONITOR_ERRORS:
		return !member->health.errors[i].too_many;
	}
	return true;
}

static bool monitors_are_content(const struct member *member)
{
	const struct config_team *config = &member->team->config;
	unsigned n = 0;

	for (unsigned i = 0; i < config->n_monitors; i++)
		n += member_monitor_is_content(member, i);
	if (config->monitor_policy == CONFIG_MONITOR_ANY && config->n_monitors)
		return n > 0;
	return n == config->n_monitors;
}

/* A failure that is not the link's own is one, too. */
static void look_at(struct member *member, nsec_t now)
{
	struct member_health *health = &member->health;
	bool content = monitors_are_content(member);

	if (health->content && !content)
		(void)damping_failed(&health->damping, now);
	health->content = content;
	health->good = member->carrier && content && !damping_holds(&health->damping);
}

/* One that carries, or would at once. */
static bool is_a_better_one(const struct member *member)
{
	return member->health.begun && member->health.good && member->has_port &&
	       member->link_told && !member->drained;
}

void team_health_settle(struct team *team, const struct member *but)
{
	nsec_t now = team_now(team);
	const struct member *better[2] = {};
	uint32_t changed = 0;

	for (unsigned i = 0; i < team->n_members; i++) {
		struct member *member = &team->members[i];

		if (member->health.begun && member->health.link)
			look_at(member, now);
		if (is_a_better_one(member))
			better[better[0] != NULL] = member;
	}
	for (unsigned i = 0; i < team->n_members; i++) {
		struct member *member = &team->members[i];
		bool healthy =
			member->health.good || !(better[0] && (better[0] != member || better[1]));

		if (member->health.begun && member->health.healthy != healthy && member != but)
			changed |= 1u << i;
		member->health.healthy = healthy;
	}
	for (unsigned i = 0; i < team->n_members; i++)
		if (changed >> i & 1)
			member_health_changed(&team->members[i]);
}

static void begin_errors(struct member *member, nsec_t now)
{
	const struct config_team *config = &member->team->config;

	for (unsigned i = 0; i < CONFIG_MONITORS_MAX; i++) {
		bool watched =
			i < config->n_monitors && config->monitors[i].type == CONFIG_MONITOR_ERRORS;

		member->health.errors[i].due = watched ? now : NSEC_NEVER;
		member->health.errors[i].known = false;
		member->health.errors[i].asked = false;
	}
}

static void end_errors(struct member *member)
{
	for (unsigned i = 0; i < CONFIG_MONITORS_MAX; i++)
		member->health.errors[i].due = NSEC_NEVER;
}

static void note_link(struct member *member, bool up)
{
	struct member_health *health = &member->health;
	nsec_t now = team_now(member->team);

	health->link = up;
	if (!up)
		(void)damping_failed(&health->damping, now);
	if (up)
		begin_errors(member, now);
	else
		end_errors(member);
	member_probes_link(member, up);
	/* That monitors are not content yet is no failure. */
	health->content = up && monitors_are_content(member);
	health->good = up && health->content && !damping_holds(&health->damping);
}

void member_health_begin(struct member *member)
{
	const struct config_damping *damping = &member->team->config.damping;
	const struct damping_config config = {
		.flaps = damping->flaps,
		.period = damping->period_ms * NSEC_PER_MS,
		.hold = damping->hold_down_ms * NSEC_PER_MS,
		.hold_max = damping->hold_down_max_ms * NSEC_PER_MS,
	};

	member->health = (struct member_health){ .begun = true, .healthy = true };
	damping_init(&member->health.damping, &config);
	end_errors(member);
	team_probes_prepare(member->team);
	member_probes_join(member);
	if (!member->carrier)
		return;
	note_link(member, true);
	/* It may have been kept out by what counts no more. */
	if (!member->link_told)
		member_health_changed(member);
}

void member_health_end(struct member *member)
{
	if (!member->health.begun)
		return;
	member_probes_link(member, false);
	member_probes_leave(member);
	member->health = (struct member_health){};
	team_health_settle(member->team, member);
}

void member_health_link(struct member *member)
{
	if (!member->health.begun)
		return;
	if (member->health.link != member->carrier)
		note_link(member, member->carrier);
	team_health_settle(member->team, member);
}

static void ask_for_errors(struct member *member, nsec_t now)
{
	const struct config_team *config = &member->team->config;
	struct world *world = member->team->world;

	for (unsigned i = 0; i < config->n_monitors; i++) {
		struct errors_watch *watch = &member->health.errors[i];

		if (now < watch->due)
			continue;
		watch->due = nsec_add(now, config->monitors[i].interval_ms * NSEC_PER_MS);
		watch->asked = true;
		world->ops->errors_ask(world, member->ifindex);
	}
}

void member_health_tick(struct member *member, nsec_t now)
{
	bool changed;

	if (!member->health.begun)
		return;
	changed = damping_tick(&member->health.damping, now);
	changed |= team_probes_tick(member->team, now);
	ask_for_errors(member, now);
	if (!changed)
		return;
	member->team->dirty = true;
	team_health_settle(member->team, NULL);
}

nsec_t member_health_deadline(const struct member *member)
{
	nsec_t deadline;

	if (!member->health.begun)
		return NSEC_NEVER;
	deadline = nsec_min(damping_deadline(&member->health.damping),
			    team_probes_deadline(member->team));
	for (unsigned i = 0; i < CONFIG_MONITORS_MAX; i++)
		deadline = nsec_min(deadline, member->health.errors[i].due);
	return deadline;
}

/* True: it has become another matter than before. */
static bool take_errors(struct errors_watch *watch, const struct config_monitor *monitor,
			uint64_t errors)
{
	uint64_t n = watch->known && errors > watch->count ? errors - watch->count : 0;
	bool before = watch->too_many;

	watch->asked = false;
	watch->known = true;
	watch->count = errors;
	if (n > monitor->errors_max) {
		watch->too_many = true;
		watch->last = n;
		watch->clean = 0;
	} else if (watch->too_many && ++watch->clean >= ERRORS_CLEAN) {
		watch->too_many = false;
	}
	return watch->too_many != before;
}

static struct member *find_member(struct team *team, int ifindex)
{
	for (unsigned i = 0; i < team->n_members; i++)
		if (team->members[i].ifindex == ifindex)
			return &team->members[i];
	return NULL;
}

bool team_member_errors(struct team *team, int ifindex, uint64_t errors)
{
	struct member *member = find_member(team, ifindex);
	bool changed = false;

	if (!member || !member->health.link)
		return member != NULL;
	for (unsigned i = 0; i < team->config.n_monitors; i++)
		if (member->health.errors[i].asked)
			changed |= take_errors(&member->health.errors[i], &team->config.monitors[i],
					       errors);
	if (!changed)
		return true;
	team->dirty = true;
	team_health_settle(team, NULL);
	team_settle(team);
	return true;
}
