/* yokectl status */
#include "client/call.h"

static int status(struct context *context, const char *const arguments[], struct err *e)
{
	json_t *answer = NULL;
	int r = call(context, "org.yoke.Host.Status", NULL, &answer, e);

	return r < 0 ? r : print(context, answer, show_status, e);
}

static const struct verb verbs[] = {
	{
		.arguments = "",
		.summary = "Show the host, its teams and their members",
		.help = "Tells which datapath and which carrier sense are at work, and why, how\n"
			"late the daemon ever was, and what may need attention.\n",
		.run = status,
	},
};

const struct object object_status = {
	.name = "status",
	.summary = "Shows everything at once",
	.verbs = verbs,
	.n_verbs = 1,
};
