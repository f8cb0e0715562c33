/* From a message to the handler of its method. */
#include "daemon/control/internal.h"
#include "daemon/control/method.h"
#include "lib/ctl/text.h"

#include <string.h>

const struct interface *const interfaces[] = {
	&interface_service, &interface_errors, &interface_host,
	&interface_lacp,    &interface_team,   NULL,
};

/* A message as Varlink has it, borrowed from the JSON. */
struct message {
	const char *method;
	const json_t *parameters;
	bool more;
	bool oneway;
	bool upgrade;
};

static bool take_flag(const json_t *json, const char *name, bool *flag)
{
	const json_t *value = json_object_get(json, name);

	*flag = json_is_true(value);
	return !value || json_is_boolean(value);
}

static bool take_message(const json_t *json, struct message *message)
{
	message->method = json_string_value(json_object_get(json, "method"));
	message->parameters = json_object_get(json, "parameters");
	if (json_is_null(message->parameters))
		message->parameters = NULL;
	return message->method && take_flag(json, "more", &message->more) &&
	       take_flag(json, "oneway", &message->oneway) &&
	       take_flag(json, "upgrade", &message->upgrade) &&
	       (!message->parameters || json_is_object(message->parameters));
}

static const struct interface *find_interface(const char *name, size_t size)
{
	for (size_t i = 0; interfaces[i]; i++) {
		if (strlen(interfaces[i]->name) == size &&
		    memcmp(interfaces[i]->name, name, size) == 0)
			return interfaces[i];
	}
	return NULL;
}

static const struct method *find_method(const struct interface *interface, const char *name)
{
	for (size_t i = 0; i < interface->n_methods; i++) {
		if (strcmp(interface->methods[i].name, name) == 0)
			return &interface->methods[i];
	}
	return NULL;
}

static void fail_interface(struct call *call, const char *name, size_t size)
{
	call_error(call, "org.varlink.service.InterfaceNotFound",
		   json_pack("{s:s%}", "interface", name, size));
}

static void fail_method(struct call *call, const char *error, const char *method)
{
	call_error(call, error, json_pack("{s:s}", "method", method));
}

static bool has_type(const json_t *value, enum parameter_type type)
{
	switch (type) {
	case PARAMETER_STRING:
		return json_is_string(value);
	case PARAMETER_BOOL:
		return json_is_boolean(value);
	case PARAMETER_NUMBER:
		return json_is_integer(value) && json_integer_value(value) >= 0;
	case PARAMETER_OBJECT:
		return json_is_object(value);
	}
	return false;
}

static const struct method_parameter *find_parameter(const struct method *method, const char *name)
{
	for (size_t i = 0; i < METHOD_PARAMETERS_MAX && method->parameters[i].name; i++) {
		if (strcmp(method->parameters[i].name, name) == 0)
			return &method->parameters[i];
	}
	return NULL;
}

/* The name of a parameter that is unknown, missing or wrong; NULL if all are right. */
static const char *find_wrong(const struct method *method, const json_t *parameters)
{
	json_t *mutable =
		(json_t *)(uintptr_t)parameters; /* jansson's iteration changes nothing. */
	const char *name;
	json_t *value;

	json_object_foreach (mutable, name, value) {
		const struct method_parameter *parameter = find_parameter(method, name);

		if (!parameter)
			return name;
		if (json_is_null(value) && parameter->optional)
			continue;
		if (!has_type(value, parameter->type))
			return name;
	}
	for (size_t i = 0; i < METHOD_PARAMETERS_MAX && method->parameters[i].name; i++) {
		const struct method_parameter *parameter = &method->parameters[i];

		if (!parameter->optional && !json_object_get(parameters, parameter->name))
			return parameter->name;
	}
	return NULL;
}

static void fail_access(struct call *call, enum access needed)
{
	const struct control_server *server = call->server;

	if (needed == ACCESS_CHANGE)
		call_fail(call, ERROR_PERMISSION_DENIED,
			  "changes are for root and members of group \"%s\"", server->writers);
	else
		call_fail(call, ERROR_PERMISSION_DENIED,
			  "this is for root and members of groups \"%s\" and \"%s\"",
			  server->readers, server->writers);
}

/* Hands the call to its handler if everything about it is right. */
static void judge(struct call *call, const struct message *message, const struct method *method)
{
	const char *wrong;

	if (call->session->peer.access < method->access) {
		fail_access(call, method->access);
		return;
	}
	if (message->upgrade) {
		fail_method(call, "org.varlink.service.MethodNotImplemented", message->method);
		return;
	}
	wrong = message->parameters ? find_wrong(method, message->parameters) : NULL;
	if (wrong)
		call_fail_parameter(call, wrong);
	else if (method->streams && (!message->more || message->oneway))
		call_error(call, "org.varlink.service.ExpectedMore", json_object());
	else
		method->handle(call, message->parameters);
}

static void route(struct call *call, const struct message *message)
{
	const char *dot = strrchr(message->method, '.');
	size_t size = dot ? (size_t)(dot - message->method) : strlen(message->method);
	const struct interface *interface = find_interface(message->method, size);
	const struct method *method = interface && dot ? find_method(interface, dot + 1) : NULL;

	if (!interface)
		fail_interface(call, message->method, size);
	else if (!method)
		fail_method(call, "org.varlink.service.MethodNotFound", message->method);
	else
		judge(call, message, method);
}

bool dispatch(struct session *session, const json_t *json)
{
	struct message message;
	struct call *call;
	json_t *none = NULL;

	if (!take_message(json, &message))
		return false;
	call = calloc(1, sizeof(*call));
	if (!message.parameters)
		message.parameters = none = json_object();
	if (!call || !message.parameters) {
		free(call);
		session->dead = true;
		return true;
	}
	call->server = session->server;
	call->session = session;
	call->oneway = message.oneway;
	session->call = call;
	route(call, &message);
	json_decref(none);
	return true;
}
