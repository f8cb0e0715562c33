/* The operations, each carried out by the driver and by the programs, in the order in which no
 * frame goes where it should not: a member is known to the programs before it is a port, and as
 * long as it is one. */
#include "daemon/datapath/dp-steer.h"

#include "daemon/datapath/dp-bpf.h"
#include "daemon/datapath/dp-steer-internal.h"
#include "lib/base/array.h"
#include "lib/base/log.h"

#include <errno.h>
#include <string.h>

static struct steer *steer_of(struct datapath *datapath)
{
	return container_of(datapath, struct steer, base);
}

static struct steered *team_of(struct datapath_team *team)
{
	return container_of(team, struct steered, base);
}

static int op_fd(struct datapath *datapath)
{
	struct datapath *driver = steer_of(datapath)->driver;

	return driver->ops->fd(driver);
}

static void op_dispatch(struct datapath *datapath)
{
	struct datapath *driver = steer_of(datapath)->driver;

	driver->ops->dispatch(driver);
}

static nsec_t op_heartbeat(struct datapath *datapath, nsec_t now)
{
	struct datapath *driver = steer_of(datapath)->driver;

	return driver->ops->heartbeat(driver, now);
}

static void op_free(struct datapath *datapath)
{
	struct steer *steer = steer_of(datapath);

	steer->driver->ops->free(steer->driver);
	free(steer);
}

static bool op_can(const struct datapath_rules *rules, const char **ret_why)
{
	*ret_why = "the kernel's team driver sends a frame by its port directly, there is no other "
		   "way";
	return !rules->direct;
}

static void op_team_release(struct datapath_team *base)
{
	struct steered *team = team_of(base);

	team->driver->ops->team_release(team->driver);
	if (team->programs)
		team->programs->ops->team_release(team->programs);
	steered_free(team);
}

static void op_team_carrier(struct datapath_team *base, bool up)
{
	struct steered *team = team_of(base);

	team->driver->ops->team_carrier(team->driver, up);
}

static void deleted(void *userdata, int r, const struct err *e)
{
	struct errand *errand = userdata;
	struct steered *team = errand->team;
	datapath_done *done = errand->done;
	void *whom = errand->userdata;

	steered_free(team);
	done(whom, r, e);
}

static void op_team_delete(struct datapath_team *base, datapath_done *done, void *userdata)
{
	struct steered *team = team_of(base);
	struct errand *errand = errand_new(team, done, userdata);

	if (!errand)
		return;
	if (team->programs)
		team->programs->ops->team_delete(team->programs, NULL, NULL);
	team->programs = NULL;
	team->driver->ops->team_delete(team->driver, deleted, errand);
}

static void driver_added(void *userdata, int r, const struct err *e)
{
	struct errand *errand = userdata;
	struct steered *team = errand->team;

	if (r < 0) {
		if (team->programs)
			team->programs->ops->member_remove(team->programs, errand->slot, NULL,
							   NULL);
		team->members[errand->slot].ifindex = 0;
	}
	errand_end(errand, r, e);
}

static void programs_added(void *userdata, int r, const struct err *e)
{
	struct errand *errand = userdata;
	struct datapath_team *driver = errand->team->driver;

	if (r < 0) {
		errand->team->members[errand->slot].ifindex = 0;
		errand_end(errand, r, e);
		return;
	}
	driver->ops->member_add(driver, errand->slot, &errand->member, driver_added, errand);
}

static void op_member_add(struct datapath_team *base, unsigned slot,
			  const struct datapath_member_spec *spec, datapath_done *done,
			  void *userdata)
{
	struct steered *team = team_of(base);
	struct errand *errand = errand_new(team, done, userdata);

	if (!errand)
		return;
	errand->slot = slot;
	errand->member = *spec;
	team->members[slot] = *spec;
	steered_forbid(team, slot);
	if (team->programs)
		team->programs->ops->member_add(team->programs, slot, spec, programs_added, errand);
	else
		team->driver->ops->member_add(team->driver, slot, spec, driver_added, errand);
}

static void driver_removed(void *userdata, int r, const struct err *e)
{
	struct errand *errand = userdata;
	struct steered *team = errand->team;

	/* Unless the place was given to another one meanwhile. */
	if (team->programs && !team->members[errand->slot].ifindex)
		team->programs->ops->member_remove(team->programs, errand->slot, NULL, NULL);
	errand_end(errand, r, e);
}

static void op_member_remove(struct datapath_team *base, unsigned slot, datapath_done *done,
			     void *userdata)
{
	struct steered *team = team_of(base);
	struct errand *errand = errand_new(team, done, userdata);

	if (!errand)
		return;
	errand->slot = slot;
	team->members[slot].ifindex = 0;
	steered_forbid(team, slot);
	if (team->programs)
		team->programs->ops->allow(team->programs, team->may_send, team->may_receive);
	team->driver->ops->member_remove(team->driver, slot, driver_removed, errand);
}

static void op_allow(struct datapath_team *base, member_set may_send, member_set may_receive)
{
	struct steered *team = team_of(base);

	team->may_send = may_send;
	team->may_receive = may_receive;
	if (team->programs)
		team->programs->ops->allow(team->programs, may_send, may_receive);
	team->driver->ops->allow(team->driver, may_send, may_receive);
}

static void op_carrier(struct datapath_team *base, unsigned slot, bool up)
{
	struct steered *team = team_of(base);

	if (up)
		team->carrier |= (member_set)1 << slot;
	else
		team->carrier &= ~((member_set)1 << slot);
	if (team->programs)
		team->programs->ops->carrier(team->programs, slot, up);
	team->driver->ops->carrier(team->driver, slot, up);
}

static bool op_senses_carrier(struct datapath_team *base, unsigned slot)
{
	struct datapath_team *programs = team_of(base)->programs;

	return programs && programs->ops->senses_carrier(programs, slot);
}

static member_set op_fit(struct datapath_team *base)
{
	struct datapath_team *worker = steered_worker(team_of(base));

	return worker->ops->fit(worker);
}

static uint64_t *op_carrier_word(struct datapath_team *base)
{
	struct datapath_team *worker = steered_worker(team_of(base));

	return worker->ops->carrier_word(worker);
}

static int op_place(struct datapath_team *base, const struct placement_plan *plan, struct err *e)
{
	struct steered *team = team_of(base);
	int r = 0;

	team->plan = *plan;
	if (team->programs)
		r = team->programs->ops->place(team->programs, plan, e);
	return r < 0 ? r : team->driver->ops->place(team->driver, plan, e);
}

static void op_weights(struct datapath_team *base, const uint32_t weights[static PLACEMENT_MEMBERS])
{
	struct steered *team = team_of(base);

	memcpy(team->weights, weights, sizeof(team->weights));
	if (team->programs)
		team->programs->ops->weights(team->programs, weights);
}

static int op_counters(struct datapath_team *base, struct datapath_team_counters *counters,
		       struct err *e)
{
	struct datapath_team *worker = steered_worker(team_of(base));

	return worker->ops->counters(worker, counters, e);
}

static int op_station_put(struct datapath_team *base, const struct datapath_station *station,
			  struct err *e)
{
	struct datapath_team *programs = team_of(base)->programs;

	return programs ? programs->ops->station_put(programs, station, e) : 0;
}

static void op_station_forget(struct datapath_team *base, const struct mac *mac)
{
	struct datapath_team *programs = team_of(base)->programs;

	if (programs)
		programs->ops->station_forget(programs, mac);
}

static void op_station_homes(struct datapath_team *base, unsigned room,
			     const uint8_t slots[static PLACEMENT_MEMBERS])
{
	struct datapath_team *programs = team_of(base)->programs;

	if (programs)
		programs->ops->station_homes(programs, room, slots);
}

static void op_station_announced(struct datapath_team *base, const struct mac *mac)
{
	struct datapath_team *programs = team_of(base)->programs;

	if (programs)
		programs->ops->station_announced(programs, mac);
}

static void op_stations(struct datapath_team *base,
			void (*each)(void *userdata, const struct datapath_station_state *state),
			void *userdata)
{
	struct datapath_team *programs = team_of(base)->programs;

	if (programs)
		programs->ops->stations(programs, each, userdata);
}

static const char *op_device_kind(struct datapath_team *base)
{
	return "team";
}

const struct datapath_ops steer_ops = {
	.name = "team",
	.can = op_can,
	.slow_frames_at_member = true,
	.fd = op_fd,
	.dispatch = op_dispatch,
	.heartbeat = op_heartbeat,
	.free = op_free,
	.team_open = steer_team_open,
	.team_configure = steer_team_configure,
	.team_delete = op_team_delete,
	.team_release = op_team_release,
	.team_carrier = op_team_carrier,
	.member_add = op_member_add,
	.member_remove = op_member_remove,
	.allow = op_allow,
	.carrier = op_carrier,
	.senses_carrier = op_senses_carrier,
	.fit = op_fit,
	.carrier_word = op_carrier_word,
	.place = op_place,
	.weights = op_weights,
	.station_put = op_station_put,
	.station_forget = op_station_forget,
	.station_homes = op_station_homes,
	.station_announced = op_station_announced,
	.stations = op_stations,
	.device_kind = op_device_kind,
	.counters = op_counters,
};

int dp_steer_new(struct datapath *driver, struct datapath *programs, const char *why,
		 struct datapath **ret, struct err *e)
{
	struct steer *steer = calloc(1, sizeof(*steer));

	if (!steer)
		return err_errno(e, -ENOMEM, "cannot make the team datapath");
	steer->base.ops = &steer_ops;
	steer->driver = driver;
	steer->programs = programs;
	(void)snprintf(steer->why, sizeof(steer->why), "%s", why);
	*ret = &steer->base;
	return 0;
}
