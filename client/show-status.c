/* The host and what its teams do as text. */
#include "client/field.h"
#include "client/show.h"
#include "lib/ctl/text.h"

#include <inttypes.h>

static void show_team_short(const struct output *output, const json_t *team)
{
	char speed[CTL_TEXT_SIZE];

	(void)fputc('\n', output->file);
	write_safe(output, CTL_STYLE_HEAD, field_text(team, "name"));
	(void)fputs(": ", output->file);
	write_safe(output, state_style(field_text(team, "state")), field_text(team, "state"));
	(void)fputs(", ", output->file);
	write_safe(output, CTL_STYLE_PLAIN, field_text(team, "mode"));
	(void)fprintf(output->file, ", %s\n",
		      ctl_text_speed(field_number(team, "speed_mbps"), speed));
	if (*field_text(team, "explanation"))
		write_sentence(output, "%s", field_text(team, "explanation"));
	show_member_table(output, json_object_get(team, "members"));
}

static void show_lateness(const struct output *output, const char *name, const json_t *figures)
{
	char ever[CTL_TEXT_SIZE], recent[CTL_TEXT_SIZE];

	write_field(output, name, "at most %s late, %s within the last minute",
		    ctl_text_duration(field_number(figures, "latest_us"), ever),
		    ctl_text_duration(field_number(figures, "latest_recent_us"), recent));
}

static void show_sense(const struct output *output, const json_t *host)
{
	const json_t *poller = json_object_get(host, "poller");
	uint64_t interval = field_number(poller, "interval_us");
	char every[CTL_TEXT_SIZE];

	write_field(output, "carrier sense", "%s%s%s", field_text(host, "carrier_sense"),
		    *field_text(host, "carrier_sense_why") ? ": " : "",
		    field_text(host, "carrier_sense_why"));
	if (!interval)
		return;
	write_field(output, "", "every %s, %" PRIu64 " questions, %" PRIu64 " losses found",
		    ctl_text_duration(interval, every), field_number(poller, "questions"),
		    field_number(poller, "losses"));
	show_lateness(output, "", poller);
}

/* What somebody should look into; nothing if there is nothing. */
static void show_attention(const struct output *output, const json_t *host)
{
	const json_t *lost = json_object_get(host, "lost");
	const json_t *control = json_object_get(host, "control");
	const struct {
		uint64_t n;
		const char *what;
	} figures[] = {
		{ field_number(host, "worker_pending"), "jobs that wait for the kernel" },
		{ field_number(lost, "link_resyncs"),
		  "times that messages of the kernel were lost" },
		{ field_number(lost, "log_dropped"), "log messages lost" },
		{ field_number(control, "refused"), "control clients refused: too many" },
		{ field_number(control, "dropped"), "control clients dropped: did not read" },
	};
	const char *name = "attention";

	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
		if (!figures[i].n)
			continue;
		write_field(output, name, "%" PRIu64 " %s", figures[i].n, figures[i].what);
		name = "";
	}
}

static void show_host(const struct output *output, const json_t *host)
{
	uint64_t started = field_number(host, "started_realtime_us");
	uint64_t now = field_number(host, "now_realtime_us");
	const json_t *lacp = json_object_get(host, "lacp");
	char running[CTL_TEXT_SIZE];

	(void)fputs("yoked ", output->file);
	write_safe(output, CTL_STYLE_PLAIN, field_text(host, "version"));
	(void)fprintf(output->file, ", running for %s\n",
		      ctl_text_duration(now > started ? now - started : 0, running));
	write_field(output, "datapath", "%s%s%s", field_text(host, "datapath"),
		    *field_text(host, "datapath_why") ? ": " : "",
		    field_text(host, "datapath_why"));
	show_sense(output, host);
	show_lateness(output, "main loop", json_object_get(host, "loop"));
	write_field(output, "LACP system", "%s, priority %" PRIu64, field_text(lacp, "system"),
		    field_number(lacp, "system_priority"));
	show_attention(output, host);
}

void show_status(const struct output *output, const json_t *status)
{
	const json_t *teams = json_object_get(status, "teams");
	size_t i;
	json_t *team;

	show_host(output, json_object_get(status, "host"));
	if (!json_array_size(teams))
		(void)fputs("\nno team is configured\n", output->file);
	json_array_foreach (teams, i, team) {
		show_team_short(output, team);
	}
}
