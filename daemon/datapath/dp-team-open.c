/* Making, taking over, changing and deleting team devices. */
#include "daemon/datapath/dp-team-internal.h"

#include "daemon/datapath/claim.h"
#include "daemon/kernel/team-device.h"
#include "lib/base/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* One for each member and the first for all: balancing by virtual machine will want them, and the
 * number cannot be changed later. It also tells an unfinished device of ours from others'. */
#define TX_QUEUES (1 + PLACEMENT_MEMBERS)

#define KIND "team"

static void alias_of(const struct driver_team *team, char alias[static RTNL_ALIAS_SIZE])
{
	(void)snprintf(alias, RTNL_ALIAS_SIZE, CLAIM_ALIAS_PREFIX "%s", team->spec.name);
}

/* A daemon that was killed while it made the device has not come to the alias. */
static bool is_ours(const struct driver_team *team, const struct rtnl_device *device)
{
	char alias[RTNL_ALIAS_SIZE];

	alias_of(team, alias);
	if (strcmp(device->kind, KIND) != 0)
		return false;
	return strcmp(device->alias, alias) == 0 ||
	       (!device->alias[0] && device->n_tx_queues == TX_QUEUES);
}

/* Under another name our device would be adopted by nobody, and its members be in the way. */
struct renamed {
	const char *alias;
	char name[IFNAMSIZ];
};

static int see_renamed(void *userdata, const struct rtnl_device *device)
{
	struct renamed *renamed = userdata;

	if (strcmp(device->kind, KIND) == 0 && strcmp(device->alias, renamed->alias) == 0)
		memcpy(renamed->name, device->name, sizeof(renamed->name));
	return 0;
}

static int check_renamed(const struct driver_team *team, struct err *e)
{
	char alias[RTNL_ALIAS_SIZE];
	struct renamed renamed = { .alias = alias };
	int r;

	alias_of(team, alias);
	r = rtnl_devices(team->driver->rtnl, see_renamed, &renamed, e);
	if (r == 0 && renamed.name[0])
		return err_set(e, -EEXIST,
			       "the team's device was renamed to %s; give it back its name",
			       renamed.name);
	return r;
}

static int make_device(struct driver_team *team, struct rtnl_device *ret, struct err *e)
{
	const struct rtnl_team wanted = {
		.name = team->spec.name,
		.mac = team->spec.mac,
		.mtu = team->spec.mtu,
		.n_tx_queues = TX_QUEUES,
	};
	struct rtnl *rtnl = team->driver->rtnl;
	int r = check_renamed(team, e);

	if (r < 0)
		return r;
	r = rtnl_add_team(rtnl, &wanted, e);
	if (r == -EOPNOTSUPP)
		return err_set(e, r, "the kernel has no team driver (module \"team\")");
	if (r < 0)
		return err_prefix(e, "cannot make the device");
	return rtnl_device_by_name(rtnl, team->spec.name, ret, e);
}

static int find_or_make(struct driver_team *team, struct rtnl_device *ret, bool *made,
			struct err *e)
{
	int r = rtnl_device_by_name(team->driver->rtnl, team->spec.name, ret, e);

	*made = r == -ENODEV;
	if (r == -ENODEV)
		return make_device(team, ret, e);
	if (r < 0 || is_ours(team, ret))
		return r;
	if (strncmp(ret->alias, CLAIM_ALIAS_PREFIX, strlen(CLAIM_ALIAS_PREFIX)) == 0)
		return err_set(e, -EEXIST,
			       "its device (of kind %s) was made by another datapath: delete the "
			       "team there first",
			       ret->kind);
	return err_set(e, -EEXIST, "a device of that name is there%s%s, and it is not ours",
		       ret->kind[0] ? ", of kind " : "", ret->kind);
}

static int prepare(const struct driver_team *team, enum hash_fields fields, struct err *e)
{
	struct dp_team_hash hash;
	const struct sock_fprog *program;
	bool changed;

	dp_team_hash_make(fields, &hash);
	program = &(struct sock_fprog){ .len = (uint16_t)hash.n, .filter = hash.code };
	return team_device_prepare(team->ifindex, program, &changed, e);
}

/* The alias says that the device is complete, so it comes last. */
static int finish(struct driver_team *team, const struct rtnl_device *device, struct err *e)
{
	struct rtnl *rtnl = team->driver->rtnl;
	char alias[RTNL_ALIAS_SIZE];
	int r;

	alias_of(team, alias);
	if (strcmp(device->alias, alias) == 0)
		return 0;
	r = rtnl_set_up(rtnl, device->ifindex, true, e);
	return r < 0 ? r : rtnl_set_alias(rtnl, device->ifindex, alias, e);
}

/* What is read, and what it is read into. */
struct finding {
	struct dp_team_options options;
	struct dp_team_wish wish;
};

static void see_option(void *userdata, const struct team_option *option)
{
	struct finding *finding = userdata;

	dp_team_options_take(&finding->options, option, (struct span){});
}

static int adopt(struct driver_job *job, struct err *e)
{
	cleanup(freep) struct finding *finding = calloc(1, sizeof(*finding));
	struct driver_team *team = job->team;
	struct datapath_team_info *info = &job->info;
	int r;

	if (!finding)
		return err_errno(e, -ENOMEM, "cannot read its options");
	r = team_genl_read(job->driver->genl, team->ifindex, see_option, finding, e);
	if (r < 0)
		return err_prefix(e, "cannot read its options");
	dp_team_wish_adopt(&finding->options, &finding->wish);
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++) {
		info->member_ifindexes[slot] = finding->wish.ifindexes[slot];
		info->members |= finding->wish.ifindexes[slot] ? (member_set)1 << slot : 0;
	}
	info->may_send = finding->wish.may_send;
	info->may_receive = finding->wish.may_receive;
	info->fit = finding->wish.may_send & finding->wish.carrier;
	info->carrier = finding->wish.team_carrier;
	info->plan = finding->wish.plan;
	driver_lock(job->driver);
	team->wish = finding->wish;
	team->wish.steered = !datapath_rules_are_plain(&team->spec.rules);
	team->hash = team->spec.hash;
	job->driver->relisten = true;
	driver_unlock(job->driver);
	return 0;
}

int driver_open_run(struct driver_job *job, struct err *e)
{
	struct driver_team *team = job->team;
	struct rtnl_device device;
	struct err ignored;
	bool made;
	int r = find_or_make(team, &device, &made, e);

	if (r == 0) {
		team->ifindex = device.ifindex;
		r = prepare(team, team->spec.hash, e);
		if (r == 0)
			r = finish(team, &device, e);
		if (r == 0)
			r = adopt(job, e);
		if (r < 0 && made)
			(void)rtnl_delete_device(job->driver->rtnl, device.ifindex, &ignored);
	}
	if (r < 0)
		return err_prefix(e, "cannot open the team %s", team->spec.name);
	/* What differs from the specification is told apart from it by team_configure(). */
	team->spec.mtu = device.mtu;
	job->info.ifindex = device.ifindex;
	job->info.adopted = !made;
	return 0;
}

static int set_hash(struct driver_team *team, enum hash_fields fields, struct err *e)
{
	/* First the wish: the applier would set it back. */
	driver_lock(team->driver);
	team->serial += team->hash != fields;
	team->hash = fields;
	driver_unlock(team->driver);
	return prepare(team, fields, e);
}

static int set_mac(struct driver_team *team, const struct mac *mac, struct err *e)
{
	struct driver *driver = team->driver;
	int ifindexes[PLACEMENT_MEMBERS];
	int r = 0;

	team->spec.mac = *mac;
	if (rtnl_set_mac(driver->rtnl, team->ifindex, mac, e) < 0)
		return err_prefix(e, "cannot set its MAC address");
	driver_lock(driver);
	memcpy(ifindexes, team->wish.ifindexes, sizeof(ifindexes));
	driver_unlock(driver);
	for (unsigned slot = 0; r == 0 && slot < PLACEMENT_MEMBERS; slot++)
		if (ifindexes[slot])
			r = driver_set_port_mac(driver, ifindexes[slot], mac, e);
	return r == -ENODEV ? 0 : r;
}

static int set_steered(struct driver_team *team, bool steered, struct err *e)
{
	struct driver *driver = team->driver;
	int ifindexes[PLACEMENT_MEMBERS];
	bool changed;
	int r = 0;

	driver_lock(driver);
	changed = team->wish.steered != steered;
	team->serial += changed;
	team->wish.steered = steered;
	memcpy(ifindexes, team->wish.ifindexes, sizeof(ifindexes));
	driver_unlock(driver);
	for (unsigned slot = 0; changed && r == 0 && slot < PLACEMENT_MEMBERS; slot++)
		if (ifindexes[slot])
			r = driver_give_queue(team, slot, ifindexes[slot], e);
	return r;
}

static int configure(struct driver_team *team, const struct datapath_team_spec *spec, struct err *e)
{
	struct rtnl *rtnl = team->driver->rtnl;
	struct rtnl_device device;
	int r = rtnl_device_by_index(rtnl, team->ifindex, &device, e);

	if (r < 0)
		return r;
	/* The kernel gives it to the members, too, or to none of them. */
	if (device.mtu != spec->mtu && rtnl_set_mtu(rtnl, team->ifindex, spec->mtu, e) < 0)
		return err_prefix(e, "cannot set the MTU to %u", spec->mtu);
	team->spec.mtu = spec->mtu;
	if (!mac_equal(&device.mac, &spec->mac))
		r = set_mac(team, &spec->mac, e);
	if (r == 0)
		r = set_steered(team, !datapath_rules_are_plain(&spec->rules), e);
	return r < 0 ? r : set_hash(team, spec->hash, e);
}

int driver_configure_run(struct driver_job *job, struct err *e)
{
	if (configure(job->team, &job->spec, e) < 0)
		return err_prefix(e, "cannot change the team %s", job->team->spec.name);
	return 0;
}

/* The marks of the members, which go with the device. */
static void read_wish(struct driver_team *team, struct dp_team_wish *ret)
{
	driver_lock(team->driver);
	*ret = team->wish;
	memset(team->wish.ifindexes, 0, sizeof(team->wish.ifindexes));
	driver_unlock(team->driver);
}

int driver_delete_run(struct driver_job *job, struct err *e)
{
	struct driver_team *team = job->team;
	struct rtnl_device device;
	struct dp_team_wish wish;
	int first = 0;
	int r = rtnl_device_by_index(job->driver->rtnl, team->ifindex, &device, e);

	read_wish(team, &wish);
	if (r == 0 && is_ours(team, &device))
		r = rtnl_delete_device(job->driver->rtnl, team->ifindex, e);
	if (r < 0 && r != -ENODEV)
		first = r;
	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++) {
		struct err one;

		if (!wish.ifindexes[slot])
			continue;
		r = driver_set_back(team, wish.ifindexes[slot], wish.marks[slot], &one);
		if (r < 0 && first == 0) {
			first = r;
			*e = one;
		}
	}
	return first < 0 ? err_prefix(e, "cannot delete the team %s wholly", team->spec.name) : 0;
}

int driver_count_run(struct driver_job *job, struct err *e)
{
	struct rtnl *rtnl = job->driver->rtnl;
	struct rtnl_counters counters;

	for (unsigned slot = 0; slot < PLACEMENT_MEMBERS; slot++) {
		if (!job->ifindexes[slot] ||
		    rtnl_device_counters(rtnl, job->ifindexes[slot], &counters, e) < 0)
			continue;
		job->counters.members[slot] = (struct datapath_member_counters){
			.rx_packets = counters.rx_packets,
			.rx_bytes = counters.rx_bytes,
			.tx_packets = counters.tx_packets,
			.tx_bytes = counters.tx_bytes,
			.rx_not_collecting = counters.rx_nohandler,
		};
	}
	if (rtnl_device_counters(rtnl, job->team->ifindex, &counters, e) == 0)
		job->counters.tx_no_member = counters.tx_dropped;
	return 0;
}
