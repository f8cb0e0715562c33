/* The carrier sense inside the kernel: its programs are loaded, attached, and pinned, so that they
 * go on without us. A later daemon attaches its own beside them and then lets go of them: while
 * both are there the second one finds nothing left to do. */
#include "daemon/datapath/dp-bpf-internal.h"

#include "carrier-sense.skel.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

/* The first second is for LACP: reading the kernel's types takes the worker tens of milliseconds.
 */
#define TRY_DELAY NSEC_PER_SEC

/* When the next heartbeat is due at the latest. A little more than a second, so that LACP's rhythm
 * is enough for it; a daemon counts as dead after ABI_HEARTBEAT_STALE. */
#define TURN_INTERVAL (1200 * NSEC_PER_MS)

#define ENOTSUPP_OF_KERNEL 524 /* Not in <errno.h>. */
#define PIN_LOSSES "losses"
#define PIN_LOST "carrier-lost"
#define PIN_BACK "carrier-back"
#define TYPES_OF_KERNEL "/sys/kernel/btf/vmlinux"

struct sense_job {
	struct dp_bpf *dp;
	int r;
	struct err e;
};

static int hear_loss(void *userdata, void *data, size_t size)
{
	const struct abi_loss *loss = data;
	struct dp_bpf *dp = userdata;

	if (size < sizeof(*loss) || loss->team >= ABI_TEAMS || loss->slot >= ABI_MEMBERS)
		return 0;
	/* Who has set the bit again knew better: this is old. */
	if (__atomic_load_n(&dp->words[loss->team].carrier, __ATOMIC_ACQUIRE) >> loss->slot & 1)
		return 0;
	if (dp->listener.carrier_lost)
		dp->listener.carrier_lost(dp->listener.userdata, (int)loss->ifindex);
	return 0;
}

static void hear(struct dp_bpf *dp)
{
	if (dp->sense.reader)
		(void)ring_buffer__consume(dp->sense.reader);
}

static bool is_pinned(const struct dp_bpf *dp, const char *name)
{
	cleanup(closep) int fd = -1;
	struct bpf_link_info info = {};
	uint32_t size = sizeof(info);
	struct err ignored;

	return bpf_pins_get(&dp->pins, name, &fd, &ignored) == 0 &&
	       bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && info.type == BPF_LINK_TYPE_TRACING;
}

/* The ring buffer that the former daemon's programs write to, or a new one. */
static int open_losses(struct dp_bpf *dp, int *ret, struct err *e)
{
	struct bpf_map_info info = {};
	uint32_t size = sizeof(info);
	int fd = -1;

	if (dp->pinned && bpf_pins_get(&dp->pins, PIN_LOSSES, &fd, e) == 0) {
		if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0 &&
		    info.type == BPF_MAP_TYPE_RINGBUF) {
			*ret = fd;
			return 0;
		}
		(void)close(fd);
	}
	fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "losses", 0, 0, ABI_LOSSES_SIZE, NULL);
	if (fd < 0)
		return err_errno(e, fd, "cannot make the ring buffer for the kernel's news");
	*ret = fd;
	return 0;
}

static void refused(struct dp_bpf *dp, const struct err *e)
{
	ring_buffer__free(dp->sense.reader);
	dp->sense.reader = NULL;
	closep(&dp->sense.losses);
	dp->sense.losses = -1;
	dp->sense.state = DP_SENSE_REFUSED;
	(void)snprintf(dp->sense.why, sizeof(dp->sense.why), "%s", e->text);
	log_notice("members are polled for their carrier: %s", e->text);
}

void dp_sense_open(struct dp_bpf *dp)
{
	struct dp_sense *sense = &dp->sense;
	struct err e;
	int r = open_losses(dp, &sense->losses, &e);

	if (r == 0) {
		sense->reader = ring_buffer__new(sense->losses, hear_loss, dp, NULL);
		r = sense->reader ? dp_news_add(dp, sense->losses, hear, &e)
				  : err_errno(&e, -errno, "cannot hear the kernel's news");
	}
	sense->continued = dp->pinned && is_pinned(dp, PIN_BACK) && is_pinned(dp, PIN_LOST);
	(void)snprintf(sense->why, sizeof(sense->why), "the daemon has just been started");
	if (r < 0) {
		dp_sense_unpin(dp);
		refused(dp, &e);
	}
}

void dp_sense_close(struct dp_bpf *dp)
{
	ring_buffer__free(dp->sense.reader);
	dp->sense.reader = NULL;
	closep(&dp->sense.losses);
	dp->sense.losses = -1;
	carrier_sense_bpf__destroy(dp->sense.skeleton);
	dp->sense.skeleton = NULL;
}

void dp_sense_unpin(struct dp_bpf *dp)
{
	/* Never the one that loses without the one that gives back. */
	(void)bpf_pins_remove(&dp->pins, PIN_LOST, NULL);
	(void)bpf_pins_remove(&dp->pins, PIN_BACK, NULL);
	(void)bpf_pins_remove(&dp->pins, PIN_LOSSES, NULL);
}

int dp_sense_pin(struct dp_bpf *dp, struct err *e)
{
	struct carrier_sense_bpf *skeleton = dp->sense.skeleton;
	int r;

	if (!skeleton)
		return 0;
	r = bpf_pins_replace(&dp->pins, PIN_LOSSES, dp->sense.losses, e);
	if (r == 0)
		r = bpf_pins_replace(&dp->pins, PIN_BACK, bpf_link__fd(skeleton->links.yoke_back),
				     e);
	if (r == 0)
		r = bpf_pins_replace(&dp->pins, PIN_LOST, bpf_link__fd(skeleton->links.yoke_lost),
				     e);
	return r;
}

static int explain(int r, const char *what, struct err *e)
{
	if (r == -EPERM || r == -EACCES)
		return err_set(e, r,
			       "the kernel does not let us %s (%s), which takes CAP_PERFMON and no "
			       "security policy against it",
			       what, strerror(-r));
	if (access(TYPES_OF_KERNEL, R_OK) < 0)
		return err_set(e, r,
			       "the kernel does not tell its types: no " TYPES_OF_KERNEL
			       " (CONFIG_DEBUG_INFO_BTF)");
	if (r == -ENOTSUPP_OF_KERNEL || r == -EOPNOTSUPP)
		return err_set(e, r,
			       "this kernel cannot have programs at its functions "
			       "(CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS)");
	return err_errno(e, r, "cannot %s", what);
}

static int open_skeleton(struct dp_bpf *dp, struct err *e)
{
	struct carrier_sense_bpf *skeleton = carrier_sense_bpf__open();
	int r;

	if (!skeleton)
		return err_errno(e, -errno, "cannot prepare the programs that trace carrier");
	dp->sense.skeleton = skeleton;
	skeleton->rodata->netns_cookie = dp->pins.netns;
	r = bpf_map__reuse_fd(skeleton->maps.members, dp->maps.members);
	if (r == 0)
		r = bpf_map__reuse_fd(skeleton->maps.words, dp->maps.words);
	if (r == 0)
		r = bpf_map__reuse_fd(skeleton->maps.losses, dp->sense.losses);
	return r < 0 ? err_errno(e, r, "cannot share maps with the programs that trace carrier")
		     : 0;
}

static int attach(struct bpf_program *program, struct bpf_link **ret, struct err *e)
{
	*ret = bpf_program__attach(program);
	return *ret ? 0 : explain(-errno, "attach programs that trace carrier", e);
}

static int start(struct dp_bpf *dp, struct err *e)
{
	struct carrier_sense_bpf *skeleton;
	int r = open_skeleton(dp, e);

	if (r < 0)
		return r;
	skeleton = dp->sense.skeleton;
	r = carrier_sense_bpf__load(skeleton);
	if (r < 0)
		return explain(r, "load programs that trace carrier", e);
	/* What was noted before nobody has looked after since. */
	for (unsigned i = 0; i < ABI_TEAMS && !dp->sense.continued; i++)
		dp_carrier_reset(&dp->words[i], UINT64_MAX);
	r = attach(skeleton->progs.yoke_back, &skeleton->links.yoke_back, e);
	if (r == 0)
		r = attach(skeleton->progs.yoke_lost, &skeleton->links.yoke_lost, e);
	/* This one goes with us: nobody asks where no daemon lives. */
	if (r == 0)
		r = attach(skeleton->progs.yoke_asked, &skeleton->links.yoke_asked, e);
	return r < 0 || !dp->pinned ? r : dp_sense_pin(dp, e);
}

/* Worker. */
static void run_start(void *userdata)
{
	struct sense_job *job = userdata;
	struct dp_bpf *dp = job->dp;

	job->r = start(dp, &job->e);
	if (job->r == 0)
		return;
	carrier_sense_bpf__destroy(dp->sense.skeleton);
	dp->sense.skeleton = NULL;
	/* All of it works or nothing: of a program that clears bits we have to hear. */
	dp_sense_unpin(dp);
	for (unsigned i = 0; i < ABI_TEAMS; i++)
		dp_carrier_reset(&dp->words[i], UINT64_MAX);
}

static void start_done(void *userdata)
{
	struct sense_job *job = userdata;
	struct dp_bpf *dp = job->dp;

	if (job->r < 0) {
		refused(dp, &job->e);
	} else {
		dp->sense.state = DP_SENSE_AT_WORK;
		if (!dp->freed && dp->listener.carrier_sensed)
			dp->listener.carrier_sensed(dp->listener.userdata);
	}
	free(job);
	dp_unref(dp);
}

static void try_to_start(struct dp_bpf *dp)
{
	struct sense_job *job = calloc(1, sizeof(*job));
	struct err e;

	if (job)
		*job = (struct sense_job){ .dp = dp };
	if (!job || worker_submit(dp->worker, run_start, start_done, job) < 0) {
		free(job);
		(void)err_errno(&e, -ENOMEM, "cannot load programs that trace carrier");
		refused(dp, &e);
		return;
	}
	dp->sense.state = DP_SENSE_TRYING;
	dp->refs++;
}

/* For which members the kernel knows all is learnt when they are asked for the first time. */
static void tell_of_change(struct dp_bpf *dp)
{
	bool changed = false;

	for (unsigned i = 0; i < ABI_TEAMS; i++) {
		uint64_t known = __atomic_load_n(&dp->words[i].kernel_knows, __ATOMIC_ACQUIRE);

		changed |= known != dp->sense.kernel_knew[i];
		dp->sense.kernel_knew[i] = known;
	}
	if (changed && dp->listener.carrier_sensed)
		dp->listener.carrier_sensed(dp->listener.userdata);
}

nsec_t dp_sense_turn(struct dp_bpf *dp, nsec_t now)
{
	struct dp_sense *sense = &dp->sense;

	if (sense->state == DP_SENSE_UNTRIED && !sense->try_at)
		sense->try_at = nsec_add(now, TRY_DELAY);
	if (sense->state == DP_SENSE_UNTRIED && now >= sense->try_at)
		try_to_start(dp);
	switch (sense->state) {
	case DP_SENSE_UNTRIED:
		return sense->try_at;
	case DP_SENSE_REFUSED:
		return NSEC_NEVER;
	case DP_SENSE_AT_WORK:
		tell_of_change(dp);
		return nsec_add(now, TURN_INTERVAL);
	case DP_SENSE_TRYING:
		return nsec_add(now, TURN_INTERVAL);
	}
	return NSEC_NEVER;
}

bool dp_sense_at_work(const struct dp_bpf *dp, const char **ret_why)
{
	if (dp->sense.state != DP_SENSE_AT_WORK) {
		*ret_why = dp->sense.why;
		return false;
	}
	*ret_why =
		"a program in the kernel takes a member that loses its link out of use at once, "
		"also while the daemon is dead; members whose drivers may know more of a link than "
		"the kernel are asked besides";
	return true;
}
