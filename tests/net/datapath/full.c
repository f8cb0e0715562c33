#include "tests/net/datapath/full.h"

#include "bpf/stations.h"
#include "datapath.skel.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <check.h>
#include <linux/pkt_cls.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>

#define ALL_FIT ((1u << FULL_MEMBERS) - 1)

struct writer {
	uint8_t *bytes;
	size_t n;
};

static void put8(struct writer *writer, unsigned value)
{
	writer->bytes[writer->n++] = (uint8_t)value;
}

static void put16(struct writer *writer, unsigned value)
{
	put8(writer, value >> 8);
	put8(writer, value);
}

static void put_mac(struct writer *writer, const struct mac *mac)
{
	memcpy(writer->bytes + writer->n, mac->bytes, MAC_SIZE);
	writer->n += MAC_SIZE;
}

static void put_ip(struct writer *writer, unsigned last)
{
	put16(writer, 0x0a00);
	put16(writer, last);
}

static void put_arp(struct writer *writer, const struct full_frame *frame)
{
	bool gratuitous = frame->type == FULL_ARP_GRATUITOUS;

	put16(writer, 1);
	put16(writer, 0x0800);
	put16(writer, 0x0604);
	put16(writer, frame->type == FULL_RARP ? 3 : frame->type == FULL_ARP_REPLY ? 2 : 1);
	put_mac(writer, &frame->source);
	put_ip(writer, 1);
	put_mac(writer, &frame->source);
	put_ip(writer, gratuitous ? 1 : 2);
}

static void put_ip4(struct writer *writer, unsigned protocol)
{
	put16(writer, 0x4500);
	put16(writer, 48);
	put16(writer, 1);
	put16(writer, 0x4000);
	put16(writer, 0x4000 | protocol);
	put16(writer, 0);
	put_ip(writer, 1);
	put_ip(writer, 2);
}

static void put_ip6(struct writer *writer, unsigned next)
{
	put16(writer, 0x6000);
	put16(writer, 0);
	put16(writer, 48);
	put16(writer, next << 8 | 255);
	for (unsigned i = 1; i <= 2; i++) {
		put16(writer, 0xfe80);
		writer->n += 12;
		put16(writer, i);
	}
}

static void put_icmp6(struct writer *writer, unsigned type, unsigned flags)
{
	put16(writer, type << 8);
	put16(writer, 0);
	put8(writer, flags);
}

static void put_udp(struct writer *writer, uint16_t port)
{
	put16(writer, port);
	put16(writer, 443);
}

static uint16_t ethertype(enum full_type type)
{
	switch (type) {
	case FULL_UDP4:
	case FULL_IGMP:
		return 0x0800;
	case FULL_ARP_REQUEST:
	case FULL_ARP_REPLY:
	case FULL_ARP_GRATUITOUS:
		return 0x0806;
	case FULL_RARP:
		return 0x8035;
	case FULL_UDP6:
	case FULL_SOLICITATION:
	case FULL_ADVERTISEMENT:
	case FULL_UNSOLICITED_ADVERTISEMENT:
	case FULL_MLD:
	case FULL_MLD2:
	case FULL_ICMP6_ECHO:
		return 0x86dd;
	case FULL_OTHER:
		break;
	}
	return 0x88b5;
}

static void put_icmp6_type(struct writer *writer, enum full_type type)
{
	static const uint8_t types[] = {
		[FULL_SOLICITATION] = 135,
		[FULL_ADVERTISEMENT] = 136,
		[FULL_UNSOLICITED_ADVERTISEMENT] = 136,
		[FULL_MLD] = 131,
		[FULL_MLD2] = 143,
		[FULL_ICMP6_ECHO] = 128,
	};
	bool behind = type == FULL_MLD || type == FULL_MLD2;

	put_ip6(writer, behind ? IPPROTO_HOPOPTS : IPPROTO_ICMPV6);
	if (behind) {
		put16(writer, IPPROTO_ICMPV6 << 8);
		put16(writer, 0x0502);
		writer->n += 4;
	}
	put_icmp6(writer, types[type], type == FULL_ADVERTISEMENT ? 0x60 : 0x20);
}

static void put_payload(struct writer *writer, const struct full_frame *frame)
{
	switch (frame->type) {
	case FULL_UDP4:
		put_ip4(writer, IPPROTO_UDP);
		put_udp(writer, frame->port);
		break;
	case FULL_UDP6:
		put_ip6(writer, IPPROTO_UDP);
		put_udp(writer, frame->port);
		break;
	case FULL_IGMP:
		put_ip4(writer, IPPROTO_IGMP);
		break;
	case FULL_ARP_REQUEST:
	case FULL_ARP_REPLY:
	case FULL_ARP_GRATUITOUS:
	case FULL_RARP:
		put_arp(writer, frame);
		break;
	case FULL_SOLICITATION:
	case FULL_ADVERTISEMENT:
	case FULL_UNSOLICITED_ADVERTISEMENT:
	case FULL_MLD:
	case FULL_MLD2:
	case FULL_ICMP6_ECHO:
		put_icmp6_type(writer, frame->type);
		break;
	case FULL_OTHER:
		break;
	}
}

static size_t write_frame(const struct full_frame *frame, uint8_t bytes[static FULL_FRAME_SIZE])
{
	static const struct mac broadcast = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
	struct writer writer = { .bytes = bytes };

	memset(bytes, 0, FULL_FRAME_SIZE);
	put_mac(&writer, mac_is_zero(&frame->destination) ? &broadcast : &frame->destination);
	put_mac(&writer, &frame->source);
	if (frame->vlan) {
		put16(&writer, 0x8100);
		put16(&writer, 0xe000u | frame->vlan);
	}
	put16(&writer, ethertype(frame->type));
	put_payload(&writer, frame);
	return 128;
}

static void put(int map, const void *key, const void *value)
{
	ck_assert_int_eq(bpf_map_update_elem(map, key, value, BPF_ANY), 0);
}

struct mac full_member_mac(unsigned slot)
{
	return (struct mac){ { 2, 0xaa, 0, 0, 0, (uint8_t)slot } };
}

struct mac full_team_mac(void)
{
	return (struct mac){ { 2, 0xbb, 0, 0, 0, 1 } };
}

struct mac full_vm_mac(unsigned number)
{
	return (struct mac){ { 2, 0xcc, 0, (uint8_t)(number >> 16), (uint8_t)(number >> 8),
			       (uint8_t)number } };
}

struct abi_plan full_plan(void)
{
	struct abi_plan plan;

	memset(&plan, ABI_NONE, sizeof(plan));
	for (unsigned bucket = 0; bucket < ABI_BUCKETS; bucket++)
		for (unsigned i = 0; i < FULL_MEMBERS; i++)
			plan.order[bucket][i] = (uint8_t)((bucket + i) % FULL_MEMBERS);
	for (unsigned i = 0; i < FULL_MEMBERS; i++)
		plan.primary[i] = (uint8_t)i;
	return plan;
}

static void put_own(struct full *full, struct mac mac, enum abi_station_kind kind)
{
	struct abi_station station;

	stations_begin(&station, ABI_NONE);
	station.kind = (uint8_t)kind;
	full_put_station(full, mac, &station);
}

void full_put_own(struct full *full)
{
	for (unsigned slot = 0; slot < FULL_MEMBERS; slot++)
		put_own(full, full_member_mac(slot), ABI_STATION_MEMBER);
	put_own(full, full_team_mac(), ABI_STATION_TEAM);
}

void full_set_rules(struct full *full, uint32_t rules)
{
	full->team.rules = rules;
	put(bpf_map__fd(full->program.skeleton->maps.teams), &full->program.ifindex, &full->team);
}

void full_start(struct full *full, uint32_t rules)
{
	struct abi_words *words;
	struct abi_plan plan = full_plan();

	*full = (struct full){ .team = { .name = "team0" } };
	lab_start(&full->lab);
	program_start(&full->program, &full->lab);
	memcpy(full->team.mac, full_team_mac().bytes, MAC_SIZE);
	for (unsigned slot = 0; slot < FULL_MEMBERS; slot++)
		memcpy(full->team.member_macs[slot], full_member_mac(slot).bytes, MAC_SIZE);
	full_set_rules(full, rules);
	program_set_plan(&full->program, &plan);
	words = full->program.words;
	words->carrier = words->may_send = words->may_receive = ALL_FIT;
	words->heartbeat = 1ull << 40;
	words->station_room = 100;
	for (unsigned i = 0; i < ABI_HOMES; i++)
		words->station_homes[i] = (uint8_t)(i % FULL_MEMBERS);
	if (rules & ABI_RULE_INDEPENDENT)
		full_put_own(full);
}

void full_stop(struct full *full)
{
	program_stop(&full->program);
	lab_stop(&full->lab);
}

struct run {
	const uint8_t *bytes;
	size_t size;
	uint8_t *out;
	int repeat;
	uint32_t ns;
};

static void run(struct full *full, const struct bpf_program *program, struct run *run)
{
	struct __sk_buff context = { .ifindex = full->program.ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = run->bytes,
		    .data_size_in = (uint32_t)run->size, .data_out = run->out,
		    .data_size_out = run->out ? FULL_FRAME_SIZE : 0, .ctx_in = &context,
		    .ctx_size_in = sizeof(context), .repeat = run->repeat);

	if (bpf_prog_test_run_opts(bpf_program__fd(program), &options) < 0 ||
	    (options.retval != TC_ACT_REDIRECT && options.retval != TC_ACT_SHOT))
		ck_abort_msg("the program answers %u: %m", options.retval);
	run->ns = options.duration;
}

struct full_sent full_send_bytes(struct full *full, const uint8_t *bytes, size_t size)
{
	struct abi_counters before = program_counters(&full->program), after;
	struct full_sent sent = { .slot = PROGRAM_DROPPED };
	uint8_t out[FULL_FRAME_SIZE];

	run(full, full->program.skeleton->progs.yoke_tx_full,
	    &(struct run){ .bytes = bytes, .size = size, .out = out, .repeat = 1 });
	after = program_counters(&full->program);
	memcpy(sent.source.bytes, out + MAC_SIZE, MAC_SIZE);
	for (int slot = 0; slot < ABI_MEMBERS; slot++)
		if (after.members[slot].tx_packets != before.members[slot].tx_packets)
			sent.slot = slot;
	return sent;
}

struct full_sent full_send(struct full *full, const struct full_frame *frame)
{
	uint8_t bytes[FULL_FRAME_SIZE];
	size_t size = write_frame(frame, bytes);

	return full_send_bytes(full, bytes, size);
}

static void be_member(struct full *full, unsigned slot)
{
	const struct abi_member member = { .peer = full->program.ifindex, .slot = slot };

	put(bpf_map__fd(full->program.skeleton->maps.members), &full->program.ifindex, &member);
}

enum full_fate full_receive(struct full *full, unsigned slot, const struct full_frame *frame)
{
	uint8_t bytes[FULL_FRAME_SIZE];
	size_t size = write_frame(frame, bytes);
	struct abi_member_counters before, after;

	be_member(full, slot);
	before = program_counters(&full->program).members[slot];
	run(full, full->program.skeleton->progs.yoke_rx_full,
	    &(struct run){ .bytes = bytes, .size = size, .repeat = 1 });
	after = program_counters(&full->program).members[slot];
	if (after.rx_packets != before.rx_packets)
		return FULL_TAKEN;
	if (after.rx_reflected != before.rx_reflected)
		return FULL_REFLECTED;
	if (after.rx_copies != before.rx_copies)
		return FULL_COPY;
	ck_assert_uint_ne(after.rx_not_collecting, before.rx_not_collecting);
	return FULL_NOT_COLLECTING;
}

uint32_t full_time(struct full *full, bool sends, const struct full_frame *frame, int repeat)
{
	struct datapath_bpf *skeleton = full->program.skeleton;
	uint8_t bytes[FULL_FRAME_SIZE];
	struct run timed = { .bytes = bytes, .size = write_frame(frame, bytes), .repeat = repeat };

	be_member(full, 0);
	run(full, sends ? skeleton->progs.yoke_tx_full : skeleton->progs.yoke_rx_full, &timed);
	return timed.ns;
}

bool full_station(struct full *full, struct mac mac, struct abi_station *ret)
{
	const struct abi_station_key key = stations_key(0, mac.bytes);

	return bpf_map_lookup_elem(bpf_map__fd(full->program.skeleton->maps.stations), &key, ret) ==
	       0;
}

unsigned full_n_stations(struct full *full)
{
	int map = bpf_map__fd(full->program.skeleton->maps.stations);
	struct abi_station_key key, *before = NULL;
	unsigned n = 0;

	for (; bpf_map_get_next_key(map, before, &key) == 0; before = &key)
		n++;
	return n;
}

void full_put_station(struct full *full, struct mac mac, const struct abi_station *station)
{
	const struct abi_station_key key = stations_key(0, mac.bytes);

	put(bpf_map__fd(full->program.skeleton->maps.stations), &key, station);
}

struct abi_station full_station_on(uint8_t first)
{
	struct abi_station station;

	stations_begin(&station, first);
	for (unsigned i = 1; i < FULL_MEMBERS; i++)
		station.order[i] = (uint8_t)((first + i) % FULL_MEMBERS);
	return station;
}

struct taking {
	unsigned n;
	struct abi_station_news *last;
};

static int take(void *userdata, void *data, size_t size)
{
	struct taking *taking = userdata;

	ck_assert_uint_ge(size, sizeof(*taking->last));
	taking->n++;
	memcpy(taking->last, data, sizeof(*taking->last));
	return 0;
}

unsigned full_take_news(struct full *full, struct abi_station_news *last)
{
	struct abi_station_news ignored;
	struct taking taking = { .last = last ? last : &ignored };
	struct ring_buffer *reader = ring_buffer__new(
		bpf_map__fd(full->program.skeleton->maps.station_news), take, &taking, NULL);

	ck_assert_ptr_nonnull(reader);
	(void)ring_buffer__consume(reader);
	ring_buffer__free(reader);
	return taking.n;
}

int full_make_flowlets(struct full *full, uint32_t gap_us)
{
	const uint32_t key = 0;
	int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "flowlets", sizeof(uint32_t),
				 sizeof(struct abi_flowlet), ABI_FLOWLETS, NULL);

	ck_assert_int_ge(map, 0);
	put(bpf_map__fd(full->program.skeleton->maps.flowlets), &key, &map);
	full->team.flowlet_gap_us = gap_us;
	full_set_rules(full, full->team.rules);
	return map;
}

struct abi_loads *full_map_loads(struct full *full)
{
	struct abi_loads *loads =
		mmap(NULL, ABI_TEAMS * sizeof(*loads), PROT_READ | PROT_WRITE, MAP_SHARED,
		     bpf_map__fd(full->program.skeleton->maps.loads), 0);

	ck_assert_ptr_ne(loads, MAP_FAILED);
	for (unsigned slot = 0; slot < ABI_MEMBERS; slot++)
		loads->cost[slot] = 256;
	return loads;
}
