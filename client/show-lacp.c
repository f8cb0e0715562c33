/* LACP as text. */
#include "client/field.h"
#include "client/show.h"
#include "lib/base/array.h"
#include "lib/ctl/text.h"

#include <inttypes.h>
#include <string.h>

static bool has_flag(const json_t *info, const char *flag)
{
	size_t i;
	json_t *name;

	json_array_foreach (json_object_get(info, "state"), i, name) {
		if (json_is_string(name) && strcmp(json_string_value(name), flag) == 0)
			return true;
	}
	return false;
}

/* "32768 02:00:00:00:00:01" */
static void add_ends(struct ctl_table *table, const char *name, const json_t *ends[static 2],
		     const char *field)
{
	ctl_table_add(table, CTL_STYLE_PLAIN, "%s", name);
	for (size_t i = 0; i < 2; i++) {
		if (json_is_string(json_object_get(ends[i], field)))
			ctl_table_add(table, CTL_STYLE_PLAIN, "%s", field_text(ends[i], field));
		else
			ctl_table_add(table, CTL_STYLE_PLAIN, "%" PRIu64,
				      field_number(ends[i], field));
	}
}

/* The state octet's bits, in words for both values. */
static const struct {
	const char *flag;
	const char *set;
	const char *clear;
	bool bad; /* When set. */
} flags[] = {
	{ "activity", "active", "passive", false },
	{ "timeout", "short", "long", false },
	{ "aggregation", "yes", "no, individual", false },
	{ "synchronization", "yes", "no", false },
	{ "collecting", "yes", "no", false },
	{ "distributing", "yes", "no", false },
	{ "defaulted", "yes", "no", true },
	{ "expired", "yes", "no", true },
};

static void add_flags(struct ctl_table *table, const json_t *ends[static 2])
{
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		ctl_table_add(table, CTL_STYLE_PLAIN, "%s", flags[i].flag);
		for (size_t j = 0; j < 2; j++) {
			bool set = has_flag(ends[j], flags[i].flag);
			bool bad = set && flags[i].bad;

			ctl_table_add(table, bad ? CTL_STYLE_WARNING : CTL_STYLE_PLAIN, "%s",
				      set ? flags[i].set : flags[i].clear);
		}
	}
}

static void show_ends(const struct output *output, const json_t *lacp)
{
	const json_t *ends[2] = { json_object_get(lacp, "actor"),
				  json_object_get(lacp, "partner") };
	cleanup(ctl_table_freep) struct ctl_table *table = ctl_table_new("|ACTOR|PARTNER");

	add_ends(table, "system", ends, "system");
	add_ends(table, "system priority", ends, "system_priority");
	add_ends(table, "key", ends, "key");
	add_ends(table, "port", ends, "port");
	add_ends(table, "port priority", ends, "port_priority");
	add_flags(table, ends);
	ctl_table_write(table, output->file, 2, output->colour);
}

static const char *write_age(const json_t *lacp, const char *field, char text[static CTL_TEXT_SIZE])
{
	char age[CTL_TEXT_SIZE];

	if (!json_is_integer(json_object_get(lacp, field)))
		return "never";
	(void)snprintf(text, CTL_TEXT_SIZE, "%.20s ago",
		       ctl_text_duration(field_number(lacp, field) * 1000, age));
	return text;
}

static void show_counters(const struct output *output, const json_t *counters)
{
	write_field(output, "received",
		    "%" PRIu64 " LACPDUs, %" PRIu64 " Markers, %" PRIu64 " Marker Responses",
		    field_number(counters, "lacpdu_rx"), field_number(counters, "marker_rx"),
		    field_number(counters, "marker_response_rx"));
	write_field(output, "refused",
		    "%" PRIu64 " illegal, %" PRIu64 " unknown, %" PRIu64 " ignored, %" PRIu64
		    " our own, %" PRIu64 " too many",
		    field_number(counters, "illegal_rx"), field_number(counters, "unknown_rx"),
		    field_number(counters, "ignored_rx"), field_number(counters, "loopback_rx"),
		    field_number(counters, "limited_rx"));
	write_field(output, "sent",
		    "%" PRIu64 " LACPDUs, %" PRIu64 " Markers, %" PRIu64 " Marker Responses",
		    field_number(counters, "lacpdu_tx"), field_number(counters, "marker_tx"),
		    field_number(counters, "marker_response_tx"));
}

static void show_machines(const struct output *output, const json_t *lacp)
{
	const json_t *churn = json_object_get(lacp, "churn");
	const json_t *counters = json_object_get(lacp, "counters");
	char heard[CTL_TEXT_SIZE], sent[CTL_TEXT_SIZE];

	write_field(output, "machines", "receive %s, mux %s, periodic %s",
		    field_text(lacp, "receive"), field_text(lacp, "mux"),
		    field_text(lacp, "periodic"));
	write_field(output, "selection", "%s, aggregator %" PRIu64, field_text(lacp, "selected"),
		    field_number(lacp, "aggregator"));
	write_field(output, "last LACPDU", "heard %s, sent %s",
		    write_age(lacp, "last_rx_ms", heard), write_age(lacp, "last_tx_ms", sent));
	write_field(output, "churn",
		    "actor %s (%" PRIu64 " so far), partner %s (%" PRIu64 " so far)",
		    field_text(churn, "actor"), field_number(counters, "actor_churn"),
		    field_text(churn, "partner"), field_number(counters, "partner_churn"));
	show_counters(output, counters);
}

static void show_lacp_member(const struct output *output, const json_t *team, const json_t *member)
{
	const json_t *lacp = json_object_get(member, "lacp");
	const char *state = field_text(member, "state");
	const char *explanation = field_text(member, "explanation");

	(void)fputc('\n', output->file);
	write_safe(output, CTL_STYLE_HEAD, field_text(team, "name"));
	(void)fputc(' ', output->file);
	write_safe(output, CTL_STYLE_HEAD, field_text(member, "name"));
	(void)fputs(": ", output->file);
	write_safe(output, state_style(state), state);
	(void)fputc('\n', output->file);
	if (*explanation || strcmp(field_text(member, "reason"), "ok") != 0)
		write_field(output, "why", "%s%s%s", field_text(member, "reason"),
			    *explanation ? ": " : "", explanation);
	if (!json_is_object(json_object_get(team, "settings")))
		return;
	if (!json_is_object(lacp)) {
		write_field(output, "machines", "none: it takes no part in LACP now");
		return;
	}
	show_machines(output, lacp);
	(void)fputc('\n', output->file);
	show_ends(output, lacp);
}

static void show_settings(const struct output *output, const json_t *team)
{
	const json_t *settings = json_object_get(team, "settings");

	write_safe(output, CTL_STYLE_HEAD, field_text(team, "name"));
	(void)fputc('\n', output->file);
	if (!json_is_object(settings)) {
		write_field(output, "settings", "none: a team of mode %s takes no part in LACP",
			    field_text(team, "mode"));
		return;
	}
	write_field(
		output, "settings",
		"rate %s, %s, %s control, %" PRIu64 " to %" PRIu64 " links, select %s, fallback %s",
		field_text(settings, "rate"), field_is(settings, "active") ? "active" : "passive",
		field_text(settings, "control"), field_number(settings, "min_links"),
		field_number(settings, "max_links"), field_text(settings, "select"),
		field_text(settings, "fallback"));
}

void show_lacp(const struct output *output, const json_t *answer)
{
	size_t i, j;
	json_t *team, *member;

	json_array_foreach (json_object_get(answer, "teams"), i, team) {
		if (i)
			(void)fputc('\n', output->file);
		show_settings(output, team);
		json_array_foreach (json_object_get(team, "members"), j, member) {
			show_lacp_member(output, team, member);
		}
	}
}

/* The same columns whether the lines come at once or one by one. */
#define TRACE_FORMAT "%-18s  %10s  %-13s  %-28s  "

void show_trace_heads(const struct output *output)
{
	char heads[128];

	(void)snprintf(heads, sizeof(heads), TRACE_FORMAT "%s\n", "TIME", "AFTER", "MACHINE",
		       "CHANGE", "CAUSE");
	ctl_write_styled(output->file, output->colour, CTL_STYLE_HEAD, heads);
}

void show_trace(const struct output *output, const json_t *transitions, uint64_t *last_us)
{
	size_t i;
	json_t *transition;

	json_array_foreach (transitions, i, transition) {
		uint64_t when = field_number(transition, "realtime_us");
		char time[TIME_SIZE], after[CTL_TEXT_SIZE] = "", change[80];
		cleanup(freep) char *line = NULL;

		if (*last_us && when >= *last_us)
			(void)ctl_text_duration(when - *last_us, after);
		*last_us = when;
		(void)snprintf(change, sizeof(change), "%.36s -> %.36s",
			       field_text(transition, "from"), field_text(transition, "to"));
		if (asprintf(&line, TRACE_FORMAT "%s", write_time(when, time), after,
			     field_text(transition, "machine"), change,
			     field_text(transition, "cause")) < 0) {
			line = NULL;
			continue;
		}
		write_safe(output, CTL_STYLE_PLAIN, line);
		(void)fputc('\n', output->file);
	}
}
