/* The reader and writer of frames. */
#include "lib/ctl/frame.h"

#include "lib/base/array.h"
#include "tests/unit/run.h"

#include <errno.h>
#include <string.h>

#define LIMIT 64

/* A stream of bytes ('|' stands for NUL) and what comes out: objects as compact JSON, "!" for what
 * is no object, "~" for more than the limit. */
static const struct {
	const char *what;
	const char *stream;
	const char *objects;
} streams[] = {
	{ "one object", "{\"a\":1}|", "{\"a\":1}" },
	{ "two objects", "{\"a\":1}|{\"b\":[2]}|", "{\"a\":1} {\"b\":[2]}" },
	{ "blanks around", " {\"a\" : 1}\n|", "{\"a\":1}" },
	{ "an object without end", "{\"a\":1}", "" },
	{ "an object and half of one", "{}|{\"a\"", "{}" },
	{ "nothing before a NUL", "|", "!" },
	{ "an array", "[1]|{}|", "! {}" },
	{ "a string", "\"a\"|{}|", "! {}" },
	{ "garbage, then an object", "garbage|{\"a\":1}|", "! {\"a\":1}" },
	{ "an object too many", "{}{}|", "!" },
	{ "a name twice", "{\"a\":1,\"a\":2}|", "!" },
	{ "a NUL in a string", "{\"a\":\"\\u0000\"}|", "!" },
	{ "bytes that are no UTF-8", "{\"a\":\"\xc3(\"}|", "!" },
	{ "a number too large", "{\"a\":99999999999999999999}|", "!" },
	{ "just within the limit",
	  "{\"a\":\"01234567890123456789012345678901234567890123456789012345\"}|",
	  "{\"a\":\"01234567890123456789012345678901234567890123456789012345\"}" },
	{ "one byte beyond the limit",
	  "{\"a\":\"012345678901234567890123456789012345678901234567890123456\"}|{}|", "~" },
	{ "many that together are beyond the limit",
	  "{\"a\":1}|{\"a\":1}|{\"a\":1}|{\"a\":1}|{\"a\":1}|{\"a\":1}|{\"a\":1}|{\"a\":1}|"
	  "{\"a\":1}|{\"a\":1}|",
	  "{\"a\":1} {\"a\":1} {\"a\":1} {\"a\":1} {\"a\":1} {\"a\":1} {\"a\":1} {\"a\":1} "
	  "{\"a\":1} {\"a\":1}" },
};

struct result {
	char text[512];
	size_t size;
};

static void note(struct result *result, const char *word)
{
	int r = snprintf(result->text + result->size, sizeof(result->text) - result->size, "%s%s",
			 result->size ? " " : "", word);

	result->size += (size_t)r;
}

static void take_all(struct ctl_frame_reader *reader, struct result *result)
{
	for (;;) {
		struct err e;
		json_t *object = ctl_frame_reader_next(reader, &e);
		char *text;

		if (!object && !e.code)
			return;
		if (!object) {
			ck_assert_int_eq(e.code, -EBADMSG);
			ck_assert_str_ne(e.text, "");
			note(result, "!");
			continue;
		}
		text = json_dumps(object, JSON_COMPACT);
		note(result, text);
		free(text);
		json_decref(object);
	}
}

/* Feeds the stream in pieces that end at 'cuts' and takes what is whole after each. */
static void run(size_t row, const size_t cuts[], size_t n_cuts, struct result *result)
{
	struct ctl_frame_reader *reader = ctl_frame_reader_new(LIMIT);
	char stream[512];
	size_t size = strlen(streams[row].stream), start = 0;

	for (size_t i = 0; i < size; i++)
		stream[i] = streams[row].stream[i] == '|' ? 0 : streams[row].stream[i];
	*result = (struct result){};
	for (size_t i = 0; i <= n_cuts; i++) {
		size_t end = i < n_cuts ? cuts[i] : size;
		int r = ctl_frame_reader_feed(reader, stream + start, end - start);

		take_all(reader, result);
		if (r < 0) {
			ck_assert_int_eq(r, -EMSGSIZE);
			ck_assert_int_eq(ctl_frame_reader_feed(reader, "", 1), -EMSGSIZE);
			note(result, "~");
			break;
		}
		start = end;
	}
	ctl_frame_reader_free(reader);
}

START_TEST(a_stream_cut_anywhere_gives_the_same_objects)
{
	size_t size = strlen(streams[_i].stream);
	struct result result;

	for (size_t i = 0; i <= size; i++) {
		for (size_t j = i; j <= size; j++) {
			const size_t cuts[] = { i, j };

			run((size_t)_i, cuts, 2, &result);
			ck_assert_msg(strcmp(result.text, streams[_i].objects) == 0,
				      "%s, cut at %zu and %zu: got '%s'", streams[_i].what, i, j,
				      result.text);
		}
	}
}
END_TEST

START_TEST(a_stream_byte_by_byte_gives_the_same_objects)
{
	size_t size = strlen(streams[_i].stream);
	struct result result;
	size_t cuts[256];

	for (size_t i = 0; i < size; i++)
		cuts[i] = i + 1;
	run((size_t)_i, cuts, size, &result);
	ck_assert_str_eq(result.text, streams[_i].objects);
}
END_TEST

START_TEST(what_came_before_the_overrun_can_still_be_taken)
{
	struct ctl_frame_reader *reader = ctl_frame_reader_new(LIMIT);
	char filler[LIMIT + 1];
	struct err e;
	json_t *object;

	memset(filler, ' ', sizeof(filler));
	ck_assert_int_eq(ctl_frame_reader_feed(reader, "{}", 3), 0);
	ck_assert_int_eq(ctl_frame_reader_feed(reader, filler, sizeof(filler)), -EMSGSIZE);
	object = ctl_frame_reader_next(reader, &e);
	ck_assert_ptr_nonnull(object);
	json_decref(object);
	ck_assert_ptr_null(ctl_frame_reader_next(reader, &e));
	ck_assert_int_eq(e.code, 0);
	ctl_frame_reader_free(reader);
}
END_TEST

START_TEST(depth_is_bounded)
{
	struct ctl_frame_reader *reader = ctl_frame_reader_new(65536);
	char bytes[8192];
	struct err e;
	json_t *object;

	/* {"a":[[[…]]]} with 2000 brackets passes, with 2500 does not. */
	for (int depth = 2000; depth <= 2500; depth += 500) {
		size_t size = 0;

		memcpy(bytes, "{\"a\":", 5);
		size += 5;
		memset(bytes + size, '[', (size_t)depth);
		size += (size_t)depth;
		memset(bytes + size, ']', (size_t)depth);
		size += (size_t)depth;
		memcpy(bytes + size, "}", 2);
		size += 2;
		ck_assert_int_eq(ctl_frame_reader_feed(reader, bytes, size), 0);
		object = ctl_frame_reader_next(reader, &e);
		ck_assert_int_eq(object != NULL, depth == 2000);
		ck_assert_int_eq(e.code, depth == 2000 ? 0 : -EBADMSG);
		json_decref(object);
	}
	ctl_frame_reader_free(reader);
}
END_TEST

START_TEST(long_streams_of_objects_keep_little)
{
	struct ctl_frame_reader *reader = ctl_frame_reader_new(65536);
	static const char two_and_a_half[] = "{\"a\":1}\0{\"b\":2}\0{\"c\"";
	struct err e;

	for (unsigned i = 0; i < 10000; i++) {
		/* The half is made whole by the next one's start. */
		ck_assert_int_eq(
			ctl_frame_reader_feed(reader, two_and_a_half, sizeof(two_and_a_half) - 1),
			0);
		ck_assert_int_eq(ctl_frame_reader_feed(reader, ":3}", 4), 0);
		for (unsigned j = 0; j < 3; j++) {
			json_t *object = ctl_frame_reader_next(reader, &e);

			ck_assert_ptr_nonnull(object);
			json_decref(object);
		}
		ck_assert_ptr_null(ctl_frame_reader_next(reader, &e));
	}
	ctl_frame_reader_free(reader);
}
END_TEST

START_TEST(what_is_written_can_be_read)
{
	struct ctl_frame_reader *reader = ctl_frame_reader_new(LIMIT);
	json_t *object = json_pack("{s:s, s:i}", "a", "\n\"\xc3\xa4", "b", 7);
	size_t size = 0;
	char *bytes = ctl_frame_write(object, &size);
	struct err e;
	json_t *read;

	ck_assert_uint_eq(strlen(bytes) + 1, size);
	ck_assert_int_eq(ctl_frame_reader_feed(reader, bytes, size), 0);
	read = ctl_frame_reader_next(reader, &e);
	ck_assert(json_equal(read, object));
	json_decref(read);
	json_decref(object);
	free(bytes);
	ctl_frame_reader_free(reader);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("ctl/frame");
	TCase *tcase = tcase_create("frames");

	tcase_add_loop_test(tcase, a_stream_cut_anywhere_gives_the_same_objects, 0,
			    ARRAY_SIZE(streams));
	tcase_add_loop_test(tcase, a_stream_byte_by_byte_gives_the_same_objects, 0,
			    ARRAY_SIZE(streams));
	tcase_add_test(tcase, what_came_before_the_overrun_can_still_be_taken);
	tcase_add_test(tcase, depth_is_bounded);
	tcase_add_test(tcase, long_streams_of_objects_keep_little);
	tcase_add_test(tcase, what_is_written_can_be_read);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return run_suite(make_suite());
}
