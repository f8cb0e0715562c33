/* The log as its callers and its readers see it. Each test has a process, and so a log, of its own;
 * its standard error is a pipe. */
#include "lib/base/log.h"

#include "lib/base/array.h"
#include "tests/unit/run.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TEXT_SIZE (256 * 1024)

/* Standard error as a pipe, with what was read from it. */
struct reader {
	int fd;
	size_t size;
	char text[TEXT_SIZE];
};

static struct reader *reader_new(void)
{
	struct reader *reader = calloc(1, sizeof(*reader));
	int ends[2];

	ck_assert_ptr_nonnull(reader);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	ck_assert_int_eq(close(ends[1]), 0);
	reader->fd = ends[0];
	return reader;
}

/* Reads until nobody holds the other end. */
static void *reader_run(void *userdata)
{
	struct reader *reader = userdata;
	ssize_t n;

	do {
		n = read(reader->fd, reader->text + reader->size, TEXT_SIZE - 1 - reader->size);
		if (n > 0)
			reader->size += (size_t)n;
	} while (n > 0);
	return NULL;
}

/* Everything that was logged: the end of the log's life. */
static const char *reader_finish(struct reader *reader)
{
	log_close();
	(void)close(STDERR_FILENO);
	(void)reader_run(reader);
	return reader->text;
}

static void reader_free(struct reader *reader)
{
	(void)close(reader->fd);
	free(reader);
}

static unsigned count(const char *text, const char *word)
{
	unsigned n = 0;

	while ((text = strstr(text, word))) {
		text += strlen(word);
		n++;
	}
	return n;
}

/* What stands behind "hh:mm:ss.mmm ". */
static const char *without_time(const char *line)
{
	ck_assert_uint_gt(strlen(line), 13);
	ck_assert_int_eq(line[2], ':');
	ck_assert_int_eq(line[8], '.');
	ck_assert_int_eq(line[12], ' ');
	return line + 13;
}

static const struct {
	enum log_level level;
	struct log_fields fields;
	const char *line;
} lines[] = {
	{ LOG_LEVEL_ERROR, { 0 }, "error: it happened 3 times\n" },
	{ LOG_LEVEL_WARNING, { .team = "team0" }, "warning: team0: it happened 3 times\n" },
	{ LOG_LEVEL_NOTICE,
	  { .team = "team0", .member = "eno1" },
	  "notice: team0/eno1: it happened 3 times\n" },
	{ LOG_LEVEL_INFO, { .member = "eno1" }, "info: eno1: it happened 3 times\n" },
};

START_TEST(a_line_tells_level_team_member_and_text)
{
	struct reader *reader = reader_new();

	ck_assert_int_eq(log_open(LOG_LEVEL_INFO), 0);
	log_write(lines[_i].level, &lines[_i].fields, "it happened %d times", 3);
	ck_assert_str_eq(without_time(reader_finish(reader)), lines[_i].line);
	reader_free(reader);
}
END_TEST

START_TEST(what_is_less_important_than_the_threshold_is_not_written)
{
	struct reader *reader = reader_new();
	const char *text;

	ck_assert_int_eq(log_open(LOG_LEVEL_NOTICE), 0);
	log_error("loud");
	log_notice("said");
	log_info("whispered");
	log_debug("thought");
	text = reader_finish(reader);
	ck_assert_uint_eq(count(text, "\n"), 2);
	ck_assert_ptr_nonnull(strstr(text, "loud"));
	ck_assert_ptr_nonnull(strstr(text, "said"));
	ck_assert_uint_eq(log_dropped(), 0);
	reader_free(reader);
}
END_TEST

START_TEST(before_it_is_opened_messages_are_written_at_once)
{
	struct reader *reader = reader_new();
	char text[64] = "";

	log_warning("early");
	ck_assert_int_gt((int)read(reader->fd, text, sizeof(text) - 1), 0);
	ck_assert_str_eq(without_time(text), "warning: early\n");
	reader_free(reader);
}
END_TEST

START_TEST(after_it_was_closed_messages_are_written_at_once)
{
	struct reader *reader = reader_new();
	char text[64] = "";

	ck_assert_int_eq(log_open(LOG_LEVEL_INFO), 0);
	log_close();
	log_warning("late");
	ck_assert_int_gt((int)read(reader->fd, text, sizeof(text) - 1), 0);
	ck_assert_str_eq(without_time(text), "warning: late\n");
	reader_free(reader);
}
END_TEST

START_TEST(closing_writes_out_what_is_queued_in_its_order)
{
	struct reader *reader = reader_new();
	const char *text;

	ck_assert_int_eq(log_open(LOG_LEVEL_INFO), 0);
	for (unsigned i = 0; i < 100; i++)
		log_info("message %02u.", i);
	text = reader_finish(reader);
	for (unsigned i = 0; i < 100; i++) {
		char word[32];

		(void)snprintf(word, sizeof(word), "message %02u.\n", i);
		text = strstr(text, word);
		ck_assert_msg(text, "message %u is not there, or not in its place", i);
	}
	reader_free(reader);
}
END_TEST

START_TEST(it_can_be_closed_twice_and_opened_again)
{
	struct reader *reader = reader_new();
	const char *text;

	log_close();
	ck_assert_int_eq(log_open(LOG_LEVEL_INFO), 0);
	log_info("one");
	log_close();
	log_close();
	ck_assert_int_eq(log_open(LOG_LEVEL_INFO), 0);
	log_info("two");
	text = reader_finish(reader);
	ck_assert_uint_eq(count(text, "one\n"), 1);
	ck_assert_uint_eq(count(text, "two\n"), 1);
	reader_free(reader);
}
END_TEST

/* Too many for the queue and the pipe together; and what the queue holds is too much for the pipe.
 */
#define FLOOD 5000

static void flood(const struct reader *reader)
{
	ck_assert_int_gt(fcntl(reader->fd, F_SETPIPE_SZ, 4096), 0);
	for (unsigned i = 0; i < FLOOD; i++)
		log_info("message %04u of a flood that nobody reads", i);
}

/* A caller that was blocked would run into the test's time limit. */
START_TEST(a_reader_that_stands_still_holds_up_nobody_and_the_dropped_are_counted)
{
	struct reader *reader = reader_new();
	pthread_t thread;
	uint64_t dropped;

	ck_assert_int_eq(log_open(LOG_LEVEL_INFO), 0);
	flood(reader);
	dropped = log_dropped();
	ck_assert_uint_gt(dropped, 0);
	ck_assert_uint_lt(dropped, FLOOD);

	/* Then somebody reads again: all that was not dropped comes out, whole. */
	ck_assert_int_eq(pthread_create(&thread, NULL, reader_run, reader), 0);
	log_close();
	(void)close(STDERR_FILENO);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_uint_eq(log_dropped(), dropped);
	ck_assert_uint_eq(count(reader->text, " of a flood that nobody reads\n"), FLOOD - dropped);
	reader_free(reader);
}
END_TEST

START_TEST(closing_does_not_wait_for_a_reader_that_stands_still)
{
	struct reader *reader = reader_new();

	(void)signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(log_open(LOG_LEVEL_INFO), 0);
	flood(reader);
	log_close();
	ck_assert_uint_gt(log_dropped(), 0);
	reader_free(reader);
}
END_TEST

START_TEST(a_reader_that_went_away_harms_nobody)
{
	struct reader *reader = reader_new();

	(void)signal(SIGPIPE, SIG_IGN); /* As a program that logs does. */
	ck_assert_int_eq(log_open(LOG_LEVEL_INFO), 0);
	(void)close(reader->fd);
	for (unsigned i = 0; i < FLOOD; i++)
		log_info("message %04u that nobody can read", i);
	log_close();
	free(reader);
}
END_TEST

#define THREADS 4
#define OF_EACH 50

static void *talk(void *userdata)
{
	for (unsigned i = 0; i < OF_EACH; i++)
		log_info("%s says a whole sentence", (const char *)userdata);
	return NULL;
}

START_TEST(many_threads_log_whole_lines)
{
	static char names[THREADS][8] = { "anna", "bert", "cora", "dora" };
	struct reader *reader = reader_new();
	pthread_t threads[THREADS];
	const char *text;

	ck_assert_int_eq(log_open(LOG_LEVEL_INFO), 0);
	for (unsigned i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, talk, names[i]), 0);
	for (unsigned i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	text = reader_finish(reader);
	ck_assert_uint_eq(log_dropped(), 0);
	ck_assert_uint_eq(count(text, "\n"), THREADS * OF_EACH);
	for (unsigned i = 0; i < THREADS; i++) {
		char line[64];

		(void)snprintf(line, sizeof(line), "info: %s says a whole sentence\n", names[i]);
		ck_assert_uint_eq(count(text, line), OF_EACH);
	}
	reader_free(reader);
}
END_TEST

START_TEST(a_message_that_is_too_long_is_cut_to_one_line)
{
	struct reader *reader = reader_new();
	char message[4096];
	const char *text;

	memset(message, 'm', sizeof(message) - 1);
	message[sizeof(message) - 1] = '\0';
	ck_assert_int_eq(log_open(LOG_LEVEL_INFO), 0);
	log_write(LOG_LEVEL_INFO, &(struct log_fields){ .team = message, .member = message }, "%s",
		  message);
	text = reader_finish(reader);
	ck_assert_uint_eq(count(text, "\n"), 1);
	ck_assert_uint_gt(reader->size, 512);
	ck_assert_uint_lt(reader->size, 1024);
	ck_assert_int_eq(text[reader->size - 1], '\n');
	reader_free(reader);
}
END_TEST

START_TEST(a_journal_that_is_not_our_standard_error_gets_nothing)
{
	struct reader *reader = reader_new();

	/* Inherited from a service that started a shell with another standard error. */
	ck_assert_int_eq(setenv("JOURNAL_STREAM", "1:1", 1), 0);
	ck_assert_int_eq(log_open(LOG_LEVEL_INFO), 0);
	log_info("read here");
	ck_assert_str_eq(without_time(reader_finish(reader)), "info: read here\n");
	reader_free(reader);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log");
	TCase *tcase = tcase_create("log");

	tcase_add_loop_test(tcase, a_line_tells_level_team_member_and_text, 0, ARRAY_SIZE(lines));
	tcase_add_test(tcase, what_is_less_important_than_the_threshold_is_not_written);
	tcase_add_test(tcase, before_it_is_opened_messages_are_written_at_once);
	tcase_add_test(tcase, after_it_was_closed_messages_are_written_at_once);
	tcase_add_test(tcase, closing_writes_out_what_is_queued_in_its_order);
	tcase_add_test(tcase, it_can_be_closed_twice_and_opened_again);
	tcase_add_test(tcase,
		       a_reader_that_stands_still_holds_up_nobody_and_the_dropped_are_counted);
	tcase_add_test(tcase, closing_does_not_wait_for_a_reader_that_stands_still);
	tcase_add_test(tcase, a_reader_that_went_away_harms_nobody);
	tcase_add_test(tcase, many_threads_log_whole_lines);
	tcase_add_test(tcase, a_message_that_is_too_long_is_cut_to_one_line);
	tcase_add_test(tcase, a_journal_that_is_not_our_standard_error_gets_nothing);
	/* A flood on a loaded machine takes its time; a caller that is held up takes for ever. */
	tcase_set_timeout(tcase, 30);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
