/* Numbers that stay. */
#include "daemon/host/identity.h"
#include "tests/unit/run.h"

#include <errno.h>
#include <string.h>

static const uint8_t seed[IDENTITY_SEED_SIZE] = { 42 };
static struct identity *identity;

static void setup(void)
{
	struct err e;

	ck_assert_int_eq(identity_new(NULL, seed, &identity, &e), 0);
}

static void teardown(void)
{
	identity_free(identity);
}

/* As after a reboot. */
static void read_again(void)
{
	char *text = identity_text(identity);
	static const uint8_t other_seed[IDENTITY_SEED_SIZE] = { 7 };
	struct err e;

	identity_free(identity);
	ck_assert_int_eq(identity_new(text, other_seed, &identity, &e), 0);
	free(text);
}

START_TEST(the_system_is_a_local_individual_address_and_stays)
{
	struct mac before = identity_system(identity), after;

	ck_assert_uint_eq(before.bytes[0] & 3, 2);
	read_again();
	after = identity_system(identity);
	ck_assert(mac_equal(&before, &after));
}
END_TEST

START_TEST(each_team_has_an_address_of_its_own)
{
	struct mac a = identity_team_mac(identity, "team0"),
		   b = identity_team_mac(identity, "team1"), system = identity_system(identity);

	ck_assert(!mac_equal(&a, &b));
	ck_assert(!mac_equal(&a, &system));
}
END_TEST

START_TEST(ports_keep_their_numbers_and_never_share_one)
{
	uint16_t a = identity_port(identity, "mac:00:11:22:33:44:55");
	uint16_t b = identity_port(identity, "name:eno2");

	ck_assert_uint_ne(a, 0);
	ck_assert_uint_ne(b, 0);
	ck_assert_uint_ne(a, b);
	read_again();
	ck_assert_uint_eq(identity_port(identity, "name:eno2"), b);
	ck_assert_uint_eq(identity_port(identity, "mac:00:11:22:33:44:55"), a);
	ck_assert(!identity_changed(identity));
}
END_TEST

START_TEST(keys_differ_by_team_and_by_speed)
{
	uint16_t a = identity_key(identity, "team0", 10000, NULL, 0);

	ck_assert_uint_ne(a, 0);
	ck_assert_uint_ne(a, identity_key(identity, "team0", 25000, NULL, 0));
	ck_assert_uint_ne(a, identity_key(identity, "team1", 10000, NULL, 0));
	ck_assert_uint_eq(a, identity_key(identity, "team0", 10000, NULL, 0));
	read_again();
	ck_assert_uint_eq(a, identity_key(identity, "team0", 10000, NULL, 0));
}
END_TEST

START_TEST(a_key_that_an_administrator_gave_is_nobody_elses)
{
	uint16_t taken[] = { 32, 64 + 7 };

	ck_assert_uint_ge(identity_key(identity, "team0", 10000, taken, 2), 96);
}
END_TEST

static const char *const damaged[] = {
	"",
	"{}",
	"[1]",
	"{\"seed\":\"00\",\"ports\":{},\"teams\":{}}",
	"{\"seed\":\"000102030405060708090a0b0c0d0e0f\",\"ports\":{\"a\":0},\"teams\":{}}",
	"{\"seed\":\"000102030405060708090a0b0c0d0e0f\",\"ports\":{\"a\":1,\"b\":1},\"teams\":{}}",
	"{\"seed\":\"000102030405060708090a0b0c0d0e0f\",\"ports\":{\"a\":70000},\"teams\":{}}",
	"{\"seed\":\"000102030405060708090a0b0c0d0e0f\",\"ports\":{},\"teams\":{\"t\":2048}}",
	"{\"seed\":\"000102030405060708090a0b0c0d0e0f\",\"ports\":{},\"teams\":7",
};

START_TEST(a_damaged_file_is_refused_in_words)
{
	struct identity *read = NULL;
	struct err e = {};

	ck_assert_int_eq(identity_new(damaged[_i], seed, &read, &e), -EBADMSG);
	ck_assert_ptr_null(read);
	ck_assert_int_gt((int)strlen(e.text), 5);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("identity");
	TCase *tcase = tcase_create("identity");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, the_system_is_a_local_individual_address_and_stays);
	tcase_add_test(tcase, each_team_has_an_address_of_its_own);
	tcase_add_test(tcase, ports_keep_their_numbers_and_never_share_one);
	tcase_add_test(tcase, keys_differ_by_team_and_by_speed);
	tcase_add_test(tcase, a_key_that_an_administrator_gave_is_nobody_elses);
	tcase_add_loop_test(tcase, a_damaged_file_is_refused_in_words, 0,
			    (int)(sizeof(damaged) / sizeof(*damaged)));
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
