/* Cuts a configuration into the tokens that libconfig would see, with their lines. Only for the
 * guard: what it lets pass, libconfig parses. */
#pragma once

#include <stddef.h>

enum token_type {
	TOKEN_END,
	TOKEN_NAME,
	TOKEN_EQUALS, /* "=" or ":" */
	TOKEN_STRING,
	TOKEN_INTEGER,
	TOKEN_SCALAR, /* A bool or a floating point number. */
	TOKEN_OPEN,   /* One of "{", "(", "[". */
	TOKEN_CLOSE,
	TOKEN_COMMA,
	TOKEN_SEMICOLON,
	TOKEN_BAD, /* 'problem' says why. */
};

struct token {
	enum token_type type;
	unsigned line;
	const char *text;
	size_t size;
	const char *problem;
};

struct lexer {
	const char *at;
	const char *end;
	unsigned line;
};

/* The next token. At the end and after a bad one there is nothing more to be had. */
struct token lexer_next(struct lexer *lexer);
