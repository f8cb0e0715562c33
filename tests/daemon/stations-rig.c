#include "tests/daemon/stations-rig.h"

#include "daemon/team/lifecycle.h"
#include "tests/unit/run.h"

#include <string.h>

int tap, br0;

void vm_port(struct config_team *config)
{
	config->mode = CONFIG_MODE_INDEPENDENT;
	config->balance = CONFIG_BALANCE_VM_PORT;
	config->announce_count = 3;
	config->announce_interval_ms = 200;
}

void address_hash(struct config_team *config)
{
	vm_port(config);
	config->balance = CONFIG_BALANCE_ADDRESS_HASH;
}

void setup_stations(void)
{
	setup();
	world.partner_silent = true;
	world.adjust = vm_port;
	br0 = fake_world_add_link(&world, "br0", 0);
	tap = fake_world_add_link(&world, "tap0", 0);
	fake_world_link(&world, tap)->link.master = br0;
}

struct mac vm(unsigned i)
{
	return (struct mac){ { 2, 0, 0, 7, (uint8_t)(i >> 8), (uint8_t)i } };
}

struct fake_station *station(unsigned i)
{
	struct mac mac = vm(i);

	return fake_station_find(&device()->stations, &mac);
}

unsigned slot_of(const char *name)
{
	return member_view(name).slot;
}

uint8_t carrier(unsigned i)
{
	ck_assert_ptr_nonnull(station(i));
	return fake_station_carrier(station(i), fake_device_fit(device()));
}

void sends(unsigned i, uint16_t vlan)
{
	struct mac mac = vm(i);

	fake_world_station_sends(&world, "team0", &mac, vlan);
}

bool comes_in(unsigned i, const char *member)
{
	struct mac mac = vm(i);

	return fake_world_station_comes_in(&world, "team0", &mac, slot_of(member));
}

void bridge_has(const struct mac *mac, uint16_t vlan, int port, bool permanent, bool gone)
{
	fake_world_neighbour(&world, &(struct host_neighbour){
					     .uplink = device()->ifindex,
					     .bridge = br0,
					     .port = port,
					     .mac = *mac,
					     .vlan = vlan,
					     .permanent = permanent,
					     .gone = gone,
				     });
}

void bridge_knows(unsigned i, uint16_t vlan)
{
	struct mac mac = vm(i);

	bridge_has(&mac, vlan, tap, false, false);
}

void bridge_forgets(unsigned i, uint16_t vlan)
{
	struct mac mac = vm(i);

	bridge_has(&mac, vlan, tap, false, true);
}

unsigned heard(int ifindex, const struct mac *mac, unsigned type, uint16_t vlan)
{
	unsigned n = 0;

	for (unsigned i = 0; i < world.n_frames; i++) {
		const struct fake_frame *frame = &world.frames[i];
		size_t at = vlan ? 16 : 12;

		n += frame->ifindex == ifindex && memcmp(frame->bytes + 6, mac->bytes, 6) == 0 &&
		     (frame->bytes[at] << 8 | frame->bytes[at + 1]) == (int)type &&
		     (!vlan || (frame->bytes[14] << 8 | frame->bytes[15]) == vlan);
	}
	return n;
}

unsigned announced(int ifindex, unsigned i, uint16_t vlan)
{
	struct mac mac = vm(i);

	return heard(ifindex, &mac, ETHERTYPE_RARP, vlan);
}

unsigned n_told(void)
{
	struct mac own = team_view().mac;
	unsigned n = world.n_frames;

	for (unsigned i = 0; i < world.n_frames; i++)
		n -= memcmp(world.frames[i].bytes + 6, own.bytes, MAC_SIZE) == 0;
	return n;
}

void cut(int ifindex)
{
	world.n_frames = 0;
	fake_world_cable(&world, ifindex, false, true);
}

void plug(int ifindex)
{
	world.n_frames = 0;
	fake_world_cable(&world, ifindex, true, true);
}

void start_four(void)
{
	start(CONFIG);
	for (unsigned i = 0; i < 3; i++)
		sends(i, 0);
	bridge_knows(3, 0);
	fake_world_run(&world, NSEC_PER_SEC);
	ck_assert_uint_eq(fake_stations_count(&device()->stations), 4);
}
