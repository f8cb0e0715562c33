/* The verbs of a scenario that look at what has happened. */
#include "tests/sim/run.h"

#include "lib/base/array.h"

#include <stdio.h>
#include <string.h>

/* What is counted by "sent" and "notes" is counted from here. */
void do_mark(struct run *run, const struct word *words, unsigned n)
{
	for (unsigned i = 0; i < WORLD_SYSTEMS; i++)
		for (unsigned slot = 0; slot < LACP_PORTS_MAX; slot++) {
			const struct plug *plug = &run->world.systems[i].plugs[slot];

			run->marked_sent[i][slot] = plug->n_sent;
			run->marked_notes[i][slot] = plug->n_notes;
		}
}

/* What can be expected of a port. */
struct seen {
	struct lacp_port_view view;
	const struct plug *plug;
	uint64_t sent, notes;
};

static const char *text_of_flag(bool flag)
{
	return flag ? "yes" : "no";
}

static const char *word_seen(const struct seen *seen, const char *key)
{
	const struct lacp_port_view *view = &seen->view;
	const struct {
		const char *key, *value;
	} words[] = {
		{ "receive", lacp_receive_state_name(view->receive) },
		{ "periodic", lacp_periodic_state_name(view->periodic) },
		{ "mux", lacp_mux_state_name(view->mux) },
		{ "selected", lacp_selected_name(view->selected) },
		{ "churn", lacp_churn_state_name(view->actor_churn) },
		{ "partner-churn", lacp_churn_state_name(view->partner_churn) },
		{ "reason", lacp_reason_name(view->reason) },
		{ "collecting", text_of_flag(seen->plug->collecting) },
		{ "distributing", text_of_flag(seen->plug->distributing) },
		{ "answered", text_of_flag(seen->plug->answered) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(words[i].key, key) == 0)
			return words[i].value;
	return NULL;
}

static bool number_seen(const struct seen *seen, const char *key, uint64_t *value)
{
	const struct lacp_port_view *view = &seen->view;
	const struct lacp_counters *counters = &view->counters;
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = {
		{ "aggregator", view->aggregator },
		{ "sent", seen->sent },
		{ "notes", seen->notes },
		{ "markers", seen->plug->n_markers },
		{ "answers", seen->plug->n_answers },
		{ "stops", seen->plug->n_stops },
		{ "actor.key", view->actor.key },
		{ "partner.key", view->partner.key },
		{ "partner.port", view->partner.port },
		{ "sent.partner.key", seen->plug->last_sent.partner.key },
		{ "sent.actor.key", seen->plug->last_sent.actor.key },
		{ "sent.actor.sysprio", seen->plug->last_sent.actor.system_priority },
		{ "lacpdu-rx", counters->lacpdu_rx },
		{ "lacpdu-tx", counters->lacpdu_tx },
		{ "marker-rx", counters->marker_rx },
		{ "marker-tx", counters->marker_tx },
		{ "marker-response-rx", counters->marker_response_rx },
		{ "marker-response-tx", counters->marker_response_tx },
		{ "marker-limited", counters->marker_limited },
		{ "unknown", counters->unknown_rx },
		{ "illegal", counters->illegal_rx },
		{ "ignored", counters->ignored_rx },
		{ "loopback", counters->loopback_rx },
		{ "actor-churns", counters->actor_churn },
		{ "partner-churns", counters->partner_churn },
		{ "actor-syncs", counters->actor_sync_transitions },
		{ "partner-syncs", counters->partner_sync_transitions },
		{ "partner-changes", counters->partner_changes },
	};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (strcmp(numbers[i].key, key) == 0) {
			*value = numbers[i].value;
			return true;
		}
	return false;
}

static bool state_seen(const struct seen *seen, const char *key, uint8_t *state)
{
	const struct {
		const char *key;
		uint8_t state;
	} states[] = {
		{ "actor", seen->view.actor.state },
		{ "partner", seen->view.partner.state },
		{ "sent.actor", seen->plug->last_sent.actor.state },
		{ "sent.partner", seen->plug->last_sent.partner.state },
	};

	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (strcmp(states[i].key, key) == 0) {
			*state = states[i].state;
			return true;
		}
	return false;
}

/* As the scenario would write it. */
static bool text_seen(const struct seen *seen, const char *key, char *text, size_t size)
{
	const char *word = word_seen(seen, key);
	uint64_t value;
	uint8_t state;

	if (word)
		(void)snprintf(text, size, "%s", word);
	else if (state_seen(seen, key, &state))
		(void)snprintf(text, size, "%02x", state);
	else if (number_seen(seen, key, &value))
		(void)snprintf(text, size, "%llu", (unsigned long long)value);
	else
		return false;
	return true;
}

void do_expect(struct run *run, const struct word *words, unsigned n)
{
	struct place at = place(run, words[0].key);
	struct seen seen = { .plug = plug_at(run, at) };
	char text[64];

	seen.sent = seen.plug->n_sent - run->marked_sent[at.system][at.slot];
	seen.notes = seen.plug->n_notes - run->marked_notes[at.system][at.slot];
	if (lacp_port_exists(run->world.systems[at.system].lacp, at.slot))
		world_view(&run->world, at.system, at.slot, &seen.view);
	for (unsigned i = 1; i < n; i++) {
		if (!text_seen(&seen, words[i].key, text, sizeof(text)))
			complain(run, "nothing like it can be seen", words[i].key);
		else if (!words[i].value || strcmp(text, words[i].value) != 0)
			world_fail(&run->world, "line %u: %s %s is %s, not %s", run->line,
				   words[0].key, words[i].key, text, words[i].value);
	}
}

/* How many ports of the system distribute. */
void do_carrying(struct run *run, const struct word *words, unsigned n)
{
	struct place at = place(run, words[0].key);
	unsigned count = lacp_distributing(run->world.systems[at.system].lacp);

	if (count != number(run, words[1].key, 10))
		world_fail(&run->world, "line %u: %u ports of %s carry, not %s", run->line, count,
			   words[0].key, words[1].key);
}

static void join_words(const struct word *words, unsigned n, char *text, size_t size)
{
	size_t length = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < n && length < size; i++)
		length += (size_t)snprintf(text + length, size - length, "%s%s%s%s", i ? " " : "",
					   words[i].key, words[i].value ? "=" : "",
					   words[i].value ? words[i].value : "");
}

/* The explanation has these words in it. */
void do_explained(struct run *run, const struct word *words, unsigned n)
{
	struct place at = place(run, words[0].key);
	struct lacp_port_view view;
	char text[LACP_EXPLANATION_SIZE];

	world_view(&run->world, at.system, at.slot, &view);
	join_words(words + 1, n - 1, text, sizeof(text));
	if (!strstr(view.explanation, text))
		world_fail(&run->world, "line %u: %s is explained by: %s", run->line, words[0].key,
			   view.explanation);
}

/* Some transition of the port has these words in its cause. */
void do_traced(struct run *run, const struct word *words, unsigned n)
{
	struct place at = place(run, words[0].key);
	struct lacp_trace_entry entries[LACP_TRACE_SIZE];
	char text[LACP_EXPLANATION_SIZE];
	size_t count = lacp_port_trace(run->world.systems[at.system].lacp, at.slot, 0, entries,
				       LACP_TRACE_SIZE);

	join_words(words + 1, n - 1, text, sizeof(text));
	for (size_t i = 0; i < count; i++)
		if (strstr(entries[i].cause, text))
			return;
	complain(run, "no transition has as its cause", text);
}
