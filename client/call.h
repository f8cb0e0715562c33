/* Calls to yoked, as commands make them. */
#pragma once

#include "client/command.h"

/* Connects first if that has not happened. On success *ret are the answer's parameters, the
 * caller's; 'parameters' stay his. */
int call(struct context *context, const char *method, json_t *parameters, json_t **ret,
	 struct err *e);

/* Calls a method that changes something, may take longer and has no results; with --json prints {}.
 * Takes over 'parameters'. */
int call_change(struct context *context, const char *method, json_t *parameters, struct err *e);

/* Prints what came: as JSON with --json, else by 'show'. Takes over 'json'. */
int print(struct context *context, json_t *json,
	  void (*show)(const struct output *output, const json_t *json), struct err *e);

/* Writes out what is printed, and tells what goes wrong. That nobody reads it is nothing wrong. */
int flush_output(const struct output *output, struct err *e);
