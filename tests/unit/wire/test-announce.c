/* The frames that announce an address, octet by octet. */
#include "lib/wire/announce.h"

#include "lib/base/array.h"
#include "tests/unit/run.h"

#include <string.h>

static const struct mac mac = { { 2, 0x11, 0x22, 0x33, 0x44, 0x55 } };
static const uint8_t v4[4] = { 192, 0, 2, 7 };
static const uint8_t v6[16] = { 0xfe, 0x80, [8] = 0, 0x11, 0x22, 0xff, 0xfe, 0x33, 0x44, 0x55 };

static uint8_t frame[ANNOUNCE_FRAME_SIZE];

static void setup(void)
{
	memset(frame, 0xee, sizeof(frame));
}

START_TEST(rarp_asks_for_the_address_itself)
{
	static const uint8_t expected[60] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 0x80,
		0x35, 0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x03, 0x02, 0x11, 0x22, 0x33,
		0x44, 0x55, 0x00, 0x00, 0x00, 0x00, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55,
	};

	ck_assert_uint_eq(announce_frame_rarp(frame, &mac, 0), sizeof(expected));
	ck_assert_mem_eq(frame, expected, sizeof(expected));
}
END_TEST

START_TEST(a_tag_comes_between_the_addresses_and_the_rest)
{
	uint8_t untagged[ANNOUNCE_FRAME_SIZE];
	static const uint8_t tag[4] = { 0x81, 0x00, 0x0f, 0xfe };

	(void)announce_frame_rarp(untagged, &mac, 0);
	ck_assert_uint_eq(announce_frame_rarp(frame, &mac, 4094), 64);
	ck_assert_mem_eq(frame, untagged, 12);
	ck_assert_mem_eq(frame + 12, tag, sizeof(tag));
	ck_assert_mem_eq(frame + 16, untagged + 12, 48);
}
END_TEST

START_TEST(arp_announces_the_address_to_all)
{
	static const uint8_t expected[60] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 0x08, 0x06,
		0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55,
		192,  0,    2,    7,    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 192,  0,    2,    7,
	};

	ck_assert_uint_eq(announce_frame_arp(frame, &mac, 0, v4), sizeof(expected));
	ck_assert_mem_eq(frame, expected, sizeof(expected));
	ck_assert_uint_eq(announce_frame_arp(frame, &mac, 1, v4), 64);
}
END_TEST

/* The sum over pseudo header and message, checksum and all, has to be all ones. */
static unsigned sum_of(const uint8_t *ip)
{
	uint32_t sum = 58 + 32;

	for (int i = 8; i < 72; i += 2)
		sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Its checksum apart. */
static const uint8_t advertisement[86] = {
	0x33, 0x33, 0x00, 0x00, 0x00, 0x01, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 0x86, 0xdd, 0x60,
	0x00, 0x00, 0x00, 0x00, 0x20, 0x3a, 0xff, 0xfe, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x11, 0x22, 0xff, 0xfe, 0x33, 0x44, 0x55, 0xff, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x88, 0x00, 0x00, 0x00, 0x20, 0x00,
	0x00, 0x00, 0xfe, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x11, 0x22, 0xff, 0xfe,
	0x33, 0x44, 0x55, 0x02, 0x01, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55,
};

START_TEST(an_advertisement_overrides_what_all_nodes_know)
{
	ck_assert_uint_eq(announce_frame_na(frame, &mac, 0, v6, false), sizeof(advertisement));
	ck_assert_uint_eq(sum_of(frame + 14), 0xffff);
	memset(frame + 56, 0, 2);
	ck_assert_mem_eq(frame, advertisement, sizeof(advertisement));
	ck_assert_uint_eq(announce_frame_na(frame, &mac, 5, v6, true), sizeof(advertisement) + 4);
	ck_assert_uint_eq(sum_of(frame + 18), 0xffff);
	ck_assert_uint_eq(frame[62], 0xa0);
}
END_TEST

/* Every value of the last octet, so that each carry of the checksum is met. */
START_TEST(checksums_are_right_whatever_the_address)
{
	uint8_t ip[16];

	memset(ip, 0xff, sizeof(ip));
	for (unsigned i = 0; i < 65536; i += 97) {
		ip[14] = (uint8_t)(i >> 8);
		ip[15] = (uint8_t)i;
		(void)announce_frame_na(frame, &mac, 0, ip, i & 1);
		ck_assert_uint_eq(sum_of(frame + 14), 0xffff);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("announce");
	TCase *tcase = tcase_create("frames");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, rarp_asks_for_the_address_itself);
	tcase_add_test(tcase, a_tag_comes_between_the_addresses_and_the_rest);
	tcase_add_test(tcase, arp_announces_the_address_to_all);
	tcase_add_test(tcase, an_advertisement_overrides_what_all_nodes_know);
	tcase_add_test(tcase, checksums_are_right_whatever_the_address);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
