/* The table of methods: one row says all that the server needs to check a call before the handler
 * sees it. */
#pragma once

#include "daemon/control/call.h"

#include <stddef.h>

#define METHOD_PARAMETERS_MAX 5

enum parameter_type {
	PARAMETER_STRING,
	PARAMETER_BOOL,
	PARAMETER_NUMBER, /* A whole number, 0 or more. */
	PARAMETER_OBJECT,
};

struct method_parameter {
	const char *name;
	enum parameter_type type;
	bool optional; /* May be missing or null. */
};

struct method {
	const char *name; /* Without the interface's. */
	enum access access;
	bool streams; /* Has to be called with "more". */
	struct method_parameter parameters[METHOD_PARAMETERS_MAX]; /* Up to the first no name. */
	/* 'parameters' is an object with what the row says, and is the server's. */
	void (*handle)(struct call *call, const json_t *parameters);
};

struct interface {
	const char *name;
	const char *description; /* In Varlink's language, from the .varlink file. */
	const struct method *methods;
	size_t n_methods;
};

extern const struct interface interface_service;
extern const struct interface interface_errors; /* org.yoke: no method, but all errors. */
extern const struct interface interface_host;
extern const struct interface interface_team;
extern const struct interface interface_lacp;

/* All of them, in order of name; NULL behind the last. */
extern const struct interface *const interfaces[];

/* Checks the message against Varlink and the table, and hands it to its handler. False when it was
 * no call at all: then the client gets ERROR_BAD_MESSAGE and has to go. */
bool dispatch(struct session *session, const json_t *message);
