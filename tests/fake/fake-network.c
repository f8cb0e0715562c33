#include "tests/fake/fake-network.h"

#include "tests/fake/fake-world.h"

#include <assert.h>
#include <string.h>

static const struct mac host_mac = { { 0x02, 0, 0, 0, 0x77, 1 } };

/* A question with its two ends exchanged is almost an answer. */
size_t fake_answer_build(const struct probe_address *who, const struct mac *asker, uint16_t vlan,
			 uint8_t frame[static PROBE_FRAME_MAX])
{
	const struct probe_request request = {
		.target = *who, .source = host_mac, .destination = *asker, .vlan = vlan
	};
	size_t size = probe_build(&request, frame), at = vlan ? 18 : 14;
	uint32_t sum;

	if (!who->v6) {
		frame[at + 7] = 2;
		memcpy(frame + at + 14, who->bytes, 4);
		return size;
	}
	/* An advertisement with its flag; the checksum follows (RFC 1624). */
	sum = (uint16_t) ~(frame[at + 42] << 8 | frame[at + 43]);
	sum += (uint16_t)~0x8700 + 0x8800 + 0x4000;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16)) & 0xffff;
	frame[at + 40] = 136;
	frame[at + 42] = (uint8_t)(sum >> 8);
	frame[at + 43] = (uint8_t)sum;
	frame[at + 44] = 0x40;
	return size;
}

/* Whom an untagged or tagged question asks for; false: it is none. */
static bool parse_question(struct span frame, struct probe_address *target, uint16_t *vlan)
{
	size_t at = 12;

	*target = (struct probe_address){};
	*vlan = 0;
	if (frame.bytes[12] == 0x81) {
		*vlan = (uint16_t)(frame.bytes[14] << 8 | frame.bytes[15]);
		at += 4;
	}
	if (frame.bytes[at] == 0x08 && frame.bytes[at + 1] == 0x06) {
		memcpy(target->bytes, frame.bytes + at + 2 + 24, 4);
		return frame.bytes[at + 2 + 7] == 1;
	}
	if (frame.bytes[at] != 0x86 || frame.bytes[at + 2 + 40] != 135)
		return false;
	target->v6 = true;
	memcpy(target->bytes, frame.bytes + at + 2 + 48, 16);
	return true;
}

static void answer(struct fake_network *network, const struct fake_host *host, int ifindex,
		   const struct mac *asker)
{
	const struct probe_address *who =
		probe_address_is_zero(&host->claims) ? &host->address : &host->claims;
	struct fake_answer *answer = &network->answers[network->n_answers];

	assert(network->n_answers < FAKE_ANSWERS);
	network->n_answers++;
	answer->ifindex = ifindex;
	answer->size = fake_answer_build(who, asker, host->vlan, answer->frame);
}

void fake_network_take(struct fake_world *world, int ifindex, struct span frame)
{
	struct fake_network *network = &world->network;
	struct fake_link *link = fake_world_link(world, ifindex);
	struct probe_address target;
	struct mac asker;
	uint16_t vlan;

	memcpy(&asker, frame.bytes + MAC_SIZE, sizeof(asker));
	if (!link->cable || link->way_is_dead || !parse_question(frame, &target, &vlan))
		return;
	for (unsigned i = 0; i < network->n_hosts; i++) {
		const struct fake_host *host = &network->hosts[i];

		if (!host->silent && host->vlan == vlan &&
		    probe_address_equal(&host->address, &target))
			answer(network, host, ifindex, &asker);
	}
}

unsigned fake_network_deliver(struct fake_world *world)
{
	struct fake_network *network = &world->network;
	unsigned n = 0;

	while (network->n_answers) {
		struct fake_answer answer = network->answers[--network->n_answers];
		const struct fake_link *link = fake_world_link(world, answer.ifindex);

		if (world->host && link && link->cable && link->asks)
			host_probe_frame(world->host, answer.ifindex,
					 (struct span){ answer.frame, answer.size });
		n++;
	}
	return n;
}
