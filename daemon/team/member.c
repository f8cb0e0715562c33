#include "daemon/team/member.h"

#include "daemon/team/mode.h"
#include "lib/base/log.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* How long until a device that was refused is tried again, if nothing is heard of it before. */
#define RETRY_DELAY (10 * NSEC_PER_SEC)

/* How often to ask whether a loss that the kernel never told is over. */
#define ASK_DELAY NSEC_PER_SEC

static const struct datapath_ops *device_ops(const struct member *member)
{
	return member->team->device->ops;
}

static void log_member(enum log_level level, const struct member *member, const char *text)
{
	log_write(level,
		  &(struct log_fields){ .team = member->team->config.name,
					.member = member->config->name },
		  "%s", text);
}

struct member *team_member_of_device(struct team *team, int ifindex)
{
	const struct link *link = team->world->ops->link_by_index(team->world, ifindex);
	int index;

	for (unsigned i = 0; i < team->n_members; i++) {
		struct session_data data;

		if (team->members[i].session && session_load(team->members[i].session, &data) &&
		    data.ifindex == ifindex)
			return &team->members[i];
	}
	index = link ? team_find_member(team, link->name) : -1;
	return index < 0 ? NULL : &team->members[index];
}

/* The device that the member should have now, 0 for none. */
static int wanted_device(const struct member *member)
{
	struct team *team = member->team;
	struct world *world = team->world;
	const struct link *link;

	if (team->phase != TEAM_OPEN || member->config->disabled)
		return 0;
	/* A device that was renamed stays what it is. */
	if (member->ifindex && world->ops->link_by_index(world, member->ifindex))
		return member->ifindex;
	link = world->ops->link_by_name(world, member->config->name);
	if (!link)
		return 0;
	for (unsigned i = 0; i < team->n_members; i++)
		if (team->members[i].ifindex == link->ifindex)
			return 0;
	return link->ifindex;
}

/* A LACP partner would go on sending to a member that has a link and is not used: it is told to
 * stop, and the port begins anew, as one whose link is down. */
static void say_goodbye(struct member *member)
{
	struct team *team = member->team;

	if (team->config.mode != CONFIG_MODE_LACP)
		return;
	team->mode->port_remove(member);
	member->has_port = false;
	team->mode->drain_actions(team);
	member->collecting = false;
	member->distributing = false;
	team->mode->port_add(member);
	member->has_port = true;
}

/* Tells the mode of the link as it is now. */
static void tell_link(struct member *member)
{
	bool up = member->carrier && member->settings_known && member_is_healthy(member);

	member->link_due = NSEC_NEVER;
	if (!member->has_port)
		return;
	if (member->link_told && member->carrier && !member_is_healthy(member))
		say_goodbye(member);
	member->team->mode->port_link(member, up);
	member->team->dirty = true;
	if (member->link_told == up)
		return;
	member->link_told = up;
	/* Who is in use decides whether others can be done without. */
	team_health_settle(member->team, member);
}

/* Also where the word does not have the bit: what is there may be old. */
static void hide_carrier(struct member *member)
{
	member->carrier_shown = false;
	device_ops(member)->carrier(member->team->device, member->slot, false);
}

/* How long the mode is not told yet. What a monitor found took its time already, and where nobody
 * else is there is nothing to wait for. */
static nsec_t delay_of(const struct member *member, bool up)
{
	const struct config_team *config = &member->team->config;

	if (up ? member_is_last_resort(member) : member->carrier && !member_is_healthy(member))
		return 0;
	return (up ? config->up_delay_ms : config->down_delay_ms) * NSEC_PER_MS;
}

/* Has the mode told, now or later, if it takes the link for something else than it is. */
static void follow_health(struct member *member)
{
	bool known = member->carrier && member->settings_known && member_is_healthy(member);
	nsec_t now = team_now(member->team), due = nsec_add(now, delay_of(member, known));

	if (known == member->link_told) {
		/* Perhaps another speed; nothing if nothing changed. */
		if (known)
			tell_link(member);
		member->link_due = NSEC_NEVER;
		return;
	}
	member->link_due = nsec_min(member->link_due, due);
	if (member->link_due <= now)
		tell_link(member);
}

/* The carrier bit of a link that is lost follows at once, of one that is back when the buckets are
 * on hold (team_apply_traffic); the mode after the delay that the configuration gives. */
static void set_carrier(struct member *member, bool up)
{
	if (member->carrier != up) {
		member->carrier = up;
		member->team->dirty = true;
		if (!up)
			hide_carrier(member);
	}
	member_health_link(member);
	follow_health(member);
}

void member_health_changed(struct member *member)
{
	if (member->attachment != MEMBER_ATTACHED)
		return;
	member->team->dirty = true;
	follow_health(member);
}

/* What the kernel says of the carrier, unless the carrier sense knows better. */
static bool believed_carrier(struct member *member, const struct link *link)
{
	bool up = link->up && link->carrier;

	if (!member->lost_by_question)
		return up;
	if (up && link->carrier_up_count == member->lost_up_count)
		return false;
	member->lost_by_question = false;
	member->ask_due = NSEC_NEVER;
	return up;
}

/* Our programs see a member's frames before a bridge does, so nothing breaks; but nothing works
 * either as whoever did this meant it to. */
static void note_master(struct member *member, const struct link *link)
{
	struct world *world = member->team->world;
	const struct link *master =
		link->master ? world->ops->link_by_index(world, link->master) : NULL;
	char text[160];

	if (link->master == member->master)
		return;
	member->master = link->master;
	/* The kernel's team driver does so itself. */
	if (!link->master || link->master == member->team->ifindex)
		return;
	(void)snprintf(text, sizeof(text),
		       "it was put into %s while it is a member of %s, and stays a member: "
		       "take it out of one of them",
		       master ? master->name : "another device", member->team->config.name);
	log_member(LOG_LEVEL_WARNING, member, text);
}

static void note_address(struct member *member, const struct mac *mac)
{
	const struct datapath_ops *ops = device_ops(member);

	if (ops->member_address && !mac_equal(&member->mac, mac))
		ops->member_address(member->team->device, member->slot, mac);
	member->mac = *mac;
}

static void follow_link(struct member *member, const struct link *link)
{
	note_master(member, link);
	note_address(member, &link->mac);
	member->settings_known = link->settings_known;
	if (link->settings_known) {
		member->speed_mbps = link->speed_mbps;
		member->full_duplex = link->full_duplex;
	}
	set_carrier(member, believed_carrier(member, link));
	member->carrier_up_count = link->carrier_up_count;
	member->carrier_down_count = link->carrier_down_count;
}

static void watch(struct member *member)
{
	struct team *team = member->team;

	if (!member->joined)
		team->world->ops->slow_join(team->world, member->ifindex,
					    team->device->ops->slow_frames_at_member);
	if (!member->joined)
		member_health_begin(member);
	member->joined = true;
	if (!member->watched)
		team->world->ops->carrier_watch(team->world, member->ifindex,
						team->device->ops->carrier_word(team->device),
						member->slot, false);
	member->watched = true;
	member->watched_carrying = false;
}

void member_let_go(struct member *member)
{
	struct world *world = member->team->world;

	if (member->watched)
		world->ops->carrier_unwatch(world, member->ifindex);
	if (member->joined) {
		member_health_end(member);
		world->ops->slow_leave(world, member->ifindex);
	}
	member->watched = false;
	member->joined = false;
}

static void refused(struct member *member, const struct err *e)
{
	if (strcmp(member->refusal, e->text) != 0)
		log_member(LOG_LEVEL_ERROR, member, e->text);
	(void)snprintf(member->refusal, sizeof(member->refusal), "%s", e->text);
	member_leave(member);
	member->attachment = MEMBER_ABSENT;
	member->ifindex = 0;
	member->carrier = false;
	member->carrier_shown = false;
	member->retry_due = nsec_add(team_now(member->team), RETRY_DELAY);
}

static bool is_hindered(const struct member *member)
{
	return member->hindrance[0] || member->team->hindrance[0];
}

/* A member that others keep from working has no port with the mode: or a LACP partner went on
 * sending to it. */
static void join(struct member *member, const struct link *link)
{
	struct team *team = member->team;

	if (!member->has_port && !is_hindered(member)) {
		member->speed_mbps = link->settings_known ? link->speed_mbps : 0;
		team->mode->port_add(member);
		member->has_port = true;
		member->link_told = false;
	}
	follow_link(member, link);
}

void member_hindered(struct member *member)
{
	struct world *world = member->team->world;
	const struct link *link = world->ops->link_by_index(world, member->ifindex);

	if (is_hindered(member))
		member_leave(member);
	else if (link && member->attachment == MEMBER_ATTACHED && member->team->phase == TEAM_OPEN)
		join(member, link);
}

static void member_added(void *userdata, int r, const struct err *e)
{
	struct member *member = userdata;
	struct team *team = member->team;
	const struct link *link;

	team->dirty = true;
	if (r < 0) {
		refused(member, e);
		team_settle(team);
		return;
	}
	member->attachment = MEMBER_ATTACHED;
	member->refusal[0] = '\0';
	member->hindrance[0] = '\0';
	link = team->world->ops->link_by_index(team->world, member->ifindex);
	if (link && team->phase == TEAM_OPEN) {
		watch(member);
		join(member, link);
	}
	member_reconcile(member);
	team_settle(team);
}

static void member_removed(void *userdata, int r, const struct err *e)
{
	struct member *member = userdata;

	if (r < 0)
		log_member(LOG_LEVEL_WARNING, member, e->text);
	member->attachment = MEMBER_ABSENT;
	member->ifindex = 0;
	member->team->dirty = true;
	member_reconcile(member);
	team_settle(member->team);
}

void member_leave(struct member *member)
{
	struct team *team = member->team;

	if (!member->has_port)
		return;
	team->mode->port_remove(member);
	member->has_port = false;
	member->link_told = false;
	member->link_due = NSEC_NEVER;
	team->mode->drain_actions(team);
	member->collecting = false;
	member->distributing = false;
	team->dirty = true;
}

static void detach(struct member *member)
{
	struct team *team = member->team;

	member_leave(member);
	team_apply_traffic(team);
	member_let_go(member);
	member->carrier = false;
	member->carrier_shown = false;
	member->lost_by_question = false;
	member->ask_due = NSEC_NEVER;
	member->attachment = MEMBER_REMOVING;
	team->device->ops->member_remove(team->device, member->slot, member_removed, member);
}

static void attach(struct member *member, int ifindex)
{
	struct team *team = member->team;
	const struct link *link = team->world->ops->link_by_index(team->world, ifindex);
	struct datapath_member_spec spec = { .ifindex = ifindex };

	assert(team->device && link);
	memcpy(spec.name, link->name, sizeof(spec.name));
	member->ifindex = ifindex;
	member->mac = link->mac;
	member->attachment = MEMBER_ADDING;
	member->retry_due = NSEC_NEVER;
	team->device->ops->member_add(team->device, member->slot, &spec, member_added, member);
}

void member_reconcile(struct member *member)
{
	int wanted = wanted_device(member);

	/* While the team is deleted the datapath sets the devices free itself. */
	if (member->team->phase != TEAM_OPEN)
		return;
	switch (member->attachment) {
	case MEMBER_ADDING:
	case MEMBER_REMOVING:
		return;
	case MEMBER_ABSENT:
		if (wanted && member->retry_due == NSEC_NEVER)
			attach(member, wanted);
		return;
	case MEMBER_ATTACHED:
		if (wanted != member->ifindex)
			detach(member);
		return;
	}
}

void member_link_changed(struct member *member, const struct link *link)
{
	if (link && member->attachment == MEMBER_ATTACHED)
		follow_link(member, link);
	if (!link && member->team->device)
		set_carrier(member, false);
	member_reconcile(member);
}

void member_carrier_lost(struct member *member)
{
	/* Also of a member that is adopted and has not been gone through yet. */
	if (!member->carrier)
		return;
	member->lost_by_question = true;
	member->lost_up_count = member->carrier_up_count;
	member->ask_due = nsec_add(team_now(member->team), ASK_DELAY);
	set_carrier(member, false);
}

void member_carrier_answer(struct member *member, bool up)
{
	const struct link *link =
		member->team->world->ops->link_by_index(member->team->world, member->ifindex);

	if (!member->lost_by_question || !link || member->attachment != MEMBER_ATTACHED)
		return;
	if (!up) {
		member->ask_due = nsec_add(team_now(member->team), ASK_DELAY);
		return;
	}
	member->lost_by_question = false;
	member->ask_due = NSEC_NEVER;
	follow_link(member, link);
}

void member_adopt(struct member *member, int ifindex)
{
	struct team *team = member->team;
	const struct link *link = team->world->ops->link_by_index(team->world, ifindex);
	struct session_data data = {};
	const char *why;
	char text[128];

	member->ifindex = ifindex;
	if (!link) {
		member->attachment = MEMBER_ATTACHED; /* So that it is taken out. */
		return;
	}
	member->mac = link->mac;
	member->carrier_up_count = link->carrier_up_count;
	member->carrier_down_count = link->carrier_down_count;
	if (member->session)
		(void)session_load(member->session, &data);
	if (team->mode->port_adopt(member, link, &data, &why)) {
		log_member(LOG_LEVEL_INFO, member, team->mode->goes_on);
		return;
	}
	(void)snprintf(text, sizeof(text), "%s: %s", team->mode->begins_anew, why);
	log_member(LOG_LEVEL_INFO, member, text);
}

void member_tick(struct member *member, nsec_t now)
{
	struct world *world = member->team->world;

	member_health_tick(member, now);
	if (now >= member->link_due)
		tell_link(member);
	if (now >= member->ask_due) {
		member->ask_due = NSEC_NEVER;
		world->ops->carrier_ask(world, member->ifindex);
	}
	if (now >= member->retry_due) {
		member->retry_due = NSEC_NEVER;
		member_reconcile(member);
	}
}

nsec_t member_deadline(const struct member *member)
{
	nsec_t deadline = nsec_min(member->link_due, nsec_min(member->ask_due, member->retry_due));

	return nsec_min(deadline, member_health_deadline(member));
}

void member_save(struct member *member)
{
	struct session_data data = {};

	if (!member->session)
		return;
	memcpy(data.team, member->team->config.name, sizeof(data.team));
	memcpy(data.member, member->config->name, sizeof(data.member));
	data.saved = true;
	data.drained = member->drained;
	data.ifindex = member->ifindex;
	data.mac = member->mac;
	data.carrier_up_count = member->carrier_up_count;
	data.carrier_down_count = member->carrier_down_count;
	data.speed_mbps = member->speed_mbps;
	mode_port_save(member, &data);
	session_save(member->session, &data);
}
