/* Errors that carry a sentence: what is put before, behind, and what is too long. */
#include "lib/base/err.h"

#include "lib/base/array.h"
#include "tests/unit/run.h"

#include <errno.h>
#include <string.h>

START_TEST(set_keeps_the_code_and_the_sentence)
{
	struct err e = { 0 };

	ck_assert_int_eq(err_set(&e, -EBUSY, "it belongs to %s", "team1"), -EBUSY);
	ck_assert_int_eq(e.code, -EBUSY);
	ck_assert_str_eq(e.text, "it belongs to team1");
}
END_TEST

START_TEST(a_caller_tells_what_it_was_about)
{
	struct err e = { 0 };

	(void)err_set(&e, -EBUSY, "it belongs to team1");
	ck_assert_int_eq(err_prefix(&e, "cannot add %s", "eno1"), -EBUSY);
	ck_assert_str_eq(e.text, "cannot add eno1: it belongs to team1");
}
END_TEST

START_TEST(errno_is_told_in_words)
{
	struct err e = { 0 };

	ck_assert_int_eq(err_errno(&e, -ENOENT, "cannot open %s", "/nowhere"), -ENOENT);
	ck_assert_str_eq(e.text, "cannot open /nowhere: No such file or directory");
}
END_TEST

START_TEST(who_does_not_want_words_gets_the_code)
{
	ck_assert_int_eq(err_set(NULL, -EPERM, "unheard"), -EPERM);
	ck_assert_int_eq(err_errno(NULL, -EPERM, "unheard"), -EPERM);
	ck_assert_int_eq(err_prefix(NULL, "unheard"), -EINVAL);
}
END_TEST

/* A sentence as long as it may be, and longer. */
static const size_t lengths[] = { 510, 511, 512, 5000 };

START_TEST(a_long_sentence_is_cut_and_ended)
{
	struct err e = { 0 };
	char long_text[5001];
	size_t length = lengths[_i];
	size_t kept = length < sizeof(e.text) ? length : sizeof(e.text) - 1;

	memset(long_text, 'x', length);
	long_text[length] = '\0';
	(void)err_set(&e, -EINVAL, "%s", long_text);
	ck_assert_uint_eq(strlen(e.text), kept);

	(void)err_errno(&e, -EINVAL, "%s", long_text);
	ck_assert_uint_lt(strlen(e.text), sizeof(e.text));
	ck_assert_int_eq(strncmp(e.text, long_text, kept), 0);
}
END_TEST

START_TEST(a_prefix_that_fills_all_leaves_an_ended_sentence)
{
	struct err e = { 0 };
	char long_text[sizeof(e.text)];

	memset(long_text, 'y', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	(void)err_set(&e, -EIO, "the cause");
	ck_assert_int_eq(err_prefix(&e, "%s", long_text), -EIO);
	ck_assert_str_eq(e.text, long_text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("err");
	TCase *tcase = tcase_create("err");

	tcase_add_test(tcase, set_keeps_the_code_and_the_sentence);
	tcase_add_test(tcase, a_caller_tells_what_it_was_about);
	tcase_add_test(tcase, errno_is_told_in_words);
	tcase_add_test(tcase, who_does_not_want_words_gets_the_code);
	tcase_add_loop_test(tcase, a_long_sentence_is_cut_and_ended, 0, ARRAY_SIZE(lengths));
	tcase_add_test(tcase, a_prefix_that_fills_all_leaves_an_ended_sentence);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
