/* How members get their place in the datapath and leave it. A member that leaves is first out of
 * members[], then out of use for sending, then told of to its partner, and still receives what the
 * partner sent before it knew. */
#include "daemon/host/host-internal.h"
#include "daemon/team/mode.h"
#include "lib/base/log.h"

#include <string.h>

/* How long frames may be on their way to a member that leaves; as a station's old place has it. */
#define LINGER NSEC_PER_SEC

static unsigned number_of(const struct team_slot *slot)
{
	return (unsigned)(slot - slot->team->slots);
}

unsigned team_take_slot(struct team *team)
{
	for (unsigned i = 0; i < PLACEMENT_MEMBERS; i++) {
		if (team->slots[i].state != TEAM_SLOT_FREE)
			continue;
		team->slots[i].state = TEAM_SLOT_TAKEN;
		return i;
	}
	return PLACEMENT_NONE;
}

struct member *team_member_of_slot(const struct team_slot *slot)
{
	return slot->state == TEAM_SLOT_TAKEN ? team_member_in_slot(slot->team, number_of(slot))
					      : NULL;
}

member_set team_leaving(const struct team *team)
{
	member_set leaving = 0;

	for (unsigned i = 0; i < PLACEMENT_MEMBERS; i++)
		if (team->slots[i].state == TEAM_SLOT_LEAVING)
			leaving |= (member_set)1 << i;
	return leaving;
}

bool team_has_leavers(const struct team *team)
{
	for (unsigned i = 0; i < PLACEMENT_MEMBERS; i++)
		if (team->slots[i].state == TEAM_SLOT_LEAVING ||
		    team->slots[i].state == TEAM_SLOT_REMOVING)
			return true;
	return false;
}

static void remove_now(struct team_slot *slot)
{
	slot->state = TEAM_SLOT_REMOVING;
	team_apply_traffic(slot->team);
	member_remove_slot(slot->team, number_of(slot));
}

void team_hurry(struct team *team, int ifindex)
{
	for (unsigned i = 0; i < PLACEMENT_MEMBERS; i++)
		if (team->slots[i].state == TEAM_SLOT_LEAVING && team->slots[i].ifindex == ifindex)
			remove_now(&team->slots[i]);
}

/* Who waits for a slot, when all were taken. */
static void give_slot(struct team *team)
{
	for (unsigned i = 0; i < team->n_members; i++) {
		struct member *member = &team->members[i];

		if (member->slot != PLACEMENT_NONE)
			continue;
		member->slot = team_take_slot(team);
		member_reconcile(member);
		return;
	}
}

void team_slot_is_free(struct team_slot *slot, int r, const struct err *e)
{
	struct team *team = slot->team;

	if (r < 0)
		log_warning("%s: %s", team->config.name, e->text);
	slot->state = TEAM_SLOT_FREE;
	slot->ifindex = 0;
	give_slot(team);
	team->dirty = true;
	team_settle(team);
}

/* The member's way out, by where it stands with the datapath. */
static void begin_to_leave(struct member *member)
{
	struct team *team = member->team;
	struct team_slot *slot = &team->slots[member->slot];

	slot->ifindex = member->ifindex;
	switch (member->attachment) {
	case MEMBER_ABSENT:
		slot->state = TEAM_SLOT_FREE;
		return;
	case MEMBER_ADDING:
		slot->state = TEAM_SLOT_REMOVING;
		member_remove_slot(team, member->slot);
		return;
	case MEMBER_ATTACHED:
		slot->state = TEAM_SLOT_LEAVING;
		slot->remove_due = nsec_add(team_now(team), LINGER);
		/* With the slot in use no more, the leave PDU goes out when nothing is sent. */
		member_leave(member);
		team_apply_traffic(team);
		member_let_go(member);
		return;
	case MEMBER_REMOVING:
		slot->state = TEAM_SLOT_REMOVING;
		return;
	}
}

void team_let_leave(struct team *team, unsigned index)
{
	struct member *member = &team->members[index];

	host_emit(team->host, &(struct host_event){ .type = HOST_EVENT_MEMBER,
						    .team = team->config.name,
						    .member = member->config->name,
						    .reason = "removed",
						    .text = "it leaves the team" });
	if (member->slot != PLACEMENT_NONE)
		begin_to_leave(member);
	if (member->session)
		session_forget(member->session);
	team->n_members--;
	memmove(member, member + 1, (team->n_members - index) * sizeof(*member));
	team->dirty = true;
}

void team_slots_tick(struct team *team, nsec_t now)
{
	for (unsigned i = 0; i < PLACEMENT_MEMBERS && team->phase == TEAM_OPEN; i++)
		if (team->slots[i].state == TEAM_SLOT_LEAVING && now >= team->slots[i].remove_due)
			remove_now(&team->slots[i]);
}

nsec_t team_slots_deadline(const struct team *team)
{
	nsec_t deadline = NSEC_NEVER;

	for (unsigned i = 0; i < PLACEMENT_MEMBERS && team->phase == TEAM_OPEN; i++)
		if (team->slots[i].state == TEAM_SLOT_LEAVING)
			deadline = nsec_min(deadline, team->slots[i].remove_due);
	return deadline;
}
