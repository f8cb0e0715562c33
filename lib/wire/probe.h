/* Questions that a host in the network has to answer itself, and their answers: ARP requests (RFC
 * 826, as probes of RFC 5227 where the sender has no address to give) and neighbour solicitations
 * (RFC 4861), with a tag of 802.1Q or without. */
#pragma once

#include "lib/base/span.h"
#include "lib/wire/ether.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of one question. */
#define PROBE_TARGETS_MAX 64

/* Tag, IPv6 header, solicitation and its option; an ARP request is padded to the smallest frame. */
#define PROBE_FRAME_MAX 90

struct probe_address {
	bool v6;
	uint8_t bytes[16]; /* Of IPv4 the first four. */
};

struct probe_request {
	struct probe_address target;
	/* IPv4: the sender's, zero for a probe. IPv6: zero for the link-local address that follows
	 * from 'source'. */
	struct probe_address sender;
	struct mac source;
	struct mac destination; /* Zero: all that must hear it. */
	uint16_t vlan;          /* 0: untagged. */
};

struct probe_answer {
	struct probe_address target; /* Who says that it answers. */
	struct mac mac;              /* By which it is reached. */
	struct mac destination;      /* To which Ethernet address it was sent. */
	uint16_t vlan;               /* 0: untagged. */
};

/* Writes the frame and returns its size. */
size_t probe_build(const struct probe_request *request, uint8_t frame[static PROBE_FRAME_MAX]);

/* False: it is no answer, or a malformed one. */
bool probe_parse(struct span frame, struct probe_answer *ret);

bool probe_address_equal(const struct probe_address *a, const struct probe_address *b);
bool probe_address_is_zero(const struct probe_address *address);

/* fe80::/64 with the interface identifier of RFC 4291, appendix A. */
struct probe_address probe_link_local(const struct mac *mac);
