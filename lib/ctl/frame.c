#include "lib/ctl/frame.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

/* What an empty reader keeps: enough for the usual call, so that idle clients cost little. */
#define KEPT_SIZE 4096

struct ctl_frame_reader {
	size_t limit;
	char *bytes;
	size_t allocated;
	size_t start;    /* Of the first object that has not been taken yet. */
	size_t end;      /* Of what has come. */
	size_t searched; /* There is no NUL between 'start' and here. */
	size_t unended;  /* Bytes since the last NUL that has come. */
	bool overrun;
};

struct ctl_frame_reader *ctl_frame_reader_new(size_t limit)
{
	struct ctl_frame_reader *reader = calloc(1, sizeof(*reader));

	if (reader)
		reader->limit = limit;
	return reader;
}

void ctl_frame_reader_free(struct ctl_frame_reader *reader)
{
	if (!reader)
		return;
	free(reader->bytes);
	free(reader);
}

/* Whether no object grows too long by these bytes; *unended is what 'unended' becomes. */
static bool within_limit(const struct ctl_frame_reader *reader, const char *bytes, size_t size,
			 size_t *unended)
{
	size_t run = reader->unended;

	while (size) {
		const char *nul = memchr(bytes, 0, size);
		size_t part = nul ? (size_t)(nul - bytes) : size;

		if (part > reader->limit - run)
			return false;
		run = nul ? 0 : run + part;
		part += nul ? 1 : 0;
		bytes += part;
		size -= part;
	}
	*unended = run;
	return true;
}

static int make_room(struct ctl_frame_reader *reader, size_t size)
{
	size_t held = reader->end - reader->start;
	size_t wanted = reader->allocated ? reader->allocated : 256;
	char *bytes;

	if (reader->allocated - reader->end >= size)
		return 0;
	if (reader->start) {
		memmove(reader->bytes, reader->bytes + reader->start, held);
		reader->searched -= reader->start;
		reader->start = 0;
		reader->end = held;
	}
	if (size > SIZE_MAX / 4 - held)
		return -ENOMEM;
	while (wanted < held + size)
		wanted *= 2;
	if (wanted == reader->allocated)
		return 0;
	bytes = realloc(reader->bytes, wanted);
	if (!bytes)
		return -ENOMEM;
	reader->bytes = bytes;
	reader->allocated = wanted;
	return 0;
}

int ctl_frame_reader_feed(struct ctl_frame_reader *reader, const char *bytes, size_t size)
{
	size_t unended;
	int r;

	if (reader->overrun || !within_limit(reader, bytes, size, &unended)) {
		reader->overrun = true;
		return -EMSGSIZE;
	}
	if (!size)
		return 0;
	r = make_room(reader, size);
	if (r < 0)
		return r;
	memcpy(reader->bytes + reader->end, bytes, size);
	reader->end += size;
	reader->unended = unended;
	return 0;
}

/* The next object has been taken up to 'end'. */
static void taken(struct ctl_frame_reader *reader, size_t end)
{
	reader->start = reader->searched = end;
	if (end < reader->end)
		return;
	reader->start = reader->searched = reader->end = 0;
	if (reader->allocated <= KEPT_SIZE)
		return;
	free(reader->bytes);
	reader->bytes = NULL;
	reader->allocated = 0;
}

static json_t *parse(const char *bytes, size_t size, struct err *e)
{
	json_error_t error;
	json_t *message = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &error);

	if (!message) {
		(void)err_set(e, -EBADMSG, "what came is no JSON object: %s", error.text);
		return NULL;
	}
	if (!json_is_object(message)) {
		json_decref(message);
		(void)err_set(e, -EBADMSG, "what came is no JSON object, but an array");
		return NULL;
	}
	return message;
}

json_t *ctl_frame_reader_next(struct ctl_frame_reader *reader, struct err *e)
{
	size_t unsearched = reader->end - reader->searched;
	const char *nul = NULL;
	json_t *message;
	size_t end;

	*e = (struct err){};
	if (unsearched)
		nul = memchr(reader->bytes + reader->searched, 0, unsearched);
	if (!nul) {
		reader->searched = reader->end;
		return NULL;
	}
	end = (size_t)(nul - reader->bytes);
	message = parse(reader->bytes + reader->start, end - reader->start, e);
	taken(reader, end + 1);
	return message;
}

char *ctl_frame_write(const json_t *message, size_t *size)
{
	char *text = json_dumps(message, JSON_COMPACT);

	/* A NUL inside a string is escaped. */
	if (text)
		*size = strlen(text) + 1;
	return text;
}
