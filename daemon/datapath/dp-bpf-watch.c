/* The watch of what others do to the places of our programs: in clsact the kernel tells it, under
 * TCX the worker looks now and then. */
#include "daemon/datapath/dp-bpf-watch.h"

#include "daemon/datapath/dp-bpf-internal.h"

#include "daemon/kernel/bpf-tcx.h"
#include "daemon/kernel/tc-monitor.h"
#include "lib/base/array.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"

#include <errno.h>
#include <time.h>

/* Between two looks, however much happens. */
#define PAUSE (20 * NSEC_PER_MS)

static nsec_t boot_time(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (nsec_t)now.tv_sec * NSEC_PER_SEC + (nsec_t)now.tv_nsec;
}

static void tell(const struct datapath_listener *listener, const struct dp_report *report)
{
	switch (report->type) {
	case DP_REPORT_DISTURBED:
		if (listener->member_disturbed)
			listener->member_disturbed(listener->userdata, report->ifindex,
						   report->sentence);
		break;
	case DP_REPORT_HINDERED:
	case DP_REPORT_UNHINDERED:
		if (listener->member_hindered)
			listener->member_hindered(listener->userdata, report->ifindex,
						  report->sentence);
		break;
	}
}

static void run_check(void *userdata)
{
	struct dp_bpf *dp = userdata;

	dp_hook_check_all(dp, boot_time());
}

static void check_done(void *userdata)
{
	struct dp_bpf *dp = userdata;
	struct dp_watch *watch = &dp->watch;

	watch->checking = false;
	watch->not_before = boot_time() + PAUSE;
	watch->due = watch->again ? watch->not_before : watch->next;
	watch->again = false;
	for (unsigned i = 0; i < watch->n_reports && !dp->freed; i++)
		tell(&dp->listener, &watch->reports[i]);
	dp_unref(dp);
}

/* Without memory it is tried again at the next turn. */
static void submit(struct dp_bpf *dp)
{
	if (worker_submit(dp->worker, run_check, check_done, dp) < 0)
		return;
	dp->watch.checking = true;
	dp->refs++;
}

nsec_t dp_watch_turn(struct dp_bpf *dp, nsec_t now)
{
	if (dp->watch.checking)
		return NSEC_NEVER;
	if (now >= dp->watch.due)
		submit(dp);
	if (dp->watch.checking)
		return NSEC_NEVER;
	return dp->watch.due > now ? dp->watch.due : now + PAUSE;
}

static bool is_watched(const struct dp_watch *watch, unsigned ifindex)
{
	const __u64 *bits = &watch->watched[ifindex / 64 % ARRAY_SIZE(watch->watched)];

	return __atomic_load_n(bits, __ATOMIC_RELAXED) >> ifindex % 64 & 1;
}

static void note_change(void *userdata, int ifindex)
{
	struct dp_bpf *dp = userdata;

	if (ifindex && !is_watched(&dp->watch, (unsigned)ifindex))
		return;
	if (dp->watch.checking)
		dp->watch.again = true;
	else
		dp->watch.due = nsec_min(dp->watch.due, dp->watch.not_before);
}

/* The turn of the main loop that follows has it looked at. */
static void take_news(struct dp_bpf *dp)
{
	tc_monitor_dispatch(dp->watch.monitor, note_change, dp);
}

static int open_monitor(struct dp_bpf *dp, struct err *e)
{
	int r = tc_monitor_open(&dp->watch.monitor, e);

	return r < 0 ? r : dp_news_add(dp, tc_monitor_fd(dp->watch.monitor), take_news, e);
}

int dp_watch_open(struct dp_bpf *dp, bool clsact, struct err *e)
{
	struct dp_watch *watch = &dp->watch;

	for (unsigned i = 0; i < DP_PROGRAMS; i++)
		watch->copies[i] = -1;
	/* Memory is taken only for as many as there are. */
	watch->hooks = calloc(DP_HOOKS, sizeof(*watch->hooks));
	if (!watch->hooks)
		return err_errno(e, -ENOMEM, "cannot watch the programs' places");
	dp->attacher = (struct bpf_attacher){
		.rtnl = dp->rtnl,
		.pins = &dp->pins,
		.tcx = !clsact && tcx_is_available(BPF_PLACE_INGRESS, dp->programs[DP_PROGRAM_RX]),
	};
	log_debug("programs are attached by %s",
		  dp->attacher.tcx ? "TCX" : "clsact, as this kernel has no TCX");
	/* Without the maps of those who attached them they are the only ones that carry. */
	if (dp->pinned)
		dp_hook_tidy(dp);
	return dp->attacher.tcx ? 0 : open_monitor(dp, e);
}

void dp_watch_close(struct dp_bpf *dp)
{
	struct dp_watch *watch = &dp->watch;

	tc_monitor_close(watch->monitor);
	if (!watch->hooks)
		return;
	for (unsigned i = 0; i < DP_PROGRAMS; i++)
		closep(&watch->copies[i]);
	free(watch->hooks);
}
