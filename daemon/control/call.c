#include "daemon/control/call.h"

#include "daemon/control/internal.h"
#include "lib/ctl/text.h"

#include <stdarg.h>
#include <stdio.h>

void call_abandon(struct call *call)
{
	if (call->session)
		session_call_ended(call->session);
	free(call);
}

/* Takes over 'message'. */
static void finish(struct call *call, json_t *message)
{
	static const char no_memory[] =
		"{\"error\":\"" ERROR_FAILED "\",\"parameters\":{\"text\":\"out of memory\"}}";
	struct session *session = call->oneway ? NULL : call->session;

	if (session && message)
		session_send(session, message);
	else if (session)
		session_send_bytes(session, no_memory, sizeof(no_memory));
	json_decref(message);
	call_abandon(call);
}

void call_reply(struct call *call, json_t *parameters)
{
	finish(call, parameters ? json_pack("{s:o}", "parameters", parameters) : NULL);
}

void call_reply_empty(struct call *call)
{
	call_reply(call, json_object());
}

void call_error(struct call *call, const char *error, json_t *parameters)
{
	finish(call, json_pack("{s:s, s:o}", "error", error, "parameters", parameters));
}

void call_fail(struct call *call, const char *error, const char *format, ...)
{
	char text[sizeof(((struct err *)NULL)->text) + 128];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	call_error(call, error, json_pack("{s:o}", "text", ctl_text_json(text)));
}

void call_fail_parameter(struct call *call, const char *name)
{
	call_error(call, "org.varlink.service.InvalidParameter",
		   json_pack("{s:o}", "parameter", ctl_text_json(name)));
}

json_t *call_continued(json_t *parameters)
{
	return parameters ? json_pack("{s:o, s:b}", "parameters", parameters, "continues", 1)
			  : NULL;
}
