/* LACPDUs and Marker PDUs octet by octet. What is refused is in tests/sim/conformance/pdu.cases. */
#include "daemon/core/lacp/pdu.h"

#include "lib/base/array.h"
#include "tests/unit/run.h"

#include <string.h>

/* As a switch sent it that had just attached its port; written down from Figure 6-7. */
static const uint8_t lacpdu_bytes[LACP_PDU_SIZE] = {
	0x01, 0x01,                                        /* LACP, version 1 */
	0x01, 0x14, 0x80, 0x00,                            /* Actor: system priority 32768 */
	0x00, 0x1b, 0x21, 0x03, 0x04, 0x05,                /* system */
	0x01, 0x02, 0x00, 0xff, 0x12, 0x34, 0x3d, 0, 0, 0, /* key 258, 255, port 4660, 3d */
	0x02, 0x14, 0xff, 0xfe,                            /* Partner: system priority 65534 */
	0x02, 0xaa, 0xbb, 0xcc, 0xdd, 0xee,                /* system */
	0xab, 0xcd, 0x7f, 0xff, 0xff, 0xff, 0x4f, 0, 0, 0, /* key, 32767, port 65535, 4f */
	0x03, 0x10, 0x00, 0x0a, 0,    0,    0,    0, 0, 0, 0, 0, 0, 0, 0, 0, /* Collector: 10 */
	0x00, 0x00,                                                          /* Terminator */
};

static const struct lacpdu lacpdu = {
	.version = 1,
	.actor = { .system_priority = 32768,
		   .system = { { 0x00, 0x1b, 0x21, 0x03, 0x04, 0x05 } },
		   .key = 258,
		   .port_priority = 255,
		   .port = 4660,
		   .state = 0x3d },
	.partner = { .system_priority = 65534,
		     .system = { { 0x02, 0xaa, 0xbb, 0xcc, 0xdd, 0xee } },
		     .key = 0xabcd,
		     .port_priority = 32767,
		     .port = 65535,
		     .state = 0x4f },
	.collector_max_delay = 10,
};

static const uint8_t marker_bytes[LACP_PDU_SIZE] = {
	0x02, 0x01, 0x01, 0x16, 0x12, 0x34,             /* Marker Information, port 4660 */
	0x00, 0x1b, 0x21, 0x03, 0x04, 0x05,             /* system */
	0xde, 0xad, 0xbe, 0xef, 0x00, 0x00, 0x00, 0x00, /* transaction, pad, Terminator */
};

static void check_information(const struct lacp_info *a, const struct lacp_info *b)
{
	ck_assert_uint_eq(a->system_priority, b->system_priority);
	ck_assert(mac_equal(&a->system, &b->system));
	ck_assert_uint_eq(a->key, b->key);
	ck_assert_uint_eq(a->port_priority, b->port_priority);
	ck_assert_uint_eq(a->port, b->port);
	ck_assert_uint_eq(a->state, b->state);
}

START_TEST(a_lacpdu_is_read)
{
	struct lacpdu read;
	struct marker marker;

	ck_assert_int_eq(
		pdu_decode((struct span){ lacpdu_bytes, sizeof(lacpdu_bytes) }, &read, &marker),
		PDU_LACP);
	check_information(&read.actor, &lacpdu.actor);
	check_information(&read.partner, &lacpdu.partner);
	ck_assert_uint_eq(read.collector_max_delay, 10);
	ck_assert_uint_eq(read.version, 1);
}
END_TEST

START_TEST(a_lacpdu_is_written)
{
	uint8_t written[LACP_PDU_SIZE];

	memset(written, 0xff, sizeof(written));
	lacpdu_encode(&lacpdu, written);
	ck_assert_mem_eq(written, lacpdu_bytes, sizeof(written));
}
END_TEST

START_TEST(a_marker_is_read_and_written)
{
	uint8_t written[LACP_PDU_SIZE];
	struct lacpdu pdu;
	struct marker marker;

	ck_assert_int_eq(
		pdu_decode((struct span){ marker_bytes, sizeof(marker_bytes) }, &pdu, &marker),
		PDU_MARKER);
	ck_assert_int_eq(marker.type, MARKER_INFORMATION);
	ck_assert_uint_eq(marker.requester_port, 4660);
	ck_assert(mac_equal(&marker.requester_system, &lacpdu.actor.system));
	ck_assert_uint_eq(marker.transaction, 0xdeadbeef);
	memset(written, 0xff, sizeof(written));
	marker_encode(&marker, written);
	ck_assert_mem_eq(written, marker_bytes, sizeof(written));
}
END_TEST

START_TEST(whatever_is_cut_off_is_refused_and_nothing_behind_it_is_read)
{
	for (size_t size = 0; size < LACP_PDU_SIZE; size++) {
		uint8_t *copy = malloc(size ? size : 1);
		struct lacpdu pdu;
		struct marker marker;

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, lacpdu_bytes, size);
		ck_assert_int_eq(pdu_decode((struct span){ copy, size }, &pdu, &marker),
				 PDU_ILLEGAL);
		memcpy(copy, marker_bytes, size);
		ck_assert_int_eq(pdu_decode((struct span){ copy, size }, &pdu, &marker),
				 PDU_ILLEGAL);
		free(copy);
	}
}
END_TEST

/* Which single octets matter for whether a LACPDU is one: of all values of all octets. */
START_TEST(only_subtype_lengths_and_port_can_make_a_lacpdu_illegal)
{
	for (size_t at = 0; at < LACP_PDU_SIZE; at++)
		for (unsigned value = 0; value < 256; value++) {
			bool matters = at == 0 || at == 3 || at == 23 || at == 43;
			uint8_t copy[LACP_PDU_SIZE];
			struct lacpdu pdu;
			struct marker marker;
			enum pdu_verdict verdict;

			memcpy(copy, lacpdu_bytes, sizeof(copy));
			copy[at] = (uint8_t)value;
			verdict = pdu_decode((struct span){ copy, sizeof(copy) }, &pdu, &marker);
			ck_assert_msg((verdict == PDU_LACP) ==
					      (!matters || value == lacpdu_bytes[at]),
				      "octet %zu, value %u", at, value);
		}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pdu");
	TCase *tcase = tcase_create("pdu");

	tcase_add_test(tcase, a_lacpdu_is_read);
	tcase_add_test(tcase, a_lacpdu_is_written);
	tcase_add_test(tcase, a_marker_is_read_and_written);
	tcase_add_test(tcase, whatever_is_cut_off_is_refused_and_nothing_behind_it_is_read);
	tcase_add_test(tcase, only_subtype_lengths_and_port_can_make_a_lacpdu_illegal);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
