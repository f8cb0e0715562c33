/* org.varlink.service: what this service is; and org.yoke, which only declares errors. */
#include "daemon/control/idl.h"
#include "daemon/control/internal.h"
#include "daemon/control/method.h"
#include "lib/base/array.h"

#include <string.h>

static void get_info(struct call *call, const json_t *parameters)
{
	json_t *names = json_array();

	for (size_t i = 0; interfaces[i]; i++)
		(void)json_array_append_new(names, json_string(interfaces[i]->name));
	call_reply(call,
		   json_pack("{s:s, s:s, s:s, s:s, s:o}", "vendor", "Yoke", "product", "yoked",
			     "version", YOKE_VERSION, "url", "", "interfaces", names));
}

static void get_interface_description(struct call *call, const json_t *parameters)
{
	const char *name = json_string_value(json_object_get(parameters, "interface"));

	for (size_t i = 0; interfaces[i]; i++) {
		if (strcmp(interfaces[i]->name, name) != 0)
			continue;
		call_reply(call, json_pack("{s:s}", "description", interfaces[i]->description));
		return;
	}
	call_error(call, "org.varlink.service.InterfaceNotFound",
		   json_pack("{s:s}", "interface", name));
}

static const struct method methods[] = {
	{ .name = "GetInfo", .access = ACCESS_NONE, .handle = get_info },
	{
		.name = "GetInterfaceDescription",
		.access = ACCESS_NONE,
		.parameters = { { "interface", PARAMETER_STRING, false } },
		.handle = get_interface_description,
	},
};

const struct interface interface_service = {
	.name = "org.varlink.service",
	.description = idl_org_varlink_service,
	.methods = methods,
	.n_methods = ARRAY_SIZE(methods),
};

const struct interface interface_errors = {
	.name = "org.yoke",
	.description = idl_org_yoke,
};
