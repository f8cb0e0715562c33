/* Tells the switches and neighbours on which member an address is now. */
#include "daemon/team/stations-internal.h"
#include "lib/wire/announce.h"

#include <string.h>

static void read_addresses(struct team *team)
{
	struct team_stations *stations = team->stations;

	if (stations->addresses_known)
		return;
	stations->addresses_known = true;
	stations->n_addresses = 0;
	if (team->world->ops->addresses)
		stations->n_addresses = team->world->ops->addresses(
			team->world, team->ifindex, stations->addresses, ANNOUNCER_ADDRESSES);
}

static struct announcement of_address(const struct host_address *address, uint8_t slot)
{
	struct announcement announcement = {
		.kind = address->v6 ? ANNOUNCE_IPV6 : ANNOUNCE_IPV4,
		.mac = address->mac,
		.vlan = address->vlan,
		.slot = slot,
		.router = address->router,
	};

	memcpy(announcement.ip, address->bytes, address->v6 ? 16 : 4);
	return announcement;
}

/* The IP addresses that belong to 'mac'. */
static void add_addresses(struct team *team, const struct mac *mac, uint8_t slot)
{
	struct team_stations *stations = team->stations;

	read_addresses(team);
	for (size_t i = 0; i < stations->n_addresses; i++) {
		struct announcement announcement;

		if (!mac_equal(&stations->addresses[i].mac, mac))
			continue;
		announcement = of_address(&stations->addresses[i], slot);
		announce_add(stations->announce, &announcement, team_now(team));
	}
}

void announcer_moved(struct team *team, const struct stations_action *action)
{
	struct announcement announcement = { .mac = action->mac, .slot = action->slot };

	for (unsigned i = 0; i < action->n_vlans; i++) {
		announcement.vlan = action->vlans[i];
		announce_add(team->stations->announce, &announcement, team_now(team));
	}
	add_addresses(team, &action->mac, action->slot);
}

void announcer_primary(struct team *team, uint8_t slot)
{
	struct announcement announcement = { .mac = team->mac, .slot = slot };

	announce_add(team->stations->announce, &announcement, team_now(team));
	add_addresses(team, &team->mac, slot);
}

void announcer_refresh(struct team *team, const struct stations_action *action)
{
	struct announcement announcement = { .mac = action->mac, .slot = action->slot };

	for (unsigned i = 0; i < action->n_vlans; i++) {
		announcement.vlan = action->vlans[i];
		announce_refresh(team->stations->announce, &announcement, team_now(team));
	}
}

/* A switch remembers an address for each VLAN. */
void announcer_refresh_own(struct team *team, uint8_t slot)
{
	struct team_stations *stations = team->stations;
	struct announcement announcement = { .mac = team->mac, .slot = slot };

	announce_refresh(stations->announce, &announcement, team_now(team));
	read_addresses(team);
	for (size_t i = 0; i < stations->n_addresses; i++) {
		if (!mac_equal(&stations->addresses[i].mac, &team->mac))
			continue;
		announcement.vlan = stations->addresses[i].vlan;
		announce_refresh(stations->announce, &announcement, team_now(team));
	}
}

static size_t build(const struct announcement *announcement,
		    uint8_t frame[static ANNOUNCE_FRAME_SIZE])
{
	switch (announcement->kind) {
	case ANNOUNCE_MAC:
		return announce_frame_rarp(frame, &announcement->mac, announcement->vlan);
	case ANNOUNCE_IPV4:
		return announce_frame_arp(frame, &announcement->mac, announcement->vlan,
					  announcement->ip);
	case ANNOUNCE_IPV6:
		return announce_frame_na(frame, &announcement->mac, announcement->vlan,
					 announcement->ip, announcement->router);
	}
	return 0;
}

static void send_frame(struct team *team, const struct announcement *announcement)
{
	const struct member *member = team_member_in_slot(team, announcement->slot);
	const struct datapath_ops *ops = team->device->ops;
	uint8_t frame[ANNOUNCE_FRAME_SIZE];
	struct span span = { frame, build(announcement, frame) };

	if (!member || !member->ifindex || !team->world->ops->frame_send)
		return;
	/* Or the copy that comes back by another member would be believed. */
	if (ops->station_announced)
		ops->station_announced(team->device, &announcement->mac);
	/* It is repeated, as it may also be lost on its way. */
	(void)team->world->ops->frame_send(team->world, member->ifindex, span);
}

void announcer_send(struct team *team)
{
	struct announcement announcement;

	while (announce_next(team->stations->announce, team_now(team), &announcement))
		send_frame(team, &announcement);
}
