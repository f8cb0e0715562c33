#include "tests/net/datapath/flow.h"

#include <netinet/in.h>
#include <string.h>

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

static void put32(struct writer *writer, uint32_t value)
{
	put16(writer, value >> 16);
	put16(writer, value);
}

static void put_zeros(struct writer *writer, size_t n)
{
	writer->n += n;
}

static void put_mac(struct writer *writer, uint8_t last)
{
	put16(writer, 0x0200);
	put16(writer, 0);
	put8(writer, 0);
	put8(writer, last);
}

static void put_ethernet(struct writer *writer, const struct flow *flow)
{
	put_mac(writer, flow->destination_mac);
	put_mac(writer, flow->source_mac);
	for (unsigned i = flow->n_tags; i > 0; i--) {
		put16(writer, i > 1 ? 0x88a8 : 0x8100);
		put16(writer, 20 + i);
	}
	put16(writer, flow->protocol ? flow->protocol : flow->version == 4 ? 0x0800 : 0x86dd);
}

static void put_ip4(struct writer *writer, const struct flow *flow)
{
	static const uint16_t fragments[] = { 0x4000, 0x2000, 0x00b9 };

	put8(writer, 0x45 + flow->ip_options);
	put8(writer, 0);
	put16(writer, 40 + 4 * flow->ip_options);
	put16(writer, 1);
	put16(writer, fragments[flow->fragment]);
	put8(writer, 64);
	put8(writer, flow->transport);
	put16(writer, 0);
	put32(writer, flow->source);
	put32(writer, flow->destination);
	put_zeros(writer, 4 * (size_t)flow->ip_options);
}

static void put_address6(struct writer *writer, uint32_t last)
{
	put32(writer, 0x20010db8);
	put_zeros(writer, 8);
	put32(writer, last);
}

/* What comes after extension 'i', 0 being the IPv6 header itself. */
static uint8_t next_header(const struct flow *flow, unsigned i)
{
	if (i < flow->n_extensions)
		return flow->extensions[i];
	if (i == flow->n_extensions && flow->fragment != FLOW_WHOLE)
		return IPPROTO_FRAGMENT;
	return flow->transport;
}

static void put_ip6(struct writer *writer, const struct flow *flow)
{
	static const uint16_t fragments[] = { 0, 0x0001, 0x05c8 };

	put32(writer, 0x60000000);
	put16(writer, 60);
	put8(writer, next_header(flow, 0));
	put8(writer, 64);
	put_address6(writer, flow->source);
	put_address6(writer, flow->destination);
	for (unsigned i = 0; i < flow->n_extensions; i++) {
		/* Of different sizes: 8, 16, … octets. */
		put8(writer, next_header(flow, i + 1));
		put8(writer, i % 2);
		put_zeros(writer, 6 + 8 * (i % 2));
	}
	if (flow->fragment != FLOW_WHOLE) {
		put8(writer, flow->transport);
		put8(writer, 0);
		put16(writer, fragments[flow->fragment]);
		put32(writer, 1);
	}
}

size_t flow_frame(const struct flow *flow, uint8_t bytes[static FLOW_FRAME_SIZE])
{
	struct writer writer = { .bytes = bytes };

	memset(bytes, 0, FLOW_FRAME_SIZE);
	put_ethernet(&writer, flow);
	if (flow->protocol) {
		put_zeros(&writer, 46);
	} else {
		if (flow->version == 4)
			put_ip4(&writer, flow);
		else
			put_ip6(&writer, flow);
		put16(&writer, flow->source_port);
		put16(&writer, flow->destination_port);
		put_zeros(&writer, 16);
	}
	return writer.n - flow->cut;
}

struct flow flow_back(const struct flow *flow)
{
	struct flow back = *flow;

	back.source = flow->destination;
	back.destination = flow->source;
	back.source_port = flow->destination_port;
	back.destination_port = flow->source_port;
	back.source_mac = flow->destination_mac;
	back.destination_mac = flow->source_mac;
	return back;
}
