#include "tests/fake/fake-datapath.h"

#include "lib/base/array.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct fake_team {
	struct datapath_team team; /* First. */
	struct fake_datapath *datapath;
	struct fake_device *device;
};

struct completion {
	TAILQ_ENTRY(completion) link;
	datapath_done *done;
	datapath_opened *opened;
	void *userdata;
	int r;
	struct err e;
	struct fake_team *team;
	struct datapath_team_info info;
	bool free_team;
};

struct fake_datapath {
	struct datapath datapath; /* First. */
	struct fake_kernel *kernel;
	TAILQ_HEAD(, completion) completions;
};

static const struct datapath_ops fake_ops;

static struct fake_team *team_of(struct datapath_team *team)
{
	return container_of(team, struct fake_team, team);
}

static struct completion *complete(struct fake_datapath *datapath, int r, const char *text)
{
	struct completion *completion = calloc(1, sizeof(*completion));

	assert(completion);
	completion->r = r;
	if (r < 0)
		err_set(&completion->e, r, "%s", text);
	TAILQ_INSERT_TAIL(&datapath->completions, completion, link);
	return completion;
}

static void complete_done(struct fake_team *team, int r, const char *text, datapath_done *done,
			  void *userdata)
{
	struct completion *completion = complete(team->datapath, r, text);

	completion->done = done;
	completion->userdata = userdata;
}

struct datapath *fake_datapath_new(struct fake_kernel *kernel)
{
	struct fake_datapath *datapath = calloc(1, sizeof(*datapath));

	assert(datapath);
	datapath->datapath.ops = &fake_ops;
	datapath->kernel = kernel;
	TAILQ_INIT(&datapath->completions);
	return &datapath->datapath;
}

unsigned fake_datapath_run(struct datapath *base)
{
	struct fake_datapath *datapath = container_of(base, struct fake_datapath, datapath);
	struct completion *completion;
	unsigned n = 0;

	while ((completion = TAILQ_FIRST(&datapath->completions))) {
		const struct err *e = completion->r < 0 ? &completion->e : NULL;

		TAILQ_REMOVE(&datapath->completions, completion, link);
		if (completion->opened)
			completion->opened(completion->userdata, completion->r, e,
					   completion->r < 0 ? NULL : &completion->team->team,
					   &completion->info);
		else
			completion->done(completion->userdata, completion->r, e);
		if (completion->free_team)
			free(completion->team);
		free(completion);
		n++;
	}
	return n;
}

member_set fake_device_fit(const struct fake_device *device)
{
	return device->may_send & (member_set)device->carrier_word;
}

struct fake_device *fake_device_by_name(struct fake_kernel *kernel, const char *name)
{
	for (unsigned i = 0; i < FAKE_TEAMS; i++)
		if (kernel->devices[i].exists && strcmp(kernel->devices[i].spec.name, name) == 0)
			return &kernel->devices[i];
	return NULL;
}

static void fake_free(struct datapath *base)
{
	struct fake_datapath *datapath = container_of(base, struct fake_datapath, datapath);

	assert(TAILQ_EMPTY(&datapath->completions));
	free(datapath);
}

static struct fake_device *make_device(struct fake_kernel *kernel,
				       const struct datapath_team_spec *spec)
{
	for (unsigned i = 0; i < FAKE_TEAMS; i++) {
		struct fake_device *device = &kernel->devices[i];

		if (device->exists)
			continue;
		*device = (struct fake_device){ .exists = true,
						.spec = *spec,
						.ifindex = 1000 + (int)i };
		memset(&device->plan, PLACEMENT_NONE, sizeof(device->plan));
		return device;
	}
	abort();
}

static struct datapath_team_info info_of(const struct fake_device *device, bool adopted)
{
	struct datapath_team_info info = {
		.ifindex = device->ifindex,
		.adopted = adopted,
		.members = device->members,
		.may_send = device->may_send,
		.may_receive = device->may_receive,
		.fit = fake_device_fit(device),
		.plan = device->plan,
		.carrier = device->carrier,
	};

	memcpy(info.member_ifindexes, device->member_ifindexes, sizeof(info.member_ifindexes));
	return info;
}

static void fake_team_open(struct datapath *base, const struct datapath_team_spec *spec,
			   datapath_opened *opened, void *userdata)
{
	struct fake_datapath *datapath = container_of(base, struct fake_datapath, datapath);
	struct fake_device *device = fake_device_by_name(datapath->kernel, spec->name);
	bool adopted = device;
	struct completion *completion;

	if (device && device->foreign) {
		completion = complete(datapath, -EEXIST, "there is another device of this name");
	} else {
		completion = complete(datapath, 0, NULL);
		if (!device)
			device = make_device(datapath->kernel, spec);
		completion->team = calloc(1, sizeof(*completion->team));
		assert(completion->team);
		completion->team->team.ops = &fake_ops;
		completion->team->datapath = datapath;
		completion->team->device = device;
		completion->info = info_of(device, adopted);
	}
	completion->opened = opened;
	completion->userdata = userdata;
}

static void fake_team_configure(struct datapath_team *base, const struct datapath_team_spec *spec,
				datapath_done *done, void *userdata)
{
	if (team_of(base)->datapath->kernel->refuse_mtu == spec->mtu) {
		complete_done(team_of(base), -EINVAL, "cannot set the MTU", done, userdata);
		return;
	}
	team_of(base)->device->spec = *spec;
	complete_done(team_of(base), 0, NULL, done, userdata);
}

static void fake_team_delete(struct datapath_team *base, datapath_done *done, void *userdata)
{
	struct fake_team *team = team_of(base);
	struct completion *completion = complete(team->datapath, 0, NULL);

	*team->device = (struct fake_device){};
	completion->done = done;
	completion->userdata = userdata;
	completion->team = team;
	completion->free_team = true;
}

static void fake_team_release(struct datapath_team *base)
{
	free(team_of(base));
}

static void fake_team_carrier(struct datapath_team *base, bool up)
{
	team_of(base)->device->carrier = up;
}

static void fake_member_add(struct datapath_team *base, unsigned slot,
			    const struct datapath_member_spec *spec, datapath_done *done,
			    void *userdata)
{
	struct fake_team *team = team_of(base);

	team->datapath->kernel->n_member_add++;
	if (team->datapath->kernel->busy_ifindex == spec->ifindex) {
		complete_done(team, -EBUSY, "it belongs to the bridge br0; take it out of it", done,
			      userdata);
		return;
	}
	team->device->members |= (member_set)1 << slot;
	team->device->member_ifindexes[slot] = spec->ifindex;
	complete_done(team, 0, NULL, done, userdata);
}

static void fake_member_remove(struct datapath_team *base, unsigned slot, datapath_done *done,
			       void *userdata)
{
	struct fake_team *team = team_of(base);

	team->datapath->kernel->n_member_remove++;
	team->device->members &= ~((member_set)1 << slot);
	team->device->member_ifindexes[slot] = 0;
	team->device->carrier_word &= ~(1ull << slot);
	complete_done(team, 0, NULL, done, userdata);
}

static void fake_allow(struct datapath_team *base, member_set may_send, member_set may_receive)
{
	struct fake_team *team = team_of(base);

	team->datapath->kernel->lost_send |= team->device->may_send & ~may_send;
	team->datapath->kernel->lost_receive |= team->device->may_receive & ~may_receive;
	team->device->may_send = may_send;
	team->device->may_receive = may_receive;
	team->datapath->kernel->n_allow++;
	team->datapath->kernel->n_unfit += !fake_device_fit(team->device);
}

static void fake_carrier(struct datapath_team *base, unsigned slot, bool up)
{
	struct fake_device *device = team_of(base)->device;

	if (up)
		device->carrier_word |= 1ull << slot;
	else
		device->carrier_word &= ~(1ull << slot);
}

static member_set fake_fit(struct datapath_team *base)
{
	return fake_device_fit(team_of(base)->device);
}

static uint64_t *fake_carrier_word(struct datapath_team *base)
{
	return &team_of(base)->device->carrier_word;
}

static int fake_place(struct datapath_team *base, const struct placement_plan *plan, struct err *e)
{
	struct fake_team *team = team_of(base);

	team->device->plan = *plan;
	team->device->placed_with_carrier = (member_set)team->device->carrier_word;
	team->datapath->kernel->n_place++;
	return 0;
}

static int fake_station_put(struct datapath_team *base, const struct datapath_station *station,
			    struct err *e)
{
	return fake_stations_put(&team_of(base)->device->stations, station, e);
}

static void fake_station_forget(struct datapath_team *base, const struct mac *mac)
{
	fake_stations_forget(&team_of(base)->device->stations, mac);
}

static void fake_station_announced(struct datapath_team *base, const struct mac *mac)
{
	struct fake_team *team = team_of(base);
	struct fake_station *station = fake_station_find(&team->device->stations, mac);

	if (!station)
		return;
	station->was_announced = true;
	station->announced = team->datapath->kernel->now;
}

static void fake_station_homes(struct datapath_team *base, unsigned room,
			       const uint8_t slots[static PLACEMENT_MEMBERS])
{
	fake_stations_homes(&team_of(base)->device->stations, room, slots);
}

static void fake_each_station(struct datapath_team *base,
			      void (*each)(void *userdata,
					   const struct datapath_station_state *state),
			      void *userdata)
{
	struct fake_stations *stations = &team_of(base)->device->stations;

	for (unsigned i = 0; i < FAKE_STATIONS; i++)
		if (stations->table[i].there)
			each(userdata, &stations->table[i].state);
}

static int fake_counters(struct datapath_team *base, struct datapath_team_counters *counters,
			 struct err *e)
{
	*counters = team_of(base)->device->counters;
	counters->buckets_counted = true;
	return 0;
}

static int fake_fd(struct datapath *datapath)
{
	return -1;
}

static void fake_dispatch(struct datapath *datapath)
{
}

static const struct datapath_ops fake_ops = {
	.name = "fake",
	.fd = fake_fd,
	.dispatch = fake_dispatch,
	.free = fake_free,
	.team_open = fake_team_open,
	.team_configure = fake_team_configure,
	.team_delete = fake_team_delete,
	.team_release = fake_team_release,
	.team_carrier = fake_team_carrier,
	.member_add = fake_member_add,
	.member_remove = fake_member_remove,
	.allow = fake_allow,
	.carrier = fake_carrier,
	.fit = fake_fit,
	.carrier_word = fake_carrier_word,
	.can = fake_stations_can,
	.place = fake_place,
	.station_put = fake_station_put,
	.station_forget = fake_station_forget,
	.station_announced = fake_station_announced,
	.station_homes = fake_station_homes,
	.stations = fake_each_station,
	.counters = fake_counters,
};
