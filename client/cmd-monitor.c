/* yokectl monitor */
#include "client/call.h"

#include <errno.h>

static void print_event(struct context *context, const json_t *answer)
{
	const json_t *event = json_object_get(answer, "event");

	if (!event)
		return;
	if (context->options->given & OPTION_JSON)
		show_json(&context->output, event, true);
	else
		show_event(&context->output, event);
}

static int monitor(struct context *context, const char *const arguments[], struct err *e)
{
	cleanup(json_decrefp) json_t *parameters = json_pack("{s:s*}", "team", arguments[0]);
	bool more = true;
	int r = parameters ? ctl_client_connect(context->options->socket, &context->client, e)
			   : err_set(e, -EBADMSG, "the name of a team is UTF-8");

	if (r == 0)
		r = ctl_client_call_more(context->client, "org.yoke.Host.Monitor", parameters, e);
	while (r == 0 && more && !ferror(context->output.file)) {
		cleanup(json_decrefp) json_t *answer = NULL;

		r = ctl_client_next(context->client, -1, &answer, &more, e);
		if (r < 0)
			break;
		print_event(context, answer);
		r = flush_output(&context->output, e);
	}
	return r;
}

static const struct verb verbs[] = {
	{
		.arguments = "[TEAM]",
		.summary = "Show what happens, until interrupted",
		.help = "States of teams and members, LACP's transitions, and what concerns the\n"
			"host; with TEAM only what concerns that team.\n",
		.n_max = 1,
		.run = monitor,
	},
};

const struct object object_monitor = {
	.name = "monitor",
	.summary = "Shows what happens",
	.verbs = verbs,
	.n_verbs = 1,
};
