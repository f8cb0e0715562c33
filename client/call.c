#include "client/call.h"

#include <errno.h>
#include <string.h>

/* A daemon whose kernel is busy still deletes a team. */
#define SLOW_MS 60000

/* Where to look for names that exist. */
static void add_hint(const char *error, struct err *e)
{
	const char *hint = NULL;
	size_t size = strlen(e->text);

	if (strcmp(error, "org.yoke.NoSuchTeam") == 0)
		hint = "; see 'yokectl team list'";
	else if (strcmp(error, "org.yoke.NoSuchMember") == 0)
		hint = "; see 'yokectl member list'";
	if (hint)
		(void)snprintf(e->text + size, sizeof(e->text) - size, "%s", hint);
}

static int call_within(struct context *context, const char *method, json_t *parameters,
		       int timeout_ms, json_t **ret, struct err *e)
{
	cleanup(freep) char *error = NULL;
	int r = 0;

	if (!context->client)
		r = ctl_client_connect(context->options->socket, &context->client, e);
	if (r == 0)
		r = ctl_client_call(context->client, method, parameters, timeout_ms, ret, &error,
				    e);
	if (r < 0 && error)
		add_hint(error, e);
	return r;
}

int call(struct context *context, const char *method, json_t *parameters, json_t **ret,
	 struct err *e)
{
	return call_within(context, method, parameters, CTL_TIMEOUT_MS, ret, e);
}

int call_change(struct context *context, const char *method, json_t *parameters, struct err *e)
{
	json_t *answer = NULL;
	int r;

	if (!parameters)
		return err_set(e, -ENOMEM,
			       "the arguments cannot be written as JSON: they are no "
			       "UTF-8");
	r = call_within(context, method, parameters, SLOW_MS, &answer, e);
	json_decref(parameters);
	if (r < 0)
		return r;
	if (context->options->given & OPTION_JSON)
		show_json(&context->output, answer, false);
	json_decref(answer);
	return flush_output(&context->output, e);
}

int flush_output(const struct output *output, struct err *e)
{
	if (fflush(output->file) == 0 && !ferror(output->file))
		return 0;
	if (errno == EPIPE)
		return 0;
	return err_errno(e, -errno, "cannot write the answer");
}

int print(struct context *context, json_t *json,
	  void (*show)(const struct output *output, const json_t *json), struct err *e)
{
	if (context->options->given & OPTION_JSON)
		show_json(&context->output, json, false);
	else
		show(&context->output, json);
	json_decref(json);
	return flush_output(&context->output, e);
}
