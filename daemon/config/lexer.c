#include "daemon/config/lexer.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define STRING_MAX 1024

/* Not those of ctype.h, which go by the locale. */
static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_name(char c)
{
	return is_letter(c) || is_digit(c) || c == '*' || c == '_' || c == '-';
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

/* The character at 'offset', NUL (which the guard has excluded from the text) past the end. */
static char peek(const struct lexer *lexer, size_t offset)
{
	return (size_t)(lexer->end - lexer->at) > offset ? lexer->at[offset] : '\0';
}

static struct token take(struct lexer *lexer, enum token_type type, size_t size)
{
	struct token token = { type, lexer->line, lexer->at, size, NULL };

	lexer->at += size;
	return token;
}

static struct token bad(struct lexer *lexer, size_t size, const char *problem)
{
	struct token token = take(lexer, TOKEN_BAD, size);

	token.problem = problem;
	return token;
}

static void skip_line(struct lexer *lexer)
{
	while (lexer->at < lexer->end && *lexer->at != '\n')
		lexer->at++;
}

/* False where the comment never ends; then the lexer is still at its beginning. */
static bool skip_comment(struct lexer *lexer)
{
	unsigned line = lexer->line;

	for (const char *at = lexer->at + 2; at + 1 < lexer->end; at++) {
		if (*at == '\n')
			line++;
		if (at[0] != '*' || at[1] != '/')
			continue;
		lexer->at = at + 2;
		lexer->line = line;
		return true;
	}
	return false;
}

/* To the next token; false where a comment never ends. */
static bool skip_space(struct lexer *lexer)
{
	for (;;) {
		char c = peek(lexer, 0);

		if (c == '\n')
			lexer->line++;
		if (c && strchr(" \t\r\n\f", c))
			lexer->at++;
		else if (c == '#' || (c == '/' && peek(lexer, 1) == '/'))
			skip_line(lexer);
		else if (c != '/' || peek(lexer, 1) != '*')
			return true;
		else if (!skip_comment(lexer))
			return false;
	}
}

/* libconfig would let a string go on over lines, so that a forgotten quote is found far away, and
 * would cut a string at a NUL. */
static struct token lex_string(struct lexer *lexer)
{
	for (size_t size = 1; peek(lexer, size); size++) {
		char c = peek(lexer, size);

		if (c == '\n')
			break;
		if (c == '"')
			return take(lexer, TOKEN_STRING, size + 1);
		if (size > STRING_MAX)
			return bad(lexer, size, "a string of more than 1024 bytes");
		if (c != '\\')
			continue;
		size++;
		if (!strncasecmp(lexer->at + size, "x00", 3))
			return bad(lexer, size + 3, "a string with a NUL in it");
		if (!peek(lexer, size) || peek(lexer, size) == '\n')
			break;
	}
	return bad(lexer, 1, "a string whose closing quote is missing in this line");
}

static size_t digits(const struct lexer *lexer, size_t offset)
{
	size_t n = 0;

	while (is_digit(peek(lexer, offset + n)))
		n++;
	return n;
}

/* The size of an exponent at 'offset', 0 where none is. */
static size_t exponent(const struct lexer *lexer, size_t offset)
{
	size_t sign = peek(lexer, offset + 1) == '-' || peek(lexer, offset + 1) == '+';
	size_t n;

	if (peek(lexer, offset) != 'e' && peek(lexer, offset) != 'E')
		return 0;
	n = digits(lexer, offset + 1 + sign);
	return n ? 1 + sign + n : 0;
}

static size_t suffix(const struct lexer *lexer, size_t offset)
{
	if (peek(lexer, offset) != 'L')
		return 0;
	return peek(lexer, offset + 1) == 'L' ? 2 : 1;
}

static struct token lex_hex(struct lexer *lexer)
{
	size_t size = 2;

	while (is_hex(peek(lexer, size)))
		size++;
	return take(lexer, TOKEN_INTEGER, size + suffix(lexer, size));
}

static struct token lex_decimal(struct lexer *lexer)
{
	size_t sign = peek(lexer, 0) == '-' || peek(lexer, 0) == '+';
	size_t whole = digits(lexer, sign);
	size_t size = sign + whole;
	bool point = peek(lexer, size) == '.';

	if (point)
		size += 1 + digits(lexer, size + 1);
	if (!point && !whole)
		return bad(lexer, 1, "a sign without a number");
	if (!point && !exponent(lexer, size))
		return take(lexer, TOKEN_INTEGER, size + suffix(lexer, size));
	return take(lexer, TOKEN_SCALAR, size + exponent(lexer, size));
}

/* A number that runs into a name would be two tokens to libconfig: 10ms is 10 and the key ms. */
static struct token lex_number(struct lexer *lexer)
{
	bool hex = peek(lexer, 0) == '0' && (peek(lexer, 1) == 'x' || peek(lexer, 1) == 'X') &&
		   is_hex(peek(lexer, 2));
	struct token token = hex ? lex_hex(lexer) : lex_decimal(lexer);

	if (token.type == TOKEN_BAD || !(is_name(peek(lexer, 0)) || peek(lexer, 0) == '.'))
		return token;
	while (is_name(peek(lexer, 0)) || peek(lexer, 0) == '.')
		lexer->at++;
	token.type = TOKEN_BAD;
	token.size = (size_t)(lexer->at - token.text);
	token.problem = "a number that does not end as one";
	return token;
}

static struct token lex_name(struct lexer *lexer)
{
	struct token token;
	size_t size = 1;

	while (is_name(peek(lexer, size)))
		size++;
	token = take(lexer, TOKEN_NAME, size);
	if ((size == 4 && !strncasecmp(token.text, "true", 4)) ||
	    (size == 5 && !strncasecmp(token.text, "false", 5)))
		token.type = TOKEN_SCALAR;
	return token;
}

static struct token lex_other(struct lexer *lexer)
{
	size_t size = 1;

	if (*lexer->at == '@')
		return bad(lexer, 1,
			   "@include, which is not supported: each file stands by itself");
	if ((signed char)*lexer->at > 0)
		return bad(lexer, 1, "a character that has no meaning here");
	while ((signed char)peek(lexer, size) < 0)
		size++;
	return bad(lexer, size, "characters beyond ASCII outside of a string and of a comment");
}

struct token lexer_next(struct lexer *lexer)
{
	char c;

	if (!skip_space(lexer))
		return bad(lexer, 2, "a comment that is never closed");
	c = peek(lexer, 0);
	switch (c) {
	case '\0':
		return take(lexer, TOKEN_END, 0);
	case '=':
	case ':':
		return take(lexer, TOKEN_EQUALS, 1);
	case '{':
	case '(':
	case '[':
		return take(lexer, TOKEN_OPEN, 1);
	case '}':
	case ')':
	case ']':
		return take(lexer, TOKEN_CLOSE, 1);
	case ',':
		return take(lexer, TOKEN_COMMA, 1);
	case ';':
		return take(lexer, TOKEN_SEMICOLON, 1);
	case '"':
		return lex_string(lexer);
	}
	if (is_letter(c) || c == '*')
		return lex_name(lexer);
	if (is_digit(c) || c == '.' || c == '-' || c == '+')
		return lex_number(lexer);
	return lex_other(lexer);
}
