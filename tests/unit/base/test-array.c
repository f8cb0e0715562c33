/* The helpers on arrays, embedded objects and borrowed bytes. */
#include "lib/base/array.h"

#include "lib/base/span.h"
#include "tests/unit/run.h"

struct owner {
	int before;
	struct span part;
	int after;
};

START_TEST(the_size_of_an_array_is_its_number_of_elements)
{
	static const uint32_t numbers[] = { 1, 2, 3, 4, 5 };
	static const struct owner owners[3];

	ck_assert_uint_eq(ARRAY_SIZE(numbers), 5);
	ck_assert_uint_eq(ARRAY_SIZE(owners), 3);
}
END_TEST

START_TEST(an_owner_is_found_from_its_part)
{
	struct owner owners[2] = { { .before = 1 }, { .before = 2 } };

	ck_assert_ptr_eq(container_of(&owners[1].part, struct owner, part), &owners[1]);
	ck_assert_int_eq(container_of(&owners[1].part, struct owner, part)->before, 2);
	ck_assert_ptr_eq(container_of(&owners[0].before, struct owner, before), &owners[0]);
}
END_TEST

START_TEST(a_span_borrows_bytes_with_their_length)
{
	static const uint8_t frame[] = { 1, 0, 2 };
	const struct span span = { frame, sizeof(frame) };

	/* A NUL among the bytes ends nothing. */
	ck_assert_uint_eq(span.size, 3);
	ck_assert_ptr_eq(span.bytes, frame);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("array");
	TCase *tcase = tcase_create("array");

	tcase_add_test(tcase, the_size_of_an_array_is_its_number_of_elements);
	tcase_add_test(tcase, an_owner_is_found_from_its_part);
	tcase_add_test(tcase, a_span_borrows_bytes_with_their_length);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
