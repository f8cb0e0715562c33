/* Words for people, and tables. */
#include "lib/ctl/table.h"
#include "lib/ctl/text.h"

#include "lib/base/array.h"
#include "tests/unit/run.h"

#include <string.h>

/* What may come from a daemon, what a terminal gets of it, and what JSON does. */
static const struct {
	const char *text;
	const char *safe;
	const char *json;
} texts[] = {
	{ "eno1", "eno1", "eno1" },
	{ "", "", "" },
	{ "\033[2J", "\\x1b[2J", "\033[2J" },
	{ "a\nb\tc\x7f", "a\\x0ab\\x09c\\x7f", "a\nb\tc\x7f" },
	{ "caf\xc3\xa9", "caf\xc3\xa9", "caf\xc3\xa9" },
	{ "\xe2\x80\xa6\xf0\x9f\x98\x80", "\xe2\x80\xa6\xf0\x9f\x98\x80",
	  "\xe2\x80\xa6\xf0\x9f\x98\x80" },
	{ "csi \xc2\x9b"
	  "2J",
	  "csi \\xc2\\x9b2J",
	  "csi \xc2\x9b"
	  "2J" },
	{ "rtl \xe2\x80\xae!", "rtl \\xe2\\x80\\xae!", "rtl \xe2\x80\xae!" },
	{ "iso \xe2\x81\xa6!", "iso \\xe2\\x81\\xa6!", "iso \xe2\x81\xa6!" },
	{ "bad \xff\xfe", "bad \\xff\\xfe", "bad \xef\xbf\xbd\xef\xbf\xbd" },
	{ "cut \xe2\x80", "cut \\xe2\\x80", "cut \xef\xbf\xbd\xef\xbf\xbd" },
	{ "overlong \xc0\xaf", "overlong \\xc0\\xaf", "overlong \xef\xbf\xbd\xef\xbf\xbd" },
	{ "surrogate \xed\xa0\x80", "surrogate \\xed\\xa0\\x80",
	  "surrogate \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "beyond \xf4\x90\x80\x80", "beyond \\xf4\\x90\\x80\\x80",
	  "beyond \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
};

START_TEST(nothing_that_commands_a_terminal_gets_through)
{
	char *safe = ctl_text_safe(texts[_i].text);

	ck_assert_str_eq(safe, texts[_i].safe);
	free(safe);
}
END_TEST

START_TEST(json_is_always_utf8)
{
	json_t *json = ctl_text_json(texts[_i].text);

	ck_assert_ptr_nonnull(json);
	ck_assert_str_eq(json_string_value(json), texts[_i].json);
	json_decref(json);
}
END_TEST

enum unit { BYTES, SPEED, DURATION };

static const struct {
	enum unit unit;
	uint64_t value;
	const char *text;
} numbers[] = {
	{ BYTES, 0, "0 B" },
	{ BYTES, 1023, "1023 B" },
	{ BYTES, 1024, "1.0 KiB" },
	{ BYTES, 1536, "1.5 KiB" },
	{ BYTES, 1048575, "1.0 MiB" },
	{ BYTES, 1048576, "1.0 MiB" },
	{ BYTES, 5368709120, "5.0 GiB" },
	{ BYTES, UINT64_MAX, "16.0 EiB" },
	{ SPEED, 0, "unknown" },
	{ SPEED, 10, "10 Mbit/s" },
	{ SPEED, 1000, "1 Gbit/s" },
	{ SPEED, 2500, "2.5 Gbit/s" },
	{ SPEED, 100000, "100 Gbit/s" },
	{ SPEED, 800000, "800 Gbit/s" },
	{ DURATION, 0, "0 us" },
	{ DURATION, 999, "999 us" },
	{ DURATION, 1000, "1.0 ms" },
	{ DURATION, 99949, "99.9 ms" },
	{ DURATION, 99950, "100 ms" },
	{ DURATION, 999499, "999 ms" },
	{ DURATION, 999500, "1.0 s" },
	{ DURATION, 59949999, "59.9 s" },
	{ DURATION, 60000000, "1 min 0 s" },
	{ DURATION, 3599999999, "59 min 59 s" },
	{ DURATION, 3600000000, "1 h 0 min" },
	{ DURATION, 90061000000, "1 d 1 h" },
	{ DURATION, UINT64_MAX, "213503982 d 8 h" },
};

START_TEST(numbers_have_units_that_can_be_read)
{
	char text[CTL_TEXT_SIZE];

	switch (numbers[_i].unit) {
	case BYTES:
		ck_assert_str_eq(ctl_text_bytes(numbers[_i].value, text), numbers[_i].text);
		break;
	case SPEED:
		ck_assert_str_eq(ctl_text_speed(numbers[_i].value, text), numbers[_i].text);
		break;
	case DURATION:
		ck_assert_str_eq(ctl_text_duration(numbers[_i].value, text), numbers[_i].text);
		break;
	}
}
END_TEST

struct page {
	char *text;
	size_t size;
	FILE *file;
};

static void page_open(struct page *page)
{
	page->file = open_memstream(&page->text, &page->size);
}

static void page_assert(struct page *page, const char *wanted)
{
	(void)fclose(page->file);
	ck_assert_str_eq(page->text, wanted);
	free(page->text);
}

static struct ctl_table *make_table(const char *heads)
{
	struct ctl_table *table = ctl_table_new(heads);

	ctl_table_add(table, CTL_STYLE_PLAIN, "eno1");
	ctl_table_add(table, CTL_STYLE_BAD, "down");
	ctl_table_add(table, CTL_STYLE_PLAIN, "7");
	ctl_table_add(table, CTL_STYLE_PLAIN, "caf%s", "\xc3\xa9");
	ctl_table_add(table, CTL_STYLE_GOOD, "active");
	ctl_table_add(table, CTL_STYLE_PLAIN, "128");
	return table;
}

START_TEST(columns_are_aligned_by_what_is_seen)
{
	struct ctl_table *table = make_table("NAME|STATE|>N");
	struct page page;

	page_open(&page);
	ctl_table_write(table, page.file, 2, false);
	page_assert(&page, "  NAME  STATE     N\n"
			   "  eno1  down      7\n"
			   "  caf\xc3\xa9  active  128\n");
	ctl_table_free(table);
}
END_TEST

START_TEST(colour_changes_no_width)
{
	struct ctl_table *table = make_table("NAME|STATE|>N");
	struct page page;

	page_open(&page);
	ctl_table_write(table, page.file, 0, true);
	page_assert(&page, "\033[1mNAME\033[0m  \033[1mSTATE\033[0m     \033[1mN\033[0m\n"
			   "eno1  \033[31mdown\033[0m      7\n"
			   "caf\xc3\xa9  \033[32mactive\033[0m  128\n");
	ctl_table_free(table);
}
END_TEST

START_TEST(a_table_without_names_and_with_empty_ends_has_no_blanks_at_the_end)
{
	struct ctl_table *table = ctl_table_new("||");
	struct page page;

	for (unsigned i = 0; i < 2; i++) {
		ctl_table_add(table, CTL_STYLE_PLAIN, "%s", i ? "longer" : "a");
		ctl_table_add(table, CTL_STYLE_PLAIN, "b");
		ctl_table_add(table, CTL_STYLE_PLAIN, "%s", "");
	}
	page_open(&page);
	ctl_table_write(table, page.file, 0, false);
	page_assert(&page, "a       b\nlonger  b\n");
	ctl_table_free(table);
}
END_TEST

START_TEST(long_sentences_are_wrapped_at_words)
{
	struct page page;

	page_open(&page);
	(void)fputs("why: ", page.file);
	ctl_write_wrapped(page.file, "the switch has them in two groups", 5, 20);
	page_assert(&page, "why: the switch has\n     them in two\n     groups\n");
}
END_TEST

START_TEST(a_word_longer_than_the_line_is_not_cut)
{
	struct page page;

	page_open(&page);
	ctl_write_wrapped(page.file, "a 0123456789012345 b", 0, 10);
	page_assert(&page, "a\n0123456789012345\nb\n");
}
END_TEST

/* A file is no terminal. */
START_TEST(colour_is_for_terminals_only)
{
	FILE *file = tmpfile();

	(void)setenv("TERM", "xterm", 1);
	(void)unsetenv("NO_COLOR");
	ck_assert(!ctl_wants_colour(file));
	(void)fclose(file);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("ctl/text");
	TCase *tcase = tcase_create("words");

	tcase_add_loop_test(tcase, nothing_that_commands_a_terminal_gets_through, 0,
			    ARRAY_SIZE(texts));
	tcase_add_loop_test(tcase, json_is_always_utf8, 0, ARRAY_SIZE(texts));
	tcase_add_loop_test(tcase, numbers_have_units_that_can_be_read, 0, ARRAY_SIZE(numbers));
	tcase_add_test(tcase, columns_are_aligned_by_what_is_seen);
	tcase_add_test(tcase, colour_changes_no_width);
	tcase_add_test(tcase, a_table_without_names_and_with_empty_ends_has_no_blanks_at_the_end);
	tcase_add_test(tcase, long_sentences_are_wrapped_at_words);
	tcase_add_test(tcase, a_word_longer_than_the_line_is_not_cut);
	tcase_add_test(tcase, colour_is_for_terminals_only);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return run_suite(make_suite());
}
