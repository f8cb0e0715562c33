/* Ethernet addresses: their text, strictly read, and what they are. */
#include "lib/wire/ether.h"

#include "lib/base/array.h"
#include "tests/unit/run.h"

static const struct {
	const char *text;
	struct mac mac;
	const char *written; /* NULL: as read. */
} good[] = {
	{ "02:00:00:00:00:01", { { 2, 0, 0, 0, 0, 1 } }, NULL },
	{ "00:00:00:00:00:00", { { 0, 0, 0, 0, 0, 0 } }, NULL },
	{ "ff:ff:ff:ff:ff:ff", { { 255, 255, 255, 255, 255, 255 } }, NULL },
	{ "0a:1b:2c:3d:4e:5f", { { 0x0a, 0x1b, 0x2c, 0x3d, 0x4e, 0x5f } }, NULL },
	{ "0A:1B:2C:3D:4E:5F", { { 0x0a, 0x1b, 0x2c, 0x3d, 0x4e, 0x5f } }, "0a:1b:2c:3d:4e:5f" },
	{ "9f:F9:aF:Fa:00:90", { { 0x9f, 0xf9, 0xaf, 0xfa, 0, 0x90 } }, "9f:f9:af:fa:00:90" },
};

START_TEST(a_good_address_is_read_and_written)
{
	char text[MAC_TEXT_SIZE];
	struct mac mac = { { 0 } };

	ck_assert_msg(mac_from_text(good[_i].text, &mac), "%s", good[_i].text);
	ck_assert_mem_eq(mac.bytes, good[_i].mac.bytes, MAC_SIZE);
	ck_assert_ptr_eq(mac_to_text(&mac, text), text);
	ck_assert_str_eq(text, good[_i].written ? good[_i].written : good[_i].text);
}
END_TEST

static const struct {
	const char *what;
	const char *text;
} bad[] = {
	{ "nothing", "" },
	{ "a word", "auto" },
	{ "five pairs", "02:00:00:00:00" },
	{ "seven pairs", "02:00:00:00:00:01:02" },
	{ "one digit short", "02:00:00:00:00:1" },
	{ "one digit too many", "02:00:00:00:00:012" },
	{ "a trailing colon", "02:00:00:00:00:01:" },
	{ "a leading blank", " 02:00:00:00:00:01" },
	{ "a trailing newline", "02:00:00:00:00:01\n" },
	{ "dashes", "02-00-00-00-00-01" },
	{ "one wrong separator", "02:00:00:00:00.01" },
	{ "a digit that is none, first of a pair", "02:00:00:g0:00:01" },
	{ "a digit that is none, second of a pair", "02:00:00:0g:00:01" },
	{ "the character before '0'", "02:00:00:0/:00:01" },
	{ "the character behind '9'", "02:00:00:0;:00:01" },
	{ "the character before 'A'", "02:00:00:0@:00:01" },
	{ "the character behind 'F'", "02:00:00:0G:00:01" },
	{ "the character before 'a'", "02:00:00:0`:00:01" },
	{ "a sign", "02:00:00:+1:00:01" },
	{ "a prefix", "0x:00:00:00:00:01" },
	{ "bytes above 127", "02:00:00:\xc3\xa9:00:01" },
	{ "no separators", "02000000000100000" },
};

START_TEST(a_bad_address_is_refused_and_changes_nothing)
{
	const struct mac before = { { 1, 2, 3, 4, 5, 6 } };
	struct mac mac = before;

	ck_assert_msg(!mac_from_text(bad[_i].text, &mac), "%s", bad[_i].what);
	ck_assert_mem_eq(mac.bytes, before.bytes, MAC_SIZE);
}
END_TEST

START_TEST(addresses_differ_by_any_byte)
{
	const struct mac one = { { 1, 2, 3, 4, 5, 6 } };

	ck_assert(mac_equal(&one, &one));
	for (int i = 0; i < MAC_SIZE; i++) {
		struct mac other = one;

		other.bytes[i] ^= 0x80;
		ck_assert_msg(!mac_equal(&one, &other), "byte %d", i);
	}
}
END_TEST

START_TEST(zero_is_all_bytes_zero)
{
	const struct mac zero = { { 0 } };

	ck_assert(mac_is_zero(&zero));
	for (int i = 0; i < MAC_SIZE; i++) {
		struct mac other = zero;

		other.bytes[i] = 1;
		ck_assert_msg(!mac_is_zero(&other), "byte %d", i);
	}
}
END_TEST

START_TEST(a_group_is_told_by_the_lowest_bit_of_the_first_byte)
{
	const struct mac broadcast = { { 255, 255, 255, 255, 255, 255 } };
	const struct mac local = { { 2, 1, 1, 1, 1, 1 } };
	const struct mac universal = { { 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff } };

	ck_assert(mac_is_multicast(&mac_slow_protocols));
	ck_assert(mac_is_multicast(&broadcast));
	ck_assert(!mac_is_multicast(&local));
	ck_assert(!mac_is_multicast(&universal));
}
END_TEST

START_TEST(slow_protocols_go_where_the_standard_says)
{
	char text[MAC_TEXT_SIZE];

	ck_assert_str_eq(mac_to_text(&mac_slow_protocols, text), "01:80:c2:00:00:02");
	ck_assert_uint_eq(ETHERTYPE_SLOW_PROTOCOLS, 0x8809);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ether");
	TCase *tcase = tcase_create("ether");

	tcase_add_loop_test(tcase, a_good_address_is_read_and_written, 0, ARRAY_SIZE(good));
	tcase_add_loop_test(tcase, a_bad_address_is_refused_and_changes_nothing, 0,
			    ARRAY_SIZE(bad));
	tcase_add_test(tcase, addresses_differ_by_any_byte);
	tcase_add_test(tcase, zero_is_all_bytes_zero);
	tcase_add_test(tcase, a_group_is_told_by_the_lowest_bit_of_the_first_byte);
	tcase_add_test(tcase, slow_protocols_go_where_the_standard_says);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
