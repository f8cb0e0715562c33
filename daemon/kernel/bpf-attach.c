#include "daemon/kernel/bpf-attach.h"

#include "daemon/kernel/bpf-filter.h"
#include "lib/base/array.h"
#include "lib/base/cleanup.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#define LINK_NAME_SIZE 32

static const struct {
	const char *prefix; /* Of the names of pinned links. */
	const char *words;
} places[] = {
	[BPF_PLACE_INGRESS] = { "link-", "at its ingress" },
	[BPF_PLACE_EGRESS] = { "out-", "at its egress" },
	[BPF_PLACE_NETKIT] = { "netkit-", "where it sends" },
};

static void link_name(int ifindex, enum bpf_place place, char name[static LINK_NAME_SIZE])
{
	(void)snprintf(name, LINK_NAME_SIZE, "%s%d", places[place].prefix, ifindex);
}

static bool by_link(const struct bpf_attacher *attacher, enum bpf_place place)
{
	return attacher->tcx || place == BPF_PLACE_NETKIT;
}

static struct bpf_filter_at filter_at(const struct bpf_attachment *attachment)
{
	return (struct bpf_filter_at){ attachment->ifindex, attachment->place == BPF_PLACE_EGRESS };
}

static uint32_t program_number(int program)
{
	struct bpf_prog_info info = {};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(program, &info, &size) < 0 ? 0 : info.id;
}

/* Where in the chain the link is; chain->n if it is not there. */
static unsigned position(const struct tcx_chain *chain, uint32_t link)
{
	unsigned i = 0;

	while (i < chain->n && (link == 0 || chain->links[i] != link))
		i++;
	return i;
}

/* Opens the link that is pinned for the device, if it is at this very device. That of a device that
 * had the number before, or that has gone to another namespace, is told by the device's own list.
 * -ENOENT: there is none. */
static int open_link(const struct bpf_attacher *attacher, const struct bpf_attachment *attachment,
		     const struct tcx_chain *chain, struct tcx_link *ret, int *ret_fd)
{
	cleanup(closep) int fd = -1;
	char name[LINK_NAME_SIZE];
	struct err ignored;
	int r;

	link_name(attachment->ifindex, attachment->place, name);
	r = bpf_pins_get(attacher->pins, name, &fd, &ignored);
	if (r < 0)
		return -ENOENT;
	r = tcx_link_read(fd, ret);
	if (r < 0 || ret->ifindex != attachment->ifindex || ret->place != attachment->place ||
	    position(chain, ret->id) == chain->n)
		return -ENOENT;
	*ret_fd = steal_fd(&fd);
	return 0;
}

/* A link whose pin goes is at work for some milliseconds more: it is detached before. */
static int remove_pinned(const struct bpf_attacher *attacher, const char *name, struct err *e)
{
	cleanup(closep) int fd = -1;
	struct tcx_link ignored;

	if (bpf_pins_get(attacher->pins, name, &fd, e) == 0 && tcx_link_read(fd, &ignored) == 0)
		(void)bpf_link_detach(fd);
	return bpf_pins_remove(attacher->pins, name, e);
}

static int remove_link(const struct bpf_attacher *attacher, int ifindex, enum bpf_place place,
		       struct err *e)
{
	char name[LINK_NAME_SIZE];

	link_name(ifindex, place, name);
	return remove_pinned(attacher, name, e);
}

/* A link of which the process holds the last reference would go with the process. */
static int attach_link(const struct bpf_attacher *attacher, struct bpf_attachment *attachment,
		       int program, struct err *e)
{
	cleanup(closep) int fd = -1;
	struct tcx_link link = {};
	char name[LINK_NAME_SIZE];
	int r = tcx_attach_first(attachment->ifindex, attachment->place, program, &fd);

	if (r == -EEXIST)
		return err_set(e, r, "this very program is attached to it already");
	if (r < 0)
		return err_errno(e, r, "cannot attach the program %s (by a link)",
				 places[attachment->place].words);
	r = tcx_link_read(fd, &link);
	if (r < 0)
		return err_errno(e, r, "cannot read the link to it");
	link_name(attachment->ifindex, attachment->place, name);
	r = bpf_pins_replace(attacher->pins, name, fd, e);
	if (r < 0)
		return r;
	attachment->link = link.id;
	attachment->program = link.program;
	return 0;
}

static int list_programs(const struct bpf_attachment *attachment, struct tcx_chain *ret,
			 struct err *e)
{
	int r = tcx_query(attachment->ifindex, attachment->place, ret);

	return r < 0 ? err_errno(e, r, "cannot list the programs %s",
				 places[attachment->place].words)
		     : 0;
}

/* A link cannot be moved. But a new one at the first place takes all frames, so that the old one,
 * which then goes, sees none any more. */
static int attach_by_link(const struct bpf_attacher *attacher, struct bpf_attachment *attachment,
			  int program, struct err *e)
{
	cleanup(closep) int fd = -1;
	struct tcx_chain chain;
	struct tcx_link link;
	int r = list_programs(attachment, &chain, e);

	if (r < 0)
		return r;
	if (open_link(attacher, attachment, &chain, &link, &fd) < 0)
		return attach_link(attacher, attachment, program, e);
	if (position(&chain, link.id) > 0) {
		r = attach_link(attacher, attachment, program, e);
		if (r == 0)
			(void)bpf_link_detach(fd);
		return r;
	}
	r = tcx_update(fd, program);
	if (r < 0)
		return err_errno(e, r, "cannot put the program in the place of the former one");
	attachment->link = link.id;
	attachment->program = program_number(program);
	return 0;
}

/* TCX sees a frame before clsact does, and our programs leave nothing for those that come after
 * them: while both are there, TCX alone works. So the new one comes before the old one goes. An
 * empty clsact stays until the device is set free: to add or to take away a queueing discipline
 * stops a device that is up from sending for some milliseconds. */
int bpf_attach(const struct bpf_attacher *attacher, struct bpf_attachment *attachment, int program,
	       bool regain, struct err *e)
{
	const struct bpf_filter_wish wish = { filter_at(attachment), program, regain };
	int r;

	if (by_link(attacher, attachment->place)) {
		r = attach_by_link(attacher, attachment, program, e);
		return r < 0 || attachment->place == BPF_PLACE_NETKIT
			       ? r
			       : bpf_filter_detach(attacher->rtnl, wish.at, true, e);
	}
	r = bpf_filter_attach(attacher->rtnl, &wish, &attachment->keep_clsact, e);
	if (r < 0)
		return r;
	attachment->link = 0;
	attachment->program = program_number(program);
	return remove_link(attacher, attachment->ifindex, attachment->place, e);
}

int bpf_detach(const struct bpf_attacher *attacher, const struct bpf_attachment *attachment,
	       struct err *e)
{
	struct err one;
	int first = attachment->place == BPF_PLACE_NETKIT
			    ? 0
			    : bpf_filter_detach(attacher->rtnl, filter_at(attachment),
						attachment->keep_clsact, e);
	int r = remove_link(attacher, attachment->ifindex, attachment->place, &one);

	/* The filters of a device that is gone went with it; a pin stays. */
	if (first < 0 || r == 0)
		return first;
	*e = one;
	return r;
}

void bpf_attach_forget(const struct bpf_attacher *attacher, int ifindex)
{
	struct err ignored;

	for (size_t place = 0; place < ARRAY_SIZE(places); place++)
		(void)remove_link(attacher, ifindex, (enum bpf_place)place, &ignored);
}

int bpf_attach_prepare(const struct bpf_attacher *attacher, int ifindex, struct err *e)
{
	return attacher->tcx ? 0 : bpf_filter_prepare(ifindex, e);
}

static enum bpf_attach_state judge_chain(const struct tcx_chain *chain,
					 const struct bpf_attachment *attachment,
					 uint32_t *ret_stranger)
{
	unsigned at = position(chain, attachment->link);

	*ret_stranger = 0;
	if (at == chain->n)
		return BPF_ATTACH_GONE;
	if (at == 0 && chain->programs[0] == attachment->program)
		return BPF_ATTACH_FINE;
	*ret_stranger = chain->programs[0];
	return at > 0 ? BPF_ATTACH_BEHIND : BPF_ATTACH_REPLACED;
}

static enum bpf_attach_state judge_filters(const struct bpf_filter_state *state,
					   const struct bpf_attachment *attachment,
					   uint32_t *ret_stranger)
{
	*ret_stranger = state->stranger;
	if (state->replaced)
		return BPF_ATTACH_REPLACED;
	if (state->taken)
		return BPF_ATTACH_BEHIND;
	if (!state->ours)
		return BPF_ATTACH_GONE;
	if (state->program == attachment->program)
		return BPF_ATTACH_FINE;
	*ret_stranger = state->program;
	return BPF_ATTACH_REPLACED;
}

int bpf_attach_check(const struct bpf_attacher *attacher, const struct bpf_attachment *attachment,
		     enum bpf_attach_state *ret, uint32_t *ret_stranger, struct err *e)
{
	struct bpf_filter_state state;
	struct tcx_chain chain;
	int r;

	if (by_link(attacher, attachment->place)) {
		r = list_programs(attachment, &chain, e);
		if (r == 0)
			*ret = judge_chain(&chain, attachment, ret_stranger);
		return r;
	}
	r = bpf_filter_state(attacher->rtnl, filter_at(attachment), &state, e);
	if (r == 0)
		*ret = judge_filters(&state, attachment, ret_stranger);
	return r;
}

bool bpf_attached(const struct bpf_attacher *attacher, int ifindex)
{
	const struct bpf_attachment at = { .ifindex = ifindex };
	cleanup(closep) int fd = -1;
	struct bpf_filter_state state;
	struct tcx_chain chain;
	struct tcx_link link;
	struct err ignored;

	if (tcx_query(ifindex, at.place, &chain) == 0 &&
	    open_link(attacher, &at, &chain, &link, &fd) == 0)
		return true;
	return bpf_filter_state(attacher->rtnl, filter_at(&at), &state, &ignored) == 0 &&
	       state.ours;
}

bool bpf_attach_has_others(const struct bpf_attacher *attacher, int ifindex)
{
	const struct bpf_attachment at = { .ifindex = ifindex };
	cleanup(closep) int fd = -1;
	struct bpf_filter_state state;
	struct tcx_chain chain;
	struct tcx_link link;
	struct err ignored;

	if (tcx_query(ifindex, at.place, &chain) == 0) {
		unsigned ours = open_link(attacher, &at, &chain, &link, &fd) == 0;

		if (chain.n > ours)
			return true;
	}
	return bpf_filter_state(attacher->rtnl, filter_at(&at), &state, &ignored) == 0 &&
	       state.others;
}

struct tidying {
	const struct bpf_attacher *attacher;
	bpf_attach_wanted *wanted;
	void *userdata;
};

static bool is_alive(const struct bpf_attacher *attacher, const char *name, int ifindex,
		     enum bpf_place place)
{
	cleanup(closep) int fd = -1;
	struct tcx_link link;
	struct err ignored;

	return bpf_pins_get(attacher->pins, name, &fd, &ignored) == 0 &&
	       tcx_link_read(fd, &link) == 0 && link.ifindex == ifindex && link.place == place;
}

/* Returns the rest of the name behind the ifindex; NULL: it is not that of a link. */
static const char *parse_name(const char *name, int *ret_ifindex, enum bpf_place *ret_place)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		size_t size = strlen(places[i].prefix);
		int end = 0;

		*ret_place = (enum bpf_place)i;
		if (strncmp(name, places[i].prefix, size) == 0 &&
		    sscanf(name + size, "%d%n", ret_ifindex, &end) == 1)
			return name + size + end;
	}
	return NULL;
}

static void tidy_one(void *userdata, const char *name)
{
	const struct tidying *tidying = userdata;
	enum bpf_place place;
	struct err ignored;
	int ifindex;
	const char *rest = parse_name(name, &ifindex, &place);

	if (!rest)
		return;
	if (!is_alive(tidying->attacher, name, ifindex, place) ||
	    !tidying->wanted(tidying->userdata, ifindex, place))
		(void)remove_pinned(tidying->attacher, name, &ignored);
	else if (strcmp(rest, BPF_PINS_NEW) == 0)
		bpf_pins_finish(tidying->attacher->pins, name);
}

void bpf_attach_tidy(const struct bpf_attacher *attacher, bpf_attach_wanted *wanted, void *userdata)
{
	struct tidying tidying = { attacher, wanted, userdata };

	bpf_pins_each(attacher->pins, tidy_one, &tidying);
}
