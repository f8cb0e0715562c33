/* Events, problems of a configuration, and JSON as it is. */
#include "client/field.h"
#include "client/show.h"

#include <inttypes.h>
#include <string.h>

void show_event(const struct output *output, const json_t *event)
{
	const char *team = field_text(event, "team");
	const char *member = field_text(event, "member");
	const char *to = field_text(event, "to");
	char time[TIME_SIZE], object[64], change[80] = "";
	cleanup(freep) char *line = NULL;

	(void)snprintf(object, sizeof(object), "%.31s%s%.31s", *team ? team : "host",
		       *member ? "/" : "", member);
	if (*to)
		(void)snprintf(change, sizeof(change), "%.36s -> %.36s", field_text(event, "from"),
			       to);
	(void)fprintf(output->file, "%s  ", write_time(field_number(event, "realtime_us"), time));
	if (asprintf(&line, "%-14s  %-20s  ", object, change) < 0)
		line = NULL;
	write_safe(output, state_style(to), line ? line : "?");
	write_safe(output, CTL_STYLE_PLAIN, field_text(event, "text"));
	(void)fputc('\n', output->file);
}

void show_problems(const struct output *output, const json_t *result)
{
	size_t i;
	json_t *problem;

	json_array_foreach (json_object_get(result, "problems"), i, problem) {
		bool warning = strcmp(field_text(problem, "severity"), "warning") == 0;
		uint64_t line = field_number(problem, "line");

		write_safe(output, CTL_STYLE_PLAIN, field_text(problem, "file"));
		if (line)
			(void)fprintf(output->file, ":%" PRIu64, line);
		(void)fputs(": ", output->file);
		ctl_write_styled(output->file, output->colour,
				 warning ? CTL_STYLE_WARNING : CTL_STYLE_BAD,
				 warning ? "warning" : "error");
		(void)fputs(": ", output->file);
		write_safe(output, CTL_STYLE_PLAIN, field_text(problem, "text"));
		(void)fputc('\n', output->file);
	}
}

void show_json(const struct output *output, const json_t *json, bool one_line)
{
	(void)json_dumpf(json, output->file,
			 JSON_ENSURE_ASCII | (one_line ? JSON_COMPACT : JSON_INDENT(2)));
	(void)fputc('\n', output->file);
}
