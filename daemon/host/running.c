/* What was changed at run time, as text: first, in comments, of which boot it is and what each team
 * was in the files, then the teams as a file of conf.d has them. */
#include "daemon/host/host-private.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TITLE "# What yoked runs: changed at run time, until the host boots. Not to be edited.\n"
#define BOOT "# boot "
#define TEAM "# team "

static bool is_changed(const struct host *host, const struct config_team *config)
{
	const struct config_team *file = host_find_file(host, config->name);

	return !file || config_team_fingerprint(file) != config_team_fingerprint(config);
}

bool host_is_changed(const struct host *host, const struct team *team)
{
	return is_changed(host, team_config(team));
}

static uint64_t origin_of(const struct host *host, const struct config_team *config)
{
	const struct config_team *file = host_find_file(host, config->name);

	return file ? config_team_fingerprint(file) : 0;
}

/* As an element of a list: without "team: " before it and ";" behind. */
static bool write_team(FILE *out, const struct config_team *config, bool first)
{
	static const char before[] = "team: ";
	cleanup(freep) char *text = config_dump_team(config);
	size_t size = text ? strlen(text) : 0;

	if (size < sizeof(before) + 2)
		return false;
	text[size - strlen(";\n")] = '\0';
	(void)fprintf(out, "%s%s", first ? "" : ",\n", text + strlen(before));
	return true;
}

static bool write_teams(FILE *out, const struct host *host)
{
	bool first = true;

	(void)fputs("teams = (\n", out);
	for (unsigned i = 0; i < host->n_teams; i++) {
		const struct config_team *config = team_config(host->teams[i]);

		if (!is_changed(host, config))
			continue;
		if (!write_team(out, config, first))
			return false;
		first = false;
	}
	(void)fputs("\n);\n", out);
	return true;
}

static char *text_of(const struct host *host)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	bool good;

	if (!out)
		return NULL;
	(void)fprintf(out, TITLE BOOT "%s\n", host->parts.boot_id);
	for (unsigned i = 0; i < host->n_teams; i++) {
		const struct config_team *config = team_config(host->teams[i]);

		if (is_changed(host, config))
			(void)fprintf(out, TEAM "%s %016" PRIx64 "\n", config->name,
				      origin_of(host, config));
	}
	good = write_teams(out, host) && !ferror(out);
	if (fclose(out) == 0 && good)
		return text;
	free(text);
	return NULL;
}

void running_save(struct host *host, void (*saved)(void *userdata), void *userdata)
{
	struct world *world = host->parts.world;
	char *text = host->parts.boot_id ? text_of(host) : NULL;

	if (text) {
		world->ops->save_running(world, text, saved, userdata);
		return;
	}
	if (host->parts.boot_id)
		log_error("what was changed will not outlive the daemon: out of memory");
	saved(userdata);
}

/* The rest of the line at 'text' if it begins with 'word', else NULL. */
static const char *after(const char *text, const char *word)
{
	return strncmp(text, word, strlen(word)) == 0 ? text + strlen(word) : NULL;
}

static const char *next_line(const char *text)
{
	const char *end = strchr(text, '\n');

	return end ? end + 1 : text + strlen(text);
}

static bool read_origin(const char *text, struct running *running)
{
	const struct config *config = running->config;
	char name[IFNAMSIZ];
	uint64_t origin;

	if (sscanf(text, "%15s %" SCNx64, name, &origin) != 2)
		return false;
	for (unsigned i = 0; i < config->n_teams; i++)
		if (strcmp(config->teams[i].name, name) == 0)
			running->origins[i] = origin;
	return true;
}

static bool read_teams(const char *text, struct running *running)
{
	cleanup(freep) struct config_problems *problems = calloc(1, sizeof(*problems));
	const struct span span = { (const uint8_t *)text, strlen(text) };
	const char *line;

	if (!problems ||
	    config_parse("running.conf", span, CONFIG_KIND_TEAMS, &running->config, problems) < 0)
		return false;
	while ((line = after(text, TEAM))) {
		if (!read_origin(line, running))
			return false;
		text = next_line(text);
	}
	return true;
}

void running_load(const struct host *host, struct running *running)
{
	const char *text = host->parts.running;
	const char *boot;

	if (!text || !host->parts.boot_id)
		return;
	text = after(text, TITLE);
	boot = text ? after(text, BOOT) : NULL;
	/* Of another boot: what is saved is what holds. */
	if (boot &&
	    !(after(boot, host->parts.boot_id) && boot[strlen(host->parts.boot_id)] == '\n'))
		return;
	if (!boot || !read_teams(next_line(text), running)) {
		log_error("what was changed at run time is lost: the file about it is damaged");
		running_release(running);
	}
}

void running_release(struct running *running)
{
	config_free(running->config);
	*running = (struct running){};
}
