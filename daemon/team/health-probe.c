/* Monitors that ask targets: what the pure core decides, on the wire. */
#include "daemon/team/health-internal.h"
#include "daemon/team/lifecycle.h"
#include "lib/wire/probe.h"

#include <string.h>

static struct probe_address address_of(const struct config_address *target)
{
	struct probe_address address = { .v6 = target->v6 };

	memcpy(address.bytes, target->bytes, sizeof(address.bytes));
	return address;
}

void team_probes_prepare(struct team *team)
{
	struct team_health *health = &team->health;
	const struct config_team *config = &team->config;

	if (health->n_monitors == config->n_monitors &&
	    config_same_monitors(health->monitors, config->monitors, config->n_monitors))
		return;
	health->n_monitors = config->n_monitors;
	memcpy(health->monitors, config->monitors, sizeof(health->monitors));
	for (unsigned i = 0; i < config->n_monitors; i++) {
		const struct config_monitor *monitor = &config->monitors[i];

		probe_init(&health->probes[i],
			   &(struct probe_config){
				   .n_targets = monitor->n_targets,
				   .interval = monitor->interval_ms * NSEC_PER_MS,
				   .missed_max = monitor->missed_max,
			   });
	}
}

void member_probes_join(struct member *member)
{
	struct probe_address targets[PROBE_TARGETS_MAX];
	const struct team_health *health = &member->team->health;
	struct world *world = member->team->world;
	size_t n = 0;

	for (unsigned i = 0; i < health->n_monitors; i++)
		for (unsigned t = 0; health_asks(&health->monitors[i]) &&
				     t < health->monitors[i].n_targets && n < PROBE_TARGETS_MAX;
		     t++)
			targets[n++] = address_of(&health->monitors[i].targets[t]);
	if (n)
		world->ops->probe_join(world, member->ifindex, targets, n);
}

void member_probes_leave(struct member *member)
{
	const struct team_health *health = &member->team->health;
	struct world *world = member->team->world;

	for (unsigned i = 0; i < health->n_monitors; i++)
		if (health_asks(&health->monitors[i])) {
			world->ops->probe_leave(world, member->ifindex);
			return;
		}
}

void member_probes_link(struct member *member, bool up)
{
	struct team_health *health = &member->team->health;
	nsec_t now = team_now(member->team);

	for (unsigned i = 0; i < health->n_monitors; i++) {
		if (!health_asks(&health->monitors[i]) || member->slot >= PROBE_MEMBERS)
			continue;
		if (up)
			probe_member_up(&health->probes[i], member->slot, member->link_told, now);
		else
			probe_member_down(&health->probes[i], member->slot);
	}
}

/* It leaves under the member's own address, so that no switch takes the team's for being here, and
 * with no IP address of ours: a target that learned one with the member's address would send there.
 */
static void ask(struct team *team, const struct config_monitor *monitor,
		const struct probe_question *question)
{
	const struct member *member = team_member_in_slot(team, question->slot);
	struct probe_request request = {
		.target = address_of(&monitor->targets[question->target]),
		.destination = question->mac,
		.vlan = monitor->vlan,
	};
	uint8_t frame[PROBE_FRAME_MAX];
	size_t size;

	if (!member)
		return;
	request.source = member->mac;
	size = probe_build(&request, frame);
	/* What cannot be sent is not answered: that is what is looked for. */
	(void)team->world->ops->frame_send(team->world, member->ifindex,
					   (struct span){ frame, size });
}

bool team_probes_tick(struct team *team, nsec_t now)
{
	struct team_health *health = &team->health;
	uint32_t changed = 0;

	for (unsigned i = 0; i < health->n_monitors; i++) {
		struct probe_question question;
		bool was_silent = probe_is_silent(&health->probes[i]);

		if (!health_asks(&health->monitors[i]) || now < probe_deadline(&health->probes[i]))
			continue;
		changed |= probe_tick(&health->probes[i], now);
		changed |= was_silent != probe_is_silent(&health->probes[i]);
		while (probe_next_question(&health->probes[i], &question))
			ask(team, &health->monitors[i], &question);
	}
	return changed;
}

nsec_t team_probes_deadline(const struct team *team)
{
	nsec_t deadline = NSEC_NEVER;

	for (unsigned i = 0; i < team->health.n_monitors; i++)
		if (health_asks(&team->health.monitors[i]))
			deadline = nsec_min(deadline, probe_deadline(&team->health.probes[i]));
	return deadline;
}

/* Which of the monitor's targets it is; negative: none. */
static int find_target(const struct config_monitor *monitor, const struct probe_answer *answer)
{
	if (!health_asks(monitor) || monitor->vlan != answer->vlan)
		return -1;
	for (unsigned t = 0; t < monitor->n_targets; t++) {
		struct probe_address target = address_of(&monitor->targets[t]);

		if (probe_address_equal(&target, &answer->target))
			return (int)t;
	}
	return -1;
}

/* A target that we are ourselves proves nothing: a question that leaves by one member may come back
 * by another, and is answered by the host. */
static bool is_our_own(const struct team *team, const struct mac *mac)
{
	for (unsigned i = 0; i < team->n_members; i++)
		if (team->members[i].ifindex && mac_equal(&team->members[i].mac, mac))
			return true;
	return mac_equal(&team->mac, mac);
}

/* True: its state changed. */
static bool take_answer(struct member *member, const struct probe_answer *answer)
{
	struct team_health *health = &member->team->health;
	nsec_t now = team_now(member->team);
	bool changed = false;

	/* An answer to another member's question may be flooded to this one. */
	if (!mac_equal(&answer->destination, &member->mac) || member->slot >= PROBE_MEMBERS ||
	    is_our_own(member->team, &answer->mac))
		return false;
	for (unsigned i = 0; i < health->n_monitors; i++) {
		struct probe *probe = &health->probes[i];
		int target = find_target(&health->monitors[i], answer);
		bool was_silent = probe_is_silent(probe);

		if (target < 0)
			continue;
		changed |= probe_answered(probe, member->slot, (unsigned)target, &answer->mac, now);
		changed |= was_silent;
	}
	return changed;
}

bool team_probe_frame(struct team *team, int ifindex, struct span frame)
{
	struct probe_answer answer;

	for (unsigned i = 0; i < team->n_members; i++) {
		struct member *member = &team->members[i];

		if (member->ifindex != ifindex)
			continue;
		if (member->health.begun && probe_parse(frame, &answer) &&
		    take_answer(member, &answer)) {
			team->dirty = true;
			team_health_settle(team, NULL);
			team_settle(team);
		}
		return true;
	}
	return false;
}
