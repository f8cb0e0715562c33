/* The operations as the main thread calls them. */
#include "daemon/datapath/dp-bpf.h"

#include "daemon/datapath/dp-bpf-internal.h"

#include "lib/base/array.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"

#include <errno.h>
#include <string.h>

static struct dp_bpf *dp_of(struct datapath *datapath)
{
	return container_of(datapath, struct dp_bpf, base);
}

static struct dp_team *team_of(struct datapath_team *team)
{
	return container_of(team, struct dp_team, base);
}

static int op_fd(struct datapath *datapath)
{
	return dp_of(datapath)->news;
}

static void op_dispatch(struct datapath *datapath)
{
	dp_news_dispatch(dp_of(datapath));
}

static nsec_t op_heartbeat(struct datapath *datapath, nsec_t now)
{
	struct dp_bpf *dp = dp_of(datapath);

	dp_carrier_heartbeat(dp, now);
	return nsec_min(dp_sense_turn(dp, now), dp_watch_turn(dp, now));
}

static bool op_carrier_sense(struct datapath *datapath, const char **ret_why)
{
	return dp_sense_at_work(dp_of(datapath), ret_why);
}

static void op_free(struct datapath *datapath)
{
	struct dp_bpf *dp = dp_of(datapath);

	dp->freed = true;
	dp_unref(dp);
}

static const struct datapath_ops ops;

static struct dp_team *team_new(struct dp_bpf *dp, const struct datapath_team_spec *spec)
{
	struct dp_team *team = calloc(1, sizeof(*team));

	if (!team)
		return NULL;
	team->base.ops = &ops;
	team->dp = dp;
	team->refs = 1;
	team->spec = *spec;
	dp->refs++;
	return team;
}

/* After a deletion, or an opening that failed, nobody has the handle. */
static void drop_handle(struct dp_team *team)
{
	team->released = true;
	dp_team_unref(team);
}

static void opened(struct dp_job *job)
{
	struct dp_team *team = job->team;

	memcpy(team->counted_before, job->counted_before, sizeof(team->counted_before));
	memcpy(team->members, job->info.member_ifindexes, sizeof(team->members));
	dp_carrier_adopt(team);
	if (job->r == 0 && !team->released)
		job->dp->team_devices[team->index] = team->ifindex;
	if (job->r < 0 || job->dp->freed)
		dp_team_unref(team);
}

static void fail_open(datapath_opened *told, void *userdata)
{
	struct err e;

	(void)err_errno(&e, -ENOMEM, "cannot open the team");
	told(userdata, -ENOMEM, &e, NULL, NULL);
}

static void open_team(struct dp_team *team, datapath_opened *told, void *userdata)
{
	struct dp_job *job = team ? dp_job_new(team->dp, team, dp_open_run) : NULL;

	if (!job) {
		if (team)
			dp_team_unref(team);
		fail_open(told, userdata);
		return;
	}
	job->finish = opened;
	job->opened = told;
	job->userdata = userdata;
	dp_job_submit(job);
}

static void op_team_open(struct datapath *datapath, const struct datapath_team_spec *spec,
			 datapath_opened *told, void *userdata)
{
	open_team(team_new(dp_of(datapath), spec), told, userdata);
}

void dp_bpf_steer(struct datapath *datapath, const struct datapath_team_spec *spec,
		  datapath_opened *told, void *userdata)
{
	struct dp_team *team = team_new(dp_of(datapath), spec);

	if (team)
		team->steers = true;
	open_team(team, told, userdata);
}

static struct dp_job *job_for(struct dp_team *team, int (*run)(struct dp_job *job, struct err *e),
			      datapath_done *done, void *userdata)
{
	struct dp_job *job = dp_job_new(team->dp, team, run);
	struct err e;

	if (!job) {
		(void)err_errno(&e, -ENOMEM, "cannot change the team %s", team->spec.name);
		if (done)
			done(userdata, -ENOMEM, &e);
		return NULL;
	}
	job->done = done;
	job->userdata = userdata;
	return job;
}

static void op_team_configure(struct datapath_team *base, const struct datapath_team_spec *spec,
			      datapath_done *done, void *userdata)
{
	struct dp_job *job = job_for(team_of(base), dp_configure_run, done, userdata);

	if (!job)
		return;
	job->spec = *spec;
	dp_job_submit(job);
}

static void deleted(struct dp_job *job)
{
	job->dp->team_devices[job->team->index] = 0;
	if (!job->team->released)
		dp_team_unref(job->team);
}

static void op_team_delete(struct datapath_team *base, datapath_done *done, void *userdata)
{
	struct dp_job *job = job_for(team_of(base), dp_delete_run, done, userdata);

	if (!job)
		return;
	job->finish = deleted;
	dp_job_submit(job);
}

static void op_team_release(struct datapath_team *base)
{
	struct dp_team *team = team_of(base);

	dp_carrier_last_word(team);
	team->dp->team_devices[team->index] = 0;
	__atomic_store_n(&team->dp->in_use[team->index], false, __ATOMIC_RELEASE);
	drop_handle(team);
}

static void op_team_carrier(struct datapath_team *base, bool up)
{
	struct dp_job *job = job_for(team_of(base), dp_carrier_run, NULL, NULL);

	if (!job)
		return;
	job->up = up;
	dp_job_submit(job);
}

static __u64 slot_bit(unsigned slot)
{
	return 1ull << slot;
}

static void forbid(struct dp_team *team, unsigned slot)
{
	struct abi_words *words = dp_words(team);

	__atomic_fetch_and(&words->may_send, ~slot_bit(slot), __ATOMIC_ACQ_REL);
	__atomic_fetch_and(&words->may_receive, ~slot_bit(slot), __ATOMIC_ACQ_REL);
	dp_carrier_forget(team, slot);
}

static void added(struct dp_job *job)
{
	struct dp_team *team = job->team;
	unsigned slot = job->slot;

	if (job->r == 0)
		team->counted_before[slot] = job->counted_before[slot];
	/* It has been removed again meanwhile. */
	if (team->changes[slot] != job->change || team->released)
		return;
	if (job->r == 0) {
		team->members[slot] = job->member.ifindex;
	} else if (job->fresh) {
		team->members[slot] = 0;
		forbid(team, slot);
	}
}

static void op_member_add(struct datapath_team *base, unsigned slot,
			  const struct datapath_member_spec *spec, datapath_done *done,
			  void *userdata)
{
	struct dp_team *team = team_of(base);
	struct dp_job *job = job_for(team, dp_member_add_run, done, userdata);

	if (!job)
		return;
	/* A member that is there already goes on undisturbed, also when the worker will refuse. */
	if (!team->members[slot]) {
		forbid(team, slot);
		team->members[slot] = spec->ifindex;
		team->changes[slot]++;
		job->fresh = true;
	}
	job->finish = added;
	job->change = team->changes[slot];
	job->slot = slot;
	job->member = *spec;
	dp_job_submit(job);
}

static void op_member_remove(struct datapath_team *base, unsigned slot, datapath_done *done,
			     void *userdata)
{
	struct dp_team *team = team_of(base);
	struct dp_job *job = job_for(team, dp_member_remove_run, done, userdata);

	if (!job)
		return;
	forbid(team, slot);
	team->members[slot] = 0;
	team->changes[slot]++;
	job->slot = slot;
	dp_job_submit(job);
}

static void op_allow(struct datapath_team *base, member_set may_send, member_set may_receive)
{
	struct abi_words *words = dp_words(team_of(base));

	__atomic_store_n(&words->may_send, may_send, __ATOMIC_RELEASE);
	__atomic_store_n(&words->may_receive, may_receive, __ATOMIC_RELEASE);
}

static void op_carrier(struct datapath_team *base, unsigned slot, bool up)
{
	dp_carrier_set(team_of(base), slot, up);
}

static bool op_senses_carrier(struct datapath_team *base, unsigned slot)
{
	struct dp_team *team = team_of(base);
	const char *why;

	return dp_sense_at_work(team->dp, &why) &&
	       __atomic_load_n(&dp_words(team)->kernel_knows, __ATOMIC_ACQUIRE) & slot_bit(slot);
}

static member_set op_fit(struct datapath_team *base)
{
	struct abi_words *words = dp_words(team_of(base));

	return (member_set)(__atomic_load_n(&words->carrier, __ATOMIC_ACQUIRE) &
			    __atomic_load_n(&words->may_send, __ATOMIC_ACQUIRE));
}

static uint64_t *op_carrier_word(struct datapath_team *base)
{
	/* The kernel's type of 64 bits has another name. */
	return (uint64_t *)(void *)&dp_words(team_of(base))->carrier;
}

static int op_place(struct datapath_team *base, const struct placement_plan *plan, struct err *e)
{
	struct dp_team *team = team_of(base);

	if (dp_maps_put_plan(team->dp, team->index, plan, e) < 0)
		return err_prefix(e, "%s", team->spec.name);
	return 0;
}

static struct datapath_member_counters since(const struct abi_member_counters *now,
					     const struct abi_member_counters *before)
{
	return (struct datapath_member_counters){
		.rx_packets = now->rx_packets - before->rx_packets,
		.rx_bytes = now->rx_bytes - before->rx_bytes,
		.tx_packets = now->tx_packets - before->tx_packets,
		.tx_bytes = now->tx_bytes - before->tx_bytes,
		.rx_not_collecting = now->rx_not_collecting - before->rx_not_collecting,
		.rx_reflected = now->rx_reflected - before->rx_reflected,
		.rx_copies = now->rx_copies - before->rx_copies,
	};
}

/* Also while a change is on its way to the worker: members[] are as they will be. */
static void op_member_address(struct datapath_team *base, unsigned slot, const struct mac *mac)
{
	struct dp_team *team = team_of(base);
	struct err e;

	if (team->members[slot] && dp_rules_member(team, slot, mac, &e) < 0)
		log_warning("%s: cannot note the address of a member: %s", team->spec.name, e.text);
}

static void op_weights(struct datapath_team *base, const uint32_t weights[static PLACEMENT_MEMBERS])
{
	dp_weights_set(team_of(base), weights);
}

static int op_station_put(struct datapath_team *base, const struct datapath_station *station,
			  struct err *e)
{
	return dp_station_put(team_of(base), station, e);
}

static void op_station_forget(struct datapath_team *base, const struct mac *mac)
{
	dp_station_forget(team_of(base), mac);
}

static void op_station_announced(struct datapath_team *base, const struct mac *mac)
{
	dp_station_announced(team_of(base), mac);
}

static void op_station_homes(struct datapath_team *base, unsigned room,
			     const uint8_t slots[static PLACEMENT_MEMBERS])
{
	dp_station_homes(team_of(base), room, slots);
}

static void op_stations(struct datapath_team *base,
			void (*each)(void *userdata, const struct datapath_station_state *state),
			void *userdata)
{
	dp_stations_list(team_of(base), each, userdata);
}

static bool op_can(const struct datapath_rules *rules, const char **ret_why)
{
	return true;
}

static const char *op_device_kind(struct datapath_team *base)
{
	return dp_device_kind_name(team_of(base)->kind);
}

static int op_counters(struct datapath_team *base, struct datapath_team_counters *ret,
		       struct err *e)
{
	struct dp_team *team = team_of(base);
	struct abi_counters counters;

	if (dp_maps_counters(team->dp, team->index, team->dp->of_processors, &counters, e) < 0)
		return err_prefix(e, "%s", team->spec.name);
	*ret = (struct datapath_team_counters){
		.buckets_counted = true,
		.tx_no_member = counters.tx_no_member,
	};
	for (unsigned bucket = 0; bucket < ABI_BUCKETS; bucket++)
		ret->bucket_tx_packets[bucket] = counters.bucket_tx_packets[bucket];
	for (unsigned slot = 0; slot < ABI_MEMBERS; slot++)
		if (team->members[slot])
			ret->members[slot] =
				since(&counters.members[slot], &team->counted_before[slot]);
	return 0;
}

static const struct datapath_ops ops = {
	.name = "bpf",
	.can = op_can,
	.fd = op_fd,
	.dispatch = op_dispatch,
	.heartbeat = op_heartbeat,
	.carrier_sense = op_carrier_sense,
	.free = op_free,
	.team_open = op_team_open,
	.team_configure = op_team_configure,
	.team_delete = op_team_delete,
	.team_release = op_team_release,
	.team_carrier = op_team_carrier,
	.member_add = op_member_add,
	.member_remove = op_member_remove,
	.member_address = op_member_address,
	.allow = op_allow,
	.carrier = op_carrier,
	.senses_carrier = op_senses_carrier,
	.fit = op_fit,
	.carrier_word = op_carrier_word,
	.place = op_place,
	.weights = op_weights,
	.station_put = op_station_put,
	.station_forget = op_station_forget,
	.station_announced = op_station_announced,
	.station_homes = op_station_homes,
	.stations = op_stations,
	.device_kind = op_device_kind,
	.counters = op_counters,
};

static void dp_bpf_drop(struct dp_bpf **dp)
{
	if (*dp)
		dp_unref(*dp);
}

int dp_bpf_new(const struct dp_bpf_settings *settings, struct datapath **ret, struct err *e)
{
	cleanup(dp_bpf_drop) struct dp_bpf *dp = calloc(1, sizeof(*dp));
	int r;

	if (!dp)
		return err_errno(e, -ENOMEM, "cannot make the bpf datapath");
	dp->base.ops = &ops;
	dp->worker = settings->worker;
	dp->listener = settings->listener;
	dp->refs = 1;
	dp->pins.fd = -1;
	dp->sense.losses = -1;
	(void)pthread_mutex_init(&dp->entries, NULL);
	r = dp_news_open(dp, e);
	if (r == 0)
		r = bpf_pins_open(settings->bpffs, &dp->pins, e);
	if (r == 0)
		r = rtnl_open(&dp->rtnl, e);
	if (r == 0)
		r = dp_load(dp, e);
	if (r == 0)
		r = dp_stations_open(dp, e);
	if (r == 0)
		r = dp_watch_open(dp, settings->clsact, e);
	if (r < 0)
		return err_prefix(e, "cannot use the bpf datapath");
	dp->netkit =
		!settings->veth && tcx_is_available(BPF_PLACE_NETKIT, dp->programs[DP_PROGRAM_TX]);
	dp_sense_open(dp);
	*ret = &steal_ptr(dp)->base;
	return 0;
}
