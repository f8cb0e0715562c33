/* What people read: each writes a piece of the daemon's JSON. Whatever the daemon names is made
 * harmless for a terminal; what it leaves out is left out or shown as "-". */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct output {
	FILE *file;
	bool colour;
};

/* {"host": …, "teams": […]} */
void show_status(const struct output *output, const json_t *status);

/* Arrays of teams: one line each, or their members. */
void show_teams(const struct output *output, const json_t *teams);
void show_members(const struct output *output, const json_t *teams);

/* A team's members, and why they are as they are. */
void show_member_table(const struct output *output, const json_t *members);

/* A team with its members. */
void show_team(const struct output *output, const json_t *team);

/* {"teams": […]} of org.yoke.Lacp.Show. */
void show_lacp(const struct output *output, const json_t *answer);

/* An array of transitions. *last_us is when the last one was, 0 before the first. */
void show_trace(const struct output *output, const json_t *transitions, uint64_t *last_us);
void show_trace_heads(const struct output *output);

void show_event(const struct output *output, const json_t *event);

/* The result of a check: {"errors": …, "warnings": …, "teams": …, "problems": […]}. */
void show_problems(const struct output *output, const json_t *result);

/* Any JSON, as it is with --json: pure ASCII, on one line if 'one_line'. */
void show_json(const struct output *output, const json_t *json, bool one_line);
