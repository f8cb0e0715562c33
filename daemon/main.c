/* yoked: the daemon of Yoke. */
#include "daemon/config/config.h"
#include "daemon/control/server.h"
#include "daemon/options.h"
#include "daemon/system.h"
#include "lib/base/log.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

/* How long the readiness waits for teams that do not come up. */
#define READY_TIMEOUT_US (10 * 1000000ull)

struct daemon {
	sd_event *event;
	struct system *system;
	struct control_server *server;
	sd_event_source *ready_timeout;
	bool ready;
};

static void print_problems(const struct config_problems *problems)
{
	for (unsigned i = 0; i < problems->n; i++) {
		const struct config_problem *problem = &problems->problems[i];
		char line[16] = "";

		if (problem->line)
			(void)snprintf(line, sizeof(line), ":%u", problem->line);
		log_write(problem->warning ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR, NULL, "%s%s: %s",
			  problem->file, line, problem->text);
	}
}

static void tell_ready(struct daemon *daemon)
{
	struct host *host = system_host(daemon->system);
	unsigned up = 0, n = host_n_teams(host);

	for (unsigned i = 0; i < n; i++) {
		struct team_view view;

		team_get_view(host_team(host, i), &view);
		up += view.state == TEAM_UP;
	}
	daemon->ready = true;
	(void)sd_event_source_set_enabled(daemon->ready_timeout, SD_EVENT_OFF);
	(void)sd_notifyf(0, "READY=1\nSTATUS=%u of %u team%s up", up, n, n == 1 ? "" : "s");
	log_info("ready: %u of %u team%s up", up, n, n == 1 ? "" : "s");
}

static int on_ready_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct daemon *daemon = userdata;

	if (!daemon->ready)
		tell_ready(daemon);
	return 0;
}

/* Runs the loop by hand: a post source of sd_event would cost a second round for each. */
static int turn(struct daemon *daemon, struct err *e)
{
	int r = 0;

	while (r >= 0 && sd_event_get_state(daemon->event) != SD_EVENT_FINISHED) {
		system_after_turn(daemon->system);
		if (!daemon->ready && host_settled(system_host(daemon->system)))
			tell_ready(daemon);
		r = sd_event_run(daemon->event, UINT64_MAX);
	}
	return r < 0 ? err_errno(e, r, "the event loop failed") : 0;
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	log_info("stopping; the teams go on carrying traffic");
	(void)sd_notify(0, "STOPPING=1");
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	log_warning("SIGHUP does not reload the configuration: restart the daemon, which "
		    "interrupts no traffic");
	return 0;
}

static int add_sources(struct daemon *daemon, struct err *e)
{
	sd_event *event = daemon->event;
	int r;

	r = sd_event_add_signal(event, NULL, SIGTERM, on_stop, NULL);
	if (r >= 0)
		r = sd_event_add_signal(event, NULL, SIGINT, on_stop, NULL);
	if (r >= 0)
		r = sd_event_add_signal(event, NULL, SIGHUP, on_hangup, NULL);
	if (r >= 0)
		r = sd_event_add_time_relative(event, &daemon->ready_timeout, CLOCK_MONOTONIC,
					       READY_TIMEOUT_US, 0, on_ready_timeout, daemon);
	if (r >= 0)
		r = sd_event_set_watchdog(event, true);
	if (r < 0)
		return err_errno(e, r, "cannot set up the event loop");
	return 0;
}

static int run(struct daemon *daemon, const struct options *options, struct config *config)
{
	struct control_server_settings settings = {
		.path = options->socket,
		.readers = "yoke",
		.writers = "yoke-admin",
	};
	struct err e;
	int r;

	r = sd_event_default(&daemon->event);
	if (r < 0) {
		config_free(config);
		return err_errno(&e, r, "cannot make an event loop");
	}
	r = system_new(daemon->event, options, config, &daemon->system, &e);
	if (r >= 0)
		r = control_server_new(daemon->event, system_host(daemon->system), &settings,
				       &daemon->server, &e);
	if (r >= 0)
		r = add_sources(daemon, &e);
	if (r >= 0)
		r = turn(daemon, &e);
	if (r < 0)
		log_error("%s", e.text);
	return r;
}

static void block_signals(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
}

/* A page that has to be read from a disk first would keep LACP waiting. Not where the memory that
 * may be locked is limited: there a later allocation would fail instead. */
static void keep_in_memory(void)
{
	struct rlimit limit;

	if (geteuid() == 0 ||
	    (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY))
		(void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}

int main(int argc, char *argv[])
{
	struct config_problems problems = {};
	struct config *config = NULL;
	struct daemon daemon = {};
	struct options options;
	int r;

	switch (options_parse(argc, argv, &options)) {
	case OPTIONS_RUN:
		break;
	case OPTIONS_DONE:
		return EXIT_SUCCESS;
	case OPTIONS_WRONG:
		return 2;
	}
	r = config_load(options.config, &config, &problems);
	print_problems(&problems);
	if (r < 0) {
		log_error("nothing was changed: the configuration has %u error%s",
			  problems.n_errors, problems.n_errors == 1 ? "" : "s");
		return EXIT_FAILURE;
	}
	/* Before any thread is made, so that all of them inherit it. */
	block_signals();
	keep_in_memory();
	r = log_open((enum log_level)config->log_level);
	if (r < 0)
		log_warning("the log has no thread of its own and may hold the daemon up");
	r = run(&daemon, &options, config);
	control_server_free(daemon.server);
	system_free(daemon.system);
	sd_event_source_unref(daemon.ready_timeout);
	sd_event_unref(daemon.event);
	log_close();
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
