#include "daemon/config/guard.h"

#include "daemon/config/lexer.h"
#include "daemon/config/schema.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the grammar waits for in a frame. */
enum wait {
	WAIT_KEY, /* Of a group: a key, or its end. */
	WAIT_EQUALS,
	WAIT_KEY_VALUE,
	WAIT_KEY_END,       /* A terminator, the next key, or the end of the group. */
	WAIT_FIRST_ELEMENT, /* Of a list: a value, or its end. */
	WAIT_ELEMENT,
	WAIT_ELEMENT_END, /* A comma, or the end of the list. */
};

/* A group or a list that is open; the outermost has no bracket. */
struct frame {
	enum wait wait;
	char bracket;
	unsigned line;
	unsigned n;       /* Keys or entries. */
	struct token key; /* The last one before it. */
};

struct guard {
	const struct report *report;
	struct lexer lexer;
	struct token token;
	struct token key;   /* The last one. */
	unsigned last_line; /* Of the token before. */
	unsigned depth;
	struct frame frames[GUARD_DEPTH_MAX + 1];
};

bool guard_bytes(const struct report *report, struct span bytes)
{
	const uint8_t *nul = bytes.size ? memchr(bytes.bytes, '\0', bytes.size) : NULL;
	unsigned line = 1;

	if (bytes.size > GUARD_SIZE_MAX) {
		report_error(report, 0, "the file has %zu bytes: expected at most %zu", bytes.size,
			     GUARD_SIZE_MAX);
		return false;
	}
	if (!nul)
		return true;
	for (const uint8_t *at = bytes.bytes; at < nul; at++)
		line += *at == '\n';
	report_error(report, line, "found a NUL byte: expected text");
	return false;
}

static const char *wait_words(const struct frame *frame)
{
	switch (frame->wait) {
	case WAIT_KEY:
		return frame->bracket ? "a key or \"}\"" : "a key";
	case WAIT_EQUALS:
		return "\"=\" after the key";
	case WAIT_KEY_VALUE:
	case WAIT_ELEMENT:
		return "a value";
	case WAIT_KEY_END:
		return "\";\" after the value";
	case WAIT_FIRST_ELEMENT:
		return frame->bracket == '(' ? "a value or \")\"" : "a value or \"]\"";
	case WAIT_ELEMENT_END:
		return frame->bracket == '(' ? "\",\" or \")\" after the value"
					     : "\",\" or \"]\" after the value";
	}
	return "";
}

static bool unexpected(const struct guard *guard)
{
	const struct frame *frame = &guard->frames[guard->depth];
	char found[QUOTE_SIZE];

	report_error(guard->report, guard->token.line, "found %s: expected %s",
		     quote(guard->token.text, guard->token.size, found), wait_words(frame));
	return false;
}

static bool bad_token(const struct guard *guard)
{
	char found[QUOTE_SIZE];

	report_error(guard->report, guard->token.line, "found %s: %s",
		     quote(guard->token.text, guard->token.size, found), guard->token.problem);
	return false;
}

static bool at_end(const struct guard *guard)
{
	const struct frame *frame = &guard->frames[guard->depth];

	if (guard->depth) {
		report_error(guard->report, frame->line,
			     "the \"%c\" of this line is not closed: expected \"%c\" before the "
			     "end of the file",
			     frame->bracket,
			     frame->bracket == '{'   ? '}'
			     : frame->bracket == '(' ? ')'
						     : ']');
		return false;
	}
	if (frame->wait == WAIT_KEY || frame->wait == WAIT_KEY_END)
		return true;
	report_error(guard->report, guard->last_line, "the file ends here: expected %s",
		     wait_words(frame));
	return false;
}

static bool element_begins(struct guard *guard)
{
	struct frame *frame = &guard->frames[guard->depth];

	if (++frame->n > GUARD_ENTRIES_MAX) {
		report_error(guard->report, guard->token.line, "more than %u entries in one list",
			     GUARD_ENTRIES_MAX);
		return false;
	}
	frame->wait = WAIT_ELEMENT_END;
	return true;
}

/* A value in one piece, or its opening bracket, takes its place in the frame. */
static bool value_begins(struct guard *guard)
{
	struct frame *frame = &guard->frames[guard->depth];

	switch (frame->wait) {
	case WAIT_KEY_VALUE:
		frame->wait = WAIT_KEY_END;
		return true;
	case WAIT_FIRST_ELEMENT:
	case WAIT_ELEMENT:
		return element_begins(guard);
	case WAIT_KEY:
	case WAIT_EQUALS:
	case WAIT_KEY_END:
	case WAIT_ELEMENT_END:
		break;
	}
	return unexpected(guard);
}

static bool opens(struct guard *guard)
{
	char bracket = *guard->token.text;

	if (!value_begins(guard))
		return false;
	if (guard->depth == GUARD_DEPTH_MAX) {
		report_error(guard->report, guard->token.line,
			     "groups and lists are nested more than %u deep", GUARD_DEPTH_MAX);
		return false;
	}
	guard->frames[++guard->depth] = (struct frame){
		.wait = bracket == '{' ? WAIT_KEY : WAIT_FIRST_ELEMENT,
		.bracket = bracket,
		.line = guard->token.line,
		.key = guard->key,
	};
	return true;
}

static bool closes(struct guard *guard)
{
	const struct frame *frame = &guard->frames[guard->depth];
	char bracket = *guard->token.text;
	bool group = frame->bracket == '{' && bracket == '}' &&
		     (frame->wait == WAIT_KEY || frame->wait == WAIT_KEY_END);
	bool list = ((frame->bracket == '(' && bracket == ')') ||
		     (frame->bracket == '[' && bracket == ']')) &&
		    frame->wait != WAIT_ELEMENT;

	if (!group && !list)
		return unexpected(guard);
	guard->depth--;
	return true;
}

static bool key_begins(struct guard *guard)
{
	struct frame *frame = &guard->frames[guard->depth];

	if (frame->wait != WAIT_KEY && frame->wait != WAIT_KEY_END)
		return unexpected(guard);
	if (++frame->n > GUARD_KEYS_MAX) {
		report_error(guard->report, guard->token.line, "more than %u keys in one group",
			     GUARD_KEYS_MAX);
		return false;
	}
	guard->key = guard->token;
	frame->wait = WAIT_EQUALS;
	return true;
}

static bool passes(struct guard *guard, enum wait from, enum wait to)
{
	struct frame *frame = &guard->frames[guard->depth];

	if (frame->wait != from)
		return unexpected(guard);
	frame->wait = to;
	return true;
}

static bool is_hex(const struct token *token)
{
	return token->size > 2 && (token->text[1] == 'x' || token->text[1] == 'X');
}

/* Decimal to old versions of libconfig, octal to new ones. */
static bool has_leading_zero(const struct token *token)
{
	size_t sign = token->text[0] == '-' || token->text[0] == '+';

	return token->size > sign + 1 && token->text[sign] == '0' && token->text[sign + 1] >= '0' &&
	       token->text[sign + 1] <= '9';
}

static bool fits_int(const struct token *token)
{
	char text[24];
	long long value;

	if (token->size >= sizeof(text))
		return false;
	memcpy(text, token->text, token->size);
	text[token->size] = '\0';
	errno = 0;
	value = strtoll(text, NULL, is_hex(token) ? 16 : 10);
	return !errno && value >= INT_MIN && value <= INT_MAX;
}

static void copy_key(const struct token *token, char key[static QUOTE_SIZE])
{
	(void)snprintf(key, QUOTE_SIZE, "%.*s", (int)token->size, token->text ? token->text : "");
}

/* The row of that name in the innermost section around it, else anywhere, else NULL. */
static const struct schema_key *find_row(const struct guard *guard, const char *name)
{
	const struct schema_section *section;
	char around[QUOTE_SIZE];

	for (unsigned i = guard->depth; i > 0; i--) {
		copy_key(&guard->frames[i].key, around);
		section = schema_section(around);
		if (section && schema_find(section, name))
			return schema_find(section, name);
	}
	section = schema_owner(name);
	return section ? schema_find(section, name) : NULL;
}

/* The key's own range is the best answer, where the key is one of ours. */
static void misread(const struct guard *guard, const char *hint)
{
	const struct token *token = &guard->token;
	const struct schema_key *row;
	char quoted[QUOTE_SIZE];
	char expected[SCHEMA_TEXT_SIZE] = "a number from -2147483648 to 2147483647";
	char key[QUOTE_SIZE];

	copy_key(&guard->key, key);
	row = find_row(guard, key);
	if (row)
		(void)schema_expected(row, expected);
	/* Between its quotes. */
	(void)quote(token->text, token->size, quoted);
	report_error(guard->report, token->line, "%.40s is %.*s: expected %s%s", key,
		     (int)strlen(quoted) - 2, quoted + 1, expected, hint);
}

static void check_integer(const struct guard *guard)
{
	if (!is_hex(&guard->token) && has_leading_zero(&guard->token))
		misread(guard, ", without a leading zero");
	else if (!fits_int(&guard->token))
		misread(guard, "");
}

static bool step(struct guard *guard)
{
	enum wait wait = guard->frames[guard->depth].wait;

	switch (guard->token.type) {
	case TOKEN_NAME:
		return key_begins(guard);
	case TOKEN_EQUALS:
		return passes(guard, WAIT_EQUALS, WAIT_KEY_VALUE);
	case TOKEN_INTEGER:
		if (!value_begins(guard))
			return false;
		check_integer(guard);
		return true;
	case TOKEN_STRING:
	case TOKEN_SCALAR:
		return value_begins(guard);
	case TOKEN_OPEN:
		return opens(guard);
	case TOKEN_CLOSE:
		return closes(guard);
	case TOKEN_COMMA:
		if (wait == WAIT_KEY_END)
			return passes(guard, WAIT_KEY_END, WAIT_KEY);
		return passes(guard, WAIT_ELEMENT_END, WAIT_ELEMENT);
	case TOKEN_SEMICOLON:
		return passes(guard, WAIT_KEY_END, WAIT_KEY);
	case TOKEN_BAD:
		return bad_token(guard);
	case TOKEN_END:
		return at_end(guard);
	}
	return false;
}

bool guard_text(const struct report *report, struct span text)
{
	const char *bytes = (const char *)text.bytes;
	struct guard guard = {
		.report = report,
		.lexer = { .at = bytes, .end = bytes + text.size, .line = 1 },
	};

	do {
		guard.last_line = guard.token.line;
		guard.token = lexer_next(&guard.lexer);
		if (!step(&guard))
			return false;
	} while (guard.token.type != TOKEN_END);
	return true;
}
