/* The datapaths that the kernel can do, what they tell, and which of them a team gets. */
#include "daemon/choose-datapath.h"
#include "daemon/datapath/claim.h"
#include "daemon/datapath/dp-bpf.h"
#include "daemon/datapath/dp-steer.h"
#include "daemon/datapath/dp-team.h"
#include "daemon/kernel/worker.h"
#include "daemon/system-internal.h"
#include "lib/base/log.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_loss_told(void *userdata, int ifindex)
{
	struct system *system = userdata;

	if (system->host)
		host_carrier_lost(system->host, ifindex);
}

static void on_member_disturbed(void *userdata, int ifindex, const char *sentence)
{
	struct system *system = userdata;

	if (system->host)
		host_member_disturbed(system->host, ifindex, sentence);
}

static void on_member_hindered(void *userdata, int ifindex, const char *sentence)
{
	struct system *system = userdata;

	if (system->host)
		host_member_hindered(system->host, ifindex, sentence);
}

static void on_sensed(void *userdata)
{
	struct system *system = userdata;

	if (system->host)
		host_carrier_sensed(system->host);
}

static void on_station_news(void *userdata, int ifindex, const struct datapath_station_news *news)
{
	struct system *system = userdata;

	if (system->host)
		host_station_news(system->host, ifindex, news);
}

static struct datapath_listener listener(struct system *system)
{
	return (struct datapath_listener){
		.carrier_lost = on_loss_told,
		.member_disturbed = on_member_disturbed,
		.member_hindered = on_member_hindered,
		.carrier_sensed = on_sensed,
		.station_news = on_station_news,
		.userdata = system,
	};
}

static bool team_is_possible(void *userdata)
{
	struct system *system = userdata;

	if (!system->team_was_asked)
		system->team_is_possible = dp_team_is_possible();
	system->team_was_asked = true;
	return system->team_is_possible;
}

static bool is_asked_for(const char *asked, const char *name)
{
	return asked && strcmp(asked, name) == 0;
}

/* Without it the teams of the kernel's driver can still be had; but not where it is missing for a
 * reason that holds for the whole daemon. */
static int open_bpf(struct system *system, const struct options *options, struct err *e)
{
	const struct dp_bpf_settings settings = {
		.bpffs = options->bpffs,
		.worker = system->kernel,
		.listener = listener(system),
	};
	int r = dp_bpf_new(&settings, &system->bpf, e);

	if (r == 0 || r == -EBUSY || r == -EPROTONOSUPPORT ||
	    is_asked_for(system->datapath, "bpf") || !team_is_possible(system))
		return r;
	system->bpf_missing = *e;
	log_warning("%s: there is only the kernel's team driver", e->text);
	return 0;
}

int system_open_datapaths(struct system *system, const struct options *options, struct err *e)
{
	const struct dp_team_settings settings = {
		.worker = system->kernel,
		.listener = listener(system),
	};
	struct datapath *driver;
	int r = open_bpf(system, options, e);

	if (r == 0)
		r = dp_team_new(&settings, &driver, e);
	if (r < 0)
		return r;
	r = dp_steer_new(driver, system->bpf, system->bpf_missing.text, &system->team, e);
	if (r < 0)
		driver->ops->free(driver);
	return r;
}

void system_free_datapaths(struct system *system)
{
	if (system->bpf)
		system->bpf->ops->free(system->bpf);
	if (system->team)
		system->team->ops->free(system->team);
}

nsec_t system_heartbeat(struct system *system)
{
	nsec_t now = system_boot_time(), due = NSEC_NEVER;

	if (system->bpf && system->bpf->ops->heartbeat)
		due = system->bpf->ops->heartbeat(system->bpf, now);
	return nsec_min(due, system->team->ops->heartbeat(system->team, now));
}

static_assert(sizeof(((struct team_datapath *)NULL)->why) == DATAPATH_WHY_SIZE);

/* The datapath whose team device is there already, by its mark. */
static const char *which_is_there(const struct system *system, const char *name)
{
	const struct link *link = link_monitor_by_name(system->links, name);
	char alias[sizeof(link->alias)];

	(void)snprintf(alias, sizeof(alias), CLAIM_ALIAS_PREFIX "%s", name);
	if (!link || strcmp(link->alias, alias) != 0)
		return NULL;
	return strcmp(link->kind, "team") == 0 ? "team" : "bpf";
}

struct preparation {
	struct system *system;
	bool possible;
	void (*done)(void *userdata);
	void *userdata;
};

static void run_preparation(void *userdata)
{
	struct preparation *preparation = userdata;

	preparation->possible = dp_team_is_possible();
}

static void preparation_done(void *userdata)
{
	struct preparation *preparation = userdata;

	preparation->system->team_is_possible = preparation->possible;
	preparation->system->team_was_asked = true;
	preparation->done(preparation->userdata);
	free(preparation);
}

void system_prepare_choice(void *userdata, void (*done)(void *done_userdata), void *done_userdata)
{
	struct system *system = userdata;
	struct preparation *preparation;

	if (system->team_was_asked) {
		done(done_userdata);
		return;
	}
	preparation = malloc(sizeof(*preparation));
	if (preparation)
		*preparation = (struct preparation){ system, false, done, done_userdata };
	if (preparation &&
	    worker_submit(system->kernel, run_preparation, preparation_done, preparation) == 0)
		return;
	/* Without memory for a question the answer is no. */
	free(preparation);
	system->team_was_asked = true;
	done(done_userdata);
}

void system_choose_datapath(void *userdata, const struct config_team *config,
			    struct team_datapath *ret)
{
	struct system *system = userdata;
	const struct datapath_facts facts = {
		.asked = system->datapath,
		.there = which_is_there(system, config->name),
		.team_is_possible = team_is_possible,
		.userdata = system,
	};
	const char *name = choose_datapath(config, &facts, ret->why);

	ret->datapath = NULL;
	if (!name)
		return;
	ret->datapath = strcmp(name, "team") == 0 ? system->team : system->bpf;
	if (!ret->datapath)
		(void)snprintf(ret->why, sizeof(ret->why), "%s", system->bpf_missing.text);
}
