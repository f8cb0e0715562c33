#include "tests/sim/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct mac someone = { { 0x02, 0, 0, 0xff, 0, 1 } };

void world_init(struct world *world, uint64_t seed)
{
	memset(world, 0, sizeof(*world));
	world->now = 1000 * NSEC_PER_SEC;
	world->seed = seed * 0x9e3779b97f4a7c15 + 1;
	world->weather.delay_min = world->weather.delay_max = 100 * NSEC_PER_US;
}

void world_fini(struct world *world)
{
	for (unsigned i = 0; i < WORLD_SYSTEMS; i++)
		lacp_free(world->systems[i].lacp);
}

void world_fail(struct world *world, const char *format, ...)
{
	va_list args;

	if (world->failure[0])
		return;
	va_start(args, format);
	(void)vsnprintf(world->failure, sizeof(world->failure), format, args);
	va_end(args);
}

unsigned world_random(struct world *world, unsigned n)
{
	world->seed ^= world->seed << 13;
	world->seed ^= world->seed >> 7;
	world->seed ^= world->seed << 17;
	return (unsigned)((world->seed >> 32) * n >> 32);
}

/* No second of a port's life holds more than three LACPDUs, across restarts too. */
static void check_pace(struct world *world, unsigned system, unsigned slot)
{
	struct plug *plug = &world->systems[system].plugs[slot];
	uint64_t n = plug->n_sent++;

	plug->sent[n % WORLD_HISTORY] = world->now;
	if (n >= LACP_TRANSMIT_LIMIT &&
	    world->now - plug->sent[(n - LACP_TRANSMIT_LIMIT) % WORLD_HISTORY] < NSEC_PER_SEC)
		world_fail(world, "%c%u sent a fourth LACPDU within a second", 'a' + (int)system,
			   slot + 1);
}

/* What a LACPDU says of us must already have been told to who carries it out. */
static void check_told(struct world *world, unsigned system, unsigned slot,
		       const struct lacpdu *pdu)
{
	const struct plug *plug = &world->systems[system].plugs[slot];
	uint8_t state = pdu->actor.state;
	bool collecting = state & LACP_STATE_COLLECTING;
	bool distributing = state & LACP_STATE_DISTRIBUTING;

	if (distributing != plug->distributing || (collecting && !plug->collecting))
		world_fail(world, "%c%u told its partner %02x before its traffic was switched",
			   'a' + (int)system, slot + 1, state);
	if ((collecting || distributing) && !(state & LACP_STATE_SYNCHRONIZATION))
		world_fail(world, "%c%u carries out of sync: %02x", 'a' + (int)system, slot + 1,
			   state);
}

/* Written exactly: as our own encoder writes what our own decoder reads in it. */
static void check_frame(struct world *world, unsigned system, unsigned slot,
			const uint8_t payload[static LACP_PDU_SIZE])
{
	struct span span = { payload, LACP_PDU_SIZE };
	struct plug *plug = &world->systems[system].plugs[slot];
	uint8_t again[LACP_PDU_SIZE];
	struct lacpdu pdu;
	struct marker marker;

	switch (pdu_decode(span, &pdu, &marker)) {
	case PDU_LACP:
		lacpdu_encode(&pdu, again);
		plug->last_sent = pdu;
		check_told(world, system, slot, &pdu);
		if (lacp_port_exists(world->systems[system].lacp, slot))
			check_pace(world, system, slot);
		break;
	case PDU_MARKER:
		marker_encode(&marker, again);
		plug->n_markers++;
		break;
	case PDU_UNKNOWN:
	case PDU_ILLEGAL:
		world_fail(world, "%c%u sent what is no PDU", 'a' + (int)system, slot + 1);
		return;
	}
	if (memcmp(again, payload, LACP_PDU_SIZE) != 0 || payload[1] != 1)
		world_fail(world, "%c%u sent a PDU with reserved octets", 'a' + (int)system,
			   slot + 1);
}

static void fly(struct world *world, unsigned system, unsigned slot, const uint8_t *payload)
{
	const struct weather *weather = &world->weather;
	unsigned spread = (unsigned)((weather->delay_max - weather->delay_min) / NSEC_PER_US);
	struct frame *frame = &world->frames[world->n_frames];

	if (world->n_frames == WORLD_FRAMES) {
		world_fail(world, "too many frames are under way");
		return;
	}
	world->n_frames++;
	frame->at = world->now + weather->delay_min + world_random(world, spread + 1) * NSEC_PER_US;
	frame->system = system;
	frame->slot = slot;
	memcpy(frame->payload, payload, LACP_PDU_SIZE);
}

static void put_on_wire(struct world *world, unsigned system, unsigned slot, const uint8_t *payload)
{
	const struct plug *plug = &world->systems[system].plugs[slot];

	if (!plug->wired || !plug->link_up || world_random(world, 100) < world->weather.loss)
		return;
	fly(world, plug->peer_system, plug->peer_slot, payload);
	if (world_random(world, 100) < world->weather.duplicates)
		fly(world, plug->peer_system, plug->peer_slot, payload);
}

static void take_action(struct world *world, unsigned system, const struct lacp_action *action)
{
	struct plug *plug = &world->systems[system].plugs[action->slot];

	switch (action->type) {
	case LACP_ACTION_SEND:
		check_frame(world, system, action->slot, action->payload);
		put_on_wire(world, system, action->slot, action->payload);
		return;
	case LACP_ACTION_PORT:
		plug->n_port_changes++;
		plug->n_stops += plug->distributing && !action->distributing;
		plug->collecting = action->collecting;
		plug->distributing = action->distributing;
		return;
	case LACP_ACTION_MARKER:
		plug->answered = action->answered;
		plug->n_answers++;
		return;
	case LACP_ACTION_NOTE:
		plug->n_notes++;
		return;
	case LACP_ACTION_REMOVED:
		plug->used = false;
		plug->collecting = plug->distributing = false;
		return;
	}
}

static void save(struct system *system)
{
	for (unsigned slot = 0; slot < LACP_PORTS_MAX; slot++) {
		struct plug *plug = &system->plugs[slot];

		plug->resumable = plug->used && plug->link_up;
		if (plug->used)
			lacp_port_session(system->lacp, slot, &plug->session);
	}
}

/* After each input. */
static void drain(struct world *world, unsigned index)
{
	struct system *system = &world->systems[index];
	struct lacp_action action;

	while (lacp_next_action(system->lacp, &action))
		take_action(world, index, &action);
	save(system);
}

void world_add_system(struct world *world, unsigned index, const struct lacp_config *config)
{
	struct system *system = &world->systems[index];

	system->used = true;
	system->config = *config;
	system->lacp = lacp_new(config, world->now);
	if (!system->lacp)
		abort();
}

void world_configure(struct world *world, unsigned index, const struct lacp_config *config)
{
	world->systems[index].config = *config;
	lacp_configure(world->systems[index].lacp, config, world->now);
	drain(world, index);
}

void world_add_port(struct world *world, unsigned index, unsigned slot,
		    const struct lacp_port_config *config)
{
	struct plug *plug = &world->systems[index].plugs[slot];

	plug->used = true;
	if (config != &plug->config)
		plug->config = *config;
	plug->n_sent = 0; /* It begins anew, and so does its window. */
	lacp_port_add(world->systems[index].lacp, slot, config, world->now);
	drain(world, index);
}

void world_configure_port(struct world *world, unsigned index, unsigned slot,
			  const struct lacp_port_config *config)
{
	world->systems[index].plugs[slot].config = *config;
	lacp_port_configure(world->systems[index].lacp, slot, config, world->now);
	drain(world, index);
}

void world_remove_port(struct world *world, unsigned index, unsigned slot)
{
	lacp_port_remove(world->systems[index].lacp, slot, world->now);
	drain(world, index);
}

void world_wire(struct world *world, unsigned index, unsigned slot, unsigned peer_system,
		unsigned peer_slot)
{
	struct plug *a = &world->systems[index].plugs[slot];
	struct plug *b = &world->systems[peer_system].plugs[peer_slot];

	world_unwire(world, index, slot);
	world_unwire(world, peer_system, peer_slot);
	a->wired = b->wired = true;
	a->peer_system = peer_system;
	a->peer_slot = peer_slot;
	b->peer_system = index;
	b->peer_slot = slot;
}

static void set_link(struct world *world, unsigned index, unsigned slot, bool up)
{
	struct system *system = &world->systems[index];
	struct plug *plug = &system->plugs[slot];

	plug->link_up = up;
	if (!system->lacp || !plug->used)
		return;
	lacp_port_link(system->lacp, slot, up, !plug->half_duplex, world->now);
	drain(world, index);
}

/* Frames that were under way to a port whose link went down are lost. */
static void lose_frames(struct world *world, unsigned index, unsigned slot)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < world->n_frames; i++)
		if (world->frames[i].system != index || world->frames[i].slot != slot)
			world->frames[kept++] = world->frames[i];
	world->n_frames = kept;
}

void world_link(struct world *world, unsigned index, unsigned slot, bool up)
{
	struct plug *plug = &world->systems[index].plugs[slot];

	if (!up) {
		lose_frames(world, index, slot);
		if (plug->wired)
			lose_frames(world, plug->peer_system, plug->peer_slot);
	}
	set_link(world, index, slot, up);
	if (plug->wired && (plug->peer_system != index || plug->peer_slot != slot))
		set_link(world, plug->peer_system, plug->peer_slot, up);
}

void world_unwire(struct world *world, unsigned index, unsigned slot)
{
	struct plug *plug = &world->systems[index].plugs[slot];

	if (!plug->wired)
		return;
	if (plug->link_up)
		world_link(world, index, slot, false);
	world->systems[plug->peer_system].plugs[plug->peer_slot].wired = false;
	plug->wired = false;
}

void world_kill(struct world *world, unsigned index)
{
	lacp_free(world->systems[index].lacp);
	world->systems[index].lacp = NULL;
}

static void restart_port(struct world *world, unsigned index, unsigned slot, bool distributed)
{
	struct system *system = &world->systems[index];
	struct plug *plug = &system->plugs[slot];
	const char *why = "";
	bool resumed = false;

	if (plug->resumable && plug->link_up && !plug->half_duplex)
		resumed = lacp_port_resume(system->lacp, slot, &plug->config, &plug->session,
					   world->now, &why);
	else
		world_add_port(world, index, slot, &plug->config);
	if (!resumed && plug->link_up)
		lacp_port_link(system->lacp, slot, true, !plug->half_duplex, world->now);
	drain(world, index);
	if (resumed && distributed && !plug->distributing)
		world_fail(world, "%c%u went on and stopped distributing", 'a' + (int)index,
			   slot + 1);
}

void world_restart(struct world *world, unsigned index)
{
	struct system *system = &world->systems[index];
	struct plug saved[LACP_PORTS_MAX];

	memcpy(saved, system->plugs, sizeof(saved));
	system->lacp = lacp_new(&system->config, world->now);
	if (!system->lacp)
		abort();
	for (unsigned slot = 0; slot < LACP_PORTS_MAX; slot++) {
		/* Only what is already there takes part in what draining saves. */
		system->plugs[slot].used = false;
		system->plugs[slot].collecting = system->plugs[slot].distributing = false;
	}
	for (unsigned slot = 0; slot < LACP_PORTS_MAX; slot++) {
		if (!saved[slot].used)
			continue;
		system->plugs[slot].used = true;
		system->plugs[slot].resumable = saved[slot].resumable;
		restart_port(world, index, slot, saved[slot].distributing);
	}
}

void world_deliver(struct world *world, unsigned index, unsigned slot, const uint8_t *payload,
		   size_t size)
{
	struct system *system = &world->systems[index];

	if (!system->lacp || !lacp_port_exists(system->lacp, slot) || system->plugs[slot].deaf)
		return;
	lacp_receive(system->lacp, slot, &someone, (struct span){ payload, size }, world->now);
	drain(world, index);
}

void world_speak(struct world *world, unsigned index, unsigned slot)
{
	struct puppet *puppet = &world->systems[index].plugs[slot].puppet;
	uint8_t payload[LACP_PDU_SIZE];
	struct lacp_port_view view;

	if (puppet->sees_us) {
		world_view(world, index, slot, &view);
		puppet->partner = view.actor;
	}
	lacpdu_encode(&(struct lacpdu){ .actor = puppet->actor, .partner = puppet->partner },
		      payload);
	puppet->next = puppet->interval ? world->now + puppet->interval : NSEC_NEVER;
	world_deliver(world, index, slot, payload, sizeof(payload));
}

uint32_t world_marker(struct world *world, unsigned index, unsigned slot)
{
	uint32_t transaction = lacp_marker_send(world->systems[index].lacp, slot, world->now);

	drain(world, index);
	return transaction;
}

static bool speaks(const struct plug *plug)
{
	return plug->used && plug->puppet.speaks && plug->puppet.interval && plug->link_up;
}

static nsec_t not_before(const struct system *system, nsec_t when)
{
	return when < system->busy_until ? system->busy_until : when;
}

static nsec_t due(const struct world *world, const struct frame *frame)
{
	return not_before(&world->systems[frame->system], frame->at);
}

static nsec_t next_event(const struct world *world)
{
	nsec_t next = NSEC_NEVER;

	for (unsigned i = 0; i < world->n_frames; i++)
		next = nsec_min(next, due(world, &world->frames[i]));
	for (unsigned i = 0; i < WORLD_SYSTEMS; i++) {
		const struct system *system = &world->systems[i];

		if (!system->lacp)
			continue;
		next = nsec_min(next, not_before(system, lacp_deadline(system->lacp)));
		for (unsigned slot = 0; slot < LACP_PORTS_MAX; slot++)
			if (speaks(&system->plugs[slot]))
				next = nsec_min(next, system->plugs[slot].puppet.next);
	}
	return next;
}

/* The frame that is due first; of several that are the one that was sent first. */
static unsigned first_due(const struct world *world)
{
	unsigned first = world->n_frames;

	for (unsigned i = 0; i < world->n_frames; i++)
		if (due(world, &world->frames[i]) <= world->now &&
		    (first == world->n_frames || world->frames[i].at < world->frames[first].at))
			first = i;
	return first;
}

static void deliver_due(struct world *world)
{
	unsigned i;

	while ((i = first_due(world)) < world->n_frames) {
		struct frame frame = world->frames[i];

		world->n_frames--;
		memmove(&world->frames[i], &world->frames[i + 1],
			(world->n_frames - i) * sizeof(frame));
		world_deliver(world, frame.system, frame.slot, frame.payload, LACP_PDU_SIZE);
	}
}

static void tick(struct world *world, unsigned index)
{
	struct system *system = &world->systems[index];

	if (!system->lacp)
		return;
	for (unsigned slot = 0; slot < LACP_PORTS_MAX; slot++)
		if (speaks(&system->plugs[slot]) && system->plugs[slot].puppet.next <= world->now)
			world_speak(world, index, slot);
	if (not_before(system, lacp_deadline(system->lacp)) > world->now)
		return;
	lacp_tick(system->lacp, world->now);
	drain(world, index);
	if (lacp_deadline(system->lacp) <= world->now)
		world_fail(world, "system %c wants to be called again at once", 'a' + (int)index);
}

void world_run(struct world *world, nsec_t duration)
{
	nsec_t until = world->now + duration;

	while (!world->failure[0]) {
		nsec_t next = next_event(world);

		if (next > until)
			break;
		world->now = next > world->now ? next : world->now;
		world->steps++;
		deliver_due(world);
		for (unsigned i = 0; i < WORLD_SYSTEMS; i++)
			tick(world, i);
	}
	world->now = until;
}

void world_view(const struct world *world, unsigned index, unsigned slot,
		struct lacp_port_view *view)
{
	lacp_port_view(world->systems[index].lacp, slot, world->now, view);
}
