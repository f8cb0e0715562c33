/* yokectl lacp … */
#include "client/call.h"
#include "lib/base/array.h"

#include <errno.h>
#include <string.h>

static int show(struct context *context, const char *const arguments[], struct err *e)
{
	const char *member = arguments[0] ? arguments[1] : NULL;
	cleanup(json_decrefp) json_t *parameters =
		json_pack("{s:s*, s:s*}", "team", arguments[0], "member", member);
	json_t *answer = NULL;
	int r;

	if (!parameters)
		return err_set(e, -EBADMSG, "names are UTF-8");
	r = call(context, "org.yoke.Lacp.Show", parameters, &answer, e);
	return r < 0 ? r : print(context, answer, show_lacp, e);
}

/* A member's transitions, as far as they have been printed. */
struct trace {
	const char *team;
	const char *member;
	json_int_t serial; /* The last one's. */
	uint64_t last_us;
};

static void print_line_by_line(const struct output *output, const json_t *transitions)
{
	size_t i;
	json_t *transition;

	json_array_foreach (transitions, i, transition) {
		show_json(output, transition, true);
	}
}

/* Asks for what is new. */
static int get_more(struct context *context, struct trace *trace, json_t **ret, struct err *e)
{
	cleanup(json_decrefp) json_t *parameters =
		json_pack("{s:s, s:s, s:I}", "team", trace->team, "member", trace->member, "after",
			  trace->serial);
	const json_t *transitions, *serial;
	int r;

	if (!parameters)
		return err_set(e, -EBADMSG, "names are UTF-8");
	r = call(context, "org.yoke.Lacp.Trace", parameters, ret, e);
	if (r < 0)
		return r;
	transitions = json_object_get(*ret, "transitions");
	serial = json_object_get(json_array_get(transitions, json_array_size(transitions) - 1),
				 "serial");
	if (json_is_integer(serial))
		trace->serial = json_integer_value(serial);
	return 0;
}

static int print_more(struct context *context, struct trace *trace, struct err *e)
{
	cleanup(json_decrefp) json_t *answer = NULL;
	const json_t *transitions;
	int r = get_more(context, trace, &answer, e);

	if (r < 0)
		return r;
	transitions = json_object_get(answer, "transitions");
	if (context->options->given & OPTION_JSON)
		print_line_by_line(&context->output, transitions);
	else
		show_trace(&context->output, transitions, &trace->last_us);
	return flush_output(&context->output, e);
}

static bool concerns(const json_t *answer, const char *member)
{
	const json_t *event = json_object_get(answer, "event");
	const char *name = json_string_value(json_object_get(event, "member"));

	return name && strcmp(name, member) == 0;
}

/* The daemon's events tell when there is something new to ask for, on a connection of their own. */
static int follow(struct context *context, struct trace *trace, struct err *e)
{
	cleanup(ctl_client_closep) struct ctl_client *events = NULL;
	cleanup(json_decrefp) json_t *parameters =
		json_pack("{s:s, s:b}", "team", trace->team, "snapshot", 1);
	bool more = true, first = true;
	int r = ctl_client_connect(context->options->socket, &events, e);

	if (r == 0)
		r = ctl_client_call_more(events, "org.yoke.Host.Monitor", parameters, e);
	while (r == 0 && more) {
		cleanup(json_decrefp) json_t *answer = NULL;

		r = ctl_client_next(events, first ? CTL_TIMEOUT_MS : -1, &answer, &more, e);
		if (r == 0 && (first || concerns(answer, trace->member)))
			r = print_more(context, trace, e);
		first = false;
		if (ferror(context->output.file))
			break;
	}
	return r;
}

static void show_transitions(const struct output *output, const json_t *answer)
{
	uint64_t last_us = 0;

	show_trace_heads(output);
	show_trace(output, json_object_get(answer, "transitions"), &last_us);
}

static int trace(struct context *context, const char *const arguments[], struct err *e)
{
	struct trace trace = { .team = arguments[0], .member = arguments[1] };
	json_t *answer = NULL;
	int r;

	if (!(context->options->given & OPTION_FOLLOW)) {
		r = get_more(context, &trace, &answer, e);
		return r < 0 ? r : print(context, answer, show_transitions, e);
	}
	if (!(context->options->given & OPTION_JSON))
		show_trace_heads(&context->output);
	return follow(context, &trace, e);
}

static const struct verb verbs[] = {
	{
		.name = "show",
		.arguments = "[TEAM [NIC]]",
		.summary = "Show what both ends of each link say",
		.help = "The flags of the state octet are those of IEEE 802.1AX, actor (this "
			"host)\n"
			"and partner (the switch) side by side; 'why' tells what keeps a member\n"
			"from carrying traffic. A team of another mode than lacp has none.\n",
		.n_max = 2,
		.run = show,
	},
	{
		.name = "trace",
		.arguments = "TEAM NIC",
		.summary = "Show what a member's machines did, and why",
		.help = "The last transitions, oldest first. AFTER is the time since the one\n"
			"before. With --follow it goes on with what happens.\n",
		.n_min = 2,
		.n_max = 2,
		.options = OPTION_FOLLOW,
		.run = trace,
	},
};

const struct object object_lacp = {
	.name = "lacp",
	.summary = "Looks into the link aggregation protocol",
	.verbs = verbs,
	.n_verbs = ARRAY_SIZE(verbs),
};
