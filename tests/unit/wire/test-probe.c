/* Questions to hosts and their answers, byte by byte; and that nothing is read beyond a frame. */
#include "lib/base/array.h"
#include "lib/wire/probe.h"
#include "tests/unit/run.h"

#include <stdio.h>
#include <string.h>

static const struct mac source = { { 0x02, 0, 0, 0, 0, 0x07 } };
static const struct mac target_mac = { { 0x02, 0, 0, 0, 0, 0x09 } };

static size_t from_hex(const char *hex, uint8_t *bytes)
{
	size_t n = 0;

	for (; *hex; hex++) {
		unsigned byte;

		if (*hex == ' ')
			continue;
		ck_assert_int_eq(sscanf(hex++, "%2x", &byte), 1);
		bytes[n++] = (uint8_t)byte;
	}
	return n;
}

#define ZERO_18 "000000000000000000000000000000000000"
#define ZERO_14 "0000000000000000000000000000"

static const struct {
	const char *what;
	struct probe_request request;
	const char *frame;
} questions[] = {
	{ "an ARP probe",
	  { .target = { .bytes = { 10, 0, 0, 1 } } },
	  "ffffffffffff 020000000007 0806 0001 0800 06 04 0001"
	  "020000000007 00000000 000000000000 0a000001" ZERO_18 },
	{ "an ARP request in a VLAN to one host",
	  { .target = { .bytes = { 10, 0, 0, 1 } },
	    .sender = { .bytes = { 10, 0, 0, 7 } },
	    .destination = { { 0x02, 0, 0, 0, 0, 0x09 } },
	    .vlan = 4094 },
	  "020000000009 020000000007 8100 0ffe 0806 0001 0800 06 04 0001"
	  "020000000007 0a000007 000000000000 0a000001" ZERO_14 },
	{ "a neighbour solicitation",
	  { .target = { .v6 = true, .bytes = { 0xfd, 0, [13] = 0xab, 0xcd, 0xef } } },
	  "3333ffabcdef 020000000007 86dd 60000000 0020 3a ff"
	  "fe80000000000000 000000fffe000007 ff0200000000000000000001ffabcdef"
	  "8700 0000 00000000 fd000000000000000000000000abcdef 0101 020000000007" },
};

START_TEST(a_question_is_what_the_standards_say)
{
	struct probe_request request = questions[_i].request;
	uint8_t expected[200], frame[PROBE_FRAME_MAX];
	size_t size, n;

	request.source = source;
	n = from_hex(questions[_i].frame, expected);
	size = probe_build(&request, frame);
	ck_assert_msg(size == n, "%s has %zu bytes, not %zu", questions[_i].what, size, n);
	if (request.target.v6) /* The checksum has a test of its own. */
		memset(frame + 56, 0, 2);
	ck_assert_msg(memcmp(frame, expected, size) == 0, "%s", questions[_i].what);
}
END_TEST

/* RFC 1071: over all words, the checksum among them, the sum is all ones. */
static unsigned sum_of(const uint8_t *packet, size_t icmp_size)
{
	uint32_t sum = 58 + (uint32_t)icmp_size;

	for (size_t i = 8; i < 40 + icmp_size; i += 2)
		sum += (uint32_t)packet[i] << 8 | packet[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

START_TEST(a_solicitations_checksum_is_right)
{
	struct probe_request request = { .target = { .v6 = true }, .source = source };

	for (unsigned i = 0; i < 1000; i++) {
		uint8_t frame[PROBE_FRAME_MAX];

		request.vlan = i % 2 ? 7 : 0;
		request.target.bytes[i % 16] = (uint8_t)(i * 37);
		request.source.bytes[5] = (uint8_t)i;
		(void)probe_build(&request, frame);
		ck_assert_uint_eq(sum_of(frame + (i % 2 ? 18 : 14), 32), 0xffff);
	}
}
END_TEST

START_TEST(a_solicitation_to_one_host_is_unicast_all_through)
{
	const struct probe_request request = {
		.target = { .v6 = true, .bytes = { 0xfd, 0, [15] = 1 } },
		.source = source,
		.destination = target_mac,
	};
	uint8_t frame[PROBE_FRAME_MAX];

	(void)probe_build(&request, frame);
	ck_assert_int_eq(memcmp(frame, &target_mac, MAC_SIZE), 0);
	ck_assert_int_eq(memcmp(frame + 38, request.target.bytes, 16), 0);
}
END_TEST

/* Answers as Linux sends them, recorded. */
#define ARP_ANSWER                                            \
	"020000000007 020000000009 0806 0001 0800 06 04 0002" \
	"020000000009 0a000001 020000000007 00000000"
#define ND_ANSWER                                                                   \
	"020000000007 020000000009 86dd 60000000 0020 3a ff"                        \
	"fd000000000000000000000000000001 fe80000000000000000000fffe000007 8800 %s" \
	"60000000 fd000000000000000000000000000001 0201 020000000009"

static size_t make_nd(uint8_t *frame)
{
	char text[400];
	size_t size;
	unsigned sum;

	(void)snprintf(text, sizeof(text), ND_ANSWER, "0000");
	size = from_hex(text, frame);
	sum = ~sum_of(frame + 14, 32) & 0xffff;
	frame[56] = (uint8_t)(sum >> 8);
	frame[57] = (uint8_t)sum;
	return size;
}

static bool parse(const uint8_t *bytes, size_t size, struct probe_answer *answer)
{
	/* A copy that ends where the frame ends, so that a sanitizer sees each byte read beyond. */
	uint8_t *copy = malloc(size ? size : 1);
	bool good;

	memcpy(copy, bytes, size);
	good = probe_parse((struct span){ copy, size }, answer);
	free(copy);
	return good;
}

static size_t insert_tag(uint8_t *frame, size_t size, unsigned tag)
{
	memmove(frame + 16, frame + 12, 180); /* All there may be. */
	frame[12] = 0x81;
	frame[13] = 0;
	frame[14] = (uint8_t)(tag >> 8);
	frame[15] = (uint8_t)tag;
	return size + 4;
}

START_TEST(answers_are_understood)
{
	bool v6 = _i & 1, tagged = _i & 2;
	struct probe_answer answer;
	uint8_t frame[200];
	size_t size = v6 ? make_nd(frame) : from_hex(ARP_ANSWER, frame);

	if (tagged)
		size = insert_tag(frame, size, 0xe00a);
	ck_assert(parse(frame, size, &answer));
	ck_assert_int_eq(answer.target.v6, v6);
	ck_assert_uint_eq(answer.target.bytes[0], v6 ? 0xfd : 10);
	ck_assert_uint_eq(answer.target.bytes[v6 ? 15 : 3], 1);
	ck_assert(mac_equal(&answer.mac, &target_mac));
	ck_assert(mac_equal(&answer.destination, &source));
	ck_assert_uint_eq(answer.vlan, tagged ? 10 : 0);
}
END_TEST

START_TEST(an_answer_cut_anywhere_is_none)
{
	struct probe_answer answer;
	uint8_t frame[200];
	size_t size = _i ? make_nd(frame) : from_hex(ARP_ANSWER, frame);

	for (size_t n = 0; n < size; n++)
		ck_assert_msg(!parse(frame, n, &answer), "%zu bytes", n);
	size = insert_tag(frame, size, 5);
	for (size_t n = 0; n < size; n++)
		ck_assert_msg(!parse(frame, n, &answer), "%zu bytes with a tag", n);
}
END_TEST

static const struct {
	const char *what;
	bool v6;
	unsigned at;
	uint8_t byte;
} wrong[] = {
	{ "another protocol", false, 13, 0x07 },
	{ "hardware that is not Ethernet", false, 15, 6 },
	{ "a protocol that is not IPv4", false, 17, 1 },
	{ "longer hardware addresses", false, 18, 8 },
	{ "a request", false, 21, 1 },
	{ "RARP", false, 21, 4 },
	{ "a sender with a group address", false, 22, 3 },
	{ "another version of IP", true, 14, 0x40 },
	{ "another next header", true, 20, 17 },
	{ "one that a router passed on", true, 21, 254 },
	{ "a longer payload than there is", true, 19, 0x22 },
	{ "a shorter payload than an advertisement", true, 19, 0x10 },
	{ "an odd payload", true, 19, 0x1f },
	{ "a solicitation", true, 54, 135 },
	{ "an unknown code", true, 55, 1 },
	{ "a wrong checksum", true, 57, 0 },
	{ "an advertisement that was not asked for", true, 58, 0x20 },
	{ "a group as target", true, 62, 0xff },
};

START_TEST(what_is_no_answer_is_refused)
{
	struct probe_answer answer;
	uint8_t frame[200];
	size_t size = wrong[_i].v6 ? make_nd(frame) : from_hex(ARP_ANSWER, frame);
	unsigned sum;

	frame[wrong[_i].at] = wrong[_i].byte;
	/* So that it is refused for what it is. */
	if (wrong[_i].v6 && wrong[_i].at >= 54 && wrong[_i].at != 57) {
		frame[56] = frame[57] = 0;
		sum = ~sum_of(frame + 14, 32) & 0xffff;
		frame[56] = (uint8_t)(sum >> 8);
		frame[57] = (uint8_t)sum;
	}
	ck_assert_msg(!parse(frame, size, &answer), "%s", wrong[_i].what);
}
END_TEST

START_TEST(options_that_lead_nowhere_are_left)
{
	struct probe_answer answer;
	uint8_t frame[200];
	size_t size = make_nd(frame);

	for (unsigned length = 0; length < 256; length++) {
		unsigned sum;

		frame[79] = (uint8_t)length;
		frame[56] = frame[57] = 0;
		sum = ~sum_of(frame + 14, 32) & 0xffff;
		frame[56] = (uint8_t)(sum >> 8);
		frame[57] = (uint8_t)sum;
		ck_assert(parse(frame, size, &answer));
		ck_assert(mac_equal(&answer.mac, &target_mac));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("probe");
	TCase *tcase = tcase_create("probe");

	tcase_add_loop_test(tcase, a_question_is_what_the_standards_say, 0, ARRAY_SIZE(questions));
	tcase_add_test(tcase, a_solicitations_checksum_is_right);
	tcase_add_test(tcase, a_solicitation_to_one_host_is_unicast_all_through);
	tcase_add_loop_test(tcase, answers_are_understood, 0, 4);
	tcase_add_loop_test(tcase, an_answer_cut_anywhere_is_none, 0, 2);
	tcase_add_loop_test(tcase, what_is_no_answer_is_refused, 0, ARRAY_SIZE(wrong));
	tcase_add_test(tcase, options_that_lead_nowhere_are_left);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
