/* The words of the configuration for header fields. */
#include "daemon/core/hash.h"
#include "tests/unit/run.h"

START_TEST(each_choice_has_the_word_of_the_configuration)
{
	ck_assert_str_eq(hash_fields_name(HASH_TRANSPORT_PORTS), "transport-ports");
	ck_assert_str_eq(hash_fields_name(HASH_IP_ADDRESSES), "ip-addresses");
	ck_assert_str_eq(hash_fields_name(HASH_MAC_ADDRESSES), "mac-addresses");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hash");
	TCase *tcase = tcase_create("names");

	tcase_add_test(tcase, each_choice_has_the_word_of_the_configuration);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
