/* What was counted, as JSON. */
#include "tests/lab/copies.h"

#include <stdio.h>

#define HOLES_TOLD 16

struct tally {
	uint64_t received;
	uint32_t distinct;
	uint32_t doubled; /* Numbers that came more than once. */
	uint32_t missing;
};

static bool is_missing(const uint8_t *heard, uint32_t number)
{
	return !heard || heard[number] == 0;
}

static struct tally add_up(const struct copies_stream *stream, unsigned which)
{
	const uint8_t *heard = stream->heard[which];
	struct tally tally = {};

	for (uint32_t i = 0; i < stream->sent; i++) {
		tally.received += heard ? heard[i] : 0;
		tally.distinct += !is_missing(heard, i);
		tally.doubled += heard && heard[i] > 1;
	}
	tally.missing = stream->sent - tally.distinct;
	return tally;
}

/* Numbers that are missing one after the other: where each such hole begins, and its length. */
static void tell_holes(const struct copies_stream *stream, unsigned which)
{
	const uint8_t *heard = stream->heard[which];
	unsigned told = 0;
	uint32_t i = 0;

	printf("[");
	while (i < stream->sent && told < HOLES_TOLD) {
		uint32_t first = i;

		while (i < stream->sent && is_missing(heard, i))
			i++;
		if (i > first)
			printf("%s[%u, %u]", told++ ? ", " : "", first, i - first);
		else
			i++;
	}
	printf("]");
}

static uint32_t longest_hole(const struct copies_stream *stream, unsigned which)
{
	uint32_t longest = 0;
	uint32_t length = 0;

	for (uint32_t i = 0; i < stream->sent; i++) {
		length = is_missing(stream->heard[which], i) ? length + 1 : 0;
		longest = length > longest ? length : longest;
	}
	return longest;
}

static void tell_end(struct copies *copies, const struct copies_stream *stream, unsigned which)
{
	struct tally tally = add_up(stream, which);

	printf("\"%s\": {\"received\": %llu, \"distinct\": %u, \"doubled\": %u, \"missing\": %u, "
	       "\"reordered\": %u, \"longest_hole\": %u, \"overrun\": %llu, \"holes\": ",
	       copies->ends[which].name, (unsigned long long)tally.received, tally.distinct,
	       tally.doubled, tally.missing, stream->late[which], longest_hole(stream, which),
	       (unsigned long long)copies->ends[which].overrun);
	tell_holes(stream, which);
	printf("}");
}

void copies_tell_stream(struct copies *copies, const struct copies_stream *stream)
{
	printf("{\"stream\": \"%s\", \"from\": \"%s\", \"count\": %u, \"rate\": %u, \"sent\": %u, "
	       "\"refused\": %u, \"finished\": %s, \"ends\": {",
	       stream->name, copies->ends[stream->from].name, stream->count, stream->rate,
	       stream->sent, stream->refused, stream->sent < stream->count ? "false" : "true");
	for (unsigned i = 0; i < copies->n_ends; i++) {
		printf("%s", i ? ", " : "");
		tell_end(copies, stream, i);
	}
	printf("}}\n");
}

void copies_tell_talkers(struct copies_end *end)
{
	printf("{\"end\": \"%s\", \"overrun\": %llu, \"talkers\": [", end->name,
	       (unsigned long long)end->overrun);
	for (unsigned i = 0; i < end->n_talkers; i++) {
		const struct copies_talker *talker = &end->talkers[i];
		const uint8_t *mac = talker->source;

		printf("%s{\"source\": \"%02x:%02x:%02x:%02x:%02x:%02x\", \"vlan\": %u, "
		       "\"kind\": \"%s\", \"frames\": %llu}",
		       i ? ", " : "", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], talker->vlan,
		       talker->kind, (unsigned long long)talker->frames);
	}
	printf("]}\n");
	end->n_talkers = 0;
}
