/* Where the programs are attached, and how they are put back when others took them away. */
#include "daemon/datapath/dp-bpf-internal.h"

#include "lib/base/array.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

/* Under TCX the kernel does not tell what others do; one question for each hook does. */
#define CHECK_INTERVAL (5 * NSEC_PER_SEC)
#define CHECKS_PER_SECOND 16

/* After a repair that failed. */
#define RETRY_INTERVAL (5 * NSEC_PER_SEC)

static struct dp_hook *find(struct dp_watch *watch, const struct dp_hook_spec *spec)
{
	for (unsigned i = 0; i < watch->n_hooks; i++)
		if (watch->hooks[i].spec.ifindex == spec->ifindex &&
		    watch->hooks[i].spec.place == spec->place)
			return &watch->hooks[i];
	return NULL;
}

static void mark_watched(struct dp_watch *watch)
{
	__u64 bits[ARRAY_SIZE(watch->watched)] = {};

	for (unsigned i = 0; i < watch->n_hooks; i++) {
		unsigned ifindex = (unsigned)watch->hooks[i].spec.ifindex;

		bits[ifindex / 64 % ARRAY_SIZE(bits)] |= 1ull << ifindex % 64;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(bits); i++)
		__atomic_store_n(&watch->watched[i], bits[i], __ATOMIC_RELAXED);
}

static int attach(struct dp_bpf *dp, const struct dp_hook_spec *spec,
		  struct bpf_attachment *attachment, bool regain, struct err *e)
{
	int program;
	int r = dp_program(dp, dp_program_of(spec->rules, spec->sends), &program, e);

	return r < 0 ? r : bpf_attach(&dp->attacher, attachment, program, regain, e);
}

int dp_hook_attach(struct dp_bpf *dp, const struct dp_hook_spec *spec, bool *keep_clsact,
		   struct err *e)
{
	struct bpf_attachment attachment = { .ifindex = spec->ifindex,
					     .place = spec->place,
					     .keep_clsact = *keep_clsact };
	struct dp_watch *watch = &dp->watch;
	struct dp_hook *hook = find(watch, spec);
	int r;

	if (!hook && watch->n_hooks == DP_HOOKS)
		return err_set(e, -ENOSPC, "more than %d places have programs of ours", DP_HOOKS);
	r = attach(dp, spec, &attachment, false, e);
	if (r < 0)
		return r;
	*keep_clsact = attachment.keep_clsact;
	if (!hook)
		hook = &watch->hooks[watch->n_hooks++];
	*hook = (struct dp_hook){ .spec = *spec, .attachment = attachment };
	mark_watched(watch);
	return 0;
}

static void forget(struct dp_watch *watch, struct dp_hook *hook)
{
	*hook = watch->hooks[--watch->n_hooks];
	mark_watched(watch);
}

int dp_hook_detach(struct dp_bpf *dp, const struct dp_hook_spec *spec, bool keep_clsact,
		   struct err *e)
{
	const struct bpf_attachment attachment = { .ifindex = spec->ifindex,
						   .place = spec->place,
						   .keep_clsact = keep_clsact };
	struct dp_hook *hook = find(&dp->watch, spec);

	if (hook)
		forget(&dp->watch, hook);
	return bpf_detach(&dp->attacher, &attachment, e);
}

void dp_hook_forget(struct dp_bpf *dp, int ifindex)
{
	struct dp_watch *watch = &dp->watch;

	for (unsigned i = watch->n_hooks; i-- > 0;) {
		const struct dp_hook_spec spec = watch->hooks[i].spec;

		if (spec.ifindex != ifindex && !(spec.sends && spec.peer == ifindex))
			continue;
		forget(watch, &watch->hooks[i]);
		bpf_attach_forget(&dp->attacher, spec.ifindex);
	}
	bpf_attach_forget(&dp->attacher, ifindex);
}

static bool has_place(void *userdata, int ifindex, enum bpf_place place)
{
	const struct dp_bpf *dp = userdata;
	struct rtnl_device device;
	struct abi_member member;
	struct abi_team team;
	struct err ignored;

	/* The map has a netkit by its other end. */
	if (place == BPF_PLACE_NETKIT)
		return rtnl_device_by_index(dp->rtnl, ifindex, &device, &ignored) == 0 &&
		       dp_maps_get_team(dp, device.lower, &team);
	return dp_maps_get_member(dp, ifindex, &member) || dp_maps_get_team(dp, ifindex, &team);
}

static bool has_none(void *userdata, int ifindex, enum bpf_place place)
{
	return false;
}

void dp_hook_tidy(struct dp_bpf *dp)
{
	bpf_attach_tidy(&dp->attacher, has_place, dp);
}

void dp_hook_forget_all(struct dp_bpf *dp)
{
	dp->watch.n_hooks = 0;
	mark_watched(&dp->watch);
	bpf_attach_tidy(&dp->attacher, has_none, dp);
}

[[gnu::format(printf, 4, 5)]] static bool report(struct dp_watch *watch, const struct dp_hook *hook,
						 enum dp_report_type type, const char *format, ...)
{
	struct dp_report *report;
	va_list args;

	if (watch->n_reports == DP_REPORTS)
		return false;
	report = &watch->reports[watch->n_reports++];
	report->type = type;
	report->ifindex = hook->spec.sends ? hook->spec.team : hook->spec.ifindex;
	va_start(args, format);
	(void)vsnprintf(report->sentence, sizeof(report->sentence), format, args);
	va_end(args);
	return true;
}

struct stranger {
	char text[80];
};

/* Its name can be asked for only with more privilege than the daemon needs for anything else. */
static void name_stranger(uint32_t id, struct stranger *ret)
{
	struct bpf_prog_info info = {};
	uint32_t size = sizeof(info);
	cleanup(closep) int fd = id ? bpf_prog_get_fd_by_id(id) : -1;

	if (!id)
		(void)snprintf(ret->text, sizeof(ret->text), "another traffic filter");
	else if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && info.name[0])
		(void)snprintf(ret->text, sizeof(ret->text), "another eBPF program (%s, number %u)",
			       info.name, id);
	else
		(void)snprintf(ret->text, sizeof(ret->text), "another eBPF program (number %u)",
			       id);
}

static const char *place_words(const struct dp_hook_spec *spec)
{
	switch (spec->place) {
	case BPF_PLACE_INGRESS:
		break;
	case BPF_PLACE_EGRESS:
		return "the egress of the team's device";
	case BPF_PLACE_NETKIT:
		return "the place where the team's device sends (netkit)";
	}
	return spec->sends ? "the hidden device's ingress" : "its ingress";
}

static void describe(const struct dp_hook *hook, enum bpf_attach_state state, uint32_t id,
		     char text[static DP_REPORT_SIZE])
{
	const char *place = place_words(&hook->spec);
	struct stranger stranger;

	name_stranger(id, &stranger);
	switch (state) {
	case BPF_ATTACH_FINE:
		(void)snprintf(text, DP_REPORT_SIZE, "nothing is wrong");
		break;
	case BPF_ATTACH_GONE:
		(void)snprintf(text, DP_REPORT_SIZE, "somebody took our program from %s", place);
		break;
	case BPF_ATTACH_REPLACED:
		(void)snprintf(text, DP_REPORT_SIZE, "%s was put in the place of ours at %s",
			       stranger.text, place);
		break;
	case BPF_ATTACH_BEHIND:
		(void)snprintf(text, DP_REPORT_SIZE, "%s was put before ours at %s", stranger.text,
			       place);
		break;
	}
}

/* The note of whose the clsact is belongs to what a later daemon has to know. */
static void note_clsact(struct dp_bpf *dp, const struct dp_hook *hook)
{
	struct dp_member_entry entry = { .ifindex = (uint32_t)hook->spec.ifindex };
	struct err ignored;

	if (hook->spec.sends || !dp_maps_get_member(dp, hook->spec.ifindex, &entry.member) ||
	    entry.member.found.clsact == hook->attachment.keep_clsact)
		return;
	entry.member.found.clsact = hook->attachment.keep_clsact;
	(void)dp_maps_put_member(dp, &entry, &ignored);
}

/* What looks as if our program had been taken away may be a new device that has the number of one
 * that is gone, of which the news are still on their way. */
static int check_device(struct dp_bpf *dp, const struct dp_hook_spec *spec, struct err *e)
{
	struct rtnl_device device;
	struct abi_member member;
	int r = rtnl_device_by_index(dp->rtnl, spec->ifindex, &device, e);

	if (r < 0)
		return r;
	if (spec->sends &&
	    strncmp(device.alias, DP_BPF_ALIAS_PREFIX, strlen(DP_BPF_ALIAS_PREFIX)) == 0)
		return 0;
	if (!spec->sends && dp_maps_get_member(dp, spec->ifindex, &member) &&
	    memcmp(device.mac.bytes, member.found.mac, ABI_MAC_SIZE) == 0)
		return 0;
	return err_set(e, -ESTALE, "by its %s it is another device",
		       spec->sends ? "alias" : "MAC address");
}

static int repair(struct dp_bpf *dp, struct dp_hook *hook, struct err *e)
{
	enum dp_program_id id = dp_program_of(hook->spec.rules, hook->spec.sends);
	int *copy = &dp->watch.copies[id];
	int r = check_device(dp, &hook->spec, e);

	if (r < 0)
		return r;
	r = attach(dp, &hook->spec, &hook->attachment, true, e);
	if (r == -EEXIST) {
		r = dp_copy_program(dp, id, copy, e);
		if (r == 0)
			r = bpf_attach(&dp->attacher, &hook->attachment, *copy, true, e);
	}
	note_clsact(dp, hook);
	return r;
}

/* What would have left directly leaves by the usual way. */
static bool is_needed(const struct dp_hook *hook)
{
	return hook->spec.place != BPF_PLACE_EGRESS;
}

/* What has no room in the reports is told after the next check. */
static void hinder(struct dp_watch *watch, struct dp_hook *hook, const char *why)
{
	if (!hook->hindered)
		hook->hindered =
			!is_needed(hook) || report(watch, hook, DP_REPORT_HINDERED, "%s", why);
}

static void unhinder(struct dp_watch *watch, struct dp_hook *hook)
{
	if (hook->hindered)
		hook->hindered =
			is_needed(hook) && !report(watch, hook, DP_REPORT_UNHINDERED, "%s", "");
}

/* Told once, however often it is tried. */
static void give_up(struct dp_watch *watch, struct dp_hook *hook, const char *what,
		    const struct err *e)
{
	char text[DP_REPORT_SIZE];

	if (hook->hindered)
		return;
	(void)snprintf(text, sizeof(text), "%s, and it cannot be put right: %s", what, e->text);
	(void)report(watch, hook, DP_REPORT_DISTURBED, "%s", text);
	hinder(watch, hook, text);
}

static void tell_repair(struct dp_watch *watch, struct dp_hook *hook, const char *what, bool insist)
{
	if (insist)
		(void)report(watch, hook, DP_REPORT_DISTURBED,
			     "%s; ours is the first there again, for the %dth time within a "
			     "minute: as others insist, from now on it is put back once a minute "
			     "only",
			     what, REPAIR_LIMIT_REPAIRS);
	else
		(void)report(watch, hook, DP_REPORT_DISTURBED, "%s; ours is the first there again",
			     what);
}

static void put_back(struct dp_bpf *dp, struct dp_hook *hook, const char *what, nsec_t now)
{
	bool slowed = hook->limit.slowed, insist;
	struct err e;
	int r = repair(dp, hook, &e);

	if (r == -ENODEV)
		return; /* The link monitor tells that. */
	if (r < 0) {
		give_up(&dp->watch, hook, what, &e);
		return;
	}
	insist = repair_limit_note(&hook->limit, now);
	unhinder(&dp->watch, hook);
	/* No line for each of many. */
	if (!slowed)
		tell_repair(&dp->watch, hook, what, insist);
}

static void find_fine(struct dp_watch *watch, struct dp_hook *hook, nsec_t now)
{
	unhinder(watch, hook);
	if (repair_limit_peace(&hook->limit, now))
		(void)report(watch, hook, DP_REPORT_DISTURBED,
			     "others leave our program alone again");
}

static void check(struct dp_bpf *dp, struct dp_hook *hook, nsec_t now)
{
	char what[DP_REPORT_SIZE];
	enum bpf_attach_state state;
	uint32_t stranger;
	struct err ignored;

	if (bpf_attach_check(&dp->attacher, &hook->attachment, &state, &stranger, &ignored) < 0)
		return; /* The device is gone, which the link monitor tells. */
	if (state == BPF_ATTACH_FINE) {
		find_fine(&dp->watch, hook, now);
		return;
	}
	describe(hook, state, stranger, what);
	if (repair_limit_allows(&hook->limit, now))
		put_back(dp, hook, what, now);
	else
		hinder(&dp->watch, hook, what);
}

void dp_hook_check_all(struct dp_bpf *dp, nsec_t now)
{
	nsec_t slowest = dp->watch.n_hooks * NSEC_PER_SEC / CHECKS_PER_SECOND;
	struct dp_watch *watch = &dp->watch;
	bool restless = false;

	watch->n_reports = 0;
	for (unsigned i = 0; i < watch->n_hooks; i++) {
		check(dp, &watch->hooks[i], now);
		restless |= watch->hooks[i].hindered || watch->hooks[i].limit.slowed;
	}
	watch->next = NSEC_NEVER;
	if (dp->attacher.tcx || dp->netkit)
		watch->next = now + (slowest > CHECK_INTERVAL ? slowest : CHECK_INTERVAL);
	else if (restless)
		watch->next = now + RETRY_INTERVAL;
}
